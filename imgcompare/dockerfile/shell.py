"""Pure: what a RUN's shell line is made of: the commands that ``&&`` and ``;`` join, and their words.

Only what stands at the top is parted: what is in quotes, in ``$(…)``, in a group or in an ``if`` stays together, and a
line with ``||``, ``&`` or a heredoc is left whole, for to part it could change what it does.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence

from msgspec import Struct

from imgcompare.dockerfile.parser import Instruction
from imgcompare.regex import regex

AND, THEN = "&&", ";"
_FLAG = regex(r"--(?:[^\s\"']|\"[^\"]*\"|'[^']*')+\s+")
_ASSIGNMENT = regex(r"[A-Za-z_]\w*=")
_OPENING = frozenset(("if", "for", "while", "until", "case", "{", "("))
_WRAPPERS = frozenset(("sudo", "exec", "env", "command", "time", "nice"))
_QUOTED = regex(r"'[^']*'|\"(?:[^\"\\]|\\.)*\"|\\.|\$\([^()]*\)|`[^`]*`", re.DOTALL)


class Command(Struct, frozen=True):
    """One command: its ``text`` as written, and what joins it to the one before ("" for the first)."""

    text: str
    joint: str = ""

    @property
    def words(self) -> tuple[str, ...]:
        """Its words without quotes, without assignments before it and ``sudo`` and its like."""
        words = _words(self.text)
        while words and (_ASSIGNMENT.match(words[0]) or words[0] in _WRAPPERS):
            words = words[1:]
        return words

    @property
    def program(self) -> str:
        """The name of the program it starts, without its folder."""
        return self.words[0].rpartition("/")[2] if self.words else ""


def flags_of(instruction: Instruction) -> str:
    """The flags of a RUN (``--mount=… ``), with the space behind them."""
    at = 0
    while match := _FLAG.match(instruction.text, at):
        at = match.end()
    return instruction.text[:at]


def commands_of(instruction: Instruction) -> tuple[Command, ...] | None:
    """The commands of a RUN; None where it is a list of words, has a heredoc, or cannot be parted safely."""
    text = instruction.text[len(flags_of(instruction)) :].strip()
    return None if text.startswith("[") else split_commands(text)


def split_commands(text: str) -> tuple[Command, ...] | None:
    """Part a shell line at its top; None where it cannot be parted safely."""
    masked = _QUOTED.sub(lambda match: "_" * len(match[0]), text)
    if "<<" in masked or "||" in masked or re.search(r"(?<![&>])&(?![&>])", masked) or re.search(r"['\"`]", masked):
        return None
    if any(word in _OPENING or word.startswith("(") for word in masked.replace(";", " ").split()):
        return None
    commands: list[Command] = []
    start, joint = 0, ""
    for match in [*re.finditer(r"&&|;", masked), None]:
        part = text[start : match.start() if match else None].strip()
        if part:
            commands.append(Command(part, joint if commands else ""))
        if match:
            start, joint = match.end(), match[0]
    return tuple(commands)


def join_commands(commands: Sequence[Command]) -> str:
    """The commands as one shell line again, each on a line of its own; the first needs no joint."""
    first, *rest = commands
    return first.text + "".join(
        f" \\\n    && {one.text}" if one.joint != THEN else f"; \\\n    {one.text}" for one in rest
    )


def _words(text: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(text, comments=True))
    except ValueError:
        return tuple(text.split())


def options(words: Sequence[str]) -> Iterator[str]:
    """The words that are options."""
    return (word for word in words if word.startswith("-"))
