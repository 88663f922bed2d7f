"""The page on one code, and the list of all of them."""

from __future__ import annotations

from collections.abc import Sequence

from imgcompare.console.style import Style
from imgcompare.diagnosis.explanations import TOPICS, Explanation
from imgcompare.render.page import Page

_INDENT = "  "


def render(found: Explanation, style: Style, *, exercises: Sequence[str] = ()) -> str:
    """Return what a code means, how it looks, why it happens, how to mend it, and how to see it for oneself.

    ``exercises`` are the names of those that show it.
    """
    page = Page(style)
    page.say(f"{found.code}: {found.summary.replace('`', '')}", "strong")
    _lines(page, "How it looks", found.looks)
    page.gap()
    page.say("Why it happens", "strong")
    page.say(found.why.replace("`", ""), lead=_INDENT)
    _lines(page, "What is wrong", found.before)
    _lines(page, "How to mend it", found.after, to_copy=True)
    _lines(page, "See for yourself", found.see, to_copy=True)
    _lines(page, "Try it", [f"imgcompare exercise start {name}" for name in exercises], to_copy=True)
    return page.text()


def render_all(style: Style) -> str:
    """Return every code with its sentence, by topic."""
    page = Page(style)
    width = max(len(one.code) for topic in TOPICS.values() for one in topic) + 2
    for number, (title, topic) in enumerate(TOPICS.items()):
        if number:
            page.gap()
        page.say(title, "strong")
        for one in topic:
            lead = f"{_INDENT}{one.code.ljust(width)}"
            page.say(one.summary.replace("`", ""), lead=lead, hang=min(len(lead), style.width // 3))
    page.gap()
    page.say("One of them at length: imgcompare explain CODE")
    return page.text()


def _lines(page: Page, title: str, lines: Sequence[str], *, to_copy: bool = False) -> None:
    if lines:
        page.gap()
        page.say(title, "strong")
        for line in lines:
            if to_copy:
                page.copyable(line, _INDENT)
            else:
                page.quote(line, _INDENT, "plain")
