"""The report as a comment on a pull request, in GitHub Flavored Markdown: the answer first, the rest folded away."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from imgcompare.compare import as_expected
from imgcompare.model import Collection, Document, Gate, Image, Report, Variant
from imgcompare.render import Style, words
from imgcompare.render.facts import counted, origin, without
from imgcompare.render.markdown_text import bold, code, details, escape, fenced, glued, table
from imgcompare.render.rows import NOTHING, Cell, Column, Grid, build_grid, pull_size, variant_name
from imgcompare.safetext import printable, printable_lines
from imgcompare.units import format_bytes, format_quantity

LIMIT = 65_000  # characters; GitHub refuses a comment of more than 65,536, and a caller may add a line of its own
_NOTE_ROOM = 200
_OPEN_LINES = 12  # a longer log is folded away
_LOG_LINES, _LAYERS, _PACKAGES, _CATEGORIES = 60, 40, 20, 15
_SHOWN = ("variant", "verdict", "uncompressed_size", "change", "compressed_size", "layers", "build", "ready", "check")
_SIGNS = {True: "✅", False: "❌"}


@dataclass(frozen=True)
class _Block:
    """A paragraph, a table or something folded; where not all fits, the highest rank is left out first."""

    text: str
    rank: int = 0


def render(document: Document, style: Style, notes: tuple[str, ...]) -> str:  # noqa: ARG001 - as wide as its page
    """Return the comment, at most LIMIT characters long."""
    match document:
        case Collection():
            blocks = [*_collection(document, notes)]
        case Report():
            blocks = [*_comparison(document, "##", notes)]
    return _within(blocks, LIMIT)


def _within(blocks: Sequence[_Block], limit: int) -> str:
    """Join the blocks; what does not fit is left out, which a last line then says."""
    kept: set[int] = set()
    room = limit - _NOTE_ROOM
    for number, block in sorted(enumerate(blocks), key=lambda each: each[1].rank):
        if len(block.text) + 2 <= room:
            kept.add(number)
            room -= len(block.text) + 2
    texts = [block.text for number, block in enumerate(blocks) if number in kept]
    if left := len(blocks) - len(kept):
        texts.append(f"… {counted(left, 'more section')} did not fit into a comment: the whole report has them.")
    return "\n\n".join(texts) + "\n"


def _collection(collection: Collection, notes: tuple[str, ...]) -> Iterator[_Block]:
    """Several comparisons: which passed, and then each."""
    yield _Block(f"## {_SIGNS[collection.passed]} imgcompare")
    yield _Block(bold(words.collection_headline(collection)))
    yield from _remarks((*collection.notes, *notes))
    for report in collection.comparisons:
        first, *rest = _comparison(report, "###")
        yield first
        yield from (block if block.rank else replace(block, rank=1) for block in rest)


def _comparison(report: Report, heading: str, notes: tuple[str, ...] = ()) -> Iterator[_Block]:
    """One comparison: the answer, the table, what is wrong, and folded away what makes up the sizes."""
    yield _Block(f"{heading} {_SIGNS[report.passed]} {escape(words.title(report))}")
    if report.description:
        yield _Block(escape(printable(report.description, limit=500)))
    reasons = words.reasons(report)
    yield _Block(bold(words.headline(report)) + (f"<br>\n{escape(reasons)}" if reasons else ""))
    yield _Block(table(_answer(build_grid(report))))
    for variant in words.unsettled(report):
        yield _Block(_failure(variant), rank=1)
    yield from _gates(report.gates)
    yield from _remarks((*words.skipped(report), *words.footnotes(report), *report.notes, *notes))
    yield from _details(report)
    yield _Block(f"<sub>{escape(_foot(report))}</sub>", rank=1)


def _answer(grid: Grid) -> Grid:
    """The columns that a comment has room for, the verdict right behind the name."""
    keys = [column.key for column in grid.columns]
    order = [keys.index(key) for key in _SHOWN if key in keys]
    columns = tuple(grid.columns[number] for number in order)
    rows = (tuple(_told(grid.columns[number].key, row[number]) for number in order) for row in grid.rows)
    return Grid(columns, tuple(rows))


def _told(key: str, cell: Cell) -> Cell:
    """A cell as it reads here: a sign stands for the colour of a verdict, and what failed is told below."""
    if key == "verdict":
        return replace(cell, text={"good": "✅ ", "bad": "❌ "}.get(cell.tone, "") + cell.text)
    return replace(cell, text=cell.short) if key == "check" and cell.short else cell


def _failure(variant: Variant) -> str:
    """What happened to a broken variant, the lines that prove it, the next step."""
    sign = "" if as_expected(variant) else f"{_SIGNS[False]} "
    parts = [f"#### {sign}{escape(words.failure_title(variant))}"]
    if failure := variant.failure:
        parts.append(escape(printable(failure.message)))
        log = [line for each in failure.evidence for line in printable_lines(each)]
        if len(log) > _OPEN_LINES:
            left = [f"… {counted(len(log) - _LOG_LINES, 'earlier line')}"] if len(log) > _LOG_LINES else []
            parts.append(details(f"Log: {counted(len(log), 'line')}", [fenced([*left, *log[-_LOG_LINES:]])]))
        elif log:
            parts.append(fenced(log))
        if failure.hint:
            parts.append(f"<b>Next:</b> {escape(printable(failure.hint))}")
        if failure.fix:
            parts += ["<b>Fix:</b>", fenced(failure.fix, "dockerfile")]
    return "\n\n".join(parts)


def _gates(gates: Sequence[Gate]) -> Iterator[_Block]:
    """The limits with what was measured; folded away when all hold."""
    if not gates:
        return
    columns = (
        Column(key="gate", title="Gate"),
        Column(key="variant", title="Variant"),
        Column(key="limit", title="Limit", right=True),
        Column(key="actual", title="Actual", right=True),
        Column(key="verdict", title=""),
    )
    rows = tuple(
        (
            Cell(text=printable(gate.name, limit=60)),
            Cell(text=variant_name(gate.subject)),
            Cell(text=format_quantity(gate.name, gate.limit)),
            Cell(text="not measured" if gate.actual is None else format_quantity(gate.name, gate.actual)),
            Cell(text=_SIGNS[gate.passed]),
        )
        for gate in gates
    )
    failed = sum(not gate.passed for gate in gates)
    if failed:
        yield _Block(
            f"#### ❌ {counted(failed, 'gate')} of {len(gates)} failed\n\n{table(Grid(columns, rows))}", rank=1
        )
    else:
        yield _Block(details(f"✅ {counted(len(gates), 'gate')} passed", [table(Grid(columns, rows))]), rank=1)


def _remarks(remarks: Sequence[str]) -> Iterator[_Block]:
    if remarks:
        yield _Block("\n".join(f"- {escape(printable(text, limit=1000))}" for text in remarks), rank=1)


def _details(report: Report) -> Iterator[_Block]:
    """What makes up the sizes, each below a line that unfolds it."""
    yield _Block(details("All measurements", [table(without(build_grid(report), ("bar",)))]), rank=2)
    images = {variant_name(v.name): v.image for v in report.variants if v.image}
    if contents := _contents(images):
        yield _Block(details("Where the bytes are", [table(contents)]), rank=2)
    if packages := _packages(images):
        yield _Block(details("Largest packages", [table(packages)]), rank=2)
    for name, image in images.items():
        if image.layers:
            told = f"Layers of {name}: {counted(len(image.layers), 'layer')}, {format_bytes(image.uncompressed_size)}"
            yield _Block(details(told, [_layers(image)]), rank=3)


def _contents(images: dict[str, Image]) -> Grid | None:
    """What the bytes are, category by category, the greatest first; None where that is not known."""
    sizes: dict[str, list[int]] = {}
    for number, image in enumerate(images.values()):
        for category, size in image.contents.items():
            sizes.setdefault(category, [0] * len(images))[number] = size
    names = sorted(sizes, key=lambda category: (-max(sizes[category]), category))[:_CATEGORIES]
    return _side_by_side("", images, [(words.category_name(name), sizes[name]) for name in names])


def _packages(images: dict[str, Image]) -> Grid | None:
    """The packages that are largest in any image, with their bytes in each."""
    sizes: dict[tuple[str, str], list[int]] = {}
    for number, image in enumerate(images.values()):
        for kind, found in (("Debian", image.packages.debian), ("Python", image.packages.python)):
            for package in found:
                row = sizes.setdefault((package.name, kind), [0] * len(images))
                row[number] += package.installed_bytes
    largest = sorted(sizes, key=lambda key: (-max(sizes[key]), key))[:_PACKAGES]
    rows = [(f"{printable(name, limit=60)} ({kind})", sizes[name, kind]) for name, kind in largest]
    return _side_by_side("Package", images, rows)


def _side_by_side(title: str, images: dict[str, Image], rows: Sequence[tuple[str, Sequence[int]]]) -> Grid | None:
    """A row for each thing, a column for each image; None without a row."""
    if not rows:
        return None
    columns = (Column(key="what", title=title), *(Column(key=name, title=name, right=True) for name in images))
    cells = (
        (Cell(text=name), *(Cell(text=format_bytes(size) if size else NOTHING) for size in sizes))
        for name, sizes in rows
    )
    return Grid(columns, tuple(cells))


def _layers(image: Image) -> str:
    """A table of the layers, from the lowest up, with the instructions that made them."""
    lines = ["| Unpacked | Pull | From | Instruction |", "| -: | -: | - | - |"]
    for layer in image.layers[:_LAYERS]:
        size = glued(format_bytes(layer.uncompressed_size))
        packed = glued(pull_size(layer.compressed_size, image.compressed_size_exact))
        made_by = code(printable(layer.created_by, limit=200)) or "(no history)"
        lines.append(f"| {size} | {packed} | {escape(glued(origin(layer)))} | {made_by} |")
    if rest := image.layers[_LAYERS:]:
        size = glued(format_bytes(sum(layer.uncompressed_size for layer in rest)))
        lines.append(f"| {size} | | | … {counted(len(rest), 'more layer')} |")
    return "\n".join(lines)


def _foot(report: Report) -> str:
    """Which tool, engine and platform, and when."""
    tool = printable(f"{report.tool.name} {report.tool.version}", limit=60)
    when = printable(report.created, limit=40)
    return f"{tool} · {words.engine(report.engine)} · {words.platform(report.engine)} · {when}"
