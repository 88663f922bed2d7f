"""Which images are slim, and which have a slim variant, as official images are named."""

from __future__ import annotations

import pytest

from imgcompare.dockerfile.slim_tags import has_slim_variant, is_slim


@pytest.mark.parametrize(
    ("reference", "slim"),
    [
        ("python:3.11-slim", True),
        ("python:slim", True),
        ("python:3.11-slim-bookworm", True),
        ("python:3.11-alpine", True),
        ("python:3.11-alpine3.20", True),
        ("python:3.11", False),
        ("slimy/x:1", False),
        ("x:slimmer", False),
    ],
)
def test_is_slim(reference: str, slim: bool) -> None:
    """A slim or Alpine image is known by its tag alone."""
    assert is_slim(reference) is slim


@pytest.mark.parametrize(
    ("reference", "has"),
    [
        ("python", True),
        ("python:3.11", True),
        ("docker.io/library/node:22-bookworm", True),
        ("ruby:3.4@sha256:0", True),
        ("python:3.11-slim", False),
        ("python:3.11-alpine", False),
        ("example.org/python:3.11", False),
        ("debian:12", False),
        ("golang:1.24", False),
        ("", False),
    ],
)
def test_of_which_images_there_is_a_slim_one(reference: str, has: bool) -> None:
    """Nobody is sent to a variant that does not exist, or that the image is already."""
    assert has_slim_variant(reference) is has
