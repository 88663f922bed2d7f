"""The slim tag of a full one, as official images spell it."""

from __future__ import annotations

import pytest

from imgcompare.remedy.bases import has_no_slim, slim_base


@pytest.mark.parametrize(
    ("written", "slim"),
    [
        ("python:3.11", "python:3.11-slim"),
        ("python:3.11-bullseye", "python:3.11-slim-bullseye"),
        ("python:3.12.1-bookworm", "python:3.12.1-slim-bookworm"),
        ("python", "python:slim"),
        ("python:latest", "python:slim"),
        ("python:bullseye", "python:slim-bullseye"),
        ("docker.io/library/python:3", "docker.io/library/python:3-slim"),
        ("python:3.13rc1", "python:3.13rc1-slim"),
        ("python:${VERSION}", "python:${VERSION}-slim"),
        ("python:${TAG}", None),
        ("python:$UNKNOWN", None),
        ("python:3.11-alpine", None),
        ("python:3.11-slim", None),
        ("python:3.11-windowsservercore", None),
        ("python@sha256:0", None),
        ("python:3.11@sha256:0", None),
        ("pypy:3.10", None),
        ("debian:bookworm", "debian:bookworm-slim"),
        ("debian", "debian:stable-slim"),
        ("debian:12.5", "debian:12.5-slim"),
        ("mirror.example/debian:oldstable", "mirror.example/debian:oldstable-slim"),
        ("debian:bookworm-20240513", "debian:bookworm-20240513-slim"),
        ("debian:${VERSION}", "debian:${VERSION}-slim"),
        ("debian:${TAG}", None),
        ("debian:bookworm-slim", None),
        ("debian:bookworm-backports", None),
        ("ubuntu:24.04", None),
        ("tiangolo/uvicorn-gunicorn:python3.11", None),
    ],
)
def test_spelling(written: str, slim: str | None) -> None:
    """``X-bullseye`` has ``X-slim-bullseye``; a variable may stand for a version, not for a flavour."""
    assert slim_base(written, {"VERSION": "3.11", "TAG": "3.11-bookworm"}) == slim


@pytest.mark.parametrize(
    ("reference", "none"),
    [("ubuntu:24.04", True), ("mirror.example/ubuntu", True), ("debian:12", False), ("notubuntu:24.04", False)],
)
def test_of_ubuntu_there_is_no_smaller_one(reference: str, none: bool) -> None:
    """What runs stands on the same image as what builds."""
    assert has_no_slim(reference) is none
