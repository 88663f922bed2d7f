"""Run inside a container beside ``inside.py``: what files of other languages than Python name.

Their grammars are not known: of a source all its texts count, of what was compiled each text that may be a program's
name or begin a command. Only the standard library is there, of Python 3.7 or later, and nothing of ours.
"""

from __future__ import annotations

import glob
import os
import re
import zipfile
from typing import Any

OWN = "a program of its own"
"""Who runs the sources of a compiled program: it is the application's."""

# The names of a language's sources, and what runs them, its name without a version.
_LANGUAGES = (
    (r".*\.[cm]?[jt]s|package\.json", ("node", "nodejs", "deno", "bun", "npm", "npx", "yarn", "pnpm")),
    (r".*\.(?:rb|ru|rake)|Rakefile", ("rake", "ruby", "bundle", "rackup", "rails", "puma")),
    (r".*\.php", ("php", "php-fpm", "php-cgi", "apache2", "apache2ctl", "apachectl")),
    (r".*\.p[lm]", ("perl",)),
    (r".*\.(?:java|kts?|scala|groovy|class|jar|war)", ("java", "kotlin", "scala", "groovy", "jshell")),
    (r".*\.lua", ("lua", "luajit", "nginx", "haproxy")),
    (r".*\.[rR]", ("R", "Rscript")),
    (r".*\.exs?", ("elixir", "mix", "iex")),
    (r".*\.(?:go|rs|c|cc|cpp|cxx)", ("go", "cargo", "tcc", OWN)),
    (r"(?:GNU)?[mM]akefile|.*\.mk", ("make", "gmake")),
)
_NAMES = tuple((re.compile(pattern), frozenset(runners)) for pattern, runners in _LANGUAGES)
_VERSION = re.compile(r"[\d.]+$")
_QUOTED = re.compile(r"""(["'`])((?:(?!\1)[^\\\n]|\\.){1,300})\1""")
_SHELLED = re.compile(r"(?:%x|\bqx|\bqw)\s*[({\[<|/!]([^)}\]>|/!\n]{1,300})")
_RECIPE = re.compile(r"^\t[ \t]*[@+-]*(\w.{1,300})$", re.MULTILINE)
_PRINTABLE = re.compile(rb"[\x20-\x7e]{2,200}")
_COMMAND = re.compile(r"[a-z/][\w./+-]*(?: -.*)?$")
_PERLS = re.compile(r"(?:^|[;{])[ \t]*(?:use|require|no)\s+([A-Za-z_]\w*(?:::\w+)*)", re.MULTILINE)
_PERLS_FOLDERS = (
    *("/etc/perl", "/usr/local/lib/*-linux-gnu/perl/5*", "/usr/local/share/perl/5*", "/usr/lib/*-linux-gnu/perl5/5*"),
    *("/usr/share/perl5", "/usr/lib/*-linux-gnu/perl-base", "/usr/lib/*-linux-gnu/perl/5*", "/usr/share/perl/5*"),
)
_MOST_CLASSES = 500
_COMPILED_BYTES = 4 << 20


def runners(path: str, first: str) -> frozenset[str]:
    """What may run a file, by its name or its first line; nothing for none of these languages."""
    if first.startswith("#!"):
        words = [plain(word) for word in first[2:].split()]
        return next((names for _, names in _NAMES if names.intersection(words)), frozenset())
    file = os.path.basename(path)
    return next((names for pattern, names in _NAMES if pattern.fullmatch(file)), frozenset())


def plain(program: str) -> str:
    """A program's name without its folder and its version."""
    return _VERSION.sub("", os.path.basename(program))


def is_compiled(path: str) -> bool:
    """Whether no text of a source is to be expected there."""
    return path.endswith((".class", ".jar", ".war"))


def texts(path: str, source: str) -> Any:
    """The texts in a source, and what it gives a shell; what make does stands behind tabs."""
    yield from (text for _, text in _QUOTED.findall(source) if text.strip())
    yield from _SHELLED.findall(source)
    yield from _RECIPE.findall(source) if "make" in runners(path, "") else ()


def perls_modules(source: str) -> Any:
    """The files of Perl's modules that a source uses."""
    names = dict.fromkeys(_PERLS.findall(source))
    folders = [folder for pattern in _PERLS_FOLDERS for folder in sorted(glob.glob(pattern))] if names else []
    for name in names:
        inside = name.replace("::", "/") + ".pm"
        found = (os.path.join(folder, inside) for folder in folders)
        yield from [path for path in found if os.path.isfile(path)][:1]


def compiled_texts(path: str) -> Any:
    """What stands by itself in a compiled program, or in classes, and may start something."""
    for data in _compiled(path):
        for found in _PRINTABLE.findall(data):
            text = found.decode()
            if _COMMAND.match(text):
                yield text


def _compiled(path: str) -> Any:
    try:
        if not path.endswith((".jar", ".war")):
            with open(path, "rb") as file:
                yield file.read(_COMPILED_BYTES)
            return
        with zipfile.ZipFile(path) as jar:
            for name in [name for name in jar.namelist() if name.endswith(".class")][:_MOST_CLASSES]:
                with jar.open(name) as file:
                    yield file.read(_COMPILED_BYTES)
    except (OSError, ValueError, zipfile.BadZipFile, RuntimeError, NotImplementedError):
        return
