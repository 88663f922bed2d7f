"""Pure: a Dockerfile's last stage taken apart: each instruction with its comments, and what its layer wrote."""

from __future__ import annotations

from functools import cached_property

from msgspec import Struct

from imgcompare.dockerfile.document import Document, DocumentStage
from imgcompare.dockerfile.parser import Instruction
from imgcompare.dockerfile.shell import Command, commands_of
from imgcompare.image.layer_index import FileEntry
from imgcompare.image.tarheader import DIRECTORY
from imgcompare.regex import regex
from imgcompare.remedy.steps import AptInstall, Purpose, apt_install, is_compiling, purpose_of
from imgcompare.remedy.subject import Subject

_PACKAGES = regex(r"/(?:site|dist)-packages/")


# What belongs where the application runs, whatever is compiled beside it.
_OF_LAST = frozenset(("ldconfig", "useradd", "adduser", "usermod", "groupadd", "addgroup", "mkdir"))


def _of_builder(command: Command, purpose: Purpose) -> Purpose:
    """What a command is for beside one that compiles: sources are fetched, unpacked and thrown away in one RUN."""
    return Purpose.INSTALL if purpose is Purpose.OTHER and command.program not in _OF_LAST else purpose


class Part(Struct, frozen=True, dict=True):
    """An instruction with all lines between it and the one before: blank ones and comments."""

    instruction: Instruction
    text: str

    @property
    def keyword(self) -> str:
        """The instruction's keyword."""
        return self.instruction.keyword

    @cached_property
    def lead(self) -> str:
        """The lines above the instruction."""
        return "".join(self.text.splitlines(keepends=True)[: -self._own_lines])

    @property
    def _own_lines(self) -> int:
        return self.instruction.last_line - self.instruction.line + 1


class Shape(Struct, frozen=True, dict=True):
    """The last stage of a Dockerfile, part by part, beside the image it made."""

    document: Document
    stage: DocumentStage
    original: Subject

    @cached_property
    def preamble(self) -> str:
        """What stands before the stage."""
        first = self.stage.instructions[0]
        before = max((one.last_line for one in self.document.instructions if one.line < first.line), default=0)
        return "".join(self.document.lines[:before])

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """The stage's parts, the first of which is FROM's."""
        end = self.preamble.count("\n")
        parts = []
        for one in self.stage.instructions:
            text = "".join(self.document.lines[end : one.last_line])
            parts.append(Part(one, text if text.endswith("\n") else f"{text}\n"))
            end = one.last_line
        return tuple(parts)

    @cached_property
    def trailing(self) -> str:
        """What stands behind the last instruction."""
        return "".join(self.document.lines[self.stage.instructions[-1].last_line :])

    def commands(self, instruction: Instruction) -> tuple[tuple[Command, Purpose], ...] | None:
        """The commands of a RUN and what each is for; None where it cannot be parted.

        What words do not tell the layer does: where no command says that it installs and packages were written, one of
        those that are not understood did.
        """
        commands = commands_of(instruction)
        if commands is None:
            return None
        told = [(command, purpose_of(command)) for command in commands]
        if any(map(is_compiling, commands)):
            return tuple((one, _of_builder(one, purpose)) for one, purpose in told)
        if not any(purpose in {Purpose.INSTALL, Purpose.TOOL} for _, purpose in told) and self.installs(instruction):
            told = [(one, Purpose.INSTALL if purpose is Purpose.OTHER else purpose) for one, purpose in told]
        return tuple(told)

    def purposes(self, instruction: Instruction) -> frozenset[Purpose]:
        """What a RUN is for."""
        commands = self.commands(instruction)
        if commands is None:
            return frozenset((Purpose.INSTALL if self.installs(instruction) else Purpose.OTHER,))
        return frozenset(purpose for _, purpose in commands)

    def written(self, instruction: Instruction) -> dict[str, FileEntry]:
        """The files that an instruction's layer brought and that are still there, by path without a slash."""
        layers = {
            index
            for index, layer in enumerate(self.original.image.layers)
            if layer.dockerfile_line == instruction.line and index >= self.original.base_count
        }
        root = self.original.files.root
        return {
            path: entry
            for path, entry in root.entries.items()
            if root.layer_of[path] in layers and entry.kind != DIRECTORY
        }

    def is_thrown_away(self, instruction: Instruction) -> bool:
        """Whether nothing is left of what a COPY brought, for the RUN that compiled it deleted it."""
        if instruction.keyword not in {"COPY", "ADD"} or self.written(instruction):
            return False
        later = [part.instruction for part in self.parts if part.instruction.line > instruction.line]
        parted = (commands_of(one) or () for one in later if one.keyword == "RUN")
        deleting = next((commands for commands in parted if any(one.program == "rm" for one in commands)), ())
        told = zip(self.original.archived.layers, self.original.image.layers, strict=True)
        brought = (layer.entries for layer, one in told if one.dockerfile_line == instruction.line and not one.base)
        return any(map(is_compiling, deleting)) and any(brought)

    def installs(self, instruction: Instruction) -> bool:
        """Whether an instruction's layer has Python packages, other than those that apt brought.

        Bytecode is no package: Debian's packages compile their own when they are installed, and dpkg lists none of it.
        """
        paths = (path for path in self.written(instruction) if "/__pycache__/" not in path)
        return any(_PACKAGES.search(path) and not self.original.files.owner(path) for path in paths)

    @cached_property
    def installers(self) -> tuple[Instruction, ...]:
        """The RUNs that install Python packages for the application."""
        return tuple(
            part.instruction
            for part in self.parts
            if part.keyword == "RUN" and Purpose.INSTALL in self.purposes(part.instruction)
        )

    @cached_property
    def apt(self) -> tuple[AptInstall, ...]:
        """What the stage installs with apt by name."""
        commands = [
            command
            for part in self.parts
            if part.keyword == "RUN"
            for command, _ in self.commands(part.instruction) or ()
        ]
        return tuple(found for command in commands if (found := apt_install(command)))

    @property
    def named(self) -> tuple[str, ...]:
        """The Debian packages that are installed by name and not for building."""
        return tuple(name for one in self.apt for name in one.kept)

    @property
    def started(self) -> str:
        """What the image runs, in words."""
        image = self.original.built.image
        check = image.healthcheck.command if image.healthcheck else ()
        return " ".join((*image.entrypoint, *image.cmd, *check))
