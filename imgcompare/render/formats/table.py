"""The report for a terminal: the table, the answer in one sentence, what is broken and how to mend it, footnotes."""

from __future__ import annotations

from collections.abc import Sequence

from imgcompare.comparison.compare import as_expected
from imgcompare.console.style import Style
from imgcompare.model import Against, Collection, Document, Entry, Report, Variant
from imgcompare.render.cells import against as told_against
from imgcompare.render.cells import savings, sentences, shrunk
from imgcompare.render.cells.after_change import build_changes
from imgcompare.render.cells.cautions import build_warnings
from imgcompare.render.cells.comparison import build_grid
from imgcompare.render.cells.gates import build_gates
from imgcompare.render.cells.grid import NOTHING, Grid, Tone
from imgcompare.render.cells.repeated import build_repeats
from imgcompare.render.page import LIST_BELOW, Page
from imgcompare.render.registry import RenderContext
from imgcompare.text.printable import printable, printable_lines, verbatim

_LONG = 10  # rows after which an answer below the table is out of sight


def render(document: Document, context: RenderContext) -> str:
    """Return the page: no line is wider than the style's width, and every character is one the terminal can show."""
    page = ReportPage(context.style)
    match document:
        case Collection():
            for report in document.comparisons:
                _comparison(page, report)
                page.gap()
            page.say(sentences.collection_headline(document), "strong")
            page.remarks([(printable(text), "plain") for text in (*document.notes, *context.notes)])
        case Report():
            _comparison(page, document, context.notes)
    return page.text()


def _comparison(page: ReportPage, report: Report, notes: tuple[str, ...] = ()) -> None:
    """Add one comparison: its table, the answer, what is broken, footnotes."""
    page.head(report)
    if len(report.variants) > _LONG:
        page.say(sentences.headline(report), "strong")
        page.gap()
    page.comparison(build_grid(report))
    page.gap()
    page.say(sentences.headline(report), "strong")
    if reasons := sentences.reasons(report):
        page.say(reasons, lead="  ")
    for variant in sentences.unsettled(report):
        page.failure(variant)
    page.remarks([(text, "plain") for text in sentences.left_out(report)])
    page.measured(build_changes(report))
    page.measured(build_repeats(report))
    page.warnings(build_warnings(report))
    page.savings(report)
    page.shrunk(report)
    page.against(report.against)
    page.gates(report)
    page.lessons(report.notes)
    page.remarks(
        [
            *((text, "dim") for text in sentences.footnotes(report)),
            *((printable(text), "plain") for text in notes),
        ]
    )


class ReportPage(Page):
    """A report's page."""

    def __init__(self, style: Style) -> None:
        super().__init__(style)
        self.indent = " " * (2 if style.width < LIST_BELOW else 4)

    def head(self, report: Report) -> None:
        """Add what was compared, on which engine and platform: one line where it fits, else two or three."""
        title, engine, platform = (
            sentences.title(report),
            sentences.engine(report.engine),
            sentences.platform(report.engine),
        )
        place = f"{engine} · {platform}"
        if not self.title(title, f" · {place}"):
            self.say(title, "strong")
            for part in (place,) if self.fits(place) else (engine, platform):
                self.say(part, "dim", hang=2)
        if report.description:
            self.say(printable(report.description, limit=1000))
        self.gap()

    def comparison(self, grid: Grid) -> None:
        """Add the table in its richest form that fits, or a line for each variant where none does."""
        if not self.grid(grid):
            for row in grid.rows:
                cells = {column.key: cell.text for column, cell in zip(grid.columns, row, strict=True)}
                change = cells.get("change", NOTHING)
                told = cells["uncompressed_size"] + (f" ({change})" if change != NOTHING else "")
                self.say(f"{cells['variant']}: {told}, {cells['verdict']}", hang=2)

    def measured(self, grid: Grid) -> None:
        """Add what was measured besides, where anything was."""
        if grid.rows:
            self.gap()
            self.table(grid)

    def warnings(self, grid: Grid) -> None:
        """Add a row for each warning, or a sentence where a row would be cut."""
        if not grid.rows:
            return
        self.gap()
        if not self.whole(grid):
            for code, names, message in grid.rows:
                self.say(f"{code.text} ({names.text}): {message.text}", lead="! ")

    def savings(self, report: Report) -> None:
        """Add what a lone image could be without, and what makes it so."""
        if found := savings.greatest(report):
            self.gap()
            self.say("Could be saved", "strong")
            for line in savings.told_savings(found):
                self.say(line, lead="  ")
            self.copyable(savings.command(report), "  Next  ")

    def shrunk(self, report: Report) -> None:
        """Add what came of shrinking: the answer, what it rests on, the change itself, and what is not proved."""
        if report.shrunk is None:
            return
        self.gap()
        self.say(shrunk.answer(report), "strong" if report.shrunk.result else "plain")
        for line in shrunk.proved(report):
            self.say(line, lead="  ✓ ")
        if left := shrunk.exempt(report):
            self.say(left, lead="  ")
        for line in savings.told_savings(savings.worth(report)):
            self.say(line, lead="  − ")
        if lines := shrunk.diff_lines(report.shrunk):
            self.gap()
        for line in lines:
            self.copyable(line, "  ")
        self.remarks([(text, "dim") for text in shrunk.remarks(report.shrunk)])

    def against(self, against: Against | None) -> None:
        """Add what changed since the stored baseline: sizes, packages, and what else is not the same."""
        if against is None:
            return
        self.gap()
        self.say(f"{told_against.title(against)}:")
        for row in against.rows:
            tone: Tone = "plain" if row.entry is Entry.BOTH else "strong"
            self.say(told_against.told_row(row), tone, lead="  ")
            if packages := told_against.told_packages(row.packages):
                self.say(packages, lead="    packages: ")
        for note in against.notes:
            self.say(printable(note), "dim", lead="  ")

    def gates(self, report: Report) -> None:
        """Add a row for each gate, and a sentence for each that a row cannot tell: why there is no value."""
        if not report.gates:
            return
        self.gap()
        drawn = self.grid(build_gates(report))
        if not drawn:
            self.say(sentences.gates_held(report))
        for gate in report.gates:
            if not gate.passed and (gate.reason or not drawn):
                self.say(sentences.failed_gate(gate), "bad", lead="✗ ")

    def failure(self, variant: Variant) -> None:
        """Add what is known of a broken variant: what happened, the lines that prove it, the next step."""
        self.gap()
        self.say(sentences.failure_title(variant), "strong" if as_expected(variant) else "bad", lead="✗ ")
        if variant.failure is None:
            return
        self.say(printable(variant.failure.message), lead=self.indent)
        for line in (line for evidence in variant.failure.evidence for line in printable_lines(evidence)):
            self.quote(line, f"{self.indent}  ")
        lead = f"{self.indent}Fix   "
        for line in variant.failure.fix:
            self.copyable(verbatim(line), lead)
            lead = " " * len(lead)
        if variant.failure.hint:
            self.say(printable(variant.failure.hint), lead=f"{self.indent}Next  ")
        if variant.mend:
            self.copyable(verbatim(variant.mend), f"{self.indent}Mend  ", "plain")
        self.say(f"imgcompare explain {printable(variant.failure.code, limit=60)}", lead=f"{self.indent}More  ")

    def lessons(self, notes: Sequence[str]) -> None:
        """Add what there is to learn from the comparison."""
        if notes:
            self.gap()
            self.say("What to learn", "strong")
        for text in notes:
            self.say(printable(text, limit=1000), lead="· ")

    def remarks(self, remarks: Sequence[tuple[str, Tone]]) -> None:
        """Add what stands at the foot of the page."""
        if remarks:
            self.gap()
        for text, tone in remarks:
            self.say(text, tone, hang=2)
