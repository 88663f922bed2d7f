"""A pytest plugin of one fixture, ``image``: the project's image, built and checked once a session.

    def test_the_image_is_lean(image):
        assert image.works, image.failure
        assert image.uncompressed_size < 150_000_000
        assert "gcc" not in image.packages

What is built and asked for stands in pytest's configuration: imgcompare_dockerfile, imgcompare_context,
imgcompare_route, imgcompare_container_port.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from imgcompare.model import Failure, Image, Variant


_SETTINGS = (
    ("dockerfile", "Dockerfile of the image fixture, relative to the root folder", "Dockerfile"),
    ("context", "build context of the image fixture, relative to the root folder", "."),
    ("route", "route that the image has to answer", "/"),
    ("container_port", "port that the app listens on, where EXPOSE does not say it", ""),
)


class BuiltImage:
    """The image as a test looks at it; ``variant`` holds everything that the report of a run would."""

    def __init__(self, variant: Variant) -> None:
        self.variant = variant

    @property
    def works(self) -> bool:
        """Whether its route answered as expected."""
        return self.variant.verdict == "works"

    @property
    def failure(self) -> Failure | None:
        """Why it does not work."""
        return self.variant.failure

    @property
    def uncompressed_size(self) -> int:
        """Its bytes, unpacked."""
        return self._image.uncompressed_size

    @property
    def compressed_size(self) -> int | None:
        """The bytes that a pull takes; None where they were not measured."""
        return self._image.compressed_size

    @property
    def layer_count(self) -> int:
        """How many layers it has."""
        return self._image.layer_count

    @property
    def user(self) -> str:
        """Who runs it; "" is root."""
        return self._image.user

    @cached_property
    def packages(self) -> dict[str, str]:
        """Versions of the packages of every ecosystem by name; of Python's where others have that name too."""
        found = self._image.packages
        return {one.name: one.version for one in found.listed} | {one.name: one.version for one in found.python}

    @property
    def _image(self) -> Image:
        if self.variant.image is None:
            told = self.variant.failure.message if self.variant.failure else self.variant.skipped
            raise AssertionError(f"there is no image: {told}")
        return self.variant.image


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the settings."""
    for name, meaning, default in _SETTINGS:
        parser.addini(f"imgcompare_{name}", meaning, None, default)


@pytest.fixture(scope="session")
def image(pytestconfig: pytest.Config) -> BuiltImage:
    """The project's image: built, run and checked, once."""
    from imgcompare.api.calls import compare  # noqa: PLC0415 - a test run without this fixture pays nothing

    root = pytestconfig.rootpath
    dockerfile, context, route, port = (str(pytestconfig.getini(f"imgcompare_{name}")) for name, *_ in _SETTINGS)
    report = compare(
        f"image={root / dockerfile}",
        context=root / context,
        route=route,
        container_port=int(port) if port else None,
    )
    return BuiltImage(report.variants[0])
