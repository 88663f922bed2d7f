"""Which of an image's layers are its base's."""

from __future__ import annotations

import pytest

from imgcompare.engine.interface import EngineImage
from imgcompare.run.base_layers import base_layer_count
from imgcompare.run.build import BuiltVariant


@pytest.mark.parametrize(
    ("base", "expected"),
    [((), 0), (("a",), 1), (("a", "b"), 2), (("b",), None), (("a", "x"), None), (("a", "b", "c"), None), (None, None)],
)
def test_base_layers_are_known_only_when_all_are_there(base: tuple[str, ...] | None, expected: int | None) -> None:
    """A base that was moved to another image since, or is not known, has no layers in the image."""
    image = EngineImage(
        image="sha256:0", os="linux", architecture="amd64", diff_ids=("a", "b"), exposed_ports=(), labels={}
    )
    assert base_layer_count(BuiltVariant(image=image, build=None, stand_ins=(), base_diff_ids=base)) == expected
