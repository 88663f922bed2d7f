"""From what a user calls an image to the image: from the cache, a file, or the engine where nothing else has it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from msgspec.structs import replace

from imgcompare.analysis.analyse import analyse
from imgcompare.analysis.diff_images import LoadedImage
from imgcompare.config.model import UNNAMED, Config
from imgcompare.config.variants import VariantSpec
from imgcompare.console.progress import Progress
from imgcompare.console.signals import leave_signals_to_the_main_thread
from imgcompare.engine.interface import STAND_IN_LABEL
from imgcompare.errors import ImgcompareError, UsageError
from imgcompare.image.archive import ArchivedImage
from imgcompare.image.cache import ImageCache, default_cache
from imgcompare.image.oci import ImageConfig, decode
from imgcompare.image.open_file import open_image
from imgcompare.image.platforms import is_platform
from imgcompare.image.registry_reference import Remote
from imgcompare.model import Image, Stage, Variant
from imgcompare.reports import store
from imgcompare.reports.run_id import new_run_id
from imgcompare.run.blueprints import draw_blueprints, for_engine
from imgcompare.run.build import BuiltVariant, NotBuilt, build_variant, provide_bases
from imgcompare.run.image_arguments import ArchiveFile, Subject, find_subjects, variants_by_name
from imgcompare.run.measure import measure_images
from imgcompare.run.opening import Connection, opened, working_engine
from imgcompare.run.plan import Plan, make_plan
from imgcompare.run.read_images import read_images
from imgcompare.run.resources import Workbench
from imgcompare.text.printable import printable
from imgcompare.text.units import format_bytes


def load_images(
    texts: Sequence[str],
    project: Path,
    connection: Connection,
    progress: Progress,
    *,
    platform: str | None = None,
    remote: bool = False,
) -> tuple[LoadedImage, ...]:
    """Load the images that the texts name, in their order; Dockerfiles are built, and missing references pulled.

    With ``remote`` references are read from their registries, which needs no engine.

    Raises UsageError for what is no image, and what engines and builds raise.
    """
    subjects = subjects_of(texts, project, progress, remote=remote)
    cache = default_cache()
    loaded = {
        text: found
        for text, subject in zip(texts, subjects, strict=True)
        if (found := _without_engine(text, subject, cache, platform, progress)) is not None
    }
    missing = {text: subject for text, subject in zip(texts, subjects, strict=True) if text not in loaded}
    if missing:
        loaded |= _from_engine(missing, connection, progress, platform)
    for found in loaded.values():
        _refuse_other_platform(found, platform)
    return tuple(loaded[text] for text in texts)


def subjects_of(texts: Sequence[str], project: Path, progress: Progress, *, remote: bool) -> tuple[Subject, ...]:
    """What the texts mean in this folder. Raises UsageError for what is no image."""
    return find_subjects(texts, _newest_variants(project, progress), remote=remote)


def _refuse_other_platform(found: LoadedImage, platform: str | None) -> None:
    """What was asked for one platform is never shown of another; a processor's variant is left to the choice."""
    own = f"{found.image.os}/{found.image.architecture}"
    if platform is not None and not is_platform(own, "/".join(platform.split("/")[:2])):
        raise UsageError(f"{found.name} is for {own}, not for {platform}", hint="Leave --platform out to see it.")


def _newest_variants(project: Path, progress: Progress) -> dict[str, Variant]:
    """The variants of this folder's newest report by name; a damaged one is no reason not to look at other images."""
    path = store.find(project, None)
    try:
        return variants_by_name(store.load(path)) if path else {}
    except UsageError as exc:
        progress.note(exc.message)
        return {}


def _without_engine(
    text: str, subject: Subject, cache: ImageCache, platform: str | None, progress: Progress
) -> LoadedImage | None:
    match subject:
        case ArchiveFile(path, name):
            archived = open_image(path, name, platform=platform, note=progress.note)
            image = replace(analyse(archived, None), reference=text, stand_ins=_stand_ins(archived))
            return LoadedImage(name=text, archived=archived, image=image)
        case Remote():
            # Files need neither an engine's SDK nor HTTP.
            from imgcompare.engine.client.docker_config import login, mirrors  # noqa: PLC0415
            from imgcompare.image.registry import read_remote  # noqa: PLC0415

            def so_far(done: int, total: int) -> None:
                of = f" of {format_bytes(total)}" if total >= done else ""
                progress.stage(text, Stage.PULL, f"{format_bytes(done)}{of} read")

            archived = read_remote(
                subject, login, cache, platform=platform, told=so_far, mirrors=mirrors(), note=progress.note
            )
            image = replace(analyse(archived, None), reference=subject.name, stand_ins=_stand_ins(archived))
            return LoadedImage(name=text, archived=archived, image=image)
        case Variant(image=Image(image_id=image_id)):
            known = cache.image(image_id, None)
            return _of_report(text, subject, known) if known else None
        case Variant(failure=failure):
            told = f": {failure.code}" if failure else ""
            raise UsageError(f"the variant {text!r} has no image{told}", hint="`imgcompare run` makes it again.")
    return None


def _stand_ins(archived: ArchivedImage) -> tuple[str, ...]:
    """The official image that its base, or the image itself, stands in for: images keep the labels of their bases."""
    settings = decode(archived.config, ImageConfig, "the image's config").config
    name = (settings.labels or {}).get(STAND_IN_LABEL) if settings else None
    return (printable(name, limit=200),) if name else ()


def _of_report(text: str, variant: Variant, archived: ArchivedImage) -> LoadedImage:
    """A variant of a report: what the report says of its image, or, where an older one says less, what there is."""
    told = variant.image
    if told is None or archived.image_id != told.image_id:
        raise UsageError(
            f"the image of {variant.name!r} is gone, and its name is another image's now",
            hint="Make it again: imgcompare run",
        )
    image = told if told.contents else replace(analyse(archived, None), reference=told.reference)
    return LoadedImage(name=text, archived=archived, image=image)


def _from_engine(
    subjects: Mapping[str, Subject],
    connection: Connection,
    progress: Progress,
    platform: str | None,
) -> dict[str, LoadedImage]:
    """The images that the engine has, pulls or builds, all read in one go."""
    specs = {text: _spec(text, subject) for text, subject in subjects.items()}
    # As `imgcompare run` names them, so that what was built once is found again.
    config = Config(scenario=UNNAMED, context=Path(), variants=tuple(specs.values()), platform=platform)
    plan = make_plan(config, new_run_id(datetime.now(UTC)))
    blueprints = draw_blueprints(plan)
    with (
        working_engine(connection, progress) as engine,
        opened(plan, engine, progress) as bench,
        _threads(plan, bench) as pool,
    ):
        for variant in (subject for subject in subjects.values() if isinstance(subject, Variant)):
            _refuse_gone(variant, bench)
        blueprints = for_engine(plan, blueprints, engine.info())
        bases = provide_bases(plan, blueprints, bench, pool)
        outcomes = list(pool.map(lambda drawn: build_variant(plan, drawn, bases, bench)[0], blueprints))
        built = {
            variant.name: _built(variant.name, made) for variant, made in zip(plan.variants, outcomes, strict=True)
        }
        images = measure_images(plan, built.items(), bench).all()
        archived = {
            name: bench.cache.image(image.image_id, None) or read_images([key], platform, bench)[key]
            for name, image in images.items()
            for key in [built[name].image.image]
        }
    loaded = {}
    for text, subject in subjects.items():
        name = specs[text].name
        found = LoadedImage(name=text, archived=archived[name], image=images[name])
        loaded[text] = _of_report(text, subject, found.archived) if isinstance(subject, Variant) else found
    return loaded


def _refuse_gone(variant: Variant, bench: Workbench) -> None:
    """An image that we built can be built again, but never pulled."""
    if variant.source.image is None and variant.image and bench.engine.image(variant.image.reference) is None:
        raise UsageError(
            f"the image of {variant.name!r} is neither known any more nor on the engine",
            hint="Make it again: imgcompare run",
        )


def _spec(text: str, subject: Subject) -> VariantSpec:
    if isinstance(subject, Variant):
        return VariantSpec(name=text, image=subject.image.reference if subject.image else None)
    assert isinstance(subject, VariantSpec)  # noqa: S101 - files need no engine
    return subject


@contextmanager
def _threads(plan: Plan, bench: Workbench) -> Iterator[ThreadPoolExecutor]:
    """Threads for builds; when something fails, those under way are cancelled and no other begins."""
    pool = ThreadPoolExecutor(plan.jobs, "imgcompare", leave_signals_to_the_main_thread)
    try:
        yield pool
    except ImgcompareError:
        bench.cancel()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _built(name: str, outcome: BuiltVariant | NotBuilt) -> BuiltVariant:
    if isinstance(outcome, NotBuilt):
        failure = outcome.failure
        lines = (failure.message if failure.stage is Stage.PULL else f"{name}: {failure.message}", *failure.evidence)
        raise ImgcompareError("\n".join(lines), hint=failure.hint)
    return outcome
