"""Saving what is known so far: soon, yet for no more than a small part of the time."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import TypeVar

T = TypeVar("T")
_FACTOR = 100


class Sparing:
    """Calls ``save`` where something is new, and never before 100 times as long as that took has gone by.

    All that is known is written each time: at once after each of many small pieces it would cost more than they do.
    """

    def __init__(self, save: Callable[[], object]) -> None:
        self._save = save
        self._next = 0.0

    def each(self, futures: Collection[Future[T]], new: Callable[[Future[T]], object]) -> None:
        """Call ``new`` with each future as it is done, and save while and after the others are waited for."""
        pending, unsaved = set(futures), False
        while pending:
            patience_s = max(0.0, self._next - time.monotonic()) if unsaved else None
            done, pending = wait(pending, patience_s, FIRST_COMPLETED)
            for future in done:
                new(future)
                unsaved = True
            if unsaved and (time.monotonic() >= self._next or not pending):
                self._save_now()
                unsaved = False

    def save_if_due(self) -> None:
        """Save, unless that was done too short a time ago: what is left out is in what is saved next."""
        if time.monotonic() >= self._next:
            self._save_now()

    def _save_now(self) -> None:
        began = time.monotonic()
        self._save()
        self._next = time.monotonic() + _FACTOR * (time.monotonic() - began)
