"""The end of a log of unknown length, in bounded memory."""

from __future__ import annotations

from imgcompare.text.printable import printable_lines

_KEPT_BYTES = 32 << 10
_LINE_BYTES = 1 << 10


class LogTail:
    """Keeps the last 32 KiB written to it, line by line: stdout and stderr may come in pieces, each by itself."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._begun: dict[int, bytes] = {}

    def write(self, data: bytes, stream: int = 0) -> None:
        """Append ``data``, a piece of that stream's log however it was cut."""
        whole, end, begun = (self._begun.pop(stream, b"") + data).rpartition(b"\n")
        if begun:
            self._begun[stream] = begun[-_KEPT_BYTES:]
        self._data += (whole + end)[-_KEPT_BYTES:]
        if len(self._data) > 2 * _KEPT_BYTES:  # not at each write, which would move 32 KiB for every short line
            del self._data[:-_KEPT_BYTES]

    def lines(self, count: int = 200) -> tuple[str, ...]:
        """Return the last ``count`` lines that are not empty, printable."""
        kept = (bytes(self._data) + b"\n".join(self._begun.values()))[-_KEPT_BYTES:]
        if len(kept) == _KEPT_BYTES:  # the first line may have lost its beginning
            kept = kept.partition(b"\n")[2] or kept
        return tuple(printable_lines(kept.decode("utf-8", "replace"))[-count:])

    def last_line(self) -> str:
        """Return the last line that is not empty, or its last 1 KiB."""
        last = next(reversed(self._begun.values()), b"") or self._data
        lines = printable_lines(bytes(last[-_LINE_BYTES:]).decode("utf-8", "replace"))
        return lines[-1] if lines else ""
