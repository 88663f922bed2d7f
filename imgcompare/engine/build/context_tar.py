"""The build context as a tar stream, for builders that cannot ask for its files."""

from __future__ import annotations

import errno
import os
import stat
import tarfile
from collections.abc import Iterator, Mapping

from msgspec import Struct, field

from imgcompare.engine.build.dockerignore import IgnoreRules
from imgcompare.engine.build.walk import VANISHED, Entry, Selection, opened, unreadable, walk

_CHUNK = 1 << 20


class Sent(Struct, frozen=True, kw_only=True):
    """What is sent: the folder ``root``, and files that are for the builder alone, ``extra``, by their names.

    ``dockerfile`` is the Dockerfile's name among them all.
    """

    root: str
    dockerfile: str
    extra: Mapping[str, bytes] = field(default_factory=dict)


def tar_stream(sent: Sent, rules: IgnoreRules, appended: tuple[str, bytes], *, times: bool = True) -> Iterator[bytes]:
    """Read the context now and give its tar in chunks of at most 1 MiB; ``appended`` gives a file a new end.

    Raises UsageError naming the path that cannot be read.
    """
    buffer = bytearray()
    for part in _tar(sent, rules, appended, times=times):
        if buffer and len(buffer) + len(part) > _CHUNK:
            yield bytes(buffer)
            buffer.clear()
        if len(part) >= _CHUNK:
            yield part
        else:
            buffer += part
    yield bytes(buffer)


def _tar(sent: Sent, rules: IgnoreRules, appended: tuple[str, bytes], *, times: bool) -> Iterator[bytes]:
    # Engines look at the first 512 bytes only to tell a tar from a lone Dockerfile (moby
    # builder/remotecontext/detect.go): they must be a whole header, which a long first name would not give.
    yield _header(_info(".", tarfile.DIRTYPE, 0o755))
    for name, content in sent.extra.items():
        info = _info(name, tarfile.REGTYPE, 0o644)
        info.size = len(content)
        yield _header(info) + content + _padding(info.size)
    linked: dict[tuple[int, int], str] = {}
    for entry in walk(sent.root, Selection(rules)):
        if entry.name not in sent.extra:
            more = appended[1] if entry.name == appended[0] else b""
            yield from _member(entry, linked, mtime=int(entry.stat.st_mtime) if times else 0, more=more)
    yield bytes(2 * tarfile.BLOCKSIZE)


def _member(entry: Entry, linked: dict[tuple[int, int], str], *, mtime: int, more: bytes) -> Iterator[bytes]:
    """Give the tar blocks of one entry, none if it has vanished; ``linked`` remembers files with several names.

    ``more`` is appended to a file's content. What is no file, folder or link is left out: a tar's reader may wait for
    it for ever.
    """
    info = _info(entry.name, tarfile.REGTYPE, stat.S_IMODE(entry.stat.st_mode))
    info.mtime = mtime
    inode = (entry.stat.st_dev, entry.stat.st_ino)
    if stat.S_ISDIR(entry.stat.st_mode):
        info.type = tarfile.DIRTYPE
        yield _header(info)
    elif stat.S_ISLNK(entry.stat.st_mode):
        yield from _link(entry.path, info)
    elif not stat.S_ISREG(entry.stat.st_mode):
        return
    elif inode in linked:
        info.type, info.linkname = tarfile.LNKTYPE, linked[inode]
        yield _header(info)
    else:
        for part in _file(entry.path, info, more):
            yield part
            if entry.stat.st_nlink > 1:
                linked[inode] = entry.name


def _link(path: str, info: tarfile.TarInfo) -> Iterator[bytes]:
    try:
        info.type, info.linkname = tarfile.SYMTYPE, os.readlink(path)  # noqa: PTH115 - Path would change the target
    except OSError as exc:
        if exc.errno in (*VANISHED, errno.EINVAL):
            return
        raise unreadable(path, exc) from exc
    yield _header(info)


def _file(path: str, info: tarfile.TarInfo, more: bytes) -> Iterator[bytes]:
    """Give a file's header and content, with ``more`` after it.

    It may change meanwhile: the size it has when it is opened is kept to.
    """
    if (file := opened(path)) is None:
        return
    with file:
        left = os.fstat(file.fileno()).st_size
        info.size = left + len(more)
        yield _header(info)
        while left:
            try:
                part = file.read(min(left, _CHUNK))
            except OSError as exc:
                raise unreadable(path, exc) from exc
            part = part or bytes(min(left, _CHUNK))  # it has shrunk: zeros stand for the rest
            left -= len(part)
            yield part
        yield more + _padding(info.size)


def _info(name: str, kind: bytes, mode: int) -> tarfile.TarInfo:
    """Describe an entry that belongs to 0:0, as the docker CLI sends all of them."""
    info = tarfile.TarInfo(name)
    info.type, info.mode = kind, mode
    return info


def _header(info: tarfile.TarInfo) -> bytes:
    """Encode in GNU format: a PAX header at the start makes engines take the context for a lone Dockerfile."""
    return info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")


def _padding(size: int) -> bytes:
    return bytes(-size % tarfile.BLOCKSIZE)
