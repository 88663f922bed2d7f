"""Run inside a container, by its Python: what can be imported there, which libraries are found, which programs run.

It is started as ``python -c THIS ELF SOURCES MENTIONS REQUEST``: THIS is the text of this file, ELF that of
``analysis/elf.py``, SOURCES and MENTIONS those of ``sources.py`` and ``mentions.py``, REQUEST a JSON object. What it
finds goes to standard output as one JSON object. Only the standard library is there, of Python 3.7 or later, and
nothing of ours.

The modules of a package are imported one after another in one process, for a thousand processes take minutes, and
Python itself, with what packages want of its library, is started but once: the processes part from it. What fails
there is tried again alone, for an import may stand in another's way. Standard input is closed, and each has a
time: a module that waits for an answer or starts a server at its import must not hold the rest up.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import grp
import importlib
import json
import os
import re
import select
import shutil
import signal
import sys
import sysconfig
import time
from types import ModuleType
from typing import Any

try:
    from importlib import metadata
except ImportError:  # Python 3.7
    metadata = None  # type: ignore[assignment]

_SUFFIXES = tuple(
    sysconfig.get_config_var("EXT_SUFFIX") and (sysconfig.get_config_var("EXT_SUFFIX"), ".abi3.so", ".so")
)
_PACKAGE_FOLDER = re.compile(r"/(?:site|dist)-packages$")
_SETUPTOOLS = re.compile(rb"^[ \t]*(?:import|from)[ \t]+(?:pkg_resources|setuptools|distutils)\b", re.MULTILINE)
# Since 3.12 distutils comes with setuptools.
_OF_SETUPTOOLS = frozenset(("pkg_resources", "setuptools", *(("distutils",) if sys.version_info >= (3, 12) else ())))
# What of the standard library some images leave out, or lacks a library there.
_LEFT_OUT = frozenset(
    (
        *("tkinter", "turtle", "idlelib", "dbm", "readline", "curses", "sqlite3", "lzma", "bz2", "ctypes", "ssl"),
        *("ensurepip", "venv", "distutils", "lib2to3", "crypt", "nis", "ossaudiodev"),
    )
)
_NO_FOLDERS = frozenset(("__pycache__", "node_modules", "tests", "site-packages", "dist-packages"))
_PYTHON = re.compile(r"python[\d.]*$")
_SHELL = re.compile(r"\b(?:ba|da|a|k|z)?sh\b")
_MOST_DEEP = 3
_LANES = 4
_SINGLES = 300
_SINGLES_S = 10.0
_TEXT_BYTES = 1 << 16

# What many packages import of the standard library, and takes its time.
_OFTEN = (
    *(
        "argparse",
        "asyncio",
        "concurrent.futures",
        "configparser",
        "csv",
        "dataclasses",
        "datetime",
        "decimal",
        "difflib",
    ),
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
for name in names:
    print("try", name, file=said)
    try:
        importlib.import_module(name)
    except BaseException as exc:
        print("no", type(exc).__name__ + ":", " ".join(str(exc).split())[:300], file=said)
    else:
        print("yes", file=said)
os._exit(0)
"""


def main() -> None:
    """Look, and print what was found."""
    request = json.loads(sys.argv[4])
    began = time.monotonic()
    interpreter = _interpreter(request["command"])
    _become(interpreter or sys.executable)
    folders = [path for path in dict.fromkeys(map(os.path.realpath, sys.path)) if _PACKAGE_FOLDER.search(path)]
    own_files = [root for root in request["roots"] if os.path.exists(root)]
    roots = [root for root in own_files if os.path.isdir(root)]
    deadline = began + request["deadline_s"]
    skip = frozenset(request["skip"])
    modules = [name for folder in folders for name in _modules(folder, skip)]
    own = [name for name in _modules(os.getcwd(), frozenset()) if os.getcwd() != "/"]
    own = [name for name in own if name.rpartition(".")[2] not in ("setup", "conftest")]
    command = request["command"] + request["healthcheck"]
    named = mentions.look(command, request["env"], own_files, sources, every_language=not interpreter)
    imported = [name for name in named.pop("imported") if _may_be_missing(name)]
    imported = sorted(set(imported).difference(modules, own))
    found = {
        "python": sys.version.split()[0],
        "executable": sys.executable,
        "prefix": sys.prefix,
        "folders": folders,
        "distributions": _distributions(),
        "elf": _needs([*folders, os.path.join(sys.prefix, "bin"), *own_files], request["library_folders"]),
        "setuptools": [path for folder in [*folders, *roots] for path in _with_setuptools(folder, skip)][:5],
        **named,
        "package_programs": mentions.of_packages(folders, skip, sources),
        "modules": _imports(modules, request["time_s"], deadline),
        "own_modules": _imports(own, request["time_s"], time.monotonic() + request["own_s"]),
        "imported": _imports(imported, request["time_s"], time.monotonic() + request["own_s"], together=True),
        "capabilities": _capabilities([*os.environ.get("PATH", "").split(":"), *roots]),
        "groups": {one.gr_name: one.gr_mem for one in grp.getgrall()},
        "runs_python": bool(interpreter),
    }
    json.dump(found, sys.stdout)


def _interpreter(words: list[str]) -> str:
    """The Python that a command starts: its own program, the one that a script names or starts; "" for none."""
    return _python_of([part for word in words for part in mentions.split(word)], "")


def _python_of(words: list[str], first: str, depth: int = 0) -> str:
    """The first Python that words start, themselves or by a script; ``first`` is a folder before those of PATH."""
    for word in map(os.path.expandvars, words):
        if word.endswith("/bin/activate") and os.path.isfile(word):
            first = os.path.dirname(word)
        path = shutil.which(word, path=os.pathsep.join(filter(None, (first, os.environ.get("PATH", ""))))) or ""
        if _PYTHON.match(os.path.basename(path)):
            return path
        found = (
            _python_of_script(mentions.head(path, _TEXT_BYTES).decode(errors="replace"), first, depth) if path else ""
        )
        if found:
            return found
    return ""


def _python_of_script(text: str, first: str, depth: int) -> str:
    """The Python that runs a script, or that a shell's script starts: the one it becomes, else the last."""
    if not text.startswith("#!"):
        return ""
    lines = text.splitlines()
    if "python" in lines[0]:
        named = (shutil.which(part) or "" for part in lines[0][2:].split())
        return next((path for path in named if _PYTHON.match(os.path.basename(path))), sys.executable)
    if not _SHELL.search(lines[0]) or depth >= _MOST_DEEP:
        return ""
    last = ""
    for line in lines[1:]:
        words = mentions.split(
            line.replace("'''exec' ", "exec ")
        )  # so pip begins what has too long a path for a first line
        if words[:1] == ["exec"] and words[1:] == ["$@"]:
            return ""  # what it is given decides
        found = _python_of(words, first, depth + 1)
        if found and words[0] == "exec":
            return found
        last = found or last
        if len(words) == 2 and words[0] in (".", "source") and words[1].endswith("/bin/activate"):
            first = os.path.dirname(os.path.expandvars(words[1]))
    return last


def _become(interpreter: str) -> None:
    """Go on as another interpreter where the application has another."""
    if _place(interpreter) == _place(sys.executable) or os.environ.get("IMGCOMPARE_INSIDE"):
        return
    with open("/proc/self/cmdline", "rb") as file:
        words = file.read().rstrip(b"\0").split(b"\0")
    os.environ["IMGCOMPARE_INSIDE"] = "1"
    os.execv(interpreter, [os.fsencode(interpreter), *words[1:]])  # noqa: S606


def _place(interpreter: str) -> tuple[str, str]:
    """What tells an interpreter from another: its folder, to which an environment belongs, and the program itself."""
    return os.path.dirname(os.path.abspath(interpreter)), os.path.realpath(interpreter)


def _walk(folder: str, depth: int = 12) -> Any:
    """Folders and their files, names in order; hidden folders, caches and environments inside are left out."""
    for place, folders, files in os.walk(folder):
        deep = place[len(folder) :].count("/") >= depth
        folders[:] = [] if deep else [name for name in sorted(folders) if name[0] != "." and name not in _NO_FOLDERS]
        if "pyvenv.cfg" in files and place != folder:
            folders[:] = []
            continue
        yield place, folders, sorted(files)


def _modules(folder: str, skip: frozenset[str]) -> Any:
    """The names of the modules below a folder of sys.path, but those that only run (``__main__``)."""
    for place, folders, files in _walk(folder):
        inside = place[len(folder) :].strip("/").replace("/", ".")
        if not inside:
            folders[:] = [name for name in folders if name not in skip]
        folders[:] = [name for name in folders if name.isidentifier()]
        for file in files:
            name = next((file[: -len(end)] for end in (".py", *_SUFFIXES) if file.endswith(end)), "")
            if not name.isidentifier() or name == "__main__" or (not inside and name in skip):
                continue
            if name == "__init__":
                if inside:
                    yield inside
            else:
                yield f"{inside}.{name}" if inside else name


def _distributions() -> dict[str, list[Any]]:
    """Of each distribution: its version, its folder, what it requires and its top-level modules."""
    found: dict[str, list[Any]] = {}
    for one in metadata.distributions() if metadata else ():
        try:
            name = re.sub(r"[-_.]+", "-", one.metadata["Name"] or "").lower()
            if not name or name in found:
                continue
            # What an extra would require is not installed for its sake.
            plain = [text for text in one.requires or () if "extra ==" not in text.partition(";")[2]]
            requires = [re.split(r"[^A-Za-z0-9._-]", text, maxsplit=1)[0] for text in plain]
            tops = {str(file).partition("/")[0] for file in one.files or () if not str(file).startswith("..")}
            modules = sorted({top.partition(".")[0] for top in tops if not top.endswith(("-info", ".data"))})
            needed = sorted({re.sub(r"[-_.]+", "-", text).lower() for text in requires if text})
            found[name] = [one.version, str(one.locate_file("")), needed, modules]
        except Exception:  # noqa: BLE001, S112 - damaged metadata says nothing
            continue
    return found


def _needs(folders: list[str], library_folders: list[str]) -> dict[str, dict[str, str]]:
    """What each ELF file below these folders needs, and where it is found; then the same of what was found."""
    known: dict[str, Any] = {}

    def read(path: str) -> Any:
        real = os.path.realpath(path)
        if real not in known:
            try:
                with open(real, "rb") as file:
                    known[real] = elf.read_elf(file)
            except OSError:
                known[real] = None
        return known[real]

    own = [path for path in os.environ.get("LD_LIBRARY_PATH", "").split(":") if path]
    loader = elf.Loader(read, [*_configured("/etc/ld.so.conf"), *library_folders], own)
    waiting = [path for folder in dict.fromkeys(folders) for path in _binaries(folder)]
    found: dict[str, dict[str, str]] = {}
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        needs = loader.needs(path)
        if needs:
            found[path] = needs
            waiting += [place for place in needs.values() if place]
    return found


def _configured(path: str, depth: int = 0) -> list[str]:
    """The folders that a file like ld.so.conf names."""
    import glob  # noqa: PLC0415

    folders: list[str] = []
    for line in mentions.head(path, _TEXT_BYTES).decode(errors="replace").splitlines():
        words = line.partition("#")[0].split()
        if words[:1] == ["include"] and depth < 3:
            for pattern in words[1:]:
                for more in sorted(glob.glob(os.path.join(os.path.dirname(path), pattern))):
                    folders += _configured(more, depth + 1)
        elif words and words[0].startswith("/"):
            folders.append(words[0])
    return folders


def _binaries(folder: str) -> Any:
    if mentions.head(folder, 4) == b"\x7fELF":
        yield folder
    for place, _folders, files in os.walk(folder):
        for file in files:
            path = os.path.join(place, file)
            maybe = ".so" in file or os.path.basename(place) in ("bin", "sbin") or "." not in file
            if maybe and not os.path.islink(path) and mentions.head(path, 4) == b"\x7fELF":
                yield path


def _capabilities(folders: list[str]) -> dict[str, str]:
    """What programs in these folders may do that only root may."""
    found: dict[str, str] = {}
    for folder in dict.fromkeys(folders):
        for file in os.listdir(folder) if os.path.isdir(folder) else ():
            path = os.path.join(folder, file)
            try:
                found[path] = os.getxattr(path, "security.capability", follow_symlinks=False).hex()
            except OSError:
                continue
    return found


def _with_setuptools(folder: str, skip: frozenset[str]) -> Any:
    """The modules there that import what setuptools brings; setup.py is for building."""
    for place, folders, files in _walk(folder):
        if place == folder:
            folders[:] = [name for name in folders if name not in skip]
        for file in files:
            path = os.path.join(place, file)
            if file.endswith(".py") and file != "setup.py" and _needs_setuptools(mentions.head(path, 1 << 20)):
                yield path


def _needs_setuptools(source: bytes) -> bool:
    """Whether a module imports what setuptools brings, and is not prepared for its absence."""
    if not _SETUPTOOLS.search(source):
        return False
    try:
        waiting: list[Any] = [ast.parse(source)]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Try) and any(_catches_import_errors(one) for one in node.handlers):
            waiting += [*node.handlers, *node.orelse, *node.finalbody]
            continue
        names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
        if any(name.partition(".")[0] in _OF_SETUPTOOLS for name in names):
            return True
        waiting += ast.iter_child_nodes(node)
    return False


def _catches_import_errors(handler: ast.ExceptHandler) -> bool:
    caught = ast.dump(handler.type) if handler.type else "Exception"
    return any(name in caught for name in ("ImportError", "ModuleNotFoundError", "Exception"))


def _may_be_missing(name: str) -> bool:
    """Whether a module is none of the standard library's, or one that other images and packages leave out."""
    top = name.partition(".")[0]
    return top in _LEFT_OUT or top not in getattr(sys, "stdlib_module_names", sys.builtin_module_names)


def _imports(names: list[str], time_s: float, deadline: float, *, together: bool = False) -> dict[str, str]:
    """What comes of importing each: "" where it works, else why not; "?" where there was no time to say."""
    # A process for each top-level package: what one sets up (Django's settings, say) must not carry another's imports.
    tops: dict[str, list[str]] = {}
    for name in names:
        tops.setdefault("" if together else name.partition(".")[0], []).append(name)
    _is_prepared()  # here, for those that part from this process have it, too
    outcome = _side_by_side(list(tops.values()), time_s, deadline, deadline)
    # What is not installed is not there for one alone either. As both images are asked in one order, what there is no
    # time for stays as it was.
    failed = [name for name, why in outcome.items() if why and not why.startswith("ModuleNotFoundError")][:_SINGLES]
    again = _side_by_side([[name] for name in failed], time_s, deadline, time.monotonic() + _SINGLES_S)
    outcome.update({name: why for name, why in again.items() if why != "?"})
    return {name: outcome.get(name, "?") for name in names}


def _side_by_side(groups: list[list[str]], time_s: float, deadline: float, until: float) -> dict[str, str]:
    """What comes of each group's imports; those that have not begun ``until`` then do not begin."""
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
            outcome.update(json.loads(answer.read()))  # nothing, where it broke, is no answer at all
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


def _module(name: str, text: str) -> Any:
    module = ModuleType(name)
    exec(compile(text, name, "exec"), module.__dict__)  # noqa: S102 - our own text
    return module


elf = _module("elf", sys.argv[1])
sources = _module("sources", sys.argv[2])
mentions = _module("mentions", sys.argv[3])
main()
