"""A folder as BuildKit asks for it: fsutil's packets over a call of the session, and only what the other side lacks.

We send a STAT for each path in order and an empty one at the end; the builder compares them with what it has kept and
sends a REQ, by number, for each file that differs; we answer with its DATA. FIN goes there and back.
https://github.com/tonistiigi/fsutil (types/wire.proto, types/stat.proto, send.go). Everything belongs to 0:0, as the
docker CLI sends it.
"""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol
from urllib.parse import unquote_plus

from imgcompare.engine.build.dockerignore import IgnoreRules, pattern
from imgcompare.engine.build.follow import follow
from imgcompare.engine.build.walk import VANISHED, Entry, Selection, unreadable, walk
from imgcompare.engine.transport.grpc import INVALID_ARGUMENT, NOT_FOUND, GrpcError, Handler, ServerCall
from imgcompare.engine.transport.protobuf import as_bytes, as_int, field, fields, mapping, message
from imgcompare.errors import ImgcompareError

_REQUEST, _DATA, _FIN, _ERROR = 1, 2, 3, 4
_BATCH_BYTES = 16 << 10
# grpc-go takes messages of 4 MiB where nobody says otherwise.
_CHUNK_BYTES = 512 << 10

# Bits of Go's os.FileMode (https://pkg.go.dev/io/fs#FileMode) by those of the kernel's st_mode.
_KINDS = {
    stat.S_IFDIR: 1 << 31,
    stat.S_IFLNK: 1 << 27,
    stat.S_IFBLK: 1 << 26,
    stat.S_IFCHR: 1 << 26 | 1 << 21,
    stat.S_IFIFO: 1 << 25,
}
_SPECIAL_BITS = {stat.S_ISUID: 1 << 23, stat.S_ISGID: 1 << 22, stat.S_ISVTX: 1 << 20}


@dataclass(frozen=True)
class Member:
    """One path as it is told to the builder: its name, Go's file mode, and how to read it where it is a file."""

    name: str
    mode: int
    size: int = 0
    mtime_ns: int = 0
    link: str = ""
    device: int = 0
    attributes: tuple[tuple[str, bytes], ...] = ()
    read: Callable[[], Iterator[bytes]] | None = None


class Folder(Protocol):
    """A folder that a builder may read, and nothing beside it."""

    def members(self, selection: Selection) -> Iterator[Member]:
        """What it holds, folders before what is in them, in the order of the bytes of their names."""

    def follow(self, paths: list[str]) -> IgnoreRules | None:
        """Rules that name those paths and what their links lead to; None where that is everything."""


@dataclass(frozen=True)
class Wanted:
    """What a call asks for: the folder's name and the patterns that choose from it."""

    folder: str
    excluded: tuple[str, ...] = ()
    included: tuple[str, ...] = ()
    followed: tuple[str, ...] = ()


def diff_copy(
    find: Callable[[str], Folder | None], failed: Callable[[ImgcompareError], None], sent: Callable[[int], None]
) -> Handler:
    """Return the handler of ``FileSync/DiffCopy``; ``failed`` hears of a folder that cannot be read.

    ``sent`` is told how many bytes of files were sent, each time some were.
    """

    def handle(call: ServerCall) -> None:
        wanted = _wanted(call)
        folder = find(wanted.folder)
        if folder is None:
            raise GrpcError(NOT_FOUND, f"no access allowed to dir {wanted.folder!r}")
        selection = _selection(folder, wanted)
        _Transfer(call, folder, selection, sent).run(failed)

    return handle


class _Transfer:
    """One folder on its way: a thread that tells what there is, and the call's own, which sends what is asked for."""

    def __init__(self, call: ServerCall, folder: Folder, selection: Selection, sent: Callable[[int], None]) -> None:
        self._call = call
        self._folder = folder
        self._selection = selection
        self._sent = sent
        # Written by one thread and read by the other, always before the path was told.
        self._files: dict[int, Member] = {}
        self._over = False

    def run(self, failed: Callable[[ImgcompareError], None]) -> None:
        problem: list[ImgcompareError] = []

        def tell() -> None:
            with suppress(ConnectionError):
                try:
                    self._tell()
                except ImgcompareError as exc:
                    problem.append(exc)
                    failed(exc)
                    self._call.send(field(1, _ERROR) + field(4, exc.message))

        teller = threading.Thread(target=tell, daemon=True, name="file-sync")
        teller.start()
        try:
            self._answer(failed)
        finally:
            self._over = True
            teller.join()
        if problem:
            raise GrpcError(INVALID_ARGUMENT, problem[0].message)

    def _tell(self) -> None:
        batch: list[bytes] = []
        size = 0
        for number, member in enumerate(self._folder.members(self._selection)):
            if self._over:
                return
            if member.read is not None and not member.link:
                self._files[number] = member
            batch.append(message(2, _stat(member)))
            size += len(batch[-1])
            if size >= _BATCH_BYTES:
                self._call.send(*batch)
                batch, size = [], 0
        self._call.send(*batch, b"")

    def _answer(self, failed: Callable[[ImgcompareError], None]) -> None:
        for data in self._call.messages():
            kind, number, text = _packet(data)
            if kind == _REQUEST:
                try:
                    self._send_file(number)
                except ImgcompareError as exc:
                    failed(exc)
                    self._call.send(field(1, _ERROR) + field(4, exc.message))
                    raise GrpcError(INVALID_ARGUMENT, exc.message) from exc
            elif kind == _FIN:
                self._call.send(field(1, _FIN))
                return
            elif kind == _ERROR:
                raise GrpcError(INVALID_ARGUMENT, f"error from receiver: {text}")

    def _send_file(self, number: int) -> None:
        member = self._files.pop(number, None)
        if member is None or member.read is None:
            raise GrpcError(INVALID_ARGUMENT, f"invalid file id {number}")
        head = field(1, _DATA) + field(3, number)
        for chunk in member.read():
            self._call.send(head + field(4, chunk))
            self._sent(len(chunk))
        self._call.send(head)


class DiskFolder:
    """A folder on this machine; ``left_out`` is never sent, ``changed`` names a file and what follows its content."""

    def __init__(self, root: str, left_out: IgnoreRules, changed: tuple[str, bytes] = ("", b"")) -> None:
        self._root = root
        self._left_out = left_out
        self._changed = changed

    def follow(self, paths: list[str]) -> IgnoreRules | None:
        """See ``Folder``."""
        return follow(self._root, paths)

    def members(self, selection: Selection) -> Iterator[Member]:
        """See ``Folder``."""
        # What is never sent comes last, for the last rule that matches decides.
        rules = IgnoreRules((*selection.left_out.patterns, *self._left_out.patterns))
        linked: dict[tuple[int, int], str] = {}
        for entry in walk(self._root, Selection(rules, selection.taken)):
            member = self._member(entry, linked)
            if member is not None:
                yield member

    def _member(self, entry: Entry, linked: dict[tuple[int, int], str]) -> Member | None:
        status = entry.stat
        link, size, mtime_ns, more = "", 0, status.st_mtime_ns, b""
        if not stat.S_ISDIR(status.st_mode):
            size = status.st_size
            try:
                link = os.readlink(entry.path) if stat.S_ISLNK(status.st_mode) else ""  # noqa: PTH115 - see follow.py
            except OSError as exc:
                if exc.errno in VANISHED:
                    return None
                raise unreadable(entry.path, exc) from exc
            if status.st_nlink > 1 and not link:
                first = linked.setdefault((status.st_dev, status.st_ino), entry.name)
                # Its size stays what it is, as fsutil tells it: else the builder makes the link anew each time.
                link = first if first != entry.name else ""
        if entry.name == self._changed[0] and stat.S_ISREG(status.st_mode) and not link:
            more = self._changed[1]
            size += len(more)
            # Size and time are all that the builder compares: two changes of one length need two times.
            mtime_ns += 1 + int.from_bytes(more[-8:], "big") % 10**9 + sum(more) % 10**9
        return Member(
            name=entry.name,
            mode=go_mode(status.st_mode),
            size=size,
            mtime_ns=mtime_ns,
            link=link,
            device=status.st_rdev if stat.S_ISCHR(status.st_mode) or stat.S_ISBLK(status.st_mode) else 0,
            attributes=_attributes(entry.path),
            # A socket is told as a file, as fsutil does, and there is nothing in it.
            read=(lambda: _read(entry.path, more)) if _KINDS.get(stat.S_IFMT(status.st_mode)) is None else None,
        )


class MadeFolder:
    """A folder that exists nowhere but here: the names and contents of its files."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self._files = files

    def follow(self, paths: list[str]) -> IgnoreRules | None:
        """See ``Folder``."""
        return IgnoreRules(tuple(pattern(path) for path in paths))

    def members(self, selection: Selection) -> Iterator[Member]:
        """See ``Folder``."""
        for name, content in sorted(self._files.items(), key=lambda item: os.fsencode(item[0])):
            taken = selection.taken
            if taken is None or taken.ignores(taken.last_match(name)):
                yield Member(
                    name=name,
                    mode=0o644,
                    size=len(content),
                    mtime_ns=_time_of(content),
                    read=lambda content=content: iter([content]),  # type: ignore[misc]
                )


def _time_of(content: bytes) -> int:
    """A time that differs where contents do: with the size it is all that the builder compares."""
    return 10**18 + int.from_bytes(sha256(content).digest()[:8], "big") % 10**17


def go_mode(mode: int) -> int:
    """Return a mode of the kernel's as Go's os.FileMode."""
    bits = sum(go for kernel, go in _SPECIAL_BITS.items() if mode & kernel)
    return _KINDS.get(stat.S_IFMT(mode), 0) | bits | mode & 0o777


def _read(path: str, more: bytes) -> Iterator[bytes]:
    try:
        # Never follow a link or wait for a FIFO that took the file's place since it was told.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as exc:
        if exc.errno in VANISHED:
            return
        raise unreadable(path, exc) from exc
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return
        try:
            while chunk := file.read(_CHUNK_BYTES):
                yield chunk
        except OSError as exc:
            raise unreadable(path, exc) from exc
    if more:
        yield more


def _attributes(path: str) -> tuple[tuple[str, bytes], ...]:
    try:
        names = os.listxattr(path, follow_symlinks=False)
        return tuple((name, os.getxattr(path, name, follow_symlinks=False)) for name in names)
    except (OSError, AttributeError):  # no such thing on this file system, or system
        return ()


def _stat(member: Member) -> bytes:
    return b"".join(
        (
            field(1, os.fsencode(member.name)),
            field(2, member.mode),
            field(5, member.size),
            field(6, member.mtime_ns),
            field(7, os.fsencode(member.link)),
            field(8, os.major(member.device)),
            field(9, os.minor(member.device)),
            mapping(10, dict(member.attributes)) if member.attributes else b"",
        )
    )


def _packet(data: bytes) -> tuple[int, int, str]:
    """Decode a packet of the receiver's: its kind, the file's number, and the text of an error."""
    kind, number, text = 0, 0, b""
    try:
        for key, value in fields(data):
            match key:
                case 1:
                    kind = as_int(value)
                case 3:
                    number = as_int(value)
                case 4:
                    text = as_bytes(value)
    except ValueError as exc:
        raise GrpcError(INVALID_ARGUMENT, str(exc)) from exc
    return kind, number, text.decode("utf-8", "replace")


def _wanted(call: ServerCall) -> Wanted:
    return Wanted(
        folder=next(iter(_values(call, "dir-name")), ""),
        excluded=_values(call, "exclude-patterns"),
        included=_values(call, "include-patterns"),
        followed=_values(call, "followpaths"),
    )


def _values(call: ServerCall, name: str) -> tuple[str, ...]:
    values = call.metadata(name)
    if call.metadata(f"{name}-encoded")[:1] == ["1"]:
        values = [unquote_plus(value, errors="surrogateescape") for value in values]
    return tuple(values)


def _selection(folder: Folder, wanted: Wanted) -> Selection:
    try:
        left_out = IgnoreRules(tuple(pattern(text) for text in wanted.excluded if text.strip()))
        taken: IgnoreRules | None = None
        if wanted.included:
            taken = IgnoreRules(tuple(pattern(text) for text in wanted.included if text.strip()))
        if wanted.followed:
            followed = folder.follow(list(wanted.followed))
            if followed is not None:
                taken = followed if taken is None else IgnoreRules((*taken.patterns, *followed.patterns))
    except ValueError as exc:
        raise GrpcError(INVALID_ARGUMENT, str(exc)) from exc
    return Selection(left_out, taken)
