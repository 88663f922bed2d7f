"""A variant with everything read that its build needs: context, Dockerfile, stages, bases."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from imgcompare.dockerfile.document import Document
from imgcompare.dockerfile.parser import StageInfo, parse
from imgcompare.engine.build.context import BuildContext, open_context
from imgcompare.errors import UsageError
from imgcompare.model import Source
from imgcompare.run.plan import Plan, PlannedVariant


@dataclass(frozen=True, kw_only=True)
class Blueprint:
    """A variant with everything read that its build needs; no context for an image that exists already.

    ``stages`` are those that make the image, the lowest first; ``base`` is what they stand on, None where not known.
    ``needed`` are all that its build needs, those it only copies from too, and ``unused`` those above that it does not.
    ``document`` is the Dockerfile as it is built.
    """

    variant: PlannedVariant
    source: Source
    bases: tuple[str, ...]
    context: BuildContext | None
    base: str | None = None
    stages: tuple[StageInfo, ...] = ()
    needed: tuple[StageInfo, ...] = ()
    unused: tuple[StageInfo, ...] = ()
    document: Document | None = None


def draw_blueprints(plan: Plan) -> tuple[Blueprint, ...]:
    """Read every context and Dockerfile. Raises UsageError before anything is built."""
    return tuple(_blueprint(plan, variant) for variant in plan.variants)


def _blueprint(plan: Plan, variant: PlannedVariant) -> Blueprint:
    spec, config = variant.spec, plan.config
    if spec.image is not None:
        return Blueprint(variant=variant, source=Source(image=spec.image), bases=(spec.image,), context=None)
    if spec.dockerfile is None:
        raise UsageError(f"variant {spec.name!r} names neither a Dockerfile nor an image")
    context = open_context(config.context, spec.dockerfile)
    if spec.text is not None:
        context = context.with_dockerfile(spec.text)
    dockerfile = parse(context.dockerfile_content.decode("utf-8", "replace"), str(spec.dockerfile))
    if spec.target is not None:
        dockerfile.check_target(spec.target)
    source = Source(
        dockerfile=_shown(spec.dockerfile),
        target=spec.target,
        build_args=tuple(sorted(config.build_args)),
        dockerfile_digest=context.dockerfile_digest(),
        context_digest=context.digest(),
    )
    bases = dockerfile.base_images(spec.target, config.build_args, config.platform)
    base, stages = dockerfile.chain(spec.target, config.build_args, config.platform)
    needed = dockerfile.needed(spec.target, config.build_args, config.platform)
    above = dockerfile.stages[: max((stage.index for stage in needed), default=0)]
    return Blueprint(
        variant=variant,
        source=source,
        bases=bases,
        context=context,
        base=base,
        stages=stages,
        needed=needed,
        unused=tuple(stage for stage in above if stage not in needed),
        document=Document.read(context.dockerfile_content),
    )


def _shown(path: Path) -> str:
    """Write a path the way it is short to read: relative to here when it is below here."""
    relative = os.path.relpath(path)
    shown = str(path) if relative.startswith("..") else relative
    return shown.encode("utf-8", "backslashreplace").decode()
