"""What was measured several times, as the formats for people and for CI tell it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from imgcompare.comparison.spread import spread
from imgcompare.console.style import Style
from imgcompare.model import Repeated, Report, Variant
from tests.support.rendered import render

AGAIN = Repeated(ready_s=spread([0.41, 0.4, 0.45]), response_s=spread([0.0042]), build_s=spread([0.2, 0.3]))


@pytest.mark.parametrize(
    ("format_", "told"),
    [
        ("markdown", "| single-stage | ready | 3 | 0.40 s | <b>0.41 s</b> | 0.45 s | ± 26.5 ms |"),
        ("github", "± 26.5 ms"),
        ("html", "26.5"),
        ("junit", "ready, measured 3 times: least 0.40 s, median 0.41 s, most 0.45 s"),
        ("junit", "cached build, measured 2 times: least 0.20 s, median 0.25 s, most 0.30 s"),
        ("json", '"deviation": null,'),
    ],
)
def test_every_format_tells_it(
    make_report: Callable[..., Report], single: Variant, multi: Variant, format_: str, told: str
) -> None:
    """The same figures everywhere, and nothing of it where nothing was measured again."""
    style = Style(width=100, color=False, ascii_only=False)
    shown = render(make_report(replace(single, repeated=AGAIN), multi), format_, style)
    assert told in shown.replace("\xa0", " ")
    assert told not in render(make_report(single, multi), format_, style)
