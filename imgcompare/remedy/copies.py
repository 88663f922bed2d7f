"""Pure: the COPY lines that bring what installations wrote from the builder to the same places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os.path import commonpath

from imgcompare.image.layer_index import FileEntry
from imgcompare.image.tarheader import DIRECTORY
from imgcompare.regex import regex
from imgcompare.remedy.shape import Shape
from imgcompare.remedy.steps import Purpose
from imgcompare.remedy.subject import Files

# What installations write by the way: caches, what apt keeps, and what the system makes of it.
_LEFT = regex(
    r"(?:etc|var|tmp|run|dev|proc|sys|boot|lib\w*|bin|sbin)/|usr/(?!local/|src/)|(?:root|home/[^/]+)/\.(?:npm|config)/"
    r"|(?:root|home/[^/]+)/\.cache/(?:pip|uv|pypoetry/(?:cache|artifacts)|pipenv|virtualenv)/|usr/local/\.lock$|usr/local/(?:share/)?(?:man|doc)/"
)
_SITE = regex(r"(.*/(?:site|dist)-packages)/")
_MOST_SOURCES = 60
_MOST_BESIDE = 10
_SMALL_BYTES = 3_000_000
_COPIED = ("COPY", "ADD", "WORKDIR")


def copy_lines(shape: Shape, stage: str, there: Files, *, tools: bool) -> tuple[str, ...] | str:
    """The lines, or why there can be none; ``there`` is what the last stage stands on.

    What a RUN that only installs tools wrote comes along where ``tools`` are needed to run.
    """
    groups: dict[str, dict[str, FileEntry]] = {}
    present = _Present(shape, there)
    for instruction in (part.instruction for part in shape.parts if part.keyword == "RUN"):
        purposes = shape.purposes(instruction)
        if Purpose.INSTALL not in purposes and not (tools and Purpose.TOOL in purposes):
            continue
        for path, entry in shape.written(instruction).items():
            if not _LEFT.match(path) and not shape.original.files.owner(path):
                groups.setdefault(present.top(path), {})[path] = entry
    if not groups:
        return "what its installations wrote is not known by layer"
    if len(groups) > _MOST_SOURCES:
        return "its installations wrote to too many places"
    lines = [
        _line(stage, top if present.is_whole(top) else commonpath(list(files)), files)
        for top, files in sorted(groups.items())
    ]
    return _joined(lines, there)


def beside_lines(shape: Shape, stage: str, there: Files) -> tuple[str, ...]:
    """The lines that bring what installations wrote among the application's files: an exported list, an egg-info."""
    present, lines = _Present(shape, there), list[str]()
    for instruction in (part.instruction for part in shape.parts if part.keyword == "RUN"):
        if not shape.purposes(instruction) & {Purpose.INSTALL, Purpose.TOOL}:
            continue
        files = {
            path: entry
            for path, entry in shape.written(instruction).items()
            if present.is_made(path) and not _LEFT.match(path) and "/__pycache__/" not in path
        }
        lines += [_line(stage, path, {path: entry}) for path, entry in sorted(files.items())]
    return tuple(dict.fromkeys(lines)) if len(lines) <= _MOST_BESIDE else ()


class _Present:
    """Which folders the last stage has anyway: its base's, and those that COPY and WORKDIR make."""

    def __init__(self, shape: Shape, there: Files) -> None:
        self._there = there
        self._environments = frozenset(shape.original.files.inventory.environments) - {"usr", "usr/local"}
        made = {
            entry.path
            for layer, told in zip(shape.original.archived.layers, shape.original.image.layers, strict=True)
            if told.created_by.startswith(_COPIED)
            for entry in layer.entries
            if entry.kind == DIRECTORY
        }
        working = (shape.original.built.image.working_dir or "").strip("/").split("/")
        self._made = made | {"/".join(working[:count]) for count in range(1, len(working) + 1)}

    def is_made(self, path: str) -> bool:
        """Whether a file lies in a folder that COPY or WORKDIR made, and not in an environment."""
        folders = {path[:at] for at, letter in enumerate(path) if letter == "/"}
        return not self._environments & folders and any(not self._there.has(one) for one in self._made & folders)

    def is_whole(self, top: str) -> bool:
        """Whether a folder is taken as it is: packages and environments, to which a next installation may add."""
        return top in self._environments or _SITE.match(f"{top}/") is not None

    def top(self, path: str) -> str:
        """The folder or file that is to be copied for a path."""
        if match := _SITE.match(path):
            environment = next((one for one in self._environments if path.startswith(f"{one}/")), None)
            return environment or match[1]
        parts = path.split("/")
        for count in range(1, len(parts) + 1):
            place = "/".join(parts[:count])
            if place in self._environments:
                return place
            if count < len(parts) and (place in self._made or self._there.has(place)):
                continue
            return place
        return path


def _line(stage: str, top: str, files: Mapping[str, FileEntry]) -> str:
    owners = {f"{entry.uid}:{entry.gid}" for entry in files.values()}
    whose = owners.pop()
    owner = f"--chown={whose} " if not owners and whose != "0:0" else ""
    return f"COPY --from={stage} {owner}/{top} /{top}"


def _joined(lines: Sequence[str], there: Files) -> tuple[str, ...]:
    """The lines, those of single files in one folder as one; the whole folder where its own files are small."""
    by_folder: dict[tuple[str, str], list[str]] = {}
    other: list[str] = []
    for line in lines:
        head, source, target = line.rsplit(" ", 2)
        folder = source.rpartition("/")[0]
        if source == target and folder.endswith("/bin") and there.has(folder):
            by_folder.setdefault((head, folder), []).append(source)
        else:
            other.append(line)
    for (head, folder), sources in sorted(by_folder.items()):
        own = sum(entry.size for path, entry in there.root.entries.items() if f"/{path}".startswith(f"{folder}/"))
        if len(sources) > 3 and own < _SMALL_BYTES:
            other.append(f"{head} {folder} {folder}")
        else:
            other.append(f"{head} {' '.join(sources)} {folder}/")
    return tuple(other)
