"""A small reader of Dockerfiles: their stages and the images these need; what is wrong in one is the builder's to say.

The syntax is that of https://docs.docker.com/reference/dockerfile/ as BuildKit parses it
(https://github.com/moby/buildkit, ``frontend/dockerfile/parser``).
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise, takewhile

from msgspec import Struct

from imgcompare.dockerfile.variables import NO_PLATFORM, Platforms, argument_values, expand
from imgcompare.errors import UsageError
from imgcompare.regex import regex

_DIRECTIVE = regex(r"#\s*(syntax|escape|check)\s*=\s*(.+?)\s*$", re.IGNORECASE)
_HEREDOC = regex(r"\d*<<(-?)\s*([^<]+)")

SCRATCH = "scratch"
"""What FROM names for an image without layers."""


class Instruction(Struct, frozen=True):
    """One instruction: its ``keyword`` in capitals, the number of its first ``line`` from 1, and its arguments.

    Of ``text``, lines that are continued are joined; a heredoc's body is no part of it. ``last_line`` is the last that
    belongs to it: of its continuation, the comments in between included, or of its heredocs.
    """

    keyword: str
    line: int
    text: str
    last_line: int


class StageInfo(Struct, frozen=True, kw_only=True):
    """One build stage: ``base`` is the image or stage after FROM, with the defaults of its variables put in.

    ``base`` is empty where a variable has no default; ``expression`` is what was written. ``references`` are the images
    and stages that its COPY and RUN take files from. ``line`` is that of its FROM and ``last_line`` the last before the
    next stage, both from 1; None ends with the file. ``instructions`` are those after FROM.
    """

    name: str | None
    index: int
    base: str
    expression: str
    line: int
    last_line: int | None
    references: tuple[str, ...]
    instructions: tuple[Instruction, ...]


class Dockerfile(Struct, frozen=True, kw_only=True):
    """A Dockerfile as far as its stages go; ``syntax`` is the frontend image that its first lines ask for.

    ``arguments`` are the ARGs before the first FROM and their defaults as written.
    """

    name: str
    syntax: str | None
    escape: str
    arguments: tuple[tuple[str, str | None], ...]
    stages: tuple[StageInfo, ...]

    def base_images(
        self, target: str | None, build_args: Mapping[str, str], platforms: Platforms = NO_PLATFORM
    ) -> tuple[str, ...]:
        """Return the images from elsewhere that building ``target`` (default: the last stage) needs, in file order.

        ``platforms`` give TARGETARCH, BUILDARCH and their like their values. An image whose name hangs on a
        variable without a value is left out: the builder says what is missing. Raises UsageError for an unknown target.
        """
        self.check_target(target)
        values = argument_values(self.arguments, build_args, platforms, self.escape)
        images: dict[str, None] = {}
        for stage in self._needed(self.stages[-1] if target is None else self._named(target), values):
            base = expand(stage.expression, values, self.escape)
            if base and self._named(base, before=stage.index) is None:
                images[base] = None
            images |= {name: None for name in stage.references if self._is_external(name)}
        images.pop(SCRATCH, None)
        return tuple(images)

    def chain(
        self, target: str | None, build_args: Mapping[str, str], platforms: Platforms = NO_PLATFORM
    ) -> tuple[str | None, tuple[StageInfo, ...]]:
        """Return the image from elsewhere that ``target`` stands on, and the stages stacked on it, the lowest first.

        Only FROM counts, not ``COPY --from``. The image is SCRATCH where there is none, and None where its name hangs
        on a variable without a value. Raises UsageError for an unknown target.
        """
        self.check_target(target)
        values = argument_values(self.arguments, build_args, platforms, self.escape)
        return self._chain(self.stages[-1] if target is None else self._named(target), values)

    def chains(
        self, build_args: Mapping[str, str], platforms: Platforms = NO_PLATFORM
    ) -> tuple[tuple[str | None, tuple[StageInfo, ...]], ...]:
        """Return the ``chain`` of each stage, in file order, of those without a name too."""
        values = argument_values(self.arguments, build_args, platforms, self.escape)
        return tuple(self._chain(stage, values) for stage in self.stages)

    def _chain(self, stage: StageInfo | None, values: Mapping[str, str]) -> tuple[str | None, tuple[StageInfo, ...]]:
        stages: list[StageInfo] = []
        base: str | None = None
        while stage is not None:
            stages.append(stage)
            base = expand(stage.expression, values, self.escape)
            stage = self._named(base or "", before=stage.index)
        return base or None, tuple(reversed(stages))

    def needed(
        self, target: str | None, build_args: Mapping[str, str], platforms: Platforms = NO_PLATFORM
    ) -> tuple[StageInfo, ...]:
        """Return the stages that building ``target`` needs, in file order. Raises UsageError for an unknown target."""
        self.check_target(target)
        values = argument_values(self.arguments, build_args, platforms, self.escape)
        return tuple(self._needed(self.stages[-1] if target is None else self._named(target), values))

    def check_target(self, target: str | None) -> None:
        """Raise UsageError, naming the stages there are, if no stage has that name; None stands for the last stage."""
        if target is None or self._named(target) is not None:
            return
        names = [stage.name for stage in self.stages if stage.name]
        close = difflib.get_close_matches(target.lower(), names, n=1)
        stages = f"its stages are: {', '.join(names)}" if names else "none of its stages has a name"
        hint = f"Did you mean {close[0]!r}?" if close else "A stage gets its name by `FROM … AS NAME`."
        raise UsageError(f"no stage {target!r} in {self.name}; {stages}", hint=hint)

    def _named(self, name: str, before: int | None = None) -> StageInfo | None:
        stages = reversed(self.stages[:before])
        return next((stage for stage in stages if stage.name == name.lower()), None)

    def _referred(self, reference: str) -> StageInfo | None:
        """Return the stage of that name or number; COPY and RUN may name a later one, too."""
        if _is_number(reference):
            return next((stage for stage in self.stages if stage.index == int(reference)), None)
        return self._named(reference)

    def _is_external(self, reference: str) -> bool:
        # The builder refuses variables and numbers beyond the last stage: neither is an image.
        return self._named(reference) is None and not _is_number(reference) and "$" not in reference

    def _needed(self, start: StageInfo | None, values: Mapping[str, str]) -> list[StageInfo]:
        needed: dict[int, StageInfo] = {}
        waiting = [start]
        while waiting:
            stage = waiting.pop()
            if stage is None or stage.index in needed:
                continue
            needed[stage.index] = stage
            base = expand(stage.expression, values, self.escape)
            waiting += [self._named(base or "", before=stage.index), *map(self._referred, stage.references)]
        return [needed[index] for index in sorted(needed)]


def parse(text: str, name: str) -> Dockerfile:
    """Read a Dockerfile; ``name`` is what messages call it. Raises UsageError if it has no instruction or no FROM."""
    escape = escape_of(text)
    instructions = read_instructions(text, escape)
    if not instructions:
        raise UsageError(f"Dockerfile {name} has no instruction", hint="A Dockerfile begins with FROM.")
    arguments: list[tuple[str, str | None]] = []
    for instruction in takewhile(lambda instruction: instruction.keyword != "FROM", instructions):
        if instruction.keyword == "ARG":
            parts = (word.partition("=") for word in _words(instruction.text, escape))
            arguments += [(key, default if equals else None) for key, equals, default in parts]
    stages = tuple(_stages(instructions, argument_values(arguments, {}, NO_PLATFORM, escape), escape))
    if not stages:
        raise UsageError(f"Dockerfile {name} has no FROM instruction", hint="Begin it with FROM and a base image.")
    return Dockerfile(
        name=name, syntax=directives(text).get("syntax"), escape=escape, arguments=tuple(arguments), stages=stages
    )


def directives(text: str) -> dict[str, str]:
    """Return the parser directives of the first lines (``syntax``, ``escape``, ``check``); of one twice, the first."""
    found: dict[str, str] = {}
    for match in _directives(text):
        found.setdefault(match[1].lower(), match[2])
    return found


def directive_count(text: str) -> int:
    """Return how many of the first lines are parser directives: what stands above them makes comments of them."""
    return sum(1 for _ in _directives(text))


def _directives(text: str) -> Iterator[re.Match[str]]:
    for line in text.removeprefix("\ufeff").split("\n"):
        match = _DIRECTIVE.match(line.strip())
        if match is None:
            return
        yield match


def escape_of(text: str) -> str:
    """Return the character that continues lines: a backslash, or what ``# escape=`` says."""
    escape = directives(text).get("escape", "\\")
    return escape if escape in {"\\", "`"} else "\\"


def read_instructions(text: str, escape: str) -> tuple[Instruction, ...]:
    """Return the instructions of any text in a Dockerfile's syntax, those before the first FROM and the FROMs too."""
    return tuple(_instructions(text.removeprefix("\ufeff").removesuffix("\n").split("\n"), escape))


def from_words(instruction: Instruction) -> tuple[str, str | None]:
    """Return what a FROM names as its base, "" where it names nothing, and its stage's name in small letters."""
    words = [word for word in instruction.text.split() if not word.startswith("--")]
    name = words[2].lower() if len(words) > 2 and words[1].upper() == "AS" else None
    return (words[0] if words else ""), name


def _instructions(lines: Sequence[str], escape: str) -> Iterator[Instruction]:
    mark = re.escape(escape)
    continued = re.compile(rf"(^|[^{mark}]){mark}[ \t]*$")
    at = 0
    while at < len(lines):
        number = at + 1
        whole, part = "", lines[at].strip()
        at += 1
        if part.startswith("#"):
            continue
        while match := continued.search(part):
            whole += part[: match.end(1)]
            while at < len(lines) and (not lines[at].strip() or lines[at].lstrip().startswith("#")):
                at += 1  # comments and empty lines do not end an instruction
            part = lines[at].rstrip("\r") if at < len(lines) else ""
            at += 1
        keyword, _, rest = re.sub(r"\s", " ", (whole + part).strip(), count=1).partition(" ")
        if keyword:
            at = _after_heredocs(lines, at, keyword.upper(), rest.strip())
            yield Instruction(keyword.upper(), number, rest.strip(), min(at, len(lines)))


def _after_heredocs(lines: Sequence[str], at: int, keyword: str, rest: str) -> int:
    """Return where the bodies of an instruction's heredocs end; one without its end is taken for plain text."""
    if keyword == "ONBUILD":
        keyword, _, rest = rest.partition(" ")
    if keyword.upper() not in {"RUN", "COPY", "ADD"} or _is_json(rest):
        return at
    for word in _words(rest, "\\"):
        match = _HEREDOC.fullmatch(word)
        if match is None:
            continue
        end = _unquoted(match[2], "\\")
        for position in range(at, len(lines)):
            line = lines[position].rstrip("\r")
            if (line.lstrip("\t") if match[1] else line) == end:
                at = position + 1
                break
    return at


def _is_json(text: str) -> bool:
    try:
        return isinstance(json.loads(text), list)
    except (ValueError, RecursionError):
        return False


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _stages(instructions: Sequence[Instruction], defaults: Mapping[str, str], escape: str) -> Iterator[StageInfo]:
    starts = [position for position, instruction in enumerate(instructions) if instruction.keyword == "FROM"]
    for index, (start, end) in enumerate(pairwise([*starts, len(instructions)])):
        within = tuple(instructions[start + 1 : end])
        expression, name = from_words(instructions[start])
        yield StageInfo(
            name=name,
            index=index,
            base=expand(expression, defaults, escape) or "",
            expression=expression,
            line=instructions[start].line,
            last_line=instructions[end].line - 1 if end < len(instructions) else None,
            references=tuple(source for instruction in within for source in _sources(instruction, escape)),
            instructions=within,
        )


def _sources(instruction: Instruction, escape: str) -> Iterator[str]:
    """Find where an instruction takes files from: ``COPY --from=…``, ``RUN --mount=…,from=…``."""
    for word in takewhile(lambda word: word.startswith("--"), _words(instruction.text, escape)):
        flag, _, value = _unquoted(word, escape).partition("=")
        if (instruction.keyword, flag) == ("COPY", "--from") and value:
            yield value
        if (instruction.keyword, flag) == ("RUN", "--mount"):
            fields = (field.partition("=") for field in value.split(","))
            yield from (source for key, _, source in fields if key.strip().lower() == "from" and source)


def _words(text: str, escape: str) -> Iterator[str]:
    """Split at white space outside quotes, which stay; end where a quote is not closed."""
    mark = re.escape(escape)
    # The white space between "<<" and a heredoc's name does not part them.
    word = re.compile(
        rf"""\s*((?:<<-?[ \t]*(?=[^<\s])|[^\s'"{mark}]|{mark}.|{mark}$|'[^']*'|"(?:[^"{mark}]|{mark}.)*")+)(?=\s|$)"""
    )
    at = 0
    while match := word.match(text, at):
        yield match[1]
        at = match.end()


def _unquoted(word: str, escape: str) -> str:
    return re.sub(rf"{re.escape(escape)}(.)|['\"]", r"\1", word)
