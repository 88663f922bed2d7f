"""The project's file → the settings of each of its comparisons, with every key accounted for and its line at hand."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from imgcompare.config.build_options import rebased
from imgcompare.config.settings import GATES, PAIRED, SETTINGS, Setting
from imgcompare.config.toml_file import FILE_NAME, ConfigFile, Keys
from imgcompare.config.variants import VARIANT_FORMS, VariantSpec, check_name, fit_name, parse_variants
from imgcompare.errors import UsageError
from imgcompare.text.printable import printable

VARIANTS = "variants"
_COMPARISONS = "comparisons"
_IN_FILE = {setting.key: setting for setting in SETTINGS if setting.in_file and "." not in setting.key}
_GATES = {setting.key.partition(".")[2]: setting for setting in SETTINGS if setting.key.startswith(f"{GATES}.")}
_COMPARISON = (*_IN_FILE, VARIANTS, GATES)
_TOP = (*_COMPARISON, "name", _COMPARISONS)
_WITH_PATHS = ("compose", "volumes", "contexts", "secrets", "ssh", "cache_from", "cache_to")
_VARIANT = ("dockerfile", "target", "image", "expected_failure")


class Origin(Struct, frozen=True):
    """Who set a value: ``source`` is ``flag``, ``environment``, ``file`` or ``default``, ``where`` says which one."""

    source: str
    where: str = ""


DEFAULT = Origin("default")


class Value(Struct, frozen=True):
    """A setting's value and who set it; ``hidden`` is what may be a secret."""

    value: Any
    origin: Origin
    hidden: bool = False


Values = Mapping[str, Value]
"""Settings by key; a table's entries have its key and a dot before theirs: ``env.PORT``, ``variants.slim``.

Of a limit for one variant it is ``gates.max_size.slim``, of one for all ``gates.max_size``.
"""


class Project(Struct, frozen=True):
    """What a file says: for every comparison (``shared``), and of each by name, with the shared settings in it."""

    file: ConfigFile
    shared: Values = field(default_factory=dict)
    comparisons: Mapping[str, Values] = field(default_factory=dict)


def read_project(file: ConfigFile, environ: Mapping[str, str]) -> Project:
    """Read all settings of a file. Raises UsageError, with the line, for what is unknown, misplaced or not accepted."""
    reader = _Reader(file, environ)
    reader.refuse_unknown((), file.table, _TOP)
    top = reader.comparison(())
    shared = {key: value for key, value in top.items() if not key.startswith(f"{VARIANTS}.")}
    if _COMPARISONS not in file.table:
        alone = {reader.name(): top} if VARIANTS in file.table else {}
        return _checked(Project(file, shared, alone))
    for key in (VARIANTS, "name"):
        if key in file.table:
            hint = f"Put it into {file.title((_COMPARISONS, 'NAME'))}, or leave {file.title((_COMPARISONS,))} out."
            raise file.error((key,), f"{key!r} is of one comparison, and this file has several", hint=hint)
    return _checked(Project(file, shared, {name: {**shared, **own} for name, own in reader.comparisons()}))


def entries(values: Values, table: str) -> dict[str, Value]:
    """Return the entries of a table by their own names."""
    return {key.removeprefix(f"{table}."): value for key, value in values.items() if key.startswith(f"{table}.")}


def flatten(setting: Setting, value: object, origin: Origin, environ: Mapping[str, str]) -> dict[str, Value]:
    """Return a setting's value by its key, or a table's entries by theirs; one without a value is the environment's.

    What is for no entry in particular, a limit for all variants, has the setting's own key.
    """
    if not isinstance(value, dict):
        return {setting.key: Value(value, origin)}
    return {
        f"{setting.key}.{name}" if name else setting.key: Value(
            environ[name] if text is None else text, origin, hidden=text is None
        )
        for name, text in value.items()
        if text is not None or name in environ
    }


def nearest(word: str, words: Iterable[str]) -> str:
    """Ask for the word that may have been meant; empty where none is near."""
    from difflib import get_close_matches  # noqa: PLC0415 - only needed when something went wrong

    known = list(words)
    close = get_close_matches(word.replace("-", "_"), known, n=1) or get_close_matches(word, known, n=1)
    return f"Did you mean {close[0]!r}? " if close else ""


def _checked(project: Project) -> Project:
    """Every comparison has variants, and its baseline is one of them."""
    for name, values in project.comparisons.items():
        variants = entries(values, VARIANTS)
        if not variants:
            hint = f'For example: {VARIANTS} = ["Dockerfile", "slim=Dockerfile.slim"]'
            raise project.file.error((_COMPARISONS, name), f"the comparison {name!r} has no variants", hint=hint)
        baseline = values.get("baseline")
        if baseline and baseline.value not in variants:
            raise UsageError(
                f"{baseline.origin.where}: the baseline {baseline.value!r} is no variant of {name!r}",
                hint=f"Its variants are: {', '.join(variants)}.",
            )
    return project


class _Reader(Struct, frozen=True):
    file: ConfigFile
    environ: Mapping[str, str]

    def name(self) -> str:
        """The name of the only comparison: as the file says, else that of its folder."""
        if "name" in self.file.table:
            return self._named(("name",), "the name", str(self.file.table["name"]))
        folder = self.file.path.absolute().parent.name
        return fit_name(folder) or "comparison"

    def comparisons(self) -> Iterator[tuple[str, Values]]:
        """Each comparison's name and own settings."""
        tables = self._table((_COMPARISONS,))
        if not tables:
            hint = f"Add one: {self.file.title((_COMPARISONS, 'NAME'))}"
            raise self.file.error((_COMPARISONS,), f"{_COMPARISONS!r} holds no comparison", hint=hint)
        for name in tables:
            keys = (_COMPARISONS, self._named((_COMPARISONS, name), "a comparison", name))
            self.refuse_unknown(keys, self._table(keys), _COMPARISON)
            yield name, self.comparison(keys)

    def comparison(self, keys: Keys) -> Values:
        """The settings in a table."""
        table = self._table(keys)
        values = self._settings(keys, table, _IN_FILE)
        if GATES in table:
            limits = self._table((*keys, GATES))
            self.refuse_unknown((*keys, GATES), limits, tuple(_GATES))
            values |= self._settings((*keys, GATES), limits, _GATES)
        if VARIANTS in table:
            values |= self._variants((*keys, VARIANTS), table[VARIANTS])
        return values

    def refuse_unknown(self, keys: Keys, table: Mapping[str, object], known: tuple[str, ...]) -> None:
        """Raise UsageError for the first key that is not known there."""
        for key in table:
            if key not in known:
                hint = f"{nearest(key, known)}Keys here: {', '.join(sorted(known))}."
                if GATES in known and key in _GATES:
                    hint = f"It is a limit: put it into {self.file.title((*keys, GATES))}."
                if key == "tool" and not keys:
                    hint = (
                        f"In {FILE_NAME} the keys of [tool.imgcompare] stand at the top, without a table around them."
                    )
                where = "" if not (*self.file.prefix, *keys) else f" in {self.file.title(keys)}"
                raise self.file.error((*keys, key), f"unknown key {printable(repr(key), limit=80)}{where}", hint=hint)

    def _settings(self, keys: Keys, table: Mapping[str, object], known: Mapping[str, Setting]) -> dict[str, Value]:
        values: dict[str, Value] = {}
        for key, setting in known.items():
            if key in table:
                values |= self._setting((*keys, key), setting, table[key])
        return values

    def _setting(self, keys: Keys, setting: Setting, given: object) -> dict[str, Value]:
        try:
            value = setting.kind.read(given)
        except ValueError as exc:
            raise self._wrong(keys, given, setting.kind.accepts) from exc
        except UsageError as exc:
            raise self.file.error(keys, exc.message, hint=exc.hint or "") from exc
        if isinstance(value, Path):
            value = self._path(value)
        if setting.key in _WITH_PATHS:
            value = self._rebased(setting.key, value)
        flat = flatten(setting, value, self._origin(keys), self.environ)
        if setting.key not in PAIRED:
            return flat
        return {key: replace(each, origin=self._origin((*keys, key.partition(".")[2]))) for key, each in flat.items()}

    def _rebased(self, key: str, value: Any) -> Any:
        """The paths in a file's texts are relative to its folder."""
        if key == "compose":
            return value if value == "none" else str(self._path(Path(value)))
        if isinstance(value, dict):
            return {name: text and rebased(key, text, self.file.folder) for name, text in value.items()}
        return tuple(rebased(key, text, self.file.folder) for text in value)

    def _variants(self, keys: Keys, given: object) -> dict[str, Value]:
        if isinstance(given, list) and all(isinstance(text, str) for text in given):
            found = dict.fromkeys([keys], self._parsed(keys, given))
        elif isinstance(given, dict):
            found = {(*keys, name): (self._variant((*keys, name), value),) for name, value in given.items()}
        else:
            raise self._wrong(
                keys, given, 'a table of variants, or an array such as ["Dockerfile", "slim=slim.Dockerfile"]'
            )
        values: dict[str, Value] = {}
        for at, specs in found.items():
            for spec in specs:
                if f"{VARIANTS}.{spec.name}" in values:
                    hint = f"Give each a name of its own: {VARIANT_FORMS}."
                    raise self.file.error(at, f"two variants are named {spec.name!r}", hint=hint)
                values[f"{VARIANTS}.{spec.name}"] = Value(spec, self._origin(at))
        return values

    def _variant(self, keys: Keys, given: object) -> VariantSpec:
        name = self._named(keys, "a variant", keys[-1])
        if isinstance(given, str):
            return self._parsed(keys, [f"{name}={given}"])[0]
        if name in _IN_FILE:
            hint = f"Keys of the comparison stand above {self.file.title(keys[:-1])}."
            raise self.file.error(keys, f"{name!r} is among the variants", hint=hint)
        table = self._table(keys)
        self.refuse_unknown(keys, table, _VARIANT)
        for key, value in table.items():
            if not isinstance(value, str) or not value:
                raise self._wrong((*keys, key), value, "text")
        if ("dockerfile" in table) == ("image" in table):
            raise self.file.error(
                keys,
                f"the variant {name!r} needs a Dockerfile or an image, one of them",
                hint='dockerfile = "Dockerfile"',
            )
        text = {key: str(value) for key, value in table.items()}
        dockerfile = self._path(Path(text["dockerfile"])) if "dockerfile" in text else None
        return VariantSpec(name=name, **{**text, "dockerfile": dockerfile})  # type: ignore[arg-type]

    def _parsed(self, keys: Keys, texts: list[str]) -> tuple[VariantSpec, ...]:
        try:
            return tuple(
                replace(spec, dockerfile=spec.dockerfile and self._path(spec.dockerfile))
                for spec in parse_variants(texts, self.file.folder)
            )
        except UsageError as exc:
            raise self.file.error(keys, exc.message, hint=exc.hint or "") from exc

    def _path(self, path: Path) -> Path:
        return Path(os.path.normpath(self.file.folder / path))

    def _table(self, keys: Keys) -> Mapping[str, object]:
        found: object = self.file.table
        for key in keys:
            found = found[key] if isinstance(found, dict) else found
        if not isinstance(found, dict):
            raise self._wrong(keys, found, f"a table: {self.file.title(keys)}")
        return found

    def _named(self, keys: Keys, what: str, name: str) -> str:
        try:
            return check_name(what, name)
        except UsageError as exc:
            raise self.file.error(keys, exc.message, hint=exc.hint or "") from exc

    def _origin(self, keys: Keys) -> Origin:
        return Origin("file", self.file.place(keys))

    def _wrong(self, keys: Keys, value: object, accepts: str) -> UsageError:
        shown = printable(json.dumps(value, default=str, ensure_ascii=False), limit=80)
        return self.file.error(keys, f"{keys[-1]} = {shown} is not accepted", hint=f"It must be {accepts}.")
