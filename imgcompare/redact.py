"""Pure: secrets given as build arguments or environment never reach a report, whatever echoes them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from imgcompare.model import Report

MASK = "•••"
_SECRET_NAME = re.compile(r"token|secret|passw|passphrase|credential|private|api_?key|access_?key|auth", re.IGNORECASE)


def secret_values(*pairs: Mapping[str, str]) -> tuple[str, ...]:
    """The values whose names say that they are secret, the longest first so that none is masked in part only."""
    values = {value for some in pairs for name, value in some.items() if value and _SECRET_NAME.search(name)}
    return tuple(sorted(values, key=lambda value: (-len(value), value)))


def redact(text: str, secrets: Iterable[str]) -> str:
    """Mask every secret in a text."""
    for secret in secrets:
        text = text.replace(secret, MASK)
    return text


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
