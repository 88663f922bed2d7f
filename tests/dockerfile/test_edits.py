"""Edits of a Dockerfile: what they change, what they leave, and which do not fit."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgcompare.dockerfile.document import Document
from imgcompare.dockerfile.edits import apply, delete, insert_after, insert_before, needless, replace, unified_diff
from imgcompare.errors import EditError
from imgcompare.model import Edit, EditAction

TEXT = """# syntax=docker/dockerfile:1
FROM python:3.11 AS builder
RUN pip install flask
# What runs
FROM python:3.11-slim
WORKDIR /app
# Start it
CMD ["python", "app.py"]
"""


def edited(text: str, *edits: Edit) -> str:
    """The text after edits."""
    return bytes(apply(Document.read(text.encode()), edits)).decode()


def document_of(text: str) -> Document:
    """A document."""
    return Document.read(text.encode())


def test_each_action() -> None:
    """An insertion above goes above the comment, one below stands directly below; the others leave the comment."""
    document = document_of(TEXT)
    run, base, folder, command = (document.instructions[at] for at in (1, 2, 3, 4))
    changed = edited(
        TEXT,
        insert_before(document, command, "USER 1000", "EXPOSE 8000"),
        replace(document, command, 'CMD ["gunicorn", "app:app"]'),
        insert_after(document, base, "COPY --from=builder /x /x"),
        delete(document, folder),
        insert_after(document, run, "RUN pip install gunicorn"),
    )
    assert changed == (
        "# syntax=docker/dockerfile:1\nFROM python:3.11 AS builder\nRUN pip install flask\nRUN pip install gunicorn\n"
        "# What runs\nFROM python:3.11-slim\nCOPY --from=builder /x /x\nUSER 1000\nEXPOSE 8000\n# Start it\n"
        'CMD ["gunicorn", "app:app"]\n'
    )


def test_what_an_edit_tells() -> None:
    """Its stage by name or number, its line and its instruction; as JSON it reads back."""
    document = document_of(TEXT)
    edits = [
        insert_after(document, document.instructions[1], "RUN x"),
        delete(document, document.instructions[4]),
    ]
    assert edits == [
        Edit(action=EditAction.INSERT_AFTER, stage="builder", line=3, instruction="RUN", lines=("RUN x",)),
        Edit(action=EditAction.DELETE, stage="1", line=8, instruction="CMD"),
    ]
    assert msgspec.json.decode(msgspec.json.encode(edits), type=list[Edit]) == edits
    first = document_of("ARG V\nFROM a AS x\nFROM b AS x\n")
    assert [insert_after(first, one, "RUN x").stage for one in first.instructions] == ["", "0", "1"]


def test_several_edits_at_one_place_keep_their_order() -> None:
    """As they were given."""
    document = document_of("FROM a\n")
    base = document.instructions[0]
    assert edited("FROM a\n", *(insert_after(document, base, f"RUN {n}") for n in "abc")) == (
        "FROM a\nRUN a\nRUN b\nRUN c\n"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FROM a\r\nCMD x\r\n", "FROM a\r\nUSER 1\r\nRUN y\r\nEXPOSE 1\r\n"),
        ("FROM a\nCMD x", "FROM a\nUSER 1\nRUN y\nEXPOSE 1"),
        ("FROM a\r\nCMD x", "FROM a\r\nUSER 1\r\nRUN y\r\nEXPOSE 1"),
        ("\ufeffFROM a\n\nCMD x \\\n# c\n\n  y\n# end", "\ufeffFROM a\n\nUSER 1\nRUN y\nEXPOSE 1\n# end"),
        ("# escape=`\nFROM a\nCMD x `\n y", "# escape=`\nFROM a\nUSER 1\nRUN y\nEXPOSE 1"),
        ("FROM a\nCMD <<E\n", "FROM a\nUSER 1\nRUN y\nEXPOSE 1\n"),
        ("FROM a\nRUN <<E\nCMD z\nE\n\n", "FROM a\nUSER 1\nRUN y\nEXPOSE 1\n\n"),
    ],
)
def test_line_ends_marks_and_spans(text: str, expected: str) -> None:
    """New lines end as their neighbour does; a missing last line end stays missing; a whole span is replaced."""
    document = document_of(text)
    last = document.instructions[-1]
    changed = edited(
        text,
        insert_before(document, last, "USER 1"),
        replace(document, last, "RUN y"),
        insert_after(document, last, "EXPOSE 1"),
    )
    assert changed == expected


def test_a_bom_stays_the_first_thing() -> None:
    """Also where the first line is replaced or something is put above it."""
    document = document_of("\ufeffFROM a")
    base = document.instructions[0]
    changed = edited("\ufeffFROM a", insert_before(document, base, "ARG V=1"), replace(document, base, "FROM b"))
    assert changed == "\ufeffARG V=1\nFROM b"


def test_a_directive_stays_in_the_first_lines() -> None:
    """Nothing is put above it."""
    document = document_of("# syntax=x\nFROM a\n")
    assert edited("# syntax=x\nFROM a\n", insert_before(document, document.instructions[0], "ARG V=1")) == (
        "# syntax=x\nARG V=1\nFROM a\n"
    )


def edit(action: EditAction = EditAction.REPLACE, **parts: str | int | tuple[str, ...]) -> Edit:
    """An edit of the last line of TEXT, or of what ``parts`` say."""
    return msgspec.convert(
        {"action": action, "stage": "1", "line": 8, "instruction": "CMD", "lines": ("CMD x",), **parts}, Edit
    )


@pytest.mark.parametrize(
    ("edits", "message"),
    [
        ([edit(line=7)], "there is no CMD in line 7 of stage 1: no instruction begins in that line"),
        ([edit(line=99)], "there is no CMD in line 99 of stage 1: no instruction begins in that line"),
        ([edit(instruction="ENTRYPOINT")], "there is no ENTRYPOINT in line 8 of stage 1: that line has CMD"),
        ([edit(stage="builder")], "there is no CMD in line 8 of stage builder: that line is of stage 1"),
        ([edit(stage="")], "there is no CMD in line 8: that line is of stage 1"),
        ([edit(lines=())], "the edit of CMD in line 8 of stage 1 has no lines"),
        ([edit(EditAction.DELETE)], "the edit of CMD in line 8 of stage 1 has lines, and deletes"),
        ([edit(lines=("CMD x\nUSER y",))], "the edit of CMD in line 8 of stage 1 has a line end within a line"),
        ([edit(), edit()], "two edits change the CMD in line 8"),
        (
            [edit(EditAction.INSERT_BEFORE, lines=("RUN x \\",))],
            "the edits would change lines that they do not name: is one of them continued, or a directive?",
        ),
        (
            [edit(EditAction.INSERT_BEFORE, lines=("RUN <<E",)), edit(EditAction.INSERT_AFTER, lines=("E",))],
            "the edits would change lines that they do not name: is one of them continued, or a directive?",
        ),
    ],
)
def test_edits_that_do_not_fit(edits: list[Edit], message: str) -> None:
    """Each is refused with what stands there instead; nothing else of the file is ever changed by one."""
    with pytest.raises(EditError) as caught:
        apply(document_of(TEXT), edits)
    assert caught.value.message == message


def test_a_line_that_is_continued_to_the_end_takes_nothing_below_it() -> None:
    """What would be read as its continuation is refused."""
    document = document_of("FROM a\nRUN x \\\n")
    with pytest.raises(EditError, match="is one of them continued"):
        apply(document, [insert_after(document, document.instructions[1], "CMD y")])


CHAIN = """FROM a AS base
ENV PATH=/opt/venv/bin:$PATH
WORKDIR /one
FROM base
COPY --from=x  /y /y
WORKDIR /two
ENV A=1 B=2
CMD x
"""


@pytest.mark.parametrize(
    ("line", "there"),
    [
        ("ENV PATH=/opt/venv/bin:$PATH", True),  # in the stage below
        ("COPY --from=x /y /y", True),  # but for the spaces
        ("WORKDIR /two", True),
        ("WORKDIR /one", False),  # is taken back
        ("ENV A=1", False),  # not as it stands there
        ("ENV PATH=/other:$PATH", False),
        ("RUN x", False),
        ("CMD x", False),  # only below
    ],
)
def test_a_fix_that_is_there_already(line: str, there: bool) -> None:
    """What holds where it would be put is no change; what a later line takes back is."""
    document = document_of(CHAIN)
    command = document.instructions[-1]
    assert needless(document, insert_before(document, command, line)) is there
    assert not needless(document, insert_before(document, command, line, "RUN new"))
    assert needless(document, replace(document, command, "CMD  x"))
    assert not needless(document, replace(document, command, "CMD y"))
    assert not needless(document, delete(document, command))


def test_a_change_of_files_holds_until_they_are_copied_anew() -> None:
    """The mode that a RUN gave is gone where a later COPY brings the file again; a package stays."""
    document = document_of("FROM a\nRUN chmod 755 /x\nRUN pip install y\nCOPY . .\nCMD x\n")
    command = document.instructions[-1]
    assert not needless(document, insert_before(document, command, "RUN chmod 755 /x"))
    assert needless(document, insert_before(document, document.instructions[3], "RUN chmod 755 /x"))
    assert needless(document, insert_before(document, command, "RUN pip install y"))


def test_the_diff_is_a_patch() -> None:
    """As ``diff -u`` has it, with a file's missing last line end told."""
    before = document_of("FROM a\nCMD x")
    after = apply(before, [insert_before(before, before.instructions[1], "USER 1")])
    assert unified_diff(before, after, "Dockerfile", "Dockerfile.mended") == (
        "--- Dockerfile\n+++ Dockerfile.mended\n@@ -1,2 +1,3 @@\n FROM a\n+USER 1\n CMD x\n"
        "\\ No newline at end of file\n"
    )
    assert unified_diff(before, before, "a", "b") == ""


LINES = st.sampled_from(
    ["FROM a", "FROM b AS c", "RUN x", "RUN x \\", "  && y", "# c", "", "RUN <<E", "z", "E", "CMD y", " # d"]
)


@given(st.lists(LINES, max_size=25), st.sampled_from(["\n", "\r\n"]), st.booleans(), st.data())
def test_only_what_is_named_changes(lines: list[str], end: str, ended: bool, data: st.DataObject) -> None:
    """All lines outside the edited instructions come out in order, byte for byte, and undoing gives the original."""
    document = document_of(end.join(lines) + (end if ended else ""))
    if not document.instructions:
        return
    one = data.draw(st.sampled_from(document.instructions))
    try:
        changed = apply(document, [insert_before(document, one, "USER 7"), insert_after(document, one, "EXPOSE 7")])
    except EditError:
        assert document.instructions[-1].last_line == len(document.lines)  # its last line is continued
        return
    added = [new for new in changed.instructions if (new.keyword, new.text) in {("USER", "7"), ("EXPOSE", "7")}]
    assert len(added) == 2
    assert apply(changed, [delete(changed, new) for new in added]).text.rstrip("\r\n") == document.text.rstrip("\r\n")
