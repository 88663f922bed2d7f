"""What a change of the app costs: one file changed as it is sent, the image built again, and thrown away at the end.

Nothing on disk is copied or touched: the file's new end exists in the stream to the builder only.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from imgcompare import touching
from imgcompare.building import Blueprint, build_request
from imgcompare.engine import BuildFailed, EngineImage
from imgcompare.ledger import IMAGE
from imgcompare.model import AfterChange, Stage
from imgcompare.plan import Plan
from imgcompare.redact import redact, secret_values
from imgcompare.safetext import printable
from imgcompare.workbench import Workbench


@dataclass(frozen=True)
class Rebuilt:
    """The image after a change, on the engine until the run ends, and what its build took."""

    image: EngineImage
    after: AfterChange


def rebuild(plan: Plan, blueprint: Blueprint, bench: Workbench) -> Rebuilt | str:
    """Build a variant again with one file changed, or say why that shows nothing. Raises what a build raises."""
    context, variant = blueprint.context, blueprint.variant
    if context is None:
        return "an existing image is not built"
    file = touching.choose(context.files(), blueprint.needed, context.dockerfile)
    if file is None:
        return "the build context holds no file"
    # Of its own for each variant and run: what another one has built already would cost nothing here.
    change = touching.harmless(f"{plan.run_id} {variant.name}")
    request = build_request(plan, blueprint, replace(context, appended=(file, change)), variant.changed_tag)
    shown = printable(file, limit=200)
    bench.ledger.record(IMAGE, variant.changed_tag)
    outcome = bench.engine.build(
        replace(request, no_cache=False),
        lambda text: bench.progress.stage(
            variant.name, Stage.BUILD, f"after a change of {shown}: {redact(text, secret_values(request.build_args))}"
        ),
    )
    if isinstance(outcome, BuildFailed):
        return f"with {shown} changed it cannot be built: {printable(outcome.message, limit=200)}"
    steps = tuple(step.name for step in outcome.build.steps if not step.cached)
    image = bench.engine.image(outcome.image)
    if image is None:
        return "the image that was built with the change is gone"
    if not steps:
        return f"no step takes {shown}, so a change of it changes nothing"
    after = AfterChange(
        changed_file=shown,
        duration_s=outcome.build.duration_s,
        step_count=outcome.build.step_count,
        rebuilt_steps=steps,
    )
    return Rebuilt(image, after)
