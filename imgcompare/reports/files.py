"""Files written whole or not at all, and read with a limit."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from imgcompare.errors import UsageError

REPORT_LIMIT_BYTES = 256 << 20


def check_writable(path: Path) -> None:
    """Find out, before building, that ``path`` can be written. Raises UsageError; leaves nothing behind."""
    import tempfile  # noqa: PLC0415 - it takes a while to import, and showing a report writes nothing

    try:
        if path.is_dir():
            raise UsageError(f"cannot write {path}: it is a folder", hint="Name a file.")
        if not _is_special(path):
            with tempfile.TemporaryFile(dir=_target(path).parent):
                pass
        elif not os.access(path, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as exc:
        raise UsageError(f"cannot write {path}: {exc.strerror}", hint="Choose a folder that can be written.") from exc


def write_atomically(path: Path, text: str | bytes | Iterable[str | bytes], *, mode: int = 0o666) -> None:
    """Write a whole file, of texts one after another, or nothing: beside it, on disk, then renamed over ``path``.

    A link stays one, and its target is written; a device or a pipe is written to, never replaced. A new file gets
    ``mode`` less the umask; what is there keeps its own. Raises UsageError.
    """
    parts = (text,) if isinstance(text, str | bytes) else text
    data = (part if isinstance(part, bytes) else part.encode("utf-8", "backslashreplace") for part in parts)
    try:
        if _is_special(path):
            with path.open("wb") as file:
                file.writelines(data)
        else:
            _replace(_target(path), data, mode)
    except OSError as exc:
        raise UsageError(f"cannot write {path}: {exc.strerror}", hint="Free some space, or name another file.") from exc


def append(path: Path, text: str) -> None:
    """Add text to the end of a file that others write as well. Raises UsageError."""
    try:
        with path.open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
    except OSError as exc:
        raise UsageError(f"cannot write {path}: {exc.strerror}", hint="Free some space.") from exc


def _is_special(path: Path) -> bool:
    """Say whether there is something at ``path`` that is no plain file: renaming over ``/dev/null`` would end it."""
    return path.exists() and not path.is_file()


def _target(path: Path) -> Path:
    return Path(os.path.realpath(path))  # unlike Path.resolve, no error for links that go round in a circle


def _replace(path: Path, data: Iterable[bytes], mode: int) -> None:
    temporary = path.with_name(f".imgcompare-{os.urandom(8).hex()}")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        try:
            with suppress(OSError):  # nothing is there, or a link that leads round in a circle
                os.fchmod(descriptor, stat.S_IMODE(path.stat().st_mode))
            for part in data:
                rest = memoryview(part)
                while rest:
                    rest = rest[os.write(descriptor, rest) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def read_bounded(path: Path, what: str, hint: str) -> bytes:
    """Read a file that is called ``what`` in messages. Raises UsageError where it cannot be read or is too large."""
    try:
        if path.stat().st_size > REPORT_LIMIT_BYTES:
            raise UsageError(f"{path} is larger than a {what} can be ({REPORT_LIMIT_BYTES >> 20} MiB)")
        return path.read_bytes()
    except OSError as exc:
        raise UsageError(f"cannot read the {what} {path}: {exc.strerror}", hint=hint) from exc
