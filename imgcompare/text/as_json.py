"""Any value as JSON, which knows no bytes that are not UTF-8."""

from __future__ import annotations

import msgspec

from imgcompare.text.printable import file_name


def as_json(value: object) -> bytes:
    """Encode a value; in texts with surrogates (names that are not UTF-8), these are written as escapes."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        return msgspec.json.encode(_escaped(msgspec.to_builtins(value)))


def _escaped(value: object) -> object:
    match value:
        case str():
            return value if value.isascii() or not _is_odd(value) else file_name(value)
        case dict():
            return {_escaped(key): _escaped(part) for key, part in value.items()}
        case list() | tuple():
            return [_escaped(part) for part in value]
    return value


def _is_odd(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)
