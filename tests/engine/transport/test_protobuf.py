"""Protocol buffers by hand."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgcompare.engine.transport.protobuf import as_bytes, as_int, as_text, field, fields, mapping, message, varint


@pytest.mark.parametrize(
    ("number", "encoded"),
    [
        (0, "00"),
        (1, "01"),
        (127, "7f"),
        (128, "8001"),
        (300, "ac02"),
        (-1, "ffffffffffffffffff01"),
        (2**63, "80" * 9 + "01"),
    ],
)
def test_numbers_are_written_as_the_format_has_it(number: int, encoded: str) -> None:
    """Examples of the encoding's own documentation, and both ends of what fits."""
    assert varint(number).hex() == encoded


def test_fields_and_maps_read_back() -> None:
    """Numbers, text, bytes, messages and pairs; what is zero or empty is not written, an empty message is."""
    data = field(1, 150) + field(2, "testing") + field(3, b"\xff") + field(4, 0) + field(5, "") + message(6, b"")
    assert data.startswith(bytes.fromhex("089601 120774657374696e67"))
    read = dict(fields(data + mapping(7, {"a": "b"})))
    assert (as_int(read[1]), as_text(read[2]), as_bytes(read[3]), read[6]) == (150, "testing", b"\xff", b"")
    assert dict(fields(as_bytes(read[7]))) == {1: b"a", 2: b"b"}
    assert not read.keys() & {4, 5}


def test_a_field_of_another_kind_is_an_error() -> None:
    """A peer that sends a number where text belongs, or the reverse, is not believed."""
    with pytest.raises(ValueError, match="length-delimited"):
        as_bytes(1)
    with pytest.raises(ValueError, match="number"):
        as_int(b"1")


@given(st.binary())
def test_any_bytes_are_fields_or_a_value_error(data: bytes) -> None:
    """Nothing else is raised, and it ends."""
    with contextlib.suppress(ValueError):
        list(fields(data))
