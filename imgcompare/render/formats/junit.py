"""The report as JUnit XML, as Jenkins, GitLab and others read it: a suite for each comparison, a case for each stage.

There is a failure where, and only where, the comparison did not pass. The form is that of Jenkins' own schema
(https://github.com/jenkinsci/xunit-plugin, junit-10.xsd); ``time`` is in seconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from xml.etree import ElementTree as ET

from msgspec import Struct
from msgspec.structs import replace

from imgcompare.comparison.compare import as_expected
from imgcompare.model import Collection, Document, Failure, Gate, Report, Stage, Variant, Verdict
from imgcompare.regex import regex
from imgcompare.render.cells import sentences
from imgcompare.render.cells.grid import variant_name
from imgcompare.render.cells.repeated import spreads, told
from imgcompare.render.registry import RenderContext
from imgcompare.text.printable import printable, printable_lines

# What XML 1.0 has no way to spell (https://www.w3.org/TR/xml/#charsets), as far as printable text still holds it.
_NO_XML = regex("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_OF_STAGE = {"build_s": Stage.BUILD, "ready_s": Stage.RUN, "memory_bytes": Stage.RUN, "response_s": Stage.CHECK}
_TIME = regex(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")


class _Case(Struct, frozen=True, kw_only=True):
    """One test: what is ``wrong`` (``kind`` in a word), why it was ``skipped``, or neither; ``told`` is all of it."""

    group: str
    name: str
    time_s: float | None = None
    wrong: str = ""
    kind: str = ""
    skipped: str = ""
    told: Sequence[str] = ()


def render(document: Document, context: RenderContext) -> str:  # noqa: ARG001 - notes are no tests
    """Return the XML document."""
    match document:
        case Collection():
            suites = [_suite(report.scenario, [*_cases(report)], report.created) for report in document.comparisons]
            if not document.passed and all(report.passed for report in document.comparisons):
                told = sentences.collection_headline(document)
                case = _Case(group="imgcompare", name="collection", wrong=told, kind="incomplete", told=document.notes)
                suites.append(_suite("imgcompare", [case], document.created))
        case Report():
            suites = [_suite(document.scenario, [*_cases(document)], document.created)]
    root = ET.Element("testsuites", {"name": "imgcompare"} | _totals(suites))
    root.extend(suites)
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _totals(suites: Sequence[ET.Element]) -> dict[str, str]:
    counts = {key: str(sum(int(s.get(key, 0)) for s in suites)) for key in ("tests", "failures", "errors", "skipped")}
    return counts | {"time": f"{sum(float(suite.get('time', 0)) for suite in suites):.3f}"}


def _suite(name: str, cases: Sequence[_Case], created: str) -> ET.Element:
    counts = {
        "tests": len(cases),
        "failures": sum(bool(case.wrong) for case in cases),
        "errors": 0,
        "skipped": sum(bool(case.skipped) for case in cases),
    }
    suite = ET.Element("testsuite", {"name": _xml(name)} | {key: str(count) for key, count in counts.items()})
    suite.set("time", f"{sum(case.time_s or 0.0 for case in cases):.3f}")
    if match := _TIME.match(created):
        suite.set("timestamp", match[0])
    suite.extend(map(_element, cases))
    return suite


def _element(case: _Case) -> ET.Element:
    element = ET.Element("testcase", {"classname": _xml(case.group), "name": _xml(case.name)})
    if case.time_s is not None:
        element.set("time", f"{case.time_s:.3f}")
    text = _NO_XML.sub("", "\n".join(line for each in case.told for line in printable_lines(each)))
    if case.wrong:
        ET.SubElement(element, "failure", {"message": _xml(case.wrong), "type": _xml(case.kind)}).text = text
    elif case.skipped:
        ET.SubElement(element, "skipped", {"message": _xml(case.skipped)})
    elif text:
        ET.SubElement(element, "system-out").text = text
    return element


def _xml(text: str) -> str:
    return _NO_XML.sub("", printable(text, limit=500))


def _cases(report: Report) -> Iterator[_Case]:
    """The stages of each variant, then the gates; where the report failed for none of them, a case for the whole."""
    cases = [case for variant in report.variants for case in _stages(variant, report)]
    cases += (_gate(gate, report) for gate in report.gates)
    if not report.passed and not any(case.wrong for case in cases):
        cases.append(
            _Case(group=report.scenario, name="comparison", wrong=sentences.headline(report), kind="not-passed")
        )
    yield from cases


def _stages(variant: Variant, report: Report) -> Iterator[_Case]:
    """A case for each stage that this variant has or failed in; those after its failure were not run."""
    group = f"{report.scenario}.{variant_name(variant.name)}"
    failed = variant.failure.stage if variant.failure else None
    usual = {Stage.PULL if variant.source.image else Stage.BUILD, Stage.RUN, Stage.CHECK}
    ended = variant.skipped or ("not checked" if variant.verdict is Verdict.NOT_CHECKED and not failed else "")
    for stage in (stage for stage in Stage if stage in usual or stage is failed):
        again = [told(name, spread) for name, spread in spreads(variant) if _OF_STAGE[name] is stage]
        case = _Case(group=group, name=stage, time_s=_seconds(variant, stage), skipped=ended, told=again)
        if variant.failure and stage is failed and not ended:
            case, ended = _failed(case, variant, variant.failure), f"{failed} failed"
        elif stage is Stage.CHECK and not (failed or ended or as_expected(variant)):
            case = replace(case, wrong=sentences.failure_title(variant), kind="not-as-expected")
        yield case


def _seconds(variant: Variant, stage: Stage) -> float | None:
    """How long a stage took, where that was measured."""
    if stage is Stage.BUILD and variant.build:
        return variant.build.duration_s
    if stage is Stage.RUN and variant.run:
        return variant.run.ready_after_s
    return variant.check.response_time_s if stage is Stage.CHECK and variant.check else None


def _failed(case: _Case, variant: Variant, failure: Failure) -> _Case:
    """The case of the stage that failed; a failure that was declared is as it should be."""
    hint = (f"Next: {failure.hint}",) if failure.hint else ()
    told = (f"Expected: {_expected(variant)}", f"Happened: {failure.message}", *failure.evidence, *hint, *failure.fix)
    title = sentences.failure_title(variant)
    if as_expected(variant):
        return replace(case, told=(title, *told))
    return replace(case, wrong=f"{title}. {failure.message}", kind=failure.code, told=told)


def _expected(variant: Variant) -> str:
    """What would have been right, in words, at the stage that failed."""
    if variant.check is None:
        stage = variant.failure.stage if variant.failure else Stage.RUN
        return {Stage.BUILD: "its Dockerfile builds", Stage.PULL: "its image is there"}.get(
            stage, "its container answers"
        )
    wanted = variant.check.expected
    where = f" to {wanted.location}" if wanted.location else ""
    if wanted.body is not None:
        body = f", a body with “{wanted.body}”"
    elif wanted.body_pattern is not None:
        body = f", a body that matches {wanted.body_pattern}"
    else:
        body = ", the baseline's body" if variant.failure and variant.failure.code == "different-response" else ""
    return f"{variant.check.method} {variant.check.url} replies {wanted.status}{where}{body}"


def _gate(gate: Gate, report: Report) -> _Case:
    name = f"{sentences.gate_name(gate)} of {variant_name(gate.subject)} {sentences.gate_limit(gate)}"
    if gate.passed:
        return _Case(group=f"{report.scenario}.gates", name=name)
    reason = (gate.reason,) if gate.reason else ()
    told = (f"Expected: {name}", f"Happened: {sentences.gate_actual(gate)}", *reason)
    wrong = sentences.failed_gate(gate)
    return _Case(group=f"{report.scenario}.gates", name=name, wrong=wrong, kind=f"gate-{gate.name}", told=told)
