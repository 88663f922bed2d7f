"""What running a variant showed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from imgcompare.model import Check, Failure, Hardened, Run

if TYPE_CHECKING:
    from imgcompare.check.bodies import Bodies
    from imgcompare.diagnosis.evidence import Evidence


class Tried(Struct, frozen=True, kw_only=True):
    """What running a variant showed; no failure means that it works.

    ``evidence`` is what the failure was observed by, where there is more to it than the failure says itself.
    ``bodies`` are what others are held against where nobody said what a good body is.
    ``ready_at`` is when its route replied (monotonic seconds). ``log`` holds the last log lines of one that works,
    ``not_measured`` what was asked for and could not be had, and why.
    """

    run: Run | None = None
    check: Check | None = None
    failure: Failure | None = None
    evidence: Evidence | None = None
    bodies: Bodies | None = None
    ready_at: float = 0.0
    log: tuple[str, ...] = ()
    hardened: Hardened | None = None
    not_measured: tuple[str, ...] = ()
    more_checks: tuple[Check, ...] = ()


def broken(evidence: Evidence, run: Run | None = None) -> Tried:
    """A variant that does not work, with what can be said of it at once; its files are looked at later."""
    from imgcompare.diagnosis import observed  # noqa: PLC0415 - only where something broke
    from imgcompare.diagnosis.evidence import Case  # noqa: PLC0415

    return Tried(run=run, failure=observed.diagnose(Case(evidence=evidence)), evidence=evidence)
