"""Numbers as people read them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgcompare.errors import UsageError
from imgcompare.text.units import (
    draw_bar,
    draw_trend,
    format_bytes,
    format_change,
    format_delta,
    format_exactly,
    format_percent,
    format_quantity,
    format_seconds,
    parse_bytes,
)


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (812_345, "812 kB"),
        (999_499, "999 kB"),
        (999_500, "1.0 MB"),
        (957_200_000, "957.2 MB"),
        (999_960_000, "1.00 GB"),
        (1_234_000_000, "1.23 GB"),
        (2_500_000_000_000, "2.50 TB"),
        (2_500_000_000_000_000, "2500.00 TB"),
    ],
)
def test_bytes(count: int, text: str) -> None:
    """Bytes are decimal as Docker prints them, and a number that rounds up to 1000 moves to the next unit."""
    assert format_bytes(count) == text


@given(st.integers(min_value=0, max_value=10**15))
def test_bytes_never_show_a_thousand(count: int) -> None:
    """Below the last unit, a number never has four digits before the point."""
    assert float(format_bytes(count).split()[0]) < 1000 or count > 9 * 10**14


@pytest.mark.parametrize(
    ("count", "text"), [(-757_800_000, "−757.8 MB"), (1_200_000, "+1.2 MB"), (0, "0 B"), (-1, "−1 B")]
)
def test_delta(count: int, text: str) -> None:
    """A difference carries its sign; no difference has none."""
    assert format_delta(count) == text


@pytest.mark.parametrize(
    ("fraction", "text"),
    [
        (0.0, "0 %"),
        (0.0004, "< 0.1 %"),
        (0.042, "4.2 %"),
        (0.0994, "9.9 %"),
        (0.0996, "10 %"),
        (0.7917, "79 %"),
        (0.994, "99 %"),
        (0.996, "99.6 %"),
        (0.99999, "99.9 %"),
        (1.0, "100 %"),
        (12.5, "1250 %"),
    ],
)
def test_percent(fraction: float, text: str) -> None:
    """A share never rounds to nothing or to everything when it is neither."""
    assert format_percent(fraction) == text


@pytest.mark.parametrize(
    ("ratio", "text"),
    [
        (0.2083, "−79 %"),
        (1.042, "+4.2 %"),
        (1.0, "0 %"),
        (0.9999, "≈ 0 %"),
        (3.0, "+200 %"),
        (0.0, "−100 %"),
        (9.99, "+899 %"),
        (10, "× 10"),
        (108463.75, "× 108,464"),
    ],
)
def test_change(ratio: float, text: str) -> None:
    """A ratio is shown as what changed."""
    assert format_change(ratio) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 ms"),
        (0.0123, "12 ms"),
        (0.0949, "95 ms"),
        (0.0951, "0.10 s"),
        (0.41, "0.41 s"),
        (0.996, "1.0 s"),
        (3.14, "3.1 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 00 s"),
        (72.4, "1 min 12 s"),
        (3599.6, "1 h 00 min"),
        (7512, "2 h 05 min"),
    ],
)
def test_seconds(seconds: float, text: str) -> None:
    """Durations keep two or three figures and never show sixty of anything."""
    assert format_seconds(seconds) == text


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("uncompressed_size", 150e6, "150.0 MB"),
        ("memory_bytes", 4e7, "40.0 MB"),
        ("ready_after_s", 3, "3.0 s"),
        ("layer_count", 12.0, "12"),
    ],
)
def test_quantity(name: str, value: float, text: str) -> None:
    """The name of a quantity says its unit."""
    assert format_quantity(name, value) == text


@pytest.mark.parametrize(
    ("share", "bar", "ascii_bar"),
    [
        (1.0, "██████████", "##########"),
        (0.5, "█████", "#####"),
        (0.2083, "██▏", "##"),
        (0.0001, "▏", "#"),
        (0.0, "", ""),
        (7.0, "██████████", "##########"),
    ],
)
def test_bar(share: float, bar: str, ascii_bar: str) -> None:
    """A bar is as long as its share, in eighths; the smallest still shows, and none leaves its room."""
    assert draw_bar(share, 10) == bar
    assert draw_bar(share, 10, ascii_only=True) == ascii_bar


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("0", 0),
        ("500000", 500_000),
        ("12B", 12),
        ("500kB", 500_000),
        ("500 KB", 500_000),
        (" 1.5mb ", 1_500_000),
        ("2MiB", 2 << 20),
        ("1GB", 1_000_000_000),
        ("0.5TiB", 1 << 39),
    ],
)
def test_bytes_are_read_as_users_write_them(text: str, count: int) -> None:
    """Decimal and binary units, any case, a fraction or none."""
    assert parse_bytes("--min", text) == count


@pytest.mark.parametrize(
    "text", ["", "much", "-1", "+1", "1e6", "1.", ".5", "5 iB", "1 XB", "1MBB", "1,5MB", "٣", "9" * 99]
)
def test_what_is_no_number_of_bytes_is_refused(text: str) -> None:
    """The error names the option, what was given, and the accepted forms."""
    with pytest.raises(UsageError, match=r"--min .* is no number of bytes") as caught:
        parse_bytes("--min", text)
    assert caught.value.hint == "Accepted forms: --min 500000, 500kB, 1.5MB or 2MiB."


@pytest.mark.parametrize(
    ("name", "value", "text", "exact"),
    [
        ("own_size", 199_400_001, "199.4 MB", "199,400,001 B"),
        ("growth_bytes", -1_200_000, "−1.2 MB", "−1,200,000 B"),
        ("saving_ratio", 0.49996, "50 %", "49.996 %"),
        ("growth_ratio", -0.02, "−2.0 %", "−2 %"),
        ("ready_after_s", 2.0004, "2.0 s", "2.0004 s"),
        ("layer_count", 7, "7", "7"),
    ],
)
def test_a_quantity_has_the_unit_that_its_name_tells(name: str, value: float, text: str, exact: str) -> None:
    """Rounded to be read, and in full where two that differ would read the same."""
    assert (format_quantity(name, value), format_exactly(name, value)) == (text, exact)


@pytest.mark.parametrize(
    ("values", "text", "ascii_text"),
    [
        ([], "", ""),
        ([5], "▅", "="),
        ([0, 0], "▅▅", "=="),
        ([None, 100, 200, None, 150], " ▁█ ▅", " _# ="),
        ([1000, 1001, 999], "▅▅▄", "==-"),
        ([241_909_760] * 3, "▅▅▅", "==="),
        ([0, 7, 14], "▁▅█", "_=#"),
    ],
)
def test_a_trend_is_drawn_between_its_extremes(values: list[float | None], text: str, ascii_text: str) -> None:
    """What hardly differs looks it, and what is not known leaves a gap."""
    assert draw_trend(values) == text
    assert draw_trend(values, ascii_only=True) == ascii_text
