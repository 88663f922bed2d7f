"""The build context as a tar stream, what its ignore file names left out: what the docker CLI would send."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from imgcompare.engine.build.dockerignore import NO_MATCH, IgnoreRules, parse_rules
from imgcompare.errors import UsageError

_CHUNK = 1 << 20
# With our saved reports in it, `COPY . .` would make another image in each run.
_OWN_FOLDER = ".imgcompare"
# What opening or listing says of something that was removed, or replaced by another kind of file, since it was seen.
_VANISHED = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO})


@dataclass(frozen=True, kw_only=True)
class BuildContext:
    """A build context on disk; ``dockerfile`` is the Dockerfile's name in the tar.

    ``added`` marks a Dockerfile from outside the context: it goes in under a name made from its content. ``appended``
    names a file and what is sent after its content.
    """

    root: Path
    dockerfile: str
    dockerfile_content: bytes
    added: bool
    rules: IgnoreRules
    appended: tuple[str, bytes] = ("", b"")

    def stream(self) -> Iterator[bytes]:
        """Read the context now and give its tar in chunks of at most 1 MiB.

        Raises UsageError naming the path that cannot be read.
        """
        buffer = bytearray()
        for part in self._tar():
            if buffer and len(buffer) + len(part) > _CHUNK:
                yield bytes(buffer)
                buffer.clear()
            if len(part) >= _CHUNK:
                yield part
            else:
                buffer += part
        yield bytes(buffer)

    def digest(self) -> str:
        """Return ``sha256:…`` over names, modes, types, link targets and contents.

        Times do not count, nor does a Dockerfile from outside: variants that share a context share its digest.
        """
        digest = hashlib.sha256()
        for part in self._tar(for_digest=True):
            digest.update(part)
        return f"sha256:{digest.hexdigest()}"

    def files(self) -> Iterator[str]:
        """Give the names of the files that are sent, in order; of one with several names only the first."""
        seen: set[tuple[int, int]] = set()
        for entry in _walk(str(self.root), self.rules):
            inode = (entry.stat.st_dev, entry.stat.st_ino)
            if stat.S_ISREG(entry.stat.st_mode) and inode not in seen:
                seen.add(inode)
                yield entry.name

    def with_dockerfile(self, content: bytes) -> BuildContext:
        """Return the same context to be built by another Dockerfile."""
        return replace(self, dockerfile=_name_of(content), dockerfile_content=content, added=True)

    def dockerfile_digest(self) -> str:
        """Return ``sha256:…`` over the Dockerfile's content."""
        return f"sha256:{hashlib.sha256(self.dockerfile_content).hexdigest()}"

    def _tar(self, *, for_digest: bool = False) -> Iterator[bytes]:
        # Engines look at the first 512 bytes only to tell a tar from a lone Dockerfile (moby
        # builder/remotecontext/detect.go): they must be a whole header, which a long first name would not give.
        yield _header(_info(".", tarfile.DIRTYPE, 0o755))
        if self.added and not for_digest:
            info = _info(self.dockerfile, tarfile.REGTYPE, 0o644)
            info.size = len(self.dockerfile_content)
            yield _header(info) + self.dockerfile_content + _padding(info.size)
        linked: dict[tuple[int, int], str] = {}
        for entry in _walk(str(self.root), self.rules):
            more = self.appended[1] if entry.name == self.appended[0] else b""
            yield from _member(entry, linked, mtime=0 if for_digest else int(entry.stat.st_mtime), more=more)
        yield bytes(2 * tarfile.BLOCKSIZE)


@dataclass(frozen=True)
class _Entry:
    """A file, folder or link: its name in the context and where it is."""

    name: str
    path: str
    stat: os.stat_result


def open_context(root: Path, dockerfile: Path) -> BuildContext:
    """Open the build context in folder ``root`` for ``dockerfile``, a path of its own that may lie outside the context.

    ``<dockerfile>.dockerignore`` beside the Dockerfile wins over ``.dockerignore`` at the root
    (https://docs.docker.com/build/concepts/context/#filename-and-location). The Dockerfile and the root's ignore file
    are sent even when ignored: the builder needs them. What imgcompare itself saved is never sent. Raises UsageError
    for what cannot be used, before anything is built.
    """
    folder = _checked_folder(root)
    content = _checked_dockerfile(dockerfile)
    rules = IgnoreRules()
    for path in (dockerfile.with_name(dockerfile.name + ".dockerignore"), folder / ".dockerignore"):
        ignore_file = _read(path, "ignore file")
        if ignore_file is not None:
            rules = parse_rules(ignore_file.decode("utf-8", "surrogateescape"), str(path)).keeping(".dockerignore")
            break
    rules = rules.leaving_out(_OWN_FOLDER)
    resolved = dockerfile.resolve()
    added = not resolved.is_relative_to(folder)
    name = _name_of(content)
    if not added:
        name = resolved.relative_to(folder).as_posix()
        rules = rules.keeping(name)
    return BuildContext(root=folder, dockerfile=name, dockerfile_content=content, added=added, rules=rules)


def _name_of(content: bytes) -> str:
    return f".imgcompare-{hashlib.sha256(content).hexdigest()[:12]}.Dockerfile"


def _checked_folder(root: Path) -> Path:
    hint = "Name an existing folder with --build-context."
    try:
        with os.scandir(root):
            return root.resolve()
    except FileNotFoundError as exc:
        raise UsageError(f"build context {root} does not exist", hint=hint) from exc
    except NotADirectoryError as exc:
        raise UsageError(f"build context {root} is not a folder", hint=hint) from exc
    except OSError as exc:
        raise UsageError(f"build context {root} cannot be read: {exc.strerror}", hint=hint) from exc


def _checked_dockerfile(path: Path) -> bytes:
    content = _read(path, "Dockerfile")
    if content is None:
        raise UsageError(
            f"Dockerfile {path} does not exist", hint=f"Paths are relative to the current folder, {Path.cwd()}."
        )
    lines = (line.strip() for line in content.removeprefix(b"\xef\xbb\xbf").splitlines())
    if all(not line or line.startswith(b"#") for line in lines):
        raise UsageError(f"Dockerfile {path} has no instruction", hint="A Dockerfile begins with FROM.")
    return content


def _read(path: Path, what: str) -> bytes | None:
    """Return the content, or None if there is no such file; a FIFO is refused, for reading it could wait for ever."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise UsageError(f"{what} {path} is not a file", hint="It must be a regular file.")
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise UsageError(f"{what} {path} cannot be read: {exc.strerror}", hint="Make it readable.") from exc


def _walk(root: str, rules: IgnoreRules) -> Iterator[_Entry]:
    """Find what is sent, folders before what is in them, the names of each folder in order.

    A folder that is ignored is sent after all when something inside is kept, for the sake of its mode.
    """
    waiting: list[_Entry] = []
    found = [(name, NO_MATCH) for name in _list(root, "", optional=False)]
    while found:
        name, inherited = found.pop()
        waiting = [folder for folder in waiting if name.startswith(folder.name + "/")]
        entry = _look(root, name)
        if entry is None:
            continue
        match = rules.last_match(name, inherited)
        ignored = rules.ignores(match)
        is_folder = stat.S_ISDIR(entry.stat.st_mode)
        if not ignored:
            yield from (*waiting, entry)
            waiting = []
        elif is_folder and rules.may_keep_below(name, match):
            waiting.append(entry)
        else:
            continue
        if is_folder:
            found += [(child, match) for child in _list(root, name, optional=ignored)]


def _list(root: str, folder: str, *, optional: bool) -> list[str]:
    """Return the names in ``folder``, the last first; an ``optional`` (ignored) folder may be unreadable."""
    path = f"{root}/{folder}"
    try:
        with os.scandir(path) as children:
            return [
                f"{folder}/{child}" if folder else child for child in sorted((c.name for c in children), reverse=True)
            ]
    except PermissionError as exc:
        if optional:
            return []
        raise _unreadable(path, exc) from exc
    except OSError as exc:
        if exc.errno in _VANISHED:
            return []
        raise _unreadable(path, exc) from exc


def _look(root: str, name: str) -> _Entry | None:
    """Return the file, folder or link of that name; None if it has vanished or is a FIFO, a socket or a device."""
    path = f"{root}/{name}"
    try:
        status = os.lstat(path)
    except OSError as exc:
        if exc.errno in _VANISHED:
            return None
        raise _unreadable(path, exc) from exc
    sent = (stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK)
    return _Entry(name, path, status) if stat.S_IFMT(status.st_mode) in sent else None


def _member(entry: _Entry, linked: dict[tuple[int, int], str], *, mtime: int, more: bytes) -> Iterator[bytes]:
    """Give the tar blocks of one entry, none if it has vanished; ``linked`` remembers files with several names.

    ``more`` is appended to a file's content.
    """
    info = _info(entry.name, tarfile.REGTYPE, stat.S_IMODE(entry.stat.st_mode))
    info.mtime = mtime
    inode = (entry.stat.st_dev, entry.stat.st_ino)
    if stat.S_ISDIR(entry.stat.st_mode):
        info.type = tarfile.DIRTYPE
        yield _header(info)
    elif stat.S_ISLNK(entry.stat.st_mode):
        yield from _link(entry.path, info)
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
        if exc.errno in (*_VANISHED, errno.EINVAL):
            return
        raise _unreadable(path, exc) from exc
    yield _header(info)


def _file(path: str, info: tarfile.TarInfo, more: bytes) -> Iterator[bytes]:
    """Give a file's header and content, with ``more`` after it.

    It may change meanwhile: the size it has when it is opened is kept to.
    """
    try:
        # Never follow a link or wait for a FIFO that took the file's place since it was looked at.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as exc:
        if exc.errno in _VANISHED:
            return
        raise _unreadable(path, exc) from exc
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            return
        left = status.st_size
        info.size = left + len(more)
        yield _header(info)
        while left:
            try:
                part = file.read(min(left, _CHUNK))
            except OSError as exc:
                raise _unreadable(path, exc) from exc
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


def _unreadable(path: str, exc: OSError) -> UsageError:
    return UsageError(
        f"{path} in the build context cannot be read: {exc.strerror}",
        hint="Make it readable, or list it in .dockerignore.",
    )
