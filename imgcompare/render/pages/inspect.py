"""One image for a terminal: its sizes, where its bytes went, its layers, packages, waste, largest folders and files."""

from __future__ import annotations

from collections.abc import Sequence

from imgcompare.console.style import Style
from imgcompare.model import Image, LargeFile, LargeFolder, Layer, Package, Security
from imgcompare.render.cells.comparison import pull_size
from imgcompare.render.cells.facts import SHORT_ID, absolute, counted, more, origin, without
from imgcompare.render.cells.grid import NOTHING, Cell, Column, Grid
from imgcompare.render.cells.savings import build_savings
from imgcompare.render.cells.sentences import category_name
from imgcompare.render.page import Page, Wide, section
from imgcompare.text.ecosystems import TITLES
from imgcompare.text.printable import printable
from imgcompare.text.units import format_bytes, format_percent

_ROWS = 10


def render(name: str, image: Image, style: Style) -> str:
    """Return the page: no line is wider than ``style.width``, and every character is one the terminal can show."""
    page = Page(style)
    page.say(f"imgcompare inspect · {printable(name, limit=200)}", "strong")
    about = [image.reference if image.reference != name else "", f"{image.os}/{image.architecture}"]
    page.say(" · ".join(printable(text, limit=200) for text in (*about, image.image_id[:SHORT_ID]) if text), "dim")
    page.gap()
    for title, text in _summary(image):
        page.say(text, lead=f"{title:<11}")
    section(page, "Where the bytes went", _breakdown(image))
    if len(image.caches) > 1:
        page.say(_caches(image), "dim", hang=2)
    section(page, "Layers", _layers(image.layers))
    _packages(page, image)
    _wasted(page, image)
    savings = build_savings(image.savings)
    section(page, "Could be saved", Grid((*savings.columns[:2], Wide(key="what", title="")), savings.rows))
    section(page, "Largest folders", _largest(image.largest_folders))
    section(page, "Largest files", _largest(image.largest_files))
    return page.text()


def _summary(image: Image) -> list[tuple[str, str]]:
    lines = [("Unpacked", f"{format_bytes(image.uncompressed_size)} in {counted(image.layer_count, 'layer')}")]
    if image.base_size is not None and image.own_size is not None:
        split = f"base image {format_bytes(image.base_size)}, added to it {format_bytes(image.own_size)}"
        lines[0] = ("Unpacked", f"{lines[0][1]}: {split}")
    lines.append(("Pull", pull_size(image.compressed_size, image.compressed_size_exact)))
    if image.file_count is not None:
        lines.append(("Files", f"{image.file_count:,}"))
    if image.wasted_bytes is not None and image.efficiency is not None:
        lines.append(("Wasted", f"{format_bytes(image.wasted_bytes)} (efficiency {format_percent(image.efficiency)})"))
    lines.append(("Runs as", _user(image.user)))
    if image.security:
        lines.append(("Has", _security(image.security)))
    if image.exposed_ports:
        lines.append(("Exposes", printable(", ".join(image.exposed_ports), limit=200)))
    if image.stand_ins:
        lines.append(("Stand-ins", printable(", ".join(image.stand_ins), limit=200)))
    return lines


def _user(user: str) -> str:
    return printable(user, limit=100) or "root, for no user is set"


def _security(found: Security) -> str:
    return ", ".join(
        (
            counted(found.shells, "shell"),
            counted(found.compilers, "compiler"),
            counted(found.package_managers, "package manager"),
            counted(found.setuid_files, "setuid file"),
        )
    )


def _breakdown(image: Image) -> Grid:
    """What the bytes are, and how many of each kind were added to the base image, where that is known."""
    contents = {name: count for name, count in image.contents.items() if count}
    largest = max(contents.values(), default=0)
    based = image.base_size is not None
    columns = (
        Column(key="category", title=""),
        Column(key="bytes", title="In all", right=True),
        Column(key="share", title="", right=True, rank=1),
        Column(key="own", title="Added to base", short_title="Added", right=True),
        Column(key="bar", title="", rank=2),
    )
    rows = tuple(
        (
            Cell(text=category_name(name)),
            Cell(text=format_bytes(count)),
            Cell(text=format_percent(count / image.uncompressed_size), tone="dim"),
            Cell(text=format_bytes(image.breakdown.get(name, 0)) if image.breakdown.get(name) else NOTHING),
            Cell(share=count / largest),
        )
        for name, count in sorted(contents.items(), key=lambda item: (-item[1], item[0]))
    )
    return without(Grid(columns, rows), () if based else ("own",))


def _caches(image: Image) -> str:
    """``Caches and docs: bytecode 12.3 MB, documentation 4.5 MB``, the greatest first."""
    kinds = sorted(image.caches.items(), key=lambda item: (-item[1], item[0]))
    told = ", ".join(f"{printable(kind.replace('_', ' '))} {format_bytes(count)}" for kind, count in kinds)
    return f"{category_name('caches')}: {told}"


def _layers(layers: Sequence[Layer]) -> Grid:
    columns = (
        Column(key="number", title="", right=True, rank=5),
        Column(key="uncompressed_size", title="Unpacked", right=True),
        Column(key="compressed_size", title="Pull", right=True, rank=2),
        Column(key="files", title="Files", right=True, rank=4),
        Column(key="from", title="From", rank=3),
        Wide(key="created_by", title="Instruction", rank=0),
    )
    rows = tuple(
        (
            Cell(text=str(number), tone="dim"),
            Cell(text=format_bytes(layer.uncompressed_size)),
            Cell(text=NOTHING if layer.compressed_size is None else format_bytes(layer.compressed_size)),
            Cell(text=f"{layer.file_count:,}"),
            Cell(text=origin(layer), tone="dim"),
            Cell(text=printable(layer.created_by) or "(no history)", tone="dim" if layer.base else "plain"),
        )
        for number, layer in enumerate(layers, 1)
    )
    dropped = () if any(origin(layer) for layer in layers) else ("from",)
    return without(Grid(columns, rows), dropped)


def _packages(page: Page, image: Image) -> None:
    found = sorted(image.packages.listed, key=lambda package: (-package.installed_bytes, package.name))
    shown, rest = found[:_ROWS], found[_ROWS:]
    columns = (
        Column(key="bytes", title="", right=True),
        Column(key="name", title=""),
        Column(key="version", title="", rank=2),
        Wide(key="where", title="", rank=1),
    )
    rows = tuple(
        (
            Cell(text=format_bytes(package.installed_bytes)),
            Cell(text=printable(package.name)),
            Cell(text=printable(package.version), tone="dim"),
            Cell(text=_place(package), tone="dim"),
        )
        for package in shown
    )
    told = [
        f"{len(some):,} {title}, {format_bytes(sum(package.installed_bytes for package in some))}"
        for kind, title in TITLES.items()
        if (some := [package for package in found if package.type == kind])
    ]
    section(page, "Packages", Grid(columns, rows), f"  {' · '.join(told)}" if told else "")
    if rest:
        page.say(more(len(rest), "package", sum(package.installed_bytes for package in rest)), "dim", hang=2)


def _place(package: Package) -> str:
    """Where a package lies, or for what the system has installed who did."""
    if package.type in ("deb", "apk", "rpm"):
        return TITLES[package.type]
    return printable(package.location)


def _wasted(page: Page, image: Image) -> None:
    columns = (
        Column(key="bytes", title="", right=True),
        Column(key="copies", title="", rank=2),
        Wide(key="path", title="Path", keep_end=True),
        Wide(key="by", title="Undone by", rank=1),
    )
    rows = tuple(
        (
            Cell(text=format_bytes(file.wasted_bytes)),
            Cell(text=f"× {file.copies}" if file.copies > 1 else "", tone="dim"),
            Cell(text=absolute(file.path)),
            Cell(text=printable(file.wasted_by), tone="dim"),
        )
        for file in image.wasted_files[:_ROWS]
        if file.wasted_bytes * 100 >= (image.wasted_bytes or 0)
    )
    if rows:
        section(page, "Wasted", Grid(columns, rows), "  in lower layers, then overwritten or deleted")


def _largest(found: Sequence[LargeFile | LargeFolder]) -> Grid:
    columns = (Column(key="bytes", title="", right=True), Wide(key="path", title="", keep_end=True))
    rows = tuple((Cell(text=format_bytes(each.size_bytes)), Cell(text=absolute(each.path))) for each in found[:_ROWS])
    return Grid(columns, rows)
