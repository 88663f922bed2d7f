"""Bytes, seconds and ratios as text: pure, in Unicode; where only ASCII can be shown, safetext.to_ascii translates."""

from __future__ import annotations

import re
from collections.abc import Sequence

from imgcompare.errors import UsageError
from imgcompare.regex import regex

MINUS = "−"  # U+2212, as wide as the plus sign beside it

# Decimal units in the spelling of Docker (https://github.com/docker/go-units/blob/master/size.go), with the decimals
# that give about four figures, so that sizes in one column compare at a glance.
_BYTE_UNITS = (("B", 0), ("kB", 0), ("MB", 1), ("GB", 2))
_QUANTITY = regex(r"([0-9]{1,15}(?:\.[0-9]{1,15})?) ?(?:([kmgt]?)(i?)b)?", re.IGNORECASE)
_SHARE = regex(r"([0-9]{1,15}(?:\.[0-9]{1,15})?) ?%")
_DURATION = regex(r"([0-9]{1,15}(?:\.[0-9]{1,15})?) ?(ms|s)?", re.IGNORECASE)
_EIGHTHS = " ▏▎▍▌▋▊▉"


def format_bytes(count: float) -> str:
    """Return a number of bytes in decimal units, such as ``0 B``, ``812 kB``, ``957.2 MB`` or ``1.23 GB``."""
    value = float(count)
    for unit, decimals in _BYTE_UNITS:
        # Rounded first: 999,960,000 is 1.00 GB and never 1000.0 MB.
        if round(value, decimals) < 1000:
            return f"{value:.{decimals}f} {unit}"
        value /= 1000
    return f"{value:.2f} TB"


def parse_bytes(option: str, text: str) -> int:
    """Read a number of bytes as users write it: ``500000``, ``500kB``, ``1.5MB``, ``2MiB``; case does not matter.

    Raises UsageError, naming the option, for anything else.
    """
    match = _QUANTITY.fullmatch(text.strip())
    power = "kmgt".find(match[2].lower()) + 1 if match and match[2] else 0
    if not match or (match[3] and not power):
        raise UsageError(
            f"{option} {text!r} is no number of bytes", hint=f"Accepted forms: {option} 500000, 500kB, 1.5MB or 2MiB."
        )
    return round(float(match[1]) * float((1024 if match[3] else 1000) ** power))


def parse_share(option: str, text: str) -> float:
    """Read a percentage, such as ``50%`` or ``2.5 %``, as parts of one. Raises UsageError, naming the option."""
    match = _SHARE.fullmatch(text.strip())
    if not match:
        raise UsageError(f"{option} {text!r} is no percentage", hint=f"Accepted forms: {option} 50% or 2.5%.")
    return float(match[1]) / 100


def parse_seconds(option: str, text: str) -> float:
    """Read a duration in seconds: ``2``, ``1.5s``, ``500ms``. Raises UsageError, naming the option."""
    match = _DURATION.fullmatch(text.strip())
    if not match:
        raise UsageError(f"{option} {text!r} is no duration", hint=f"Accepted forms: {option} 2s, 1.5s or 500ms.")
    return float(match[1]) / (1000 if (match[2] or "").lower() == "ms" else 1)


def format_delta(count: float) -> str:
    """Return a difference in bytes with its sign, such as ``−757.8 MB``, ``+1.2 MB`` or ``0 B``."""
    return _sign(count) + format_bytes(abs(count))


def format_percent(fraction: float) -> str:
    """Return a fraction as a percentage, such as ``79 %``; what rounds to nothing or to all says so (``< 0.1 %``)."""
    percent = abs(fraction) * 100
    if 0 < percent < 0.1:
        return "< 0.1 %"
    if percent == 0 or 9.95 <= percent < 99.5 or percent >= 100:
        return f"{percent:.0f} %"
    # Close to 100 % is not 100 %: an image that saves everything would be empty.
    return f"{min(percent, 99.9):.1f} %"


def format_change(ratio: float) -> str:
    """Return how a ratio (new ÷ old) differs from 1, such as ``−79 %``, ``+4.2 %`` or ``0 %``; from 10 on, itself."""
    if ratio >= 10:
        return f"× {ratio:,.0f}"
    change = ratio - 1
    if 0 < abs(change) < 0.001:
        return "≈ 0 %"
    return _sign(change) + format_percent(change)


def format_seconds(seconds: float) -> str:
    """Return a duration, such as ``12 ms``, ``0.41 s``, ``3.1 s``, ``1 min 12 s`` or ``2 h 05 min``."""
    if round(seconds, 2) < 0.1:
        return f"{seconds * 1000:.0f} ms"
    if round(seconds, 2) < 1:
        return f"{seconds:.2f} s"
    if round(seconds, 1) < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def format_quantity(name: str, value: float) -> str:
    """Return a value in the unit that its name tells: ``*_s``, ``*_size`` and ``*_bytes``, ``*_ratio`` in percent."""
    sign = MINUS if value < 0 else ""
    if name.endswith(("_size", "_bytes")):
        return sign + format_bytes(abs(value))
    if name.endswith("_ratio"):
        return sign + format_percent(value)
    return format_seconds(value) if name.endswith("_s") else f"{value:g}"


def format_exactly(name: str, value: float) -> str:
    """Return a value like format_quantity, with so many figures that two that differ look different."""
    if name.endswith(("_size", "_bytes")):
        return f"{value:,.0f} B".replace("-", MINUS)
    if name.endswith("_ratio"):
        return f"{value * 100:.6g} %".replace("-", MINUS)
    return f"{value:.6g} s" if name.endswith("_s") else f"{value:g}"


def draw_bar(share: float, width: int, *, ascii_only: bool = False) -> str:
    """Return a bar of at most ``width`` characters for a share of 0 to 1, in eighths; more than nothing shows."""
    share = min(max(share, 0.0), 1.0)
    if ascii_only:
        return "#" * max(round(share * width), int(share > 0))
    full, eighths = divmod(max(round(share * width * 8), int(share > 0)), 8)
    return "█" * full + _EIGHTHS[eighths].strip()


def draw_trend(values: Sequence[float | None], *, ascii_only: bool = False) -> str:
    """Return a character for each value, by its place between the least and the greatest; a space where there is none.

    Values within a twentieth of the greatest draw as hardly anything: a trend is not made of noise.
    """
    known = [value for value in values if value is not None]
    marks, least, greatest = ("_.:-=+*#" if ascii_only else "▁▂▃▄▅▆▇█"), min(known, default=0), max(known, default=0)
    span = max(greatest - least, greatest / 20) or 1
    bottom = (greatest + least - span) / 2
    last = len(marks) - 1
    # What lies between two marks is the upper one's, whatever the last bit of a float is.
    places = (None if value is None else int((value - bottom) / span * last + 0.5 + 1e-9) for value in values)
    return "".join(" " if place is None else marks[place] for place in places)


def _sign(value: float) -> str:
    return MINUS if value < 0 else "+" if value > 0 else ""
