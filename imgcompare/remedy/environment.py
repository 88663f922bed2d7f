"""Pure: whether packages may go into a virtual environment of their own, and what that environment need not have."""

from __future__ import annotations

import re
from functools import partial

from imgcompare.dockerfile.shell import Command
from imgcompare.regex import regex
from imgcompare.remedy.exempt import TOOLS, exempt, uses_pip
from imgcompare.remedy.shape import Part, Shape
from imgcompare.remedy.steps import Purpose, is_compiling, upgrades_pip

ENVIRONMENT = "/opt/venv"
"""Where it is."""

_NAMES_A_TOOL = regex(rf"\b(?:{'|'.join(TOOLS)})\b")

_PIP_FOR_OTHERS = (22, 3)  # since then it installs into another interpreter's environment
_NO_ENVIRONMENT = (
    (regex(r"\s--(?:user|target|prefix|root)\b|PIP_USER|PIP_TARGET|PYTHONUSERBASE"), "pip installs elsewhere"),
    (
        regex(r"(?:/usr(?:/local)?|\.venv|venv)/bin/(?:python|pip|gunicorn|uvicorn|flask)"),
        "a path names its Python",
    ),
    (regex(r"/usr/local/lib/python|/site-packages"), "a path names its packages"),
    (regex(r"\b(?:cron|crond|supervisord?|s6-svscan|systemctl)\b"), "something else starts the application"),
    (regex(r"\bbash\s+-\w*l|\b(?:ba)?sh\s+--login"), "a login shell sets PATH anew"),
    (regex(r"-m\s+venv\b|\bvirtualenv\b|\bconda\b|uv\s+(?:sync|venv|run)\b"), "it has an environment of its own"),
    (regex(r"\s(?:-e|--editable)\s|setup\.py\s+develop"), "a package is installed where it lies"),
    (regex(r"uv\s+pip\s+install\b.*--system"), "uv installs past an environment"),
)
# They begin with the PATH of the system, in which there is no environment.
_RESETTING = ("su", "sudo", "runuser", "cron", "crond", "supervisord", "systemctl", "sshd", "at")


def environment_refusal(shape: Shape) -> str:
    """Why the packages must not go into a virtual environment; "" where they may."""
    runs = [part.instruction for part in shape.parts if part.keyword in {"RUN", "ENV", "ENTRYPOINT", "CMD"}]
    for pattern, reason in _NO_ENVIRONMENT:
        if any(pattern.search(one.text) for one in runs) or pattern.search(shape.started):
            return reason
    if _NAMES_A_TOOL.search(shape.started):
        return "a tool starts the application"
    commands = [one for installer in shape.installers for one, _ in shape.commands(installer) or ()]
    if any(map(is_compiling, commands)):
        return "something is compiled beside the packages"
    first = shape.installers[0].line if shape.installers else 0
    if any(part.keyword == "USER" and part.instruction.line < first for part in shape.parts):
        return "packages are installed by a user that is not root"
    if any(
        part.keyword == "ENV" and re.search(r"\bPATH[= ](?!.*\$\{?PATH)", part.instruction.text) for part in shape.parts
    ):
        return "ENV sets PATH without what was in it"
    if reason := _named_refusal(shape):
        return reason
    if shape.original.files.has(f"{ENVIRONMENT}/bin"):
        return f"the image has {ENVIRONMENT}"
    return ""


def starts_tools(shape: Shape) -> bool:
    """Whether a tool that installs is started where the application runs, by its command or by what that starts."""
    probe = shape.original.probe
    return _NAMES_A_TOOL.search(shape.started) is not None or (
        probe is not None and (uses_pip(probe) or any(name in probe.programs for name in TOOLS))
    )


def _named_refusal(shape: Shape) -> str:
    """Why not, by what its files are and name."""
    copies = [part for part in shape.parts if part.keyword in {"COPY", "ADD"} and _adds_to(shape, part)]
    if copies:
        return f"line {copies[0].instruction.line} copies into the folder of its packages"
    probe = shape.original.probe
    if path := next(filter(partial(_is_of_environment, shape), probe.paths if probe else ()), ""):
        return f"its files name {path}"
    if starter := next((name for name in _RESETTING if probe and name in probe.programs), ""):
        return f"{starter} sets PATH anew"
    return ""


def _adds_to(shape: Shape, part: Part) -> bool:
    """Whether what is copied comes to lie among the packages: with an environment they are elsewhere."""
    probe = shape.original.probe
    folders = tuple(f"{folder.strip('/')}/" for folder in probe.folders) if probe else ()
    return any(path.startswith(folders) for path in shape.written(part.instruction))


def _is_of_environment(shape: Shape, path: str) -> bool:
    """Whether a path is that of its Python, of its programs or of its packages, which would be elsewhere."""
    probe = shape.original.probe
    if probe is None or path in {probe.prefix, f"{probe.prefix}/bin"}:
        return probe is not None
    if not path.startswith(f"{probe.prefix}/"):
        return False
    inside = path[len(probe.prefix) + 1 :]
    owned = path.strip("/") in shape.original.files.inventory.python_paths
    return owned or re.match(r"bin/python|lib/python[\d.]+(?:/|$)", inside) is not None


def may_be_bare(shape: Shape) -> bool:
    """Whether the environment needs no pip of its own: the base's can install into another, and nobody asks for it.

    That takes half the time: nothing is unpacked only to be taken out again.
    """
    has_python = shape.original.base.has("/usr/local/bin/python")
    # On Debian's and Ubuntu's own images apt brings both.
    there = shape.original.base if has_python else shape.original.files
    versions = [one.version for one in there.python if one.name == "pip"]
    number = tuple(int(part) for part in re.findall(r"\d+", versions[0])[:2]) if versions else (0,)
    return (
        (has_python or there.has("/usr/bin/pip3"))
        and number >= _PIP_FOR_OTHERS
        and set(unneeded(shape)) == {"setuptools", "pip"}
        and all(
            commands is not None and all(map(_is_plain_pip, commands))
            for one in shape.installers
            for commands in [shape.commands(one)]
        )
    )


def _is_plain_pip(told: tuple[Command, Purpose]) -> bool:
    command, purpose = told
    if purpose is not Purpose.INSTALL:
        return purpose is not Purpose.TOOL or upgrades_pip(command)
    names = {re.split(r"[\[<>=!~ ;@]", word, maxsplit=1)[0].lower() for word in command.words}
    return (
        re.fullmatch(r"pip3?", command.words[0]) is not None
        and not names & {"pip", "setuptools", "wheel"} - {command.words[0]}
        and "isolation" not in command.text
    )


def unneeded(shape: Shape) -> list[str]:
    """What an environment has of itself and no package asks for; before a look inside, nobody is taken to ask."""
    probe = shape.original.probe
    if probe is None:
        return ["setuptools", "pip"]
    base = shape.original.base.python
    own = {one.name: one.version for one in base}
    left = exempt(probe, tools=True)
    asked = {name for one, each in probe.distributions.items() if one not in left for name in each.requires}
    found = probe.distributions.get("setuptools")
    pinned = found is not None and found.version != own.get("setuptools")
    kept = asked | ({"setuptools"} if probe.setuptools or pinned else set()) | ({"pip"} if uses_pip(probe) else set())
    return [name for name in ("setuptools", "pip") if name not in kept]
