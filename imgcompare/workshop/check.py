"""Check an attempt: build its Dockerfile, run it, and hold what comes of it against the goals."""

from __future__ import annotations

import os
from pathlib import Path

from msgspec import Struct

from imgcompare.config.model import Config
from imgcompare.config.variants import VariantSpec
from imgcompare.console.progress import Progress
from imgcompare.console.style import Style
from imgcompare.errors import UsageError
from imgcompare.model import Expectation, Report
from imgcompare.render.formats.json import to_json
from imgcompare.run.opening import Connection
from imgcompare.run.session import perform
from imgcompare.workshop.attempt import Attempt
from imgcompare.workshop.goals import Reached, judge, solved

VARIANT = "yours"
_PATIENCE = 4


class Checked(Struct, frozen=True):
    """A check's report, the goals held against it, and the attempt as it is now."""

    report: Report
    reached: tuple[Reached, ...]
    attempt: Attempt

    @property
    def solved(self) -> bool:
        """Whether every goal is met."""
        return solved(self.reached)


def check(attempt: Attempt, connection: Connection, progress: Progress) -> Checked:
    """Build, run and judge. Raises UsageError for a Dockerfile that cannot be read, and what ends a run."""
    if not attempt.dockerfile.is_file():
        raise UsageError(
            f"there is no {attempt.dockerfile}", hint="`imgcompare exercise solution --apply` writes one that works."
        )
    report = _report(attempt, connection, progress, attempt.exercise.timeout_s)
    if _ran_out_of_time(report) and _machine_is_busy():
        progress.note("This machine is busy, and the app has not answered in time: trying again, with more of it.")
        report = _report(attempt, connection, progress, _PATIENCE * attempt.exercise.timeout_s)
    reached = judge(attempt.exercise.goal, report)
    image = report.variants[0].image
    size = image.uncompressed_size if image else None
    return Checked(report, reached, attempt.checked(report, solved=solved(reached), size=size))


def as_json(report: Report) -> str:
    """A check's report as JSON text."""
    return to_json(report, Style(width=100, color=False, ascii_only=False))


def _report(attempt: Attempt, connection: Connection, progress: Progress, timeout_s: float) -> Report:
    outcome = perform(_config(attempt, timeout_s), connection, progress, None)
    if outcome.error:
        raise outcome.error
    return outcome.report


def _ran_out_of_time(report: Report) -> bool:
    """Whether all that is known of the app is that nothing of it was seen in time."""
    failure = report.variants[0].failure
    return failure is not None and failure.code == "never-listens"


def _machine_is_busy() -> bool:
    """Whether so many processes wait for a processor that a room's apps start several times slower than one alone."""
    return os.getloadavg()[0] > 2 * (os.cpu_count() or 1)


def _config(attempt: Attempt, timeout_s: float) -> Config:
    exercise, goal = attempt.exercise, attempt.exercise.goal
    folder = Path(attempt.folder).absolute()
    return Config(
        scenario=attempt.progress.exercise,
        description=exercise.title,
        context=folder,
        variants=(VariantSpec(name=VARIANT, dockerfile=folder / attempt.dockerfile.name),),
        route=exercise.route,
        expect=Expectation(body=exercise.expect_body),
        timeout_s=timeout_s,
        # Tags of this run's own: on an engine that a room shares, two attendees' folders may have one path.
        rm_images=True,
        health=goal.healthy,
        stop=goal.stops_within is not None,
        hardened=goal.hardened,
        after_change=goal.keeps_cache,
        limits=goal.limits(),
    )
