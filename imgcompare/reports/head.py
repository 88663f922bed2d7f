"""The first look at a saved document: its version, and whether it holds one comparison or several."""

from __future__ import annotations

from pathlib import Path

import msgspec

from imgcompare.errors import UsageError
from imgcompare.model import SCHEMA_VERSION


class _Head(msgspec.Struct):
    schema_version: int | None = None
    comparisons: msgspec.Raw = msgspec.Raw()


def is_document(data: bytes) -> bool:
    """Whether JSON is a report or a collection of any version. Raises what msgspec raises for what is no JSON."""
    return msgspec.json.decode(data, type=_Head).schema_version is not None


def is_collection(path: Path, data: bytes) -> bool:
    """Whether the document at ``path``, with these bytes, holds several comparisons.

    Raises UsageError for a version that this imgcompare does not read, and MsgspecError for what is no document.
    """
    head = msgspec.json.decode(data, type=_Head)
    if head.schema_version is None:
        raise msgspec.ValidationError("Object missing required field `schema_version`")
    if not 1 <= head.schema_version <= SCHEMA_VERSION:
        raise UsageError(
            f"{path} has schema_version {head.schema_version}; this imgcompare reads 1 to {SCHEMA_VERSION}",
            hint="Update imgcompare, or make the report again: imgcompare run",
        )
    return bool(bytes(head.comparisons))
