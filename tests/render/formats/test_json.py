"""The report as JSON."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable

import msgspec
import pytest
from msgspec.structs import replace

from imgcompare.console.style import Style
from imgcompare.errors import UsageError
from imgcompare.model import Collection, Report, Variant
from imgcompare.render.formats.json import pieces, to_json
from imgcompare.render.registry import FORMATS, RenderContext
from imgcompare.reports.collection import collect
from tests.support.rendered import render

MakeReport = Callable[..., Report]
MakeVariant = Callable[..., Variant]

UNICODE = Style(width=80, color=True, ascii_only=False)


def test_everything_in_the_order_of_the_model(make_report: MakeReport, single: Variant, tutorial: Variant) -> None:
    """The JSON is the report, whole: read back it is equal, and its fields stand as in the model."""
    report = make_report(single, tutorial)
    text = render(report, "json", UNICODE, notes=("notes are not data",))
    assert msgspec.json.decode(text, type=Report) == report
    assert list(json.loads(text)) == list(Report.__struct_fields__)
    assert text.startswith('{\n  "schema_version": 1,\n  "tool": {\n    "name": "imgcompare",\n')
    assert text.endswith('  "duration_s": null\n}\n')


def test_a_report_is_written_a_variant_at_a_time(make_report: MakeReport, make_variant: MakeVariant) -> None:
    """Whatever its names hold, the pieces are the text that all of it at once would be, and each holds one variant."""
    names = ("a", '\n  "variants": []', '"variants": [', "größe\x9b\x7f")
    whole = make_report(*map(make_variant, names), scenario='"variants": []')
    for style in (UNICODE, Style(width=80, color=False, ascii_only=True)):
        assert render(whole, "json", style) == to_json(whole, style)
    assert max(piece.count('"verdict"') for piece in pieces(whole, RenderContext(UNICODE))) == 1
    empty = replace(whole, variants=())
    assert msgspec.json.decode(render(empty, "json", UNICODE), type=Report) == empty


def test_a_collection_is_written_a_comparison_at_a_time(make_report: MakeReport, single: Variant) -> None:
    """Whatever its names hold, the pieces are the text that all of it at once would be."""
    reports = [make_report(single, scenario=name) for name in ("a", '\n  "comparisons": []', "größe\x9b\x7f")]
    whole = collect(reports, created='"comparisons": []')
    for style in (UNICODE, Style(width=80, color=False, ascii_only=True)):
        assert render(whole, "json", style) == to_json(whole, style)
    assert msgspec.json.decode(render(whole, "json", UNICODE), type=Collection) == whole
    assert max(piece.count('"verdict"') for piece in pieces(whole, RenderContext(UNICODE))) == 1
    empty = collect([], created="")
    assert msgspec.json.decode(render(empty, "json", UNICODE), type=Collection) == empty


def test_controls_are_escaped_and_nothing_is_lost(make_report: MakeReport, make_variant: MakeVariant) -> None:
    """Characters that drive a terminal stand as escapes; the value is the same."""
    name = "a\x1b[2J\x9b31m\u202eb größe 应"
    text = render(make_report(make_variant(name)), "json", UNICODE)
    assert r'"name": "a\u001b[2J\u009b31m\u202eb größe 应"' in text
    assert json.loads(text)["variants"][0]["name"] == name


def test_ascii_terminal(make_report: MakeReport, make_variant: MakeVariant) -> None:
    """On an ASCII terminal every other character is a JSON escape, beyond the basic plane too."""
    text = render(make_report(make_variant("ö 应 🐳")), "json", Style(width=80, color=False, ascii_only=True))
    assert text.isascii()
    assert json.loads(text)["variants"][0]["name"] == "ö 应 🐳"


def test_unknown_format(make_report: MakeReport, single: Variant) -> None:
    """A format that does not exist is refused with the list of those that do."""
    with pytest.raises(UsageError, match="unknown format 'pdf'") as caught:
        render(make_report(single), "pdf", UNICODE)
    assert caught.value.hint == f"Formats: {', '.join(FORMATS)}."


def test_json_does_not_load_rich() -> None:
    """A machine that reads JSON does not wait for the terminal's library."""
    code = "import sys, imgcompare.render.formats.json, imgcompare.console.style; sys.exit('rich' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
