"""The report for a terminal: the table, the answer in one sentence, what is broken and how to mend it, footnotes."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from rich.cells import cell_len, chop_cells
from rich.console import Console
from rich.text import Text

from imgcompare.model import Report, Variant, Verdict
from imgcompare.render import Style, words
from imgcompare.render.rows import NOTHING, Cell, Column, Grid, Tone, build_grid
from imgcompare.safetext import printable, printable_lines, to_ascii
from imgcompare.units import draw_bar

_LIST_BELOW = 50  # cells: narrower than this, lines read better than columns
_BAR_MIN, _BAR_MAX = 5, 30
_COLORS: dict[Tone, str] = {"plain": "", "strong": "bold", "good": "green", "bad": "red", "dim": "dim"}
# A number and its unit are one word: "757.8" never stands alone at the end of a line.
_BEFORE_UNIT = re.compile(r"(?<=\d) (?=%|(?:[kMGT]?B|ms|s|min|h)\b)")
_GLUE = "\xa0"


def render(report: Report, style: Style, notes: tuple[str, ...]) -> str:
    """Return the page: no line is wider than ``style.width``, and every character is one the terminal can show."""
    page = _Page(style)
    page.head(report)
    page.comparison(build_grid(report))
    page.gap()
    page.say(words.headline(report), "strong")
    for variant in report.variants:
        if variant.verdict is Verdict.BROKEN:
            page.failure(variant)
    page.remarks(
        [
            *((f"✗ {text}", "bad") for text in words.failed_gates(report)),
            *((text, "dim") for text in words.footnotes(report)),
            *((printable(text), "plain") for text in notes),
        ]
    )
    return page.text()


class _Page:
    """Lines in the making, each within the width and spelled in the characters of the style."""

    def __init__(self, style: Style) -> None:
        self.style = style
        self.lines: list[Text] = []
        self.indent = " " * (2 if style.width < _LIST_BELOW else 4)

    def spell(self, text: str) -> str:
        """Return the text in the characters that this terminal shows."""
        return to_ascii(text) if self.style.ascii_only else text

    def gap(self) -> None:
        """Add an empty line."""
        self.lines.append(Text())

    def say(self, text: str, tone: Tone = "plain", *, lead: str = "", hang: int | None = None) -> None:
        """Add a paragraph after ``lead``; its other lines are indented by ``hang``, or else stand below its text."""
        lead = self.spell(lead)
        hang = cell_len(lead) if hang is None else hang
        for line in _fold(self.spell(text), self.style.width - max(cell_len(lead), hang)):
            self.lines.append(Text(lead + line, _COLORS[tone]))
            lead = " " * hang

    def head(self, report: Report) -> None:
        """Add what was compared, on which engine and platform: one line where it fits, else two or three."""
        title, engine, platform = words.title(report), words.engine(report.engine), words.platform(report.engine)
        place = f"{engine} · {platform}"
        line = Text.assemble((self.spell(title), "bold"), (self.spell(f" · {place}"), "dim"))
        if line.cell_len <= self.style.width:
            self.lines.append(line)
        else:
            self.say(title, "strong")
            for part in (place,) if cell_len(self.spell(place)) <= self.style.width else (engine, platform):
                self.say(part, "dim", hang=2)
        self.gap()

    def comparison(self, grid: Grid) -> None:
        """Add the table in its richest form that fits, or a line for each variant where none does."""
        columns = None if self.style.width < _LIST_BELOW else _fit(grid, self.style, self.spell)
        if columns:
            self.lines += _draw(columns, len(grid.rows))
        else:
            for row in grid.rows:
                cells = {column.key: cell.text for column, cell in zip(grid.columns, row, strict=True)}
                change = cells.get("change", NOTHING)
                told = cells["uncompressed_size"] + (f" ({change})" if change != NOTHING else "")
                self.say(f"{cells['variant']}: {told}, {cells['verdict']}", hang=2)

    def failure(self, variant: Variant) -> None:
        """Add what is known of a broken variant: what happened, the lines that prove it, the next step."""
        self.gap()
        self.say(words.failure_title(variant), "bad", lead="✗ ")
        if variant.failure is None:
            return
        self.say(printable(variant.failure.message), lead=self.indent)
        for line in (line for evidence in variant.failure.evidence for line in printable_lines(evidence)):
            # Cut between characters, not words: spaces in a log line mean something.
            for piece in chop_cells(self.spell(line), self.style.width - len(self.indent) - 2):
                self.lines.append(Text(f"{self.indent}  {piece}", _COLORS["dim"]))
        if variant.failure.hint:
            self.say(printable(variant.failure.hint), lead=f"{self.indent}Next  ")

    def remarks(self, remarks: Sequence[tuple[str, Tone]]) -> None:
        """Add what stands at the foot of the page."""
        if remarks:
            self.gap()
        for text, tone in remarks:
            self.say(text, tone, hang=2)

    def text(self) -> str:
        """Return everything as one string, with escapes only where the style has colour."""
        out = io.StringIO()
        # The style has decided: rich must not look at the environment again.
        console = Console(
            file=out,
            width=self.style.width,
            force_terminal=self.style.color,
            color_system="standard" if self.style.color else None,
            legacy_windows=False,
            _environ={},
        )
        for line in self.lines:
            line.rstrip()
            console.print(line, soft_wrap=True, highlight=False)
        return out.getvalue()


@dataclass(frozen=True)
class _Fitted:
    """A column as it will be drawn: its title, its cells with their final texts, and its width in terminal cells."""

    column: Column
    title: str
    cells: tuple[Cell, ...]
    width: int

    @property
    def gap(self) -> int:
        return 1 if self.column.joined else 2


def _fit(grid: Grid, style: Style, spell: Callable[[str], str]) -> list[_Fitted] | None:
    """Return the first of the forms, richest first, whose columns fit; None when even the poorest is too wide."""
    for dropped, short in _forms(grid):
        columns = [
            _shape(column, [row[number] for row in grid.rows], style, spell, short=short)
            for number, column in enumerate(grid.columns)
            if column.rank not in dropped
        ]
        spare = style.width - sum(c.gap + c.width for c in columns) + columns[0].gap
        if spare >= 0:
            return [_stretch(c, spare, style) if c.column.key == "bar" else c for c in columns]
    return None


def _forms(grid: Grid) -> Iterator[tuple[frozenset[int], bool]]:
    """Yield the ranks to leave out, highest first, and whether to use short texts."""
    ranks = sorted({column.rank for column in grid.columns if column.rank}, reverse=True)
    for count in range(len(ranks) + 1):
        yield frozenset(ranks[:count]), False
        yield frozenset(ranks[:count]), True


def _shape(column: Column, cells: Sequence[Cell], style: Style, spell: Callable[[str], str], *, short: bool) -> _Fitted:
    """Choose a column's texts, each at most a third of the page, and measure it; a bar has its least width."""
    title = column.short_title if short and column.short_title is not None else column.title
    chosen = [spell(cell.short if short and cell.short is not None else cell.text) for cell in cells]
    texts = [_cut(text, style.width // 3, spell("…")) for text in chosen]
    width = max(_BAR_MIN if column.key == "bar" else 0, *map(cell_len, (title, *texts)))
    return _Fitted(column, title, tuple(replace(c, text=text) for c, text in zip(cells, texts, strict=True)), width)


def _stretch(bars: _Fitted, spare: int, style: Style) -> _Fitted:
    """Give the bars the room that is left, and draw them."""
    width = min(bars.width + spare, _BAR_MAX)
    drawn = (draw_bar(cell.share or 0.0, width, ascii_only=style.ascii_only) for cell in bars.cells)
    return replace(bars, width=width, cells=tuple(replace(c, text=t) for c, t in zip(bars.cells, drawn, strict=True)))


def _draw(columns: Sequence[_Fitted], row_count: int) -> Iterator[Text]:
    """Yield the line of titles and the rows."""
    yield _line([Cell(text=column.title, tone="dim") for column in columns], columns)
    for number in range(row_count):
        yield _line([column.cells[number] for column in columns], columns)


def _line(cells: Sequence[Cell], columns: Sequence[_Fitted]) -> Text:
    line = Text()
    for number, (cell, fitted) in enumerate(zip(cells, columns, strict=True)):
        padding = " " * (fitted.width - cell_len(cell.text))
        line.append(" " * fitted.gap if number else "")
        line.append(padding if fitted.column.right else "")
        line.append(cell.text, _COLORS[cell.tone])
        line.append("" if fitted.column.right else padding)
    return line


def _cut(text: str, width: int, ellipsis: str) -> str:
    if cell_len(text) <= width:
        return text
    return chop_cells(text, width - len(ellipsis))[0] + ellipsis


def _fold(text: str, width: int) -> list[str]:
    """Break a text into lines of at most ``width`` cells, between words where it can be done."""
    lines, current = [], ""
    for word in _BEFORE_UNIT.sub(_GLUE, text).split(" "):
        if current and cell_len(current) + 1 + cell_len(word) <= width:
            current += f" {word}"
            continue
        lines.append(current)
        *full, current = chop_cells(word, width) or [""]
        lines += full
    return [line.replace(_GLUE, " ") for line in [*lines, current] if line]
