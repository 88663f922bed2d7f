"""Pure: which goals of an exercise a report shows to be reached, and what was measured, without giving the fix away."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from imgcompare.diagnosis.explanations import EXPLANATIONS
from imgcompare.model import Report, Variant, Verdict
from imgcompare.render.cells.sentences import gate_actual, gate_limit, gate_name
from imgcompare.text.printable import printable
from imgcompare.text.units import format_seconds
from imgcompare.workshop.exercise import Goal

_UNKNOWN = "not known while it is broken"


class Reached(Struct, frozen=True):
    """One goal: what is asked for, whether it is ``met`` (None where that is not known), and what was seen."""

    goal: str
    met: bool | None
    seen: str


def judge(goal: Goal, report: Report) -> tuple[Reached, ...]:
    """Hold a report of one variant against the goals; that it works comes first."""
    variant = report.variants[0]
    reached = [_works(variant), *_limits(report), *_measured(goal, variant)]
    return tuple(reached)


def solved(reached: tuple[Reached, ...]) -> bool:
    """Whether every goal is met."""
    return all(each.met for each in reached)


def _works(variant: Variant) -> Reached:
    failure = variant.failure
    if variant.verdict is Verdict.WORKS:
        return Reached("works", True, "answers as it should")
    if failure is None:
        return Reached("works", None, "was not checked")
    known = EXPLANATIONS.get(failure.code)
    seen = f"{failure.code}: {known.summary.replace('`', '') if known else failure.message}"
    return Reached("works", False, printable(seen, limit=300))


def _limits(report: Report) -> Iterator[Reached]:
    for gate in report.gates:
        # Told as "not measured", a limit is neither kept nor broken.
        met = gate.passed if gate.actual is not None else None
        yield Reached(f"{gate_name(gate).lower()} {gate_limit(gate)}", met, gate_actual(gate))


def _measured(goal: Goal, variant: Variant) -> Iterator[Reached]:
    works = variant.verdict is Verdict.WORKS
    if goal.non_root:
        security = variant.image.security if variant.image else None
        root = security.runs_as_root if security else None
        seen = _UNKNOWN if root is None else f"user {variant.image.user or 'root' if variant.image else ''}"
        yield Reached("is not root", None if root is None else not root, printable(seen, limit=100))
    if goal.stops_within is not None:
        yield _stops(goal.stops_within, variant)
    if goal.healthy:
        yield _healthy(variant)
    if goal.hardened:
        yield _hardened(variant)
    if goal.keeps_cache:
        yield _keeps_cache(variant)
    for code in goal.without:
        there = any(each.code == code for each in variant.warnings)
        seen = (f"warned of: {code}" if there else "none") if works else _UNKNOWN
        yield Reached(f"no {code}", not there if works else None, seen)


def _stops(within_s: float, variant: Variant) -> Reached:
    goal, run = f"stops within {format_seconds(within_s)}", variant.run
    if run is None or run.stopped_after_s is None:
        return Reached(goal, None, _not_measured(variant))
    seen = f"{format_seconds(run.stopped_after_s)}{', and had to be killed' if run.killed else ''}"
    return Reached(goal, not run.killed and run.stopped_after_s <= within_s, seen)


def _healthy(variant: Variant) -> Reached:
    goal, run = "has a HEALTHCHECK that passes", variant.run
    if variant.verdict is not Verdict.WORKS or run is None:
        return Reached(goal, None, _UNKNOWN)
    return Reached(goal, run.health == "healthy", run.health or "there is none")


def _hardened(variant: Variant) -> Reached:
    goal, hardened = "works hardened", variant.hardened
    if hardened is None:
        return Reached(goal, None, _not_measured(variant))
    seen = "works with every restriction"
    if not hardened.works:
        code = hardened.failure.code if hardened.failure else "it does not work"
        seen = f"{code}{f', with {hardened.broken_by} alone' if hardened.broken_by else ''}"
    return Reached(goal, hardened.works, seen)


def _keeps_cache(variant: Variant) -> Reached:
    goal, after = "a change of the app runs no RUN step again", variant.after_change
    if after is None:
        return Reached(goal, None, _not_measured(variant))
    again = [step for step in after.rebuilt_steps if "RUN " in step]
    seen = f"again: {printable(again[0], limit=80)}" if again else "none is run again"
    return Reached(goal, not again, seen)


def _not_measured(variant: Variant) -> str:
    if variant.verdict is not Verdict.WORKS:
        return _UNKNOWN
    return printable("; ".join(variant.not_measured) or "not measured", limit=200)
