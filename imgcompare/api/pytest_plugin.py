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

    def __repr__(self) -> str:
        """What pytest shows of it where an assertion fails."""
        from imgcompare.text.units import format_bytes  # noqa: PLC0415 - a test run without this fixture pays nothing

        made_from = self.variant.source.dockerfile or self.variant.source.image
        image = self.variant.image
        size = f", {format_bytes(image.uncompressed_size)} unpacked" if image else ""
        return f"<image of {made_from}: {self.variant.verdict}{size}>"

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
    from imgcompare.errors import ImgcompareError  # noqa: PLC0415

    root = pytestconfig.rootpath
    dockerfile, context, route, port = (str(pytestconfig.getini(f"imgcompare_{name}")) for name, *_ in _SETTINGS)
    if port and not port.isdecimal():
        pytest.fail(f"imgcompare_container_port is no number: {port!r}", pytrace=False)
    try:
        report = compare(
            f"image={root / dockerfile}",
            context=root / context,
            route=route,
            container_port=int(port) if port else None,
        )
    except ImgcompareError as exc:  # where in imgcompare it was found says nothing to whoever tests an image
        pytest.fail("\n".join(filter(None, (exc.message, exc.details, exc.hint))), pytrace=False)
    return BuiltImage(report.variants[0])
