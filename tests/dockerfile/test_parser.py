"""What is read of a Dockerfile: its stages, and the images a build needs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgcompare.dockerfile.parser import SCRATCH, Dockerfile, Instruction, parse
from imgcompare.dockerfile.variables import Platforms
from imgcompare.errors import UsageError


def images(text: str, target: str | None = None, platform: str | None = None, **build_args: str) -> tuple[str, ...]:
    """Return the base images of a Dockerfile's text."""
    return parse(text, "Dockerfile").base_images(target, build_args, Platforms(platform))


def test_stages_are_told_apart() -> None:
    """Names, numbers, bases and lines of stages, whatever the case of the keywords and names."""
    dockerfile = parse(
        "# syntax=docker/dockerfile:1\n\nARG V=3.11\nfrom --platform=$BUILDPLATFORM python:${V} as Builder\n"
        "RUN x\nFROM builder\nFROM python:$V-slim AS last\n",
        "x.Dockerfile",
    )
    assert dockerfile.syntax == "docker/dockerfile:1"
    assert dockerfile.name == "x.Dockerfile"
    assert [(s.index, s.name, s.base, s.line) for s in dockerfile.stages] == [
        (0, "builder", "python:3.11", 4),
        (1, None, "builder", 6),
        (2, "last", "python:3.11-slim", 7),
    ]


STAGES = """
FROM a:1 AS base
FROM b:1 AS tool
FROM base AS builder
COPY --chown=0:0 --from=tool /x /x
COPY --from=c:1 /y /y
FROM unused:1 AS unused
COPY --from=unused-too:1 / /
FROM scratch
RUN --mount=type=cache,target=/c --mount=type=bind,from=d:1,target=/d,readonly run
COPY --from=2 /z /z
COPY --from=c:1 /y /y
COPY --from=$V --from=99 /z /z
"""


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (None, ("a:1", "b:1", "c:1", "d:1")),
        ("builder", ("a:1", "b:1", "c:1")),
        ("Base", ("a:1",)),
        ("unused", ("unused:1", "unused-too:1")),
    ],
)
def test_only_the_images_that_the_target_needs(target: str | None, expected: tuple[str, ...]) -> None:
    """Images of stages the target does not use are not pulled; one used twice is named once; scratch never."""
    assert images(STAGES, target) == expected


def test_stage_names_hide_images() -> None:
    """A name is an image until a stage has taken it: FROM sees the stages before it, COPY all of them."""
    text = "FROM python AS python\nFROM python AS x\nCOPY --from=later /a /a\nFROM y AS later\n"
    assert images(text, "x") == ("python", "y")
    assert images("FROM a AS one\nFROM b AS one\nFROM one\n") == ("b",)


def test_stages_that_need_each_other_do_not_hang() -> None:
    """A circle is for the builder to refuse."""
    assert images("FROM a AS x\nCOPY --from=y / /\nFROM x AS y\n") == ("a",)


def test_build_args_replace_defaults_of_declared_arguments() -> None:
    """As in the builder, --build-arg reaches FROM only through an ARG before it."""
    text = "ARG V=1\nARG W\nFROM a:$V\nARG X=1\nFROM b:$W AS b\nCOPY --from=0 / /\nFROM c:$X AS c\nCOPY --from=b / /\n"
    assert images(text, V="2", W="3", X="4") == ("a:2", "b:3")
    assert images(text) == ("a:1",)


def test_platform_arguments() -> None:
    """TARGETARCH and its like come from the platform; without one the image is left to the builder."""
    text = "FROM --platform=$BUILDPLATFORM x:$TARGETOS-$TARGETARCH$TARGETVARIANT\n"
    assert images(text) == ()
    assert images(text, platform="linux/amd64") == ("x:linux-amd64",)
    assert images(text, platform="linux/arm/v7") == ("x:linux-armv7",)
    assert images(text, platform="linux/amd64", TARGETARCH="s390x") == ("x:linux-s390x",)


def test_continued_lines_and_comments() -> None:
    """Comments, also indented, and empty lines inside a continued instruction do not end it; CRLF is no part of it."""
    text = "\ufeff# c\r\nFROM \\  \r\n  # FROM no\r\n\r\n  a:1 \\\r\n# no\r\n  AS x\r\n  RUN echo \\\\\r\n"
    text += "FROM b:1\r\nRUN y \\\r\n"
    assert [(s.base, s.name, s.line) for s in parse(text, "x").stages] == [("a:1", "x", 2), ("b:1", None, 9)]


def test_escape_directive() -> None:
    """With a backtick as escape, a backslash at the end of a line continues nothing."""
    text = "# Escape = `\n# syntax = x/y:1 \nFROM a AS `\n  one\nRUN dir C:\\\nFROM b\nCOPY --from=`\none / /\n"
    dockerfile = parse(text, "x")
    assert (dockerfile.escape, dockerfile.syntax) == ("`", "x/y:1")
    assert dockerfile.base_images(None, {}) == ("a", "b")


@pytest.mark.parametrize("before", ["\n", "# a comment\n", "# unknown=1\n", "FROM x\n"])
def test_directives_only_at_the_very_top(before: str) -> None:
    """After anything else, a directive is a comment."""
    dockerfile = parse(f"{before}# syntax=a/b\n# escape=`\nFROM x\n", "x")
    assert (dockerfile.syntax, dockerfile.escape) == (None, "\\")


@pytest.mark.parametrize(
    "heredoc",
    [
        "RUN <<EOF\nFROM no\nEOF",
        "RUN <<-EOF\n\tFROM no\n\t\tEOF",
        "run python3 <<'EOF' > /x\nFROM no\nEOF",
        'COPY <<"a b" <<two /dst/\nFROM no\na b\nFROM no\ntwo',
        "RUN cat << EOF\nFROM no\nEOF",
        "RUN \\\n  3<<EOF\r\nFROM no\r\nEOF\r",
        "ONBUILD RUN <<EOF\nFROM no\nEOF",
        "RUN [ -f x ] && cat <<EOF\nFROM no\nEOF",
    ],
)
def test_heredocs_are_skipped(heredoc: str) -> None:
    """What stands in a heredoc is no instruction."""
    assert images(f"FROM a\n{heredoc}\nFROM b\nCOPY --from=0 / /\n") == ("a", "b")


@pytest.mark.parametrize(
    "line",
    [
        'RUN cat <<<"EOF"',
        "RUN echo $((1 << 3))",
        "RUN cat<<EOF",
        "RUN echo '<<EOF'",
        'RUN ["cat", "<<EOF"]',
        "CMD cat <<EOF",
        "RUN echo it's <<x",
    ],
)
def test_no_heredoc(line: str) -> None:
    """What only resembles a heredoc swallows nothing."""
    assert images(f"FROM a\n{line}\nFROM b\nCOPY --from=0 / /\nEOF\n") == ("a", "b")


def test_flags_end_at_the_first_argument() -> None:
    """A flag's look-alike in a command, or an open quote behind the flags, misleads nobody."""
    text = "FROM a\nRUN --mount=from=b,target=/b echo it's --mount=from=c\nRUN echo --mount=from=d\nCOPY x --from=e /\n"
    assert images(text) == ("a", "b")
    assert images('FROM a\nCOPY --from="b" / /\nRUN --mount="type=bind,From=c" x\nADD --from=d / /\n') == (
        "a",
        "b",
        "c",
    )


def test_instructions_of_a_stage() -> None:
    """Keyword, lines and arguments of each after FROM; continued lines are joined, heredocs are not read."""
    text = "FROM a\n\n# c\nrun x \\\n  # c\n  y\nCOPY <<E /e\nRUN no\nE\nOnBuild run z\nFROM b\n"
    first, second = parse(text, "x").stages
    assert first.instructions == (
        Instruction("RUN", 4, "x   y", 6),
        Instruction("COPY", 7, "<<E /e", 9),
        Instruction("ONBUILD", 10, "run z", 10),
    )
    assert second.instructions == ()


CHAINS = """
ARG V=1
ARG BASE
FROM a:$V-$TARGETARCH AS base
FROM b:1 AS tool
FROM Base AS builder
COPY --from=tool / /
FROM $BASE AS given
FROM scratch AS bare
FROM builder
"""


@pytest.mark.parametrize(
    ("target", "build_args", "base", "stages"),
    [
        (None, {}, "a:1-arm64", [0, 2, 5]),
        ("BUILDER", {"V": "2"}, "a:2-arm64", [0, 2]),
        ("tool", {}, "b:1", [1]),
        ("given", {}, None, [3]),
        ("given", {"BASE": "c:1"}, "c:1", [3]),
        ("given", {"BASE": "builder"}, "a:1-arm64", [0, 2, 3]),
        ("bare", {}, SCRATCH, [4]),
    ],
)
def test_the_chain_of_stages_below_a_target(
    target: str | None, build_args: dict[str, str], base: str | None, stages: list[int]
) -> None:
    """FROM alone leads to the image at the bottom; what is only copied from does not."""
    found, chain = parse(CHAINS, "x").chain(target, build_args, Platforms("linux/arm64"))
    assert (found, [stage.index for stage in chain]) == (base, stages)


def test_no_chain_for_an_unknown_target() -> None:
    """As for the images, the message names the stages there are."""
    with pytest.raises(UsageError, match="no stage 'nope' in x; its stages are: base, tool"):
        parse(CHAINS, "x").chain("nope", {})


def test_a_name_that_comes_again_stands_on_the_earlier_stage() -> None:
    """``FROM x AS x`` is the image the first time, and the stage before from then on; it never leads in a circle."""
    base, chain = parse("FROM x AS x\nFROM x AS x\nFROM x AS x\n", "x").chain(None, {})
    assert (base, [stage.index for stage in chain]) == ("x", [0, 1, 2])


def test_unknown_target_names_the_stages() -> None:
    """The message lists what there is, and the hint the nearest name."""
    dockerfile = parse(STAGES, "deploy/Dockerfile")
    for wrong, hint in (("bilder", "Did you mean 'builder'?"), ("4", "A stage gets its name by `FROM … AS NAME`.")):
        with pytest.raises(UsageError) as caught:
            dockerfile.base_images(wrong, {})
        assert caught.value.message == (
            f"no stage '{wrong}' in deploy/Dockerfile; its stages are: base, tool, builder, unused"
        )
        assert caught.value.hint == hint
    with pytest.raises(UsageError, match="none of its stages has a name"):
        parse("FROM a", "x").check_target("y")
    dockerfile.check_target("BUILDER")
    dockerfile.check_target(None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Dockerfile x has no instruction"),
        ("# only\n\n  # comments", "Dockerfile x has no instruction"),
        ("ARG A\nRUN y\n", "Dockerfile x has no FROM instruction"),
    ],
)
def test_what_is_no_dockerfile(text: str, message: str) -> None:
    """Only a file that cannot be built at all is refused here."""
    with pytest.raises(UsageError, match=message) as caught:
        parse(text, "x")
    assert caught.value.hint


@pytest.mark.parametrize(
    "text",
    [
        "FROM",
        "FROM a AS",
        "FROM a b c d",
        "FROM a\nFORM b",
        "FROM a\nCOPY --from",
        "FROM \\",
        pytest.param("FROM a\nRUN " + "[" * 10**5, id="nested"),
    ],
)
def test_mistakes_are_left_to_the_builder(text: str) -> None:
    """The builder says what is wrong better than a second reader could."""
    assert len(images(text)) <= 1


FRAGMENTS = st.one_of(
    st.sampled_from(["FROM", "ARG", "RUN", "COPY", "AS", "--from=", "--mount=", "<<E", "E", "escape=`", "0", "a"]),
    st.sampled_from(["$A", "${A", ":-", "}", "'", '"', "\\", "`", "=", "#", ",", " ", "\n", "\t", "\r\n"]),
)


@given(st.lists(FRAGMENTS, max_size=30).map(lambda parts: "FROM x\n" + "".join(parts)))
def test_no_text_breaks_the_reader(text: str) -> None:
    """However damaged a Dockerfile is, reading it ends and never raises."""
    dockerfile = parse(text, "x")
    assert isinstance(dockerfile, Dockerfile)
    assert all(image and image != "scratch" for image in dockerfile.base_images(None, {}))
    base, stages = dockerfile.chain(None, {})
    assert stages[-1] is dockerfile.stages[-1]
    assert base is None or base in {SCRATCH, *dockerfile.base_images(None, {})}
