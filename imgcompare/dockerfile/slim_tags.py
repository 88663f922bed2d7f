"""Pure: which images are slim by their tag, and which have a slim variant beside the full one."""

from __future__ import annotations

from imgcompare.regex import regex

_SLIM = regex(r"[:-](?:slim|alpine(?:\d[\d.]*)?)\b")
# Official images whose full variant stands on buildpack-deps, and whose slim one has no compiler.
_WITH_SLIM = regex(r"(?:docker\.io/)?(?:library/)?(?:python|node|ruby)(?::[^/@]*)?(?:@.*)?")


def is_slim(reference: str) -> bool:
    """Whether an image is named as one that has no more than what runs."""
    return _SLIM.search(reference) is not None


def has_slim_variant(reference: str) -> bool:
    """Whether an image is a full one, of those known to have a slim variant."""
    return _WITH_SLIM.fullmatch(reference) is not None and not is_slim(reference)
