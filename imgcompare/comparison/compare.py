"""Pure: results → Comparison; broken variants never win, whatever their size."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import TypeAlias

from msgspec.structs import replace

from imgcompare.analysis.reason import reason
from imgcompare.model import Change, Check, Comparison, ComparisonRow, Failure, Image, Stage, Variant, Verdict

SameButFor: TypeAlias = Callable[[str, str], str | None]
"""What makes the replies of two variants differ where that is nothing of their images; None where it is more."""


def _nothing_known(_one: str, _other: str) -> str | None:
    return None


def settle(
    variants: tuple[Variant, ...], baseline: str, same_but_for: SameButFor = _nothing_known
) -> tuple[Variant, ...]:
    """Hold the bodies against each other where nobody declared one: all must equal the reference's.

    The reference is the baseline if it works, else the first variant that does. A body that differs makes its variant
    broken: a smaller image that answers something else is no replacement. One that differs only in what the container
    is called, or in what moves from request to request, is the same, and that is told.
    """
    reference = _reference(variants, baseline)
    if reference is None or reference.check is None:
        return variants
    expected = reference.check
    if expected.expected.body is not None or expected.expected.body_pattern is not None:
        return variants
    return tuple(_held(variant, reference, expected, same_but_for) for variant in variants)


def share(variants: tuple[Variant, ...]) -> tuple[Variant, ...]:
    """Tell each image's bytes that are in layers another variant has too from those in layers of its own."""
    holders = Counter(diff_id for v in variants if v.image for diff_id in {layer.diff_id for layer in v.image.layers})
    return tuple(replace(v, image=_shared(v.image, holders)) if v.image else v for v in variants)


def compare(variants: tuple[Variant, ...], baseline: str) -> Comparison:
    """Put every variant beside the baseline; deltas are null where either image is missing."""
    working = [v for v in variants if v.verdict is Verdict.WORKS and v.image]
    replies = [v.check for v in variants if v.check and v.check.body_sha256]
    reference = _reference(variants, baseline)
    held = reference.check if reference and reference.check else next(iter(replies), None)
    base = next((v.image for v in variants if v.name == baseline), None)
    return Comparison(
        same_response=all(each.same_but_for or same_body(each, held) for each in replies) if held else None,
        smallest_working=min(working, key=_uncompressed_size).name if working else None,
        rows=tuple(_row(v.name, v.image, base) for v in variants),
    )


def same_body(one: Check, other: Check) -> bool:
    """Say whether two replies have the same body: where both are JSON, whether they mean the same."""
    if one.body_json_sha256 and other.body_json_sha256:
        return one.body_json_sha256 == other.body_json_sha256
    return one.body_sha256 == other.body_sha256


def passed(variants: tuple[Variant, ...]) -> bool:
    """Say whether something was checked, and every variant that was not skipped is as it should be."""
    checked = [variant for variant in variants if not variant.skipped]
    return bool(checked) and all(map(as_expected, checked))


def as_expected(variant: Variant) -> bool:
    """Say whether a variant works, or breaks with the very failure that its scenario declares."""
    if variant.expected_failure is None:
        return variant.verdict is Verdict.WORKS
    return variant.failure is not None and variant.failure.code == variant.expected_failure


def counted(variants: tuple[Variant, ...]) -> str:
    """Say how many work and how many do not: ``2 work, 3 broken as declared, 1 skipped``."""
    declared = [v for v in variants if v.expected_failure is not None and as_expected(v)]
    told = {
        "work": sum(v.verdict is Verdict.WORKS for v in variants),
        "broken as declared": len(declared),
        "broken": sum(v.verdict is Verdict.BROKEN and v not in declared for v in variants),
        "skipped": sum(v.skipped is not None for v in variants),
        "not finished": sum(v.verdict is Verdict.NOT_CHECKED and v.skipped is None for v in variants),
    }
    singular = {"work": "works"}
    return ", ".join(
        f"{count} {singular.get(what, what) if count == 1 else what}" for what, count in told.items() if count
    )


def _reference(variants: tuple[Variant, ...], baseline: str) -> Variant | None:
    working = [v for v in variants if v.verdict is Verdict.WORKS]
    return next((v for v in working if v.name == baseline), working[0] if working else None)


def _held(variant: Variant, reference: Variant, expected: Check, same_but_for: SameButFor) -> Variant:
    check = variant.check
    if variant.verdict is not Verdict.WORKS or check is None or same_body(check, expected):
        return variant
    if but_for := same_but_for(reference.name, variant.name):
        return replace(variant, check=replace(check, same_but_for=but_for))
    return _different(variant, reference)


def _different(variant: Variant, reference: Variant) -> Variant:
    assert variant.check is not None  # noqa: S101 - only variants that answered come here
    assert reference.check is not None  # noqa: S101 - nor any other
    return replace(
        variant,
        verdict=Verdict.BROKEN,
        check=replace(variant.check, passed=False),
        failure=Failure(
            stage=Stage.CHECK,
            code="different-response",
            message=f"The body differs from that of {reference.name}.",
            hint="If bodies may differ, say what a good one has in it: "
            "--expect-body TEXT or --expect-body-pattern REGEX.",
            evidence=(
                f"{reference.name}: {reference.check.body_excerpt}",
                f"{variant.name}: {variant.check.body_excerpt}",
            ),
        ),
    )


def _row(name: str, image: Image | None, base: Image | None) -> ComparisonRow:
    if image is None or base is None:
        return ComparisonRow(variant=name)
    packed = image.compressed_size, base.compressed_size
    return ComparisonRow(
        variant=name,
        uncompressed_delta=image.uncompressed_size - base.uncompressed_size,
        uncompressed_ratio=_ratio(image.uncompressed_size, base.uncompressed_size),
        compressed_delta=None if packed[0] is None or packed[1] is None else packed[0] - packed[1],
        compressed_ratio=None if packed[0] is None or packed[1] is None else _ratio(packed[0], packed[1]),
        layer_delta=image.layer_count - base.layer_count,
        pull_size=_pull_size(image, base),
        reasons=tuple(
            Change(category=category, delta_bytes=delta) for category, delta in reason(base.contents, image.contents)
        ),
    )


def _shared(image: Image, holders: Mapping[str, int]) -> Image:
    shared = sum(layer.uncompressed_size for layer in image.layers if holders[layer.diff_id] > 1)
    return replace(image, shared_bytes=shared, unique_bytes=image.uncompressed_size - shared)


def _pull_size(image: Image, base: Image) -> int | None:
    """The compressed layers that the base lacks; a layer listed twice is pulled once."""
    there = {layer.diff_id for layer in base.layers}
    missing = {layer.diff_id: layer.compressed_size for layer in image.layers if layer.diff_id not in there}
    sizes = [size for size in missing.values() if size is not None]
    return sum(sizes) if len(sizes) == len(missing) else None


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _uncompressed_size(variant: Variant) -> int:
    assert variant.image is not None  # noqa: S101 - only variants with an image are measured
    return variant.image.uncompressed_size
