"""The id of a run, which names its saved report, its ledger, and all that it makes on an engine."""

from __future__ import annotations

import os
import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from imgcompare.regex import regex

if TYPE_CHECKING:
    from collections.abc import Iterable

RUN_ID = regex(r"[0-9]{8}T[0-9]{9}-[0-9a-f]{6}", re.ASCII)


_TIME = "%Y%m%dT%H%M%S%f"


def new_run_id(now: datetime) -> str:
    """Return an id that no other run has: the time in UTC to the millisecond, and six random hexadecimal digits."""
    return f"{now:%Y%m%dT%H%M%S}{now.microsecond // 1000:03d}-{os.urandom(3).hex()}"


def after_all(run_id: str, others: Iterable[str]) -> str:
    """Return the id where it sorts after all others, else one that does: a clock may have been ahead."""
    time, _, random = run_id.partition("-")
    latest = max((other.partition("-")[0] for other in others), default="")
    if time > latest:
        return run_id
    try:
        following = datetime.strptime(latest, _TIME) + timedelta(milliseconds=1)  # noqa: DTZ007 - UTC, as all of them
    except (ValueError, OverflowError):
        return run_id
    return f"{following:%Y%m%dT%H%M%S}{following.microsecond // 1000:03d}-{random}"
