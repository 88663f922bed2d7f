"""What is kept of a layer once it was read: its entries with their bytes, and the few documents that name packages."""

from __future__ import annotations

import msgspec


class FileEntry(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One tar entry of a layer.

    ``path`` is normalised (no leading slash, "" for the root). ``kind`` is the tar type flag: "0" regular, "1" hard link,
    "2" symbolic link, "3" and "4" devices, "5" folder, "6" FIFO. ``size`` is the payload stored, ``stored`` all bytes of
    the layer's tar that belong to this entry: headers, extensions, payload and padding. ``digest`` is the content's
    (16 bytes of its SHA-256), b"" for what has no payload.
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


class LayerIndex(msgspec.Struct, frozen=True, kw_only=True):
    """A finished layer. ``uncompressed_size`` is the length of the tar that ``diff_id`` hashes.

    It is the sum of the entries' ``stored`` and of the tar's closing blocks. ``file_count`` counts entries that are
    neither folders nor whiteouts. ``compressed_size`` is exact where the blob was stored compressed, else the estimate of
    what a registry would hold. ``documents`` are the contents, by path, of the files that name packages.
    """

    diff_id: str
    uncompressed_size: int
    file_count: int
    compressed_size: int
    compressed_size_exact: bool
    entries: tuple[FileEntry, ...]
    documents: dict[str, bytes]
