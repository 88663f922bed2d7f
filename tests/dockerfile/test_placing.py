"""Where the lines of a fix go: each kind of instruction has its place in the stage that is mended."""

from __future__ import annotations

import pytest

from imgcompare.dockerfile.document import Document
from imgcompare.dockerfile.edits import apply
from imgcompare.dockerfile.placing import Spot, is_there, place

TWO = """FROM python:3.11 AS builder
RUN pip install flask

FROM python:3.11-slim AS app
COPY app.py /app/
# Serve
CMD ["python", "app.py"]
"""
DEV = f"{TWO}\nFROM app AS tests\nRUN pytest\n"


def mended(text: str, *lines: str, target: str | None = None, base: str = "", spot: Spot | None = None) -> str:
    """The text with a fix in its place; unchanged where it has no certain one."""
    document = Document.read(text.encode())
    return str(apply(document, place(document, target, lines, base=base, spot=spot)))


def test_what_the_image_lacks_goes_above_the_command() -> None:
    """Above its comment, too; in the stage that is built, be it the last or not; at the end where it has no command."""
    line = "COPY --from=builder /x /x"
    assert mended(TWO, line) == TWO.replace("# Serve", f"{line}\n# Serve")
    assert mended(DEV, line, target="APP") == DEV.replace("# Serve", f"{line}\n# Serve")
    assert mended(DEV, line) == f"{DEV}{line}\n"
    both = 'FROM a\nENTRYPOINT ["x"]\nEXPOSE 1\nCMD ["y"]\n'
    assert mended(both, line) == f"FROM a\n{line}\n{both[7:]}"


@pytest.mark.parametrize(
    ("text", "line", "expected"),
    [
        ("FROM a\nCMD x\nUSER 1\n", 'CMD ["y"]', 'FROM a\nCMD ["y"]\nUSER 1\n'),
        ("FROM a\nCMD w\nCMD x\n", 'CMD ["y"]', 'FROM a\nCMD w\nCMD ["y"]\n'),
        ("FROM a AS b\nCMD x\nFROM b\n", 'CMD ["y"]', 'FROM a AS b\nCMD x\nFROM b\nCMD ["y"]\n'),
        ("FROM a\nUSER 1\n", 'CMD ["y"]', 'FROM a\nUSER 1\nCMD ["y"]\n'),
        ("FROM a\nCMD x\n", 'ENTRYPOINT ["y"]', 'FROM a\nENTRYPOINT ["y"]\nCMD x\n'),
        ("FROM a\nENTRYPOINT x\nCMD y\n", "CMD []", "FROM a\nENTRYPOINT x\n"),
        ("FROM a\nENTRYPOINT x\n", "CMD []", "FROM a\nENTRYPOINT x\nCMD []\n"),
        ("FROM a\nEXPOSE 1\nCMD x\n", "EXPOSE 2", "FROM a\nEXPOSE 2\nCMD x\n"),
        ("FROM a\nCMD x\n", "EXPOSE 2", "FROM a\nEXPOSE 2\nCMD x\n"),
        ("FROM a\nEXPOSE 1 2\nCMD x\n", "EXPOSE 3", "FROM a\nEXPOSE 1 2\nCMD x\n"),
        ("FROM a\nEXPOSE 1\nEXPOSE 2\nCMD x\n", "EXPOSE 3", "FROM a\nEXPOSE 1\nEXPOSE 2\nCMD x\n"),
        ("FROM a\nHEALTHCHECK CMD w\nCMD x\n", "HEALTHCHECK CMD y", "FROM a\nHEALTHCHECK CMD y\nCMD x\n"),
        ("FROM a\nUSER root\nCMD x\n", "USER 10001", "FROM a\nUSER 10001\nCMD x\n"),
        ("FROM a\nCMD x\n", "USER 10001", "FROM a\nUSER 10001\nCMD x\n"),
        ("FROM a\nWORKDIR /x\nCMD x\n", "WORKDIR /y", "FROM a\nWORKDIR /x\nWORKDIR /y\nCMD x\n"),
        ("FROM a\nCOPY x /x\nCMD x\n", "COPY --chown=1 x /x", "FROM a\nCOPY x /x\nCMD x\n"),
        ("FROM a\nCMD x\n", "RUN --mount=type=secret,id=X,env=X …", "FROM a\nCMD x\n"),
    ],
)
def test_what_a_stage_has_once_is_replaced(text: str, line: str, expected: str) -> None:
    """The last one of the stage's own; of several ports none is known to be the wrong one; a pattern is no line."""
    assert mended(text, line) == expected


@pytest.mark.parametrize(
    ("start", "base", "line", "expected"),
    [
        ("FROM python:3.11-slim", "python:3.11-slim", "FROM python:3.11", "FROM python:3.11"),
        ("from  --platform=$P x:1 as B", "x:1", "FROM x:2", "from  --platform=$P x:2 as B"),
        ("FROM python:${V}-slim AS b", "python:3.11-slim", "FROM python:3.11", "FROM python:${V} AS b"),
        ("FROM python:$V-buster", "python:3-buster", "FROM python:3-bookworm", "FROM python:$V-bookworm"),
        ("FROM python:$V", "python:3-buster", "FROM python:3-bookworm", "FROM python:3-bookworm"),
        ("FROM python:$V", "python:3.9", "FROM python:3.11", "FROM python:3.11"),
        ("FROM \\\n python:3", "python:3", "FROM python:4", "FROM \\\n python:3"),
    ],
)
def test_another_base(start: str, base: str, line: str, expected: str) -> None:
    """In the place of the image's name: flags, the stage's name, and variables that are not concerned stay."""
    assert mended(f"ARG V=3\n{start}\nCMD x\n", line, base=base) == f"ARG V=3\n{expected}\nCMD x\n"


def test_the_base_is_that_of_the_lowest_stage() -> None:
    """Of the stages that the image stands on; others keep theirs."""
    assert mended(DEV, "FROM python:3.12-slim", base="python:3.11-slim") == DEV.replace(
        "FROM python:3.11-slim", "FROM python:3.12-slim"
    )


@pytest.mark.parametrize(
    ("text", "lines", "expected"),
    [
        ("FROM a\nCOPY x /x\nCMD x\n", ["RUN chmod 755 /x"], "FROM a\nCOPY x /x\nRUN chmod 755 /x\nCMD x\n"),
        ("FROM a\nUSER app\nCMD x\n", ["RUN useradd app"], "FROM a\nRUN useradd app\nUSER app\nCMD x\n"),
        ("FROM a\nUSER root\nCMD x\n", ["RUN apt"], "FROM a\nUSER root\nRUN apt\nCMD x\n"),
        (
            "FROM a\nCOPY x /x\nUSER app\nCMD x\n",
            ["COPY --from=b /l /l", "RUN ldconfig"],
            "FROM a\nCOPY x /x\nCOPY --from=b /l /l\nRUN ldconfig\nUSER app\nCMD x\n",
        ),
        (
            "FROM a\nUSER app:app\nCOPY x /x\nCMD x\n",
            ["RUN chmod 755 /x"],
            "FROM a\nUSER app:app\nCOPY x /x\nUSER root\nRUN chmod 755 /x\nUSER app:app\nCMD x\n",
        ),
        (
            "FROM a\nUSER app\nWORKDIR /app\nCMD x\n",
            ["RUN chown app /app"],
            "FROM a\nUSER app\nWORKDIR /app\nUSER root\nRUN chown app /app\nUSER app\nCMD x\n",
        ),
        (
            "FROM a\nUSER app\nCOPY x /x\nUSER root\nCMD x\n",
            ["RUN chmod 755 /x"],
            "FROM a\nUSER app\nCOPY x /x\nUSER root\nRUN chmod 755 /x\nCMD x\n",
        ),
        (
            "FROM a AS b\nUSER app\nFROM b\nCMD x\n",
            ["RUN apt"],
            "FROM a AS b\nUSER app\nFROM b\nUSER root\nRUN apt\nUSER app\nCMD x\n",
        ),
    ],
)
def test_what_is_run_is_run_by_root(text: str, lines: list[str], expected: str) -> None:
    """Above USER; where the files it changes come only later, or USER is of a stage below, in between."""
    assert mended(text, *lines) == expected


def test_at_a_spot() -> None:
    """The first line goes to the instruction that is wrong, the rest where it belongs."""
    document = Document.read(TWO.encode())
    run, copy = document.instructions[1], document.instructions[3]
    lines = ("COPY --from=builder /v /v", "ENV PATH=/v/bin:$PATH")
    assert mended(TWO, *lines, spot=Spot(instruction=copy)) == TWO.replace("COPY app.py /app/", lines[0]).replace(
        "# Serve", f"{lines[1]}\n# Serve"
    )
    assert mended(TWO, "RUN apt", spot=Spot(instruction=run, above=True)) == TWO.replace("RUN pip", "RUN apt\nRUN pip")


def test_what_is_there_already_is_no_fix() -> None:
    """It is left out of the edits, and a fix of nothing else is told to be there."""
    document = Document.read(TWO.replace("# Serve", "ENV PATH=/v/bin:$PATH\n# Serve").encode())
    there, new = "ENV PATH=/v/bin:$PATH", "COPY --from=builder /v /v"
    assert place(document, None, [there]) == ()
    assert [edit.lines for edit in place(document, None, [new, there])] == [(new,)]
    assert is_there(document, None, [there])
    assert is_there(document, "app", ['CMD ["python", "app.py"]', there])
    assert not is_there(document, None, [new, there])
    assert not is_there(document, None, [])
    assert not is_there(document, "builder", [there])


def test_what_has_no_place() -> None:
    """A stage that is not there, a Dockerfile without stages, lines that would swallow others."""
    assert mended(TWO, "RUN x", target="nobody") == TWO
    assert mended("# nothing\n", "RUN x") == "# nothing\n"
    assert mended(TWO, "RUN x \\") == TWO
    assert not is_there(Document.read(b""), None, ["RUN x"])
