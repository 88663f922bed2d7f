"""What became of each variant, put together by one thread into the report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from imgcompare.engine.interface import EngineImage
from imgcompare.errors import ImageFormatError, ImgcompareError
from imgcompare.model import Caution, EngineInfo, Failure, Image, Report, Stage, Variant, Verdict
from imgcompare.run.blueprints import Blueprint
from imgcompare.run.build import Base, BuiltVariant
from imgcompare.run.plan import Plan

if TYPE_CHECKING:
    from imgcompare.check.bodies import Bodies
    from imgcompare.diagnosis.evidence import Evidence
    from imgcompare.run.measure import Images

Told = TypeVar("Told", Failure, Caution)


class Finished(Struct, frozen=True, kw_only=True):
    """What a worker returns of its variant: what is told of it, and what later stages look into.

    ``built`` is None where there is no image, ``evidence`` where nothing broke, ``changed`` where no change was built.
    ``log`` holds the last lines of one that works, ``bodies`` what it replied. ``error`` is what could not be done: by
    the engine, then there is no verdict, or in reading the image.
    """

    variant: Variant
    built: BuiltVariant | None = None
    evidence: Evidence | None = None
    log: tuple[str, ...] = ()
    bodies: Bodies | None = None
    changed: EngineImage | None = None
    error: ImgcompareError | None = None


def blank(blueprint: Blueprint) -> Variant:
    """Return a variant of which nothing is known yet."""
    spec = blueprint.variant.spec
    return Variant(
        name=spec.name,
        source=blueprint.source,
        verdict=Verdict.NOT_CHECKED,
        expected_failure=spec.expected_failure,
    )


class Results(Struct):
    """What is known so far of a comparison; only the thread that runs the pipeline reads or changes it."""

    plan: Plan
    engine: EngineInfo
    created: str
    blueprints: tuple[Blueprint, ...]
    bases: Mapping[str, Base] = field(default_factory=dict)
    finished: dict[str, Finished] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.finished = {drawn.variant.name: Finished(variant=blank(drawn)) for drawn in self.blueprints}

    @property
    def variants(self) -> tuple[Variant, ...]:
        """What is told of each variant, in order."""
        return tuple(each.variant for each in self.finished.values())

    @property
    def built(self) -> dict[str, BuiltVariant]:
        """The images that there are, by variant."""
        return {name: each.built for name, each in self.finished.items() if each.built}

    @property
    def changes(self) -> dict[str, tuple[EngineImage, EngineImage]]:
        """The images from before and after a change, of the variants that have both."""
        return {
            name: (each.built.image, each.changed)
            for name, each in self.finished.items()
            if each.built and each.changed
        }

    @property
    def evidence(self) -> dict[str, Evidence]:
        """What failures were observed by."""
        return {name: each.evidence for name, each in self.finished.items() if each.evidence}

    @property
    def error(self) -> ImgcompareError | None:
        """What could not be done for some variant, though the run went on; the engine's failures first."""
        errors = [each.error for each in self.finished.values() if each.error]
        return min(errors, key=lambda error: isinstance(error, ImageFormatError), default=None)

    def put(self, finished: Finished) -> None:
        """Keep what became of a variant."""
        if (
            finished.evidence is None
        ):  # its failure, if it has one, was found without a Case, which knows the Dockerfile
            finished = replace(finished, variant=self._placed(finished.variant))
        self.finished[finished.variant.name] = finished

    def add_images(self, images: Images) -> None:
        """Add what was measured; with it everything is known that may be said against a variant that works."""
        for name, error in images.unread.items():
            each = self.finished[name]
            notes = dict.fromkeys((*each.variant.not_measured, f"its sizes: {error.message}"))
            self.finished[name] = replace(each, error=each.error or error)
            self._tell(name, not_measured=tuple(notes))
        for name, image in images.measured.items():
            each = self.finished[name]
            warnings = self._warnings(each, image) if each.variant.verdict is Verdict.WORKS else ()
            self._tell(name, image=image, warnings=warnings)

    def add_digests(self, digests: Mapping[str, str]) -> None:
        """Add what the contexts' digests are."""
        for name, digest in digests.items():
            self._tell(name, source=replace(self.finished[name].variant.source, context_digest=digest))

    def add_pull_sizes(self, sizes: Mapping[str, int]) -> None:
        """Add what a change makes a server pull."""
        for name, size in sizes.items():
            if after := self.finished[name].variant.after_change:
                self._tell(name, after_change=replace(after, pull_size=size))

    def explain(self, failures: Mapping[str, Failure]) -> None:
        """Put the causes that were found in the place of what was observed."""
        for name, failure in failures.items():
            self._tell(name, failure=failure)

    def cut_short(self, error: ImgcompareError, begun: Iterable[str]) -> None:
        """Mark what was not finished, by the stage it was in: ``begun`` are the variants that had been built."""
        from imgcompare.diagnosis import observed  # noqa: PLC0415 - seldom needed

        begun = frozenset(begun)
        for variant in self.variants:
            if variant.verdict is Verdict.NOT_CHECKED and not variant.skipped and not variant.failure:
                stage = Stage.RUN if variant.name in begun else Stage.BUILD
                self._tell(variant.name, failure=observed.cut_short(stage, error))

    def report(self) -> Report:
        """Return the report of what is known now, compared and judged, without secrets."""
        from imgcompare.run.report import report_of  # noqa: PLC0415 - only once there is something to report

        return report_of(self)

    def _tell(self, name: str, **fields: object) -> None:
        each = self.finished[name]
        self.finished[name] = replace(each, variant=replace(each.variant, **fields))

    def _warnings(self, each: Finished, image: Image) -> tuple[Caution, ...]:
        if each.built is None:
            return ()
        from imgcompare.diagnosis import cautions  # noqa: PLC0415 - only once an image was measured

        evidence = cautions.Seen(
            image=image,
            settings=each.built.image,
            run=each.variant.run,
            route=self.plan.config.route,
            log=each.log,
            stages=each.built.stages,
            build_args=self.plan.config.build_args,
        )
        return tuple(self._with_edits(caution, each.variant.name) for caution in cautions.find(evidence))

    def _placed(self, variant: Variant) -> Variant:
        """The variant, whose fixes are edits of its Dockerfile as well."""
        failure, hardened = variant.failure, variant.hardened
        if failure and not failure.edits:
            variant = replace(variant, failure=self._with_edits(failure, variant.name))
        if hardened and hardened.failure:
            told = replace(hardened, failure=self._with_edits(hardened.failure, variant.name))
            variant = replace(variant, hardened=told)
        return variant

    def _with_edits(self, told: Told, name: str) -> Told:
        blueprint = next(drawn for drawn in self.blueprints if drawn.variant.name == name)
        if not told.fix or blueprint.document is None:
            return told
        from imgcompare.dockerfile.placing import place  # noqa: PLC0415 - only where there is something to mend

        return replace(told, edits=place(blueprint.document, blueprint.variant.spec.target, told.fix))
