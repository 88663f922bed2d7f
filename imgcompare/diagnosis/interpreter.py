"""Pure: which Python an image's command runs, and where that looks for modules."""

from __future__ import annotations

import re
from collections.abc import Sequence
from posixpath import basename, dirname

from msgspec import Struct

from imgcompare.diagnosis.evidence import Case
from imgcompare.diagnosis.file_head import interpreter_line
from imgcompare.diagnosis.image_files import View
from imgcompare.regex import regex

_PYTHON = regex(r"python(?:3(?:\.(\d+))?)?")
_MINOR = regex(r"/python3\.(\d+)(?:/|$)")


class Python(Struct, frozen=True):
    """An interpreter: its path, its version (``3.11``, "" if unknown) and its prefix (``/usr/local``)."""

    path: str
    version: str
    prefix: str

    @property
    def site(self) -> str:
        """Where pip puts its packages; Debian's Python has them in a folder of its own."""
        if self.prefix == "/usr":
            return f"/usr/local/lib/python{self.version}/dist-packages"
        return f"{self.prefix}/lib/python{self.version}/site-packages"


def python_of(case: Case, files: Sequence[str] = (), told: str = "") -> Python | None:
    """The Python that the command runs, by its program's name or first line, else the one on PATH.

    ``files`` are those that a traceback names: an environment that they are in is that of the interpreter, and where
    the standard library is among them it tells the version best.
    ``told`` is the path that the interpreter gave itself, if it did.
    """
    view = case.view
    if view is None:
        return None
    used = next((one for one in view.environments if any(file.startswith(f"{one}/lib/") for file in files)), "")
    told = told or (f"{used}/bin/python" if used else "")
    program = told if told and view.file(told) else case.program_path(case.command.program)
    path = program if program and _PYTHON.fullmatch(basename(program)) else None
    if path is None and program:
        words = interpreter_line(case.evidence.heads.get(program, b""))
        path = next((found for word in words[:1] if (found := case.program_path(word))), None)
    if path is None or not _PYTHON.fullmatch(basename(path)):
        path = next((found for name in ("python", "python3") if (found := case.program_path(name))), None)
    if path is None:
        return None
    prefix = dirname(dirname(path))
    return Python(path, _version(view, path, prefix, files), prefix)


def version_of(location: str) -> str:
    """The Python version that a folder of packages is for (``3.11``), "" where its path does not tell."""
    match = _MINOR.search(location)
    return f"3.{match[1]}" if match else ""


def _version(view: View, path: str, prefix: str, files: Sequence[str]) -> str:
    standard = {version_of(file) for file in files if "-packages/" not in file and file.startswith(("/usr/", prefix))}
    if len(standard - {""}) == 1:
        return (standard - {""}).pop()
    config = (view.document(f"{prefix}/pyvenv.cfg") or b"").decode("utf-8", "replace")
    if match := re.search(r"^version(?:_info)?\s*=\s*(3\.\d+)", config, re.MULTILINE):
        return match[1]
    return _named(view, path) or _standard_library(view, prefix)


def _named(view: View, path: str) -> str:
    """The version in the name of the program that the path leads to, or that lies beside it with the same content."""
    entry = view.file(path)
    beside = [f"{dirname(path)}/python3.{minor}" for minor in range(6, 40)]
    same = [name for name in (path, *beside) if entry is not None and _alike(view, name, entry.digest)]
    return next((version for name in same if (version := version_of(name))), "") or version_of(
        f"/{entry.path}" if entry else ""
    )


def _alike(view: View, path: str, digest: bytes) -> bool:
    other = view.file(path)
    return other is not None and other.digest == digest


def _standard_library(view: View, prefix: str) -> str:
    found = [f"3.{minor}" for minor in range(6, 40) if view.file(f"{prefix}/lib/python3.{minor}/os.py")]
    return found[0] if len(found) == 1 else ""
