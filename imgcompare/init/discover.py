"""What a folder's Dockerfiles tell of themselves: where they belong, their stages, their port and route."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec import Struct

from imgcompare.check.healthcheck import OWN_URL
from imgcompare.dockerfile.copy_sources import read_copy
from imgcompare.dockerfile.parser import Dockerfile, Instruction, parse
from imgcompare.errors import UsageError
from imgcompare.regex import regex

_NAME = regex(r"(docker|container)file(\d+|[._-].+)?|.+\.(docker|container)file", re.IGNORECASE)
_NO_DOCKERFILE = (
    ".dockerignore",
    ".containerignore",
    ".j2",
    ".tmpl",
    ".tpl",
    ".template",
    ".in",
    ".md",
    ".bak",
    ".orig",
)
_SKIPPED_FOLDERS = frozenset(("node_modules", "vendor", "venv", "__pycache__", "site-packages"))
_DEEPEST = 5
_MOST_BYTES = 1 << 20

_PORT_OPTION = regex(r"(?:--port|--bind|--listen|-b|-p)[ =\",']+(?:[\w.*\[\]]*:)?(\d{2,5})\b")


class FoundService(Struct, frozen=True, kw_only=True):
    """The service of a compose file that one of the Dockerfiles is; paths are relative to the folder searched."""

    file: str
    name: str
    dockerfile: str
    context: str
    target: str | None = None
    needs: tuple[str, ...] = ()


class FoundDockerfile(Struct, frozen=True, kw_only=True):
    """A Dockerfile; paths are relative to the folder that was searched.

    ``context`` is the nearest folder, from its own up, in which everything is that it copies. ``stages`` are the named
    ones before the last. ``exposed`` are its ports of EXPOSE, ``port`` the one its command or HEALTHCHECK names, and
    ``route`` the one that its HEALTHCHECK asks for.
    """

    path: str
    context: str
    stages: tuple[str, ...] = ()
    exposed: tuple[int, ...] = ()
    port: int | None = None
    route: str | None = None


def find_dockerfiles(root: Path) -> tuple[FoundDockerfile, ...]:
    """Return the Dockerfiles below a folder, those nearest to it first; what does not read as one is passed over."""
    found = []
    for path in sorted(_files(root), key=lambda path: (len(path.parts), str(path))):
        try:
            with (root / path).open(encoding="utf-8") as file:
                dockerfile = parse(file.read(_MOST_BYTES), str(path))
        except (OSError, UnicodeDecodeError, UsageError):
            continue
        found.append(_described(root, path, dockerfile))
    return tuple(found)


def _files(root: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(root):
        inside = Path(folder).relative_to(root)
        deep = len(inside.parts) >= _DEEPEST
        folders[:] = [] if deep else sorted(name for name in folders if name[0] != "." and name not in _SKIPPED_FOLDERS)
        for name in files:
            named = _NAME.fullmatch(name) and not name.lower().endswith(_NO_DOCKERFILE)
            # A pipe would be waited for. Unlike Path's, this never raises.
            if named and _is_text(str(inside / name)) and os.path.isfile(root / inside / name):  # noqa: PTH113
                yield inside / name


def _is_text(path: str) -> bool:
    """Whether a path can be written into a file: it is UTF-8, on one line."""
    return path.isprintable() and not any("\ud800" <= character <= "\udfff" for character in path)


def _described(root: Path, path: Path, dockerfile: Dockerfile) -> FoundDockerfile:
    _, chain = dockerfile.chain(None, {})
    instructions = [instruction for stage in chain for instruction in stage.instructions]
    last = dockerfile.stages[-1]
    checked = _last(instructions, "HEALTHCHECK")
    url = OWN_URL.search(checked) if checked else None
    command = " ".join(filter(None, (_last(instructions, "ENTRYPOINT"), _last(instructions, "CMD"))))
    started = _PORT_OPTION.search(command)
    port = int(url[1]) if url and url[1] else int(started[1]) if started else None
    return FoundDockerfile(
        path=path.as_posix(),
        context=_context(root, path, dockerfile),
        stages=tuple(stage.name for stage in dockerfile.stages if stage.name and stage is not last),
        exposed=tuple(sorted(set(_exposed(instructions)))),
        port=port if port and port < 65536 else None,
        route=url[2] if url and url[2] else None,
    )


def _last(instructions: Sequence[Instruction], keyword: str) -> str:
    return next((each.text for each in reversed(instructions) if each.keyword == keyword), "")


def _exposed(instructions: Sequence[Instruction]) -> Iterator[int]:
    for instruction in instructions:
        if instruction.keyword == "EXPOSE":
            for word in instruction.text.split():
                if match := re.fullmatch(r"(\d{1,5})(/tcp)?", word, re.IGNORECASE):
                    yield int(match[1])


def _context(root: Path, path: Path, dockerfile: Dockerfile) -> str:
    copies = (read_copy(each) for stage in dockerfile.stages for each in stage.instructions)
    taken = {source for copy in copies if copy and not copy.from_ for source in copy.sources}
    # What is fetched, or named by a variable, is looked for in no folder.
    sources = {source for source in taken if not any(mark in source for mark in ("$", "://", "@"))}
    for folder in path.parents:
        if all(_is_there(root / folder, source) for source in sources):
            return folder.as_posix()
    return path.parent.as_posix()


def _is_there(folder: Path, source: str) -> bool:
    """Whether a folder has what is copied; one of Dockerfiles alone is not what ``COPY .`` is meant for."""
    inside = os.path.normpath(source.lstrip("/") or ".")
    if inside == ".":
        with os.scandir(folder) as entries:
            return any(not _NAME.fullmatch(entry.name) and entry.name[0] != "." for entry in entries)
    if inside.startswith(".."):
        return False
    try:
        return any(folder.glob(inside))
    except ValueError:  # no pattern that Python knows
        return False
