"""Removing what our runs made: only what a ledger of an ended run names, and containers only with that run's label."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from msgspec import Struct

from imgcompare.engine.interface import Engine, Removal
from imgcompare.errors import EngineError, EngineLostError, ImgcompareError
from imgcompare.run.ledger import CONTAINER, GROUP, IMAGE, Ledger, Made, ended_runs, names_in_use

_DIGEST = "sha256:"
_PATIENCE_S = 3.0
_PAUSE_S = 0.05
_LATE_S = 10.0


class Cleaned(Struct, frozen=True):
    """How much was removed, and what is left on engines that were not asked (endpoint → count)."""

    containers: int
    images: int
    elsewhere: dict[str, int]


def reap_dead_runs(folder: Path, engine: Engine, ledger: Ledger) -> int:
    """Remove the containers that killed runs left on this engine; their images go on under this run's ledger.

    Returns the number of containers removed. Runs still alive and other engines' objects are not touched.
    """
    identity, removed = engine.identity(), 0
    with ended_runs(folder) as runs:
        for run in runs:
            ours = [made for made in run.made if made.engine == identity]
            kept = {made.name for made in ours if made.kind in {CONTAINER, GROUP} and made.kept}
            removed += _remove_containers(engine, run.run_id, (m for m in ours if m.name not in kept))
            if not kept and len(ours) == len(run.made):
                for name in dict.fromkeys(made.name for made in ours if made.kind == IMAGE):
                    ledger.record(IMAGE, name, kept=True)
                run.forget()
    return removed


def sweep(engine: Engine, ledger: Ledger) -> list[str]:
    """At a run's end, remove the containers, groups and tags of it that are not to be kept; returns what stayed.

    Once the engine is lost it is not asked again: a frozen one would take its whole time-out for each.
    """
    made = ledger.made()
    kept = {entry.name for entry in made if entry.kept}
    going = [one for one in made if one.name not in kept and not one.name.startswith(_DIGEST)]
    remove: dict[str, Callable[[str], object]] = {
        CONTAINER: lambda name: engine.remove_container(name, ledger.run_id),
        GROUP: lambda name: engine.remove_group(name, ledger.run_id),
        IMAGE: partial(_untag, engine),  # which takes the image with its last tag
    }
    left: list[str] = []
    lost = False
    for kind, name in dict.fromkeys((kind, one.name) for kind in remove for one in going if one.kind == kind):
        try:
            if not lost:
                remove[kind](name)
                continue
        except ImgcompareError as exc:
            lost = isinstance(exc, EngineLostError)
        left.append(name)
    return left


def clean(folder: Path, engine: Engine, *, images: bool) -> Cleaned:
    """Remove everything that ended runs left on this engine, kept containers included, and kept images if asked."""
    identity = engine.identity()
    containers = removed_images = 0
    elsewhere: dict[str, int] = {}
    with ended_runs(folder) as runs:
        shared = names_in_use(folder, identity, runs)
        for run in runs:
            ours = [made for made in run.made if made.engine == identity]
            own_images = [made for made in ours if made.kind == IMAGE and made.name not in shared]
            containers += _remove_containers(engine, run.run_id, ours)
            if images:
                removed_images += _remove_images(engine, own_images)
            for made in run.made:
                if made.engine != identity:
                    elsewhere[made.endpoint] = elsewhere.get(made.endpoint, 0) + 1
            if len(ours) == len(run.made) and (not own_images or (images and not _images_left(engine, own_images))):
                run.forget()
    return Cleaned(containers, removed_images, elsewhere)


def _remove_containers(engine: Engine, run_id: str, made: Iterable[Made]) -> int:
    """Remove containers, then the groups they were in."""
    entries = tuple(made)
    names = dict.fromkeys(entry.name for entry in entries if entry.kind == CONTAINER)
    groups = dict.fromkeys(entry.name for entry in entries if entry.kind == GROUP)
    return sum(engine.remove_container(name, run_id) for name in names) + sum(
        engine.remove_group(name, run_id) for name in groups
    )


def _untag(engine: Engine, tag: str) -> None:
    """Remove a tag of ours. Raises EngineError where something else still uses its image after a moment."""
    patience_ends = time.monotonic() + _PATIENCE_S
    while engine.remove_image(tag) is Removal.IN_USE:
        if time.monotonic() > patience_ends:
            raise EngineError(f"the image {tag} is in use")
        time.sleep(_PAUSE_S)


def _remove_images(engine: Engine, made: Iterable[Made]) -> int:
    """Remove our tags, then what they once pointed to; an image that anybody uses or gave another tag stays.

    A builder whose client was killed holds its last image a moment longer, until the step under way has ended; what
    that step made is in no ledger, and goes with what it was made upon.
    """
    names = dict.fromkeys(entry.name for entry in made)
    # The newest first: an image that another one is made from cannot go before that.
    digests = [name for name in reversed(names) if name.startswith(_DIGEST)]
    removed = sum(engine.remove_image(name) is Removal.REMOVED for name in names if name not in digests)
    patience_ends = time.monotonic() + _PATIENCE_S
    for digest in digests:
        while (image := engine.image(digest)) is not None and not image.tags:
            if engine.remove_image(digest) is Removal.REMOVED:
                removed += 1
                break
            late = engine.built_upon(image.image, _LATE_S)
            if any(engine.remove_image(upon) is Removal.REMOVED for upon in late):
                removed += 1
            elif time.monotonic() < patience_ends:
                time.sleep(_PAUSE_S)
            else:
                break
    return removed


def _images_left(engine: Engine, images: Iterable[Made]) -> bool:
    """Say whether an image of ours could not be removed, because it is in use; one with another's tag is not ours."""
    names = dict.fromkeys(made.name for made in images)
    there = ((name, image) for name in names if (image := engine.image(name)) is not None)
    return any(not name.startswith(_DIGEST) or not image.tags for name, image in there)
