"""Pure: the lines that put a server for production in the place of the one for development that a command starts.

What finds the app stays: the folder that Python looks into first, the module, and the ENTRYPOINT that only wraps it.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from posixpath import basename, dirname, join, normpath

from msgspec import Struct

from imgcompare.diagnosis.command import command_of, environment, is_shell, written
from imgcompare.engine.interface import EngineImage
from imgcompare.model import PythonPackage
from imgcompare.regex import regex
from imgcompare.text.printable import printable

_PYTHON = regex(r"python[\d.]*")
_SITE = regex(r"(.*)/lib/python3\.\d+/(?:site|dist)-packages")
_FRAMEWORKS = {"django", "flask"}
_PREFIX = "/usr/local"
_DEFAULT = "app"
# What the last command of a shell line would lose if it were written anew.
_MORE = regex(r"\n|(?:^|&&|;)\s*(?:exec\s+)?[A-Za-z_]\w*=")


class Served(Struct, frozen=True):
    """What a server is told to serve: ``shop.wsgi`` or ``web:app``, and the folder that Python has to look into."""

    name: str
    folder: str = ""
    is_django: bool = False


def served(image: EngineImage) -> Served:
    """What the image's command serves; the variable of the module is guessed where the command does not name it."""
    words, variables = command_of(image).words, environment(image, {})
    at = _start(words) or 0
    program, *rest = words[at:] or ("",)
    if _PYTHON.fullmatch(basename(program)) and rest and not (rest[0] == "-m" and rest[1:2] == ["flask"]):
        if rest[0] == "-m":
            return Served(f"{rest[1]}:{_DEFAULT}" if len(rest) > 1 else _DEFAULT)
        if basename(rest[0]) == "manage.py":
            project = (variables.get("DJANGO_SETTINGS_MODULE") or "project").partition(".")[0]
            return Served(f"{printable(project, limit=60)}.wsgi", _beside(image, rest[0]), is_django=True)
        return _module(image, rest[0], "")
    named = _option(rest, ("--app", "-A")) or variables.get("FLASK_APP", "")
    module, _, name = named.partition(":")
    return _module(image, module or _DEFAULT, name)


def lines(image: EngineImage, port: int, packages: Sequence[PythonPackage]) -> tuple[str, ...]:
    """The lines that install gunicorn, where that is missing, and start it; () where a script starts the app."""
    command = [*image.entrypoint, *image.cmd]
    script = command[2] if len(command) > 2 and is_shell(command[0]) and command[1] == "-c" else ""
    words = command_of(image).words if script else tuple(command)
    at = _start(words)
    if at is None or (script and (at != 0 or _MORE.search(script))):
        return ()
    app = served(image)
    new = ["gunicorn", f"--bind=0.0.0.0:{port}", *([f"--pythonpath={app.folder}"] if app.folder else []), app.name]
    fastapi = basename(words[at]) == "fastapi"
    if fastapi:
        new = ["run" if word == "dev" else word for word in words[at:]]
    start = _as_line(image, script, new) if script else _rewritten(image, [*words[:at], *new], at)
    there = fastapi or any(package.name.lower() == "gunicorn" for package in packages)
    return start if there else (*_install(image, packages), *start)


def _start(words: Sequence[str]) -> int | None:
    """Where the development server's own words begin: Python, flask or fastapi."""
    for at, word in enumerate(words):
        name = basename(word)
        if _PYTHON.fullmatch(name) or name in {"flask", "fastapi"}:
            return at
    return None


def _as_line(image: EngineImage, script: str, words: Sequence[str]) -> tuple[str, ...]:
    """The shell line's own instruction: with what stands before the last command, else as a list."""
    keyword = "ENTRYPOINT" if image.entrypoint else "CMD"
    before = re.fullmatch(r"(.*(?:&&|;)\s*)[^;&]*", script)
    line = f"{keyword} {before[1]}exec {shlex.join(words)}" if before else written(keyword, words)
    return (line, "CMD []") if image.entrypoint and image.cmd else (line,)


def _rewritten(image: EngineImage, words: list[str], at: int) -> tuple[str, ...]:
    """The instructions that make the image run these words, which are new from ``at`` on."""
    if at >= len(image.entrypoint):
        return (written("CMD", words[len(image.entrypoint) :]),)
    if image.cmd:
        return (written("ENTRYPOINT", words[: at + 1]), written("CMD", words[at + 1 :]))
    return (written("ENTRYPOINT", words),)


def _module(image: EngineImage, named: str, name: str) -> Served:
    """A module by the path of its file or by its own name."""
    name = printable(name, limit=60) or _DEFAULT
    if name.startswith(("create_app", "make_app")) and not name.endswith(")"):
        name = f"{name}()"  # flask calls it by itself
    if named.endswith(".py") or "/" in named:
        module = basename(named).removesuffix(".py")
        return Served(f"{printable(module, limit=60)}:{name}", _beside(image, named))
    return Served(f"{printable(named, limit=60)}:{name}")


def _beside(image: EngineImage, path: str) -> str:
    """The folder of a file, as it is written; "" where programs start in it."""
    here = image.working_dir or "/"
    return "" if normpath(join(here, dirname(path))) == normpath(here) else printable(dirname(path), limit=120)


def _option(words: Sequence[str], names: tuple[str, ...]) -> str:
    for at, word in enumerate(words):
        option, equals, value = word.partition("=")
        if option in names:
            return value if equals else "".join(words[at + 1 : at + 2])
    return ""


def _install(image: EngineImage, packages: Sequence[PythonPackage]) -> tuple[str, ...]:
    """For the Python that has the framework, which need not be the one of the first pip on PATH."""
    places = [one.location for one in packages if one.name.lower() in _FRAMEWORKS]
    match = _SITE.fullmatch(places[0]) if places else None
    prefix = match[1] if match else _PREFIX
    first = environment(image, {}).get("PATH", "").partition(":")[0]
    if prefix in {_PREFIX, "/usr"}:
        return ("RUN pip install --no-cache-dir gunicorn",)
    if not any(one.name == "pip" and one.location == places[0] for one in packages):
        return (f"RUN pip --python {prefix}/bin/python install --no-cache-dir gunicorn",)
    own = "pip" if first == f"{prefix}/bin" else f"{prefix}/bin/pip"
    return (f"RUN {own} install --no-cache-dir gunicorn",)
