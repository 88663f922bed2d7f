"""Shell lines of RUN: parted at their top, and left whole where that could change what they do."""

from __future__ import annotations

import pytest

from imgcompare.dockerfile.parser import read_instructions
from imgcompare.dockerfile.shell import Command, commands_of, flags_of, join_commands, split_commands


@pytest.mark.parametrize(
    ("text", "commands"),
    [
        ("pip install flask", [("pip install flask", "")]),
        ("apt-get update && apt-get install -y gcc", [("apt-get update", ""), ("apt-get install -y gcc", "&&")]),
        ("a; b && c", [("a", ""), ("b", ";"), ("c", "&&")]),
        ("echo 'a && b; c' && d", [("echo 'a && b; c'", ""), ("d", "&&")]),
        ('echo "a; \\" && b" ; d', [('echo "a; \\" && b"', ""), ("d", ";")]),
        ("echo $(a && b) && d", [("echo $(a && b)", ""), ("d", "&&")]),
        ("a > x 2>&1 && b", [("a > x 2>&1", ""), ("b", "&&")]),
        ("curl x | sh && b", [("curl x | sh", ""), ("b", "&&")]),
        ("a && b;", [("a", ""), ("b", "&&")]),
    ],
)
def test_parted_at_the_top(text: str, commands: list[tuple[str, str]]) -> None:
    """``&&`` and ``;`` part commands; quotes, substitutions and redirections are left together."""
    found = split_commands(text)
    assert found is not None
    assert [(one.text, one.joint) for one in found] == commands


@pytest.mark.parametrize(
    "text",
    [
        "a || b && c",
        "if a; then b; fi",
        "for x in a b; do c; done",
        "(a && b); c",
        "{ a; b; }",
        "a & b",
        "cat <<EOF",
        "a 'b",
    ],
)
def test_left_whole(text: str) -> None:
    """What cannot be parted without a doubt is not."""
    assert split_commands(text) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("DEBIAN_FRONTEND=noninteractive apt-get install gcc", ("apt-get", "install", "gcc")),
        ("sudo -E pip install x", ("-E", "pip", "install", "x")),
        ('/usr/bin/pip3 install "flask>=2"', ("/usr/bin/pip3", "install", "flask>=2")),
    ],
)
def test_words(text: str, words: tuple[str, ...]) -> None:
    """Assignments and what only wraps a command are no words of it."""
    assert Command(text).words == words


def test_flags_and_lists() -> None:
    """A RUN's flags are apart from its commands, and a list of words is no shell line."""
    mounted, listed = read_instructions(
        'RUN --mount=type=cache,target=/x --network=none pip install .\nRUN ["a", "b"]\n', "\\"
    )
    assert flags_of(mounted) == "--mount=type=cache,target=/x --network=none "
    assert [one.text for one in commands_of(mounted) or ()] == ["pip install ."]
    assert commands_of(listed) is None


def test_joined_again_as_they_were() -> None:
    """``;`` ignores a failure and ``&&`` does not: each joint stays."""
    commands = split_commands("a; b && c")
    assert commands is not None
    assert split_commands(join_commands(commands).replace("\\\n", "")) == commands
