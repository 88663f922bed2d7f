"""Pure: the one table of what can be limited: its option, how a limit is written, and where its value is read.

Gates, limits, options, settings and sentences are all made from it. It is read for ``--help`` too, so it loads nothing
of the model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from imgcompare.errors import UsageError
from imgcompare.text.units import parse_bytes, parse_seconds, parse_share

if TYPE_CHECKING:
    from imgcompare.model import Image, Report, Variant

MUST_WORK = "must-work"
MAX_GROWTH = "max-growth"
MIN_SAVING = "min-saving"

Read: TypeAlias = "Callable[[Variant, Report], float | str]"
"""Takes a variant and its report to a number, or to the reason why there is none."""

Parse: TypeAlias = Callable[[str, str], tuple[str, float]]
"""Takes the option as messages call it, and a limit as it is written, to a measure and its limit. Raises UsageError."""


class Measure(NamedTuple):
    """Something of a variant that can be limited: ``name`` is its Gate's, ``title`` what tables call it."""

    name: str
    title: str
    read: Read
    at_least: bool = False


class LimitOption(NamedTuple):
    """An option that sets limits; which of its ``measures`` a limit is for, the way it is written tells.

    ``form`` and ``help`` are those of its help text.
    """

    name: str
    form: str
    help: str
    parse: Parse
    measures: tuple[Measure, ...]

    @property
    def parameter(self) -> str:
        """Its name as a parameter of a command, and as a key of a file: ``max_size``."""
        return self.name.replace("-", "_")


def _of_image(read: Callable[[Image], float | None], unknown: str = "") -> Read:
    def measure(variant: Variant, _: Report) -> float | str:
        if variant.image is None:
            return no_image(variant)
        value = read(variant.image)
        return unknown if value is None else value

    return measure


def no_image(variant: Variant) -> str:
    """Return why a variant has no image."""
    if variant.skipped:
        return f"it was skipped: {variant.skipped}"
    return "there is no image" + (f": {variant.failure.code}" if variant.failure else "")


def _wasted_ratio(image: Image) -> float | None:
    if image.wasted_bytes is None:
        return None
    return image.wasted_bytes / image.uncompressed_size if image.uncompressed_size else 0.0


def _ready_after(variant: Variant, _: Report) -> float | str:
    if variant.run and variant.run.ready_after_s is not None:
        return variant.run.ready_after_s
    return no_image(variant) if variant.skipped else "it never answered"


def _saving(variant: Variant, report: Report) -> float | str:
    if variant.image is None:
        return no_image(variant)
    base = next((other.image for other in report.variants if other.name == report.baseline), None)
    if base is None or not base.uncompressed_size:
        return f"there is no image of {report.baseline}, the baseline"
    return 1 - variant.image.uncompressed_size / base.uncompressed_size


def _works(variant: Variant, _: Report) -> float | str:
    if variant.verdict == "not_checked":
        return no_image(variant) if variant.skipped else "it was not checked"
    return float(variant.verdict == "works")


def _growth(variant: Variant, report: Report) -> float | str:
    if report.against is None:
        return "nothing stored was named that growth is measured from (--against)"
    if variant.image is None:
        return no_image(variant)
    row = next((row for row in report.against.rows if row.variant == variant.name), None)
    if row is None or row.entry != "both" or row.uncompressed_delta is None:
        return f"it is not in {report.against.source}: `imgcompare baseline update` records it"
    return row.uncompressed_delta


def _growth_ratio(variant: Variant, report: Report) -> float | str:
    growth = _growth(variant, report)
    if isinstance(growth, str) or report.against is None:
        return growth
    before = next(row.uncompressed_before for row in report.against.rows if row.variant == variant.name)
    return growth / before if before else "what is stored is an empty image"


def _size(measure: str) -> Parse:
    def parse(shown: str, text: str) -> tuple[str, float]:
        size = parse_bytes(shown, text)
        if not size:
            raise UsageError(f"{shown} {text!r}: no image is that small", hint=f"For example: {shown} 120MB")
        return measure, size

    return parse


def _bytes_or_share(stem: str) -> Parse:
    def parse(shown: str, text: str) -> tuple[str, float]:
        if text.rstrip().endswith("%"):
            return f"{stem}_ratio", parse_share(shown, text)
        try:
            return f"{stem}_bytes", parse_bytes(shown, text)
        except UsageError as exc:
            raise UsageError(
                f"{shown} {text!r} is neither a number of bytes nor a percentage",
                hint=f"Accepted forms: {shown} 500000, 500kB, 1.5MB, 2MiB or 2.5%.",
            ) from exc

    return parse


def _layers(shown: str, text: str) -> tuple[str, float]:
    digits = text.strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) < 10 and int(digits)):
        raise UsageError(f"{shown} {text!r} is no number of layers", hint=f"For example: {shown} 12")
    return "layer_count", int(digits)


def _least_saving(shown: str, text: str) -> tuple[str, float]:
    share = parse_share(shown, text)
    if share >= 1:
        raise UsageError(f"{shown} {text!r}: no image saves all of another", hint=f"For example: {shown} 50%")
    return "saving_ratio", share


def _ready(shown: str, text: str) -> tuple[str, float]:
    seconds = parse_seconds(shown, text)
    if not seconds:
        raise UsageError(f"{shown} {text!r}: nothing answers at once", hint=f"For example: {shown} 2s")
    return "ready_after_s", seconds


def _must_work(_shown: str, _text: str) -> tuple[str, float]:
    return "works", 1


_NO_WASTE = "its waste was not measured"
_TABLE = (
    LimitOption(
        "max-size",
        "[VARIANT=]SIZE",
        "Most bytes an image may have unpacked: 120MB, 1.5GB, 90MiB.",
        _size("uncompressed_size"),
        (Measure("uncompressed_size", "Unpacked", _of_image(lambda image: image.uncompressed_size)),),
    ),
    LimitOption(
        "max-compressed-size",
        "[VARIANT=]SIZE",
        "Most bytes a pull may take.",
        _size("compressed_size"),
        (
            Measure(
                "compressed_size",
                "Pull",
                _of_image(lambda image: image.compressed_size, "its compressed size was not measured"),
            ),
        ),
    ),
    LimitOption(
        "max-own-size",
        "[VARIANT=]SIZE",
        "Most bytes that may be added to the base image.",
        _size("own_size"),
        (Measure("own_size", "Own size", _of_image(lambda image: image.own_size, "its base image is not known")),),
    ),
    LimitOption(
        "max-layers",
        "[VARIANT=]N",
        "Most layers.",
        _layers,
        (Measure("layer_count", "Layers", _of_image(lambda image: image.layer_count)),),
    ),
    LimitOption(
        MIN_SAVING,
        "[VARIANT=]PERCENT",
        "How much smaller than the baseline variant, at least: 50%.",
        _least_saving,
        (Measure("saving_ratio", "Saving", _saving, at_least=True),),
    ),
    LimitOption(
        "max-wasted",
        "[VARIANT=]SIZE|PERCENT",
        "Most bytes that may be stored in vain.",
        _bytes_or_share("wasted"),
        (
            Measure(
                "wasted_bytes", "Wasted", _of_image(lambda image: image.wasted_bytes, "its waste was not measured")
            ),
            Measure("wasted_ratio", "Wasted", _of_image(_wasted_ratio, "its waste was not measured")),
        ),
    ),
    LimitOption(
        "max-ready",
        "[VARIANT=]SECONDS",
        "Longest time to the first good reply: 2s, 500ms.",
        _ready,
        (Measure("ready_after_s", "Ready", _ready_after),),
    ),
    LimitOption(
        MUST_WORK,
        "[VARIANT]",
        "Fail also if it was skipped, or breaks as its scenario declares. [default: every variant]",
        _must_work,
        (Measure("works", "Works", _works, at_least=True),),
    ),
    LimitOption(
        MAX_GROWTH,
        "[VARIANT=]SIZE|PERCENT",
        "Most that may be added since --against: 5MB, 2%; 0% for nothing.",
        _bytes_or_share("growth"),
        (Measure("growth_bytes", "Growth", _growth), Measure("growth_ratio", "Growth", _growth_ratio)),
    ),
)
OPTIONS: Mapping[str, LimitOption] = MappingProxyType({option.name: option for option in _TABLE})
"""Every option by its name, in the order in which gates are shown."""

MEASURES: Mapping[str, Measure] = MappingProxyType({each.name: each for option in _TABLE for each in option.measures})
"""Every measure by its name, which is its Gate's."""
