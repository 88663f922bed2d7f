"""The report as one page of HTML that needs nothing else: no server, no network, and for reading it no script either.

What images, logs and reports hold is data: it is escaped by the template engine, and the page's content security policy
(https://www.w3.org/TR/CSP3/) lets run and apply nothing but the script and style that it names by their hashes.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import jinja2
from markupsafe import Markup, escape
from msgspec import Struct

from imgcompare.comparison.compare import as_expected
from imgcompare.diagnosis.explanations import EXPLANATIONS
from imgcompare.model import (
    Caution,
    Collection,
    ComparisonRow,
    Document,
    Part,
    PartKind,
    Report,
    Variant,
    Verdict,
)
from imgcompare.regex import regex
from imgcompare.render.cells import against, images, savings, sentences, shrunk
from imgcompare.render.cells.after_change import build_changes
from imgcompare.render.cells.collection import build_overview
from imgcompare.render.cells.comparison import build_grid, pull_size
from imgcompare.render.cells.dockerfile_lines import MarkedLine, marked_lines
from imgcompare.render.cells.facts import in_groups, without
from imgcompare.render.cells.gates import build_gates
from imgcompare.render.cells.grid import Cell, Grid, variant_name
from imgcompare.render.cells.repeated import build_repeats
from imgcompare.render.cells.trends import FEWEST_RUNS, Trend, build_runs, trends, until
from imgcompare.render.formats import html_charts
from imgcompare.render.registry import RenderContext
from imgcompare.reports.history import PastRun
from imgcompare.text.printable import printable, printable_lines
from imgcompare.text.units import format_bytes, format_delta, format_seconds

_TEMPLATES = Path(__file__).parent.parent / "templates"
_KINDS = tuple(PartKind)
_CODE = regex(r"`([^`]+)`")
_UNIT = regex(r"(?<=\d) (?=(?:%|[kMGT]?B)(?!\w))")
_HYPHENED = regex(r"[^\s-]+(?:-[^\s-]+)+")


class Size(Struct, frozen=True, kw_only=True):
    """A variant's row in the chart of sizes."""

    variant: Variant
    spans: tuple[html_charts.Span, ...]
    width: float
    pull: float
    unpacked_text: str
    pull_text: str
    change: str
    verdict: Cell
    broken: bool


class View(Struct, frozen=True, kw_only=True):
    """A report as its page shows it: ``id`` begins the ids of all its parts, so that a page can hold several."""

    id: str
    report: Report
    sizes: tuple[Size, ...]
    dockerfiles: tuple[tuple[Variant, tuple[MarkedLine, ...]], ...]
    categories: tuple[str, ...]
    timelines: tuple[tuple[Variant, tuple[html_charts.Span, ...]], ...]
    axis: html_charts.Axis
    warnings: tuple[tuple[Caution, tuple[str, ...]], ...]
    images: tuple[Variant, ...]
    files: tuple[Variant, ...]
    changes: tuple[tuple[Variant, ComparisonRow, tuple[html_charts.Step, ...]], ...]
    opened: Variant | None
    packages: Grid
    trees: Markup
    runs: Grid
    trends: tuple[Trend, ...]


def render(document: Document, context: RenderContext) -> str:
    """Return the page."""
    notes, past = context.notes, context.past()
    script, css = _asset("icicle.js") + _asset("report.js"), _asset("report.css")
    reports = document.comparisons if isinstance(document, Collection) else (document,)
    return (
        _environment()
        .get_template("report.html")
        .render(
            document=document,
            collection=document if isinstance(document, Collection) else None,
            views=[_view(f"c{number}", report, until(report, past)) for number, report in enumerate(reports, 1)],
            summary=build_overview(document) if isinstance(document, Collection) else None,
            notes=[printable(note) for note in notes],
            reload_s=context.reload_s,
            unfolded=context.unfolded,
            projector=context.projector,
            script=Markup(script),  # noqa: S704 - our own file
            css=Markup(css),  # noqa: S704
            policy=_policy(script, css),
        )
    )


def _policy(script: str, css: str) -> str:
    """Nothing but this script, this style and the page's own icon; no text ever becomes markup or code."""
    return (
        f"default-src 'none'; script-src {_source(script)}; style-src {_source(css)}; img-src data:; base-uri 'none'; "
        "form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )


def _source(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@cache
def _asset(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {
        "tables": images,
        "words": sentences,
        "shrunk": shrunk,
        "savings": savings,
        "against": against,
        "build_changes": build_changes,
        "build_repeats": build_repeats,
        "build_gates": build_gates,
        "explanations": EXPLANATIONS,
        "as_expected": as_expected,
        "longest_step": html_charts.longest_step,
        "in_groups": in_groups,
        "summary_grid": lambda report: without(build_grid(report), ("bar",)),
    }
    environment.filters |= {
        "printable": printable,
        "lines": lambda texts: [line for text in texts for line in printable_lines(text)],
        "name": variant_name,
        "coded": _coded,
        "capitalized": lambda text: text[:1].upper() + text[1:],
        "bytes": format_bytes,
        "delta": format_delta,
        "glued": _glued,
        "seconds": lambda seconds: format_seconds(seconds).replace(" ", "\N{NO-BREAK SPACE}"),
    }
    return environment


def _coded(text: str) -> Markup:
    """A text with what stands between backticks as code; whatever else is in it stays text."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped before


def _glued(text: str) -> Markup:
    """A text whose numbers stay with their units, and whose names with hyphens go to the next line whole."""
    escaped = str(escape(_UNIT.sub("\N{NO-BREAK SPACE}", text)))
    return Markup(_HYPHENED.sub(r'<span class="unbroken">\g<0></span>', escaped))  # noqa: S704 - escaped before


def _view(id_: str, report: Report, runs: Sequence[PastRun]) -> View:
    measured = [v.image for v in report.variants if v.image]
    largest = max((image.uncompressed_size for image in measured), default=0)
    longest = max(map(html_charts.duration, report.variants), default=0)
    changes = tuple(html_charts.compared(report))
    first = changes[0][0] if changes else None
    present = {
        html_charts.category_class(name) for image in measured for name, count in image.contents.items() if count
    }
    return View(
        id=id_,
        report=report,
        sizes=tuple(_sizes(report, largest)),
        dockerfiles=tuple((v, lines) for v in report.variants if (lines := marked_lines(v))),
        categories=tuple(name for name in html_charts.CATEGORIES if name in present),
        timelines=tuple((variant, html_charts.timeline(variant, longest)) for variant in report.variants),
        axis=html_charts.time_axis(longest),
        warnings=tuple(_warnings(report.variants)),
        images=tuple(v for v in report.variants if v.image and v.image.layers),
        files=tuple(v for v in report.variants if v.image and (v.image.largest_files or v.image.wasted_files)),
        changes=changes,
        opened=next((v for v, _, _ in changes if v.name == report.comparison.smallest_working), first),
        packages=images.build_packages(report),
        trees=_trees(report.variants),
        runs=build_runs(runs),
        trends=trends(runs) if len(runs) >= FEWEST_RUNS else (),
    )


def _sizes(report: Report, largest: int) -> Iterator[Size]:
    """The rows of the chart, in the words of the table."""
    grid = build_grid(report)
    keys = [column.key for column in grid.columns]
    for variant, row in zip(report.variants, grid.rows, strict=True):
        cells = dict(zip(keys, row, strict=True))
        if variant.image:
            yield Size(
                variant=variant,
                spans=html_charts.contents_bar(variant.image, largest),
                width=html_charts.percent(variant.image.uncompressed_size, largest),
                pull=100 * (variant.image.compressed_size or 0) / largest if largest else 0,
                unpacked_text=cells["uncompressed_size"].text,
                pull_text=pull_size(variant.image.compressed_size, variant.image.compressed_size_exact),
                change=cells["change"].text if "change" in cells else "",
                verdict=cells["verdict"],
                broken=variant.verdict is Verdict.BROKEN,
            )


def _warnings(variants: Sequence[Variant]) -> Iterator[tuple[Caution, tuple[str, ...]]]:
    """Each warning about variants that work, with the names of all whom it concerns."""
    told: dict[tuple[str, str], list[tuple[Caution, str]]] = {}
    for variant in variants:
        if variant.verdict is Verdict.WORKS:
            for caution in variant.warnings:
                told.setdefault((caution.code, caution.message), []).append((caution, variant_name(variant.name)))
    for found in told.values():
        yield found[0][0], tuple(name for _, name in found)


def _trees(variants: Sequence[Variant]) -> Markup:
    """The trees for the script, as JSON that cannot end its element: name, kind, bytes, entries, parts."""
    trees = [
        {
            "name": variant_name(variant.name),
            "bytes": variant.image.uncompressed_size,
            "layers": [printable(layer.created_by, limit=300) for layer in variant.image.layers],
            "parts": list(_parts(variant.image.tree)),
        }
        for variant in variants
        if variant.image and variant.image.tree
    ]
    text = json.dumps(trees, separators=(",", ":"))
    # Inside a script no markup is left that could end it.
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))  # noqa: S704


def _parts(parts: Sequence[Part]) -> Iterator[list[object]]:
    for part in parts:
        name = sentences.category_name(part.name) if part.kind is PartKind.CATEGORY else printable(part.name)
        kind = _KINDS.index(part.kind)
        yield [name, kind, part.size_bytes, part.entry_count, list(_parts(part.parts)), *_color(part)]


def _color(part: Part) -> tuple[str, ...]:
    return (html_charts.category_class(part.name),) if part.kind is PartKind.CATEGORY else ()
