"""An image in a registry → the same as an archive gives, without an engine: its layers read as they stream by.

Nothing is stored. A layer that the cache knows is not fetched; its compressed size is that of its manifest.
"""

from __future__ import annotations

import hashlib
import platform as machine
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager

from msgspec.structs import replace

from imgcompare.errors import ImageFormatError, ImgcompareError, RegistryError, UsageError
from imgcompare.image.archive import ATTESTATION, THREADS, ArchivedImage
from imgcompare.image.blob import BlobReader
from imgcompare.image.cache import ImageCache
from imgcompare.image.layer_index import LayerIndex
from imgcompare.image.oci import Descriptor, ImageConfig, Manifest, decode, is_digest
from imgcompare.image.platforms import is_platform
from imgcompare.image.registry_client import Login, RegistryClient
from imgcompare.image.registry_reference import Remote, mirrored
from imgcompare.text.printable import printable

_MAX_CONFIG = 8 << 20
_MAX_LAYERS = 1000
_MAX_NESTING = 3
_TELL_EVERY_BYTES = 8 << 20

Told = Callable[[int, int], None]


def _nobody(_done: int, _total: int) -> None:
    pass


def _unheard(_said: str) -> None:
    pass


def read_remote(
    remote: Remote,
    login: Login,
    cache: ImageCache,
    *,
    platform: str | None,
    told: Told = _nobody,
    mirrors: Sequence[str] = (),
    note: Callable[[str], None] = _unheard,
) -> ArchivedImage:
    """Read an image: that for ``platform``, else for this machine's; of Docker Hub from the first mirror that has it.

    ``told`` hears, from any thread, of large images how many bytes have come, and of how many; ``note`` hears which
    mirror had it, or why one had not. Raises UsageError for what is not there, RegistryError, and ImageFormatError for
    what is damaged.
    """
    for mirror in mirrored(remote, mirrors):
        try:
            image = _read(mirror, login, cache, platform, told)
        except ImgcompareError as exc:
            note(f"The mirror {mirror.host} does not help with {remote.name}: {exc.message}")
        else:
            note(f"{remote.name} was read from the mirror {mirror.host}.")
            return image
    return _read(remote, login, cache, platform, told)


def _read(remote: Remote, login: Login, cache: ImageCache, platform: str | None, told: Told) -> ArchivedImage:
    with RegistryClient(remote, login) as client:
        manifest = _manifest(client, remote, platform)
        if (kind := manifest.foreign) or manifest.config is None:
            raise UsageError(f"{remote.name} is no image, but {printable(kind or 'nothing that is known', limit=100)}")
        config_bytes = _whole(client, manifest.config)
        config = decode(config_bytes, ImageConfig, "the image's config")
        parts, diff_ids = manifest.layers or (), config.rootfs.diff_ids or ()
        if len(parts) != len(diff_ids) or len(parts) > _MAX_LAYERS:
            raise ImageFormatError(
                f"{remote.name}: its config lists {len(diff_ids)} layers, its manifest {len(parts)}."
            )
        layers = _layers(client, list(zip(parts, diff_ids, strict=True)), cache, told)
    image = ArchivedImage(config=config_bytes, image_id=manifest.config.digest, layers=layers)
    cache.put_image(image.image_id, None, image)
    return image


@contextmanager
def layer_chunks(
    remote: Remote, login: Login, number: int, *, platform: str | None, mirrors: Sequence[str] = ()
) -> Iterator[Iterator[bytes]]:
    """One layer's blob, as it streams in; ``number`` counts from 0, the lowest. Raises as ``read_remote`` does."""
    with ExitStack() as opened:
        for place in (*mirrored(remote, mirrors), remote):
            client = opened.enter_context(RegistryClient(place, login))
            try:
                parts = _manifest(client, place, platform).layers or ()
                break
            except ImgcompareError:
                if place is remote:
                    raise
        yield client.blob(parts[number].digest) if number < len(parts) else iter(())


def _manifest(client: RegistryClient, remote: Remote, platform: str | None) -> Manifest:
    """The manifest of the image for a platform, through as many indexes as lead to it."""
    reference = remote.digest or remote.tag
    for _ in range(_MAX_NESTING):
        content = client.manifest(reference)
        if is_digest(reference):
            _hold(content, reference)
        manifest = decode(content, Manifest, f"the manifest of {remote.name}")
        if manifest.manifests is None:
            return manifest
        reference = _chosen(remote, manifest.manifests, platform).digest
        if not is_digest(reference):
            raise ImageFormatError(f"{printable(reference, limit=100)} is no sha256 digest.")
    raise ImageFormatError(f"{remote.name}: its indexes are nested more than {_MAX_NESTING} deep.")


def _chosen(remote: Remote, found: tuple[Descriptor, ...], platform: str | None) -> Descriptor:
    images = [one for one in found if ATTESTATION not in (one.annotations or {})]
    wanted = platform or f"linux/{machine.machine()}"
    fitting = [one for one in images if one.platform and is_platform(one.platform.name, wanted)]
    if fitting or len(images) == 1:
        return (fitting or images)[0]
    told = ", ".join(sorted(one.platform.name for one in images if one.platform)) or "none"
    raise UsageError(
        f"{remote.name} is not there for {printable(wanted, limit=60)}; it is for {printable(told, limit=300)}",
        hint="Choose one of them with --platform.",
    )


def _layers(
    client: RegistryClient, parts: list[tuple[Descriptor, str]], cache: ImageCache, told: Told
) -> tuple[LayerIndex, ...]:
    """The layers, from the lowest up; those that the cache does not know are read side by side."""
    found: dict[str, LayerIndex] = {}
    missing: dict[str, tuple[int, Descriptor]] = {}
    for number, (part, diff_id) in enumerate(parts, 1):
        if (known := cache.layer(diff_id)) is not None:
            found.setdefault(diff_id, _measured(known, part))
        elif is_digest(part.digest):
            missing.setdefault(diff_id, (number, part))
        else:
            raise ImageFormatError(f"{printable(part.digest, limit=100)} is no sha256 digest.")
    count = _Count(sum(part.size or 0 for _, part in missing.values()), told)
    with ThreadPoolExecutor(THREADS) as estimates, ThreadPoolExecutor(THREADS) as threads:
        reader = BlobReader(estimates)
        reading = [threads.submit(_layer, client, reader, *one, diff_id, count) for diff_id, one in missing.items()]
        try:
            for future in as_completed(reading):
                layer = future.result()
                found[layer.diff_id] = layer
                cache.put_layer(layer)
        except BaseException:
            client.abort()
            threads.shutdown(wait=False, cancel_futures=True)
            raise
    return tuple(found[diff_id] for _, diff_id in parts)


def _layer(
    client: RegistryClient, reader: BlobReader, number: int, part: Descriptor, diff_id: str, count: _Count
) -> LayerIndex:
    blob = reader.read(count.passing(client.blob(part.digest)), keep=0)
    if blob.digest != part.digest or part.size not in (None, blob.size):
        raise RegistryError(f"Layer {number} is damaged: it is {blob.digest} of {blob.size} bytes.")
    if blob.layer is None or blob.layer.diff_id != diff_id:
        raise ImageFormatError(f"Layer {number} ({part.digest}) is not what the image's config says.")
    return blob.layer


class _Count:
    """Counts what has come of all layers together, and tells it now and then."""

    def __init__(self, total: int, told: Told) -> None:
        self._total = total
        self._told = told
        self._done = self._said = 0

    def passing(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """Pass a layer's pieces on."""
        for piece in pieces:
            self._done += len(piece)
            if self._done - self._said >= _TELL_EVERY_BYTES:
                self._said = self._done
                self._told(self._done, self._total)
            yield piece


def _measured(known: LayerIndex, part: Descriptor) -> LayerIndex:
    """A layer that is known, with the compressed size that the registry tells, where that is gzip's."""
    if known.compressed_size_exact or part.size is None or "gzip" not in (part.media_type or ""):
        return known
    return replace(known, compressed_size=part.size, compressed_size_exact=True)


def _whole(client: RegistryClient, part: Descriptor) -> bytes:
    if not is_digest(part.digest):
        raise ImageFormatError(f"{printable(part.digest, limit=100)} is no sha256 digest.")
    content = b"".join(_up_to(client.blob(part.digest), _MAX_CONFIG))
    _hold(content, part.digest)
    return content


def _up_to(pieces: Iterator[bytes], limit: int) -> Iterator[bytes]:
    for piece in pieces:
        limit -= len(piece)
        if limit < 0:
            raise ImageFormatError(f"The image's config has more than {_MAX_CONFIG >> 20} MiB.")
        yield piece


def _hold(content: bytes, digest: str) -> None:
    if f"sha256:{hashlib.sha256(content).hexdigest()}" != digest:
        raise RegistryError(
            f"The registry sent something else than {digest}.", hint="It is damaged there, or on the way."
        )
