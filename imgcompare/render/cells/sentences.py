"""The sentences around the table, built once for every format: title, headline, failures, footnotes."""

from __future__ import annotations

from collections.abc import Sequence

from imgcompare.comparison.compare import as_expected, same_body
from imgcompare.comparison.measures import MEASURES
from imgcompare.model import Change, Check, Collection, Companion, EngineInfo, Gate, Report, Variant, Verdict
from imgcompare.render.cells.grid import variant_name
from imgcompare.text.printable import printable
from imgcompare.text.units import (
    format_bytes,
    format_change,
    format_delta,
    format_exactly,
    format_percent,
    format_quantity,
)

_BUILDERS = {"buildkit": "BuildKit", "classic": "classic builder"}

_ENDED_EARLY = frozenset(("interrupted", "engine-failed"))


def title(report: Report) -> str:
    """Return what was compared: ``imgcompare · default``."""
    return f"imgcompare · {printable(report.scenario, limit=60)}"


def engine(info: EngineInfo) -> str:
    """Return what did the work: ``Docker Engine 20.10.24 (own engine, overlay2, BuildKit)``."""
    details = (
        "own engine" if info.private else "",
        info.storage_driver,
        "containerd image store" if info.image_store == "containerd" else "",
        _BUILDERS.get(info.builder, info.builder),
    )
    known = ", ".join(filter(None, details))
    return printable(f"{info.name} {info.version}" + (f" ({known})" if known else ""), limit=200)


def platform(info: EngineInfo) -> str:
    """Return what the images are for: ``linux/amd64``."""
    return printable(f"{info.os}/{info.architecture}", limit=60)


def headline(report: Report) -> str:
    """Return the one sentence that answers the question: the smallest image that works, and what it saves."""
    variants = report.variants
    if len(variants) == 1:
        return _alone(variants[0])
    winner = next((v for v in variants if v.name == report.comparison.smallest_working), None)
    if winner is None or winner.verdict is not Verdict.WORKS:
        return _nothing_works(variants)
    name = variant_name(winner.name)
    if winner.name == report.baseline:
        name += ", the baseline,"
    return f"{name} is {_saving(winner, report)}{_smaller_but_broken(winner, variants)}."


def collection_headline(collection: Collection) -> str:
    """Return how many of several comparisons passed, which did not, and which are missing.

    Where some are to be broken, those that pass are as declared; how many images are broken is said too.
    """
    reports, missing = collection.comparisons, collection.missing
    if not reports and not missing:
        return "There was nothing to run."
    if len(reports) == 1 and not missing:
        return headline(reports[0])
    failed = [report.scenario for report in reports if not report.passed]
    variants = [variant for report in reports for variant in report.variants]
    declared = sum(variant.expected_failure is not None and as_expected(variant) for variant in variants)
    told = f"{len(reports) - len(failed)} of {len(reports) + len(missing)} comparisons "
    told += "as declared" if declared else "passed"
    for what, names in (("not", failed), ("not run", missing)):
        if names:
            told += f"; {what}: {', '.join(printable(name, limit=60) for name in names)}"
    if not declared:
        return f"{told}."
    working = sum(variant.verdict is Verdict.WORKS for variant in variants)
    works = f"{counted_images(working)} {'works' if working == 1 else 'work'}"
    return f"{told}. {works}, {declared} {'is' if declared == 1 else 'are'} broken on purpose."


def counted_images(count: int) -> str:
    """Return how many images: ``1 image``."""
    return f"{count} image{'' if count == 1 else 's'}"


def reasons(report: Report) -> str:
    """Return where the winner's saving comes from, ``build tools −402 MB · system packages −290 MB``, or ""."""
    rival = report.baseline if report.comparison.smallest_working != report.baseline else None
    row = next((row for row in report.comparison.rows if row.variant == report.comparison.smallest_working), None)
    return told_changes(row.reasons) if row and rival else ""


def category_name(category: str) -> str:
    """Return a category in words: ``Python packages``; that of caches holds documentation, tests and bytecode, too."""
    if category == "caches":
        return "caches and docs"
    return printable(category.replace("_", " ").replace("python", "Python"), limit=40)


def told_changes(changes: Sequence[Change]) -> str:
    """Return the greatest changes by category in one line; what is under a hundredth of the greatest is left out."""
    least = max((abs(change.delta_bytes) for change in changes), default=0) / 100
    told = [
        f"{category_name(change.category)} {format_delta(change.delta_bytes)}"
        for change in changes
        if abs(change.delta_bytes) >= least
    ]
    return " · ".join(told)


def failure_title(variant: Variant) -> str:
    """Return the first line of a broken variant's explanation: ``tutorial is broken: missing-python-module``.

    What was declared to break is told as it is: broken as expected, broken in another way, or working.
    """
    name, code = variant_name(variant.name), printable(variant.failure.code, limit=60) if variant.failure else ""
    if variant.verdict is Verdict.NOT_CHECKED:
        return f"{name} was not checked: {code}"
    if variant.expected_failure is None:
        return f"{name} is broken: {code}" if code else f"{name} is broken"
    if as_expected(variant):
        return f"{name} is broken (as expected: {code})"
    declared = f"{name} is declared to break as {printable(variant.expected_failure, limit=60)}, but"
    return f"{declared} works" if variant.verdict is Verdict.WORKS else f"{declared} is broken: {code}"


def unsettled(report: Report) -> tuple[Variant, ...]:
    """Return the variants that need a word: those that are broken, that work where they must not, or were not checked.

    What the run's end or the engine's failure left unfinished is no word on the variant: ``left_out``.
    """
    return tuple(v for v in report.variants if not v.skipped and _needs_a_word(v))


def _needs_a_word(variant: Variant) -> bool:
    if variant.verdict is Verdict.NOT_CHECKED:
        return variant.failure is not None and variant.failure.code not in _ENDED_EARLY
    return variant.verdict is Verdict.BROKEN or not as_expected(variant)


def unsettled_title(report: Report) -> str:
    """Return the heading over them."""
    unchecked = all(v.verdict is Verdict.NOT_CHECKED for v in unsettled(report))
    return "What was not checked" if unchecked else "What is broken"


def left_out(report: Report) -> tuple[str, ...]:
    """Return one line for each variant that was skipped or not finished, with the reason."""
    lines = []
    for v in report.variants:
        if v.skipped:
            lines.append(f"{variant_name(v.name)} was skipped: {printable(v.skipped, limit=1000)}")
        elif v.failure and v.verdict is Verdict.NOT_CHECKED and v.failure.code in _ENDED_EARLY:
            reason = " ".join(v.failure.evidence) or v.failure.message
            lines.append(f"{variant_name(v.name)} was not finished: {printable(reason, limit=1000)}")
    return tuple(lines)


def gate_name(gate: Gate) -> str:
    """Return what a gate limits, in words: ``Unpacked``."""
    known = MEASURES.get(gate.name)
    return known.title if known else printable(gate.name.replace("_", " "), limit=40)


def gate_limit(gate: Gate) -> str:
    """Return a gate's limit: ``≤ 120.0 MB``."""
    if gate.name == "works":
        return "must work"
    # What somebody wrote as 69.5 % is not 70 %.
    told = format_exactly if gate.name.endswith("_ratio") or _close(gate) else format_quantity
    return f"{'≥' if gate.at_least else '≤'} {told(gate.name, gate.limit)}"


def gate_actual(gate: Gate) -> str:
    """Return what was measured; a value that fails by so little that it reads like its limit is told exactly."""
    if gate.actual is None:
        return "not measured"
    if gate.name == "works":
        return "works" if gate.actual else "broken"
    return (format_exactly if _close(gate) else format_quantity)(gate.name, gate.actual)


def _close(gate: Gate) -> bool:
    """Whether both values look the same once they are rounded, so that the verdict beside them would seem wrong."""
    if gate.actual is None or (gate.passed and not gate.name.endswith("_ratio")):
        return False
    return format_quantity(gate.name, gate.actual) == format_quantity(gate.name, gate.limit)


def gates_held(report: Report) -> str:
    """Return how many gates hold: ``2 of 3 gates hold.``."""
    return f"{sum(gate.passed for gate in report.gates)} of {len(report.gates)} gates hold."


def failed_gates(report: Report) -> tuple[str, ...]:
    """Return one sentence for each gate that does not hold."""
    return tuple(failed_gate(gate) for gate in report.gates if not gate.passed)


def failed_gate(gate: Gate) -> str:
    """Return what a gate that does not hold measured, or why nothing could be measured, and its limit."""
    reason = f": {printable(gate.reason, limit=300)}" if gate.reason else ""
    return f"{variant_name(gate.subject)}: {gate_name(gate)} {gate_actual(gate)}{reason} (limit {gate_limit(gate)})"


def shortcomings(report: Report) -> tuple[str, ...]:
    """Return why a report does not pass, in a line each: what is broken and must not be, and limits not kept."""
    broken = (failure_title(variant) for variant in unsettled(report) if not as_expected(variant))
    return (*broken, *failed_gates(report))


def _companions(variants: Sequence[Variant]) -> list[str]:
    """Return which companions ran, once for the variants that had the same."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for variant in variants:
        shown = tuple(_companion(each) for each in variant.companions)
        if shown:
            groups.setdefault(shown, []).append(variant_name(variant.name))
    everybody = len(groups) == 1 and sum(map(len, groups.values())) == len(variants)
    return [
        f"{'Each variant' if everybody else ', '.join(names)} ran beside {', '.join(shown)}"
        f"{', of its own' if everybody or len(names) == 1 else ', each its own'}."
        for shown, names in groups.items()
    ]


def _companion(companion: Companion) -> str:
    image = printable(companion.image, limit=80)
    # Of one that is built here the image's name tells nothing.
    told = ("" if image.startswith("imgcompare/") else image, printable(companion.note, limit=120))
    of = "; ".join(filter(None, told))
    return printable(companion.name, limit=60) + (f" ({of})" if of else "")


def footnotes(report: Report) -> tuple[str, ...]:
    """Return what a reader has to know to trust the numbers: context, stand-in bases, replies that differ."""
    stand_ins = sorted({printable(name) for v in report.variants if v.image for name in v.image.stand_ins})
    notes = []
    if contexts := sorted({v.source.context for v in report.variants if v.source.context}):
        told = ("this folder" if context == "." else printable(context, limit=200) for context in contexts)
        notes.append(f"Build context: {', '.join(told)}.")
    if stand_ins:
        notes.append(f"Base images are stand-ins made from the distribution's packages: {', '.join(stand_ins)}.")
    notes += _companions(report.variants)
    notes += _different_replies(report.variants)
    notes += [
        f"{variant_name(v.name)} replies the same but for {printable(v.check.same_but_for)}."
        for v in report.variants
        if v.check and v.check.same_but_for
    ]
    cut = [variant_name(v.name) for v in report.variants if v.check and v.check.body_truncated]
    if cut:
        notes.append(f"The reply was longer than what is read, and compared as far as it was read: {', '.join(cut)}.")
    notes += [
        f"{variant_name(v.name)}: not measured: {printable(n, limit=300)}"
        for v in report.variants
        for n in v.not_measured
    ]
    return tuple(notes)


def _alone(variant: Variant) -> str:
    name = variant_name(variant.name)
    if variant.image is None:
        return f"{name} {_state(variant)}; there is no image to measure."
    layers = f"{variant.image.layer_count} layer{'' if variant.image.layer_count == 1 else 's'}"
    return f"{name} {_state(variant)}; its image is {_size_of(variant)} unpacked, in {layers}."


def _state(variant: Variant) -> str:
    return {Verdict.WORKS: "works", Verdict.BROKEN: "is broken", Verdict.NOT_CHECKED: "was not checked"}[
        variant.verdict
    ]


def _nothing_works(variants: Sequence[Variant]) -> str:
    if variants and all(v.verdict is Verdict.NOT_CHECKED for v in variants):
        return "No variant was checked, so there is no smallest image that works."
    if any(v.verdict is Verdict.WORKS and not v.image for v in variants):
        return "The images that work were not measured, so there is no smallest one to name."
    return "No variant works, so there is no smallest image to name."


def _saving(winner: Variant, report: Report) -> str:
    others = [v for v in report.variants if v.verdict is Verdict.WORKS and v.image and v is not winner]
    # Of one that was cut short nobody knows whether it works, nor perhaps its size.
    known = all(v.failure is None or v.verdict is not Verdict.NOT_CHECKED for v in report.variants)
    works = "that works" if known else "known to work"
    if not others or winner.image is None:
        return f"the only image {works}: {_size_of(winner)}"
    rival = next((v for v in others if v.name == report.baseline), None) or max(others, key=_bytes_of)
    name, saved = variant_name(rival.name), _bytes_of(rival) - _bytes_of(winner)
    if saved == 0:
        return f"the smallest image {works}, as large as {name}: {_size_of(winner)}"
    if winner.name == report.baseline:  # the table counts from the winner too: one number for one difference
        change = format_change(_bytes_of(rival) / (_bytes_of(winner) or 1))
        return f"the smallest image {works}: {name} is {format_bytes(saved)} ({change}) larger"
    share = format_percent(saved / _bytes_of(rival))
    return f"the smallest image {works}: {format_bytes(saved)} ({share}) less than {name}"


def _smaller_but_broken(winner: Variant, variants: Sequence[Variant]) -> str:
    names = [
        variant_name(v.name)
        for v in variants
        if v.verdict is Verdict.BROKEN and v.image and _bytes_of(v) < _bytes_of(winner)
    ]
    return f"; {_listed(names)} {'is' if len(names) == 1 else 'are'} smaller still, but broken" if names else ""


def _different_replies(variants: Sequence[Variant]) -> list[str]:
    """Name the replies where working variants differ, which a declared expectation allows."""
    replies: list[tuple[Check, list[str]]] = []
    for v in variants:
        if v.verdict is Verdict.WORKS and v.check and v.check.body_sha256 and not v.check.same_but_for:
            same = next((names for check, names in replies if same_body(check, v.check)), None)
            if same is None:
                replies.append((v.check, same := []))
            same.append(variant_name(v.name))
    if len(replies) < 2:
        return []
    told = "; ".join(f"{_listed(names)} “{printable(check.body_excerpt, limit=40)}”" for check, names in replies)
    return [f"The replies differ, as the expectation allows: {told}."]


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def _bytes_of(variant: Variant) -> int:
    return variant.image.uncompressed_size if variant.image else 0


def _size_of(variant: Variant) -> str:
    return format_bytes(_bytes_of(variant))
