"""The id of a run, which names its saved report, its ledger, and all that it makes on an engine."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

RUN_ID = re.compile(r"[0-9]{8}T[0-9]{9}-[0-9a-f]{6}", re.ASCII)


def new_run_id(now: datetime) -> str:
    """Return an id that no other run has: the time in UTC to the millisecond, and six random hexadecimal digits."""
    return f"{now:%Y%m%dT%H%M%S}{now.microsecond // 1000:03d}-{os.urandom(3).hex()}"
