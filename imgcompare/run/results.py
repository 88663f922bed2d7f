"""What is known of a run so far, and the report that it makes: workers post, the main thread reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, InvalidStateError, as_completed
from contextlib import suppress
from dataclasses import dataclass, field

from msgspec.structs import replace

from imgcompare import __version__
from imgcompare.comparison import baseline, compare, gates
from imgcompare.diagnosis import cautions, observed
from imgcompare.diagnosis.evidence import Evidence
from imgcompare.engine.interface import EngineImage
from imgcompare.errors import ImgcompareError
from imgcompare.model import SCHEMA_VERSION, Caution, EngineInfo, Failure, Image, Report, Stage, Tool, Variant, Verdict
from imgcompare.reports.redact import redact_report
from imgcompare.run.blueprints import Blueprint
from imgcompare.run.build import BuiltVariant
from imgcompare.run.plan import Plan
from imgcompare.text.redact import secret_values


@dataclass
class Board:
    """What is known so far. Workers post what they built; everything else is the main thread's."""

    plan: Plan
    engine: EngineInfo
    created: str
    blueprints: tuple[Blueprint, ...]
    evidence: dict[str, Evidence] = field(default_factory=dict)
    _results: dict[str, Variant] = field(default_factory=dict)
    _builds: dict[str, Future[BuiltVariant | None]] = field(default_factory=dict)
    _logs: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _changes: dict[str, tuple[EngineImage, EngineImage]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._results = {blueprint.variant.name: self.blank(blueprint) for blueprint in self.blueprints}
        self._builds = {name: Future() for name in self._results}

    @staticmethod
    def blank(blueprint: Blueprint) -> Variant:
        """Return a variant of which nothing is known yet."""
        spec = blueprint.variant.spec
        return Variant(
            name=spec.name,
            source=blueprint.source,
            verdict=Verdict.NOT_CHECKED,
            expected_failure=spec.expected_failure,
        )

    def built(self, name: str, built: BuiltVariant) -> None:
        """Post what a variant's build made."""
        with suppress(InvalidStateError):
            self._builds[name].set_result(built)

    def not_built(self, name: str) -> None:
        """Let the export go on without this variant, unless it was built."""
        with suppress(InvalidStateError):
            self._builds[name].set_result(None)

    def each_built(self) -> Iterator[tuple[str, BuiltVariant]]:
        """Yield each variant that gets built, as soon as it is."""
        names = {future: name for name, future in self._builds.items()}
        for future in as_completed(names):
            if (built := future.result()) is not None:
                yield names[future], built

    def all_built(self) -> dict[str, BuiltVariant]:
        """Wait until every variant is built or has failed to."""
        return {name: built for name, future in self._builds.items() if (built := future.result()) is not None}

    def put(self, variant: Variant) -> None:
        """Keep what is known of a variant now."""
        self._results[variant.name] = variant

    def logged(self, name: str, log: tuple[str, ...]) -> None:
        """Keep the last log lines of a variant that works, for what they say against it."""
        self._logs[name] = log

    def changed(self, name: str, before: EngineImage, after: EngineImage) -> None:
        """Keep a variant's images from before and after a change."""
        self._changes[name] = before, after

    def changes(self) -> dict[str, tuple[EngineImage, EngineImage]]:
        """The images from before and after a change, of the variants that have both."""
        return dict(self._changes)

    def add_pull_sizes(self, sizes: Mapping[str, int]) -> None:
        """Add what a change makes a server pull."""
        for name, size in sizes.items():
            variant = self._results[name]
            if variant.after_change:
                self._results[name] = replace(variant, after_change=replace(variant.after_change, pull_size=size))

    def add_images(self, images: Mapping[str, Image]) -> None:
        """Add what was measured; with it everything is known that may be said against a variant that works."""
        built = self.all_built()
        for name, image in images.items():
            variant = replace(self._results[name], image=image)
            if variant.verdict is Verdict.WORKS:
                variant = replace(variant, warnings=self._warnings(variant, image, built[name]))
            self._results[name] = variant

    def _warnings(self, variant: Variant, image: Image, built: BuiltVariant) -> tuple[Caution, ...]:
        evidence = cautions.Evidence(
            image=image,
            settings=built.image,
            run=variant.run,
            route=self.plan.config.route,
            log=self._logs.get(variant.name, ()),
            stages=built.stages,
            build_args=variant.source.build_args,
        )
        return cautions.find(evidence)

    @property
    def variants(self) -> tuple[Variant, ...]:
        """What is known of each variant, in order."""
        return tuple(self._results.values())

    def seen(self, name: str, evidence: Evidence | None) -> None:
        """Keep what a failure was observed by."""
        if evidence is not None:
            self.evidence[name] = evidence

    def explain(self, failures: Mapping[str, Failure]) -> None:
        """Put the causes that were found in the place of what was observed."""
        for name, failure in failures.items():
            self._results[name] = replace(self._results[name], failure=failure)

    def stop_waiting(self) -> None:
        """Wake whoever waits for a build that will not come."""
        for name in self._builds:
            self.not_built(name)

    def salvage(
        self, variants: Iterable[Variant], images: Iterable[Mapping[str, Image]], error: ImgcompareError
    ) -> None:
        """Keep what was finished, and mark what was not."""
        for variant in variants:
            self.put(variant)
        for measured in images:
            self.add_images(measured)
        built = self.all_built()
        for name, variant in self._results.items():
            if variant.verdict is Verdict.NOT_CHECKED and not variant.skipped:
                stage = Stage.RUN if name in built else Stage.BUILD
                self._results[name] = replace(variant, failure=observed.cut_short(stage, error))

    def report(self) -> Report:
        """Return the report of what is known now, compared and judged, without secrets."""
        variants = compare.share(compare.settle(tuple(self._results.values()), self.plan.baseline))
        config = self.plan.config
        report = Report(
            schema_version=SCHEMA_VERSION,
            tool=Tool(name="imgcompare", version=__version__),
            created=self.created,
            engine=self.engine,
            scenario=config.scenario,
            baseline=self.plan.baseline,
            variants=variants,
            comparison=compare.compare(variants, self.plan.baseline),
            gates=(),
            passed=compare.passed(variants),
            description=config.description,
            notes=config.notes,
        )
        held = baseline.hold(report, config.stored) if config.stored else report
        return redact_report(gates.judge(held, config.limits), secret_values(config.build_args, config.env))
