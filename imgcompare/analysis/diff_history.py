"""Pure: two images' histories side by side, rows that made no layer included; nothing that may be secret is told."""

from __future__ import annotations

from difflib import SequenceMatcher

from msgspec import Struct

from imgcompare.analysis.describe import instruction
from imgcompare.image.oci import HistoryRow, ImageConfig, decode
from imgcompare.regex import regex
from imgcompare.text.redact import redact_command

_VARIABLE = regex(r"(?<!\S)([A-Za-z_]\w*)=")
# More than an image can have layers; a bound on the work of pairing.
_MOST_HISTORY = 500


class HistoryPair(Struct, frozen=True, kw_only=True):
    """A row of both images' histories, or of one: the instruction, and whether it made no layer."""

    before: str | None
    after: str | None
    empty_layer: bool


def pair_history(before: bytes, after: bytes) -> tuple[HistoryPair, ...]:
    """Put the histories of two configs side by side, rows without a layer included: equal ones in one line."""
    old, new = (
        (decode(config, ImageConfig, "the image's config").history or ())[:_MOST_HISTORY] for config in (before, after)
    )
    pairs: list[HistoryPair] = []
    left, right = ([(row.created_by or "", bool(row.empty_layer)) for row in rows] for rows in (old, new))
    for what, old_from, old_to, new_from, new_to in SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        if what == "equal":
            pairs += (_history_pair(row, row) for row in old[old_from:old_to])
        else:
            pairs += (_history_pair(row, None) for row in old[old_from:old_to])
            pairs += (_history_pair(None, row) for row in new[new_from:new_to])
    return tuple(pairs)


def _history_pair(before: HistoryRow | None, after: HistoryRow | None) -> HistoryPair:
    told = [None if row is None else _told(row.created_by or "") for row in (before, after)]
    return HistoryPair(
        before=told[0], after=told[1], empty_layer=any(bool(row.empty_layer) for row in (before, after) if row)
    )


def _told(created_by: str) -> str:
    """An instruction without what may be secret: of variables and build arguments the names alone."""
    text = instruction(created_by)
    keyword, _, rest = text.partition(" ")
    if keyword not in {"ENV", "ARG"}:
        return redact_command(text)
    names = _VARIABLE.findall(rest) or rest.split()[:1]
    return f"{keyword} {', '.join(names)}"
