"""Pure: whether two replies are the same but for what says nothing of the image: whose container it was, and when."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from contextlib import suppress

from msgspec import Struct

from imgcompare.regex import regex

ITS_NAME = "the container's own name or address"
MOVES = "what changes from one request to the next"

# A whole time, a clock, a token that nobody reads, a number, a word, or one character that is none of these.
_TOKEN = regex(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?|\d{1,2}:\d\d(?::\d\d(?:[.,]\d+)?)?"
    r"|[\w+/=.~-]{24,}|\d+(?:\.\d+)?(?!\w)|\w+|.",
    re.DOTALL,
)
_WORD = regex(r"[\w+/=.~-]+|\d{4}-\d\d-\d\d.*|\d{1,2}:\d\d.*")
_NUMBER = regex(r"\d+(?:\.\d+)?")
_CLOCK = regex(r"(?<!\d)\d{1,2}:\d\d:\d\d|\b1[5-9]\d{8}(?:\d{3})?(?:\.\d+)?\b")


class Bodies(Struct, frozen=True):
    """Two bodies of one container, the later one last, and what it is called there: names and addresses."""

    first: bytes
    last: bytes
    own_names: tuple[str, ...] = ()


def tells_time(body: bytes) -> bool:
    """Whether a clock or a count of seconds is in a body, so that two requests within a second may look alike."""
    return _CLOCK.search(body.decode("utf-8", "replace")) is not None


def same_but_for(one: Bodies, other: Bodies) -> str | None:
    """What makes the bodies of two containers differ where it is nothing of their images; None where it is more.

    Both must have the same words and signs in the same order, but where a second request to either got something else;
    and what stands there must be of the same kind: a number, or a word as long.
    """
    texts = [_without_names(body, each.own_names) for each in (one, other) for body in (each.first, each.last)]
    if texts[1] == texts[3]:
        return ITS_NAME
    rows = [_TOKEN.findall(text) for text in texts]
    if len({len(row) for row in rows}) > 1 or len(rows[0]) > 100_000:
        return None
    stays = False
    for tokens in zip(*rows, strict=True):
        if tokens[0] == tokens[1] == tokens[3] == tokens[2]:
            stays = stays or not tokens[0].isspace()
        elif (tokens[0] == tokens[1] and tokens[2] == tokens[3]) or not _alike(tokens):
            return None
    if not stays and not all(_NUMBER.fullmatch(token) for row in rows for token in row):
        return None
    return f"{ITS_NAME}, and {MOVES}" if _names_differ(one, other) else MOVES


def _alike(tokens: Sequence[str]) -> bool:
    if all(map(_NUMBER.fullmatch, tokens)):
        return True
    return len(set(map(len, tokens))) == 1 < len(tokens[0]) and all(map(_WORD.fullmatch, tokens))


def _without_names(body: bytes, names: Sequence[str]) -> str:
    """A body as text, JSON in one order of keys, and in place of each of its container's names the same sign."""
    text = body.decode("utf-8", "replace")
    with suppress(ValueError, RecursionError):
        text = json.dumps(json.loads(text), sort_keys=True, ensure_ascii=False)
    for name in sorted(filter(None, names), key=len, reverse=True):
        text = re.sub(rf"(?<![\w.]){re.escape(name)}(?!\w|\.\w)", "\0", text)
    return text


def _names_differ(one: Bodies, other: Bodies) -> bool:
    return any("\0" in _without_names(each.last, each.own_names) for each in (one, other))
