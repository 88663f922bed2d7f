"""Why there is no image of a variant."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath

from imgcompare.diagnosis import observed
from imgcompare.diagnosis.evidence import Case, Evidence
from imgcompare.engine.interface import BuildFailed
from imgcompare.engine.transport.faults import engine_fault, full_disk
from imgcompare.errors import BaseImageError, EngineFailedError
from imgcompare.model import Failure, Verdict
from imgcompare.regex import regex
from imgcompare.run.blueprints import Blueprint
from imgcompare.run.build import NotBuilt
from imgcompare.run.plan import Plan

_ENDED = regex(r" exited with code \d+$")
# What runc writes into a step's log when it could not start the step.
_RUNTIME = regex(r"(?:container_linux\.go|runc run failed|OCI runtime|.{0,200}level=error msg=\".{0,40}runc)")


def no_base(reference: str, error: BaseImageError) -> Failure:
    """A base image that cannot be had. Raises EngineFailedError where it is the engine that could not pull it."""
    if fault := engine_fault(error.message):
        raise fault from error
    return observed.base_unavailable(reference, error)


def without_bases(blueprint: Blueprint, missing: Mapping[str, Failure]) -> NotBuilt:
    """A variant of which base images cannot be had."""
    for name, failure in missing.items():
        if _meant_as_stage(blueprint, name):
            return NotBuilt(failure=observed.no_stage(failure, name, blueprint.document))
    return _unavailable(observed.all_unavailable(missing))


def gone(reference: str) -> NotBuilt:
    """An image that was there, and is not any more."""
    return NotBuilt(failure=observed.image_gone(reference), verdict=Verdict.NOT_CHECKED)


def _fault(outcome: BuildFailed) -> EngineFailedError | None:
    """What the engine could not do; a program that ended with a code speaks for itself, in its log."""
    if not _ENDED.search(outcome.message):
        return engine_fault(outcome.message)
    runtime = next((fault for line in outcome.log if _RUNTIME.match(line) and (fault := engine_fault(line))), None)
    return runtime or (None if "type=tmpfs" in (outcome.step or "") else full_disk(outcome.log))


def failed(plan: Plan, blueprint: Blueprint, outcome: BuildFailed) -> NotBuilt:
    """A build that failed. Raises EngineFailedError where that says nothing of the Dockerfile."""
    if fault := _fault(outcome):
        raise fault
    if outcome.missing_base is not None:
        return _unavailable(observed.base_missing(outcome.missing_base, plan.config.platform, outcome))
    evidence = Evidence(observed=observed.build_failed(outcome), log=outcome.log)
    return NotBuilt(failure=observed.diagnose(case_of(blueprint, evidence)), evidence=evidence)


def case_of(blueprint: Blueprint, evidence: Evidence) -> Case:
    """Return what is known of a variant that broke, without its image's files."""
    return Case(
        evidence=evidence,
        written=blueprint.stages,
        unused=blueprint.unused,
        chains=blueprint.chains,
        base=blueprint.base or "",
        document=blueprint.document,
        target=blueprint.variant.spec.target,
        context=blueprint.context.files if blueprint.context else tuple,
        context_folder=blueprint.source.context or ".",
        dockerfile_folder=str(PurePosixPath((blueprint.context and blueprint.context.inside) or "").parent),
    )


def _unavailable(failure: Failure) -> NotBuilt:
    verdict = Verdict.BROKEN if observed.names_no_image(failure) else Verdict.NOT_CHECKED
    return NotBuilt(failure=failure, verdict=verdict)


def _meant_as_stage(blueprint: Blueprint, name: str) -> bool:
    """Whether a base is only a bare word after ``COPY --from``: mostly a stage with another name, or none."""
    sources = {source for stage in blueprint.needed for source in stage.references}
    return name in sources and name not in {stage.base for stage in blueprint.needed} and name.isidentifier()
