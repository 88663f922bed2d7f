"""The JSON documents of an exported image, with only the fields that are read, bounded and checked.

https://github.com/opencontainers/image-spec (config, manifest, index) and ``manifest.json`` of ``docker save``.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec

from imgcompare.errors import ImageFormatError
from imgcompare.regex import regex
from imgcompare.text.printable import printable

_T = TypeVar("_T")
_DIGEST = regex(r"sha256:[0-9a-f]{64}")


_IMAGE_CONFIGS = ("application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json")


class Platform(msgspec.Struct, frozen=True):
    """What a manifest in an index is for."""

    os: str = ""
    architecture: str = ""
    variant: str = ""

    @property
    def name(self) -> str:
        """The platform as ``linux/arm64/v8``."""
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)


class Descriptor(msgspec.Struct, frozen=True, rename="camel"):
    """A reference to a blob; ``size`` is checked where it is given."""

    digest: str
    size: int | None = None
    media_type: str | None = None
    annotations: dict[str, str] | None = None
    platform: Platform | None = None


class Manifest(msgspec.Struct, frozen=True, rename="camel"):
    """An image's manifest (``config``, ``layers``), one of something else, or an index of such (``manifests``)."""

    config: Descriptor | None = None
    layers: tuple[Descriptor, ...] | None = None
    manifests: tuple[Descriptor, ...] | None = None
    artifact_type: str | None = None

    @property
    def foreign(self) -> str:
        """The type of what is no image but kept as if it were one (a signature, a chart), "" for an image.

        https://github.com/opencontainers/image-spec/blob/main/manifest.md#guidelines-for-artifact-usage; signatures of
        cosign have an image's config, and layers that are no file systems.
        """
        config = (self.config.media_type if self.config else None) or _IMAGE_CONFIGS[0]
        if config not in _IMAGE_CONFIGS:
            return self.artifact_type or config
        kinds = (layer.media_type or "" for layer in self.layers or ())
        return next((kind for kind in kinds if kind and ".tar" not in kind), "")


class SavedImage(msgspec.Struct, frozen=True, rename="pascal"):
    """One row of ``manifest.json``: paths inside the archive."""

    config: str
    layers: tuple[str, ...] | None = None
    repo_tags: tuple[str, ...] | None = None


SavedImages = tuple[SavedImage, ...]


class HistoryRow(msgspec.Struct, frozen=True):
    """One step of how an image was made; an ``empty_layer`` one made no layer."""

    created_by: str | None = None
    empty_layer: bool | None = None


class Healthcheck(msgspec.Struct, frozen=True, rename="pascal"):
    """How to see whether a container is well; times are nanoseconds."""

    test: tuple[str, ...] | None = None
    interval: int | None = None
    timeout: int | None = None
    start_period: int | None = None
    start_interval: int | None = None
    retries: int | None = None


class Settings(msgspec.Struct, frozen=True, rename="pascal"):
    """How a container of the image is run; engines once wrote a command of one word as a string."""

    user: str | None = None
    exposed_ports: dict[str, msgspec.Raw] | None = None
    env: tuple[str, ...] | None = None
    entrypoint: tuple[str, ...] | str | None = None
    cmd: tuple[str, ...] | str | None = None
    volumes: dict[str, msgspec.Raw] | None = None
    working_dir: str | None = None
    labels: dict[str, str | None] | None = None
    stop_signal: str | None = None
    healthcheck: Healthcheck | None = None


class DiffIds(msgspec.Struct, frozen=True):
    """The digests of the uncompressed layers, from the lowest up."""

    diff_ids: tuple[str, ...] | None = None


class ImageConfig(msgspec.Struct, frozen=True):
    """An image's config."""

    os: str
    architecture: str
    rootfs: DiffIds
    variant: str | None = None
    config: Settings | None = None
    history: tuple[HistoryRow, ...] | None = None


def is_digest(text: str) -> bool:
    """Whether ``text`` is a digest of the only kind that engines use."""
    return _DIGEST.fullmatch(text) is not None


def decode(document: bytes, kind: type[_T], name: str) -> _T:
    """Read a document. Raises ImageFormatError for what is no JSON, of another shape, or nested too deep."""
    try:
        return msgspec.json.decode(document, type=kind)
    except (msgspec.MsgspecError, UnicodeError) as exc:
        reason = printable(str(exc), limit=200)
    except RecursionError:
        reason = "it is nested too deep"
    raise ImageFormatError(f"{printable(name, limit=200)} of an exported image cannot be read: {reason}.")
