"""Pure: no secret that was given reaches a report."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from imgcompare.model import Report
from imgcompare.text.redact import redact


def redact_report(report: Report, secrets: tuple[str, ...]) -> Report:
    """Mask every secret in every text of a report."""
    if not secrets:
        return report
    return msgspec.convert(_map_texts(msgspec.to_builtins(report), lambda text: redact(text, secrets)), Report)


def _map_texts(value: Any, change: Callable[[str], str]) -> Any:
    match value:
        case str():
            return change(value)
        case dict():
            return {key: _map_texts(part, change) for key, part in value.items()}
        case list() | tuple():
            return [_map_texts(part, change) for part in value]
    return value
