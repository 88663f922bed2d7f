"""Run inside a container beside ``inside.py``: what comes of importing modules.

The modules of a package are imported one after another in one process, for a thousand processes take minutes, and
Python itself, with what packages want of its library, is started but once: the processes part from it. What fails
there is tried again alone, for an import may stand in another's way. Standard input is closed, and each has a
time: a module that waits for an answer or starts a server at its import must not hold the rest up.

Only the standard library is there, of Python 3.7 or later, and nothing of ours.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import json
import os
import select
import signal
import sys
import sysconfig
import time
from typing import Any

_SUFFIXES = (sysconfig.get_config_var("EXT_SUFFIX") or ".so", ".abi3.so", ".so")
_LANES = 4
_SINGLES = 300
_SINGLES_S = 10.0
# What many packages import of the standard library, and takes its time.
_OFTEN = (
    *("argparse", "asyncio", "concurrent.futures", "configparser", "csv", "dataclasses", "decimal", "difflib"),
    *("email.message", "email.policy", "hashlib", "html.parser", "http.client", "http.cookies", "importlib.resources"),
    *("inspect", "logging", "pprint", "secrets", "socketserver", "ssl", "tempfile", "textwrap"),
    *("typing", "urllib.request", "uuid", "xml.etree.ElementTree", "zipfile"),
)

_WORKER = """
import importlib, os, sys
names = b"".join(iter(lambda: os.read(0, 1 << 16), b"")).decode("utf-8", "surrogateescape").split("\\n")
said = os.fdopen(os.dup(1), "w", buffering=1, errors="backslashreplace")
null = os.open(os.devnull, os.O_RDWR)
for number in (0, 1, 2):
    os.dup2(null, number)
sys.argv = ["imgcompare"]
def maps(open=open):
    try:
        with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except OSError:
        return ""
def libraries(text):
    words = [line.split(None, 5)[5:] for line in text.splitlines() if ".so" in line]
    return {path for rest in words for path in rest if path[0] == "/"}
count, loaded = maps().count(".so"), libraries(maps())
for name in names:
    print("try", name, file=said)
    try:
        importlib.import_module(name)
    except BaseException as exc:
        print("no", type(exc).__name__ + ":", " ".join(str(exc).split())[:300], file=said)
    else:
        print("yes", file=said)
    text = maps()
    if text.count(".so") != count:
        count, now = text.count(".so"), libraries(text)
        for path in sorted(now - loaded):
            print("has", path, file=said)
        loaded |= now
os._exit(0)
"""


def imports(
    names: list[str], time_s: float, deadline: float, loaded: dict[str, str], *, together: bool = False
) -> dict[str, str]:
    """What comes of importing each: "" where it works, else why not; "?" where there was no time to say.

    ``loaded`` is told the libraries that were loaded for it, and by importing which of them.
    """
    # A process for each top-level package: what one sets up (Django's settings, say) must not carry another's imports.
    tops: dict[str, list[str]] = {}
    for name in names:
        tops.setdefault("" if together else name.partition(".")[0], []).append(name)
    _is_prepared()  # here, for those that part from this process have it, too
    outcome = _side_by_side(list(tops.values()), time_s, deadline, deadline)
    # What is not installed is not there for one alone either. As both images are asked in one order, what there is no
    # time for stays as it was.
    _take_libraries(outcome, loaded)
    failed = [name for name, why in outcome.items() if why and not why.startswith("ModuleNotFoundError")][:_SINGLES]
    again = _side_by_side([[name] for name in failed], time_s, deadline, time.monotonic() + _SINGLES_S)
    _take_libraries(again, loaded)
    outcome.update({name: why for name, why in again.items() if why != "?"})
    return {name: outcome.get(name, "?") for name in names}


def _take_libraries(outcome: dict[str, str], loaded: dict[str, str]) -> None:
    """Part the libraries from the modules."""
    _update(loaded, {path: outcome.pop(path) for path in list(outcome) if path.startswith("/")})


def _update(outcome: dict[str, str], more: dict[str, str]) -> None:
    """Add to it; of those who loaded a library the first by name is told, whoever came first."""
    for name, why in more.items():
        outcome[name] = min(why, outcome.get(name, why)) if name.startswith("/") else why


def _side_by_side(groups: list[list[str]], time_s: float, deadline: float, until: float) -> dict[str, str]:
    """What comes of each group's imports, by name, and which of them loaded a library, by its path.

    Those that have not begun ``until`` then do not begin.
    """
    waiting, numbers = os.pipe()
    lanes = []
    for _ in range(min(_LANES, len(groups))):
        reading, writing = os.pipe()
        pid = os.fork()
        if not pid:
            os.close(numbers)
            _lane(waiting, writing, groups, time_s, deadline, until)
        os.close(writing)
        lanes.append((pid, reading))
    os.close(waiting)
    with os.fdopen(numbers, "wb") as file:
        file.write(b"".join(number.to_bytes(4, "big") for number in range(len(groups))))
    outcome: dict[str, str] = {}
    for pid, reading in lanes:
        with os.fdopen(reading, "rb") as answer:
            _update(outcome, json.loads(answer.read()))  # nothing, where it broke, is no answer at all
        os.waitpid(pid, 0)
    return outcome


def _lane(waiting: int, writing: int, groups: list[list[str]], time_s: float, deadline: float, until: float) -> None:
    """Take one group after another, as other lanes do, and tell what came of them; it does not return."""
    try:
        outcome: dict[str, str] = {}
        for number in iter(lambda: os.read(waiting, 4), b""):
            if time.monotonic() < until:
                _batch(groups[int.from_bytes(number, "big")], time_s, deadline, outcome)
        with os.fdopen(writing, "wb") as answer:
            answer.write(json.dumps(outcome).encode())
    finally:
        os._exit(0)


def _batch(names: list[str], time_s: float, deadline: float, outcome: dict[str, str]) -> None:
    """Import in one process after another: each begins behind the module that ended the one before."""
    left = list(names)
    while left and time.monotonic() < deadline:
        tried = _process(left, time_s, deadline, outcome)
        left = left[tried:]


def _process(names: list[str], time_s: float, deadline: float, outcome: dict[str, str]) -> int:
    """Import in one process as far as it goes; say how many it took."""
    pid, descriptor = _worker("\n".join(names).encode("utf-8", "surrogateescape"))
    count, pending = 0, b""
    ended = "it ends the process"
    while True:
        wait_s = min(time_s, deadline - time.monotonic())
        if wait_s <= 0 or not select.select([descriptor], [], [], wait_s)[0]:
            ended = "?" if time.monotonic() >= deadline else "?: it takes too long"
            break
        data = os.read(descriptor, 1 << 16)
        if not data:
            break
        *lines, pending = (pending + data).split(b"\n")
        for line in lines:
            word, _, rest = line.decode("utf-8", "replace").partition(" ")
            if word == "try":
                count += 1
            elif word == "has":
                _update(outcome, {rest: names[max(count, 1) - 1]})
            elif count:
                outcome[names[count - 1]] = "" if word == "yes" else rest or "it fails"
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    os.close(descriptor)
    if count and names[count - 1] not in outcome:
        outcome[names[count - 1]] = ended
    return max(count, 1)


def _worker(names: bytes) -> tuple[int, int]:
    """A process that imports these, and where it tells of them.

    It is this one once more, which has the standard library's part of the work behind it; a new one where the
    application has a module in the place of one of these.
    """
    asked, asking = os.pipe()
    reading, telling = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            os.dup2(asked, 0)
            os.dup2(telling, 1)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            os.closerange(3, 1 << 10)
            if _is_prepared():
                exec(_WORKER, {"__name__": "__main__"})  # noqa: S102 - our own text
            os.execv(sys.executable, [sys.executable, "-c", _WORKER])  # noqa: S606
        finally:
            os._exit(1)
    os.close(asked)
    os.close(telling)
    with contextlib.suppress(OSError), os.fdopen(asking, "wb") as file:
        file.write(names)
    return pid, reading


@functools.lru_cache(maxsize=None)  # noqa: UP033 - Python 3.7
def _is_prepared() -> bool:
    """Import what many packages import, from the standard library alone; whether it is what they would import.

    Not so where a folder before the standard library's has a module of the same name.
    """
    standard = os.path.dirname(os.__file__)
    path = sys.path[:]
    sys.path[:] = [place for place in path if place == standard or place.startswith(f"{standard}/lib-dynload")]
    for name in _OFTEN:
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    sys.path[:] = path
    before = path[: path.index(standard)] if standard in path else path
    try:
        first = {name for place in before for name in _first_of(place or ".")}
    except OSError:
        return False  # what is there cannot be seen
    return not first.intersection(name.partition(".")[0] for name in sys.modules)


def _first_of(folder: str) -> Any:
    """The modules of a folder that come before those of folders behind it; a folder without ``__init__`` does not."""
    for file in os.listdir(folder) if os.path.isdir(folder) else ():
        path, name = os.path.join(folder, file), file.partition(".")[0]
        begins = [os.path.join(path, f"__init__{end}") for end in (".py", ".pyc", *_SUFFIXES)]
        if name not in sys.builtin_module_names and (os.path.isfile(path) or any(map(os.path.exists, begins))):
            yield name
