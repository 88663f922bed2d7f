"""The bundled comparisons."""

from __future__ import annotations

import pytest

from imgcompare.errors import UsageError
from imgcompare.scenarios import SCENARIOS, bundled_root, scenario, scenarios

NAMES = (
    "default, slim-to-slim, full-to-slim, flask-run, targets, compose-file, waitress-json, with-database, "
    "base-images, common-mistakes"
)


def test_default_compares_single_stage_with_multi_stage() -> None:
    """`imgcompare run` without arguments means these two variants, the beginner's Dockerfile being the baseline."""
    default = scenario("default")
    assert [(one.name, one.dockerfile.name, one.target) for one in default.variants] == [
        ("single-stage", "single-stage.Dockerfile", None),
        ("multi-stage", "multi-stage.Dockerfile", None),
    ]
    assert (default.baseline, default.route) == ("single-stage", "/")
    assert default.context == bundled_root() / "sample_app"


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_scenario_is_whole(name: str) -> None:
    """Its files exist, its baseline is one of its variants, and it is found by the name it carries."""
    found = scenario(name)
    assert found.name == name
    assert found.context.is_dir()
    assert [one.dockerfile for one in found.variants if not one.dockerfile.is_file()] == []
    assert found.baseline in {one.name for one in found.variants if not one.expected_failure}
    assert found.description
    assert found.lessons or name == "default"


def test_a_mistyped_name_is_answered_with_the_right_one() -> None:
    """The error names what was asked for and the nearest scenario."""
    with pytest.raises(UsageError) as caught:
        scenario("defualt")
    assert caught.value.message == "there is no scenario 'defualt'"
    assert caught.value.hint == f"Did you mean 'default'? Scenarios: {NAMES}."


def test_a_name_like_no_other_lists_what_there_is() -> None:
    """Where nothing is near, the hint does not guess."""
    with pytest.raises(UsageError) as caught:
        scenario("zzz")
    assert caught.value.hint == f"Scenarios: {NAMES}."


def test_all_means_every_one_once_and_the_order_is_the_one_given() -> None:
    """Names can be repeated, and mixed with ``all``."""
    assert [one.name for one in scenarios(("targets", "default", "targets"))] == ["targets", "default"]
    assert [one.name for one in scenarios(("targets", "all"))] == ["targets", *(n for n in SCENARIOS if n != "targets")]


def test_at_least_twelve_common_mistakes_are_bundled() -> None:
    """Most of the field's symptoms have a container here that shows them, and no two the same name."""
    names = [one.name for one in scenario("common-mistakes").variants]
    assert len({one.expected_failure for one in scenario("common-mistakes").variants} - {None}) >= 12
    assert len(names) == len(set(names))
