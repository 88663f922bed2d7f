"""Variants, pairs and requests as users write them, read without a guess."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgcompare.config.model import Config
from imgcompare.config.variants import VariantSpec, parse_pairs, parse_variants
from imgcompare.engine.options import BuildOptions, Secret
from imgcompare.errors import UsageError
from imgcompare.model import Expectation


def spec(name: str, dockerfile: str | None = None, target: str | None = None, image: str | None = None) -> VariantSpec:
    """A variant as it should have been read."""
    return VariantSpec(name=name, dockerfile=Path(dockerfile) if dockerfile else None, target=target, image=image)


def config(**changes: object) -> Config:
    """A comparison of two Dockerfiles, but for ``changes``."""
    given: dict[str, object] = {"scenario": "run", "context": Path(), "variants": (spec("a", "A"), spec("b", "B"))}
    return Config(**(given | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Dockerfile", spec("Dockerfile", "Dockerfile")),
        ("docker/slim.Dockerfile", spec("slim", "docker/slim.Dockerfile")),
        ("slim.dockerfile", spec("slim", "slim.dockerfile")),
        ("Dockerfile.alpine", spec("alpine", "Dockerfile.alpine")),
        ("Dockerfile:dev", spec("dev", "Dockerfile", "dev")),
        ("a=Dockerfile", spec("a", "Dockerfile")),
        ("a=Dockerfile:dev", spec("a", "Dockerfile", "dev")),
        ("a=/abs/Dockerfile:dev", spec("a", "/abs/Dockerfile", "dev")),
        ("a=x:y/Dockerfile", spec("a", "x:y/Dockerfile")),
        ("a=x:y/Dockerfile:dev", spec("a", "x:y/Dockerfile", "dev")),
        ("a=b=c/Dockerfile", spec("a", "b=c/Dockerfile")),
        ("a=Dockerfile:", spec("a", "Dockerfile:")),
        ("a=:dev", spec("a", ":dev")),
        ("old=image:shop:1.4", spec("old", image="shop:1.4")),
        ("old=image:host:5000/shop@sha256:00", spec("old", image="host:5000/shop@sha256:00")),
        ("image:host:5000/team/shop:1.4", spec("shop-1.4", image="host:5000/team/shop:1.4")),
        ("image:shop@sha256:00", spec("shop", image="shop@sha256:00")),
        (f"{'n' * 63}=Dockerfile", spec("n" * 63, "Dockerfile")),
    ],
)
def test_every_form_of_a_variant_is_read(text: str, expected: VariantSpec) -> None:
    """Each documented form means one thing; names that are not given come from the stage, the file or the image."""
    assert parse_variants([text]) == (expected,)


@pytest.mark.parametrize(
    "text",
    [
        *["", "a=", "=Dockerfile", "=image:x", "a=image:", "image:", ".a=Dockerfile", "a b=Dockerfile", "-=Dockerfile"],
        *["ä=Dockerfile", "a/b=Dockerfile", "a\n=Dockerfile", f"{'n' * 64}=Dockerfile", "/", "商店", "a\udc80=D"],
    ],
)
def test_a_variant_that_cannot_be_named_is_refused_with_the_text(text: str) -> None:
    """What is empty, nameless or unfit as a tag is an error that quotes it, never a guess."""
    with pytest.raises(UsageError) as caught:
        parse_variants([text])
    assert repr(text) in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    ("file", "name"),
    [("Docker file", "Docker-file"), (".hidden", "hidden"), ("Dockerfile.café", "cafe"), ("a b.Dockerfile", "a-b")],
)
def test_a_file_of_any_name_gives_a_name(file: str, name: str) -> None:
    """A name that was made of a file's is as near to it as names can be."""
    assert [one.name for one in parse_variants([file])] == [name]


def test_a_colon_belongs_to_the_file_name_when_that_file_exists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``Dockerfile:dev`` is a stage unless a file has exactly that name."""
    monkeypatch.chdir(tmp_path)
    assert parse_variants(["a=Dockerfile:dev"])[0].target == "dev"
    Path("Dockerfile:dev").touch()
    assert parse_variants(["a=Dockerfile:dev"]) == (spec("a", "Dockerfile:dev"),)


def test_dockerfiles_of_one_name_are_named_after_their_folders() -> None:
    """Two plain Dockerfiles are told apart by where they are; names given by hand stay."""
    texts = ["old/Dockerfile", "new/Dockerfile", "x=other/Dockerfile"]
    assert [variant.name for variant in parse_variants(texts)] == ["old", "new", "x"]


def test_an_image_in_a_registry_is_pulled() -> None:
    """Its whole name is what the engine pulls; a plain one is Docker Hub's."""
    (hub, ours) = parse_variants(["a=registry:shop/app:1.4", "registry:http://127.0.0.1:5000/shop:2"])
    assert (hub.name, hub.image) == ("a", "docker.io/shop/app:1.4")
    assert (ours.name, ours.image) == ("shop-2", "127.0.0.1:5000/shop:2")
    with pytest.raises(UsageError, match="no image in a registry"):
        parse_variants(["a=registry:"])


def test_the_folder_of_a_bare_dockerfile_is_the_current_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Dockerfile here and one elsewhere are named too, this folder by its own name."""
    here = tmp_path / "shop"
    here.mkdir()
    monkeypatch.chdir(here)
    assert [variant.name for variant in parse_variants(["Dockerfile", "../cart/Dockerfile"])] == ["shop", "cart"]


def test_a_folder_that_cannot_be_a_name_is_not_used() -> None:
    """When a folder says nothing usable the clash stays, for Config to refuse."""
    names = [variant.name for variant in parse_variants(["a b/Dockerfile", "c d/Dockerfile"])]
    assert names == ["Dockerfile", "Dockerfile"]


@given(st.text(st.characters(exclude_characters="\0"), max_size=400))
def test_any_variant_text_is_read_or_refused(text: str) -> None:
    """No argument, however long or strange, ends in anything but a variant or a usage error."""
    try:
        (variant,) = parse_variants([text])
    except UsageError:
        return
    assert (variant.dockerfile is None) != (variant.image is None)
    assert variant.name.isascii()


def test_two_variants_of_one_name_are_refused() -> None:
    """A name stands for one variant in tags, containers and the report."""
    with pytest.raises(UsageError, match="two variants are named 'a'"):
        config(variants=(spec("a", "A"), spec("b", "B"), spec("a", image="x")))


def test_an_unknown_baseline_is_refused_with_the_names_there_are() -> None:
    """A mistyped baseline is found before anything is built."""
    with pytest.raises(UsageError, match="'c' is no variant") as caught:
        config(baseline="c")
    assert caught.value.hint == "Its variants are: a, b."
    assert config(baseline="b").baseline == "b"


@pytest.mark.parametrize("platform", ["linux/amd64", "linux/arm/v7", "linux/arm64/v8.2", "windows/amd64", None])
def test_platforms(platform: str | None) -> None:
    """An operating system and an architecture, perhaps with its variant; or the engine's own."""
    assert config(platform=platform).platform == platform


@pytest.mark.parametrize("platform", ["", "arm64", "linux/", "linux/arm/v7/x", "linux/a b"])
def test_what_is_no_platform(platform: str) -> None:
    """It is refused before an engine, which would say something else each, is asked."""
    with pytest.raises(UsageError, match="is no platform"):
        config(platform=platform)


@pytest.mark.parametrize("route", ["/", "/healthz", "/api?x=1&y=%20", "//x"])
def test_a_path_is_a_route(route: str) -> None:
    """What stands in a URL after the host is accepted as it is."""
    assert config(route=route).route == route


@pytest.mark.parametrize("route", ["", "healthz", "http://x/", "/a b", "/ä", "/a\r\nHost: x", "/\t", "/\x7f", "/\n"])
def test_what_would_break_the_request_line_is_no_route(route: str) -> None:
    """Spaces, line ends and other characters that HTTP does not allow in a path cannot reach the request."""
    with pytest.raises(UsageError, match="is no path"):
        config(route=route)


@pytest.mark.parametrize("pattern", ["(", "a{99999999999999999999}", "(" * 20000 + ")" * 20000, "[z-a]"])
def test_a_pattern_that_cannot_be_compiled_is_refused(pattern: str) -> None:
    """A bad pattern is found before anything is built, whichever way the compiler fails on it."""
    with pytest.raises(UsageError, match="is no regular expression"):
        config(expect=Expectation(body_pattern=pattern))


@pytest.mark.parametrize("timeout_s", [0, -1, float("nan"), float("inf")])
def test_a_timeout_that_never_ends_or_never_begins_is_refused(timeout_s: float) -> None:
    """``nan`` passes every range check and would wait for ever."""
    with pytest.raises(UsageError, match="is no time"):
        config(timeout_s=timeout_s)


@pytest.mark.parametrize(
    "changes",
    [
        {"expect": Expectation(body="\udcff")},
        {"expect": Expectation(body_pattern="\udcff")},
        {"build_args": {"\udcff": "x"}},
        {"variants": (spec("a", "A", target="\udcff"),)},
        {"variants": (spec("a", image="\udcff"),)},
        {"companions": (("db", "\udcff", {}),)},
    ],
)
def test_arguments_that_were_no_utf8_are_refused(changes: dict[str, object]) -> None:
    """What a report or an engine's API cannot hold is refused before anything is built."""
    with pytest.raises(UsageError, match="is not UTF-8"):
        config(**changes)


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ([], {}),
        (["A=1", "B=", "C=x=y"], {"A": "1", "B": "", "C": "x=y"}),
        (["A=1", "A=2"], {"A": "2"}),
        (["SET"], {"SET": "from outside"}),
        (["UNSET"], {}),
        (["SET=mine"], {"SET": "mine"}),
    ],
)
def test_pairs_are_read_as_docker_reads_them(texts: list[str], expected: dict[str, str]) -> None:
    """A bare name takes its value from the environment and is left out when it has none; the last one wins."""
    assert parse_pairs("--env", texts, {"SET": "from outside"}) == expected


@pytest.mark.parametrize("text", ["", "=", "=value"])
def test_a_pair_without_a_name_is_refused(text: str) -> None:
    """The option and the text are named."""
    with pytest.raises(UsageError, match=r"--build-arg .* has no name"):
        parse_pairs("--build-arg", [text], os.environ)


@pytest.mark.parametrize("name", ["npm", "pip_url", "public_key", "use_it"])
def test_a_build_secret_is_one_whatever_its_id(name: str) -> None:
    """Its lines are masked, and what is written is private."""
    asked = config(build=BuildOptions(secrets=(Secret(name, b"hunter2\nhunter3\n"),)))
    assert {"hunter2", "hunter3"} <= set(asked.secrets)
    assert asked.holds_secrets


@pytest.mark.parametrize(
    ("env", "private"),
    [
        ({"DB_PASSWORD": "postgres"}, True),
        ({"USE_AUTH": "1"}, False),
        ({"URL": "redis://:hunter2@h"}, True),
        ({}, False),
    ],
)
def test_a_common_password_is_not_masked_and_still_private(env: dict[str, str], *, private: bool) -> None:
    """What is given in secret makes private files, whether or not it can be told from other words."""
    assert config(env=env).holds_secrets is private
