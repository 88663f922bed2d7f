"""Run inside a container beside ``inside.py``: what the application's own files name and only use when they are asked.

Programs that its modules and scripts start, paths that they open, libraries that they load, and modules that they
import within a function. Only the standard library is there, of Python 3.7 or later, and nothing of ours.
"""

from __future__ import annotations

import mimetypes
import os
import re
import shlex
import shutil
import sys
from typing import Any

_WORD = re.compile(r"[\w./+-]+$")
_PATH = re.compile(r"(?<![\w./:~$}<*-])/(?:[\w.+@-]+/)*[\w.+@-]+")
# How supervisord, systemd, uWSGI and others are told what to start.
_COMMAND_LINE = re.compile(
    r"""\s*["']?(?:command|cmd|exec(?:start)?|program|(?:smart-)?attach-daemon\d?)["']?\s*[=:]\s*(\S.*)""",
    re.IGNORECASE,
)
# A setting of one word: it is the name of a program where something starts what is set.
_SETTING = re.compile(r"""[=:]\s*(?:(["'])(?P<quoted>[A-Za-z][\w.+-]*)\1|(?P<plain>[A-Za-z][\w.+-]*)\s*[,;]?\s*$)""")
_SETTINGS = re.compile(r".*\.(?:json|ya?ml|toml|ini|cfg|conf|env|properties)|\.?env", re.IGNORECASE)
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
# Of whom the system is asked with nobody naming it: whom to trust, which port a service has, which time it is where.
_ASKED_BY_ITSELF = ("/usr/share/ca-certificates", "/etc/services", "/usr/share/zoneinfo")
_FOR_BUILDING = re.compile(
    r"(?:^|/)(?:_?version(?:eer)?|setup|conftest)\.py$|(?:^|/)(?:distutils|f2py|_distutils|tests?|build)/"
)
_MOST_FILES = 3000
_MOST_PARSED = 400
_MOST_SCRIPTS = 50
_MOST_NAMED = 3000
_MOST_FOREIGN = 20
_TEXT_BYTES = 1 << 18
_SOURCE_BYTES = 1 << 20
_DEPTH = 8


def of_packages(folders: list[str], skip: Any, sources: Any) -> dict[str, str]:
    """The programs that modules of packages start by name and that are there, and one module of each."""
    found: dict[str, str] = {}
    count = 0
    for folder in folders:
        for path in _below(folder):
            inside = path[len(folder) :].strip("/")
            text = head(path, _SOURCE_BYTES) if path.endswith(".py") else b""
            if b"subprocess" not in text or inside.partition("/")[0] in skip or _FOR_BUILDING.search(inside):
                continue
            count += 1
            if count > _MOST_PARSED:
                return found
            source = sources.read(text, only_programs=True)
            words = source.words | (source.defaults if source.is_open else set())
            for word in sorted(words):
                if word not in found and _WORD.match(word) and "/" not in word and shutil.which(word):
                    found[word] = inside
    return found


def look(
    command: list[str], env: list[str], roots: list[str], sources: Any, languages: Any, *, every_language: bool
) -> dict[str, Any]:
    """What is named by the command, its scripts, the variables, and the files below ``roots``, or these files.

    ``sources`` is ``sources.py``, which reads what Python's own modules name, ``languages`` is ``languages.py``:
    sources of others are read where what runs them is started, or all with ``every_language``.
    """
    seen = _Seen(sources, languages)
    others: dict[str, Any] = {}
    for word in command:
        seen.words.update(split(word))
    for name, _, value in (text.partition("=") for text in env):
        if name != "PATH":
            seen.variable(name, value)
    for path in _files(roots):
        first = head(path, 64).split(b"\n")[0]
        if path.endswith(".py") or first.endswith((b"python", b"python3")):
            seen.module(path)
            continue
        runners = languages.runners(path, first.decode("utf-8", "replace"))
        if runners:
            others[path] = runners
        if not (runners and every_language) and not _NOT_READ.fullmatch(os.path.basename(path)):
            seen.text(path)
    for path in mimetypes.knownfiles:  # the standard library's own; a web framework asks it of each file that it sends
        seen.path(str(path), "mimetypes")
    for path in _ASKED_BY_ITSELF:
        seen.path(path, "the standard library")
    words, foreign = seen.with_others(others, roots, every_language=every_language)
    return {
        "programs": _there(words),
        "foreign": foreign[:_MOST_FOREIGN],
        "script_programs": {
            word: seen.scripts[word] for word in _there(seen.scripts) if word not in words and _WORD.match(word)
        },
        "paths": dict(sorted(seen.paths.items())[:_MOST_NAMED]),
        "libraries": sorted(seen.libraries),
        "fonts": sorted(seen.fonts),
        "imported": sorted(seen.imported),
    }


def _there(words: Any) -> dict[str, str]:
    """Where these programs are, those that are somewhere."""
    found = {word: shutil.which(word) for word in words}
    return {word: os.path.abspath(path) for word, path in sorted(found.items()) if path}


class _Seen:
    """What was found so far.

    Whether a module starts something that it does not spell out (``is_open``) tells whether ``settings`` count;
    ``scripts`` are the programs of scripts of which it is not known who starts them.
    """

    def __init__(self, sources: Any, languages: Any) -> None:
        self._sources = sources
        self._languages = languages
        self.words: set[str] = set()
        self.settings: set[str] = set()
        self.is_open = False
        self.scripts: dict[str, str] = {}
        self.paths: dict[str, str] = {}
        self.libraries: set[str] = set()
        self.fonts: set[str] = set()
        self.imported: set[str] = set()

    def variable(self, name: str, value: str) -> None:
        """A variable of the image."""
        for found in _PATH.findall(value):
            self.path(found, f"ENV {name}")
        self.settings.update(value.split()[:1])

    def text(self, path: str) -> None:
        """Paths in a script or in settings, but in comments."""
        data = head(path, _TEXT_BYTES)
        if b"\0" in data:
            return
        name, text = os.path.basename(path), data.decode("utf-8", "replace")
        if _is_shells(name, text):
            for word in self._sources.script_words(text):
                self.scripts.setdefault(word, path)
        cron = path.startswith("/etc/cron") or name == "crontab"
        for line in text.splitlines():
            if cron and not line.lstrip().startswith("#"):
                self.words.update(self._sources.script_words("; ".join(line.split(None, 6))))
            for value in [line.partition(":")[2]] if name == "Procfile" else _COMMAND_LINE.findall(line):
                self.words.update(word.strip("[],\"'") for word in split(value))
            if _SETTINGS.fullmatch(name):
                self.settings.update(one["quoted"] or one["plain"] for one in _SETTING.finditer(line))
            if not line.lstrip().startswith(("#!", "#", ";", "//")) or line.startswith("#!"):
                for found in _PATH.findall(re.sub(r"\s#\s.*", "", line)):
                    self.path(found, path)

    def with_others(self, others: Any, roots: list[str], *, every_language: bool) -> tuple[set[str], list[str]]:
        """All words that may be programs, and what is read for them that is no Python: what one starts starts others.

        ``others`` tells of each source of another language what may run it.
        """
        read: dict[str, None] = {}
        while True:
            words = self.with_scripts(self.words | (self.settings if self.is_open else set()))
            programs = set(_there(words).values())
            started = set(map(self._languages.plain, programs))
            own = [path for path in sorted(programs) if _is_own(path, roots) and head(path, 4) == b"\x7fELF"]
            started |= {self._languages.OWN} if own else set()
            more = [path for path, by in others.items() if every_language or started & by]
            more = [path for path in dict.fromkeys([*more, *own]) if path not in read]
            if not more:
                return words, list(read)
            for path in more:
                read[path] = None
                self._other(path, compiled=path in own or self._languages.is_compiled(path))

    def _other(self, path: str, *, compiled: bool) -> None:
        """What the texts in a source of another language name: all their first words, for its grammar is not known."""
        source = "" if compiled else head(path, _SOURCE_BYTES).decode("utf-8", "replace")
        for text in self._languages.compiled_texts(path) if compiled else self._languages.texts(path, source):
            self.words.update(self._sources.programs(text))
            for found in [] if compiled else _PATH.findall(text):
                self.path(found, path)
        if source and "perl" in self._languages.runners(path, source.partition("\n")[0]):
            for found in self._languages.perls_modules(source):
                self.path(found, path)

    def path(self, named: str, by: str) -> None:
        """A path that is there; what the running system makes is everywhere."""
        named = os.path.normpath(named)
        if named not in self.paths and not f"{named}/".startswith(_ELSEWHERE) and os.path.lexists(named):
            self.paths[named] = by

    def module(self, path: str) -> None:
        """What a module's source names."""
        text = head(path, _SOURCE_BYTES)
        first = text.split(b"\n")[0].decode("utf-8", "replace")
        if first.startswith("#!"):
            self.path(first[2:].split()[0] if first[2:].split() else "/", path)
        source = self._sources.read(text)
        self.words |= source.words
        self.settings |= source.settings
        if source.is_open:
            self.is_open = True
            self.words |= source.texts
        self.libraries |= source.libraries
        self.imported |= source.imported
        if source.asks_prefix:
            self.path(sys.prefix, path)
        for value in source.constants:
            for found in _PATH.findall(value):
                self.path(found, path)
            if _LIBRARY.match(value):
                self.libraries.add(value)
            elif _FONT.match(os.path.basename(value)):
                self.fonts.add(os.path.basename(value))

    def with_scripts(self, words: set[str]) -> set[str]:
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
            elif not word.endswith(".sh") or not os.path.isfile(path):
                continue
            waiting += self._sources.script_words(head(path, _TEXT_BYTES).decode(errors="replace"))
        return found


def _is_shells(name: str, text: str) -> bool:
    """Whether a file is a script for a shell."""
    return name.endswith(".sh") or re.match(r"#!.*\b(?:ba|da|a|k|z)?sh\b", text) is not None


def _is_own(path: str, roots: list[str]) -> bool:
    """Whether a program is the application's: an environment's Python and what packages bring there are not."""
    if os.path.isfile(os.path.join(os.path.dirname(os.path.dirname(path)), "pyvenv.cfg")):
        return False
    path = os.path.realpath(path)
    return any(path == root or path.startswith(f"{root.rstrip('/')}/") for root in map(os.path.realpath, roots))


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
            if file[0] != "." or file == ".env":
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
