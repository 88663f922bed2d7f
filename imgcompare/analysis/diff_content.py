"""Pure: what is different between two versions of one text file, line by line, its secrets masked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from enum import StrEnum

from msgspec import Struct

from imgcompare.text.printable import file_name, verbatim
from imgcompare.text.redact_lines import redact_lines

MAX_BYTES = 1 << 20
# Beyond, comparing what hostile files hold could take minutes.
_MAX_COMPARED = 4000
_MAX_SHOWN = 1000
_MAX_WIDTH = 500
_CONTEXT = 3
_NO_NEWLINE = "\\ No newline at end of file"


class ContentKind(StrEnum):
    """What became of a file's content."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    SAME = "same"


class Version(Struct, frozen=True, kw_only=True):
    """A file as one image has it; ``content`` is None where it was not read: it is too large, or as in the other."""

    size: int
    digest: bytes
    content: bytes | None = None


class ContentDifference(Struct, frozen=True, kw_only=True):
    """A file in both images; its bytes are null where it is missing.

    ``lines`` are those of a unified diff without its two lines of file names, secrets masked, what cannot be printed as
    escapes, long ones cut; ``left_out`` counts those beyond a thousand. ``not_shown`` says why there are none of a file
    that did change.
    """

    path: str
    kind: ContentKind
    before_bytes: int | None
    after_bytes: int | None
    lines: tuple[str, ...] = ()
    left_out: int = 0
    not_shown: str | None = None


def compare_content(
    path: str, before: Version | None, after: Version | None, secrets: Sequence[str] = ()
) -> ContentDifference:
    """Tell how a file changed; ``secrets`` are masked beside what a text itself shows to be one."""
    lines, not_shown = [], None
    kind = _kind(before, after)
    if kind is not ContentKind.SAME:
        try:
            lines = list(_unified(_lines(before), _lines(after), secrets))
        except _NotShownError as exc:
            not_shown = str(exc)
    return ContentDifference(
        path=file_name(path),
        kind=kind,
        before_bytes=before.size if before else None,
        after_bytes=after.size if after else None,
        lines=tuple(lines[:_MAX_SHOWN]),
        left_out=max(len(lines) - _MAX_SHOWN, 0),
        not_shown=not_shown,
    )


class _NotShownError(Exception):
    """Why a difference is not shown line by line."""


def _kind(before: Version | None, after: Version | None) -> ContentKind:
    if before is None or after is None:
        return ContentKind.ADDED if before is None else ContentKind.REMOVED
    same = (before.size, before.digest) == (after.size, after.digest)
    return ContentKind.SAME if same else ContentKind.CHANGED


def _lines(version: Version | None) -> list[str]:
    """The lines of a text, each but perhaps the last with its line feed."""
    if version is None:
        return []
    if version.size > MAX_BYTES or version.content is None:
        raise _NotShownError(f"more than {MAX_BYTES >> 20} MiB")
    if b"\0" in version.content:
        raise _NotShownError("no text")
    try:
        text = version.content.decode()
    except UnicodeDecodeError:
        raise _NotShownError("no text in UTF-8") from None
    return [f"{line}\n" for line in text.split("\n")[:-1]] + ([last] if (last := text.rpartition("\n")[2]) else [])


def _unified(before: list[str], after: list[str], secrets: Sequence[str]) -> Iterator[str]:
    """The lines of a unified diff: https://www.gnu.org/software/diffutils/manual/html_node/Detailed-Unified.html."""
    shown = [[_shown(line) for line in redact_lines(side, secrets)] for side in (before, after)]
    for group in _groups(before, after):
        old, new = (group[0][1], group[-1][2]), (group[0][3], group[-1][4])
        yield f"@@ -{_range(*old)} +{_range(*new)} @@"
        for what, old_from, old_to, new_from, new_to in group:
            if what == "equal":
                yield from _marked(" ", before[old_from:old_to], shown[0][old_from:old_to])
                continue
            yield from _marked("-", before[old_from:old_to], shown[0][old_from:old_to])
            yield from _marked("+", after[new_from:new_to], shown[1][new_from:new_to])


def _groups(before: list[str], after: list[str]) -> list[list[tuple[str, int, int, int, int]]]:
    """What is to be done, with some lines around it; what both begin and end with is not searched."""
    least = min(len(before), len(after))
    start = next((at for at in range(least) if before[at] != after[at]), least)
    start = max(start - _CONTEXT, 0)
    end = next((at for at in range(least - start) if before[-1 - at] != after[-1 - at]), least - start)
    end = max(end - _CONTEXT, 0)
    old, new = before[start : len(before) - end], after[start : len(after) - end]
    if old and new and max(len(old), len(new)) > _MAX_COMPARED:
        raise _NotShownError(f"too different: {len(old):,} lines against {len(new):,}")
    return [
        [(what, a + start, b + start, c + start, d + start) for what, a, b, c, d in group]
        for group in SequenceMatcher(None, old, new).get_grouped_opcodes(_CONTEXT)
    ]


def _range(start: int, end: int) -> str:
    count = end - start
    return f"{start + 1 if count else start}" + (f",{count}" if count != 1 else "")


def _marked(mark: str, lines: list[str], shown: list[str]) -> Iterator[str]:
    for line, told in zip(lines, shown, strict=True):
        yield f"{mark}{told}"
        if not line.endswith("\n"):
            yield _NO_NEWLINE


def _shown(line: str) -> str:
    """The line as it can be printed; one with anything that cannot is told with escapes, so that it differs."""
    line = line.removesuffix("\n")
    line = line if verbatim(line) == line else file_name(line)
    return line if len(line) <= _MAX_WIDTH else f"{line[: _MAX_WIDTH - 1]}…"
