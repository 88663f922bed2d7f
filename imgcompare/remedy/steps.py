"""Pure: what the commands of a RUN are for, and what apt installs by name.

By their words: what a layer wrote decides where words do not tell (``sh setup.sh`` may be pip).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum, auto

from msgspec import Struct

from imgcompare.analysis.breakdown import is_for_building, is_for_installing
from imgcompare.dockerfile.shell import Command
from imgcompare.regex import regex


class Purpose(Enum):
    """What a command is for."""

    APT = auto()
    TOOL = auto()
    INSTALL = auto()
    CLEAN = auto()
    NOTHING = auto()
    OTHER = auto()


_TOOLS = frozenset(("poetry", "pipenv", "uv", "pdm", "hatch", "pip-tools", "virtualenv"))
PLUGINS = "poetry-plugin-"
"""How the names of what only poetry needs begin."""

_INSTALLERS = frozenset(("pip", "setuptools", "wheel"))
_TOOL_SCRIPTS = regex(r"install\.python-poetry\.org|astral\.sh/uv|pdm-project\.org|bootstrap\.pypa\.io")
_PIP = regex(r"pip[\d.]*")
_PYTHON = regex(r"python[\d.]*")
_INSTALLING = {
    "poetry": frozenset(("install", "sync", "update")),
    "pipenv": frozenset(("install", "sync")),
    "pdm": frozenset(("install", "sync")),
    "uv": frozenset(("sync", "pip")),
    "easy_install": frozenset(),
}
_COMPILERS = frozenset(
    ("gcc", "g++", "cc", "c++", "clang", "make", "cmake", "ninja", "meson", "cargo", "rustc", "configure", "autogen.sh")
)
_NOTHING = frozenset(("cd", "set", "true", ":", "export", "echo", "printf", "ls", "pwd", "unset"))
_CACHES = regex(
    r"(?:/var/lib/apt/lists|/var/cache|/var/tmp|/tmp|/root/\.cache|~/\.cache|\$HOME/\.cache|/var/log|/usr/share/(?:doc|man))"
    r"(?:/.*)?"
)
_APT = frozenset(("apt", "apt-get", "aptitude"))
_PACKAGE = regex(r"[a-z0-9][a-z0-9+.-]+(?::[a-z0-9]+)?(?:[=/]\S+)?")
# Options that take a word of their own.
_VALUED = frozenset(("-o", "-c", "-t", "--option", "--config-file", "--target-release", "--default-release"))


class AptInstall(Struct, frozen=True):
    """An ``apt-get install``: its words before the packages' names, and these as written."""

    words: tuple[str, ...]
    packages: tuple[str, ...]

    @property
    def kept(self) -> tuple[str, ...]:
        """The packages that are not for building alone."""
        names = ((one, package_name(one)) for one in self.packages)
        return tuple(one for one, name in names if not is_for_building(name) and not is_for_installing(name))

    @property
    def recommends(self) -> bool:
        """Whether recommended packages come along."""
        return "--no-install-recommends" not in self.words and not any(
            "Install-Recommends=" in word for word in self.words
        )


def package_name(written: str) -> str:
    """A package's name without its architecture and version."""
    return re.split(r"[:=/]", written, maxsplit=1)[0]


def is_compiling(command: Command) -> bool:
    """Whether a command makes programs or libraries of sources, with what only builds."""
    words = command.words
    return command.program in _COMPILERS or (command.program == "go" and words[1:2] in (("build",), ("install",)))


def upgrades_pip(command: Command) -> bool:
    """Whether pip installs itself and nothing else."""
    words = [word for word in command.words if not word.startswith("-")]
    return purpose_of(command) is Purpose.TOOL and words[-2:] == ["install", "pip"]


def purpose_of(command: Command) -> Purpose:
    """What a command is for; OTHER where its words do not tell."""
    words, program = command.words, command.program
    if not words or (program in _NOTHING and ">" not in command.text):
        return Purpose.NOTHING
    if _TOOL_SCRIPTS.search(command.text):
        return Purpose.TOOL
    if program in _APT:
        return Purpose.APT
    if program == "rm" and len(words) > 1 and all(_CACHES.fullmatch(word) for word in words[1:] if word[0] != "-"):
        return Purpose.CLEAN
    if program == "find" and "__pycache__" in command.text:
        return Purpose.CLEAN
    return _python_purpose(words, program)


def _python_purpose(words: Sequence[str], program: str) -> Purpose:
    if _PYTHON.fullmatch(program) and len(words) > 2 and words[1] == "-m":
        words, program = words[2:], words[2]
        if program == "venv":
            return Purpose.INSTALL
    rest = [word for word in words[1:] if not word.startswith("-")]
    if _PIP.fullmatch(program):
        return _pip_purpose(rest)
    if program in _INSTALLING:
        if program == "uv" and rest[:2] == ["pip", "install"]:
            return Purpose.INSTALL
        if not _INSTALLING[program] or (rest and rest[0] in _INSTALLING[program]):
            return Purpose.INSTALL
        # Its settings and its cache: nothing for what runs.
        return Purpose.TOOL if rest[:1] in (["config"], ["cache"], ["self"], ["export"], ["lock"]) else Purpose.OTHER
    if _PYTHON.fullmatch(program) and words[1:3] and words[1].endswith("setup.py"):
        return Purpose.INSTALL
    return Purpose.OTHER


def _pip_purpose(rest: Sequence[str]) -> Purpose:
    if rest[:1] in (["cache"], ["config"], ["list"], ["freeze"], ["check"], ["--version"]):
        return Purpose.CLEAN
    if rest[:1] not in (["install"], ["sync"], ["uninstall"]):
        return Purpose.OTHER
    names = [re.split(r"[\[<>=!~ ;@]", word, maxsplit=1)[0].lower() for word in rest[1:]]
    tools = {name for name in names if name in _TOOLS or name.startswith(PLUGINS)}
    if rest[0] == "install" and names == ["pip"]:
        return Purpose.TOOL  # its own upgrade
    return Purpose.TOOL if tools and tools | _INSTALLERS >= set(names) else Purpose.INSTALL


def apt_install(command: Command) -> AptInstall | None:
    """What an apt command installs by name; None for one that installs nothing, or not by plain names."""
    words = command.words
    if command.program not in _APT or "install" not in words:
        return None
    head: list[str] = []
    packages: list[str] = []
    pending = False
    for word in words:
        if pending or word.startswith("-") or "install" not in head:
            head.append(word)
            pending = word in _VALUED
        elif _PACKAGE.fullmatch(word):
            packages.append(word)
        else:
            return None
    return AptInstall(tuple(head), tuple(packages))
