"""The numbers of a report in OpenMetrics 1.0, for dashboards: growth over months, where a team already looks.

https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md. A sample is a variant of a comparison;
what is not known has none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from imgcompare.comparison.compare import as_expected
from imgcompare.model import Document, Image, Report, Run, Variant, Verdict
from imgcompare.render.cells.repeated import spreads
from imgcompare.render.registry import RenderContext
from imgcompare.reports.store import reports_of
from imgcompare.text.printable import printable


class _Family(NamedTuple):
    """A gauge: its name after ``imgcompare_``, which ends with its unit where it has one."""

    name: str
    unit: str
    help: str
    read: Callable[[Variant], float | None]


def _image(read: Callable[[Image], float | None]) -> Callable[[Variant], float | None]:
    return lambda variant: read(variant.image) if variant.image else None


def _run(read: Callable[[Run], float | None]) -> Callable[[Variant], float | None]:
    return lambda variant: read(variant.run) if variant.run else None


def _works(variant: Variant) -> float | None:
    return None if variant.verdict is Verdict.NOT_CHECKED else float(variant.verdict is Verdict.WORKS)


def _spread(measure: str, field: str) -> Callable[[Variant], float | None]:
    def read(variant: Variant) -> float | None:
        value: float | None = getattr(dict(spreads(variant)).get(measure), field, None)
        return value

    return read


# Of what was measured several times.
_SPREADS = tuple(
    _Family(f"{name}_{field}_{unit}", unit, f"The {field} of several measurements: {what}.", _spread(measure, field))
    for name, unit, measure, what in (
        ("ready", "seconds", "ready_s", "from the start to the first good reply"),
        ("response", "seconds", "response_s", "the reply's time"),
        ("memory", "bytes", "memory_bytes", "memory in use once it is ready"),
        ("cached_build", "seconds", "build_s", "a build from the cache"),
    )
    for field in ("minimum", "median", "maximum", "deviation")
)
_FAMILIES = (
    _Family("works", "", "Whether the variant works.", _works),
    _Family("as_expected", "", "Whether it works, or breaks as it is declared to.", lambda v: float(as_expected(v))),
    _Family("image_uncompressed_bytes", "bytes", "The image unpacked.", _image(lambda i: i.uncompressed_size)),
    _Family("image_compressed_bytes", "bytes", "What a pull takes.", _image(lambda i: i.compressed_size)),
    _Family("image_own_bytes", "bytes", "What is added to the base image.", _image(lambda i: i.own_size)),
    _Family("image_unique_bytes", "bytes", "Bytes of layers no other variant has.", _image(lambda i: i.unique_bytes)),
    _Family("image_wasted_bytes", "bytes", "Bytes stored in vain.", _image(lambda i: i.wasted_bytes)),
    _Family("image_layers", "", "Layers of the image.", _image(lambda i: i.layer_count)),
    _Family("build_seconds", "seconds", "How long the build took.", lambda v: v.build.duration_s if v.build else None),
    _Family("ready_seconds", "seconds", "From the start to the first good reply.", _run(lambda r: r.ready_after_s)),
    _Family("stop_seconds", "seconds", "From the stop signal to the end.", _run(lambda r: r.stopped_after_s)),
    _Family("memory_bytes", "bytes", "Memory in use once it is ready.", _run(lambda r: r.memory_bytes)),
    _Family("response_seconds", "seconds", "The reply's time.", lambda v: v.check.response_time_s if v.check else None),
    *_SPREADS,
)


def render(document: Document, context: RenderContext) -> str:  # noqa: ARG001 - numbers have no looks
    """Return the exposition, ending in ``# EOF``; a family without a sample is left out."""
    reports = reports_of(document)
    lines = [line for family in _FAMILIES for line in _family(family, reports)]
    return "\n".join([*lines, *_gates(reports), "# EOF", ""])


def _family(family: _Family, reports: tuple[Report, ...]) -> Iterator[str]:
    samples = [
        f"imgcompare_{family.name}{_labels(comparison=report.scenario, variant=variant.name)} {value:.12g}"
        for report in reports
        for variant in report.variants
        if not variant.skipped and (value := family.read(variant)) is not None
    ]
    if samples:
        yield from _head(family.name, family.unit, family.help)
        yield from samples


def _gates(reports: tuple[Report, ...]) -> Iterator[str]:
    samples = [
        f"imgcompare_gate_passed{_labels(comparison=report.scenario, variant=gate.subject, gate=gate.name)} "
        f"{int(gate.passed)}"
        for report in reports
        for gate in report.gates
    ]
    if samples:
        yield from _head("gate_passed", "", "Whether a limit is kept.")
        yield from samples


def _head(name: str, unit: str, text: str) -> Iterator[str]:
    yield f"# TYPE imgcompare_{name} gauge"
    if unit:
        yield f"# UNIT imgcompare_{name} {unit}"
    yield f"# HELP imgcompare_{name} {text}"


def _labels(**labels: str) -> str:
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(text: str) -> str:
    return printable(text, limit=200).replace("\\", "\\\\").replace('"', '\\"')
