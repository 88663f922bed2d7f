"""What is tried before it is known whether it is wanted, while there is nothing else to do.

Beside the original, which takes a builder's time whatever it does, the candidates as they will be unless its image
shows something that its Dockerfile and its base do not tell; then, while the original is looked into, all candidates as
its files alone have them. Nothing of it is relied upon: what turns out to be another text is built anew.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress

from imgcompare.analysis.describe import describe
from imgcompare.config.model import Config
from imgcompare.config.variants import VariantSpec
from imgcompare.dockerfile.document import Document, DocumentStage
from imgcompare.dockerfile.edits import apply
from imgcompare.dockerfile.edits import replace as replaced
from imgcompare.errors import ImgcompareError
from imgcompare.regex import regex
from imgcompare.remedy.attempt import Draft
from imgcompare.remedy.bases import last_base, slim_base
from imgcompare.remedy.desk import Desk, written
from imgcompare.remedy.environment import environment_refusal, may_be_bare
from imgcompare.remedy.multi_stage import write_multi_stage
from imgcompare.remedy.probe import Seen
from imgcompare.remedy.shape import Shape
from imgcompare.remedy.subject import Subject
from imgcompare.run.build import BuiltVariant

# What may leave caches, or need libraries of the system: then the slim candidate has more lines than these.
_LEAVES = regex(r"\b(?:apt(?:-get)?|apk|dnf|yum|uv|poetry|pipenv|pdm|npm|yarn|pnpm|curl|wget|gcc|make)\b|<<")
_INSTALLS = regex(r"\bpip[\d.]*\s+install\b(?!.*--no-cache-dir)", re.DOTALL)
_PYTHON = "/usr/local/bin/python"


def may_be_foreseen(config: Config) -> bool:
    """Whether anything is to be built beside the original: on the bases that are there, and as nobody else asked."""
    return config.jobs != 1 and not config.pull and not config.non_root


def foresee(spec: VariantSpec, desk: Desk) -> None:
    """Have those candidates built and read that the Dockerfile and its base tell of, where their bases are there."""
    with suppress(ImgcompareError):
        document = Document.read(spec.dockerfile.read_bytes()) if spec.dockerfile else Document("")
        stage, variables = document.target(spec.target), desk.variables(document)
        if slim := on_slim_base(document, stage, variables):
            desk.meanwhile(_unseen, written(spec, "slim", slim), desk)
        base = last_base(stage.base, variables, document.escape)
        if (
            base
            and (original := _unbuilt(spec, desk))
            and (text := in_two_stages(Shape(document, stage, original), base))
        ):
            desk.meanwhile(_unseen, written(spec, "multi-stage", text), desk)


def on_slim_base(document: Document, stage: DocumentStage, variables: Mapping[str, str]) -> str:
    """The Dockerfile with nothing but its base changed; "" where the slim candidate will have more in it."""
    runs = [one.text for one in stage.instructions if one.keyword == "RUN"]
    cached = not any(one.keyword == "ENV" and "PIP_NO_CACHE_DIR" in one.text for one in stage.instructions)
    slim = slim_base(stage.base, variables, document.escape)
    if slim is None or any(map(_LEAVES.search, runs)) or (cached and any(map(_INSTALLS.search, runs))):
        return ""
    begin = stage.instructions[0]
    source = document.source(begin).rstrip().replace(stage.base, slim, 1)
    return str(apply(document, [replaced(document, begin, *source.splitlines())]))


def in_two_stages(shape: Shape, base: str) -> str:
    """The Dockerfile whose packages go into a virtual environment; "" where that is not to be, or cannot be told yet.

    Of the original no more than its base is known.
    """
    if len(shape.document.stages) > 1 or not shape.original.base.has(_PYTHON) or environment_refusal(shape):
        return ""
    there = shape.original.base  # what the last stage has counts only for what is copied in place
    text = write_multi_stage(shape, base, there, (), in_place=False, bare=may_be_bare(shape))
    return text if isinstance(text, str) else ""


def _unbuilt(spec: VariantSpec, desk: Desk) -> Subject | None:
    """The original as far as it is there before it is built: its base, where that is read without an export."""
    _, blueprint = desk.drawn(spec)
    image = desk.bench.engine.image(blueprint.base or "")
    archived = desk.at_hand(image) if image else None
    if image is None or archived is None:
        return None
    built = BuiltVariant(image=image, build=None, stand_ins=(), base_diff_ids=image.diff_ids)
    return Subject(spec.name, built, archived, describe(archived), Seen(None))


def _unseen(spec: VariantSpec, desk: Desk) -> None:
    with suppress(ImgcompareError):
        if desk.has_bases(spec):
            desk.unseen(spec)


def try_ahead(draft: Draft, spec: VariantSpec, roots: tuple[str, ...], desk: Desk) -> None:
    """Build what can be written before the original was looked into, and look into it; mostly that is all of it."""
    with suppress(ImgcompareError):
        if text := draft.write(()):
            candidate = desk.unseen(written(spec, draft.name, text))
            if isinstance(candidate, Subject):
                desk.seen(candidate, roots)
