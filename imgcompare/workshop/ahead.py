"""Runs that go on in the background while somebody speaks: each a process of its own, one after another."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from msgspec import Struct, field

from imgcompare.console.signals import leave_signals_to_the_main_thread
from imgcompare.errors import EngineError, ImgcompareError, NoEngineError
from imgcompare.model import Report
from imgcompare.reports import store
from imgcompare.run.opening import Connection

_STOP_S = 30.0
# Told by `imgcompare run`: a variant may be broken, that is what a demo is about.
_FINISHED = (0, 1)


class Errand(Struct, frozen=True, kw_only=True):
    """One comparison to run: variants by name, the app's folder, a good reply's body, options that measure more."""

    name: str
    variants: Mapping[str, Path]
    context: Path
    body: str
    measure: tuple[str, ...] = ()

    def __hash__(self) -> int:
        return hash(self.name)

    def arguments(self, connection: Connection, report: Path) -> list[str]:
        """The command line of ``imgcompare run`` that writes the report."""
        place = {"--host": connection.host, "--docker-context": connection.context}
        return [
            *("run", "--quiet", "--build-context", str(self.context), "--expect-body", self.body),
            *self.measure,
            *(word for flag, value in place.items() if value for word in (flag, value)),
            *("--json", "-o", str(report)),
            *(f"{name}={path}" for name, path in self.variants.items()),
        ]


class Ahead(Struct, frozen=True):
    """The errands' reports, there or still to come."""

    reports: Mapping[str, Future[Report]]

    def ready(self, errand: Errand) -> bool:
        """Whether its report is there."""
        return self.reports[errand.name].done()

    def report(self, errand: Errand) -> Report:
        """Its report, waited for. Raises what kept it from being made."""
        return self.reports[errand.name].result()


class _Running(Struct):
    """The process that runs now, if one does, and whether no other is to be started."""

    process: subprocess.Popen[str] | None = None
    stopped: bool = False
    commands: list[str] = field(default_factory=list)


@contextmanager
def run_ahead(errands: Iterable[Errand], connection: Connection) -> Iterator[Ahead]:
    """Run the errands in their order; what still runs at the end is told to stop, and removes what it made."""
    running = _Running()
    with TemporaryDirectory(prefix="imgcompare-demo-") as folder:
        pool = ThreadPoolExecutor(1, "imgcompare-ahead", leave_signals_to_the_main_thread)
        try:
            yield Ahead(
                {
                    errand.name: pool.submit(_run, errand, connection, Path(folder), number, running)
                    for number, errand in enumerate(dict.fromkeys(errands))
                }
            )
        finally:
            running.stopped = True
            if running.process is not None:
                with suppress(ProcessLookupError):
                    running.process.send_signal(signal.SIGTERM)
            pool.shutdown(wait=True, cancel_futures=True)


def _run(errand: Errand, connection: Connection, folder: Path, number: int, running: _Running) -> Report:
    report = folder / f"{number}.json"
    # Neither the room's settings nor a project's are meant for it.
    environ = {name: text for name, text in os.environ.items() if not name.startswith("IMGCOMPARE_")}
    if running.stopped:
        raise EngineError("the demo is over")
    process = subprocess.Popen(
        [sys.executable, "-m", "imgcompare", *errand.arguments(connection, report)],
        cwd=folder,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,  # Ctrl-C is ours: a second signal would keep it from cleaning up
    )
    running.process = process
    told = process.communicate()[1]
    running.process = None
    if process.returncode not in _FINISHED:
        raise _failure(errand, process.returncode, told)
    document = store.load(report)
    assert isinstance(document, Report)  # noqa: S101 - variants on the command line make one comparison
    return document


def _failure(errand: Errand, code: int, told: str) -> ImgcompareError:
    """The error that the run told of, as ours."""
    lines = [line for line in told.splitlines() if line.strip()]
    error = "\n".join(line.removeprefix("Error: ") for line in lines if not line.startswith("Next: "))
    hint = next((line.removeprefix("Next: ") for line in lines if line.startswith("Next: ")), None)
    kind = NoEngineError if code == NoEngineError.exit_code else EngineError
    return kind(f"{errand.name} could not be run: {error or f'exit code {code}'}", hint=hint)
