"""What is kept of a layer once it was read: its entries with their bytes, and the few documents that name packages."""

from __future__ import annotations

import msgspec

MAX_DOCUMENT_BYTES = 16 << 20
MAX_DOCUMENTS_BYTES = 64 << 20

_PATHS = frozenset(
    ("var/lib/dpkg/status", "var/lib/dpkg/diversions", "etc/os-release", "usr/lib/os-release", "etc/passwd")
)
_EGG = (".egg-info", "EGG-INFO")
_METADATA: dict[str, str | tuple[str, ...]] = {
    "METADATA": ".dist-info",
    "RECORD": ".dist-info",
    "PKG-INFO": _EGG,
    "installed-files.txt": _EGG,
    "SOURCES.txt": _EGG,
    "top_level.txt": (".dist-info", *_EGG),
}


class FileEntry(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One tar entry of a layer.

    ``path`` is normalised (no leading slash, "" for the root) and where the entry comes to lie: folders on its way that
    the same layer made links are followed, as by engines. ``kind`` is the tar type flag: "0" regular, "1" hard
    link, "2" symbolic link, "3" and "4" devices, "5" folder, "6" FIFO. ``size`` is the file's as it is unpacked (of a
    sparse one more than the payload), ``stored`` all bytes of the layer's tar that belong to this entry: headers,
    extensions, payload and padding. ``link`` is where a link leads: a hard link's target normalised as ``path`` is, a
    symbolic link's as it stands, "" for all else. ``digest`` is that of the payload (16 bytes of its BLAKE3), b"" for
    what has none. Names that are not UTF-8 hold surrogate escapes.
    """

    path: str
    kind: str
    mode: int
    uid: int
    gid: int
    size: int
    stored: int
    link: str
    digest: bytes

    @property
    def held_bytes(self) -> int:
        """What of the file the layer holds: all of it, but of the holes of a sparse one nothing."""
        return min(self.size, self.stored)


class LayerIndex(msgspec.Struct, frozen=True, kw_only=True):
    """A finished layer. ``uncompressed_size`` is the length of the tar that ``diff_id`` hashes.

    It is the sum of the entries' ``stored`` and of the tar's closing blocks. ``file_count`` counts entries that are
    neither folders nor whiteouts. ``compressed_size`` is exact where the blob was stored compressed with gzip, else the
    estimate of what a registry would hold. ``documents`` are the contents, by path, of the files that name packages: of
    up to 16 MiB each and 64 MiB together, what is beyond is left out. Of those that hold other things too (programs,
    jars, databases) they have only what ``extract`` found in them, within the same bounds. ``secrets`` are the kinds of
    secrets that files hold, by path: names of variables, "a private key"; never a secret itself.
    """

    diff_id: str
    uncompressed_size: int
    file_count: int
    compressed_size: int
    compressed_size_exact: bool
    entries: tuple[FileEntry, ...]
    documents: dict[str, bytes]
    secrets: dict[str, tuple[str, ...]] = {}


def is_document(path: str) -> bool:
    """Whether a file's content is kept because it names packages, interpreters, users or the distribution."""
    folder, _, name = path.rpartition("/")
    if name in _METADATA:
        return folder.endswith(_METADATA[name])
    if name.endswith((".list", ".egg-info")):
        return name.endswith(".egg-info") or folder == "var/lib/dpkg/info"
    if name.endswith(".md5sums"):
        return folder in ("var/lib/dpkg/info", "var/lib/dpkg/status.d")
    if name == "installed":
        return folder.endswith("lib/apk/db")
    if name.endswith(".gemspec"):
        return "/specifications/" in path
    if name.endswith(".json"):
        return name.endswith(".deps.json") or (name == "installed.json" and folder.endswith("composer"))
    return (
        name == "pyvenv.cfg"
        or folder == "var/lib/dpkg/status.d"
        or path in _PATHS
        or (name == "container-manifest-2" and folder.endswith("var/lib/rpmmanifest"))
    )
