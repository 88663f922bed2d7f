"""Pure: what an image could be without, by the layer that brought it: bytes that were measured, the greatest first.

What the tool itself can take away (``imgcompare shrink``) comes apart from what is only told: bytecode, tests and
documentation inside packages are of use to somebody, and how much they are is no reason to delete them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from imgcompare.analysis.breakdown import Categories, Category, meant
from imgcompare.analysis.filesystem import RootFilesystem
from imgcompare.image.layer_index import FileEntry, LayerIndex
from imgcompare.model import Saving, SavingKind
from imgcompare.regex import regex

_WORTH_BYTES = 100_000
DOWNLOADS = regex(
    r"(?:root|home/[^/]+)/\.(?:npm/(?:_cacache|_logs)"
    r"|cache/(?:pip|uv(?!/environments-)|pypoetry/(?:cache|artifacts)|pipenv|virtualenv|pdm|yarn|pnpm|node-gyp|composer|go-build))(?:/|$)"
)
"""Where tools that install keep what they have downloaded; other caches hold models and browsers, and stay.

So do the environments in which uv runs scripts: it would make them anew when one is started.
"""

_RULES: tuple[tuple[SavingKind, re.Pattern[str]], ...] = (
    (SavingKind.PACKAGE_LISTS, regex(r"var/lib/apt/lists/.|var/cache/apk/.|var/lib/dnf/.")),
    (
        SavingKind.DOWNLOAD_CACHES,
        regex(rf"var/cache/apt/.|var/cache/(?:yum|dnf)/.|(?:{DOWNLOADS.pattern}).|tmp/(?:pip|uv|npm)-"),
    ),
)
_UNWANTED = regex(
    r"(?:.*/)?(?:\.git|\.hg|\.svn|node_modules|\.venv|venv|env|__pycache__|\.pytest_cache|\.mypy_cache|\.ruff_cache"
    r"|\.tox|\.idea|\.vscode|\.ipynb_checkpoints|htmlcov)(?=/)"
)
_TOLD: tuple[tuple[SavingKind, re.Pattern[str]], ...] = (
    (SavingKind.BYTECODE, regex(r".*/__pycache__/")),
    (SavingKind.TESTS, regex(r".*/(?:site|dist)-packages/(?:.*/)?tests?/")),
    (SavingKind.DOCUMENTATION, regex(r"usr/(?:local/)?share/(?:doc|man|info|locale|gtk-doc|help)/")),
)
_COPIED = regex(r"(?:COPY|ADD)\b(?!.*--from=)")


def find_savings(
    layers: Sequence[LayerIndex],
    root: RootFilesystem,
    categories: Categories,
    base_count: int | None,
    instructions: Sequence[str],
) -> tuple[Saving, ...]:
    """What could be saved, by kind and layer, the greatest first; less than 100 kB is not worth a word.

    ``instructions`` say what made each layer. Of a base that is not known every layer counts as the image's own.
    """
    base = base_count or 0
    found: list[Saving] = []
    for index, layer in enumerate(layers):
        if index < base:
            continue
        copied = _COPIED.match(instructions[index]) is not None
        sizes, folders = _of_layer(layer, categories.of_layer(layer), copied=copied)
        found += [_saving(kind, size, index, folders.get(kind, ())) for kind, size in sizes.items()]
    found += [_saving(SavingKind.DELETED_LATER, size, index) for index, size in _dead_by(root, base).items()]
    in_base = sum(categories.sums(layer)[Category.BUILD_TOOLS] for layer in layers[:base])
    found.append(_saving(SavingKind.FULL_BASE, in_base, None))
    return tuple(
        sorted((one for one in found if one.saved_bytes >= _WORTH_BYTES), key=lambda one: (-one.saved_bytes, one.kind))
    )


def _of_layer(
    layer: LayerIndex, categories: Iterable[Category], *, copied: bool
) -> tuple[Counter[SavingKind], dict[SavingKind, tuple[str, ...]]]:
    """A layer's bytes by kind, and the folders that were copied though nobody wants them."""
    sizes: Counter[SavingKind] = Counter()
    folders: Counter[str] = Counter()
    for entry, category in zip(layer.entries, categories, strict=True):
        path = meant(entry.path)
        if not entry.size:
            continue
        if copied and (match := _UNWANTED.match(path)):
            folders[match[0].rpartition("/")[2]] += entry.stored
            sizes[SavingKind.UNWANTED_FILES] += entry.stored
        elif kind := _kind(path, category, entry):
            sizes[kind] += entry.stored
    return sizes, {SavingKind.UNWANTED_FILES: tuple(name for name, _ in folders.most_common())}


def _kind(path: str, category: Category, entry: FileEntry) -> SavingKind | None:
    for kind, pattern in _RULES:
        if pattern.match(path):
            return kind
    if category is Category.BUILD_TOOLS:
        return SavingKind.BUILD_TOOLS
    if category is Category.CACHES and entry.size:
        return next((kind for kind, pattern in _TOLD if pattern.match(path)), None)
    return None


def _dead_by(root: RootFilesystem, base: int) -> Mapping[int, int]:
    """Bytes of the image's own layers that a later one deletes or writes anew, by that layer; each file once."""
    linked = {(id(entry), root.layer_of[path]) for path, entry in root.entries.items() if entry.path != path}
    dead: Counter[int] = Counter()
    last = {(id(lost.entry), lost.layer): lost for lost in root.superseded}
    for key, lost in last.items():
        if lost.layer >= base and lost.by_layer != lost.layer and key not in linked:
            dead[lost.by_layer] += 0 if root.holds(lost.entry, lost.layer) else lost.entry.held_bytes
    return dead


def _saving(kind: SavingKind, size: int, layer: int | None, folders: tuple[str, ...] = ()) -> Saving:
    return Saving(kind=kind, saved_bytes=size, layer=None if layer is None else layer + 1, folders=folders)
