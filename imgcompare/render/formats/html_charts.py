"""Charts as numbers: what is drawn where, in per cent of the width, so that any page can draw it at any size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

from msgspec import Struct

from imgcompare.model import Build, ComparisonRow, Image, Report, Variant
from imgcompare.model import Step as BuildStep
from imgcompare.render.cells.grid import variant_name
from imgcompare.render.cells.sentences import category_name
from imgcompare.text.printable import printable
from imgcompare.text.units import format_bytes, format_delta, format_percent, format_seconds

# The categories of Image.contents in the order in which bars show them: what is yours first.
CATEGORIES = (
    "application",
    "python_packages",
    "language_packages",
    "python_interpreter",
    "runtime",
    "system_packages",
    "build_tools",
    "caches",
    "other",
)
_TICKS = 5


class Span(Struct, frozen=True, kw_only=True):
    """A piece of a bar: where it starts and how wide it is, in per cent; ``kind`` decides its colour."""

    start: float
    width: float
    kind: str
    label: str


class Step(Struct, frozen=True, kw_only=True):
    """A row of a waterfall: its bar, its name, and the bytes it says."""

    name: str
    text: str
    span: Span


class Axis(Struct, frozen=True, kw_only=True):
    """Where the ticks of an axis are, in per cent, and what they say."""

    ticks: tuple[tuple[float, str], ...]


def category_class(category: str) -> str:
    """Return the kind of a category's spans; what a newer version calls otherwise is drawn as "other"."""
    return category if category in CATEGORIES else "other"


def contents_bar(image: Image, largest: int) -> tuple[Span, ...]:
    """Return an image's bytes by category as pieces of one bar, on the scale of the ``largest`` image."""
    contents = image.contents or {"other": image.uncompressed_size}
    known = {name: contents[name] for name in CATEGORIES if contents.get(name)}
    known |= {name: count for name, count in contents.items() if name not in CATEGORIES and count}
    starts = accumulate(known.values(), initial=0)
    return tuple(
        Span(
            start=percent(start, largest),
            width=percent(count, largest),
            kind=category_class(name),
            label=f"{category_name(name)}: {format_bytes(count)}, {format_percent(count / image.uncompressed_size)}",
        )
        for start, (name, count) in zip(starts, known.items(), strict=False)
    )


def waterfall(base: Image, variant: Image, row: ComparisonRow, names: tuple[str, str]) -> tuple[Step, ...]:
    """Return the way from the baseline's bytes to a variant's, one step for each category, the greatest first."""
    levels = list(accumulate((change.delta_bytes for change in row.reasons), initial=base.uncompressed_size))
    top = max(levels) or 1
    steps = [_total(names[0], base, top)]
    for change, before, after in zip(row.reasons, levels, levels[1:], strict=False):
        text = format_delta(change.delta_bytes)
        span = Span(
            start=percent(min(before, after), top),
            width=percent(abs(change.delta_bytes), top),
            kind="less" if change.delta_bytes < 0 else "more",
            label=f"{category_name(change.category)} {text}",
        )
        steps.append(Step(name=category_name(change.category), text=text, span=span))
    return (*steps, _total(names[1], variant, top))


def _total(name: str, image: Image, top: int) -> Step:
    text = format_bytes(image.uncompressed_size)
    span = Span(start=0, width=percent(image.uncompressed_size, top), kind="total", label=f"{name} {text}")
    return Step(name=name, text=text, span=span)


def timeline(variant: Variant, longest: float) -> tuple[Span, ...]:
    """Return a variant's build, start and check, one after the other; a build's steps are scaled to its duration.

    A builder works on several steps at a time, so their durations can add up to more than the build's.
    """
    return tuple(_spans(_phases(variant), longest))


def _phases(variant: Variant) -> Iterator[tuple[str, str, float]]:
    """Kind, label and seconds of what happened; a step's label tells what it took itself."""
    if build := variant.build:
        steps = _built(build)
        scale, longest = build.duration_s / (sum(step.duration_s for step in steps) or 1), longest_step(build)
        yield from (
            (
                "longest" if step is longest else f"build-{n % 2}",
                f"{printable(step.name, limit=200)}: {format_seconds(step.duration_s)}",
                step.duration_s * scale,
            )
            for n, step in enumerate(steps)
        )
        if not steps:
            yield _phase("build-0", "build", build.duration_s)
    if variant.run and variant.run.ready_after_s is not None:
        yield _phase("start", "start", variant.run.ready_after_s)
    if variant.check and variant.check.response_time_s is not None:
        yield _phase("check", "check", variant.check.response_time_s)


def _phase(kind: str, name: str, seconds: float) -> tuple[str, str, float]:
    return kind, f"{name}: {format_seconds(seconds)}", seconds


def longest_step(build: Build) -> BuildStep | None:
    """Return the step that took longest, which its colour tells, or None of a build with fewer than two."""
    steps = _built(build)
    return max(steps, key=lambda step: step.duration_s) if len(steps) > 1 else None


def _built(build: Build) -> list[BuildStep]:
    return [step for step in build.steps if not step.cached and step.duration_s > 0]


def _spans(phases: Iterable[tuple[str, str, float]], longest: float) -> Iterator[Span]:
    start = 0.0
    for kind, label, seconds in phases:
        yield Span(start=percent(start, longest), width=percent(seconds, longest), kind=kind, label=label)
        start += seconds


def duration(variant: Variant) -> float:
    """Return the seconds of build, start and check together."""
    return sum(seconds for _, _, seconds in _phases(variant))


def time_axis(longest: float) -> Axis:
    """Return about five round ticks from 0 to ``longest`` seconds."""
    return Axis(ticks=tuple((percent(tick, longest), f"{tick:g} s") for tick in _round_ticks(longest)))


def _round_ticks(top: float) -> Sequence[float]:
    """Multiples of 1, 2 or 5 times a power of ten."""
    if top <= 0:
        return ()
    power = 10.0**-6
    while True:
        for step in (power, 2 * power, 5 * power):
            if top / step <= _TICKS:
                return [round(step * n, 6) for n in range(int(top / step) + 1)]
        power *= 10


def percent(part: float, whole: float) -> float:
    """Return a part of a whole in per cent, as the charts place it; of nothing it is 0."""
    return round(100 * part / whole, 3) if whole else 0.0


def compared(report: Report) -> Iterator[tuple[Variant, ComparisonRow, tuple[Step, ...]]]:
    """Yield each variant that is not the baseline with its waterfall, where both have an image."""
    variants = {variant.name: variant for variant in report.variants}
    base = variants.get(report.baseline)
    for row in report.comparison.rows:
        variant = variants.get(row.variant)
        if base and base.image and variant and variant.image and variant is not base and row.reasons:
            yield (
                variant,
                row,
                waterfall(base.image, variant.image, row, (variant_name(base.name), variant_name(variant.name))),
            )
