"""The command line in a process of its own, forked from one that has imported it: a fifth of the time of a new one.

What the interpreter itself reads from the environment as it starts (PYTHON…, the locale, the time zone) needs a new
one: see `run`. Run as a program, this is the process that others are forked from.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_READ_AT_START = ("PYTHON", "LC_", "LANG", "TZ")
_WARNINGS = {"PYTHONWARNINGS": "error"}


def run(
    arguments: Sequence[str], cwd: Path, environ: Mapping[str, str], timeout_s: float = 180
) -> subprocess.CompletedProcess[str]:
    """Run ``imgcompare`` to the end, with nothing to read and its output captured. Raises subprocess.TimeoutExpired."""
    at_start = {name: value for name, value in environ.items() if name.startswith(_READ_AT_START)}
    if at_start != _WARNINGS:
        return subprocess.run(
            [sys.executable, "-m", "imgcompare", *arguments],
            cwd=cwd,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="surrogateescape",
            timeout=timeout_s,
            check=False,
        )
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, _parent() as parent:
        code = parent.fork(arguments, cwd, environ, (out, err), timeout_s)
        texts = [_text(file) for file in (out, err)]
    return subprocess.CompletedProcess(["imgcompare", *arguments], code, *texts)


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8", "surrogateescape").replace("\r\n", "\n")


class _Parent:
    """A process that has imported everything and forks; it ends when its stdin does."""

    def __init__(self) -> None:
        home = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            cwd=Path(__file__).parents[2],
            env={**home, **_WARNINGS},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def fork(
        self,
        arguments: Sequence[str],
        cwd: Path,
        environ: Mapping[str, str],
        files: Sequence[IO[bytes]],
        timeout_s: float,
    ) -> int:
        """Return the exit code, as `subprocess` tells it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        paths = [f"/proc/{os.getpid()}/fd/{file.fileno()}" for file in files]
        wanted = {"arguments": list(arguments), "cwd": str(cwd), "environ": dict(environ), "to": paths}
        self._process.stdin.write(json.dumps({**wanted, "timeout_s": timeout_s}) + "\n")
        self._process.stdin.flush()
        if (code := json.loads(self._process.stdout.readline())) is None:
            raise subprocess.TimeoutExpired(["imgcompare", *arguments], timeout_s)
        return int(code)

    def end(self) -> None:
        """Let it end, and wait for that."""
        self._process.communicate()


_idle: list[_Parent] = []


def end() -> None:
    """End all that nothing was asked of any more."""
    while _idle:
        _idle.pop().end()


@contextmanager
def _parent() -> Iterator[_Parent]:
    """One that nobody else has: a new one where all are at work. After an error it is not used again."""
    parent = _idle.pop() if _idle else _Parent()
    try:
        yield parent
    except BaseException:
        parent.end()
        raise
    _idle.append(parent)


def _serve() -> None:
    """Fork as it is asked to, one line each, and answer with the exit code, null where the time was over."""
    for line in iter(sys.stdin.readline, ""):
        wanted = json.loads(line)
        if (pid := os.fork()) == 0:
            _become(wanted)
        print(json.dumps(_wait(pid, wanted["timeout_s"])), flush=True)  # noqa: T201 - the answer


def _wait(pid: int, timeout_s: float) -> int | None:
    signal.signal(signal.SIGALRM, lambda *_: os.kill(pid, signal.SIGKILL))
    signal.setitimer(signal.ITIMER_REAL, timeout_s)
    status = os.waitpid(pid, 0)[1]
    left_s = signal.setitimer(signal.ITIMER_REAL, 0)[0]
    return os.waitstatus_to_exitcode(status) if left_s else None


def _become(wanted: dict[str, object]) -> NoReturn:
    from imgcompare.__main__ import main  # noqa: PLC0415 - the tests need none of it

    os.chdir(str(wanted["cwd"]))
    for number, path in enumerate((os.devnull, *wanted["to"])):  # type: ignore[misc]
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND)
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(wanted["environ"])  # type: ignore[call-overload]
    sys.argv = ["imgcompare", *wanted["arguments"]]  # type: ignore[misc]
    try:
        main()
    except SystemExit as exc:
        _leave(exc.code)
    except BaseException:  # noqa: BLE001 - what the interpreter does with it
        sys.excepthook(*sys.exc_info())
        _leave(1)


def _leave(code: object) -> NoReturn:
    """End as the interpreter does, but for taking apart every module: that copies all the memory of the parent's."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    gc.collect()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        code = 120
    os._exit(code if isinstance(code, int) else int(code is not None))


def _import_everything() -> None:
    import pkgutil  # noqa: PLC0415
    from importlib import import_module  # noqa: PLC0415

    import imgcompare  # noqa: PLC0415

    for module in pkgutil.walk_packages(imgcompare.__path__, "imgcompare."):
        if module.name != "imgcompare.remedy.inside":  # a program for containers
            import_module(module.name)
    gc.freeze()


if __name__ == "__main__":
    _import_everything()
    _serve()
