"""Text that stands in Markdown and is none: held against GitHub's own parser."""

from __future__ import annotations

import html
import re

import cmarkgfm
import pytest
from cmarkgfm.cmark import Options
from hypothesis import given
from hypothesis import strategies as st

from imgcompare.render.cells.grid import Cell, Column, Grid
from imgcompare.render.formats.markdown_text import bold, bullets, code, details, escape, fenced, table
from imgcompare.text.printable import printable, printable_lines

NASTY = st.lists(
    st.sampled_from(
        [*r"\`*_[]<>|~&$\"'@#!%^:./()=+-1ax ", "http://e.org", "www.e.org", "a@b.org", "@.b", "@user", "#12"]
    )
    | st.characters(exclude_categories=["Cs"])
).map("".join)


def shown(markdown: str) -> str:
    """The HTML that GitHub's parser makes of it, raw HTML let through as GitHub does."""
    made: str = cmarkgfm.github_flavored_markdown_to_html(markdown, options=Options.CMARK_OPT_UNSAFE)
    return made


def text_of(page: str) -> str:
    """What a reader sees of HTML that holds no tag of its own; the spaces of no width are no text."""
    assert "<" not in page, page
    return html.unescape(page).replace("\u200b", "")


@given(text=NASTY.map(printable))
def test_any_text_shows_as_itself(text: str) -> None:
    """No character of it is markup, no part of it a link: in a sentence, in bold, as code and in a table's cell."""
    sentence = shown(f"x {escape(text)} x").removeprefix("<p>x ").removesuffix(" x</p>\n")
    assert text_of(sentence) == text
    if text:
        paragraph = shown(escape(text)).removeprefix("<p>").removesuffix("</p>\n")
        assert text_of(paragraph) == text
        item = shown(bullets([text])).removeprefix("<ul>\n<li>").removesuffix("</li>\n</ul>\n")
        assert text_of(item) == text
    strong = shown(f"x {bold(text)} x").removeprefix("<p>x <b>").removesuffix("</b> x</p>\n")
    assert text_of(strong) == text
    if text:
        typed = shown(f"x {code(text)} x").removeprefix("<p>x <code>").removesuffix("</code> x</p>\n")
        assert text_of(typed) == text
    columns = Column(key="a", title="x"), Column(key="b", title="")
    cell = shown(table(Grid(columns, ((Cell(text="x"), Cell(text=text)),))))
    (found,) = re.findall(r"<td>x</td>\n<td>(.*)</td>\n</tr>", cell)
    assert text_of(found) == text


@given(lines=st.lists(NASTY | st.sampled_from(["```", "~~~", "````", "  ```"])))
def test_any_log_shows_as_itself(lines: list[str]) -> None:
    """No line of a log ends its block, also where it is folded away."""
    expected = "".join(f"{line}\n" for each in lines for line in printable_lines(each))
    page = shown(details("Log", [fenced(lines)]))
    body = page.removeprefix("<details><summary>Log</summary>\n<pre><code>").removesuffix("</code></pre>\n</details>\n")
    assert text_of(body) == expected.replace("\u200b", "")


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("multi-stage is 503.2 MB (69 %) smaller: python:3.11", "multi-stage is 503.2 MB (69 %) smaller: python:3.11"),
        ("ask @octocat or @org/team", "ask @&#8203;octocat or @&#8203;org/team"),
        ("see #12, GH-12, !7, %3, $4, &5, ~bug", "see #&#8203;12, GH&#8203;-12, !&#8203;7, %&#8203;3, "
         "&#36;&#8203;4, &amp;&#8203;5, \\~&#8203;bug"),
        ("https://e.org www.e.org", "https:&#8203;//e.org www&#8203;.e.org"),
        (":smile: at 11:59:33", ":&#8203;smile: at 11:59:33"),
        ("1. one", r"1\. one"),
        ("# one", r"\# one"),
        ("- one - two", r"\- one - two"),
        ("<img src=x>", "&lt;img src=x&gt;"),
        ("a|b *c* _d_ [e](f)", r"a&#124;b \*c\* \_d\_ \[e\](f)"),
    ],
)  # fmt: skip
def test_what_a_site_would_look_for_is_broken_up(text: str, markdown: str) -> None:
    """What GitHub and GitLab find in the finished page, after Markdown is done, has a space of no width in it."""
    assert escape(text) == markdown
