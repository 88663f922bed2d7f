"""Look for the causes of what broke: in the images' files, in the stages they were made from, in variants that work.

Only for variants that need it, and never at the price of the run: where something cannot be looked into, what was
observed stays.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

from msgspec import Struct, field
from msgspec.structs import replace

from imgcompare.diagnosis.evidence import Evidence, forgotten_stage
from imgcompare.diagnosis.image_files import View
from imgcompare.diagnosis.observed import diagnose
from imgcompare.dockerfile.parser import SCRATCH, StageInfo
from imgcompare.engine.interface import Removal
from imgcompare.errors import EngineError, ImgcompareError
from imgcompare.model import Failure, Stage, Variant, Verdict
from imgcompare.run.blueprints import Blueprint
from imgcompare.run.build import BuiltVariant, build_stage
from imgcompare.run.not_built import case_of
from imgcompare.run.plan import Plan
from imgcompare.run.read_images import read_images
from imgcompare.run.resources import Workbench

_SUBJECT = "diagnosis"
_MAX_STAGES = 4
_MAX_OTHERS = 2


def find_causes(
    plan: Plan,
    blueprints: Sequence[Blueprint],
    variants: Sequence[Variant],
    evidence: Mapping[str, Evidence],
    built: Mapping[str, BuiltVariant],
    bench: Workbench,
) -> dict[str, Failure]:
    """Return the failures of broken variants again, by name, with the cause where their files prove one, and edits."""
    working = [built[v.name] for v in variants if v.verdict is Verdict.WORKS and v.name in built]
    names = [v.name for v in variants if v.verdict is Verdict.WORKS and v.name in built]
    desk = _Desk(plan, bench, dict(zip(names[:_MAX_OTHERS], working, strict=False)))
    found: dict[str, Failure] = {}
    looked = False
    for blueprint in blueprints:
        name = blueprint.variant.name
        if name not in evidence:
            continue
        failure = None
        if name in built and _wants_files(evidence[name]):
            looked = True
            bench.progress.stage(_SUBJECT, Stage.DIAGNOSE, f"looking into {name}")
            failure = desk.look(blueprint, evidence[name], built[name])
        elif evidence[name].observed.stage is Stage.BUILD:
            failure = desk.look(blueprint, evidence[name], None)
        found[name] = failure or diagnose(case_of(blueprint, evidence[name]))
    if looked:
        bench.progress.finished(_SUBJECT, "done", ok=True)
    return found


def _wants_files(evidence: Evidence) -> bool:
    """Whether the image's files can tell more than the evidence does."""
    nothing_listens = evidence.listeners == ()
    ended = evidence.exit_code is not None
    broke = evidence.start_error or ended or (evidence.status_code or 0) >= 500 or nothing_listens
    return bool(broke) and evidence.observed.code != "out-of-memory"


class _Desk(Struct):
    """What was looked into so far."""

    plan: Plan
    bench: Workbench
    others: Mapping[str, BuiltVariant]
    views: dict[str, View] = field(default_factory=dict)

    def look(self, blueprint: Blueprint, evidence: Evidence, built: BuiltVariant | None) -> Failure | None:
        """The failure by the image's own files, and by those of others where a cause asks; None if none can be read."""
        try:
            return diagnose(
                replace(
                    case_of(blueprint, evidence),
                    view=self.view(blueprint.variant.name, built.image.image) if built else None,
                    neighbours=_Nearby(self, blueprint),
                    base_command=self._base_command(blueprint),
                    engine_architecture=self.bench.engine.info().architecture,
                )
            )
        except ImgcompareError as exc:
            if self.bench.cancelled.is_set():
                raise
            self.bench.progress.note(f"{blueprint.variant.name} could not be looked into: {exc.message}")
            return None

    def _base_command(self, blueprint: Blueprint) -> tuple[str, ...]:
        """The CMD of the image that the variant stands on."""
        base = self.bench.engine.image(blueprint.base) if blueprint.base not in {None, "", SCRATCH} else None
        return base.cmd if base else ()

    def view(self, name: str, image: str) -> View:
        """An image's files, read once."""
        if image not in self.views:
            self.views[image] = View(name, read_images([image], self.plan.config.platform, self.bench)[image].layers)
        return self.views[image]


class _Nearby(Struct, frozen=True):
    """What one variant's image is looked at beside: built and read when it is asked for."""

    desk: _Desk
    blueprint: Blueprint

    def stages(self) -> dict[str, View]:
        """The stages that the image takes files from, built again: every step is in the builder's cache.

        The last ones first: what stands on another stage has all that it has. Then one that it should take files from.
        """
        views, desk, drawn = {}, self.desk, self.blueprint
        sources = [stage for stage in reversed(drawn.needed) if stage not in drawn.stages]
        forgotten = forgotten_stage(drawn.stages, drawn.unused)
        sources += [forgotten] if forgotten else []
        for stage in sources[:_MAX_STAGES]:
            name = stage.name or str(stage.index)
            with _borrowed(desk.plan, self.blueprint, stage, desk.bench) as image:
                if image is not None:
                    views[name] = desk.view(name, image)
        return views

    def others(self) -> dict[str, View]:
        """The first variants that work."""
        return {name: self.desk.view(name, built.image.image) for name, built in self.desk.others.items()}


@contextmanager
def _borrowed(plan: Plan, blueprint: Blueprint, stage: StageInfo, bench: Workbench) -> Iterator[str | None]:
    """A stage's image under a tag of this run alone, which is removed again."""
    tag = f"imgcompare/diagnosis-{plan.run_id.lower()}:{blueprint.variant.name}-{stage.index}"[:200]
    try:
        image = build_stage(plan, blueprint, stage, tag, bench)
        yield image.image if image else None
    finally:
        with suppress(EngineError):  # the run's end tries again
            if bench.engine.remove_image(tag) is not Removal.IN_USE:
                bench.ledger.removed(tag)
