"""Pure: results → Comparison; broken variants never win, whatever their size."""

from __future__ import annotations

import msgspec

from imgcompare.model import Comparison, ComparisonRow, Failure, Image, Stage, Variant, Verdict


def settle(variants: tuple[Variant, ...], baseline: str) -> tuple[Variant, ...]:
    """Hold the bodies against each other where nobody declared one: all must equal the reference's.

    The reference is the baseline if it works, else the first variant that does. A body that differs makes its variant
    broken: a smaller image that answers something else is no replacement.
    """
    reference = _reference(variants, baseline)
    if reference is None or reference.check is None:
        return variants
    expected = reference.check
    if expected.expected.body is not None or expected.expected.body_pattern is not None:
        return variants
    return tuple(
        _different(variant, reference)
        if variant.verdict is Verdict.WORKS and variant.check and variant.check.body_sha256 != expected.body_sha256
        else variant
        for variant in variants
    )


def compare(variants: tuple[Variant, ...], baseline: str) -> Comparison:
    """Put every variant beside the baseline; deltas are null where either image is missing."""
    working = [v for v in variants if v.verdict is Verdict.WORKS and v.image]
    bodies = {v.check.body_sha256 for v in variants if v.check and v.check.body_sha256}
    base = next((v.image for v in variants if v.name == baseline), None)
    return Comparison(
        same_response=len(bodies) == 1 if bodies else None,
        smallest_working=min(working, key=_uncompressed_size).name if working else None,
        rows=tuple(_row(v.name, v.image, base) for v in variants),
    )


def passed(variants: tuple[Variant, ...]) -> bool:
    """Say whether every variant works."""
    return all(variant.verdict is Verdict.WORKS for variant in variants)


def _reference(variants: tuple[Variant, ...], baseline: str) -> Variant | None:
    working = [v for v in variants if v.verdict is Verdict.WORKS]
    return next((v for v in working if v.name == baseline), working[0] if working else None)


def _different(variant: Variant, reference: Variant) -> Variant:
    assert variant.check is not None  # noqa: S101 - only variants that answered come here
    assert reference.check is not None  # noqa: S101
    return msgspec.structs.replace(
        variant,
        verdict=Verdict.BROKEN,
        check=msgspec.structs.replace(variant.check, passed=False),
        failure=Failure(
            stage=Stage.CHECK,
            code="different-response",
            message=f"The body differs from that of {reference.name}.",
            hint="If bodies may differ (a time, a host name), say what a good one has in it: "
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
    )


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _uncompressed_size(variant: Variant) -> int:
    assert variant.image is not None  # noqa: S101 - only variants with an image are measured
    return variant.image.uncompressed_size
