"""The JSON Schema (draft 2020-12) of what ``--json`` prints and ``.imgcompare/runs/`` holds, made from the model."""

from __future__ import annotations

from inspect import cleandoc
from typing import Any

import msgspec

from imgcompare.model import SCHEMA_VERSION, Collection, Mending, Report

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def report_schema() -> dict[str, Any]:
    """Return the schema of a report, of a collection of them, and of what ``mend --json`` prints.

    What it does not name is allowed: a newer imgcompare of the same ``schema_version`` may add fields.
    """
    either, parts = msgspec.json.schema_components((Report, Collection, Mending), ref_template="#/$defs/{name}")
    for part in parts.values():
        if "description" in part:
            part["description"] = _as_text(part["description"])
        if "schema_version" in part.get("properties", {}):
            part["properties"]["schema_version"] = {"const": SCHEMA_VERSION}
    return {
        "$schema": _DIALECT,
        "$id": f"urn:imgcompare:report:{SCHEMA_VERSION}",
        "title": "imgcompare report",
        "description": "One comparison, several together, or a Dockerfile that was mended. *_s are seconds, "
        "*_size and *_bytes are bytes, created is UTC in RFC 3339.",
        "anyOf": list(either),
        "$defs": parts,
    }


def _as_text(docstring: str) -> str:
    """A docstring as running text: its paragraphs in a line each, names in single backticks."""
    paragraphs = cleandoc(docstring).replace("``", "`").split("\n\n")
    return "\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
