"""The report as a comment on a pull request, in GitHub Flavored Markdown: the answer first, the rest folded away."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from imgcompare.comparison.compare import as_expected
from imgcompare.model import Against, Collection, Document, Failure, Image, Report, Shrunk, Variant
from imgcompare.render.cells import against as told_against
from imgcompare.render.cells import images, savings, sentences, shrunk
from imgcompare.render.cells.cautions import build_warnings
from imgcompare.render.cells.collection import build_overview
from imgcompare.render.cells.comparison import build_grid
from imgcompare.render.cells.facts import counted, without
from imgcompare.render.cells.gates import build_gates
from imgcompare.render.cells.grid import NOTHING, Cell, Column, Grid, variant_name
from imgcompare.render.cells.repeated import build_repeats
from imgcompare.render.formats.markdown_text import bold, bullets, details, escape, fenced, table
from imgcompare.render.registry import RenderContext
from imgcompare.text.printable import printable, printable_lines, verbatim
from imgcompare.text.units import format_bytes

LIMIT = 65_000  # characters; GitHub refuses a comment of more than 65,536, and a caller may add a line of its own
_NOTE_ROOM = 200
_OPEN_LINES = 12  # a longer log is folded away
_LOG_LINES, _ROWS, _CELL = 60, 20, 200
_SHOWN = ("variant", "verdict", "uncompressed_size", "change", "compressed_size", "layers", "build", "ready", "check")
_SIGNS = {True: "✅", False: "❌"}
_COLOURED = str.maketrans("✓✗", "✅❌")
_OPEN_COMPARISONS = 3  # of more, those that passed are folded away


class _Block(Struct, frozen=True):
    """A paragraph, a table or something folded; where not all fits, the highest rank is left out first."""

    text: str
    rank: int = 0


def render(document: Document, context: RenderContext) -> str:
    """Return the comment, at most LIMIT characters long."""
    match document:
        case Collection():
            blocks = [*_collection(document, context.notes)]
        case Report():
            blocks = [*_comparison(document, "##", context.notes)]
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
    """Several comparisons: which passed, and then each; of many, what there is to say of one that passed is folded."""
    yield _Block(f"## {_SIGNS[collection.passed]} imgcompare")
    yield _Block(bold(sentences.collection_headline(collection)))
    yield from _listed("", (*collection.notes, *notes))
    yield _Block(table(_overview(collection)))
    count = len(collection.comparisons)
    for report in collection.comparisons:
        first, *rest = _comparison(report, "###")
        if count > _OPEN_COMPARISONS and report.passed:
            yield _Block(details(_passed(report), [_within(rest, LIMIT // count)]), rank=2)
            continue
        yield first
        yield from (block if block.rank else replace(block, rank=1) for block in rest)


def _overview(collection: Collection) -> Grid:
    """Every comparison in a row; here a sign stands for the colour of what became of it."""
    grid = build_overview(collection)
    rows = ((*row, replace(verdict, text=verdict.text.translate(_COLOURED))) for *row, verdict in grid.rows)
    return Grid(grid.columns, tuple(rows))


def _passed(report: Report) -> str:
    return f"✅ {printable(report.scenario, limit=60)}: {sentences.headline(report)}"


def _comparison(report: Report, heading: str, notes: tuple[str, ...] = ()) -> Iterator[_Block]:
    """One comparison: the answer, the table, what is wrong, and folded away what makes up the sizes."""
    yield _Block(f"{heading} {_SIGNS[report.passed]} {escape(sentences.title(report))}")
    if report.description:
        yield _Block(escape(printable(report.description, limit=1000)))
    reasons = sentences.reasons(report)
    yield _Block(bold(sentences.headline(report)) + (f"<br>\n{escape(reasons)}" if reasons else ""))
    yield _Block(table(_answer(build_grid(report))))
    for variant in sentences.unsettled(report):
        yield _Block(_unsettled(variant), rank=1)
    if report.shrunk:
        yield from _shrunk(report, report.shrunk)
    yield from _gates(report)
    if report.against:
        yield _Block(_against(report.against), rank=1)
    yield from _warnings(report)
    yield from _listed("", (*sentences.left_out(report), *sentences.footnotes(report), *notes))
    yield from _listed("What to learn", report.notes)
    yield from _details(report)
    yield _Block(f"<sub>{escape(_foot(report))}</sub>", rank=1)


def _shrunk(report: Report, made: Shrunk) -> Iterator[_Block]:
    """What came of shrinking: the answer and what it rests on; the change itself is folded away."""
    yield _Block(bold(shrunk.answer(report)))
    yield from _listed("", (*shrunk.proved(report), *filter(None, (shrunk.exempt(report),)), *shrunk.remarks(made)))
    yield from _listed("What each habit was worth", savings.told_savings(savings.worth(report)))
    if lines := shrunk.diff_lines(made):
        yield _Block(details("The change", [fenced(lines, "diff")]), rank=1)


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


def _unsettled(variant: Variant) -> str:
    """What happened to a variant that is broken, or works where it must not; what was declared is folded away."""
    title, told = sentences.failure_title(variant), _failure(variant.failure) if variant.failure else []
    if variant.mend:
        told = [*told, "<b>Mend:</b>", fenced([verbatim(variant.mend)], "shell")]
    if as_expected(variant):
        return details(f"✅ {title}", told)
    return "\n\n".join((f"#### ❌ {escape(title)}", *told))


def _failure(failure: Failure) -> list[str]:
    """What happened, the lines that prove it, the next step and lines to copy."""
    parts = [escape(printable(failure.message))]
    log = [line for each in failure.evidence for line in printable_lines(each)]
    if len(log) > _OPEN_LINES:
        left = [f"… {counted(len(log) - _LOG_LINES, 'earlier line')}"] if len(log) > _LOG_LINES else []
        parts.append(details(f"Log: {counted(len(log), 'line')}", [fenced([*left, *log[-_LOG_LINES:]])]))
    elif log:
        parts.append(fenced(log))
    return [*parts, *_mending(failure.hint, failure.fix)]


def _mending(hint: str, fix: Sequence[str]) -> Iterator[str]:
    if hint:
        yield f"<b>Next:</b> {escape(printable(hint))}"
    if fix:
        yield "<b>Fix:</b>"
        yield fenced(fix, "dockerfile")


def _gates(report: Report) -> Iterator[_Block]:
    """The limits with what was measured; folded away when all hold."""
    if not report.gates:
        return
    grid = build_gates(report)
    signed = ((*row[:-1], replace(row[-1], text=_sign(row[-1]))) for row in grid.rows)
    drawn = table(Grid(grid.columns, tuple(signed)))
    if all(gate.passed for gate in report.gates):
        yield _Block(details(f"✅ {sentences.gates_held(report)}", [drawn]), rank=1)
        return
    yield _Block(f"#### ❌ {escape(sentences.gates_held(report).rstrip('.'))}\n\n{drawn}", rank=1)
    yield from _listed("", [sentences.failed_gate(gate) for gate in report.gates if not gate.passed and gate.reason])


def _sign(cell: Cell) -> str:
    return cell.text.replace("✓", "✅").replace("✗", "❌")


def _against(against: Against) -> str:
    """What became of what was stored: a row for each variant, and the packages by name folded away."""
    parts = [
        f"#### {escape(told_against.title(against))}",
        table(images.build_against(against.rows)),
    ]
    if against.notes:
        parts.append(bullets(printable(note, limit=1000) for note in against.notes))
    for row in against.rows:
        packages = row.packages
        kinds = ("added", packages.added), ("removed", packages.removed), ("changed", packages.changed)
        told = [f"{kind}: {', '.join(names[:_ROWS])}{_and_more(len(names) - _ROWS)}" for kind, names in kinds if names]
        if told:
            summary = f"Packages of {variant_name(row.variant)}"
            parts.append(details(summary, [bullets(printable(line, limit=2000) for line in told)]))
    return "\n\n".join(parts)


def _and_more(count: int) -> str:
    return f" and {count} more" if count > 0 else ""


def _warnings(report: Report) -> Iterator[_Block]:
    """What works today and will hurt later, and folded away how to mend it."""
    grid = build_warnings(report)
    if not grid.rows:
        return
    yield _Block(f"#### ⚠️ {counted(len(grid.rows), 'warning')}\n\n{table(grid)}", rank=1)
    mended: dict[str, list[str]] = {}
    for caution in (caution for variant in report.variants for caution in variant.warnings):
        if found := [*_mending(caution.hint, caution.fix)]:
            mended.setdefault(f"<b>{escape(printable(caution.code, limit=60))}</b>", found)
    if mended:
        told = [part for code, parts in mended.items() for part in (code, *parts)]
        yield _Block(details("How to mend them", told), rank=2)


def _listed(title: str, remarks: Sequence[str]) -> Iterator[_Block]:
    """Sentences, one below the other."""
    if remarks:
        told = bullets(printable(text, limit=1000) for text in remarks)
        yield _Block(f"{bold(title)}\n\n{told}" if title else told, rank=1)


def _details(report: Report) -> Iterator[_Block]:
    """What makes up the sizes, each below a line that unfolds it."""
    measured = [table(without(build_grid(report), ("bar",)))]
    if (facts := images.build_facts(report)).rows:
        measured.append(table(facts))
    yield _Block(details("All measurements", measured), rank=2)
    if (again := build_repeats(report)).rows:
        yield _Block(details("How often it was measured, and how that differs", [table(again)]), rank=2)
    shown = [(variant_name(v.name), v.image) for v in report.variants if v.image]
    if (contents := _contents(shown)).rows:
        yield _Block(details("Where the bytes are", [table(contents)]), rank=2)
    if (packages := images.build_packages(report)).rows:
        yield _Block(details("Largest packages", [table(_cut(packages))]), rank=2)
    for name, image in shown:
        if image.layers:
            told = f"Layers of {name}: {counted(len(image.layers), 'layer')}, {format_bytes(image.uncompressed_size)}"
            layers = without(images.build_layers(image.layers), ("bar", "files"))
            yield _Block(details(told, [table(_cut(layers), code_in=("created_by",))]), rank=3)


def _contents(images: Sequence[tuple[str, Image]]) -> Grid:
    """What the bytes are, category by category, the greatest first, with a column for each image."""
    columns = (Column(key="category", title=""), *(Column(key=name, title=name, right=True) for name, _ in images))
    sizes = {name: [image.contents.get(name, 0) for _, image in images] for _, each in images for name in each.contents}
    rows = (
        (Cell(text=sentences.category_name(name)), *(Cell(text=format_bytes(n) if n else NOTHING) for n in sizes[name]))
        for name in sorted(sizes, key=lambda name: (-max(sizes[name]), name))
    )
    return Grid(columns, tuple(rows))


def _cut(grid: Grid) -> Grid:
    """The first rows of a table, what is long in them cut; the last row counts the others."""
    rows = [tuple(replace(cell, text=printable(cell.text, limit=_CELL)) for cell in row) for row in grid.rows[:_ROWS]]
    if left := len(grid.rows) - len(rows):
        rows.append((Cell(text=f"… {left:,} more"), *(Cell() for _ in grid.columns[1:])))
    return Grid(grid.columns, tuple(rows))


def _foot(report: Report) -> str:
    """Which tool, engine and platform, and when."""
    tool = printable(f"{report.tool.name} {report.tool.version}", limit=60)
    when = printable(report.created, limit=40)
    return f"{tool} · {sentences.engine(report.engine)} · {sentences.platform(report.engine)} · {when}"
