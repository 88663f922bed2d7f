"""The comparisons that would run, each setting with its value and who gave it, for a terminal and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msgspec import Struct

from imgcompare.config.model import Config
from imgcompare.config.project import DEFAULT, VARIANTS, Value
from imgcompare.config.resolve import Resolved, Selection
from imgcompare.config.settings import GATES, OF_BUILDS, OF_REQUESTS, OF_SERVICES, PAIRED, SETTINGS, Setting
from imgcompare.config.variants import VariantSpec
from imgcompare.console.style import Style
from imgcompare.model import SCHEMA_VERSION, Shard
from imgcompare.render.cells.grid import Cell, Column, Grid, Tone
from imgcompare.render.formats.json import to_json as as_json
from imgcompare.render.page import Page, Wide
from imgcompare.text.printable import printable

_COLUMNS = (Column(key="key", title=""), Wide(key="value", title=""), Column(key="where", title=""))
_UNSET = {setting.key: setting.unset for setting in SETTINGS}
_HIDDEN = "(not shown)"
_EXPECT = "expect_"


class ShownSetting(Struct, frozen=True, kw_only=True):
    """A setting: ``source`` is ``flag``, ``environment``, ``file`` or ``default``, and ``where`` says which of them.

    ``value`` is null where there is none, and where ``hidden`` says that it may be a secret.
    """

    key: str
    value: Any
    source: str
    where: str
    hidden: bool = False


class ShownComparison(Struct, frozen=True, kw_only=True):
    """A comparison and all its settings."""

    name: str
    settings: tuple[ShownSetting, ...]


class ShownSelection(Struct, frozen=True, kw_only=True):
    """What would run."""

    schema_version: int
    file: str | None
    shard: Shard | None
    comparisons: tuple[ShownComparison, ...]


def render(selection: Selection, file: str | None, style: Style) -> str:
    """Return the page: a table for each comparison."""
    page = Page(style)
    page.say(file or "There is no imgcompare.toml here or above.", "dim")
    if selection.shard:
        page.say(f"Shard {selection.shard.index}/{selection.shard.count}: {len(selection.comparisons)} of them", "dim")
    for resolved in selection.comparisons:
        page.gap()
        page.say(printable(resolved.config.scenario), "strong")
        page.table(Grid(_COLUMNS, tuple(_row(key, value) for key, value in _settings(resolved))))
    return page.text()


def to_json(selection: Selection, file: str | None, style: Style) -> str:
    """Return the same as JSON."""
    shown = tuple(
        ShownComparison(
            name=each.config.scenario,
            settings=tuple(
                ShownSetting(
                    key=key,
                    value=None if value.hidden else _plain(value.value),
                    source=value.origin.source,
                    where=value.origin.where,
                    hidden=value.hidden,
                )
                for key, value in _settings(each)
            ),
        )
        for each in selection.comparisons
    )
    found = ShownSelection(schema_version=SCHEMA_VERSION, file=file, shard=selection.shard, comparisons=shown)
    return as_json(found, style)


def _settings(resolved: Resolved) -> Iterator[tuple[str, Value]]:
    """Every setting of a comparison: its variants, then all others in the order of SETTINGS."""
    given = resolved.values
    yield from ((key, value) for key, value in given.items() if key.startswith(f"{VARIANTS}."))
    for setting in SETTINGS:
        if setting.key in given:
            yield setting.key, given[setting.key]
        if setting.key in PAIRED or setting.key.startswith(f"{GATES}."):
            yield from ((key, value) for key, value in given.items() if key.startswith(f"{setting.key}."))
        elif setting.key not in given:
            yield setting.key, Value(_default(resolved.config, setting), DEFAULT)


def _default(config: Config, setting: Setting) -> object:
    name = setting.field or setting.key
    if setting.key in OF_REQUESTS or setting.key in OF_SERVICES:
        return None
    if name in OF_BUILDS:
        return getattr(config.build, name)
    expected = name.removeprefix(_EXPECT)
    return getattr(config, name) if expected == name else getattr(config.expect, expected)


def _row(key: str, value: Value) -> tuple[Cell, ...]:
    plain = _plain(value.value)
    text = _HIDDEN if value.hidden else _UNSET.get(key, "") if plain in (None, "", []) else _written(plain)
    where = value.origin.where or value.origin.source
    tone: Tone = "dim" if value.origin.source == DEFAULT.source else "plain"
    return (
        Cell(text=printable(f"  {key}"), tone=tone),
        Cell(text=printable(text), tone=tone),
        Cell(text=where, tone="dim"),
    )


def _written(plain: object) -> str:
    match plain:
        case bool():
            return str(plain).lower()
        case float():
            return f"{plain:g}"
        case list():
            return ", ".join(plain)
    return str(plain)


def _plain(value: object) -> Any:
    """A value as JSON has it; a variant as it is written on the command line."""
    match value:
        case VariantSpec(image=str(image)):
            return f"image:{image}"
        case VariantSpec(dockerfile=dockerfile, target=target):
            return f"{dockerfile}:{target}" if target else str(dockerfile)
        case Path():
            return str(value)
        case tuple():
            return [each if isinstance(each, str) else each.text or "all" for each in value]
    return value
