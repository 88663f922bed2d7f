"""The project's own file, ``imgcompare.toml`` or ``[tool.imgcompare]``: found, read with limits, each key's line known.

The format is TOML 1.0 (https://toml.io/en/v1.0.0).
"""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from msgspec import Struct

from imgcompare.errors import UsageError
from imgcompare.regex import regex
from imgcompare.text.printable import printable

FILE_NAME = "imgcompare.toml"
PYPROJECT = "pyproject.toml"
LIMIT_BYTES = 256 << 10
_TABLE = ("tool", "imgcompare")
_DEEPEST = 50
_WHERE = regex(r" \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)$")

Keys = tuple[str, ...]


class ConfigFile(Struct, frozen=True, dict=True):
    """A file's settings as TOML gives them: ``table`` is all of ``imgcompare.toml``, or ``[tool.imgcompare]``.

    ``prefix`` are the names of the tables around it. ``label`` is what to call settings that are in no file yet.
    """

    path: Path
    table: Mapping[str, object]
    text: str
    prefix: Keys = ()
    label: str = ""

    def __repr__(self) -> str:
        """Say which it is, without its text."""
        return f"<settings of {self.name}>"

    @property
    def folder(self) -> Path:
        """The folder that the file's paths are relative to: ``.`` for the current one, else absolute."""
        folder = Path(os.path.abspath(self.path.parent))  # noqa: PTH100 - as written: Path.resolve follows links
        return Path() if folder == Path.cwd() else folder

    @property
    def name(self) -> str:
        """What messages call the file."""
        return printable(self.label, limit=200) or _shown(self.path)

    def place(self, keys: Keys) -> str:
        """Say where a key stands, as ``FILE:LINE``; a key that is not there has the place of its table."""
        if self.label:
            return self.name
        whole = (*self.prefix, *keys)
        lines = (self._lines.get(whole[:length]) for length in range(len(whole), 0, -1))
        line = next((line for line in lines if line is not None), 1)
        return f"{_shown(self.path)}:{line}"

    def error(self, keys: Keys, message: str, *, hint: str) -> UsageError:
        """Make the error that names the file and the line of a key."""
        return UsageError(f"{self.place(keys)}: {message}", hint=hint)

    def title(self, keys: Keys) -> str:
        """How the table of that name is written in this file."""
        whole = (*self.prefix, *keys)
        return f"[{'.'.join(whole)}]" if whole else "the file"

    @cached_property
    def _lines(self) -> dict[Keys, int]:
        return key_lines(self.text)


def find_config(folder: Path, named: Path | None = None) -> ConfigFile | None:
    """Return the named file, or the nearest in ``folder`` and above it up to the repository's root; None if none is.

    Outside a repository only ``folder`` itself is looked at. Raises UsageError for a file that cannot be used.
    """
    if named is not None:
        found = _pyproject(named) if named.name == PYPROJECT else _read(named)
        if found is None:
            raise UsageError(f"{_shown(named)} has no [tool.imgcompare]", hint="`imgcompare init` writes a file.")
        return found
    for place in _upwards(folder):
        if os.path.lexists(place / FILE_NAME):
            return _read(place / FILE_NAME)
        pyproject = place / PYPROJECT
        if os.path.lexists(pyproject) and (found := _pyproject(pyproject)):
            return found
    return None


def key_lines(text: str) -> dict[Keys, int]:
    """Return the line, counted from 1, on which each key or table of a TOML document begins.

    TOML's reader tells no places. But a statement ends with a line and can be read alone: what it finds in the lines
    since the last statement are the keys that these lines set.
    """
    lines: dict[Keys, int] = {}
    table: Keys = ()
    began, statement = 1, ""
    for number, line in enumerate(text.split("\n"), 1):
        statement += f"{line}\n"
        try:
            read = tomllib.loads(statement)
        except tomllib.TOMLDecodeError:
            continue  # a string or an array goes on
        keys = list(_keys(read))
        heads_table = statement.lstrip().startswith("[")
        if heads_table:
            table = ()
        for key in keys:
            lines.setdefault((*table, *key), began)
        if heads_table:
            table = keys[-1]
        began, statement = number + 1, ""
    return lines


def _keys(table: Mapping[str, object]) -> Iterator[Keys]:
    for name, value in table.items():
        yield (name,)
        if isinstance(value, dict):
            yield from ((name, *below) for below in _keys(value))


def _upwards(folder: Path) -> Sequence[Path]:
    places = [folder, *folder.absolute().parents]
    root = next((at for at, place in enumerate(places) if os.path.lexists(place / ".git")), 0)
    return places[: root + 1]


def _pyproject(path: Path) -> ConfigFile | None:
    """Read ``[tool.imgcompare]``; a file in which the name does not occur may hold what it likes."""
    text = _text(path)
    if _TABLE[1] not in text:
        return None
    found: object = _table(path, text)
    for name in _TABLE:
        found = found.get(name) if isinstance(found, dict) else None
    return ConfigFile(path, found, text, _TABLE) if isinstance(found, dict) else None


def _read(path: Path) -> ConfigFile:
    text = _text(path)
    return ConfigFile(path, _table(path, text), text)


def _table(path: Path, text: str) -> dict[str, object]:
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        where = _WHERE.search(str(exc))
        line = where["line"] if where and where["line"] else text.count("\n") + 1
        column = f" (column {where['column']})" if where and where["column"] else ""
        reason = printable(_WHERE.sub("", str(exc)), limit=200)
        raise UsageError(
            f"{_shown(path)}:{line}: this is no TOML: {reason}{column}",
            hint="Mend that line; https://toml.io shows how.",
        ) from exc
    except RecursionError as exc:
        raise _too_deep(path) from exc
    if _is_deep(found):  # dotted keys nest without recursion
        raise _too_deep(path)
    return found


def _too_deep(path: Path) -> UsageError:
    return UsageError(f"{_shown(path)} is nested too deeply", hint="No key needs more than three levels.")


def _is_deep(table: dict[str, object]) -> bool:
    level: list[object] = [table]
    for _ in range(_DEEPEST):
        level = [
            inner
            for each in level
            for inner in (each.values() if isinstance(each, dict) else each if isinstance(each, list) else ())
        ]
    return bool(level)


def _text(path: Path) -> str:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise UsageError(f"{_shown(path)} is not a file", hint="Name a file in TOML: --config FILE")
        with path.open("rb") as file:
            data = file.read(LIMIT_BYTES + 1)
        if len(data) > LIMIT_BYTES:
            raise UsageError(
                f"{_shown(path)} is larger than settings can be ({LIMIT_BYTES >> 10} KiB)", hint="Is it the right file?"
            )
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except OSError as exc:
        raise UsageError(
            f"cannot read {_shown(path)}: {exc.strerror}",
            hint="Name the file: --config FILE; `imgcompare init` makes one.",
        ) from exc
    except UnicodeDecodeError as exc:
        line = data.count(b"\n", 0, exc.start) + 1
        raise UsageError(f"{_shown(path)}:{line}: this is not UTF-8", hint="TOML is written in UTF-8.") from exc


def _shown(path: Path) -> str:
    relative = os.path.relpath(path)
    return printable(str(path) if relative.startswith("..") else relative, limit=200)
