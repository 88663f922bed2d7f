"""What was wrong with a Dockerfile, round by round, what was changed, and the proof that it works."""

from __future__ import annotations

from imgcompare.console.style import Style
from imgcompare.model import Failure, Mending, Variant, Verdict
from imgcompare.render.cells import sentences
from imgcompare.render.cells.grid import Tone
from imgcompare.render.formats.table import ReportPage
from imgcompare.text.printable import printable, printable_lines, verbatim
from imgcompare.text.units import format_seconds

_INDENT = "    "
_BODY_LIMIT = 120
_TONES: dict[str, Tone] = {"+": "good", "-": "bad", "@": "dim"}


def render(told: Mending, style: Style, written: str = "") -> str:
    """Return the page; ``written`` is the file that the mended Dockerfile was written to, "" where it was not."""
    page = ReportPage(style)
    page.say(f"imgcompare mend · {_name(told.result)} · {sentences.engine(told.engine)}", "strong")
    for number, failure in enumerate(told.mended, start=1):
        _round(page, number, failure)
    if told.works and told.mended:
        _difference(page, told.diff)
    page.gap()
    if told.works:
        page.say(_headline(told), "good", lead="✓ ")
        page.say(_proof(told.result), lead="  ")
        _written(page, told, written)
    else:
        page.say(_headline(told), "bad", lead="✗ ")
        page.failure(told.result)
        page.gap()
        page.say("Nothing is written: a Dockerfile that does not work is not shown as mended.", "dim")
    return page.text()


def _name(variant: Variant) -> str:
    target = f":{variant.source.target}" if variant.source.target else ""
    return printable(f"{variant.source.dockerfile}{target}", limit=200)


def _round(page: ReportPage, number: int, failure: Failure) -> None:
    page.gap()
    page.say(printable(failure.code, limit=60), "strong", lead=f"{number}  ")
    page.say(printable(failure.message), lead=_INDENT)
    for line in (line for evidence in failure.evidence for line in printable_lines(evidence)):
        page.quote(line, f"{_INDENT}  ")


def _difference(page: ReportPage, diff: str) -> None:
    page.gap()
    for line in diff.removesuffix("\n").split("\n"):
        page.copyable(verbatim(line), "", _TONES.get(line[:1], "plain"))


def _headline(told: Mending) -> str:
    count = len(told.mended)
    causes = "one cause was mended" if count == 1 else f"{count} causes were mended"
    if told.works:
        return f"It works: {causes}." if count else "It works as it is: there is nothing to mend."
    if told.result.verdict is Verdict.NOT_CHECKED:
        return f"Whether it works is not known{f', though {causes}' if count else ''}."
    return f"It is not mended. {told.reason}" if not count else f"It is not mended, though {causes}. {told.reason}"


def _proof(variant: Variant) -> str:
    """The reply, in one sentence."""
    check, run = variant.check, variant.run
    if check is None or run is None:
        return ""
    ready = f", ready after {format_seconds(run.ready_after_s)}" if run.ready_after_s is not None else ""
    body = printable(" ".join(check.body_excerpt.split()), limit=_BODY_LIMIT)
    route = "/" + check.url.partition("://")[2].partition("/")[2]
    health = f" Its HEALTHCHECK says {printable(run.health, limit=20)}." if run.health else ""
    return f"GET {printable(route, limit=200)} → {check.status_code}{ready}" + (f": {body}" if body else ".") + health


def _written(page: ReportPage, told: Mending, written: str) -> None:
    if written:
        page.say(f"Written to {printable(written)}.", lead="  ")
    elif told.mended:
        page.say("Nothing is written: -o FILE writes it to a file, --in-place over the Dockerfile.", "dim", lead="  ")
