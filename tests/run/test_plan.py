"""Names and tags are right before anything exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgcompare.config.model import Config
from imgcompare.config.variants import VariantSpec
from imgcompare.errors import UsageError
from imgcompare.run.plan import default_jobs, make_plan

RUN_ID = "20250102T030405678-a1b2c3"

# The grammar of https://pkg.go.dev/github.com/distribution/reference: a name of path components, and a tag.
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
REFERENCE = re.compile(rf"(?P<name>{_COMPONENT}(?:/{_COMPONENT})*):[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}}")
CONTAINER_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")

names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", fullmatch=True)


def config(*variants: str, scenario: str = "run", context: Path = Path("/app"), **changes: object) -> Config:
    """A comparison of Dockerfiles of these names."""
    specs = tuple(VariantSpec(name=name, dockerfile=Path(name)) for name in variants)
    return Config(scenario=scenario, context=context, variants=specs, **changes)  # type: ignore[arg-type]


@given(
    scenario=st.text(max_size=300),
    variants=st.lists(names, min_size=1, max_size=9, unique=True),
    rm_images=st.booleans(),
    folder=st.text(st.characters(exclude_characters="\0"), max_size=30),
)
def test_every_tag_is_a_docker_reference(scenario: str, variants: list[str], rm_images: bool, folder: str) -> None:
    """Whatever scenario, folder and variants are called, an engine takes the tags and names, and none twice."""
    plan = make_plan(config(*variants, scenario=scenario, context=Path("/", folder), rm_images=rm_images), RUN_ID)
    for variant in plan.variants:
        reference = REFERENCE.fullmatch(variant.tag)
        assert reference
        assert len(reference["name"]) <= 255
        assert reference["name"].startswith("imgcompare/")
        assert CONTAINER_NAME.fullmatch(variant.container_name)
    assert len({variant.tag for variant in plan.variants}) == len(variants)
    assert len({variant.container_name for variant in plan.variants}) == len(variants)


def test_kept_images_have_the_tags_that_the_next_run_finds() -> None:
    """The next run of the same project reuses the tags, so that old images are replaced; containers are its own."""
    first, second = make_plan(config("a"), RUN_ID), make_plan(config("a"), "20250102T030405678-ffffff")
    assert first.variants[0].tag == second.variants[0].tag
    assert first.variants[0].container_name != second.variants[0].container_name


def test_images_to_be_removed_have_tags_of_this_run_alone() -> None:
    """``--rm-images`` must not take away the images that another run of the project keeps."""
    first = make_plan(config("a", rm_images=True), RUN_ID).variants[0].tag
    second = make_plan(config("a", rm_images=True), "20250102T030405678-ffffff").variants[0].tag
    assert len({first, second, make_plan(config("a"), RUN_ID).variants[0].tag}) == 3
    assert RUN_ID.lower() in first


def test_two_projects_never_share_a_tag() -> None:
    """The context's folder is part of the tag, also when its name is not UTF-8."""
    folders = [Path("/one"), Path("/two"), Path("/\udcff")]
    assert len({make_plan(config("a", context=folder), RUN_ID).variants[0].tag for folder in folders}) == 3


def test_an_image_that_exists_gets_no_tag() -> None:
    """Nothing that is the user's is tagged, so nothing of it is removed either."""
    mine = Config(scenario="run", context=Path(), variants=(VariantSpec(name="old", image="shop:1.4"),))
    assert [variant.tag for variant in make_plan(mine, RUN_ID).variants] == [""]


def test_the_baseline_is_the_first_unless_one_is_named() -> None:
    """A plan always has a baseline among its variants."""
    assert make_plan(config("a", "b"), RUN_ID).baseline == "a"
    assert make_plan(config("a", "b", baseline="b"), RUN_ID).baseline == "b"


@pytest.mark.parametrize(("variants", "jobs", "expected"), [(2, None, 2), (8, None, 3), (8, 6, 6), (3, 20, 3)])
def test_as_many_variants_at_a_time_as_fit(variants: int, jobs: int | None, expected: int) -> None:
    """All in parallel up to a bound; a number given is taken as it is."""
    assert make_plan(config(*(f"v{index}" for index in range(variants)), jobs=jobs), RUN_ID).jobs == expected


def test_fixed_ports_go_up_from_the_first() -> None:
    """``--host-port N`` publishes on N, N+1, …; without it the engine chooses."""
    assert [v.host_port for v in make_plan(config("a", "b", host_port=65534), RUN_ID).variants] == [65534, 65535]
    assert [v.host_port for v in make_plan(config("a", "b"), RUN_ID).variants] == [None, None]


def test_ports_beyond_the_last_one_are_refused() -> None:
    """The message names the port asked for and the one that would be needed."""
    with pytest.raises(UsageError, match=r"65535: the ports would go up to 65536"):
        make_plan(config("a", "b", host_port=65535), RUN_ID)


def test_nothing_to_compare_is_refused() -> None:
    """An empty comparison says what to type."""
    with pytest.raises(UsageError, match="nothing to compare"):
        make_plan(config(), RUN_ID)


@pytest.mark.parametrize(("processors", "jobs"), [(None, 3), (1, 3), (2, 4), (4, 6), (64, 66)])
def test_a_larger_machine_does_more_at_a_time(processors: int | None, jobs: int) -> None:
    """One variant more than processors, so that none idles, and a few even where there is only one."""
    assert default_jobs(processors) == jobs
