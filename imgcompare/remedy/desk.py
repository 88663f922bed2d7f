"""Where candidates are tried: what several ask of the engine is done once, and the others are given what came of it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from concurrent.futures import Executor, Future, wait
from itertools import count
from threading import Lock
from typing import Any, TypeVar

from msgspec.structs import replace

from imgcompare.config.variants import VariantSpec
from imgcompare.dockerfile.document import Document
from imgcompare.dockerfile.parser import parse
from imgcompare.dockerfile.variables import Platforms, argument_values
from imgcompare.engine.interface import EngineImage
from imgcompare.image.archive import ArchivedImage
from imgcompare.model import Failure
from imgcompare.remedy.probe import Seen, look_inside
from imgcompare.remedy.subject import Files, Subject
from imgcompare.run.blueprints import Blueprint, draw_blueprints, for_engine
from imgcompare.run.build import BuiltVariant, NotBuilt, build_variant, provide_bases
from imgcompare.run.measure import measure_images
from imgcompare.run.plan import Plan, make_plan
from imgcompare.run.read_images import images_at_hand, read_images
from imgcompare.run.resources import Workbench

T = TypeVar("T")


class Once:
    """Work that several threads ask for: the first does it, and all are given what came of it.

    What failed is forgotten: whoever asks later has it done again.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._begun: dict[Hashable, Future[Any]] = {}

    def do(self, key: Hashable, work: Callable[[], T], *, failed: Callable[[T], bool] = lambda _: False) -> T:
        """Do what goes by that key, or wait for who does it."""
        with self._lock:
            mine: Future[T] = Future()
            future: Future[T] = self._begun.setdefault(key, mine)
        if future is mine:
            try:
                mine.set_result(work())
            except BaseException as exc:  # noqa: BLE001 - whoever waits is told the same
                mine.set_exception(exc)
            if mine.exception() or failed(mine.result()):
                self.forget(key)
        return future.result()

    def know(self, key: Hashable, found: object) -> None:
        """Have it known what came of something that was done elsewhere."""
        with self._lock:
            future: Future[Any] = Future()
            self._begun[key] = future
            future.set_result(found)

    def forget(self, key: Hashable) -> None:
        """Have it done again when it is asked for next."""
        with self._lock:
            self._begun.pop(key, None)


class Desk:
    """The run's plan and workbench, who looks bases up, and who works ahead.

    ``made`` are the images of all rounds, ``tried`` the names of what was built, ``kept`` that of what stays.
    """

    def __init__(self, plan: Plan, bench: Workbench, bases: Executor, ahead: Executor, looks: Executor) -> None:
        self.made: set[str] = set()
        self.tried: set[str] = set()
        self.kept = ""
        self.plan = plan
        self.bench = bench
        self._bases = bases
        self._ahead = ahead
        self._looks = looks
        self._looking: list[Future[None]] = []
        self._numbers = count(1)
        self._meanwhile: list[Future[object]] = []
        self._once = Once()

    def meanwhile(self, work: Callable[..., object], *arguments: object) -> None:
        """Have something done beside all else, of which nobody needs to know what comes."""
        self._meanwhile.append(self._ahead.submit(work, *arguments))

    def wait(self) -> None:
        """Wait for what was to be done meanwhile, and what that began; what has not begun does not begin."""
        while under_way := [each for each in self._meanwhile if not each.cancel() and not each.done()]:
            wait(under_way)

    def leave(self) -> None:
        """Wait until nobody works here any more, and the containers that were looked into are gone."""
        self.wait()
        wait(self._looking)

    @property
    def platforms(self) -> Platforms:
        """What is built for, and what builds."""
        info = self.bench.engine.info()
        return Platforms(self.plan.config.platform, f"{info.os}/{info.architecture}")

    def variables(self, document: Document) -> Mapping[str, str]:
        """The variables that FROM sees."""
        arguments = parse(str(document), "Dockerfile").arguments
        return argument_values(arguments, self.plan.config.build_args, self.platforms, document.escape)

    def know(self, spec: VariantSpec, built: BuiltVariant) -> None:
        """Take a variant's image as it was built elsewhere."""
        self._once.know(spec, built)

    def build(self, spec: VariantSpec) -> BuiltVariant | NotBuilt:
        """Build a variant, once; what an earlier build left in the cache is taken."""
        return self._once.do(spec, lambda: self._build(spec), failed=lambda built: isinstance(built, NotBuilt))

    def has_bases(self, spec: VariantSpec) -> bool:
        """Whether nothing needs to be pulled for a variant."""
        return all(self.bench.engine.image(base) for base in self.drawn(spec)[1].bases)

    def drawn(self, spec: VariantSpec) -> tuple[Plan, Blueprint]:
        """The plan of a variant alone, and what its build needs."""
        plan = self._plan_of(spec)
        (blueprint,) = for_engine(plan, draw_blueprints(plan), self.bench.engine.info())
        return plan, blueprint

    def settled(self, specs: Sequence[VariantSpec]) -> dict[str, BuiltVariant]:
        """The images of variants, each under its tag.

        What was only foreseen may have taken the tag of what is wanted: then that is built again, from the cache.
        """
        self.wait()
        found: dict[str, BuiltVariant] = {}
        for spec in specs:
            built = self.build(spec)
            (variant,) = self._plan_of(spec).variants
            tagged = self.bench.engine.image(variant.tag)
            if isinstance(built, BuiltVariant) and (tagged is None or tagged.image != built.image.image):
                self._once.forget(spec)
                built = self.build(spec)
            if isinstance(built, BuiltVariant):
                found[spec.name] = built
        return found

    def _plan_of(self, spec: VariantSpec) -> Plan:
        return make_plan(replace(self.plan.config, variants=(spec,), baseline=spec.name), self.plan.run_id)

    def _build(self, spec: VariantSpec) -> BuiltVariant | NotBuilt:
        plan, blueprint = self.drawn(spec)
        bases = provide_bases(plan, (blueprint,), self.bench, self._bases)
        built, _ = build_variant(plan, blueprint, bases, self.bench)
        if isinstance(built, BuiltVariant):
            self.made.add(built.image.image)
            self.tried.add(spec.name)
        return built

    def unseen(self, spec: VariantSpec) -> Subject | Failure:
        """Build a variant and read its image."""
        built = self.build(spec)
        if isinstance(built, NotBuilt):
            return built.failure
        return self._once.do(("read", spec, built.image.image), lambda: self._read(spec, built))

    def _read(self, spec: VariantSpec, built: BuiltVariant) -> Subject:
        (image,) = measure_images(self._plan_of(spec), [(spec.name, built)], self.bench).all().values()
        return Subject(spec.name, built, self.read(built.image), image, Seen(None))

    def seen(self, subject: Subject, roots: tuple[str, ...]) -> Subject:
        """Look inside a variant's image, at the files in ``roots``."""
        image = subject.built.image
        seen = self._once.do(("look", image.image, roots), lambda: self._look(subject.name, image, roots))
        return subject.looked_into(seen, roots)

    def _look(self, name: str, image: EngineImage, roots: tuple[str, ...]) -> Seen:
        found: Future[Seen] = Future()
        what = name, next(self._numbers), image, roots
        self._looking.append(self._looks.submit(look_inside, found, *what, self.plan, self.bench))
        return found.result()

    def read(self, image: EngineImage) -> ArchivedImage:
        """An image's layers."""
        return read_images([image.image], self.plan.config.platform, self.bench)[image.image]

    def at_hand(self, image: EngineImage) -> ArchivedImage | None:
        """An image's layers, where they are known or can be read straight from the engine's store."""
        return images_at_hand([image.image], self.plan.config.platform, {}, self.bench).get(image.image)

    def base_files(self, reference: str) -> Files | str:
        """The files of an image that is a base, or why it cannot be had; looked up once."""
        return self._once.do(("base", reference), lambda: self._base_files(reference))

    def _base_files(self, reference: str) -> Files | str:
        plan = self._plan_of(VariantSpec(name="base", image=reference))
        base = provide_bases(plan, draw_blueprints(plan), self.bench, self._bases)[reference]
        image = self.bench.engine.image(reference)
        if base.failure or image is None:
            return base.failure.message if base.failure else f"{reference} is not there"
        return Files(self.read(image).layers)


def written(spec: VariantSpec, name: str, text: str) -> VariantSpec:
    """The variant of that name with another text in the place of its Dockerfile."""
    return replace(spec, name=name, text=text.encode("utf-8", "surrogateescape"))
