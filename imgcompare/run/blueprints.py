"""A variant with everything read that its build needs: context, Dockerfile, stages, bases."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from imgcompare.config.model import Config
from imgcompare.dockerfile.document import Document
from imgcompare.dockerfile.parser import Dockerfile, StageInfo, parse
from imgcompare.dockerfile.variables import Platforms
from imgcompare.engine.build.context import BuildContext, open_context
from imgcompare.errors import EngineError, UsageError
from imgcompare.model import EngineInfo, Source
from imgcompare.regex import regex
from imgcompare.run.plan import Plan, PlannedVariant
from imgcompare.run.resources import Workbench
from imgcompare.text.printable import verbatim
from imgcompare.text.redact import MASK
from imgcompare.text.secrets import names_secret

_IMAGE = "docker-image://"
_MOST_LINES = 400
_LONGEST_LINE = 1000
_OLD_FORM = regex(r"(?P<before>^\s*ENV\s+(?P<name>[A-Za-z_]\w*)\s+)(?!=).+$", re.IGNORECASE)


class Blueprint(Struct, frozen=True, kw_only=True):
    """A variant with everything read that its build needs; no context for an image that exists already.

    ``stages`` are those that make the image, the lowest first; ``base`` is what they stand on, None where not known.
    ``needed`` are all that its build needs, those it only copies from too, and ``unused`` those above that it does not.
    ``chains`` are ``base`` and ``stages`` of each stage of the file, by its number.
    ``document`` is the Dockerfile as it is built, and ``parsed`` what it says of stages.
    """

    variant: PlannedVariant
    source: Source
    bases: tuple[str, ...]
    context: BuildContext | None
    base: str | None = None
    stages: tuple[StageInfo, ...] = ()
    needed: tuple[StageInfo, ...] = ()
    unused: tuple[StageInfo, ...] = ()
    chains: tuple[tuple[str, tuple[StageInfo, ...]], ...] = ()
    document: Document | None = None
    parsed: Dockerfile | None = None


def draw_blueprints(plan: Plan) -> tuple[Blueprint, ...]:
    """Read every context and Dockerfile. Raises UsageError before anything is built."""
    built = [variant for variant in plan.variants if variant.spec.image is None]
    shared = next((entry for entry in plan.config.build.cache_to if entry.is_shared), None)
    if shared is not None and len(built) > 1:
        raise UsageError(
            f"--cache-to type={shared.type} names one place for the caches of {len(built)} variants",
            hint="Put {variant} into it, as in ref=registry.example/app:cache-{variant}, and into --cache-from, too.",
        )
    drawn = tuple(_blueprint(plan, variant) for variant in plan.variants)
    for context in {each.context.key: each.context for each in drawn if each.context}.values():
        context.check()
    return drawn


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
        context=_shown(config.context),
        lines=shown_lines(context.dockerfile_content.decode("utf-8", "replace")),
    )
    drawn = Blueprint(
        variant=variant,
        source=source,
        bases=(),
        context=context,
        document=Document.read(context.dockerfile_content),
        parsed=dockerfile,
    )
    return _with_stages(config, drawn, Platforms(config.platform))


def for_engine(plan: Plan, blueprints: Iterable[Blueprint], info: EngineInfo) -> tuple[Blueprint, ...]:
    """The same, now that the engine is known whose platform TARGETARCH, BUILDARCH and their like stand for."""
    platforms = Platforms(plan.config.platform, f"{info.os}/{info.architecture}")
    return tuple(_with_stages(plan.config, drawn, platforms) for drawn in blueprints)


def _with_stages(config: Config, drawn: Blueprint, platforms: Platforms) -> Blueprint:
    """Work out which stages and bases it needs."""
    if drawn.parsed is None:
        return drawn
    wanted = drawn.variant.spec.target, config.build_args, platforms
    base, stages = drawn.parsed.chain(*wanted)
    needed = drawn.parsed.needed(*wanted)
    above = drawn.parsed.stages[: max((stage.index for stage in needed), default=0)]
    given = dict(config.build.contexts)
    bases = (_image_of(name, given) for name in drawn.parsed.base_images(*wanted))
    chains = drawn.parsed.chains(config.build_args, platforms)
    return replace(
        drawn,
        bases=tuple(dict.fromkeys(name for name in bases if name is not None)),
        base=None if base is None else _image_of(base, given),
        stages=stages,
        needed=needed,
        unused=tuple(stage for stage in above if stage not in needed),
        chains=tuple((_image_of(each or "", given) or "", stacked) for each, stacked in chains),
    )


def _image_of(name: str, contexts: Mapping[str, str | Path]) -> str | None:
    """The image that a FROM's name stands for, None where a context of that name is no image."""
    source = contexts.get(name, contexts.get(name.removesuffix(":latest"), f"{_IMAGE}{name}"))
    return source.removeprefix(_IMAGE) if isinstance(source, str) and source.startswith(_IMAGE) else None


def shown_lines(text: str) -> tuple[str, ...]:
    """A Dockerfile's lines for a report: printable, as many as a page shows, without the values of secret variables.

    Those of the old form, ``ENV NAME value``, are masked here; what has a ``=`` is when the report is made.
    """
    lines = text.splitlines()
    if len(lines) > _MOST_LINES:
        return ()
    return tuple(verbatim(_OLD_FORM.sub(_masked, line))[:_LONGEST_LINE] for line in lines)


def _masked(match: re.Match[str]) -> str:
    return f"{match['before']}{MASK}" if names_secret(match["name"]) else match[0]


def _shown(path: Path) -> str:
    """Write a path the way it is short to read: relative to here when it is below here."""
    relative = os.path.relpath(path)
    shown = str(path) if relative.startswith("..") else relative
    return shown.encode("utf-8", "backslashreplace").decode()


def context_digests(blueprints: Iterable[Blueprint], bench: Workbench) -> dict[str, str]:
    """Return each variant's context's digest; contexts that are the same are read once.

    Raises UsageError for what cannot be read any more, EngineError once the run was cancelled.
    """

    def stop() -> None:
        if bench.cancelled.is_set():
            raise EngineError("cancelled")

    known: dict[tuple[object, ...], str] = {}
    digests: dict[str, str] = {}
    for drawn in blueprints:
        if (context := drawn.context) is not None:
            if context.key not in known:
                known[context.key] = context.digest(stop)
            digests[drawn.variant.name] = known[context.key]
    return digests
