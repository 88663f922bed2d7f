"""Dockerfiles with what each of their lines did."""

from __future__ import annotations

from msgspec.structs import replace

from imgcompare.model import Edit, EditAction, Failure, Layer, Source, Stage, Variant, Verdict
from imgcompare.render.cells.dockerfile_lines import marked_lines
from tests.support.reports import variant

LINES = (
    "# The app.",
    "FROM python:3.11 AS builder",
    "RUN pip install flask",
    "",
    "FROM python:3.11-slim",
    "COPY --from=builder /app /app",
    "RUN apt-get install curl",
    'CMD ["python", "app.py"]',
)


def layer(size: int, line: int | None = None, *, base: bool = False) -> Layer:
    """A layer of so many bytes, made by a line."""
    return Layer(
        diff_id="sha256:0", created_by="", uncompressed_size=size, file_count=1, base=base, dockerfile_line=line
    )


def of(*layers: Layer, base_size: int | None = 200_000_000) -> Variant:
    """A variant with these lines and layers."""
    made = variant("slim")
    assert made.image
    return replace(
        made,
        source=Source(dockerfile="Dockerfile", lines=LINES),
        image=replace(made.image, layers=layers, base_size=base_size),
    )


def broken(*edits: Edit) -> Variant:
    """The same, broken, with what mends it."""
    failure = Failure(stage=Stage.RUN, code="missing-python-module", message="m", edits=edits)
    return replace(of(), verdict=Verdict.BROKEN, failure=failure)


def notes(made: Variant) -> dict[int, tuple[str, str]]:
    """Kind and note of the lines that have one."""
    return {line.number: (line.kind, line.note) for line in marked_lines(made) if line.note}


def test_bytes_stand_beside_the_line_that_added_them() -> None:
    """The base's beside the FROM it came with, the most of the others marked, and next to nothing not told."""
    made = of(
        layer(150_000_000, base=True), layer(50_000_000, base=True), layer(4000, 6), layer(9_000_000, 7), layer(10, 8)
    )
    assert notes(made) == {
        5: ("plain", "200.0 MB of base image"),
        6: ("plain", "+4 kB"),
        7: ("heavy", "+9.0 MB"),
    }
    kinds = [line.kind for line in marked_lines(made)]
    assert kinds == ["comment", "plain", "plain", "comment", "plain", "plain", "heavy", "plain"]


def test_what_is_not_known_is_not_told() -> None:
    """Layers whose lines nobody knows, and Dockerfiles that are not in the report, mark nothing."""
    assert notes(of(layer(9_000_000))) == {}
    assert marked_lines(replace(of(), source=Source(dockerfile="Dockerfile"))) == ()
    assert notes(replace(of(), image=None)) == {}


def test_line_that_mends_stands_where_it_belongs() -> None:
    """Before, behind or in the place of another, which is then what breaks it."""
    line = "COPY --from=builder /usr/local/lib /usr/local/lib"
    before = Edit(action=EditAction.INSERT_BEFORE, stage="1", line=6, instruction="COPY", lines=(line,))
    after = Edit(action=EditAction.INSERT_AFTER, stage="1", line=7, instruction="RUN", lines=("USER 1", "EXPOSE 1"))
    replaced = Edit(action=EditAction.REPLACE, stage="1", line=8, instruction="CMD", lines=("CMD x",))
    shown = [(one.number, one.kind, one.text, one.note) for one in marked_lines(broken(before, after, replaced))[5:]]
    assert shown == [
        (0, "mends", line, "this mends it"),
        (6, "plain", LINES[5], ""),
        (7, "plain", LINES[6], ""),
        (0, "mends", "USER 1", "this mends it"),
        (0, "mends", "EXPOSE 1", ""),
        (8, "blame", LINES[7], "this breaks it"),
        (0, "mends", "CMD x", "this mends it"),
    ]
