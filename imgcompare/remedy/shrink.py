"""From one Dockerfile that works to a smaller one that is proved to do the same.

The original is run, measured and looked into; candidates are written from its own lines, built side by side, proved,
and run beside it. What is left is a report like any other: the original and every candidate that was proved.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace

from imgcompare.comparison import compare, gates
from imgcompare.config.model import Config
from imgcompare.config.variants import VariantSpec
from imgcompare.console.progress import Progress
from imgcompare.console.signals import leave_signals_to_the_main_thread
from imgcompare.dockerfile.document import Document
from imgcompare.dockerfile.edits import unified_diff
from imgcompare.errors import ImgcompareError
from imgcompare.model import Proof, Report, Shrunk, Variant, Verdict
from imgcompare.remedy.ahead import foresee, may_be_foreseen, try_ahead
from imgcompare.remedy.attempt import NOTHING_TO_CHANGE, Attempt, attempt, differs
from imgcompare.remedy.desk import Desk, written
from imgcompare.remedy.drafts import find_drafts
from imgcompare.remedy.proof import with_replies
from imgcompare.remedy.roots import own_roots
from imgcompare.remedy.shape import Shape
from imgcompare.remedy.subject import Subject
from imgcompare.reports.redact import redact_report
from imgcompare.reports.run_id import new_run_id
from imgcompare.run.blueprints import draw_blueprints, shown_lines
from imgcompare.run.opening import Connection, opened, working_engine
from imgcompare.run.pipeline import Outcome, run_comparison
from imgcompare.run.plan import Plan, default_jobs, make_plan
from imgcompare.run.resources import Workbench
from imgcompare.run.session import refuse_remote, saver
from imgcompare.text.printable import printable

ORIGINAL = "original"
CANDIDATES = ("tidy", "slim", "multi-stage")
"""The names of what may come out."""

WORTH = 0.03
"""The share of the original's bytes that must be saved to be worth a new Dockerfile."""

UNPROVED = (
    "programs that are started at run time by packages, or by a name that stands neither in code nor in settings",
    "features that only another configuration turns on",
    "libraries that packages open later than at their import, by ctypes or dlopen",
)


class Result(Struct, frozen=True):
    """The report, the text of the Dockerfile that won, and what ended the run early."""

    report: Report
    text: str = ""
    error: ImgcompareError | None = None


_MOVED = (
    "the files of the build context changed meanwhile, and candidates differ by that: run it again, what it prints "
    "going to a file elsewhere"
)


class _Told(Struct):
    """What is said beside the variants."""

    refused: list[str] = field(default_factory=list)
    rounds: int = 0


def shrink(config: Config, connection: Connection, progress: Progress, reports: Path | None) -> Result:
    """Find the smallest Dockerfile that is proved; nothing is written. Raises UsageError for what cannot be read."""
    began = datetime.now(UTC)
    (spec,) = config.variants
    spec = replace(spec, name=ORIGINAL)
    build = config.build.without_export()
    config = replace(config, variants=(spec,), baseline=ORIGINAL, health=True, build=build)
    # What is measured on request is measured once, of all side by side.
    plan = make_plan(
        replace(config, after_change=False, hardened=False, stop=False, runs=1, build_runs=0), new_run_id(began)
    )
    blueprints = draw_blueprints(plan)
    save = saver(reports, plan.run_id, progress)
    with (
        working_engine(connection, progress) as engine,
        opened(plan, engine, progress, save=save, began=began) as bench,
    ):
        refuse_remote(engine.endpoint, config)
        with _desk(replace(plan, config=replace(config, no_cache=False, pull=False)), bench) as desk:
            if may_be_foreseen(config):
                desk.meanwhile(foresee, spec, desk)
            first = run_comparison(plan, blueprints, bench)
            (original,) = first.report.variants
            if first.error or original.verdict is not Verdict.WORKS:
                bench.cancel()  # nothing that is under way is wanted now
                return Result(first.report, error=first.error)
            desk.know(spec, first.built[ORIGINAL])
            return _shrunk(desk, spec, first)


@contextmanager
def _desk(plan: Plan, bench: Workbench) -> Iterator[Desk]:
    """Where candidates are tried; of their images only the result's stays."""
    jobs = _jobs(plan.config)
    with (
        _threads(3, "bases") as bases,
        _threads(max(1, jobs - 1), "ahead") as ahead,
        _threads(3 * jobs, "looks") as looks,
    ):
        desk = Desk(plan, bench, bases, ahead, looks)
        try:
            yield desk
        except BaseException:
            bench.cancel()
            raise
        finally:
            desk.leave()
            _let_go(plan, desk.tried.intersection(CANDIDATES) - {desk.kept}, desk.made, bench)


def _threads(count: int, name: str) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(count, f"imgcompare-{name}", leave_signals_to_the_main_thread)


def _jobs(config: Config) -> int:
    return config.jobs or default_jobs(None)


def _shrunk(desk: Desk, spec: VariantSpec, first: Outcome) -> Result:
    """Write the candidates, try them side by side, and run those that are proved."""
    plan = desk.plan
    shape, attempts, told = _attempts(desk, spec)
    if any(not one.proved for one in attempts) and _moved(first, plan):
        told.refused.insert(0, _MOVED)
    proved = {one.name: one for one in attempts if one.proved}
    result = _compared(desk, spec, proved, shape, told)
    if result.report.shrunk and not plan.config.rm_images:
        desk.kept = result.report.shrunk.result or ""
    return result


def _attempts(desk: Desk, spec: VariantSpec) -> tuple[Shape, list[Attempt], _Told]:
    """What came of each candidate."""
    told = _Told()
    pool = _threads(_jobs(desk.plan.config), "candidates")
    try:
        original = desk.unseen(spec)
        assert isinstance(original, Subject)  # noqa: S101 - it was built and run
        roots = own_roots(original)
        for draft, _ in find_drafts(_shape(spec, original), desk, []):
            desk.meanwhile(try_ahead, draft, spec, roots, desk)
        shape = _shape(spec, desk.seen(original, roots))
        if shape.original.probe is None:  # no candidate could be proved
            told.refused.append(f"all candidates: {printable(shape.original.seen.reason, limit=200)}")
            return shape, [], told
        tries = [
            pool.submit(attempt, draft, shape, needs, spec, desk)
            for draft, needs in find_drafts(shape, desk, told.refused)
        ]
        attempts = [one.result() for one in tries]
    except BaseException:
        desk.bench.cancel()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    told.rounds = sum(one.rounds for one in attempts)
    known = {reason.partition(":")[0] for reason in told.refused}
    told.refused += [
        f"{one.name}: {one.reason}"
        for one in attempts
        if not one.proved and not (one.name in known and one.reason == NOTHING_TO_CHANGE)
    ]
    return shape, attempts, told


def _moved(first: Outcome, plan: Plan) -> bool:
    """Whether the build context is another one than the original was built from: candidates hold other files."""
    (blueprint,) = draw_blueprints(replace(plan, variants=plan.variants[:1]))
    then = first.report.variants[0].source.context_digest
    return then is not None and blueprint.context is not None and blueprint.context.digest() != then


def _shape(spec: VariantSpec, original: Subject) -> Shape:
    assert spec.dockerfile is not None  # noqa: S101 - the command takes nothing else
    document = Document.read(spec.dockerfile.read_bytes())
    return Shape(document, document.target(spec.target), original)


def _compared(desk: Desk, spec: VariantSpec, proved: Mapping[str, Attempt], shape: Shape, told: _Told) -> Result:
    """Run the original's image and those that were proved side by side; the smallest that works is the result."""
    plan, bench = desk.plan, desk.bench
    specs = (spec, *(written(spec, one.name, one.text) for one in proved.values()))
    again = make_plan(replace(plan.config, variants=specs), plan.run_id)
    try:
        outcome = run_comparison(again, draw_blueprints(again), bench, desk.settled(specs))
    finally:
        _remove([one.changed_tag for one in again.variants if one.changed_tag], bench)
    report = _report(outcome.report, _judged(outcome.report.variants, proved, told), plan.config)
    winner = _winner(report)
    shrunk = Shrunk(
        result=winner.name if winner else None,
        before=_shown(str(shape.document)),
        rounds=told.rounds,
        refused=tuple(dict.fromkeys(told.refused)),
        unproved=(*_unproved(winner), *UNPROVED),
    )
    text = proved[winner.name].text if winner else ""
    if winner:
        name = str(spec.dockerfile)
        diff = unified_diff(shape.document, Document(text), name, f"{name}.{winner.name}")
        shrunk = replace(shrunk, after=_shown(text), diff=_shown(diff))
    report = redact_report(replace(report, shrunk=shrunk), plan.config.secrets)
    bench.save(report)
    return Result(report, text, outcome.error)


def _shown(text: str) -> str:
    """A text for a report, without the values of secret variables."""
    return "".join(f"{line}\n" for line in shown_lines(text))


def _judged(variants: Sequence[Variant], proved: Mapping[str, Attempt], told: _Told) -> tuple[Variant, ...]:
    """The original, and what works and replies as it does."""
    original = variants[0]
    judged = [original]
    for variant in variants[1:]:
        proof = proved[variant.name].proof
        if variant.verdict is not Verdict.WORKS or proof is None:
            told.refused.append(f"{variant.name}: {variant.failure.message if variant.failure else 'it was not run'}")
            continue
        proof = with_replies(proof, original, variant)
        if proof.passed:
            judged.append(replace(variant, proof=proof))
        else:
            told.refused.append(f"{variant.name}: {differs(proof)}")
    return tuple(judged)


def _report(report: Report, variants: tuple[Variant, ...], config: Config) -> Report:
    """The report of these variants alone, compared and judged anew."""
    variants = compare.share(variants)
    report = replace(
        report,
        variants=variants,
        comparison=compare.compare(variants, report.baseline),
        passed=compare.passed(variants),
        gates=(),
    )
    return gates.judge(report, config.limits)


def _winner(report: Report) -> Variant | None:
    """The smallest proved variant, if it saves enough."""
    sizes = {one.name: one.image.uncompressed_size for one in report.variants if one.image}
    whole = sizes.get(ORIGINAL, 0)
    worth = [one for one in report.variants if one.proof and sizes.get(one.name, whole) <= (1 - WORTH) * whole]
    return min(worth, key=lambda one: sizes[one.name], default=None)


def _unproved(winner: Variant | None) -> tuple[str, ...]:
    proof: Proof | None = winner.proof if winner else None
    return proof.unproved if proof else ()


def _let_go(plan: Plan, names: Iterable[str], made: Iterable[str], bench: Workbench) -> None:
    """Remove the images of the candidates that did not win, and those of earlier rounds, which have no name now."""
    repository = plan.variants[0].tag.rpartition(":")[0]
    _remove([f"{repository}:{name}" for name in names], bench)
    for image in made:
        with suppress(ImgcompareError):
            if (found := bench.engine.image(image)) is not None and not found.tags:
                bench.engine.remove_image(image)


def _remove(tags: Iterable[str], bench: Workbench) -> None:
    for tag in tags:
        with suppress(ImgcompareError):
            bench.engine.remove_image(tag)
