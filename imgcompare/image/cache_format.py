"""A layer's index as a row of short binary messages: columns rather than rows, so that 200,000 entries load at once.

Names go as bytes joined by NUL, which no name holds: those that are not UTF-8 survive, and splitting them is quick. The
entries come in slices, so that neither side ever holds all of them twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import msgspec

from imgcompare.image.layer_index import FileEntry, LayerIndex

_SLICE = 1 << 13


class _Head(msgspec.Struct, frozen=True, array_like=True):
    """All of a layer but its entries; ``documents`` is (path, content), ``secrets`` (path, kinds)."""

    diff_id: str
    uncompressed_size: int
    file_count: int
    compressed_size: int
    compressed_size_exact: bool
    entry_count: int
    documents: list[tuple[bytes, bytes]]
    secrets: list[tuple[bytes, list[str]]]


class _Slice(msgspec.Struct, frozen=True, array_like=True):
    """Some entries in a row, field by field."""

    paths: bytes
    kinds: bytes
    modes: list[int]
    uids: list[int]
    gids: list[int]
    sizes: list[int]
    stored: list[int]
    links: bytes
    digests: list[bytes]


_heads = msgspec.msgpack.Decoder(_Head)
_slices = msgspec.msgpack.Decoder(_Slice)


def encode_layer(index: LayerIndex) -> Iterator[bytes]:
    """The messages that ``decode_layer`` reads."""
    yield msgspec.msgpack.encode(
        _Head(
            index.diff_id,
            index.uncompressed_size,
            index.file_count,
            index.compressed_size,
            index.compressed_size_exact,
            len(index.entries),
            [(_packed(path), content) for path, content in index.documents.items()],
            [(_packed(path), list(kinds)) for path, kinds in index.secrets.items()],
        )
    )
    entries = iter(index.entries)
    while some := list(islice(entries, _SLICE)):
        yield msgspec.msgpack.encode(
            _Slice(
                _packed("\0".join([entry.path for entry in some])),
                "".join([entry.kind for entry in some]).encode("latin-1"),
                [entry.mode for entry in some],
                [entry.uid for entry in some],
                [entry.gid for entry in some],
                [entry.size for entry in some],
                [entry.stored for entry in some],
                _packed("\0".join([entry.link for entry in some])),
                [entry.digest for entry in some],
            )
        )


def decode_layer(messages: Iterator[bytes]) -> LayerIndex:
    """The layer of these messages. Raises ValueError for anything that ``encode_layer`` did not write."""
    head = _heads.decode(next(messages, b""))
    entries: list[FileEntry] = []
    for message in messages:
        some = _slices.decode(message)
        columns = (
            _unpacked(some.paths).split("\0"),
            some.kinds.decode("latin-1"),
            some.modes,
            some.uids,
            some.gids,
            some.sizes,
            some.stored,
            _unpacked(some.links).split("\0"),
            some.digests,
        )
        if len({len(column) for column in columns}) > 1:
            raise ValueError("columns of different lengths")
        entries.extend(map(FileEntry, *columns))
    if len(entries) != head.entry_count:
        raise ValueError(f"{len(entries)} entries instead of {head.entry_count}")
    return LayerIndex(
        diff_id=head.diff_id,
        uncompressed_size=head.uncompressed_size,
        file_count=head.file_count,
        compressed_size=head.compressed_size,
        compressed_size_exact=head.compressed_size_exact,
        entries=tuple(entries),
        documents={_unpacked(path): content for path, content in head.documents},
        secrets={_unpacked(path): tuple(kinds) for path, kinds in head.secrets},
    )


def _packed(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")


def _unpacked(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")
