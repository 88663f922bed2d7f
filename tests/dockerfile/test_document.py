"""A Dockerfile's document: every line kept, whatever stands in it, and what each instruction spans."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgcompare.dockerfile.document import BOM, Document
from imgcompare.dockerfile.edits import apply
from imgcompare.errors import UsageError

EVERYTHING = (
    b"\xef\xbb\xbf# syntax=docker/dockerfile:1\r\n# escape=`\r\n\r\n# Which Python\r\nARG V=3.11\r\n"
    b"FROM python:$V AS Builder\r\nRUN pip install `\r\n    # why flask\r\n\r\n    flask\r\n"
    b"RUN <<EOF\r\n# not a comment\r\nCMD no\r\nEOF\r\n"
    b"# last \xe9 stage\r\nFROM builder\r\nCOPY --from=builder <<-A <<B /x/\r\n\tA\r\nA of b\r\nB\r\nCMD x"
)


def spans(content: bytes) -> list[tuple[str, int, int]]:
    """Keyword, first and last line of each instruction."""
    return [(one.keyword, one.line, one.last_line) for one in Document.read(content).instructions]


def test_everything_a_dockerfile_can_hold_is_kept() -> None:
    """Directives, a BOM, CRLF, comments, bytes that are not UTF-8, heredocs and no final line end come out as read."""
    document = Document.read(EVERYTHING)
    assert bytes(document) == EVERYTHING
    assert "".join(document.lines) == str(document)
    assert bytes(apply(document, [])) == EVERYTHING
    assert document.escape == "`"


def test_what_instructions_span() -> None:
    """Comments and empty lines between continued lines, and heredocs with their ends, belong to their instruction."""
    assert spans(EVERYTHING) == [
        ("ARG", 5, 5),
        ("FROM", 6, 6),
        ("RUN", 7, 10),
        ("RUN", 11, 14),
        ("FROM", 16, 16),
        ("COPY", 17, 20),
        ("CMD", 21, 21),
    ]
    assert spans(b"FROM a\nRUN x \\\n# y\n") == [("FROM", 1, 1), ("RUN", 2, 3)]
    assert spans(b"\n\nFROM a\n\n\n") == [("FROM", 3, 3)]
    assert spans(b"# nothing\n") == []


def test_stages_and_targets() -> None:
    """A stage is found by its name in any case, or its number; the last is the default; what is not there is said."""
    document = Document.read(EVERYTHING)
    builder, last = document.stages
    assert (builder.label, last.label) == ("builder", "1")
    assert document.target("BUILDER") is document.target("0") is builder
    assert document.target(None) is last
    assert list(document.parents(last)) == [builder]
    assert last.last("CMD", "ENTRYPOINT") == document.instructions[-1]
    assert last.last("USER") is None
    with pytest.raises(UsageError, match="no stage 'x'"):
        document.target("x")
    with pytest.raises(UsageError, match="no stage"):
        Document.read(b"").target(None)


def test_a_name_that_is_used_twice() -> None:
    """FROM means the nearest stage above of that name, never itself."""
    document = Document.read(b"FROM x AS x\nFROM x AS x\nFROM X\n")
    assert list(document.parents(document.stages[2])) == [document.stages[1], document.stages[0]]


def test_source_of_an_instruction() -> None:
    """An instruction's own lines, without the comment above; a BOM is no part of it."""
    document = Document.read(b"\xef\xbb\xbfFROM a\n# c\nRUN x \\\n  y\n")
    assert [document.source(one) for one in document.instructions] == ["FROM a\n", "RUN x \\\n  y\n"]


def test_the_comment_that_goes_with_an_instruction() -> None:
    """Those directly above it; neither directives nor what an empty line parts, nor an instruction's own comments."""
    text = b"# escape=\\\n# c\n# c\nFROM a\n# far\n\n  # near\nRUN x\\\n# own\n y\nCMD z\n"
    document = Document.read(text)
    assert [(one.keyword, document.above(one)) for one in document.instructions] == [
        ("FROM", 2),
        ("RUN", 7),
        ("CMD", 11),
    ]
    directive = Document.read(BOM.encode() + b"# syntax=x\nFROM a\n")
    assert directive.above(directive.instructions[0]) == 2


PIECES = st.sampled_from(
    [
        *("FROM a", "from b as c", "RUN x", "RUN <<E", "E", "COPY <<-'F' <<G /", "F", "\tF", "G", "CMD [", "# c", "#"),
        *(
            "# syntax=x",
            "# escape=`",
            "#escape=\\",
            "`",
            "\\",
            " ",
            "\t",
            "\r",
            "\n",
            "\n",
            "\n",
            "\r\n",
            "\ufeff",
            "é",
        ),
        *("\x00", "\x0c", "\x85", "\u2028", "&& y", "\udcff"),
    ]
)


@given(st.lists(PIECES, max_size=40).map("".join))
def test_no_edit_changes_no_byte(text: str) -> None:
    """Whatever the text, an empty list of edits gives its bytes, and spans lie within it, in order, apart."""
    content = text.encode("utf-8", "surrogateescape")
    document = Document.read(content)
    assert bytes(apply(document, [])) == content
    assert "".join(document.lines).encode("utf-8", "surrogateescape") == content
    last = 0
    for one in document.instructions:
        assert last < document.above(one) <= one.line <= one.last_line <= len(document.lines)
        last = one.last_line


@given(st.binary(max_size=200))
def test_any_bytes_are_kept(content: bytes) -> None:
    """Also those that are no text at all."""
    assert bytes(apply(Document.read(content), [])) == content
