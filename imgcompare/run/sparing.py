"""Saving what is known so far: soon, yet for no more than a small part of the time."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import TypeVar

T = TypeVar("T")
_FACTOR = 20


class Sparing:
    """Calls ``save`` where something is new, and never before 20 times as long as that took has gone by.

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
            began = time.monotonic()
            if unsaved and (began >= self._next or not pending):
                self._save()
                unsaved, self._next = False, time.monotonic() + _FACTOR * (time.monotonic() - began)
