"""A page for a terminal in the making: paragraphs and tables that keep to a width and to the characters it can show."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace
from rich.cells import cell_len, chop_cells
from rich.console import Console
from rich.text import Text

from imgcompare.console.style import Style
from imgcompare.regex import regex
from imgcompare.render.cells.grid import NOTHING, Cell, Column, Grid, Tone
from imgcompare.text.printable import to_ascii
from imgcompare.text.units import draw_bar

LIST_BELOW = 50  # cells: narrower than this, lines read better than columns
_BAR_MIN, _BAR_GOOD, _BAR_MAX = 5, 24, 30
_EXTRA_RANK = 10  # columns of this rank and above are worth neither a short text of another nor a stump of a bar
_WIDE_MIN = 12
_GAP = 2
_COLORS: dict[Tone, str] = {"plain": "", "strong": "bold", "good": "green", "bad": "red", "dim": "dim"}
# A number and its unit are one word: "757.8" never stands alone at the end of a line.
_BEFORE_UNIT = regex(r"(?<=\d) (?=%|(?:[kMGT]?B|ms|s|min|h)\b)")
_GLUE = "\xa0"


class Wide(Column, frozen=True, kw_only=True):
    """A column that takes the room that is left; what is too long for it loses its end, or its start (``keep_end``)."""

    keep_end: bool = False


class Page:
    """Lines in the making, each within the width and spelled in the characters of the style."""

    def __init__(self, style: Style) -> None:
        self.style = style
        self.lines: list[Text] = []

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

    def title(self, title: str, rest: str) -> bool:
        """Add a title and what belongs to it as one line, if it fits."""
        line = Text.assemble((self.spell(title), "bold"), (self.spell(rest), "dim"))
        if line.cell_len > self.style.width:
            return False
        self.lines.append(line)
        return True

    def quote(self, line: str, lead: str, tone: Tone = "dim") -> None:
        """Add a line as it stands, every space of it: in a log line they mean something."""
        rest, width = self.spell(line), self.style.width - len(lead)
        while rest:
            piece = next(iter(chop_cells(rest, width)), rest)  # no pieces: nothing of it takes any room
            after_space = piece.rfind(" ") + 1
            if len(piece) < len(rest) and after_space > len(piece) // 2:
                piece = piece[:after_space]
            self.lines.append(Text(f"{lead}{piece}", _COLORS[tone]))
            rest, lead = rest[len(piece) :], " " * len(lead)

    def copyable(self, line: str, lead: str, tone: Tone = "strong") -> None:
        """Add a line to be copied: whole, however long; a terminal folds it without breaking what is copied."""
        self.lines.append(Text(f"{lead}{self.spell(line)}", _COLORS[tone]))

    def fits(self, text: str) -> bool:
        """Say whether a text fits on one line."""
        return cell_len(self.spell(text)) <= self.style.width

    def cut(self, text: str, width: int) -> str:
        """Return a text as it is spelled here, filled up or cut to a width."""
        text = _cut(self.spell(text), width, self.spell("…"))
        return text + " " * (width - cell_len(text))

    def grid(self, grid: Grid) -> bool:
        """Add a table in its richest form that fits; False where none does."""
        columns = None if self.style.width < LIST_BELOW else _fit(grid, self.style, self.spell)
        if columns is None:
            return False
        self.lines += _draw(columns, len(grid.rows))
        return True

    def whole(self, grid: Grid) -> bool:
        """Add a table if nothing of it has to be cut; False where something would."""
        columns = tuple(Wide(key=column.key, title=column.title) for column in grid.columns)
        texts = [[column.title, *(row[number].text for row in grid.rows)] for number, column in enumerate(grid.columns)]
        needed = sum(max(cell_len(self.spell(text)) for text in column) + _GAP for column in texts) - _GAP
        return needed <= self.style.width and self.grid(Grid(columns, grid.rows))

    def table(self, grid: Grid) -> None:
        """Add a table, or a line for each of its rows where no form of it fits."""
        if self.grid(grid):
            return
        if grid.rows and grid.columns[0].title:
            self.say(grid.columns[0].title, "dim")
        for row in grid.rows:
            self.say(_in_words(grid.columns, row), hang=2)

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


class _Fitted(Struct, frozen=True):
    """A column as it will be drawn: its title, its cells with their final texts, and its width in terminal cells."""

    column: Column
    title: str
    cells: tuple[Cell, ...]
    width: int

    @property
    def gap(self) -> int:
        return 1 if self.column.joined else _GAP

    @property
    def wants(self) -> int:
        """How many more cells it could use."""
        if self.column.key == "bar":
            return _BAR_MAX - self.width
        if not isinstance(self.column, Wide):
            return 0
        return max(map(cell_len, (self.title, *(cell.text for cell in self.cells)))) - self.width


def _fit(grid: Grid, style: Style, spell: Callable[[str], str]) -> list[_Fitted] | None:
    """Return the first of the forms, richest first, whose columns fit; None when even the poorest is too wide."""
    for dropped, short in _forms(grid):
        columns = [
            _shape(column, [row[number] for row in grid.rows], style, spell, short=short)
            for number, column in enumerate(grid.columns)
            if column.rank not in dropped
        ]
        spare = style.width - sum(c.gap + c.width for c in columns) + columns[0].gap
        extra = any(fitted.column.rank >= _EXTRA_RANK for fitted in columns)
        if spare >= (_bar_wants(columns) if extra else 0) and not (extra and short):
            return _share_out(columns, spare, style, spell("…"))
    return None


def _bar_wants(columns: Sequence[_Fitted]) -> int:
    """Say how much room a bar needs, if there is one, beyond its least width to be of good length."""
    return _BAR_GOOD - _BAR_MIN if any(fitted.column.key == "bar" for fitted in columns) else 0


def _forms(grid: Grid) -> Iterator[tuple[frozenset[int], bool]]:
    """Yield the ranks to leave out, highest first, and whether to use short texts."""
    ranks = sorted({column.rank for column in grid.columns if column.rank}, reverse=True)
    for count in range(len(ranks) + 1):
        yield frozenset(ranks[:count]), False
        yield frozenset(ranks[:count]), True


def _shape(column: Column, cells: Sequence[Cell], style: Style, spell: Callable[[str], str], *, short: bool) -> _Fitted:
    """Choose a column's texts, each at most a third of the page, and measure it; a bar has its least width."""
    title = column.short_title if short and column.short_title is not None else column.title
    chosen = [_choose(cell, style, spell, short=short) for cell in cells]
    if isinstance(column, Wide):
        needed = max(map(cell_len, (title, *chosen)))
        return _Fitted(column, title, _with(cells, chosen), min(needed, _WIDE_MIN))
    texts = [_cut(text, style.width // 3, spell("…")) for text in chosen]
    width = max(_BAR_MIN if column.key == "bar" else 0, *map(cell_len, (title, *texts)))
    return _Fitted(column, title, _with(cells, texts), width)


def _choose(cell: Cell, style: Style, spell: Callable[[str], str], *, short: bool) -> str:
    """Return a cell's text; its short form where that is asked for, or where the other would be cut."""
    text = spell(cell.text)
    if cell.short is not None and (short or cell_len(text) > style.width // 3):
        return spell(cell.short)
    return text


def _with(cells: Sequence[Cell], texts: Iterable[str]) -> tuple[Cell, ...]:
    return tuple(replace(cell, text=text) for cell, text in zip(cells, texts, strict=True))


def _share_out(columns: Sequence[_Fitted], spare: int, style: Style, ellipsis: str) -> list[_Fitted]:
    """Share the room that is left among the columns that want it; what one does not want is for the others."""
    stretched = list(columns)
    takers = sorted((number for number, fitted in enumerate(columns) if fitted.wants), key=lambda n: columns[n].wants)
    for left, number in zip(range(len(takers), 0, -1), takers, strict=True):
        more = min(spare // left, columns[number].wants)
        spare -= more
        stretched[number] = replace(columns[number], width=columns[number].width + more)
    return [_fill(fitted, style, ellipsis) for fitted in stretched]


def _fill(fitted: _Fitted, style: Style, ellipsis: str) -> _Fitted:
    """Draw bars, and cut what is wide, to the width they got."""
    if fitted.column.key == "bar":
        bars = (draw_bar(cell.share or 0.0, fitted.width, ascii_only=style.ascii_only) for cell in fitted.cells)
        return replace(fitted, cells=_with(fitted.cells, bars))
    if not isinstance(fitted.column, Wide):
        return fitted
    cut = _cut_start if fitted.column.keep_end else _cut
    texts = (cut(cell.text, fitted.width, ellipsis) for cell in fitted.cells)
    return replace(fitted, title=_cut(fitted.title, fitted.width, ellipsis), cells=_with(fitted.cells, texts))


def _draw(columns: Sequence[_Fitted], row_count: int) -> Iterator[Text]:
    """Yield the line of titles, if there are any, and the rows."""
    if any(column.title for column in columns):
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


def _cut_start(text: str, width: int, ellipsis: str) -> str:
    if cell_len(text) <= width:
        return text
    return ellipsis + chop_cells(text[::-1], width - len(ellipsis))[0][::-1]


def _in_words(columns: Sequence[Column], row: Sequence[Cell]) -> str:
    """Return a row as a line, each cell behind the title that it would stand below: a bare number says nothing."""
    told = ""
    for number, (column, cell) in enumerate(zip(columns, row, strict=True)):
        if number and column.title and cell.text not in {"", NOTHING}:
            told += f" · {column.title} {cell.text}"
        elif cell.text and not (number and column.title):
            told += f" {cell.text}"
    return told.strip()


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


def section(page: Page, title: str, grid: Grid, rest: str = "") -> None:
    """Add a table under its title and what there is to say of it, unless there is neither."""
    if not grid.rows and not rest:
        return
    page.gap()
    if not page.title(title, rest):
        page.say(title, "strong")
        page.say(rest.lstrip(), "dim", hang=2)
    if grid.rows:
        page.table(grid)
