"""JSON Schemas, ready to hold documents against them: those that are published, and any other.

`jsonschema` takes a second to import (it compiles the grammar of IRIs), so the first document that is held pays it.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from imgcompare.config.schema import config_schema
from imgcompare.reports.schema import report_schema

if TYPE_CHECKING:
    from jsonschema.protocols import Validator


class Schema:
    """A schema of the dialect that its ``$schema`` names."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self._schema = schema

    @cached_property
    def _validator(self) -> Validator:
        from jsonschema.validators import validator_for  # noqa: PLC0415 - see above

        kind = validator_for(self._schema)
        kind.check_schema(self._schema)
        return kind(self._schema)

    def validate(self, document: Any) -> None:
        """Raise jsonschema.ValidationError where the document is not valid, SchemaError where the schema is none."""
        self._validator.validate(document)

    def problems(self, document: Any) -> list[str]:
        """What it has against the document, each with its place in it."""
        found = self._validator.iter_errors(document)
        return [f"{'/'.join(map(str, each.absolute_path))}: {each.message}" for each in found]

    def is_valid(self, document: Any) -> bool:
        """Whether the document is valid."""
        return bool(self._validator.is_valid(document))


CONFIG_SCHEMA = Schema(config_schema())
REPORT_SCHEMA = Schema(report_schema())
