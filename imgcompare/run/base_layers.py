"""Which of an image's layers its base brought, and which the Dockerfile added."""

from __future__ import annotations

from imgcompare.run.build import BuiltVariant


def base_layer_count(built: BuiltVariant) -> int | None:
    """How many of the image's layers, from the lowest up, are its base's; None where the base is not known.

    It is not known either when the image does not begin with exactly those layers: then the build used another base
    than was looked up.
    """
    base = built.base_diff_ids
    return len(base) if base is not None and built.image.diff_ids[: len(base)] == base else None
