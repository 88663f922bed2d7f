"""Pure: Config → Plan. Every name and tag is decided here, before anything exists."""

from __future__ import annotations

import hashlib
import re

from msgspec import Struct

from imgcompare.config.model import Config
from imgcompare.config.variants import VariantSpec
from imgcompare.errors import UsageError

# A reference's name has at most 255 characters (https://pkg.go.dev/github.com/distribution/reference).
_SLUG_LENGTH = 100


class PlannedVariant(Struct, frozen=True, kw_only=True):
    """A variant with the names of all that will be made for it; ``tag`` is empty for an image that exists already.

    ``changed_tag`` is that of the image after a change, of this run only; empty where none is made. ``group``
    is what its companions and their network go by, empty where it has none.
    """

    spec: VariantSpec
    tag: str
    changed_tag: str = ""
    group: str = ""
    container_name: str
    host_port: int | None

    @property
    def name(self) -> str:
        """The variant's name."""
        return self.spec.name


class Plan(Struct, frozen=True, kw_only=True):
    """What a run will do."""

    run_id: str
    config: Config
    baseline: str
    variants: tuple[PlannedVariant, ...]
    jobs: int
    repository: str = ""


def make_plan(config: Config, run_id: str) -> Plan:
    """Name everything: tags that the next run finds again when images are kept, tags of this run's own when not."""
    if not config.variants:
        raise UsageError("there is nothing to compare", hint="Name one or more Dockerfiles: imgcompare run A B")
    last_port = (config.host_port or 0) + len(config.variants) - 1
    if config.host_port is not None and last_port > 65535:
        raise UsageError(
            f"--host-port {config.host_port}: the ports would go up to {last_port}, the highest is 65535",
            hint="Begin lower, or leave --host-port out: the engine then picks free ones.",
        )
    repository = _repository(config) + (f"-{run_id.lower()}" if config.rm_images else "")
    changed = f"{_repository(config)}-changed-{run_id.lower()}"
    variants = tuple(
        PlannedVariant(
            spec=spec,
            tag=f"{repository}:{spec.name}" if spec.image is None else "",
            group=f"imgcompare-{run_id.lower()}-{index}-{_slug(spec.name)}" if config.companion_count else "",
            changed_tag=f"{changed}:{spec.name}" if config.after_change and spec.image is None else "",
            container_name=f"imgcompare-{run_id}-{spec.name}",
            host_port=None if config.host_port is None else config.host_port + index,
        )
        for index, spec in enumerate(config.variants)
    )
    return Plan(
        run_id=run_id,
        config=config,
        baseline=config.baseline or config.variants[0].name,
        variants=variants,
        jobs=min(len(variants), config.jobs or default_jobs(None)),
        repository=repository,
    )


def default_jobs(processors: int | None, companions: int = 0) -> int:
    """How many variants to work on at a time: two more than processors, as some always wait for a disk.

    A companion weighs half a variant: it is busy while it starts. Two variants always go side by side.
    """
    most = (processors or 1) + 2
    return max(min(most, 2), round(most / (1 + companions / 2)))


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower())[:_SLUG_LENGTH].strip("-")


def _repository(config: Config) -> str:
    """A repository in our own namespace, one for each context folder, so that two projects never share a tag."""
    slug = _slug(config.scenario) or "comparison"
    context = hashlib.sha256(str(config.context.absolute()).encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"imgcompare/{slug}-{context}"
