"""SIGINT, SIGTERM and SIGHUP become one exception in the main thread; a second signal forces the way out."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import NoReturn

from imgcompare.errors import InterruptedRunError

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_LOOK_EVERY_S = 0.5
_SHOW_CURSOR = b"\x1b[?25h"


def tell(text: str) -> None:
    """Write a line to stderr past Python's buffers, which a signal handler must not enter; it may be closed."""
    with suppress(OSError):
        os.write(2, f"{text}\n".encode())


def leave_signals_to_the_main_thread() -> None:
    """Block the signals in this thread and in those it starts; for the initializer of a pool.

    The kernel gives a process's signal to any thread that takes it. Python's handlers run in the main one, which sleeps
    on when another was woken: the first Ctrl-C of a run was lost now and then.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)


@contextmanager
def interruptible(say: Callable[[str], None] = tell) -> Iterator[None]:
    """Raise InterruptedRunError on the first signal; on the second one leave at once with 128 + the signal's number.

    ``say`` hears of the first, inside the signal handler: it may take no lock, nor write to a buffer.
    In another than the main thread nothing is caught. What a forced exit leaves behind stands in the run's ledger: the
    next run, or ``imgcompare clean``, removes it.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only there can signals be caught
        return
    seen: list[int] = []

    def handle(number: int, _frame: FrameType | None) -> None:
        seen.append(number)
        if len(seen) > 1:
            _force(number)
        say("Stopping: removing what this run made. Once more to leave at once.")
        sys.unraisablehook = _but_for_half_made(sys.unraisablehook)
        raise InterruptedRunError(number)

    # Under `nohup` the end of a terminal is to be outlived.
    heeded = [number for number in _SIGNALS if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN]
    earlier = {number: signal.signal(number, handle) for number in heeded}
    try:
        with _looking():
            yield
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)


def _but_for_half_made(tell_of: Callable[[sys.UnraisableHookArgs], object]) -> Callable[[sys.UnraisableHookArgs], None]:
    """Tell of what cannot be raised, but not that an object whose making a signal broke off cannot be closed."""

    def hook(unraisable: sys.UnraisableHookArgs) -> None:
        if not isinstance(unraisable.exc_value, AttributeError):
            tell_of(unraisable)

    return hook


@contextmanager
def _looking() -> Iterator[None]:
    """Make the main thread look for signals twice a second, unless somebody else has the timer.

    Python runs handlers when the main thread runs: a signal that comes between its last look for one and its wait for a
    lock does not end that wait.
    """
    if signal.getsignal(signal.SIGALRM) != signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGALRM, lambda *_: None)
    signal.setitimer(signal.ITIMER_REAL, _LOOK_EVERY_S, _LOOK_EVERY_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)


def _force(number: int) -> NoReturn:
    with suppress(OSError):
        if os.isatty(2):
            os.write(2, _SHOW_CURSOR + b"\n")  # the live view, which hid it, is not closed any more
    tell("Left at once; `imgcompare clean` removes what is left.")
    os._exit(128 + number)
