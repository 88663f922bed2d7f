"""The tables beside the comparison itself, as columns and cells: facts, layers, steps, packages, files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from imgcompare.model import (
    AgainstRow,
    Build,
    Entry,
    Image,
    Layer,
    Package,
    Report,
    Variant,
)
from imgcompare.render.cells.facts import SHORT_ID, absolute, counted, origin, without
from imgcompare.render.cells.grid import NOTHING, Cell, Column, Grid, variant_name
from imgcompare.render.cells.sentences import category_name
from imgcompare.text.ecosystems import TITLES
from imgcompare.text.printable import printable
from imgcompare.text.units import MINUS, format_bytes, format_delta, format_percent, format_seconds

_PACKAGE_COLUMNS = 6
_NAMED = 3
_NONE = Cell(text=NOTHING, tone="dim")


def build_facts(report: Report) -> Grid:
    """Return a row for each fact that is known of a variant, and a column for each variant."""
    columns = (
        Column(key="fact", title=""),
        *(Column(key=f"variant-{n}", title=variant_name(v.name)) for n, v in enumerate(report.variants)),
    )
    rows = []
    for title, fact in _FACTS:
        texts = [fact(variant) for variant in report.variants]
        if any(texts):
            rows.append((Cell(text=title), *(Cell(text=text) if text else _NONE for text in texts)))
    return Grid(columns, tuple(rows))


def _of_image(fact: Callable[[Image], str]) -> Callable[[Variant], str]:
    return lambda variant: fact(variant.image) if variant.image else ""


def _source(variant: Variant) -> str:
    source = variant.source
    if source.image:
        return printable(source.image, limit=200)
    target = f", target {source.target}" if source.target else ""
    return printable(f"{source.dockerfile or ''}{target}", limit=200)


def _base(image: Image) -> str:
    if image.base_size is None or image.own_size is None:
        return ""
    return f"{format_bytes(image.base_size)} + {format_bytes(image.own_size)}"


def _shared(image: Image) -> str:
    if image.shared_bytes is None or image.unique_bytes is None:
        return ""
    return f"{format_bytes(image.shared_bytes)} + {format_bytes(image.unique_bytes)}"


def _wasted(image: Image) -> str:
    if image.wasted_bytes is None:
        return ""
    efficiency = "" if image.efficiency is None else f", efficiency {format_percent(image.efficiency)}"
    return f"{format_bytes(image.wasted_bytes)}{efficiency}"


def _tools(image: Image) -> str:
    if image.security is None:
        return ""
    found = image.security
    return ", ".join(
        (
            counted(found.shells, "shell"),
            counted(found.compilers, "compiler"),
            counted(found.package_managers, "package manager"),
            counted(found.setuid_files, "setuid file"),
        )
    )


def _health(variant: Variant) -> str:
    run = variant.run
    if run is None or run.health is None:
        return ""
    after = "" if run.healthy_after_s is None else f" after {format_seconds(run.healthy_after_s)}"
    return f"{printable(run.health, limit=40)}{after}"


def _stopped(variant: Variant) -> str:
    run = variant.run
    if run is None or run.stopped_after_s is None:
        return ""
    killed = ", then killed" if run.killed else ""
    return f"{printable(run.stop_signal or '', limit=40)} {format_seconds(run.stopped_after_s)}{killed}".strip()


def _hardened(variant: Variant) -> str:
    hardened = variant.hardened
    if hardened is None:
        return ""
    if hardened.works:
        return f"works with {printable(', '.join(hardened.restrictions), limit=300)}"
    return f"broken by {printable(hardened.broken_by or 'several restrictions together', limit=100)}"


_FACTS: tuple[tuple[str, Callable[[Variant], str]], ...] = (
    ("Made from", _source),
    ("Image", _of_image(lambda image: printable(image.image_id[len("sha256:") : SHORT_ID]))),
    ("Base + added to it", _of_image(_base)),
    ("Shared + unique", _of_image(_shared)),
    ("Wasted", _of_image(_wasted)),
    ("Files", _of_image(lambda image: "" if image.file_count is None else f"{image.file_count:,}")),
    ("Runs as", _of_image(lambda image: printable(image.user, limit=100) or "root, for no user is set")),
    ("Exposes", _of_image(lambda image: printable(", ".join(image.exposed_ports), limit=200))),
    ("Has", _of_image(_tools)),
    ("Health", _health),
    ("Stops on", _stopped),
    ("Hardened", _hardened),
)


def build_layers(layers: Sequence[Layer]) -> Grid:
    """Return an image's layers, the lowest first, with the instructions that made them."""
    largest = max((layer.uncompressed_size for layer in layers), default=0) or 1
    columns = (
        Column(key="number", title="#", right=True),
        Column(key="uncompressed_size", title="Unpacked", right=True),
        Column(key="bar", title="", joined=True),
        Column(key="compressed_size", title="Pull", right=True, rank=1),
        Column(key="files", title="Files", right=True, rank=2),
        Column(key="from", title="From"),
        Column(key="created_by", title="Instruction"),
    )
    rows = tuple(
        (
            Cell(text=str(number), tone="dim"),
            Cell(text=format_bytes(layer.uncompressed_size)),
            Cell(share=layer.uncompressed_size / largest, tone="dim" if layer.base else "plain"),
            _NONE if layer.compressed_size is None else Cell(text=format_bytes(layer.compressed_size)),
            Cell(text=f"{layer.file_count:,}"),
            Cell(text=origin(layer), tone="dim"),
            Cell(text=printable(layer.created_by, limit=2000) or "(no history)", tone="dim" if layer.base else "plain"),
        )
        for number, layer in enumerate(layers, 1)
    )
    return without(Grid(columns, rows), () if any(origin(layer) for layer in layers) else ("from",))


def build_layer_contents(image: Image) -> Grid:
    """Return an image's bytes by layer and category, with their sums."""
    categories = sorted(image.contents, key=lambda name: -image.contents[name])
    shown = [name for name in categories if image.contents[name]]
    columns = (
        Column(key="layer", title="Layer"),
        *(Column(key=name, title=category_name(name), right=True) for name in shown),
        Column(key="total", title="In all", right=True),
    )
    rows = []
    for part in image.tree:
        found = {child.name: child.size_bytes for child in part.parts}
        rows.append(_sizes(printable(part.name), [found.get(name, 0) for name in shown], part.size_bytes))
    rows.append(_sizes("In all", [image.contents[name] for name in shown], image.uncompressed_size))
    return Grid(columns, tuple(rows))


def _sizes(title: str, sizes: Iterable[int], total: int) -> tuple[Cell, ...]:
    cells = (Cell(text=format_bytes(size)) if size else _NONE for size in sizes)
    return Cell(text=title), *cells, Cell(text=format_bytes(total), tone="strong")


def build_steps(build: Build) -> Grid:
    """Return the steps of a build in their order."""
    longest = max((step.duration_s for step in build.steps), default=0) or 1
    columns = (
        Column(key="duration", title="Took", right=True),
        Column(key="bar", title="", joined=True),
        Column(key="step", title="Step"),
    )
    rows = tuple(
        (
            Cell(text="cached", tone="dim") if step.cached else Cell(text=format_seconds(step.duration_s)),
            Cell(share=0 if step.cached else step.duration_s / longest),
            Cell(text=printable(step.name, limit=500), tone="dim" if step.cached else "plain"),
        )
        for step in build.steps
    )
    return Grid(columns, rows)


def build_packages(report: Report) -> Grid:
    """Return every package, the largest first, with its version and bytes in each variant's image.

    Of more than _COLUMNS images a package's row says in which of them it is, and its bytes there.
    """
    images = [v.image for v in report.variants if v.image]
    names = [variant_name(v.name) for v in report.variants if v.image]
    found: dict[tuple[str, str, str], list[list[Package]]] = {}
    for number, image in enumerate(images):
        for package in image.packages.listed:
            where = package.interpreter or TITLES.get(package.type, package.type)
            found.setdefault((package.name, where, package.version), [[] for _ in images])[number].append(package)
    columns = (
        Column(key="name", title="Package"),
        Column(key="version", title="Version"),
        Column(key="where", title="Of"),
        *_columns_of(names),
    )
    largest = sorted(found.items(), key=lambda item: (-max(map(_installed, item[1])), item[0]))
    rows = tuple(
        (
            Cell(text=printable(name)),
            Cell(text=printable(version), tone="dim"),
            Cell(text=printable(where), tone="dim"),
            *_held(names, by_variant),
        )
        for (name, where, version), by_variant in largest
    )
    return Grid(columns, rows)


def _columns_of(names: Sequence[str]) -> tuple[Column, ...]:
    if len(names) > _PACKAGE_COLUMNS:
        return Column(key="bytes", title="Installed", right=True), Column(key="in", title="In")
    return tuple(Column(key=f"variant-{n}", title=name, right=True) for n, name in enumerate(names))


def _held(names: Sequence[str], by_variant: Sequence[Sequence[Package]]) -> tuple[Cell, ...]:
    """How many bytes of a package each image holds; of many images the most, and which they are."""
    if len(names) <= _PACKAGE_COLUMNS:
        return tuple(Cell(text=format_bytes(_installed(found))) if found else _NONE for found in by_variant)
    having = [name for name, found in zip(names, by_variant, strict=True) if found]
    lacking = [name for name in names if name not in having]
    sizes = [_installed(found) for found in by_variant if found]
    told = format_bytes(max(sizes)) if min(sizes) == max(sizes) else f"≤ {format_bytes(max(sizes))}"
    if not lacking:
        which = f"all {len(names)}"
    elif len(lacking) < len(having):
        which = f"all but {', '.join(lacking)}" if len(lacking) <= _NAMED else f"{len(having)} of {len(names)}"
    else:
        which = ", ".join(having) if len(having) <= _NAMED else f"{len(having)} of {len(names)}"
    return Cell(text=told), Cell(text=which)


def _installed(packages: Iterable[Package]) -> int:
    return sum(package.installed_bytes for package in packages)


def build_files(image: Image) -> Grid:
    """Return the largest files of an image."""
    columns = (Column(key="bytes", title="Size", right=True), Column(key="path", title="Path"))
    rows = ((Cell(text=format_bytes(f.size_bytes)), Cell(text=absolute(f.path))) for f in image.largest_files)
    return Grid(columns, tuple(rows))


def build_wasted(image: Image) -> Grid:
    """Return the files of an image that are in it more than once or in vain, and what undid them."""
    columns = (
        Column(key="bytes", title="Wasted", right=True),
        Column(key="copies", title="Copies", right=True),
        Column(key="path", title="Path"),
        Column(key="by", title="Undone by"),
    )
    rows = tuple(
        (
            Cell(text=format_bytes(file.wasted_bytes)),
            Cell(text=str(file.copies), tone="dim"),
            Cell(text=absolute(file.path)),
            Cell(text=printable(file.wasted_by, limit=500), tone="dim"),
        )
        for file in image.wasted_files
    )
    return Grid(columns, rows)


def build_against(rows: Sequence[AgainstRow]) -> Grid:
    """Return how each variant differs from what was stored of it."""
    columns = (
        Column(key="variant", title="Variant"),
        Column(key="before", title="Before", right=True),
        Column(key="unpacked", title="Unpacked", right=True),
        Column(key="pull", title="Pull", right=True),
        Column(key="own", title="Own size", right=True),
        Column(key="layers", title="Layers", right=True),
        Column(key="packages", title="Packages"),
    )
    return Grid(columns, tuple(map(_against, rows)))


def _against(row: AgainstRow) -> tuple[Cell, ...]:
    packages = row.packages
    kinds = ("added", packages.added), ("removed", packages.removed), ("changed", packages.changed)
    told = ", ".join(f"{len(names)} {kind}" for kind, names in kinds if names)
    entry = {Entry.NEW: "new", Entry.MISSING: "not in this run", Entry.BOTH: ""}[row.entry]
    before = _NONE if row.uncompressed_before is None else Cell(text=format_bytes(row.uncompressed_before))
    return (
        Cell(text=variant_name(row.variant)),
        Cell(text=entry, tone="dim") if entry else before,
        _delta(row.uncompressed_delta),
        _delta(row.compressed_delta),
        _delta(row.own_delta),
        _NONE if row.layer_delta is None else Cell(text=_signed(row.layer_delta)),
        Cell(text=told) if told else _NONE,
    )


def _delta(count: int | None) -> Cell:
    return _NONE if count is None else Cell(text=format_delta(count), tone="bad" if count > 0 else "good")


def _signed(count: int) -> str:
    return f"{MINUS if count < 0 else '+' if count else ''}{abs(count)}"
