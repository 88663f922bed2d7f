"""Run inside a container beside ``inside.py``: what the application's own files name and only use when they are asked.

Programs that its modules and scripts start, paths that they open, libraries that they load, and modules that they
import within a function. Only the standard library is there, of Python 3.7 or later, and nothing of ours.
"""

from __future__ import annotations

import ast
import mimetypes
import os
import re
import shlex
import shutil
from typing import Any

_STARTERS = frozenset(
    (
        *(
            "run",
            "Popen",
            "call",
            "check_call",
            "check_output",
            "system",
            "popen",
            "which",
            "getoutput",
            "getstatusoutput",
        ),
        *("create_subprocess_exec", "create_subprocess_shell", "subprocess_exec", "subprocess_shell", "spawn"),
        *(
            "execl",
            "execle",
            "execlp",
            "execlpe",
            "execv",
            "execve",
            "execvp",
            "execvpe",
            "posix_spawn",
            "posix_spawnp",
        ),
        *("spawnl", "spawnle", "spawnlp", "spawnlpe", "spawnv", "spawnve", "spawnvp", "spawnvpe"),
    )
)
_COMMANDS = ("args", "cmd", "command", "executable", "program")
_LOADERS = frozenset(("CDLL", "PyDLL", "LoadLibrary", "dlopen"))
_WORD = re.compile(r"[\w./+-]+$")
_PATH = re.compile(r"(?<![\w./:~$}<*-])/(?:[\w.+@-]+/)*[\w.+@-]+")
# Where a program stands in a shell's script, behind keywords, assignments and what starts another.
_PLACE = re.compile(
    r"(?:^|[;&|(`{])[ \t]*(?:(?:then|do|else|elif|exec|if|while|until|!|sudo|env|nohup|nice|time|command|xargs"
    r"|[A-Za-z_]\w*=\S*)[ \t]+)*([\w./+-]+)",
    re.MULTILINE,
)
# How supervisord, systemd, uWSGI and others are told what to start.
_COMMAND_LINE = re.compile(
    r"\s*(?:command|exec(?:start)?|program|(?:smart-)?attach-daemon\d?)\s*=\s*(\S.*)", re.IGNORECASE
)
_LIBRARY = re.compile(r"lib[\w.+-]*\.so(?:\.[\d.]+)?$")
_FONT = re.compile(r"[\w .+-]+\.(?:ttf|otf|ttc|pfb)$", re.IGNORECASE)
# What is read by a person or a builder, not by what runs.
_NOT_READ = re.compile(
    r"(?:.*\.)?(?:dockerfile|containerfile|jenkinsfile|makefile|vagrantfile|license|changelog|contributing)(?:[._-].*)?"
    r"|(?:docker-)?compose.*|.*\.(?:md|rst|html?|css|s?css|svg|js|ts|map|po|lock|ipynb|csv|sql|log)",
    re.IGNORECASE,
)
_NO_FOLDERS = frozenset(("__pycache__", "node_modules", "tests", "site-packages", "dist-packages"))
_ELSEWHERE = ("/proc/", "/sys/", "/dev/", "/run/")
_FOR_BUILDING = re.compile(
    r"(?:^|/)(?:_?version(?:eer)?|setup|conftest)\.py$|(?:^|/)(?:distutils|f2py|_distutils|tests?|build)/"
)
_MOST_FILES = 3000
_MOST_PARSED = 400
_MOST_SCRIPTS = 50
_MOST_NAMED = 3000
_TEXT_BYTES = 1 << 18
_SOURCE_BYTES = 1 << 20
_DEPTH = 8


def of_packages(folders: list[str], skip: Any) -> dict[str, str]:
    """The programs that modules of packages start by name and that are there, and one module of each."""
    found: dict[str, str] = {}
    count = 0
    for folder in folders:
        for path in _below(folder):
            inside = path[len(folder) :].strip("/")
            source = head(path, _SOURCE_BYTES) if path.endswith(".py") else b""
            if b"subprocess" not in source or inside.partition("/")[0] in skip or _FOR_BUILDING.search(inside):
                continue
            count += 1
            if count > _MOST_PARSED:
                return found
            seen = _Seen()
            seen.module(path, only_programs=True)
            for word in sorted(seen.words):
                if word not in found and _WORD.match(word) and "/" not in word and shutil.which(word):
                    found[word] = inside
    return found


def look(command: list[str], roots: list[str]) -> dict[str, Any]:
    """What is named by the command, its scripts, and the files below ``roots``, which may be files themselves."""
    seen = _Seen()
    for word in command:
        seen.words.update(split(word))
    for path in _files(roots):
        if path.endswith(".py") or head(path, 64).split(b"\n")[0].endswith((b"python", b"python3")):
            seen.module(path)
        elif not _NOT_READ.match(os.path.basename(path)):
            seen.text(path)
    for path in mimetypes.knownfiles:  # the standard library's own; a web framework asks it of each file that it sends
        seen.path(str(path), "mimetypes")
    words = _with_scripts(seen.words)
    found = {word: shutil.which(word) for word in words}
    return {
        "programs": {word: os.path.abspath(path) for word, path in sorted(found.items()) if path},
        "paths": dict(sorted(seen.paths.items())[:_MOST_NAMED]),
        "libraries": sorted(seen.libraries),
        "fonts": sorted(seen.fonts),
        "imported": sorted(seen.imported),
    }


class _Seen:
    """What was found so far."""

    def __init__(self) -> None:
        self.words: set[str] = set()
        self.paths: dict[str, str] = {}
        self.libraries: set[str] = set()
        self.fonts: set[str] = set()
        self.imported: set[str] = set()

    def text(self, path: str) -> None:
        """Paths in a script or in settings, but in comments."""
        data = head(path, _TEXT_BYTES)
        if b"\0" in data:
            return
        cron = path.startswith("/etc/cron") or os.path.basename(path) == "crontab"
        for line in data.decode("utf-8", "replace").splitlines():
            if cron and not line.lstrip().startswith("#"):
                self.words.update(script_words("; ".join(line.split(None, 6))))
            for value in _COMMAND_LINE.findall(line):
                self.words.update(split(value))
            if not line.lstrip().startswith(("#!", "#", ";", "//")) or line.startswith("#!"):
                for found in _PATH.findall(re.sub(r"\s#\s.*", "", line)):
                    self.path(found, path)

    def path(self, named: str, by: str) -> None:
        """A path that is there; what the running system makes is everywhere."""
        named = os.path.normpath(named)
        if named not in self.paths and not f"{named}/".startswith(_ELSEWHERE) and os.path.lexists(named):
            self.paths[named] = by

    def module(self, path: str, *, only_programs: bool = False) -> None:
        """What a module's source names."""
        source = head(path, _SOURCE_BYTES)
        first = source.split(b"\n")[0].decode("utf-8", "replace")
        if first.startswith("#!"):
            self.path(first[2:].split()[0] if first[2:].split() else "/", path)
        try:
            tree = ast.parse(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        starts = [call for call in calls if _called(call) in _STARTERS]
        for call in starts:
            self.words.update(_started(call))
        if any(not all(map(_is_plain, call.args[:1])) for call in starts):
            self.words.update(_prepared(tree, only_defaults=only_programs))
        if only_programs:
            return
        for call in calls:
            if _called(call) == "find_library":
                self.libraries.update(f"lib{text}.so." for text in _texts(call.args[:1]))
            elif _called(call) in _LOADERS:
                self.libraries.update(text for text in _texts(call.args[:1]) if "/" not in text and ".so" in text)
        self._constants(tree, path)
        self.imported.update(_imported(tree))

    def _constants(self, tree: Any, path: str) -> None:
        spoken = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            value = getattr(node, "value", getattr(node, "s", None))
            if id(node) in spoken or not isinstance(value, str) or len(value) > 2000:
                continue
            for found in _PATH.findall(value):
                self.path(found, path)
            if _LIBRARY.match(value):
                self.libraries.add(value)
            elif _FONT.match(os.path.basename(value)):
                self.fonts.add(os.path.basename(value))


def _called(call: Any) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _is_plain(node: Any) -> bool:
    """Whether what is started stands there as it is."""
    first = node.elts[0] if isinstance(node, (ast.List, ast.Tuple)) and node.elts else node
    return isinstance(getattr(first, "value", getattr(first, "s", None)), str)


def _texts(nodes: Any) -> Any:
    """The texts that stand there, of formatted ones how they begin; of lists each."""
    for node in nodes:
        if isinstance(node, (ast.List, ast.Tuple)):
            for text in _texts(node.elts):
                yield text
        elif isinstance(node, ast.JoinedStr):
            for text in _texts(node.values[:1]):
                yield text
        else:
            value = getattr(node, "value", getattr(node, "s", None))
            if isinstance(value, str):
                yield value


def _started(call: Any) -> Any:
    """The words of what a call starts, wherever a program may stand: behind ``sh -c``, ``env`` and ``timeout`` too."""
    named = [one.value for one in call.keywords if one.arg in _COMMANDS]
    for text in _texts([*call.args, *named]):
        if any(letter.isspace() for letter in text.strip()):
            yield from script_words(text)
            yield from text.split()[:1]
        else:
            yield text.strip()


def _prepared(tree: Any, *, only_defaults: bool) -> Any:
    """Words that stand where a command is made ready: first in a list, and what a name or a parameter is set to."""
    for node in ast.walk(tree):
        made: list[Any] = []
        if only_defaults and not isinstance(node, ast.arguments):
            continue
        if isinstance(node, (ast.List, ast.Tuple)):
            made = node.elts[:1]
        elif isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
            made = [node.value]
        elif isinstance(node, (ast.For, ast.comprehension)) and isinstance(node.iter, (ast.List, ast.Tuple)):
            made = node.iter.elts
        elif isinstance(node, ast.Call) and _called(node) in ("get", "getenv"):
            made = node.args[1:2]
        elif isinstance(node, ast.arguments):
            made = [*node.defaults, *node.kw_defaults]
        for text in _texts(one for one in made if one is not None and not isinstance(one, (ast.List, ast.Tuple))):
            yield from text.split()[:1]


def _imported(tree: Any) -> Any:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for one in node.names:
                yield one.name
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def _with_scripts(words: set[str]) -> set[str]:
    """These words, and those of the scripts that they name."""
    found: set[str] = set()
    waiting, scripts = sorted(words), 0
    while waiting:
        word = waiting.pop()
        if word in found or not _WORD.match(word):
            continue
        found.add(word)
        path = shutil.which(word) or word
        # Of programs that packages bring, the interpreter's line is enough: it names the environment's Python.
        if head(path, 2) == b"#!" and scripts < _MOST_SCRIPTS and not head(path).startswith(b"#!/usr/local/bin/py"):
            scripts += 1
            waiting += script_words(head(path, _TEXT_BYTES).decode(errors="replace"))
        elif word.endswith(".sh") and os.path.isfile(path):
            waiting += script_words(head(path, _TEXT_BYTES).decode(errors="replace"))
    return found


def script_words(text: str) -> list[str]:
    """The words of a script that stand where a program does."""
    words = _PLACE.findall(text)
    first = text.partition("\n")[0]
    return words + (first[2:].split() if first.startswith("#!") else [])


def _files(roots: list[str]) -> Any:
    count = 0
    for root in roots:
        for path in [root] if os.path.isfile(root) else _below(root):
            count += 1
            if count > _MOST_FILES:
                return
            yield path


def _below(root: str) -> Any:
    """The files of the application: hidden folders, caches and environments are none of it."""
    for place, folders, files in os.walk(root):
        deep = place[len(root) :].count("/") >= _DEPTH
        folders[:] = [] if deep else [name for name in sorted(folders) if name[0] != "." and name not in _NO_FOLDERS]
        if "pyvenv.cfg" in files:
            folders[:] = []
            continue
        for file in sorted(files):
            if file[0] != ".":
                yield os.path.join(place, file)


def split(text: str) -> list[str]:
    """The words of a shell's line."""
    try:
        return shlex.split(text, comments=True)
    except ValueError:
        return text.split()


def head(path: str, size: int = 4096) -> bytes:
    """How a file begins; nothing where it cannot be read."""
    try:
        if not os.path.isfile(path):
            return b""
        with open(path, "rb") as file:
            return file.read(size)
    except OSError:
        return b""
