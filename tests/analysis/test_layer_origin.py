"""Each layer is traced to the stage and line that made it, or to none at all: never to a wrong one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgcompare.analysis.layer_origin import LayerOrigin, origins
from imgcompare.dockerfile.parser import StageInfo, parse
from imgcompare.image.oci import HistoryRow

BASE = [HistoryRow("RUN /bin/sh -c make # buildkit"), HistoryRow("ENV A=b", empty_layer=True)]


def stages(text: str) -> tuple[StageInfo, ...]:
    """Return the stages that make a Dockerfile's image."""
    return parse(text, "Dockerfile").chain(None, {})[1]


def rows(*created_by: str) -> list[HistoryRow]:
    """Return a base's history and rows above it; one in brackets made no layer."""
    return [*BASE, *(HistoryRow(text.strip("()"), empty_layer=text.startswith("(")) for text in created_by)]


DOCKERFILE = """FROM python AS base
ARG A=1
RUN echo one \\
  && echo 'two  $X'
FROM tool AS tool
RUN echo one
FROM base
WORKDIR /app
COPY a.txt b.txt $DIR/

RUN --mount=type=cache,target="/a b" pip install x
RUN ["touch", "a b"]
CMD ["x"]
"""
BUILDKIT = (
    "(ARG A=1)",
    "RUN |1 A=1 /bin/sh -c echo one   && echo 'two  $X' # buildkit",
    "WORKDIR /app",
    "COPY a.txt b.txt /d/ # buildkit",
    "RUN |1 A=1 /bin/sh -c pip install x # buildkit",
    "RUN |1 A=1 touch a b # buildkit",
    '(CMD ["x"])',
)
CLASSIC = (
    "(/bin/sh -c #(nop)  ARG A=1)",
    "|1 A=1 /bin/sh -c echo one   && echo 'two  $X'",
    "/bin/sh -c #(nop) WORKDIR /app",
    "/bin/sh -c #(nop) COPY multi:d6ca73b9d25d in /d/ ",
    "|1 A=1 /bin/sh -c pip install x",
    "|1 A=1 touch a b",
    '(/bin/sh -c #(nop)  CMD ["x"])',
)
EXPECTED = (
    None,
    LayerOrigin("base", 3),
    LayerOrigin("2", 8),
    LayerOrigin("2", 9),
    LayerOrigin("2", 11),
    LayerOrigin("2", 12),
)


@pytest.mark.parametrize("made", [BUILDKIT, CLASSIC], ids=["buildkit", "classic"])
@pytest.mark.parametrize("base_layer_count", [None, 0, 1])
def test_both_builders_rows_are_traced(made: tuple[str, ...], base_layer_count: int | None) -> None:
    """Layers of every stage on the way to the base get its name or number and the instruction's first line."""
    assert origins(rows(*made), stages(DOCKERFILE), base_layer_count) == EXPECTED


@pytest.mark.parametrize("at", range(len(BUILDKIT)))
def test_a_missing_or_foreign_row_leaves_all_unknown(at: int) -> None:
    """One row that no instruction wrote, in place of any or above all, and nothing is claimed of the whole image."""
    foreign = [*BUILDKIT]
    foreign[at] = "/bin/sh -c something else"
    for made in (foreign, [*BUILDKIT, ""], BUILDKIT[:at] + BUILDKIT[at + 1 :]):
        found = origins(rows(*made), stages(DOCKERFILE), 1)
        assert (set(found), len(found)) == ({None}, sum(not row.empty_layer for row in rows(*made)))


def test_a_squashed_image_is_not_traced() -> None:
    """Squashing keeps the rows, takes their layers, and adds a row that no instruction wrote."""
    squashed = [*BASE, *(HistoryRow(text.strip("()"), empty_layer=True) for text in CLASSIC), HistoryRow("")]
    assert origins(squashed, stages(DOCKERFILE), 1) == (None, None)


def test_other_commands_are_not_mistaken_for_ours() -> None:
    """Rows of the same keywords and number come from elsewhere when a RUN's command differs."""
    made = [text.replace("pip install x", "pip install y") for text in CLASSIC]
    assert set(origins(rows(*made), stages(DOCKERFILE), 1)) == {None}


def test_no_layer_of_the_base_is_claimed() -> None:
    """Where the rows pair up but reach into the base's layers, they belong to something else."""
    assert set(origins(rows(*BUILDKIT), stages(DOCKERFILE), 2)) == {None}


@pytest.mark.parametrize("written", [True, False], ids=["classic", "buildkit"])
def test_triggers_are_traced_to_where_they_are_written(written: bool) -> None:
    """ONBUILD has a row or not; what it triggers in the next stage, and only there, is its line's."""
    text = "FROM python AS a\nONBUILD RUN x\nRUN y\nFROM a AS b\nRUN z\nFROM b\nUSER 1\n"
    shell = "/bin/sh -c "
    made = ["(/bin/sh -c #(nop)  ONBUILD RUN x)"] * written + [shell + c for c in "yxz"] + ["(USER 1)"]
    expected = (None, LayerOrigin("a", 3), LayerOrigin("a", 2), LayerOrigin("b", 5))
    assert origins(rows(*made), stages(text), 1) == expected


def test_the_bases_own_triggers_have_no_line() -> None:
    """What the base image makes its children do stands in no Dockerfile of ours."""
    made = ("RUN /bin/sh -c triggered # buildkit", "RUN /bin/sh -c ours # buildkit")
    assert origins(rows(*made), stages("FROM python\nRUN ours\n"), 1) == (None, None, LayerOrigin("0", 2))


@pytest.mark.parametrize(
    ("instruction", "created_by"),
    [
        ("RUN <<END\necho a\nEND", "RUN /bin/sh -c echo a\n # buildkit"),
        ("RUN cat <<END > /b\nhi\nEND", "RUN /bin/sh -c cat <<END > /b\nhi\nEND # buildkit"),
        ("COPY <<A <<B /www/\na\nA\nb\nB", "COPY <<A <<B /www/ # buildkit"),
        ('RUN ["/bin/touch", "a b"]', "/bin/touch a b"),
        ('RUN ["/bin/touch", "a\\tb"]', '/bin/sh -c ["/bin/touch", "a\\tb"]'),
        ("RUN [ -f x ] && echo y", "/bin/sh -c [ -f x ] && echo y"),
        ("RUN --network=none\t--mount=type=bind,source='a b' x", "RUN /bin/sh -c x # buildkit"),
        ("run echo 'FROM python' ", "/bin/bash -euo pipefail -c echo 'FROM python'"),
        ("CMD x", "/bin/busybox sh -ec #(nop)  CMD x"),
        ("EXPOSE 80", "EXPOSE map[80/tcp:{}]"),
    ],
)
def test_forms_of_a_row(instruction: str, created_by: str) -> None:
    """Heredocs, commands as lists, flags, other shells: rows as Docker 20 to 26 and Podman wrote them."""
    assert origins([HistoryRow(created_by)], stages(f"FROM scratch\n{instruction}\n"), 0) == (LayerOrigin("0", 2),)


def test_an_image_without_a_dockerfile_or_history() -> None:
    """An image that exists already has no stages; one without history has no layer that could be told."""
    assert origins(BASE, (), None) == (None,)
    assert origins((), stages(DOCKERFILE), 1) == ()


TEXTS = st.lists(st.sampled_from([*BUILDKIT, *CLASSIC, "", "(", "#(nop)", "x" * 9000, "\ud800", "RUN"]), max_size=12)


@given(TEXTS, st.lists(st.sampled_from(["RUN", "RUN x", "ONBUILD", "ONBUILD RUN x", "COPY", "FROM 0", "RUN ["])))
def test_any_history_and_dockerfile(made: list[str], lines: list[str]) -> None:
    """Whatever is in an image, there is one answer for each of its layers, and none about the base's."""
    history = rows(*made)
    found = origins(history, stages("\n".join(["FROM python", *lines])), 1)
    assert len(found) == sum(not row.empty_layer for row in history)
    assert found[0] is None
