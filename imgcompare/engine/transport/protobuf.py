"""Protocol buffers by hand: the few messages that BuildKit and we exchange need no compiler and no library.

The wire format: https://protobuf.dev/programming-guides/encoding/.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

_LENGTH_DELIMITED = 2


def varint(value: int) -> bytes:
    """Encode a number; a negative one as the 64 bits that Go and C make of it."""
    value &= (1 << 64) - 1
    if value < 0x80:
        return value.to_bytes(1, "little")
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def field(number: int, value: int | bytes | str) -> bytes:
    """Encode one field; a zero or empty one is what its absence means, and is left out."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value) if value else b""
    data = value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value
    return message(number, data) if data else b""


def message(number: int, data: bytes) -> bytes:
    """Encode a message, or other bytes, as a field that is there even when it is empty."""
    return varint(number << 3 | _LENGTH_DELIMITED) + varint(len(data)) + data


def mapping(number: int, values: Mapping[str, str | bytes]) -> bytes:
    """Encode a ``map<string, …>``: one message a pair, key 1 and value 2."""
    return b"".join(message(number, field(1, key) + field(2, value)) for key, value in values.items())


def fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield the number and the value of each field. Raises ValueError where the message is malformed."""
    position = 0
    while position < len(data):
        key, position = _varint(data, position)
        match key & 7:
            case 0:
                value, position = _varint(data, position)
                yield key >> 3, value
                continue
            case 1:
                length = 8
            case 2:
                length, position = _varint(data, position)
            case 5:
                length = 4
            case wire_type:
                raise ValueError(f"wire type {wire_type} is not in use")
        if length > len(data) - position:
            raise ValueError("a field is longer than its message")
        yield key >> 3, data[position : position + length]
        position += length


def as_bytes(value: int | bytes) -> bytes:
    """Return the value of a field that holds bytes. Raises ValueError where it holds a number."""
    if not isinstance(value, bytes):
        raise ValueError("expected a length-delimited field")
    return value


def as_text(value: int | bytes) -> str:
    """Return the value of a field that holds text. Raises ValueError where it holds a number."""
    return as_bytes(value).decode("utf-8", "replace")


def as_int(value: int | bytes) -> int:
    """Return the value of a field that holds a number. Raises ValueError where it holds bytes."""
    if not isinstance(value, int):
        raise ValueError("expected a number")
    return value


def _varint(data: bytes, position: int) -> tuple[int, int]:
    if position < len(data) and data[position] < 0x80:  # as nearly all of them are
        return data[position], position + 1
    value = 0
    for shift in range(0, 70, 7):
        if position >= len(data):
            break
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise ValueError("a number is cut off or longer than 64 bits")
