"""The action's outputs, of one comparison and of several."""

from __future__ import annotations

import runpy
from pathlib import Path

from msgspec.structs import replace

from imgcompare.model import Document, Verdict
from imgcompare.reports.collection import collect
from tests.support.reports import report, variant

PUBLISH = runpy.run_path(str(Path(__file__).parents[2] / "action" / "publish.py"))
ONE = report(variant("fat", 957), variant("slim", 199, compressed_size=70))


def outputs(document: Document) -> list[str]:
    """Each output's value, in the order of the action's."""
    return [PUBLISH["told"](document, value) for value in PUBLISH["_OUTPUTS"].values()]


def test_of_one_comparison() -> None:
    """Plain values, under --all too, where it is a collection of one; the baseline itself saves nothing."""
    assert outputs(ONE) == ["slim", "79.2", "199", "70"]
    assert outputs(collect((ONE,), created=ONE.created)) == outputs(ONE)
    assert outputs(report(variant("a", 100), variant("b", 200))) == ["a", "0.0", "100", ""]


def test_of_several() -> None:
    """Each with the name of its comparison; what has no value is left out."""
    broken = report(replace(variant("only", 5), verdict=Verdict.BROKEN), scenario="broken")
    two = collect((ONE, broken, replace(ONE, scenario="web")), created=ONE.created)
    assert outputs(two) == [
        "default:slim web:slim",
        "default:79.2 web:79.2",
        "default:199 web:199",
        "default:70 web:70",
    ]


def test_where_nothing_works() -> None:
    """Empty values, not words."""
    assert outputs(report(replace(variant("only", 5), verdict=Verdict.BROKEN))) == ["", "", "", ""]
