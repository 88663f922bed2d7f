"""The three standard streams, as a command can rely on them: all there, and stderr never a reason to end."""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress
from typing import Any


class _Remarks(io.FileIO):
    """stderr: what cannot be written there, as on a full disk or to a reader that has left, is not told."""

    def write(self, data: Any, /) -> int:
        with suppress(OSError):
            return super().write(data)
        return memoryview(data).nbytes


def open_streams() -> None:
    """Open what is closed of stdin, stdout and stderr, lest a socket or a ledger gets its number and our output.

    The exit code is then the command's own even where stderr takes nothing.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(descriptor)
    sys.stdout = sys.stdout or os.fdopen(1, "w", encoding="utf-8", closefd=False)
    if sys.stderr is None or sys.stderr is sys.__stderr__:
        old = sys.stderr
        sys.stderr = io.TextIOWrapper(
            io.BufferedWriter(_Remarks(2, "w", closefd=False)),
            encoding=old.encoding if old else "utf-8",
            errors=old.errors if old else "backslashreplace",
            line_buffering=True,
        )
