"""The choice of the builder."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest

from imgcompare.engine.build.choose import build_image, supports_buildkit
from imgcompare.engine.interface import BuildFailed, BuildRequest, Built
from imgcompare.errors import NoBuildKitError

DOCKER = {"ApiVersion": "1.41", "Os": "linux", "Components": [{"Name": "Engine"}]}
ANSWERS = {
    "1": b'{"stream":"Step 1/1 : FROM scratch"}\n{"stream":"Successfully built aaaaaaaaaaaa\\n"}\n',
    "2": b'{"id":"moby.image.id","aux":{"ID":"sha256:bb"}}\n',
}


def ignore(text: str) -> None:
    """Progress that nobody watches, leftovers that nobody has."""


def request(builder: str) -> BuildRequest:
    """A request that names its builder."""
    return BuildRequest(context=lambda: iter([b"tar"]), dockerfile="Dockerfile", tag="x:1", builder=builder)


def image_of(builder: str, *, has_buildkit: bool = True, answers: Mapping[str, bytes] = ANSWERS) -> str:
    """The image that results; ``answers`` are the engine's, by version."""

    def post(
        path: str, params: Mapping[str, str], body: Iterator[bytes], headers: Mapping[str, str]
    ) -> Iterator[bytes]:
        assert b"".join(body) == b"tar"
        yield answers[params["version"]]

    outcome = build_image(
        post,
        request(builder),
        "b1",
        ignore,
        has_buildkit=has_buildkit,
        images=lambda: (),
        discard=ignore,
    )
    assert isinstance(outcome, Built)
    return outcome.image


def test_the_builder_named_is_the_builder_used() -> None:
    """Auto takes BuildKit, classic is classic even where BuildKit is."""
    assert image_of("auto") == image_of("buildkit") == "sha256:bb"
    assert image_of("classic") == "aaaaaaaaaaaa"


def test_auto_falls_back_where_buildkit_is_not_to_be_had() -> None:
    """Known beforehand or found by trying: the image is built classically, from a fresh context."""
    assert image_of("auto", has_buildkit=False) == "aaaaaaaaaaaa"
    assert image_of("auto", answers={**ANSWERS, "2": ANSWERS["1"]}) == "aaaaaaaaaaaa"


def test_buildkit_demanded_is_never_silently_replaced() -> None:
    """--builder buildkit on an engine without it says so and names the way out."""
    for attempt in ({"has_buildkit": False}, {"answers": {"2": ANSWERS["1"]}}):
        with pytest.raises(NoBuildKitError) as caught:
            image_of("buildkit", **attempt)
        assert "--builder classic" in str(caught.value.hint)


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
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar:
        dockerfile = b"FROM scratch\nRUN <<END\nfalse\nEND\n"
        member = tarfile.TarInfo("Dockerfile")
        member.size = len(dockerfile)
        tar.addfile(member, io.BytesIO(dockerfile))
    with_heredoc = replace(request("classic"), context=lambda: iter([buffer.getvalue()]))

    def post(
        path: str, params: Mapping[str, str], body: Iterator[bytes], headers: Mapping[str, str]
    ) -> Iterator[bytes]:
        yield ANSWERS["1"]

    def outcome(*, has_buildkit: bool) -> Built | BuildFailed:
        return build_image(
            post, with_heredoc, "b1", ignore, has_buildkit=has_buildkit, images=lambda: (), discard=ignore
        )

    refused = outcome(has_buildkit=True)
    assert isinstance(refused, BuildFailed)
    assert refused.message == (
        "Dockerfile line 2: a heredoc needs BuildKit; the classic builder would leave its text out"
    )
    assert isinstance(outcome(has_buildkit=False), Built)
