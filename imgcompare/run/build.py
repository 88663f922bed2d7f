"""From a planned variant to an image on the engine: contexts and Dockerfiles read, bases provided, the image built."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor
from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from imgcompare.dockerfile.parser import SCRATCH, StageInfo
from imgcompare.engine.build.context import BuildContext
from imgcompare.engine.interface import STAND_IN_LABEL, BuildFailed, BuildRequest, Built, EngineImage
from imgcompare.errors import BaseImageError
from imgcompare.model import Build, Failure, Stage, Verdict
from imgcompare.run.blueprints import Blueprint
from imgcompare.run.ledger import IMAGE
from imgcompare.run.plan import Plan
from imgcompare.run.resources import Workbench

if TYPE_CHECKING:
    from imgcompare.diagnosis.evidence import Evidence


_MORE_ATTEMPTS = 2


class Base(Struct, frozen=True, kw_only=True):
    """A base image looked up: why it cannot be had, or its layers and the official name it stands in for."""

    failure: Failure | None = None
    stand_in: str | None = None
    diff_ids: tuple[str, ...] = ()


class BuiltVariant(Struct, frozen=True, kw_only=True):
    """A variant whose image is on the engine.

    ``stages`` are those of the Dockerfile that made it, the lowest first, ``base`` is the image that they stand on, and
    ``base_diff_ids`` are its layers, None where these are not known.
    """

    image: EngineImage
    build: Build | None
    stand_ins: tuple[str, ...]
    base: str = ""
    base_diff_ids: tuple[str, ...] | None = None
    stages: tuple[StageInfo, ...] = ()


class NotBuilt(Struct, frozen=True, kw_only=True):
    """A variant without an image, and why; ``evidence`` is what the builder's failure was observed by.

    The verdict is about the Dockerfile: that an image cannot be had here is none, unless its name can be nobody's.
    """

    failure: Failure
    evidence: Evidence | None = None
    verdict: Verdict = Verdict.BROKEN


def provide_bases(plan: Plan, blueprints: Iterable[Blueprint], bench: Workbench, pool: Executor) -> dict[str, Base]:
    """See that every base image is on the engine, pulling what is missing (or everything, with ``--pull``)."""
    names = {base: f"base {base}" for blueprint in blueprints for base in blueprint.bases}
    names |= {drawn.source.image: f"image {drawn.source.image}" for drawn in blueprints if drawn.source.image}
    return dict(zip(names, pool.map(partial(_provide, plan, bench), names, names.values()), strict=True))


def build_variant(
    plan: Plan, blueprint: Blueprint, bases: Mapping[str, Base], bench: Workbench
) -> tuple[BuiltVariant | NotBuilt, Build | None]:
    """Build one variant's image, or look up the one it names."""
    missing = {name: failure for name in blueprint.bases if (failure := bases[name].failure)}
    if missing:
        from imgcompare.run.not_built import without_bases  # noqa: PLC0415 - only where something is missing

        return without_bases(blueprint, missing), None
    wanted = [bases[name] for name in blueprint.bases]
    stand_ins = tuple(sorted({base.stand_in for base in wanted if base.stand_in}))
    reference, build = blueprint.source.image or "", None
    if blueprint.context is None:
        image = bench.engine.image(reference)
    else:
        outcome, image = _build(plan, blueprint, blueprint.context, bench)
        if isinstance(outcome, BuildFailed):
            from imgcompare.run.not_built import failed  # noqa: PLC0415 - only where something failed

            return failed(plan, blueprint, outcome), outcome.build
        reference, build = outcome.image, outcome.build
    if image is None:
        from imgcompare.run.not_built import gone  # noqa: PLC0415 - only where something is missing

        return gone(reference), build
    return BuiltVariant(
        image=image,
        build=build,
        stand_ins=stand_ins,
        base=blueprint.base or "",
        base_diff_ids=_base_diff_ids(blueprint, bases),
        stages=blueprint.stages,
    ), build


def _build(
    plan: Plan, blueprint: Blueprint, context: BuildContext, bench: Workbench
) -> tuple[Built | BuildFailed, EngineImage | None]:
    """Build a variant's image and look it up; where it is gone at once, it is built from the cache again.

    Another run that made the very same image and removes it may take it away as ours gets its tag.
    """
    tag, note = blueprint.variant.tag, partial(bench.ledger.record, IMAGE, kept=not plan.config.rm_images)
    note(tag)
    request = replace(build_request(plan, blueprint, context, tag), made=note)
    outcome = bench.engine.build(request, lambda text: bench.progress.stage(blueprint.variant.name, Stage.BUILD, text))
    image = _look_up(outcome, note, bench)
    for _ in range(_MORE_ATTEMPTS):
        if isinstance(outcome, BuildFailed) or _has(image, tag):
            break
        image = _look_up(bench.engine.build(without_export(request), lambda _text: None), note, bench)
    return outcome, image


def _look_up(outcome: Built | BuildFailed, note: Callable[[str], None], bench: Workbench) -> EngineImage | None:
    if isinstance(outcome, BuildFailed):
        return None
    note(outcome.image)
    return bench.engine.image(outcome.image)


def _has(image: EngineImage | None, tag: str) -> bool:
    return image is not None and any(name.endswith(tag) for name in image.tags)  # Podman's begin with a host


def build_stage(plan: Plan, blueprint: Blueprint, stage: StageInfo, tag: str, bench: Workbench) -> EngineImage | None:
    """Build one stage of a variant that was built, from the builder's cache; None when it fails.

    Builders take only a name for a target: a stage without one is built as the last one of a shorter Dockerfile.
    """
    context = blueprint.context
    if context is None:
        return None
    if stage.name is None:
        lines = context.dockerfile_content.split(b"\n")
        context = context.with_dockerfile(b"\n".join(lines[: stage.last_line]))
    bench.ledger.record(IMAGE, tag)
    wanted = replace(
        without_export(build_request(plan, blueprint, context, tag)),
        target=stage.name,
        made=partial(bench.ledger.record, IMAGE),
    )
    outcome = bench.engine.build(wanted, lambda _text: None)
    return None if isinstance(outcome, BuildFailed) else bench.engine.image(outcome.image)


def _base_diff_ids(blueprint: Blueprint, bases: Mapping[str, Base]) -> tuple[str, ...] | None:
    if blueprint.base == SCRATCH:
        return ()
    base = bases.get(blueprint.base or "")
    return (base.diff_ids or None) if base else None


def _provide(plan: Plan, bench: Workbench, reference: str, subject: str) -> Base:
    image = bench.engine.image(reference)
    if image is None or (plan.config.pull and STAND_IN_LABEL not in image.labels):
        try:
            bench.engine.pull(
                reference, plan.config.platform, lambda text: bench.progress.stage(subject, Stage.PULL, text)
            )
        except BaseImageError as exc:
            from imgcompare.run.not_built import no_base  # noqa: PLC0415 - only where something is missing

            failure = no_base(reference, exc)
            bench.progress.finished(subject, "is missing", ok=False)
            return Base(failure=failure)
        bench.progress.finished(subject, "pulled", ok=True)
        image = bench.engine.image(reference)
    if image is None:
        return Base()
    return Base(stand_in=image.labels.get(STAND_IN_LABEL), diff_ids=image.diff_ids)


def without_export(request: BuildRequest) -> BuildRequest:
    """Return a request whose build is of use here alone: its cache goes nowhere."""
    return replace(request, no_cache=False, options=request.options.without_export())


def build_request(plan: Plan, blueprint: Blueprint, context: BuildContext, tag: str) -> BuildRequest:
    """What to ask the engine for; the image gets the ``tag``."""
    config = plan.config
    return BuildRequest(
        context=context,
        tag=tag,
        target=blueprint.variant.spec.target,
        build_args=config.build_args,
        platform=config.platform,
        no_cache=config.no_cache,
        builder=config.builder,
        options=config.build.of(blueprint.variant.name),
    )
