"""What a run tells while it works: the protocol, a live view for terminals, plain lines for logs, and silence."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from types import TracebackType
from typing import IO, TYPE_CHECKING, Protocol

from msgspec import Struct

from imgcompare.console.signals import tell
from imgcompare.console.style import is_live, style_for
from imgcompare.regex import regex
from imgcompare.text.printable import printable, to_ascii
from imgcompare.text.redact import redact
from imgcompare.text.workflow_commands import defuse

if TYPE_CHECKING:
    from rich.console import OverflowMethod, RenderableType

    from imgcompare.console.style import Style
    from imgcompare.model import Stage

_NAME_LIMIT = 40
_REFRESHES_PER_SECOND = 8
_ECHO_ROOM = 3
_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_ASCII_SPINNER = "|/-\\"
# Amounts that move by themselves; what is left of a detail says whether the step is another one.
_AMOUNTS = regex(r"\d+(?:\.\d+)?\s?(?:[kMGT]?i?B(?:/s)?\b|%)")
_SECONDS_BETWEEN_AMOUNTS = 5.0


class Progress(Protocol):
    """Receives what happens, from any thread. Everything goes to stderr; stdout belongs to the report."""

    def stage(self, subject: str, stage: Stage, detail: str = "") -> None:
        """Say where ``subject`` (a variant, or a base image being pulled) is now, and at which step or byte."""

    def finished(self, subject: str, outcome: str, *, ok: bool) -> None:
        """Say how ``subject`` ended, in a few words."""

    def comparison(self, name: str, place: str) -> None:
        """Say that one of several comparisons begins, ``place`` of them (``2 of 8``): what comes next is about it."""

    def compared(self, outcome: str, *, ok: bool) -> None:
        """Say how the comparison ended, in a few words."""

    def note(self, text: str) -> None:
        """Say something once that the user should know."""

    def warn(self, text: str) -> None:
        """Say that something did not go as it was asked for; heard where nothing else is, too."""

    def stopping(self, text: str) -> None:
        """Say that everything comes to an early end; called by a signal handler, so it may take no lock."""


def open_progress(
    stream: IO[str], *, quiet: bool, environ: Mapping[str, str] = os.environ
) -> AbstractContextManager[Progress]:
    """Choose the view for a stream: silence when asked for, live on a terminal, else plain lines."""
    if quiet:
        return QuietProgress()
    style = style_for(stream, environ)
    return RichProgress(stream, style) if is_live(stream, environ) else PlainProgress(stream, style)


class QuietProgress:
    """Says nothing; the views below it are opened and closed in the same way."""

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def stage(self, subject: str, stage: Stage, detail: str = "") -> None:
        """Say nothing."""

    def finished(self, subject: str, outcome: str, *, ok: bool) -> None:
        """Say nothing."""

    def comparison(self, name: str, place: str) -> None:
        """Say nothing."""

    def compared(self, outcome: str, *, ok: bool) -> None:
        """Say nothing."""

    def note(self, text: str) -> None:
        """Say nothing."""

    def warn(self, text: str) -> None:
        """Say it even so."""
        tell(printable(text))

    def stopping(self, text: str) -> None:
        """Say it even so, on a line of its own: the terminal has echoed "^C"."""
        tell(f"\n{text}")


class DiscreetProgress:
    """Passes everything on to another view, the secrets that were given masked."""

    def __init__(self, view: Progress, secrets: Sequence[str]) -> None:
        self._view = view
        self._secrets = tuple(secrets)

    def stage(self, subject: str, stage: Stage, detail: str = "") -> None:
        """Pass the detail on."""
        self._view.stage(subject, stage, redact(detail, self._secrets))

    def finished(self, subject: str, outcome: str, *, ok: bool) -> None:
        """Pass the outcome on."""
        self._view.finished(subject, redact(outcome, self._secrets), ok=ok)

    def comparison(self, name: str, place: str) -> None:
        """Pass it on: names are no secrets."""
        self._view.comparison(name, place)

    def compared(self, outcome: str, *, ok: bool) -> None:
        """Pass the outcome on: counts, in our own words."""
        self._view.compared(outcome, ok=ok)

    def note(self, text: str) -> None:
        """Pass the text on."""
        self._view.note(redact(text, self._secrets))

    def warn(self, text: str) -> None:
        """Pass the text on."""
        self._view.warn(redact(text, self._secrets))

    def stopping(self, text: str) -> None:
        """Pass the text on as it is: ours."""
        self._view.stopping(text)


class OneOfSeveral(QuietProgress):
    """Tells of one of the comparisons that go on side by side: each subject under the comparison's name."""

    def __init__(self, view: Progress, name: str) -> None:
        self._view = view
        self._name = name
        self._place = ""

    def comparison(self, name: str, place: str) -> None:
        """Keep it for the end: what begins beside others is seen by what it does."""
        self._name, self._place = name, place

    def stage(self, subject: str, stage: Stage, detail: str = "") -> None:
        """Pass it on."""
        self._view.stage(f"{self._name} · {subject}", stage, detail)

    def finished(self, subject: str, outcome: str, *, ok: bool) -> None:
        """Pass it on."""
        self._view.finished(f"{self._name} · {subject}", outcome, ok=ok)

    def compared(self, outcome: str, *, ok: bool) -> None:
        """Pass it on, as what became of one more subject."""
        self._view.finished(self._name, f"{outcome} ({self._place})", ok=ok)

    def note(self, text: str) -> None:
        """Pass it on."""
        self._view.note(f"{self._name}: {text}")

    def warn(self, text: str) -> None:
        """Pass it on."""
        self._view.warn(f"{self._name}: {text}")

    def stopping(self, text: str) -> None:
        """Pass it on."""
        self._view.stopping(text)


class PlainProgress(QuietProgress):
    """A line ``name: stage: detail`` for each new stage or step; where only amounts or a log move, now and then."""

    def __init__(self, stream: IO[str], style: Style, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._ascii_only = style.ascii_only
        self._clock = clock
        self._lock = threading.Lock()
        self._last: dict[str, tuple[str, str, float]] = {}
        self._comparison = ""

    def stage(self, subject: str, stage: Stage, detail: str = "") -> None:
        """Print where ``subject`` is, unless that would repeat the line before."""
        line = ": ".join(filter(None, (_name(subject), stage, printable(detail))))
        kind, now = _AMOUNTS.sub("", line.partition(" · ")[0]), self._clock()
        with self._lock:
            last_line, last_kind, last_time = self._last.get(subject, ("", "", 0.0))
            if line == last_line or (kind == last_kind and now - last_time < _SECONDS_BETWEEN_AMOUNTS):
                return
            self._last[subject] = line, kind, now
            self._print(line)

    def finished(self, subject: str, outcome: str, *, ok: bool) -> None:
        """Print how ``subject`` ended."""
        with self._lock:
            self._print(f"{_name(subject)}: {'✓' if ok else '✗'} {printable(outcome)}")

    def comparison(self, name: str, place: str) -> None:
        """Print its name and place; what is printed of its variants is of this one from now on."""
        with self._lock:
            self._last.clear()
            self._comparison = _name(name)
            self._print(f"{self._comparison} ({place})")

    def compared(self, outcome: str, *, ok: bool) -> None:
        """Print how it ended."""
        with self._lock:
            self._print(f"{self._comparison}: {'✓' if ok else '✗'} {printable(outcome)}")

    def note(self, text: str) -> None:
        """Print the text."""
        with self._lock:
            self._print(printable(text))

    def warn(self, text: str) -> None:
        """Print the text."""
        self.note(text)

    def _print(self, line: str) -> None:
        # A reader that has gone away is no reason to end the run.
        with suppress(OSError):
            self._stream.write(defuse(to_ascii(line) if self._ascii_only else line) + "\n")
            self._stream.flush()


class _Row(Struct):
    """One line of the live view; ``ok`` is None until the subject has finished."""

    started: float
    stage: str
    detail: str
    ended: float = 0.0
    ok: bool | None = None


class RichProgress(QuietProgress):
    """A line for each subject, redrawn in place and gone when the view closes: only the report remains.

    Of several comparisons each has a line, and the one that runs its subjects below it.
    """

    def __init__(self, stream: IO[str], style: Style, clock: Callable[[], float] = time.monotonic) -> None:
        # rich is loaded only where a live view is shown.
        from rich.console import Console  # noqa: PLC0415
        from rich.live import Live  # noqa: PLC0415

        self._ascii_only = style.ascii_only
        self._clock = clock
        self._lock = threading.Lock()
        self._rows: dict[str, _Row] = {}
        self._comparisons: dict[str, _Row] = {}
        self._stopping = ""
        self._console = Console(file=stream, force_terminal=True, no_color=not style.color, highlight=False)
        self._live = Live(
            console=self._console,
            get_renderable=self.view,
            refresh_per_second=_REFRESHES_PER_SECOND,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> Progress:
        self._live.start(refresh=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def stage(self, subject: str, stage: Stage, detail: str = "") -> None:
        """Show where ``subject`` is; a subject that had finished goes on in its line."""
        with self._lock:
            row = self._rows.setdefault(subject, _Row(self._clock(), stage, ""))
            row.stage, row.detail, row.ok = stage, printable(detail, limit=200), None

    def finished(self, subject: str, outcome: str, *, ok: bool) -> None:
        """Show how ``subject`` ended."""
        with self._lock:
            now = self._clock()
            row = self._rows.setdefault(subject, _Row(now, "", ""))
            row.stage, row.detail, row.ended, row.ok = "", printable(outcome, limit=200), now, ok

    def comparison(self, name: str, place: str) -> None:
        """Begin a line for it, with nothing below it yet."""
        with self._lock:
            self._rows.clear()
            self._comparisons[name] = _Row(self._clock(), "", place)

    def compared(self, outcome: str, *, ok: bool) -> None:
        """End its line, and fold away what stood below."""
        with self._lock:
            row = self._comparisons[next(reversed(self._comparisons))]
            row.detail, row.ended, row.ok = printable(outcome, limit=200), self._clock(), ok
            self._rows.clear()

    def note(self, text: str) -> None:
        """Print the text above the view, where it stays."""
        # Not under our lock: printing redraws the view, which takes it.
        self._console.print(self._spell(printable(text)), markup=False, emoji=False)

    def warn(self, text: str) -> None:
        """Print the text as a note."""
        self.note(text)

    def stopping(self, text: str) -> None:
        """Show the text below the lines: written past the view, it would move the lines that are redrawn in place."""
        self._stopping = text

    def view(self) -> RenderableType:
        """Return the lines as they are now; when they are more than the screen holds, those that still move."""
        from rich.console import Group  # noqa: PLC0415
        from rich.table import Table  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        # What is cut ends in "…", which an ASCII terminal does not have.
        cut: OverflowMethod = "crop" if self._ascii_only else "ellipsis"
        table = Table.grid(padding=(0, 2, 0, 0))
        # Room for the "^C" that a terminal echoes: at the edge it would break the line, and one of ours would remain.
        table.width = max(self._console.width - _ECHO_ROOM, 1)
        table.add_column(no_wrap=True, min_width=len(self._spell("✓")))
        table.add_column(no_wrap=True, overflow=cut, max_width=max(self._console.width // 3, 8))
        table.add_column(no_wrap=True, overflow=cut, min_width=len("export"))
        table.add_column(no_wrap=True, overflow=cut, ratio=1)
        table.add_column(no_wrap=True, justify="right", min_width=len("0:00"))
        with self._lock:
            now = self._clock()
            for name, row, tone in self._shown():
                mark, color = self._mark(row, now)
                elapsed = _elapsed((now if row.ok is None else row.ended) - row.started)
                texts = (row.stage, row.detail, elapsed)
                table.add_row(
                    Text(mark, color), Text(self._spell(name), tone), *(Text(self._spell(text)) for text in texts)
                )
        if self._stopping:
            return Group(table, Text(self._spell(self._stopping), no_wrap=True, overflow=cut))
        return table

    def _shown(self) -> list[tuple[str, _Row, str]]:
        """The lines' names, rows and styles, as many as the screen holds: what still moves goes before what ended."""
        room = self._console.height - 1 - bool(self._stopping)
        indent = "  " if self._comparisons else ""
        rows = [(indent + _name(name), row, "") for name, row in self._rows.items()]
        heads = [(_name(name), row, "" if row.ok is not None else "bold") for name, row in self._comparisons.items()]
        if len(heads) + len(rows) > room:
            heads = heads[-1:]
        if len(heads) + len(rows) > room:
            rows = [each for each in rows if each[1].ok is None]
        return heads + rows

    def _spell(self, text: str) -> str:
        return to_ascii(text) if self._ascii_only else text

    def _mark(self, row: _Row, now: float) -> tuple[str, str]:
        if row.ok is not None:
            return (self._spell("✓"), "green") if row.ok else (self._spell("✗"), "red")
        frames = _ASCII_SPINNER if self._ascii_only else _SPINNER
        return frames[int(now * _REFRESHES_PER_SECOND) % len(frames)], "cyan"


def _name(subject: str) -> str:
    return printable(subject, limit=_NAME_LIMIT) or "(no name)"


def _elapsed(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
