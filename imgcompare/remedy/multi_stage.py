"""Pure: from a Dockerfile of one stage to one of two: what builds is left behind, what runs is taken along.

Two ways. *environment*: the packages go into a virtual environment in the builder, which the last stage takes whole.
*in place*: the builder is the original as it stands, and the last stage takes what it wrote, to the same paths; for
what a virtual environment would change (``pip --user``, absolute paths, tools that run the application).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct, field

from imgcompare.dockerfile.shell import AND, Command, flags_of, join_commands
from imgcompare.regex import regex
from imgcompare.remedy.copies import beside_lines, copy_lines
from imgcompare.remedy.environment import ENVIRONMENT, starts_tools, unneeded
from imgcompare.remedy.needs import Need
from imgcompare.remedy.shape import Part, Shape
from imgcompare.remedy.steps import Purpose, apt_install
from imgcompare.remedy.subject import Files

_BUILDER, _OTHER_BUILDER = "builder", "packages"
_NAMED = regex(r"\s+AS\s+\S+$", re.IGNORECASE)
_LISTS = "rm -rf /var/lib/apt/lists/*"
_FOR_BUILDING = frozenset(("ENV", "ARG", "WORKDIR", "SHELL", "COPY", "ADD", "RUN", "USER"))


class Refusal(Struct, frozen=True):
    """Why a candidate is not written."""

    reason: str


class _Stages(Struct):
    """The two stages while they are written."""

    builder: list[str] = field(default_factory=list)
    last: list[str] = field(default_factory=list)


def write_multi_stage(
    shape: Shape, base: str, there: Files, needs: Sequence[Need], *, in_place: bool, bare: bool = False
) -> str | Refusal:
    """Write the Dockerfile; ``base`` is what the last stage stands on, ``there`` its files, ``needs`` what it lacks.

    A ``bare`` environment has no pip of its own.
    """
    if not shape.installers:
        if any(name.startswith("python3-") for name in shape.named):
            return Refusal("its Python packages are apt's, which belong where they run")
        return Refusal("nothing in it installs Python packages in a way that is understood")
    name = _BUILDER if (shape.stage.name or "").lower() != _BUILDER else _OTHER_BUILDER
    if in_place:
        copies = copy_lines(shape, name, there, tools=starts_tools(shape))
        if isinstance(copies, str):
            return Refusal(copies)
        lines = (*_making_room(shape, there), *copies)
    else:
        beside = beside_lines(shape, name, there)
        lines = (f"COPY --from={name} {ENVIRONMENT} {ENVIRONMENT}", f"ENV PATH={ENVIRONMENT}/bin:$PATH", *beside)
    stages = _Stages()
    _write_builder(shape, stages, name, there, in_place=in_place, bare=bare)
    _write_last(shape, stages, base, lines, needs)
    text = shape.preamble + "".join(stages.builder) + "\n" + "".join(stages.last) + shape.trailing
    return _with_line_ends(text, shape.document.text)


def write_without_tools(shape: Shape, base: str, needs: Sequence[Need]) -> str | None:
    """The same stage on ``base``, without the packages that only build; None where it installs none of these.

    For what has nothing to be built: all its packages are the distribution's.
    """
    if all(one.kept == one.packages for one in shape.apt):
        return None
    begin, *rest = shape.parts
    lines = [begin.lead, shape.document.source(begin.instruction).rstrip().replace(shape.stage.base, base, 1), "\n"]
    lines += _needed(needs)
    for part in rest:
        lines += _run_of_last(shape, part) if part.keyword == "RUN" else [part.text]
    return _with_line_ends(shape.preamble + "".join(lines) + shape.trailing, shape.document.text)


def _write_builder(shape: Shape, stages: _Stages, name: str, there: Files, *, in_place: bool, bare: bool) -> None:
    """Everything up to the last installation, as it stands; into an environment where there is to be one."""
    begin, *rest = shape.parts
    source = _NAMED.sub("", shape.document.source(begin.instruction).rstrip())
    stages.builder.append(f"{begin.lead}{source} AS {name}\n")
    last = shape.installers[-1].line
    activated = in_place
    for part in rest:
        if part.instruction.line > last or part.keyword not in _FOR_BUILDING:
            continue
        if not activated and part.instruction in shape.installers:
            activated = True
            stages.builder += _activated(shape, part, bare=bare)
        else:
            stages.builder.append(part.text)
    if in_place:
        stages.builder += _without_installers(shape, there)
    elif not bare:
        stages.builder += _without_unneeded(shape)


def _activated(shape: Shape, part: Part, *, bare: bool) -> Iterator[str]:
    """The environment is made before the first installation, but behind the tool that does it, and behind Python.

    A base such as Debian's has no Python: apt brings it, with the name python3 alone.
    """
    has_python = shape.original.base.has("/usr/local/bin/python")
    before = {Purpose.TOOL} if has_python else {Purpose.TOOL, Purpose.APT}
    outside_pip = f"PIP_PYTHON={ENVIRONMENT}/bin/python " if bare else ""
    outside = "\n# Pip installs into it from outside, and is not in it." if bare else ""
    lines = (
        f"\n# A virtual environment: all packages in one folder, which the last stage takes whole.{outside}\n"
        f"RUN {'python' if has_python else 'python3'} -m venv {'--without-pip ' if bare else ''}{ENVIRONMENT}\n"
        f"ENV VIRTUAL_ENV={ENVIRONMENT} {outside_pip}PATH={ENVIRONMENT}/bin:$PATH\n"
    )
    commands = shape.commands(part.instruction) or ()
    first = next((at for at, (_, purpose) in enumerate(commands) if purpose is Purpose.INSTALL), 0)
    if not any(purpose in before for _, purpose in commands[:first]):
        yield lines
        yield part.text if part.text.startswith("\n") else f"\n{part.text}"
        return
    flags = flags_of(part.instruction)
    yield part.lead
    yield f"RUN {flags}{join_commands([one for one, _ in commands[:first]])}\n"
    yield lines
    yield f"RUN {flags}{join_commands([one for one, _ in commands[first:]])}\n"


def _without_installers(shape: Shape, there: Files) -> Iterator[str]:
    """What the last stage's base has anyway, in the same version, is not taken along a second time."""
    versions = [
        {one.name: one.version for one in files.python} for files in (shape.original.base, shape.original.files, there)
    ]
    same = [name for name in ("wheel", "setuptools", "pip") if len({each.get(name, "") for each in versions}) == 1]
    same = [name for name in same if name in versions[0]]
    # What another user installed lies in a home, and theirs are no hands for the system's packages.
    if same and not _installs_as_user(shape):
        yield "\n# The last stage has these.\n"
        yield f"RUN pip uninstall --yes {' '.join(same)}\n"


def _making_room(shape: Shape, there: Files) -> Iterator[str]:
    """What the original has in another version than the last stage's base is taken away there, or both would be."""
    own, base = ({one.name: one.version for one in files.python} for files in (shape.original.files, there))
    other = [
        name for name in ("wheel", "setuptools", "pip") if name in base and base[name] != own.get(name, base[name])
    ]
    if other and not _installs_as_user(shape):
        yield "# Another version of these comes from the builder."
        yield f"RUN pip uninstall --yes {' '.join(other)}"


def _installs_as_user(shape: Shape) -> bool:
    """Whether somebody but root installs."""
    last = shape.installers[-1].line
    return any(part.keyword == "USER" and part.instruction.line < last for part in shape.parts)


def _without_unneeded(shape: Shape) -> Iterator[str]:
    """What only installs is taken out of the environment."""
    if names := unneeded(shape):
        yield "\n# What only installs is not taken along.\n"
        yield f"RUN pip uninstall --yes {' '.join(names)}\n"


def _write_last(shape: Shape, stages: _Stages, base: str, lines: Iterable[str], needs: Sequence[Need]) -> None:
    """The original without what builds, and with what was built in the place of the first installation."""
    begin, *rest = shape.parts
    platform = re.search(r"--platform=\S+\s+", begin.instruction.text)
    stages.last.append("\n# What runs: the packages without the tools that built them.\n")
    own_name = _NAMED.search(shape.document.source(begin.instruction).rstrip())  # --target goes on to mean what runs
    stages.last.append(f"FROM {platform[0] if platform else ''}{base}{own_name[0] if own_name else ''}\n")
    stages.last += _needed(needs)
    for part in rest:
        if part.keyword != "RUN":
            stages.last += [] if shape.is_thrown_away(part.instruction) else [part.text]
            continue
        if part.instruction is shape.installers[0]:
            stages.last += ["\n", *(f"{line}\n" for line in lines)]
        stages.last += _run_of_last(shape, part)


def _needed(needs: Sequence[Need]) -> Iterator[str]:
    if needs:
        what = ", ".join(f"{need.package} ({need.what})" for need in needs)
        yield "\n"
        yield f"# What the packages and the application need of the system: {what}\n"
        yield apt_line([need.package for need in needs])


def apt_line(packages: Iterable[str]) -> str:
    """The RUN that installs packages and leaves no lists."""
    names = " ".join(packages)
    return f"RUN apt-get update \\\n    && apt-get install -y --no-install-recommends {names} \\\n    && {_LISTS}\n"


def _run_of_last(shape: Shape, part: Part) -> Iterator[str]:
    """What of a RUN the last stage has: nothing that installs Python packages or build tools, all else in its order."""
    instruction = part.instruction
    commands = shape.commands(instruction)
    if commands is None:
        if not shape.installs(instruction):
            yield part.text
        return
    kept = _kept_commands(commands)
    if kept == [command for command, _ in commands]:
        yield part.text
    elif any(one.program not in {"cd", "set"} for one in kept):
        yield f"{part.lead}RUN {flags_of(instruction)}{join_commands(kept)}\n"


def _kept_commands(commands: Sequence[tuple[Command, Purpose]]) -> list[Command]:
    """What of a RUN's commands the last stage has; none where nothing is left that does anything."""
    installs = [apt_install(one) for one, purpose in commands if purpose is Purpose.APT and "install" in one.words]
    upgrades = any(purpose is Purpose.APT and _upgrades(one) for one, purpose in commands)
    apt = upgrades or any(found is None or found.kept for found in installs)
    kept: list[Command] = []
    for command, purpose in commands:
        if purpose is Purpose.APT and apt:
            kept += _kept_apt(command, updated=any("update" in one.words for one in kept))
        elif purpose is Purpose.OTHER or purpose is Purpose.NOTHING or (purpose is Purpose.CLEAN and apt):
            kept.append(command)
    if not apt and not any(purpose is Purpose.OTHER for _, purpose in commands):
        return []
    if apt and not any(_LISTS in one.text for one in kept):
        kept.append(Command(_LISTS, AND))
    return kept


def _kept_apt(command: Command, *, updated: bool) -> Iterator[Command]:
    """An apt command with the packages that are not for building, its options as they are."""
    words = command.words
    found = apt_install(command)
    if "install" in words and found and not found.kept:
        return
    if any(word in words for word in ("purge", "remove", "autoremove")):
        return  # what takes build tools away has nothing to take here
    joint = command.joint
    if not updated and "update" not in words and not any(word in words for word in ("clean", "autoclean")):
        yield Command("apt-get update", joint)
        joint = AND
    if found is None or found.kept == found.packages:
        yield Command(command.text, joint)
        return
    assignments = re.match(r"(?:[A-Za-z_]\w*=\S*\s+)*", command.text)
    yield Command((assignments[0] if assignments else "") + " ".join(map(_quoted, (*found.words, *found.kept))), joint)


def _upgrades(command: Command) -> bool:
    return any(word.endswith("upgrade") for word in command.words)


def _quoted(word: str) -> str:
    return word if re.fullmatch(r"[\w@%+=:,./$-]+", word) else shlex.quote(word)


def _with_line_ends(text: str, like: str) -> str:
    """The text with the line ends of another."""
    plain = text.replace("\r\n", "\n")
    plain = re.sub(r"\n{3,}", "\n\n", plain)
    return plain.replace("\n", "\r\n") if "\r\n" in like else plain
