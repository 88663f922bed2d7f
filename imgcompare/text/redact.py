"""Pure: secrets given as build arguments or environment never reach a report, whatever echoes them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

MASK = "•••"
_NAMES = r"token|secret|passw|passphrase|credential|private|api[_-]?key|access[_-]?key|auth"
_SECRET_NAME = re.compile(_NAMES, re.IGNORECASE)
_WORD = r"[\w-]{0,60}"  # bounded, so that a long word is not tried from each of its letters
_GIVEN = re.compile(
    rf"""((?<![\w-]){_WORD}?(?:{_NAMES}){_WORD}=["']?|(?<![\w-])--?{_WORD}?(?:{_NAMES}){_WORD}["', ]+)[^\s"',]+"""
    r"|(://[^\s/:@]{0,200}:)[^\s/@]+(?=@)",
    re.IGNORECASE,
)


def secret_values(*pairs: Mapping[str, str]) -> tuple[str, ...]:
    """The values whose names say that they are secret, the longest first so that none is masked in part only."""
    values = {value for some in pairs for name, value in some.items() if value and is_secret(name)}
    return tuple(sorted(values, key=lambda value: (-len(value), value)))


def redact(text: str, secrets: Iterable[str]) -> str:
    """Mask every secret in a text."""
    for secret in secrets:
        text = text.replace(secret, MASK)
    return text


def is_secret(name: str) -> bool:
    """Whether a name says that its value is secret."""
    return _SECRET_NAME.search(name) is not None


def redact_command(text: str) -> str:
    """Mask what a command gives to a secret name (``NAME=value``, ``--name value``) or as the password of a URL."""
    return _GIVEN.sub(lambda match: f"{match[1] or match[2]}{MASK}", text)
