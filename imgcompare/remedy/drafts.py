"""Which candidates can be written for a Dockerfile, and what each is known to need."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from imgcompare.dockerfile.document import Document
from imgcompare.dockerfile.parser import parse
from imgcompare.remedy.attempt import Draft, Write
from imgcompare.remedy.bases import last_base
from imgcompare.remedy.desk import Desk
from imgcompare.remedy.environment import environment_refusal, may_be_bare, starts_tools
from imgcompare.remedy.multi_stage import Refusal, write_multi_stage, write_without_tools
from imgcompare.remedy.needs import Need, apts_python, not_brought, runtime_needs
from imgcompare.remedy.shape import Shape
from imgcompare.remedy.subject import Files
from imgcompare.remedy.tidy import with_user, write_slim, write_tidy

USER = "app"
"""Who runs the application where ``--non-root`` adds a user."""


def find_drafts(shape: Shape, desk: Desk, refused: list[str]) -> list[tuple[Draft, Sequence[Need]]]:
    """The candidates that can be written, and what each is known to need; ``refused`` gets why others cannot."""
    user = USER if desk.plan.config.non_root and not shape.original.built.image.user else None

    def draft(name: str, write: Write, *, without_tools: bool = False, otherwise: Draft | None = None) -> Draft:
        return Draft(name, partial(_with_user, write, user), without_tools, user, otherwise)

    drafts: list[tuple[Draft, Sequence[Need]]] = [(draft("tidy", lambda _needs: _text(write_tidy(shape))), ())]
    slim, there = _slim(shape, desk, refused)
    if slim is None or there is None:
        return drafts
    needs = runtime_needs(shape.original, there.installed.names)
    plain = draft("slim", lambda more: _text(write_slim(shape, slim, more))) if slim != shape.stage.base else None
    if not shape.installers:  # nothing is built, so what builds need not be there
        lean = draft(
            "slim" if plain else "tidy", partial(write_without_tools, shape, slim), otherwise=plain or drafts[0][0]
        )
        drafts = [*(drafts if plain else ()), (lean, needs if plain else ())]
    elif plain:
        drafts.append((plain, needs))
    needs = (
        *not_brought(needs, shape.original, shape.named),
        *apts_python(shape.original, there.installed.names, shape.named),
    )
    if len(shape.document.stages) > 1:
        refused.append("multi-stage: it has several stages already")
        return drafts
    written = partial(_written, shape, slim, there, refused)
    in_place = draft("multi-stage", partial(written, in_place=True), without_tools=not starts_tools(shape))
    if reason := environment_refusal(shape):
        refused.append(f"virtual environment: {reason}; what is installed is copied in place instead")
        drafts.append((in_place, needs))
    else:
        whole = draft("multi-stage", written, without_tools=True, otherwise=in_place)
        bare = draft("multi-stage", partial(written, bare=True), without_tools=True, otherwise=whole)
        drafts.append((bare if may_be_bare(shape) else whole, needs))
    return drafts


def _with_user(write: Write, user: str | None, needs: Sequence[Need]) -> str | None:
    """What is written, with a user of its own for what runs where that was asked for."""
    text = write(needs)
    return text if text is None or user is None else with_user(text, user)


def _written(
    shape: Shape,
    slim: str,
    there: Files,
    refused: list[str],
    needs: Sequence[Need],
    *,
    in_place: bool = False,
    bare: bool = False,
) -> str | None:
    match write_multi_stage(shape, slim, there, needs, in_place=in_place, bare=bare):
        case Refusal(reason):
            refused.append(f"multi-stage: {reason}")
            return None
        case text:
            return text


def _text(document: Document | None) -> str | None:
    return None if document is None else str(document)


def _slim(shape: Shape, desk: Desk, refused: list[str]) -> tuple[str | None, Files | None]:
    """What the last stage is to stand on, and its files: the slim image, or the original's own base if it is one."""
    values = desk.variables(shape.document)
    written = shape.stage.base
    slim = last_base(written, values, shape.document.escape)
    if slim is None:
        refused.append(f"slim base: none is known for {written}")
        return None, None
    text = f"{''.join(shape.preamble)}FROM {slim}\n"
    reference, _ = parse(text, "Dockerfile").chain(None, desk.plan.config.build_args, desk.platforms)
    found = desk.base_files(reference or slim)
    if isinstance(found, str):
        refused.append(f"slim base: {found}")
        return None, None
    if found.release != shape.original.files.release:
        refused.append(f"slim base: {reference} is {found.release}, and the original {shape.original.files.release}")
        return None, None
    return slim, found
