"""A text file's own difference for a terminal."""

from __future__ import annotations

from imgcompare.analysis.diff_content import ContentDifference, ContentKind
from imgcompare.render.cells.facts import absolute, counted
from imgcompare.render.cells.grid import Tone
from imgcompare.render.page import Page
from imgcompare.text.units import format_bytes

_TONES: dict[str, Tone] = {"+": "good", "-": "bad", "@": "dim", "\\": "dim"}
_TAB = 4


def tell_content(page: Page, found: ContentDifference) -> None:
    """Add a file: its path, what became of it, and its lines."""
    page.gap()
    rest = f"  {_told(found)}"
    if not page.title(absolute(found.path), rest):
        page.say(absolute(found.path), "strong")
        page.say(rest.lstrip(), "dim", hang=2)
    for line in found.lines:
        page.quote(line.expandtabs(_TAB), "  ", _TONES.get(line[0], "plain"))
    if found.left_out:
        page.say(f"… and {counted(found.left_out, 'more line')}", "dim", hang=2)


def _told(found: ContentDifference) -> str:
    sizes = [format_bytes(size) for size in (found.before_bytes, found.after_bytes) if size is not None]
    if found.kind is ContentKind.SAME:
        return f"the same in both, {sizes[0]}"
    told = f"{found.kind}, {' → '.join(sizes)}"
    return f"{told}; not shown: {found.not_shown}" if found.not_shown else told
