"""What an archive holds, by path and by digest: every blob read once, and held to the digest that its name claims."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from typing import NoReturn

from imgcompare.errors import ImageFormatError
from imgcompare.image.blob import Blob, BlobReader
from imgcompare.image.oci import Descriptor, ImageConfig, Manifest, decode, is_digest
from imgcompare.image.tarheader import normalised
from imgcompare.regex import regex
from imgcompare.text.printable import printable

_MAX_DOCUMENT = 8 << 20
_MAX_DOCUMENTS = 32 << 20
_MAX_ENTRIES = 1 << 16
_MAX_DESCRIPTORS = 1 << 12
_MAX_LINKS = 8
# Names that claim their content's digest: OCI blobs, docker's configs, podman's and crane's layers.
_CLAIM = regex(r"(?:blobs/sha256/|sha256:)?([0-9a-f]{64})(?:\.json|\.tar|\.tar\.gz)?")
_HINT = "Export the image again; an archive that is still incomplete was not written by a container engine."


class Contents:
    """The blobs of an archive by path and by digest, and the links between its paths."""

    def __init__(self, executor: Executor) -> None:
        self._reader = BlobReader(executor)
        self._by_path: dict[str, Blob] = {}
        self._by_digest: dict[str, Blob] = {}
        self._damaged: dict[str, ImageFormatError] = {}
        self._links: dict[str, str] = {}
        self._manifests: dict[str, Manifest] = {}
        self._configs: dict[str, ImageConfig] = {}
        self._kept = 0
        self._looked_up = 0

    def add(self, path: str, payload: Iterator[memoryview]) -> None:
        """Read one file, and hold it to the digest its name claims; a damaged one fails what needs it."""
        pieces = _Watched(payload)
        try:
            blob = self._reader.read(pieces, keep=min(_MAX_DOCUMENT, _MAX_DOCUMENTS - self._kept))
            claim = _CLAIM.fullmatch(path)
            if claim and blob.digest != f"sha256:{claim[1]}":
                refuse(f"{path} is damaged: its content is {blob.digest}")
        except ImageFormatError as exc:
            if pieces.broke_off:
                raise
            self._damaged[path] = ImageFormatError(exc.message, hint=exc.hint)  # without what its traceback holds
            self._bound()
            return
        if self._by_path.setdefault(path, blob).digest != blob.digest or path in self._links:
            refuse(f"it has two different files {path}")
        self._by_digest[blob.digest] = blob
        self._kept += len(blob.document or b"")
        self._bound()

    def link(self, path: str, target: str) -> None:
        """Note a link; where it leads is looked up when everything is there."""
        if path in self._by_path:
            refuse(f"it has two different files {path}")
        self._links[path] = normalised(target)
        self._bound()

    def _bound(self) -> None:
        if len(self._by_path) + len(self._links) + len(self._damaged) > _MAX_ENTRIES:
            refuse(f"it has more than {_MAX_ENTRIES} files")

    def has(self, path: str) -> bool:
        """Whether there is a file of that name."""
        return path in self._by_path or path in self._damaged

    def at(self, path: str) -> Blob:
        """The blob at a path, through links."""
        target = normalised(path)
        for _ in range(_MAX_LINKS):
            target = self._links.get(target, target)
        self._hold(target)
        blob = self._by_path.get(target)
        if blob is None:
            refuse(f"{path}, which manifest.json names, is missing")
        return blob

    def of(self, descriptor: Descriptor) -> Blob | None:
        """The blob of a descriptor, or None where the archive does not have it."""
        self._looked_up += 1
        if self._looked_up > _MAX_DESCRIPTORS:
            refuse(f"its manifests name more than {_MAX_DESCRIPTORS} blobs")
        if not is_digest(descriptor.digest):
            refuse(f"{descriptor.digest} is no sha256 digest")
        blob = self._by_digest.get(descriptor.digest)
        if blob is None:
            self._hold(f"blobs/{descriptor.digest.replace(':', '/')}")
        if blob and descriptor.size not in (None, blob.size):
            refuse(f"{descriptor.digest} has {blob.size} bytes, not the {descriptor.size} its manifest says")
        return blob

    def refuse_damaged(self) -> None:
        """Raise what was wrong with the first damaged file: where there is no image, it may be why."""
        for path in self._damaged:
            self._hold(path)

    def _hold(self, path: str) -> None:
        """Raise what was wrong with the file at a path."""
        if (damage := self._damaged.get(path)) is not None:
            raise ImageFormatError(damage.message, hint=damage.hint) from damage

    def manifest(self, blob: Blob, name: str) -> Manifest:
        """The blob as a manifest or index, decoded once however often it is named."""
        if blob.digest not in self._manifests:
            self._manifests[blob.digest] = decode(document_of(blob, name), Manifest, name)
        return self._manifests[blob.digest]

    def config(self, blob: Blob) -> ImageConfig:
        """The blob as an image's config, decoded once however often it is named."""
        if blob.digest not in self._configs:
            name = f"the config {blob.digest}"
            self._configs[blob.digest] = decode(document_of(blob, name), ImageConfig, name)
        return self._configs[blob.digest]


class _Watched(Iterator[memoryview]):
    """Pieces of one file; ``broke_off`` tells that the archive around it is what is damaged."""

    def __init__(self, pieces: Iterator[memoryview]) -> None:
        self._pieces = pieces
        self.broke_off = False

    def __next__(self) -> memoryview:
        try:
            return next(self._pieces)
        except ImageFormatError:
            self.broke_off = True
            raise


def document_of(blob: Blob, name: str) -> bytes:
    """The blob's JSON, or ImageFormatError where it is none or was too large to keep."""
    if blob.document is None:
        refuse(f"{name} is {'too large' if blob.too_large else 'no JSON'} ({blob.size} bytes)")
    return blob.document


def refuse(problem: str) -> NoReturn:
    """Raise ImageFormatError."""
    raise ImageFormatError(f"Not a complete image archive: {printable(problem, limit=400)}.", hint=_HINT)
