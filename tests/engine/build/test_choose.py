"""The choice of the builder."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

import pytest

from imgcompare.engine.build.choose import Build, Builders, build_image, supports_buildkit
from imgcompare.engine.build.context import BuildContext
from imgcompare.engine.build.request import summary
from imgcompare.engine.interface import BuildFailed, BuildRequest, Built
from imgcompare.errors import NoBuildKitError
from tests.support.builds import no_context

DOCKER = {"ApiVersion": "1.41", "Os": "linux", "Components": [{"Name": "Engine"}]}


def ignore(text: str) -> None:
    """Progress that nobody watches, leftovers that nobody has."""


def image_of(
    builder: str,
    *,
    context: BuildContext | None = None,
    has_buildkit: bool = True,
    without: Collection[str] = (),
) -> str:
    """The image that results, which is named after the way it was built; ``without`` are ways that are not there."""

    def way(name: str) -> Build:
        def build(request: BuildRequest, progress: Callable[[str], None]) -> Built | BuildFailed:
            if name in without:
                raise NoBuildKitError("not here")
            return Built(name, summary((), duration_s=0))

        return build

    builders = Builders(grpc=way("grpc"), http=way("http"), classic=way("classic"))
    request = BuildRequest(context=context or no_context(), tag="x:1", builder=builder)
    outcome = build_image(builders, request, ignore, has_buildkit=has_buildkit)
    return outcome.image if isinstance(outcome, Built) else outcome.message


def test_the_builder_named_is_the_builder_used() -> None:
    """Auto takes BuildKit, classic is classic even where BuildKit is."""
    assert image_of("auto") == image_of("buildkit") == "grpc"
    assert image_of("classic") == "classic"


def test_auto_falls_back_where_buildkit_is_not_to_be_had() -> None:
    """Known beforehand or found by trying: over gRPC, over the HTTP API, classically."""
    assert image_of("auto", has_buildkit=False) == "classic"
    assert image_of("auto", without={"grpc"}) == "http"
    assert image_of("auto", without={"grpc", "http"}) == "classic"


def test_what_copy_must_not_see_is_never_sent_to_a_builder_that_would_show_it() -> None:
    """BuildKit takes all of a tar for the context: a Dockerfile from outside goes to the classic builder instead."""
    outside = no_context(inside=None)
    assert image_of("auto", context=outside, without={"grpc"}) == "classic"
    with pytest.raises(NoBuildKitError):
        image_of("buildkit", context=outside, without={"grpc"})


def test_buildkit_demanded_is_never_silently_replaced() -> None:
    """--builder buildkit on an engine without it says so and names the way out."""
    with pytest.raises(NoBuildKitError) as caught:
        image_of("buildkit", has_buildkit=False)
    assert "--builder classic" in str(caught.value.hint)
    with pytest.raises(NoBuildKitError):
        image_of("buildkit", without={"grpc", "http"})


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        (DOCKER, True),
        ({**DOCKER, "ApiVersion": "1.39"}, True),
        ({**DOCKER, "ApiVersion": "1.38"}, False),
        ({**DOCKER, "Os": "windows"}, False),
        ({**DOCKER, "Components": [{"Name": "Podman Engine"}]}, False),
        ({"ApiVersion": "1.41"}, True),
        ({"ApiVersion": "x", "Components": ["y"]}, False),
        ({}, False),
    ],
)
def test_engines_that_cannot_have_buildkit_are_known(version: Mapping[str, object], expected: bool) -> None:
    """Podman, Windows engines and engines before API 1.39 are not tried; a damaged answer is no engine with it."""
    assert supports_buildkit(version) is expected


def test_the_classic_builder_of_an_engine_with_buildkit_gets_no_heredoc() -> None:
    """It would run the instruction without the heredoc's text and call that a success; Podman's has no such flaw."""
    heredoc = no_context("FROM scratch\nRUN <<END\nfalse\nEND\n")
    assert image_of("classic", context=heredoc) == (
        "Dockerfile line 2: a heredoc needs BuildKit; the classic builder would leave its text out"
    )
    assert image_of("classic", context=heredoc, has_buildkit=False) == "classic"
