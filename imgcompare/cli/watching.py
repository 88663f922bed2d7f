"""``run --watch``: the same run again whenever what it is made from has changed, each in a process of its own."""

from __future__ import annotations

import mmap
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

from imgcompare.cli.output import Output
from imgcompare.cli.run_comparisons import choose, run_and_write
from imgcompare.config.resolve import Given
from imgcompare.config.toml_file import FILE_NAME
from imgcompare.errors import InterruptedRunError, UsageError
from imgcompare.run.sources import Sources, State, changed, look, sources_of
from imgcompare.text.printable import printable

_EVERY_S = 0.2
_SETTLED_S = 0.3
"""An editor writes a file in several steps, and a checkout many files: so long nothing more may come."""
_LOOK_TO_REST, _LONGEST_REST_S = 10, 10.0
"""Looking at a large context takes a while: it is done seldom enough to take a small share of a processor."""
_NAMED = 3
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Run(Protocol):
    """A run under way."""

    def is_running(self) -> bool:
        """Say whether it has not ended yet."""

    def cancel(self) -> None:
        """Let it clear up and end, if it has not."""


def watch(
    survey: Callable[[], Callable[[], State]],
    start: Callable[[], Run],
    pause: Callable[[float], bool],
    say: Callable[[str], None],
) -> None:
    """Run, and again after each change, until ``pause`` (which waits so long) says that it is to end.

    ``survey`` finds out what a run is made from, and returns what looks at that. A change cancels the run that it
    comes into, and the next begins when nothing more comes.
    """
    while True:
        see = survey()
        seen = see()
        run, told = start(), False
        while (now := see()) == seen:
            if not told and not run.is_running():
                say("Watching for changes; Ctrl-C ends.")
                told = True
            if not pause(_EVERY_S):
                return
        say(_named(changed(seen, now)))
        run.cancel()
        while True:
            if not pause(_SETTLED_S):
                return
            before, now = now, see()
            if now == before:
                break


def run_watching(given: Given, output: Output, project: Path, environ: Mapping[str, str]) -> int:
    """Watch until a signal ends it, and return the exit code that tells so. Raises UsageError before the first run."""
    sources = _sources(given, project, environ)

    def survey() -> Callable[[], State]:
        nonlocal sources
        with suppress(UsageError):  # which the run shows; until it is mended, the same is looked at
            sources = _sources(given, project, environ)
        return lambda: _rested(sources, end)

    with _ending() as end:
        watch(survey, lambda: end.start(lambda: run_and_write(given, output, project, environ)), end.pause, _say)
        end.wait()
    return 128 + end.number


def _sources(given: Given, project: Path, environ: Mapping[str, str]) -> Sources:
    file, selection = choose(given, project, environ)
    settings = {project / FILE_NAME, *([file.path.absolute()] if file else [])}
    return sources_of((each.config for each in selection.comparisons), sorted(settings), project / ".imgcompare")


def _rested(sources: Sources, end: _End) -> State:
    began = time.monotonic()
    state = look(sources)
    end.rest_s = min(_LOOK_TO_REST * (time.monotonic() - began), _LONGEST_REST_S)
    return state


def _named(paths: list[str]) -> str:
    names = [os.path.relpath(path) for path in paths[:_NAMED]]
    more = f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else ""
    return f"Changed: {', '.join(names)}{more}. Running again."


def _say(text: str) -> None:
    sys.stderr.write(f"{printable(text)}\n")
    sys.stderr.flush()


class _Forked:
    """A run in a child, which has a group of its own: a terminal's Ctrl-C reaches it through us alone, and once."""

    def __init__(self, pid: int, outdated: mmap.mmap) -> None:
        self.pid = pid
        self._ended = False
        self._outdated = outdated

    def is_running(self) -> bool:
        if not self._ended:
            self._ended = os.waitpid(self.pid, os.WNOHANG)[0] != 0
        return not self._ended

    def send(self, number: int) -> None:
        """Hand a signal on; called by a handler too, so it reaps nothing: the number cannot be another's yet."""
        if not self._ended:
            os.kill(self.pid, number)

    def wait(self) -> None:
        while self.is_running():
            time.sleep(0.02)

    def cancel(self) -> None:
        if self.is_running():
            self._outdated[0] = True
            self.send(signal.SIGINT)
            self.wait()


class _End:
    """The signal that ends the watching, and the run that it is handed to."""

    def __init__(self, earlier: Mapping[int, Any]) -> None:
        self.number = 0
        self.rest_s = 0.0
        self._run: _Forked | None = None
        self._earlier = earlier

    def heed(self, number: int, _frame: FrameType | None) -> None:
        """Remember a signal; the second leaves the run no time, as it does without watching."""
        self.number = number
        if self._run:
            self._run.send(number)

    def start(self, run: Callable[[], int]) -> Run:
        """Begin a run. In the child this never returns: its errors and its end are those of any command."""
        sys.stdout.flush()
        sys.stderr.flush()
        outdated = mmap.mmap(-1, 1)  # a byte that both sides see
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        pid = os.fork()
        if pid == 0:
            os.setpgid(0, 0)
            for number, handler in self._earlier.items():
                signal.signal(number, handler)
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            raise SystemExit(_code_of(run, outdated))
        self._run = _Forked(pid, outdated)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        return self._run

    def pause(self, seconds: float) -> bool:
        """Wait so long, or longer where looking takes long; say whether to go on."""
        until = time.monotonic() + max(seconds, self.rest_s)
        while not self.number and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, _EVERY_S))
        return not self.number

    def wait(self) -> None:
        """Wait for the run that a signal was handed to."""
        if self._run:
            self._run.wait()


def _code_of(run: Callable[[], int], outdated: mmap.mmap) -> int:
    """Run to the end. That a change cut it short was said as the change came, and is no error."""
    try:
        return run()
    except InterruptedRunError:
        if outdated[0]:
            return 0
        raise


@contextmanager
def _ending() -> Iterator[_End]:
    """Catch the signals that end it; under `nohup` the end of a terminal is to be outlived."""
    earlier: dict[int, Any] = {
        number: handler for number in _SIGNALS if (handler := signal.getsignal(number)) != signal.SIG_IGN
    }
    end = _End(earlier)
    for number in earlier:
        signal.signal(number, end.heed)
    try:
        yield end
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)
