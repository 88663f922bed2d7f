"""What is wrong with the Dockerfiles as SARIF 2.1.0, for GitHub code scanning and editors.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html. A result is a broken variant, a warning, or a limit
that is not kept; its place is the Dockerfile, at the line that its fix changes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from imgcompare.comparison.compare import as_expected
from imgcompare.diagnosis.explanations import EXPLANATIONS
from imgcompare.model import Document, Edit, Gate, Report, Variant
from imgcompare.render.cells import sentences
from imgcompare.render.cells.places import line_of, repository_path
from imgcompare.render.registry import RenderContext
from imgcompare.reports.store import reports_of
from imgcompare.text.printable import printable

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LIMIT_NOT_KEPT = "limit-not-kept"
_LONGEST = 1000


def render(document: Document, context: RenderContext) -> str:
    """Return the log: one run, with a rule for each code that occurs."""
    reports = reports_of(document)
    results = [result for report in reports for result in _results(report, context)]
    tool = reports[0].tool if reports else None
    driver = {
        "name": tool.name if tool else "imgcompare",
        "version": tool.version if tool else "",
        "rules": [_rule(code) for code in dict.fromkeys(result["ruleId"] for result in results)],
    }
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    log = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return msgspec.json.format(msgspec.json.encode(log), indent=2).decode() + "\n"


def _results(report: Report, context: RenderContext) -> Iterator[dict[str, Any]]:
    for variant in report.variants:
        failure = variant.failure
        if failure and not variant.skipped and not as_expected(variant):
            said = (f"{sentences.failure_title(variant)}. {failure.message}", failure.hint)
            yield _result("error", failure.code, said, report, variant, failure.edits, context)
        for caution in variant.warnings:
            yield _result(
                "warning", caution.code, (caution.message, caution.hint), report, variant, caution.edits, context
            )
    variants = {variant.name: variant for variant in report.variants}
    for gate in report.gates:
        if not gate.passed and gate.subject in variants:
            yield _gate(gate, report, variants[gate.subject], context)


def _gate(gate: Gate, report: Report, variant: Variant, context: RenderContext) -> dict[str, Any]:
    return _result("error", _LIMIT_NOT_KEPT, (sentences.failed_gate(gate),), report, variant, (), context)


def _result(
    level: str,
    code: str,
    said: Iterable[str],
    report: Report,
    variant: Variant,
    edits: tuple[Edit, ...],
    context: RenderContext,
) -> dict[str, Any]:
    text = printable(" ".join(filter(None, said)), limit=_LONGEST)
    subject = f"{report.scenario}/{variant.name}/{code}" + (f"/{text}" if code == _LIMIT_NOT_KEPT else "")
    result: dict[str, Any] = {
        "ruleId": code,
        "level": level,
        "message": {"text": text},
        # What stays the same from one run to the next is the same alert.
        "partialFingerprints": {"imgcompare/v1": hashlib.sha256(subject.encode()).hexdigest()},
    }
    if path := repository_path(variant, context):
        place = {"artifactLocation": {"uri": _uri(path)}, "region": {"startLine": line_of(edits)}}
        result["locations"] = [{"physicalLocation": place}]
    return result


def _rule(code: str) -> dict[str, Any]:
    explained = EXPLANATIONS.get(code)
    if explained is None:
        told = "A limit is not kept." if code == _LIMIT_NOT_KEPT else code
        return {"id": code, "shortDescription": {"text": told}}
    return {
        "id": code,
        "shortDescription": {"text": f"{explained.summary[0].upper()}{explained.summary[1:]}."},
        "fullDescription": {"text": explained.why},
        "help": {"text": "\n".join((explained.why, "", *_lines(explained.after)))},
    }


def _lines(lines: Sequence[str]) -> Iterator[str]:
    yield from (f"    {line}" for line in lines)


def _uri(path: str) -> str:
    """A relative reference of RFC 3986: what is no plain character of a path is escaped."""
    from urllib.parse import quote  # noqa: PLC0415 - nothing else of a report needs it

    return quote(path.encode("utf-8", "backslashreplace"))
