"""A Dockerfile after the edits that a report carries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from imgcompare.dockerfile.document import Document
from imgcompare.dockerfile.edits import apply
from imgcompare.model import Edit


def mended(text: str, edits: Sequence[dict[str, Any]]) -> str:
    """The text with a failure's edits, as they stand in the JSON, applied."""
    return str(apply(Document(text), msgspec.convert(edits, list[Edit])))
