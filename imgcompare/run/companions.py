"""What runs beside a variant, in a group and a network of its own: begun while its image is built, gone after it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Event

from msgspec import Struct, field
from msgspec.structs import replace

from imgcompare.config.compose_file import options_of_build
from imgcompare.console.signals import leave_signals_to_the_main_thread
from imgcompare.engine.build.context import open_context
from imgcompare.engine.interface import (
    GROUP_LABEL,
    RUN_LABEL,
    SERVICE_LABEL,
    BuildFailed,
    BuildRequest,
    ContainerSpec,
    Member,
)
from imgcompare.engine.options import RunOptions
from imgcompare.errors import BaseImageError
from imgcompare.model import Companion, Failure, Stage
from imgcompare.run.ledger import GROUP, IMAGE
from imgcompare.run.plan import Plan, PlannedVariant
from imgcompare.run.resources import Workbench
from imgcompare.services.build_section import BuildSection, read_build
from imgcompare.services.companions import (
    Fallen,
    Patience,
    companion_failed,
    compose_environment,
    first_fallen,
    wait_for,
)
from imgcompare.services.composed import Composed
from imgcompare.services.program import bring_up
from imgcompare.services.project_file import project_file

Up = tuple[Companion, ...] | Fallen


class Companions(Struct):
    """The companions of one variant, under way; ``keep`` leaves them up."""

    plan: Plan
    variant: PlannedVariant
    bench: Workbench
    kept: bool = False
    stop: Event = field(default_factory=Event)
    first: Future[Up] | None = None
    stack: ExitStack = field(default_factory=ExitStack)
    images: dict[str, str] = field(default_factory=dict)

    @property
    def source(self) -> str:
        """Who asked for them."""
        composed = self.plan.config.compose
        return composed.file.name if composed else "--with"

    def ready(self) -> tuple[tuple[Companion, ...], Failure | None]:
        """Wait until they serve, and start those made from the variant's own image; what failed, if one did."""
        if self.first is None:
            return (), None
        self.bench.progress.stage(self.variant.name, Stage.RUN, "waiting for its companions")
        up = self.first.result()
        composed = self.plan.config.compose
        if composed and composed.later and not isinstance(up, Fallen):
            later = self._compose_up(composed, composed.later)
            up = later if isinstance(later, Fallen) else (*up, *later)
        return ((), companion_failed(up, self.source)) if isinstance(up, Fallen) else (up, None)

    def fallen(self) -> Failure | None:
        """A companion that has ended badly meanwhile, without which nothing can be said of the variant."""
        if self.first is None:
            return None
        engine = self.bench.engine
        composed = self.plan.config.compose
        optional = composed.optional if composed else ()
        fallen = first_fallen(engine, engine.members(self.variant.group), optional)
        return companion_failed(fallen, self.source) if fallen else None

    def begin(self) -> Up:
        """Start all that need not wait for the image."""
        config = self.plan.config
        if config.compose:
            image = self.variant.tag or self.variant.spec.image or ""
            self.images |= dict.fromkeys(config.compose.own, image)
            return self._compose_up(config.compose, config.compose.first)
        return self._plain_up(config.companions)

    def keep(self) -> None:
        """Leave them up."""
        if self.first is not None:
            self.bench.ledger.record(GROUP, self.variant.group, kept=True)
            self.kept = True

    def cancelled(self) -> bool:
        """Whether to stop."""
        return self.stop.is_set() or self.bench.cancelled.is_set()

    def _compose_up(self, composed: Composed, services: Sequence[str]) -> Up:
        if not services:
            return ()
        for name in composed.needs:
            if name not in self.images and (build := read_build(composed.resolved, name)):
                image = self._build(name, build)
                if isinstance(image, Fallen):
                    return image
                self.images[name] = image
        up: tuple[Companion, ...] = ()
        for wave in composed.waves(services):
            more = self._wave_up(composed, wave)
            if isinstance(more, Fallen):
                return more
            up += more
        return up

    def _wave_up(self, composed: Composed, services: Sequence[str]) -> Up:
        """Start what depends on nothing that is not up yet, and wait for it."""
        text = json.dumps(project_file(composed, self.variant.group, self.plan.run_id, self.images)).encode()
        failed = bring_up(
            self.variant.group,
            text,
            services,
            compose_environment(self.bench.engine.endpoint, {**os.environ, **composed.variables}),
            lock=self.bench.ledger.lock,
            cancelled=self.cancelled,
        )
        members = [each for each in self._members(composed) if each.service in services]
        if failed or len(members) < len(services):
            lines = failed.lines if failed else ()
            told = Fallen(", ".join(services), "", "Compose could not start it", lines)
            return first_fallen(self.bench.engine, members) or told
        return wait_for(self.bench.engine, members, composed.needs, self._patience, composed.optional)

    def _members(self, composed: Composed) -> list[Member]:
        """The companions that there are, each with the check that it was given: Podman 4 splits its words anew."""
        members = self.bench.engine.members(self.variant.group)
        told = [(each, composed.healthcheck(each.service)) for each in members]
        return [
            replace(each, settings=replace(each.settings, healthcheck=check)) if check else each for each, check in told
        ]

    def _build(self, name: str, section: BuildSection) -> str | Fallen:
        """Build a companion's own image, the same for each variant."""
        tag = f"{self.plan.repository}:companion-{name}"
        self.bench.ledger.record(IMAGE, tag, kept=not self.plan.config.rm_images)
        request = BuildRequest(
            context=open_context(Path(section.context), section.path, section.inline),
            tag=tag,
            target=section.target,
            build_args=section.args,
            builder=self.plan.config.builder,
            options=options_of_build(section, os.environ),
        )
        outcome = self.bench.engine.build(request, lambda _text: None)
        if isinstance(outcome, BuildFailed):
            return Fallen(name, tag, "its image could not be built", (outcome.message, *outcome.log))
        return tag

    def _plain_up(self, wanted: Sequence[tuple[str, str, Mapping[str, str]]]) -> Up:
        engine = self.bench.engine
        labels = {RUN_LABEL: self.plan.run_id, GROUP_LABEL: self.variant.group}
        engine.add_network(self.variant.group, labels)
        for name, image, env in wanted:
            try:
                if engine.image(image) is None:
                    engine.pull(image, None, lambda _text: None)
            except BaseImageError as exc:
                return Fallen(name, image, f"its image cannot be had: {exc.message}")
            spec = ContainerSpec(
                name=f"{self.variant.group}-{name}",
                image=image,
                container_port=None,
                env=env,
                labels={**labels, SERVICE_LABEL: name},
                options=RunOptions(network=self.variant.group, aliases=(name,)),
            )
            container = self.stack.enter_context(engine.container(spec))
            container.start()
            if self.plan.config.keep:
                container.keep()
        return wait_for(engine, engine.members(self.variant.group), {}, self._patience)

    @property
    def _patience(self) -> Patience:
        return Patience(timeout_s=self.plan.config.timeout_s, cancelled=self.cancelled)


@contextmanager
def companions(plan: Plan, variant: PlannedVariant, bench: Workbench) -> Iterator[Companions]:
    """Begin to start a variant's companions; they are gone on every way out, unless they are kept."""
    group = Companions(plan, variant, bench)
    bench.ledger.record(GROUP, variant.group)
    pool = ThreadPoolExecutor(1, "imgcompare-companions", leave_signals_to_the_main_thread)
    try:
        group.first = pool.submit(group.begin)
        yield group
    finally:
        if not group.kept:
            group.stop.set()
        pool.shutdown(wait=True)
        group.stack.close()
        if not group.kept:
            bench.engine.remove_group(variant.group, plan.run_id)
            bench.ledger.removed(variant.group)
