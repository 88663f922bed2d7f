"""Pure: what an image runs, as words, and where it looks for the program."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from posixpath import join, normpath

from msgspec import Struct

from imgcompare.engine.interface import EngineImage
from imgcompare.regex import regex

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_SHELLS = regex(r"(?:/\S*/)?(?:sh|bash|dash|ash)")
_ASSIGNMENT = regex(r"[A-Za-z_]\w*=.*", re.DOTALL)


class Command(Struct, frozen=True, kw_only=True):
    """The words that an image runs; of a simple shell line those of the line.

    ``keyword`` is the instruction that names the program. ``in_shell`` says that a shell starts it; words are then
    empty where the line is no simple command. ``shell`` is that shell, "" where there is none.
    """

    words: tuple[str, ...]
    keyword: str
    in_shell: bool = False
    shell: str = ""

    @property
    def program(self) -> str:
        """The first word, "" where there is none."""
        return self.words[0] if self.words else ""


def command_of(image: EngineImage) -> Command:
    """What a container of the image runs when nobody says otherwise."""
    words = (*image.entrypoint, *image.cmd)
    keyword = "ENTRYPOINT" if image.entrypoint else "CMD"
    if len(words) >= 3 and is_shell(words[0]) and words[1] == "-c":
        return Command(words=_simple(words[2]), keyword=keyword, in_shell=True, shell=words[0])
    return Command(words=words, keyword=keyword)


def is_shell(program: str) -> bool:
    """Whether a program is one of the usual shells, by its name."""
    return _SHELLS.fullmatch(program) is not None


def written(keyword: str, words: Sequence[str]) -> str:
    """A command as a Dockerfile has it: ``CMD ["flask", "run"]``."""
    return f"{keyword} {json.dumps(list(words), ensure_ascii=False)}"


def rewritten(image: EngineImage, words: Sequence[str]) -> tuple[str, ...]:
    """The instructions that make the image run these words instead, what ENTRYPOINT has staying there if it can.

    Where it cannot, ENTRYPOINT gets all of them, and CMD, whose words would follow once more, none.
    """
    entry = image.entrypoint
    if not entry:
        return (written("CMD", words),)
    if tuple(words[: len(entry)]) == entry and len(words) > len(entry):
        return (written("CMD", words[len(entry) :]),)
    return (written("ENTRYPOINT", words), *((written("CMD", ()),) if image.cmd else ()))


def is_plain_line(image: EngineImage, words: Sequence[str]) -> bool:
    """Whether a shell's line is nothing but these words, so that a list does the same."""
    script = (*image.entrypoint, *image.cmd)[2:]
    if len(script) != 1 or re.search(r"[$`;&|<>()*?~#]", script[0]):
        return False
    try:
        return shlex.split(script[0]) in ([*words], ["exec", *words])
    except ValueError:
        return False


def environment(image: EngineImage, given: Mapping[str, str]) -> dict[str, str]:
    """The environment of a container: the image's, and over it what it was given."""
    return dict(text.partition("=")[::2] for text in image.env) | dict(given)


def search_paths(program: str, working_dir: str, env: Mapping[str, str]) -> list[str]:
    """Where a program may be, in the order in which it is looked for."""
    if not program:
        return []
    if "/" in program:
        return [normpath(join("/", working_dir, program))]
    return [normpath(join("/", folder, program)) for folder in env.get("PATH", DEFAULT_PATH).split(":") if folder]


def script_of(command: Command, working_dir: str, env: Mapping[str, str]) -> list[str]:
    """Where the script may be that a shell is given to read (``sh start.sh``), else the program itself."""
    words = command.words
    given = next((word for word in words[1:] if not word.startswith("-")), "")
    if words and is_shell(words[0]) and given:
        return [normpath(join("/", working_dir, given))]
    return search_paths(command.program, working_dir, env)


def _simple(line: str) -> tuple[str, ...]:
    """The words of a shell line's last command, without assignments and ``exec``; () for what is more than that."""
    last = re.split(r"&&|;|\n", line.strip())[-1]
    if re.search(r"[|&<>`]|\$\(", last):
        return ()
    try:
        words = shlex.split(last)
    except ValueError:
        return ()
    while words and (words[0] == "exec" or _ASSIGNMENT.fullmatch(words[0])):
        words.pop(0)
    return tuple(words)
