"""One candidate from its text to its proof: built, looked into, held against the original, and mended."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future, wait

from msgspec import Struct
from msgspec.structs import replace

from imgcompare.config.variants import VariantSpec
from imgcompare.dockerfile.document import Document
from imgcompare.dockerfile.parser import parse
from imgcompare.dockerfile.variables import Platforms, argument_values
from imgcompare.engine.interface import EngineImage
from imgcompare.errors import EditError, ImgcompareError
from imgcompare.image.archive import ArchivedImage
from imgcompare.model import Failure, Proof
from imgcompare.regex import regex
from imgcompare.remedy.named import Named
from imgcompare.remedy.needs import Need, lost_packages
from imgcompare.remedy.pair import Comparison
from imgcompare.remedy.probe import Seen, look_inside
from imgcompare.remedy.proof import prove
from imgcompare.remedy.roots import own_roots
from imgcompare.remedy.shape import Shape
from imgcompare.remedy.subject import Files, Subject
from imgcompare.run.blueprints import Blueprint, draw_blueprints, for_engine
from imgcompare.run.build import BuiltVariant, NotBuilt, build_variant, provide_bases
from imgcompare.run.measure import measure_images, read_images
from imgcompare.run.plan import Plan, make_plan
from imgcompare.run.resources import Workbench

MOST_ROUNDS = 4
_LIBRARY = regex(r"(\S+\.so[.\d]*): cannot open shared object file")

Write = Callable[[Sequence[Need]], "str | None"]
"""Writes a candidate that installs these packages; None where it cannot be written."""

NOTHING_TO_CHANGE = "there is nothing for it to change"


class Draft(Struct, frozen=True):
    """A way to write a candidate, and what it may leave out; ``otherwise`` is tried where it cannot be proved."""

    name: str
    write: Write
    without_tools: bool = False
    user: str | None = None
    otherwise: Draft | None = None


class Attempt(Struct, frozen=True):
    """What came of a draft: its last text, its proof, and why it was dropped, "" where it was not."""

    name: str
    text: str = ""
    proof: Proof | None = None
    rounds: int = 0
    reason: str = ""
    subject: Subject | None = None

    @property
    def proved(self) -> bool:
        """Whether all that was looked at is as in the original."""
        return not self.reason and self.proof is not None and self.proof.passed


class Desk:
    """Where candidates are tried: the run's plan and workbench, and who looks bases up.

    ``made`` are the images of all rounds, ``tried`` the names of what was built, ``kept`` that of what stays.
    """

    def __init__(self, plan: Plan, bench: Workbench, pool: Executor) -> None:
        self.made: set[str] = set()
        self.tried: set[str] = set()
        self.kept = ""
        self._meanwhile: list[Future[object]] = []
        self.plan = plan
        self.bench = bench
        self._pool = pool
        self._bases: dict[str, Files | str] = {}

    def meanwhile(self, work: Callable[..., object], *arguments: object) -> None:
        """Have something done beside all else."""
        self._meanwhile.append(self._pool.submit(work, *arguments))

    def wait(self) -> None:
        """Wait for what was to be done meanwhile; what has not begun does not begin."""
        for each in self._meanwhile:
            each.cancel()
        wait(self._meanwhile)

    @property
    def platforms(self) -> Platforms:
        """What is built for, and what builds."""
        info = self.bench.engine.info()
        return Platforms(self.plan.config.platform, f"{info.os}/{info.architecture}")

    def variables(self, document: Document) -> Mapping[str, str]:
        """The variables that FROM sees."""
        arguments = parse(str(document), "Dockerfile").arguments
        return argument_values(arguments, self.plan.config.build_args, self.platforms, document.escape)

    def build(self, spec: VariantSpec) -> tuple[Plan, BuiltVariant | NotBuilt]:
        """Build a variant; what an earlier build left in the cache is taken."""
        return self._built(*self._drawn(spec))

    def build_if_bases_are_there(self, spec: VariantSpec) -> None:
        """Build a variant, but pull nothing for it."""
        plan, blueprint = self._drawn(spec)
        if all(self.bench.engine.image(base) for base in blueprint.bases):
            self._built(plan, blueprint)

    def _drawn(self, spec: VariantSpec) -> tuple[Plan, Blueprint]:
        plan = make_plan(replace(self.plan.config, variants=(spec,), baseline=spec.name), self.plan.run_id)
        (blueprint,) = for_engine(plan, draw_blueprints(plan), self.bench.engine.info())
        return plan, blueprint

    def _built(self, plan: Plan, blueprint: Blueprint) -> tuple[Plan, BuiltVariant | NotBuilt]:
        bases = provide_bases(plan, (blueprint,), self.bench, self._pool)
        built, _ = build_variant(plan, blueprint, bases, self.bench)
        if isinstance(built, BuiltVariant):
            self.made.add(built.image.image)
            self.tried.add(blueprint.variant.name)
        return plan, built

    def unseen(self, spec: VariantSpec) -> Subject | Failure:
        """Build a variant and read its image."""
        plan, built = self.build(spec)
        if isinstance(built, NotBuilt):
            return built.failure
        (image,) = measure_images(plan, [(spec.name, built)], self.bench).all().values()
        archived = self.read(built.image)
        return Subject(spec.name, built, archived, image, Seen(None))

    def seen(self, subject: Subject, roots: tuple[str, ...] | None = None) -> Subject:
        """Look inside a variant's image, at its own files or those in ``roots``."""
        roots = own_roots(subject) if roots is None else roots
        return subject.looked_into(look_inside(subject.name, subject.built.image, roots, self.plan, self.bench), roots)

    def read(self, image: EngineImage) -> ArchivedImage:
        """An image's layers."""
        return read_images([image.image], self.plan.config.platform, self.bench)[image.image]

    def base_files(self, reference: str) -> Files | str:
        """The files of an image that is a base, or why it cannot be had; looked up once."""
        if reference not in self._bases:
            self._bases[reference] = self._base_files(reference)
        return self._bases[reference]

    def _base_files(self, reference: str) -> Files | str:
        spec = VariantSpec(name="base", image=reference)
        plan = make_plan(replace(self.plan.config, variants=(spec,), baseline="base"), self.plan.run_id)
        base = provide_bases(plan, draw_blueprints(plan), self.bench, self._pool)[reference]
        image = self.bench.engine.image(reference)
        if base.failure or image is None:
            return base.failure.message if base.failure else f"{reference} is not there"
        return Files(self.read(image).layers)


def attempt(draft: Draft, shape: Shape, needs: Sequence[Need], spec: VariantSpec, desk: Desk) -> Attempt:
    """Try a draft for a few rounds, each with what the one before lacked."""
    wanted, result = list(needs), Attempt(draft.name, reason=NOTHING_TO_CHANGE)
    for round_ in range(1, MOST_ROUNDS + 1):
        try:
            text = draft.write(wanted)
        except EditError as exc:
            result = Attempt(draft.name, rounds=round_, reason=exc.message)
            break
        if text is None or text == result.text:
            break
        result = Attempt(draft.name, text, rounds=round_)
        candidate = _tried(replace(spec, name=draft.name, text=encoded(text)), shape.original.roots, desk)
        if isinstance(candidate, str):
            result = replace(result, reason=candidate)
            break
        compared = Comparison(shape.original, candidate, shape.named, draft.without_tools, draft.user)
        result = replace(result, subject=candidate, proof=prove(compared))
        if result.proved:
            return result
        result = replace(result, reason=differs(result.proof))
        more = _missing(compared, wanted)
        if not more:
            break
        wanted += more
    if draft.otherwise is None:
        return result
    second = attempt(draft.otherwise, shape, needs, spec, desk)
    return replace(second, rounds=second.rounds + result.rounds)


def _tried(spec: VariantSpec, roots: tuple[str, ...], desk: Desk) -> Subject | str:
    try:
        subject = desk.unseen(spec)
        return f"it does not build: {subject.message}" if isinstance(subject, Failure) else desk.seen(subject, roots)
    except ImgcompareError as exc:
        if desk.bench.cancelled.is_set():
            raise
        return exc.message


def _missing(compared: Comparison, known: Sequence[Need]) -> list[Need]:
    """The packages that a candidate turned out to lack: named ones, and owners of libraries that were not found."""
    original, candidate = compared.original, compared.candidate
    there = candidate.files.installed.names
    found = dict.fromkeys(lost_packages(original, there, compared.named), "installed by the original")
    for lost in Named(original).lost(candidate.files, candidate.probe):
        found |= dict.fromkeys(lost.packages, lost.short)
    probe = candidate.probe
    if probe and original.probe:
        libraries = [name for needs in probe.elf.values() for name, place in needs.items() if not place]
        for why in (*probe.modules.values(), *probe.own_modules.values()):
            libraries += _LIBRARY.findall(why)
        places = {name: place for needs in original.probe.elf.values() for name, place in needs.items() if place}
        for name in libraries:
            if package := original.files.owner(places.get(name, f"/usr/lib/x86_64-linux-gnu/{name}")):
                found.setdefault(package, name)
    have = {need.package for need in known} | there
    return [Need(package, what) for package, what in sorted(found.items()) if package not in have]


def differs(proof: Proof | None) -> str:
    """What a proof found to differ, in one line."""
    failed = [one for one in proof.findings if not one.passed] if proof else []
    told = [f"{one.name}: {'; '.join(one.differences[:3])}" for one in failed]
    return " · ".join(told) or "; ".join(proof.unproved if proof else ()) or "it could not be looked into"


def encoded(text: str) -> bytes:
    """A Dockerfile's text as it is sent."""
    return text.encode("utf-8", "surrogateescape")
