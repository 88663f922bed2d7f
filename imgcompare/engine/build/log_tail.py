"""The end of a log of unknown length, in bounded memory."""

from __future__ import annotations

from imgcompare.text.printable import printable_lines

_KEPT_BYTES = 32 << 10
_LINE_BYTES = 1 << 10


class LogTail:
    """Keeps the last 32 KiB written to it."""

    def __init__(self) -> None:
        self._data = bytearray()

    def write(self, data: bytes) -> None:
        """Append ``data``, a piece of the log however it was cut."""
        self._data += data[-_KEPT_BYTES:]
        if len(self._data) > 2 * _KEPT_BYTES:  # not at each write, which would move 32 KiB for every short line
            del self._data[:-_KEPT_BYTES]

    def lines(self, count: int = 40) -> tuple[str, ...]:
        """Return the last ``count`` lines that are not empty, printable."""
        kept = bytes(self._data[-_KEPT_BYTES:])
        if len(kept) == _KEPT_BYTES:  # the first line may have lost its beginning
            kept = kept.partition(b"\n")[2] or kept
        return tuple(printable_lines(kept.decode("utf-8", "replace"))[-count:])

    def last_line(self) -> str:
        """Return the last line that is not empty, or its last 1 KiB."""
        lines = printable_lines(bytes(self._data[-_LINE_BYTES:]).decode("utf-8", "replace"))
        return lines[-1] if lines else ""
