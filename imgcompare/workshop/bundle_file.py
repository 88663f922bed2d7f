"""The bundle's file: a tar in one Zstandard frame, images in parts and wheels, with a list of them all at its end.

Each member stands in the list with its SHA-256, so that what is damaged, cut off, added or missing is seen before
anything of it is used.
"""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import msgspec
import zstandard
from msgspec import Struct, field

from imgcompare.errors import UsageError
from imgcompare.regex import regex

FORMAT = 1
LIST = "bundle.json"
PART_BYTES = 8 << 20
_LIMIT_BYTES = 256 << 20
_LEVEL = 6
_RECORD_BYTES = 20 * 512  # what a tar is filled up to
_NAME = regex(r"images/[0-9]{5}|wheels/[A-Za-z0-9][A-Za-z0-9._+-]{0,200}")
_HINT = "Get the file anew, or make it: imgcompare bundle save FILE"


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """A member of the file, its digest and its size in bytes."""

    name: str
    sha256: str
    size_bytes: int


class PackedImage(msgspec.Struct, frozen=True, kw_only=True):
    """A base image: its reference, the name it stands in for, and whether wheels for it are in the bundle."""

    reference: str
    os: str
    architecture: str
    stand_in: str | None = None
    has_wheels: bool = False


class Contents(msgspec.Struct, frozen=True, kw_only=True):
    """The list at the end of the file; ``left_out`` are images that could not be had when it was made."""

    format: int
    tool_version: str
    created: str
    images: tuple[PackedImage, ...]
    members: tuple[Member, ...]
    left_out: tuple[str, ...] = ()

    @property
    def wheels(self) -> tuple[Member, ...]:
        """The packages for pip."""
        return tuple(member for member in self.members if member.name.startswith("wheels/"))


class Writer(Struct):
    """Adds members to a bundle, remembering their digests."""

    tar: tarfile.TarFile
    members: list[Member] = field(default_factory=list)

    def add(self, name: str, data: bytes) -> None:
        """Add one member; nothing of this machine but its bytes goes in."""
        info = tarfile.TarInfo(name)
        info.size = len(data)
        self.tar.addfile(info, io.BytesIO(data))
        self.members.append(Member(name=name, sha256=hashlib.sha256(data).hexdigest(), size_bytes=len(data)))

    def add_images(self, chunks: Iterable[bytes]) -> None:
        """Add an archive of images in parts, none of which has to be known before the next is there."""
        for number, part in enumerate(_parts(chunks)):
            self.add(f"images/{number:05d}", part)


@contextmanager
def writing(path: Path) -> Iterator[Writer]:
    """Write a bundle beside ``path`` and put it there when all is in; nothing is left of one that is not finished."""
    temporary = path.with_name(f".imgcompare-{os.urandom(8).hex()}")
    try:
        with (
            temporary.open("xb") as file,
            zstandard.ZstdCompressor(level=_LEVEL, threads=-1, write_checksum=True).stream_writer(
                file, closefd=False
            ) as packed,
            tarfile.open(fileobj=packed, mode="w|", format=tarfile.USTAR_FORMAT) as tar,
        ):
            yield Writer(tar)
        temporary.replace(path)
    except OSError as exc:
        raise UsageError(f"cannot write {path}: {exc.strerror}", hint="Free some space, or name another file.") from exc
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()


def finish(writer: Writer, contents: Contents) -> None:
    """Add the list, the last member."""
    writer.add(LIST, msgspec.json.encode(contents))


def read(path: Path) -> Contents:
    """Read a whole bundle, check every member, and return its list. Raises UsageError, naming what is wrong."""
    seen: list[Member] = []
    raw = b""

    def look(name: str, data: bytes) -> None:
        nonlocal raw
        raw = data if name == LIST else raw
        seen.append(Member(name=name, sha256=hashlib.sha256(data).hexdigest(), size_bytes=len(data)))

    _each(path, look)
    if not seen or seen.pop().name != LIST:
        raise _damaged(path, "its end is missing")
    contents = _list(path, raw)
    if tuple(seen) != contents.members:
        differ = {member.name for member in set(seen) ^ set(contents.members)} or {"the order"}
        raise _damaged(path, f"{min(differ)} is not what its list says")
    return contents


def unpack(path: Path, image_part: Callable[[bytes], None], wheel: Callable[[str, bytes], None]) -> None:
    """Hand out a bundle that ``read`` found whole: parts of the images' archive in their order, and wheels by name."""

    def hand(name: str, data: bytes) -> None:
        folder, _, rest = name.partition("/")
        if folder == "images":
            image_part(data)
        elif folder == "wheels":
            wheel(rest, data)

    _each(path, hand)


def _each(path: Path, take: Callable[[str, bytes], None]) -> None:
    try:
        with (
            path.open("rb") as file,
            # Across frames: what stands behind the first is looked at, and is none.
            zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True, closefd=False) as packed,
        ):
            _members(path, packed, take)
            if packed.read(_RECORD_BYTES).strip(b"\0") or packed.read(1):
                raise _damaged(path, "there is more behind its end")
    except OSError as exc:
        raise UsageError(f"cannot read the bundle {path}: {exc.strerror or exc}", hint=_HINT) from exc
    except (zstandard.ZstdError, tarfile.TarError, EOFError) as exc:
        raise _damaged(path, str(exc)) from exc


def _members(path: Path, packed: BinaryIO, take: Callable[[str, bytes], None]) -> None:
    with tarfile.open(fileobj=packed, mode="r|") as tar:
        for info in tar:
            if not info.isreg() or not (info.name == LIST or _NAME.fullmatch(info.name)):
                raise _damaged(path, f"it holds {info.name[:80]!r}, which no bundle does")
            if info.size > _LIMIT_BYTES:
                raise _damaged(path, f"{info.name} has {info.size} bytes")
            reader = tar.extractfile(info)
            data = reader.read() if reader else b""
            if len(data) != info.size:
                raise _damaged(path, "it is cut off")
            take(info.name, data)


def _list(path: Path, raw: bytes) -> Contents:
    try:
        kind = msgspec.json.decode(raw, type=dict[str, object]).get("format")
        if kind != FORMAT:
            raise UsageError(
                f"{path} has format {kind!r}; this imgcompare reads {FORMAT}", hint="Update imgcompare, or " + _HINT
            )
        return msgspec.json.decode(raw, type=Contents)
    except (msgspec.MsgspecError, UnicodeDecodeError) as exc:
        raise _damaged(path, f"its list cannot be read: {exc}") from exc


def _damaged(path: Path, reason: str) -> UsageError:
    return UsageError(f"{path} is no whole bundle: {reason}", hint=_HINT)


def _parts(chunks: Iterable[bytes]) -> Iterator[bytes]:
    part = bytearray()
    for chunk in chunks:
        part += chunk
        while len(part) >= PART_BYTES:
            yield bytes(part[:PART_BYTES])
            del part[:PART_BYTES]
    if part:
        yield bytes(part)
