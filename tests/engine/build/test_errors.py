"""Builders' error texts put for people."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgcompare.engine.build.errors import explain
from imgcompare.engine.interface import BuildRequest
from tests.support.builds import no_context


def request_for(dockerfile: str) -> BuildRequest:
    """A request to build that Dockerfile."""
    return BuildRequest(context=no_context(dockerfile), tag="x:1")


PLAIN = request_for("FROM scratch\n")
HEREDOC = "FROM python:3.11-slim\nRUN <<EOF\necho hi\nEOF\n"


@pytest.mark.parametrize(
    "error",
    [
        "executor failed running [/bin/sh -c make]: exit code: 3",
        "failed to solve with frontend dockerfile.v0: failed to build LLB: executor failed running [/bin/sh -c make]: "
        "exit code: 3",
        'failed to solve: process "/bin/sh -c make" did not complete successfully: exit code: 3',
        "The command '/bin/sh -c make' returned a non-zero code: 3",
        'process "/bin/sh -c set -e\nmake\n" did not complete successfully: exit code: 3',
        'building at STEP "RUN make": while running runtime: exit status 3\n',
    ],
)
def test_every_builders_exit_code_reads_the_same(error: str) -> None:
    """The instruction as written and its exit code: no shell wrapper, no name of BuildKit's parts."""
    assert explain(error, "[builder 2/3] RUN make", PLAIN) == "RUN make exited with code 3"


def test_a_long_command_is_cut_and_an_unknown_one_is_not_invented() -> None:
    """The message stays one line; without a step nothing is made up."""
    error = "executor failed running [x]: exit code: 127"
    assert explain(error, None, PLAIN) == "a RUN instruction exited with code 127"
    assert explain(error, "[2/3] RUN " + "x" * 200, PLAIN) == "RUN " + "x" * 75 + "… exited with code 127"


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (
            "failed to solve with frontend dockerfile.v0: failed to create LLB definition: dockerfile parse error "
            "line 2: unknown instruction: RUNN",
            "Dockerfile line 2: unknown instruction: RUNN",
        ),
        (
            "dockerfile parse error on line 2: unknown instruction: RUNN (did you mean RUN?)",
            "Dockerfile line 2: unknown instruction: RUNN (did you mean RUN?)",
        ),
        (
            "failed to solve with frontend dockerfile.v0: failed to create LLB definition: target stage nope could not "
            "be found",
            "target stage nope could not be found",
        ),
        ("failed to parse Dockerfile: file with no instructions", "file with no instructions"),
    ],
)
def test_dockerfile_errors_keep_their_line(error: str, expected: str) -> None:
    """What is wrong in the Dockerfile is said with its line, without the builder's own wrapping."""
    assert explain(error, None, PLAIN) == expected


def test_other_errors_name_the_instruction() -> None:
    """A missing file is said once, at the instruction that wanted it."""
    old = 'failed to compute cache key: "/nothere.txt" not found: not found'
    new = (
        "failed to solve: failed to compute cache key: failed to calculate checksum of ref abc::def: "
        '"/nothere.txt": not found'
    )
    assert explain(old, "[2/2] COPY nothere.txt /x", PLAIN) == 'COPY nothere.txt /x: "/nothere.txt" not found'
    assert explain(new, "[2/2] COPY nothere.txt /x", PLAIN) == 'COPY nothere.txt /x: "/nothere.txt": not found'


def test_a_frontend_that_cannot_be_pulled_is_named_with_the_way_out() -> None:
    """Nobody who wrote "# syntax=" must guess what a gateway is."""
    for name in ("localhost:1/f:1", "docker-image://localhost:1/f:1"):
        message = explain(
            "failed to solve with frontend dockerfile.v0: failed to solve with frontend gateway.v0: failed to do "
            "request: connection refused",
            f"resolve image config for {name}",
            PLAIN,
        )
        assert message == (
            'the frontend localhost:1/f:1 named by "# syntax=" cannot be pulled (without that line the engine uses '
            "its own): failed to do request: connection refused"
        )


def test_a_heredoc_on_a_builder_without_them_is_recognised() -> None:
    """The builder's "unknown instruction" is explained when there really is a heredoc before that line."""
    error = "dockerfile parse error line 3: unknown instruction: ECHO"
    assert explain(error, None, request_for(HEREDOC)) == (
        "Dockerfile line 3: unknown instruction: ECHO (the heredoc begun in line 2 needs BuildKit's Dockerfile 1.4: a "
        "newer engine)"
    )


@pytest.mark.parametrize("line", ["COPY <<-'EOF' /x", "add <<EOF /x", "RUN cat 0<<EOF", "ONBUILD RUN <<EOF"])
def test_every_form_of_heredoc_counts(line: str) -> None:
    """All instructions that take heredocs are known."""
    error = "dockerfile parse error line 3: unknown instruction: ECHO"
    assert "heredoc begun in line 2" in explain(error, None, request_for(f"FROM x\n{line}\necho hi\n"))


@pytest.mark.parametrize("line", ["RUN echo $((1<<2))", "RUN cat <<< x", "ENV X=<<EOF", "# RUN <<EOF"])
def test_what_is_no_heredoc_gets_no_hint(line: str) -> None:
    """A typing error stays a typing error."""
    error = "dockerfile parse error line 3: unknown instruction: ECHO"
    expected = "Dockerfile line 3: unknown instruction: ECHO"
    assert explain(error, None, request_for(f"FROM x\n{line}\necho hi\nRUN <<EOF\n")) == expected


def test_podmans_unknown_instruction_is_told_without_its_data_structure() -> None:
    """Podman's text goes on with the parser's data; what is left is what the others say, and of heredocs the same."""
    error = (
        'building at STEP "ECHO ": Build error: Unknown instruction: "ECHO" &imagebuilder.Step{Env:[]string{"A=b"}, '
        'Command:"echo", Message:"ECHO ", Original:"echo hi"}'
    )
    assert explain(error, "[3/4] echo hi", PLAIN) == 'unknown instruction: "ECHO"'
    assert explain(error, "[3/4] echo hi", request_for(HEREDOC)) == (
        'unknown instruction: "ECHO" (the heredoc begun in line 2 needs BuildKit\'s Dockerfile 1.4: a newer engine)'
    )


@given(st.text(), st.none() | st.text())
def test_any_text_becomes_one_printable_line(error: str, step: str | None) -> None:
    """No error text of an engine breaks the output, and none becomes a traceback."""
    message = explain(error, step, PLAIN)
    assert "\n" not in message
    assert "\x1b" not in message


@pytest.mark.parametrize(
    ("error", "hint"),
    [
        (
            "failed to solve with frontend dockerfile.v0: failed to create LLB definition: dockerfile parse error line "
            "2: Unknown flag: link",
            " (--link needs BuildKit's Dockerfile 1.4: a newer engine)",
        ),
        (
            "dockerfile parse error line 3: Unknown flag: checksum",
            " (--checksum needs BuildKit's Dockerfile 1.6: a newer engine)",
        ),
        ("dockerfile parse error on line 3: unknown flag: lnk (did you mean link?)", ""),
    ],
)
def test_a_flag_of_later_dockerfiles_needs_a_newer_engine(error: str, hint: str) -> None:
    """As a heredoc does; one that is misspelt needs a pen."""
    assert explain(error, None, PLAIN).endswith(hint or "(did you mean link?)")
