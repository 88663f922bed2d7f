"""The report for the log of a GitHub Actions job: the table, then workflow commands that become annotations.

The commands' form: https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from imgcompare.comparison.compare import as_expected
from imgcompare.model import Collection, Document, Edit, Report, Variant
from imgcompare.render.cells import sentences
from imgcompare.render.cells.grid import variant_name
from imgcompare.render.cells.places import line_of, repository_path
from imgcompare.render.formats import table
from imgcompare.render.registry import RenderContext
from imgcompare.reports.store import reports_of
from imgcompare.text.printable import printable, printable_lines
from imgcompare.text.workflow_commands import defuse

_EVIDENCE_LINES = 20


def render(document: Document, context: RenderContext) -> str:
    """Return the lines of the log; nothing in the table can be a command."""
    page = defuse(table.render(document, context))
    return "".join((page, *(f"{command}\n" for command in _commands(document, context))))


def _commands(document: Document, context: RenderContext) -> Iterator[str]:
    """Errors first: of each kind GitHub shows ten annotations a step. What did not pass has at least one error."""
    reports = reports_of(document)
    errors = [command for report in reports for command in _errors(report, context)]
    yield from errors
    for report in reports:
        yield from _warnings(report, context)
    kind = "notice" if document.passed or errors else "error"
    if isinstance(document, Collection):
        yield _command(kind, "imgcompare", [sentences.collection_headline(document), *document.notes])
    else:
        yield _command(kind, sentences.title(document), [sentences.headline(document)])


def _errors(report: Report, context: RenderContext) -> Iterator[str]:
    for variant in report.variants:
        if not variant.skipped and not as_expected(variant):
            edits = variant.failure.edits if variant.failure else ()
            yield _command("error", sentences.failure_title(variant), _told(variant), _place(variant, edits, context))
    variants = {variant.name: variant for variant in report.variants}
    for gate in report.gates:
        if not gate.passed:
            place = _place(variants[gate.subject], (), context) if gate.subject in variants else {}
            yield _command("error", f"{sentences.title(report)}: gate", [sentences.failed_gate(gate)], place)


def _told(variant: Variant) -> list[str]:
    """What there is to say of a broken variant, the log's end being what matters."""
    if variant.failure is None:
        return [sentences.failure_title(variant)]
    log = [line for each in variant.failure.evidence for line in printable_lines(each)][-_EVIDENCE_LINES:]
    hint = [f"Next: {variant.failure.hint}"] if variant.failure.hint else []
    return [variant.failure.message, *log, *hint, *variant.failure.fix]


def _warnings(report: Report, context: RenderContext) -> Iterator[str]:
    for variant in report.variants:
        for caution in variant.warnings:
            hint = [f"Next: {caution.hint}"] if caution.hint else []
            title = f"{variant_name(variant.name)}: {caution.code}"
            told = [caution.message, *hint, *caution.fix]
            yield _command("warning", title, told, _place(variant, caution.edits, context))


def _place(variant: Variant, edits: tuple[Edit, ...], context: RenderContext) -> dict[str, str]:
    """The Dockerfile, and the line that a fix changes where there is one."""
    path = repository_path(variant, context)
    line = {"line": str(line_of(edits))} if path and edits else {}
    return ({"file": path} if path else {}) | line


def _command(kind: str, title: str, lines: list[str], place: Mapping[str, str] = MappingProxyType({})) -> str:
    """One command: ``::error title=…,file=…,line=…::message``, its message in several lines."""
    properties = {"title": title, **place}
    told = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    return f"::{kind} {told}::" + "%0A".join(_data(line) for each in lines for line in printable_lines(each))


def _data(text: str) -> str:
    return text.replace("%", "%25")  # line feeds, the other sign to be escaped, are ours alone


def _property(text: str) -> str:
    return _data(printable(text, limit=200)).replace(":", "%3A").replace(",", "%2C")
