"""The JSON Schema of ``imgcompare.toml``, ready to hold files against it."""

from __future__ import annotations

from jsonschema import Draft7Validator

from imgcompare.config.schema import config_schema

CONFIG_SCHEMA = Draft7Validator(config_schema())
