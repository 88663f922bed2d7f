from __future__ import annotations

import json

import pytest

from imgcompare.engine.client.pull import follow_pull, unavailable
from imgcompare.errors import BaseImageError


def _told(*events: object) -> list[str]:
    told: list[str] = []
    follow_pull([json.dumps(event).encode() + b"\r\n" for event in events], "python:3.11", told.append)
    return told


def _downloading(layer: str, current: int, total: int) -> dict[str, object]:
    return {"id": layer, "status": "Downloading", "progressDetail": {"current": current, "total": total}}


def test_bytes_are_summed_over_all_layers() -> None:
    """Layers download side by side; one line tells how far they are together, and the same line is not told twice."""
    assert _told(
        {"status": "Pulling from library/python", "id": "3.11"},
        {"status": "Pulling fs layer", "progressDetail": {}, "id": "a"},
        _downloading("a", 1_000_000, 30_000_000),
        _downloading("a", 1_000_000, 30_000_000),
        _downloading("b", 11_300_000, 11_300_000),
        {"status": "Download complete", "progressDetail": {}, "id": "a"},
        {"status": "Extracting", "progressDetail": {"current": 1, "total": 30_000_000}, "id": "a"},
        {"status": "Pull complete", "progressDetail": {}, "id": "a"},
        {"status": "Already exists", "progressDetail": {}, "id": "c"},
    ) == ["1.0 MB / 30.0 MB", "12.3 MB / 41.3 MB", "41.3 MB, unpacking"]


def test_odd_progress_is_passed_over() -> None:
    """Sizes that are missing, unknown (-1, as Podman sends) or exceeded do not end the pull."""
    assert _told(
        {"id": "a", "status": "Downloading", "progressDetail": {}},
        {"id": "a", "status": "Downloading", "progressDetail": {"current": 5, "total": -1}},
        {"id": "a", "status": "Downloading"},
        {"stream": "x"},
        _downloading("b", 20_000_000, 10_000_000),
    ) == ["10.0 MB, unpacking"]


@pytest.mark.parametrize(
    "event",
    [{"error": "denied"}, {"errorDetail": {"message": "denied"}, "error": "x"}, {"errorDetail": {}, "error": "denied"}],
)
def test_an_error_in_the_stream_ends_the_pull(event: object) -> None:
    """The message names the image and the registry's words, from whichever field has them."""
    with pytest.raises(BaseImageError, match=r"^cannot pull python:3\.11: denied$"):
        _told({"status": "Pulling"}, event)


@pytest.mark.parametrize(
    ("reference", "stand_in"),
    [
        ("python:3.9-slim", "python:3.9-slim"),
        ("docker.io/library/python:3.12", "python:3.12"),
        ("example.test/python:3.12", None),
        ("python@sha256:00", None),
        ("python:3.11-alpine", None),
        ("alpine:3", None),
    ],
)
def test_only_an_official_python_image_has_a_stand_in(reference: str, stand_in: str | None) -> None:
    """The way out is one that there is: stand-ins are made of Debian's Python, under the official names."""
    hint = unavailable(reference, "no route to host").hint or ""
    assert ("imgcompare setup" in hint) is (stand_in is not None)
    assert f"--stand-in {stand_in}`" in hint or stand_in is None
