"""A variant's Dockerfile with what each line did: the bytes it added, what is to blame, and what mends it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from imgcompare.model import Edit, EditAction, Image, Variant
from imgcompare.text.printable import verbatim
from imgcompare.text.units import format_bytes

_LEAST_BYTES = 1000
"""What is less is not worth a mark."""


class MarkedLine(Struct, frozen=True, kw_only=True):
    """One line: its number (0 of one that is to be added), how it is marked, and what stands beside it.

    ``kind`` is ``plain``, ``comment`` (or empty), ``blame`` (what breaks it), ``heavy`` (the most bytes) or ``mends``.
    """

    number: int
    text: str
    kind: str = "plain"
    note: str = ""


def marked_lines(variant: Variant) -> tuple[MarkedLine, ...]:
    """Return the lines of a variant's Dockerfile, and between them those that mend it; none where it is not known."""
    lines = variant.source.lines
    if not lines:
        return ()
    sizes = _sizes(variant.image, lines)
    heaviest = max((size for size, base in sizes.values() if not base), default=0)
    edits = variant.failure.edits if variant.failure else ()
    return tuple(_marked(lines, sizes, heaviest, edits))


def _marked(
    lines: Sequence[str], sizes: dict[int, tuple[int, bool]], heaviest: int, edits: Sequence[Edit]
) -> Iterator[MarkedLine]:
    for number, line in enumerate(lines, 1):
        here = [edit for edit in edits if edit.line == number]
        yield from _added(here, EditAction.INSERT_BEFORE)
        size, base = sizes.get(number, (0, False))
        note = f"{format_bytes(size)} of base image" if base else f"+{format_bytes(size)}" if size else ""
        kind = (
            "comment"
            if not line.strip() or line.lstrip().startswith("#")
            else "heavy"
            if size and size == heaviest
            else "plain"
        )
        if any(edit.action in {EditAction.REPLACE, EditAction.DELETE} for edit in here):
            kind, note = "blame", f"{note} this breaks it".strip()
        yield MarkedLine(number=number, text=verbatim(line), kind=kind, note=note)
        yield from _added(here, EditAction.REPLACE)
        yield from _added(here, EditAction.INSERT_AFTER)


def _added(edits: Sequence[Edit], action: EditAction) -> Iterator[MarkedLine]:
    for edit in edits:
        if edit.action is action:
            for count, line in enumerate(edit.lines):
                yield MarkedLine(number=0, text=verbatim(line), kind="mends", note="" if count else "this mends it")


def _sizes(image: Image | None, lines: Sequence[str]) -> dict[int, tuple[int, bool]]:
    """The bytes that each line added to the image, by its number; of the base image those of its FROM."""
    if image is None:
        return {}
    sizes: dict[int, tuple[int, bool]] = {}
    for layer in image.layers:
        if layer.dockerfile_line is not None and not layer.base:
            before = sizes.get(layer.dockerfile_line, (0, False))[0]
            sizes[layer.dockerfile_line] = before + layer.uncompressed_size, False
    sizes = {line: found for line, found in sizes.items() if found[0] >= _LEAST_BYTES}
    if image.base_size and (line := _base_line(image, lines)):
        sizes[line] = image.base_size, True
    return sizes


def _base_line(image: Image, lines: Sequence[str]) -> int | None:
    """The FROM of the lowest stage that is in the image: the last above the first line that added anything."""
    first = min((layer.dockerfile_line for layer in image.layers if layer.dockerfile_line is not None), default=None)
    if first is None:
        return None
    above = [number for number, line in enumerate(lines[:first], 1) if line.lstrip().upper().startswith("FROM ")]
    return above[-1] if above else None
