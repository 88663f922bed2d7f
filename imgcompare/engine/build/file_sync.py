"""A folder as BuildKit asks for it: fsutil's packets over a call of the session, and only what the other side lacks.

We send a STAT for each path in order and an empty one at the end; the builder compares them with what it has kept and
sends a REQ, by number, for each file that differs; we answer with its DATA. FIN goes there and back.
https://github.com/tonistiigi/fsutil (types/wire.proto, types/stat.proto, send.go). Everything belongs to 0:0, as the
docker CLI sends it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import unquote_plus

from msgspec import Struct

from imgcompare.engine.build.dockerignore import IgnoreRules, pattern
from imgcompare.engine.build.folders import Folder, Member
from imgcompare.engine.build.walk import Selection
from imgcompare.engine.transport.grpc import INVALID_ARGUMENT, NOT_FOUND, GrpcError, Handler, ServerCall
from imgcompare.engine.transport.protobuf import as_bytes, as_int, field, fields, mapping, message
from imgcompare.errors import ImgcompareError

_REQUEST, _DATA, _FIN, _ERROR = 1, 2, 3, 4
_BATCH_BYTES = 16 << 10


class Wanted(Struct, frozen=True):
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
