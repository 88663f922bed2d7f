"""Pure: two images → what is different between them: sizes, layers, packages, files and configs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from enum import StrEnum

from msgspec import Struct

from imgcompare.analysis.diff_config import SettingChange, config_changes
from imgcompare.analysis.diff_content import ContentDifference
from imgcompare.analysis.diff_files import Change as FileChange
from imgcompare.analysis.diff_files import collapse, difference
from imgcompare.analysis.diff_history import HistoryPair, pair_history
from imgcompare.analysis.filesystem import merge
from imgcompare.analysis.reason import reason
from imgcompare.image.archive import ArchivedImage
from imgcompare.model import Change, DebianPackage, Image, Layer, Package, PythonPackage
from imgcompare.text.ecosystems import TITLES

AnyPackage = DebianPackage | PythonPackage | Package


class Section(StrEnum):
    """The parts of a difference."""

    LAYERS = "layers"
    PACKAGES = "packages"
    FILES = "files"
    CONFIG = "config"


class LoadedImage(Struct, frozen=True, kw_only=True):
    """An image under the name that the user gave, with its layers and all that they tell."""

    name: str
    archived: ArchivedImage
    image: Image


class Side(Struct, frozen=True, kw_only=True):
    """One of the two images, in numbers."""

    name: str
    reference: str
    image_id: str
    platform: str
    uncompressed_size: int
    compressed_size: int | None
    compressed_size_exact: bool | None
    layer_count: int
    file_count: int | None


# Where package managers keep what they have installed: of those that are not read here, and of those whose database may
# be of a form that is not.
_DATABASES = {
    "var/lib/pacman/local/ALPM_DB_VERSION": "pacman",
    "var/lib/opkg/status": "opkg",
    "usr/lib/opkg/status": "opkg",
    "lib/apk/db/installed": "apk",
    "usr/lib/apk/db/installed": "apk",
    "var/lib/rpm/Packages": "rpm",
    "var/lib/rpm/Packages.db": "rpm",
    "var/lib/rpm/rpmdb.sqlite": "rpm",
    "usr/lib/sysimage/rpm/Packages.db": "rpm",
    "usr/lib/sysimage/rpm/rpmdb.sqlite": "rpm",
    "usr/share/rpm/rpmdb.sqlite": "rpm",
}


class PackageChangeKind(StrEnum):
    """What became of a package; ``resized`` is the same version with other bytes."""

    ADDED = "added"
    REMOVED = "removed"
    VERSION = "version"
    RESIZED = "resized"


class PackageChange(Struct, frozen=True, kw_only=True):
    """A package that is not the same in both; the versions and bytes are null and 0 where it is missing."""

    name: str
    kind: PackageChangeKind
    before_version: str | None
    after_version: str | None
    before_bytes: int
    after_bytes: int
    type: str = ""

    @property
    def delta_bytes(self) -> int:
        """The bytes that it takes more than before."""
        return self.after_bytes - self.before_bytes


class PackageChanges(Struct, frozen=True, kw_only=True):
    """The packages that are not the same, by how many bytes they changed, the greatest change first.

    ``all`` are those of every ecosystem, by the ``type`` of their package URLs; ``compared`` are the types of which
    either image has any: of others nothing is said. ``none`` are the kinds of which neither has any (``debian``,
    ``python``). ``not_compared`` are the package managers whose database an image has and that is not read.
    """

    debian: tuple[PackageChange, ...]
    python: tuple[PackageChange, ...]
    none: tuple[str, ...] = ()
    not_compared: tuple[str, ...] = ()
    all: tuple[PackageChange, ...] = ()
    compared: tuple[str, ...] = ()


class FileChanges(Struct, frozen=True, kw_only=True):
    """Paths and folders that are not the same; what moves less than ``min_bytes`` stands together by folder."""

    min_bytes: int
    rows: tuple[FileChange, ...]


class LayerPair(Struct, frozen=True, kw_only=True):
    """A layer of both images or of one; ``shared`` ones are the same from the lowest up: engines hold them once.

    Above those, layers are paired that have the same content, or were made by the same instruction.
    """

    before: Layer | None
    after: Layer | None
    shared: bool


class ImageDifference(Struct, frozen=True, kw_only=True):
    """How ``after`` differs from ``before``; delta = after minus before. Sections nobody asked for are null."""

    before: Side
    after: Side
    uncompressed_delta: int
    compressed_delta: int | None
    reasons: tuple[Change, ...]
    layers: tuple[LayerPair, ...] | None
    packages: PackageChanges | None
    files: FileChanges | None
    config: tuple[SettingChange, ...] | None
    history: tuple[HistoryPair, ...] | None = None
    contents: tuple[ContentDifference, ...] | None = None


def compare_images(
    before: LoadedImage,
    after: LoadedImage,
    sections: Iterable[Section],
    *,
    min_bytes: int | None = None,
    contents: tuple[ContentDifference, ...] | None = None,
) -> ImageDifference:
    """Work out how two images differ; without ``min_bytes`` it is a hundredth of all the bytes that moved.

    ``contents`` are single files, compared already.
    """
    old, new = before.image, after.image
    wanted = frozenset(sections)
    both_packed = old.compressed_size is not None and new.compressed_size is not None
    return ImageDifference(
        before=_side(before),
        after=_side(after),
        uncompressed_delta=new.uncompressed_size - old.uncompressed_size,
        compressed_delta=(new.compressed_size or 0) - (old.compressed_size or 0) if both_packed else None,
        reasons=tuple(Change(category=name, delta_bytes=delta) for name, delta in reason(old.contents, new.contents)),
        layers=pair_layers(old.layers, new.layers) if Section.LAYERS in wanted else None,
        packages=_packages(before, after) if Section.PACKAGES in wanted else None,
        files=_files(before.archived, after.archived, min_bytes) if Section.FILES in wanted else None,
        config=config_changes(before.archived.config, after.archived.config) if Section.CONFIG in wanted else None,
        history=pair_history(before.archived.config, after.archived.config) if Section.LAYERS in wanted else None,
        contents=contents,
    )


def pair_layers(before: Sequence[Layer], after: Sequence[Layer]) -> tuple[LayerPair, ...]:
    """Put two stacks of layers side by side, from the lowest up."""
    common = 0
    while common < min(len(before), len(after)) and before[common].diff_id == after[common].diff_id:
        common += 1
    pairs = [
        LayerPair(before=old, after=new, shared=True) for old, new in zip(before[:common], after[:common], strict=True)
    ]
    # One key for layers of the same content, whatever made them, and for those that the same instruction made.
    made = {layer.diff_id: layer.created_by or layer.diff_id for layer in (*after, *before)}
    left, right = before[common:], after[common:]
    matcher = SequenceMatcher(
        None, [made[layer.diff_id] for layer in left], [made[layer.diff_id] for layer in right], autojunk=False
    )
    for what, old_from, old_to, new_from, new_to in matcher.get_opcodes():
        if what == "equal":
            matched = zip(left[old_from:old_to], right[new_from:new_to], strict=True)
            pairs += (LayerPair(before=old, after=new, shared=False) for old, new in matched)
        else:
            pairs += (LayerPair(before=old, after=None, shared=False) for old in left[old_from:old_to])
            pairs += (LayerPair(before=None, after=new, shared=False) for new in right[new_from:new_to])
    return tuple(pairs)


def package_changes(before: Iterable[AnyPackage], after: Iterable[AnyPackage]) -> tuple[PackageChange, ...]:
    """Which packages are not the same; of one that is there several times, equal ones are held together first."""
    old, new = _by_name(before), _by_name(after)
    changes = [
        change for name in old.keys() | new.keys() for change in _changes_of_one(old.get(name, []), new.get(name, []))
    ]
    return tuple(
        sorted(changes, key=lambda row: (-abs(row.delta_bytes), row.name, row.before_version or "", row.after_bytes))
    )


def _side(loaded: LoadedImage) -> Side:
    image = loaded.image
    return Side(
        name=loaded.name,
        reference=image.reference,
        image_id=image.image_id,
        platform=f"{image.os}/{image.architecture}",
        uncompressed_size=image.uncompressed_size,
        compressed_size=image.compressed_size,
        compressed_size_exact=image.compressed_size_exact,
        layer_count=image.layer_count,
        file_count=image.file_count,
    )


def _packages(before: LoadedImage, after: LoadedImage) -> PackageChanges:
    old, new = before.image.packages, after.image.packages
    there = {"debian": old.debian or new.debian, "python": old.python or new.python}
    listed = old.listed, new.listed
    compared = {package.type for packages in listed for package in packages}
    return PackageChanges(
        debian=package_changes(old.debian, new.debian),
        python=package_changes(old.python, new.python),
        none=tuple(kind for kind, found in there.items() if not found),
        not_compared=tuple(sorted(_unread(before) | _unread(after))),
        all=tuple(
            change
            for kind in TITLES
            if kind in compared
            for change in package_changes(*([one for one in packages if one.type == kind] for packages in listed))
        ),
        compared=tuple(kind for kind in TITLES if kind in compared),
    )


def _unread(loaded: LoadedImage) -> set[str]:
    """The package managers whose database an image has, and no package of."""
    read = {package.type for package in loaded.image.packages.listed}
    paths = (entry.path for layer in loaded.archived.layers for entry in layer.entries)
    return {_DATABASES[path] for path in paths if path in _DATABASES} - read


def _by_name(packages: Iterable[AnyPackage]) -> dict[str, list[AnyPackage]]:
    found: defaultdict[str, list[AnyPackage]] = defaultdict(list)
    for package in packages:
        found[package.name].append(package)
    return found


def _changes_of_one(before: list[AnyPackage], after: list[AnyPackage]) -> Iterator[PackageChange]:
    """The changes of all that has one name: equal ones go, then those of one version, then whatever is left."""
    _, before, after = _paired(before, after, lambda package: (package.version, package.installed_bytes))
    resized, before, after = _paired(before, after, lambda package: package.version)
    changed, before, after = _paired(before, after, lambda package: package.name)
    yield from (_change(PackageChangeKind.RESIZED, old, new) for old, new in resized)
    yield from (_change(PackageChangeKind.VERSION, old, new) for old, new in changed)
    yield from (_change(PackageChangeKind.REMOVED, old, None) for old in before)
    yield from (_change(PackageChangeKind.ADDED, None, new) for new in after)


def _paired(
    before: Iterable[AnyPackage], after: Iterable[AnyPackage], key: Callable[[AnyPackage], object]
) -> tuple[list[tuple[AnyPackage, AnyPackage]], list[AnyPackage], list[AnyPackage]]:
    """Pairs with equal keys, and what is left of either side."""
    waiting: defaultdict[object, list[AnyPackage]] = defaultdict(list)
    for package in before:
        waiting[key(package)].append(package)
    pairs, rest = [], []
    for package in after:
        if alike := waiting[key(package)]:
            pairs.append((alike.pop(0), package))
        else:
            rest.append(package)
    return pairs, [package for left in waiting.values() for package in left], rest


def _change(kind: PackageChangeKind, before: AnyPackage | None, after: AnyPackage | None) -> PackageChange:
    return PackageChange(
        name=before.name if before else after.name if after else "",
        kind=kind,
        before_version=before.version if before else None,
        after_version=after.version if after else None,
        before_bytes=before.installed_bytes if before else 0,
        after_bytes=after.installed_bytes if after else 0,
        type=getattr(before or after, "type", ""),
    )


def _files(before: ArchivedImage, after: ArchivedImage, min_bytes: int | None) -> FileChanges:
    changes = difference(merge(before.layers), merge(after.layers))
    if min_bytes is None:
        min_bytes = sum(change.moved_bytes for change in changes) // 100
    return FileChanges(min_bytes=min_bytes, rows=collapse(changes, min_bytes))
