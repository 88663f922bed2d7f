"""What the saved runs of a folder measured of its Dockerfiles, known again by what is in them."""

from __future__ import annotations

from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from msgspec import Struct

from imgcompare.errors import UsageError
from imgcompare.init.discover import FoundDockerfile
from imgcompare.model import Variant, Verdict
from imgcompare.reports import store

_NEWEST = 10


class Measured(Struct, frozen=True):
    """Bytes of an image that works: unpacked, and those added to its base image."""

    uncompressed_size: int
    own_size: int


def measured_in(folder: Path) -> dict[tuple[str, str], Measured]:
    """Return what was measured last, by the Dockerfile's digest and its build context, as written from the folder.

    Only of what was built whole and as it stands: a stage or a build argument makes another image.
    """
    found: dict[tuple[str, str], Measured] = {}
    for path in reversed(store.saved_runs(folder)[-_NEWEST:]):
        with suppress(UsageError):  # a run that cannot be read told nothing
            for report in store.reports_of(store.load(path)):
                for variant in report.variants:
                    if measured := _of(variant):
                        source = variant.source
                        found.setdefault((source.dockerfile_digest or "", source.context or ""), measured)
    return found


def key_of(folder: Path, found: FoundDockerfile) -> tuple[str, str]:
    """Return the key that a Dockerfile has in ``measured_in``."""
    return f"sha256:{sha256((folder / found.path).read_bytes()).hexdigest()}", found.context


def _of(variant: Variant) -> Measured | None:
    image, source = variant.image, variant.source
    if variant.verdict is not Verdict.WORKS or image is None or image.own_size is None:
        return None
    return None if source.target or source.build_args else Measured(image.uncompressed_size, image.own_size)
