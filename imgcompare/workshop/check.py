"""Check an attempt: build its Dockerfile, run it, and hold what comes of it against the goals."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

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


@dataclass(frozen=True)
class Checked:
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
    outcome = perform(_config(attempt), connection, progress, None)
    if outcome.error:
        raise outcome.error
    report = outcome.report
    reached = judge(attempt.exercise.goal, report)
    image = report.variants[0].image
    size = image.uncompressed_size if image else None
    return Checked(report, reached, attempt.checked(report, solved=solved(reached), size=size))


def as_json(report: Report) -> str:
    """A check's report as JSON text."""
    return to_json(report, Style(width=100, color=False, ascii_only=False))


def _config(attempt: Attempt) -> Config:
    exercise, goal = attempt.exercise, attempt.exercise.goal
    folder = Path(attempt.folder).absolute()
    return Config(
        scenario=attempt.progress.exercise,
        description=exercise.title,
        context=folder,
        variants=(VariantSpec(name=VARIANT, dockerfile=folder / attempt.dockerfile.name),),
        route=exercise.route,
        expect=Expectation(body=exercise.expect_body),
        timeout_s=exercise.timeout_s,
        # Tags of this run's own: on an engine that a room shares, two attendees' folders may have one path.
        rm_images=True,
        health=goal.healthy,
        stop=goal.stops_within is not None,
        hardened=goal.hardened,
        after_change=goal.keeps_cache,
        limits=goal.limits(),
    )
