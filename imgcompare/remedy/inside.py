"""Run inside a container, by its Python: what can be imported there, which libraries are found, which programs run.

It is started as ``python -c THIS ELF SOURCES LANGUAGES MENTIONS INTERPRETER IMPORTING REQUEST``: THIS is the text of
this file, ELF that of ``analysis/elf.py``, the others those of the files of their names, REQUEST a JSON object. What it
finds goes to standard output as one JSON object. Only the standard library is there, of Python 3.7 or later, and
nothing of ours.
"""

from __future__ import annotations

import ast
import grp
import json
import operator
import os
import re
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
_TEXT_BYTES = 1 << 16
_UNKNOWN_PYTHON = 7
_COMPARED = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


def main() -> None:
    """Look, and print what was found."""
    request = json.loads(sys.argv[7])
    began = time.monotonic()
    try:
        started = interpreter.of_command(request["command"], mentions)
    except LookupError:
        sys.exit(_UNKNOWN_PYTHON)
    _become(started or sys.executable)
    folders = [path for path in dict.fromkeys(map(os.path.realpath, sys.path)) if _PACKAGE_FOLDER.search(path)]
    own_files = [root for root in request["roots"] if os.path.exists(root)]
    roots = [root for root in own_files if os.path.isdir(root)]
    deadline = began + request["deadline_s"]
    skip = frozenset(request["skip"])
    modules = [name for folder in folders for name in _modules(folder, skip)]
    own = [name for name in _modules(os.getcwd(), frozenset()) if os.getcwd() != "/"]
    own = [name for name in own if name.rpartition(".")[2] not in ("setup", "conftest")]
    command = request["command"] + request["healthcheck"]
    named = mentions.look(command, request["env"], own_files, sources, languages, every_language=not started)
    imported = [name for name in named.pop("imported") if _may_be_missing(name)]
    imported = sorted(set(imported).difference(modules, own))
    loaded: dict[str, str] = {}
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
        "modules": importing.imports(modules, request["time_s"], deadline, loaded),
        "own_modules": importing.imports(own, request["time_s"], time.monotonic() + request["own_s"], loaded),
        "imported": importing.imports(
            imported, request["time_s"], time.monotonic() + request["own_s"], loaded, together=True
        ),
        "loaded": loaded,
        "capabilities": _capabilities([*os.environ.get("PATH", "").split(":"), *roots]),
        "groups": {one.gr_name: one.gr_mem for one in grp.getgrall()},
        "runs_python": bool(started),
    }
    json.dump(found, sys.stdout)


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
    every = list(metadata.distributions()) if metadata else []
    asked = _asked_extras(every)
    for one in every:
        try:
            name = re.sub(r"[-_.]+", "-", one.metadata["Name"] or "").lower()
            if not name or name in found:
                continue
            plain = [text for text in one.requires or () if _extra_of(text) in ("", *asked.get(name, ()))]
            plain = [text for text in plain if not _is_for_another_python(text)]
            requires = [re.split(r"[^A-Za-z0-9._-]", text, maxsplit=1)[0] for text in plain]
            tops = {str(file).partition("/")[0] for file in one.files or () if not str(file).startswith("..")}
            modules = sorted({top.partition(".")[0] for top in tops if not top.endswith(("-info", ".data"))})
            needed = sorted({re.sub(r"[-_.]+", "-", text).lower() for text in requires if text})
            found[name] = [one.version, str(one.locate_file("")), needed, modules]
        except Exception:  # noqa: BLE001, S112 - damaged metadata says nothing
            continue
    return found


def _extra_of(requirement: str) -> str:
    """The extra for whose sake alone something is required; "" for what always is."""
    match = re.search(r"""extra\s*==\s*["']([^"']+)""", requirement.partition(";")[2])
    return match.group(1).lower() if match else ""


def _is_for_another_python(requirement: str) -> bool:
    """Whether something is required with other versions of Python alone; where that is not plain, no."""
    marker = requirement.partition(";")[2]
    if re.search(r"\bor\b", marker):
        return False
    return not all(
        _COMPARED[sign](sys.version_info[:2], tuple(map(int, version.split("."))))
        for sign, version in re.findall(r"""\bpython_version\s*([<>]=?)\s*["'](\d+\.\d+)["']""", marker)
    )


def _asked_extras(distributions: Any) -> dict[str, set[str]]:
    """The extras that others ask for, by name; what another extra would require is not installed for its sake."""
    asked: dict[str, set[str]] = {}
    for one in distributions:
        for text in one.requires or ():
            match = re.match(r"([A-Za-z0-9._-]+)\s*\[([^\]]*)\]", text)
            if match and not _extra_of(text):
                extras = {extra.strip().lower() for extra in match.group(2).split(",")}
                asked.setdefault(re.sub(r"[-_.]+", "-", match.group(1)).lower(), set()).update(extras)
    return asked


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


def _module(name: str, text: str) -> Any:
    module = ModuleType(name)
    exec(compile(text, name, "exec"), module.__dict__)  # noqa: S102 - our own text
    return module


elf = _module("elf", sys.argv[1])
sources = _module("sources", sys.argv[2])
languages = _module("languages", sys.argv[3])
mentions = _module("mentions", sys.argv[4])
interpreter = _module("interpreter", sys.argv[5])
importing = _module("importing", sys.argv[6])
main()
