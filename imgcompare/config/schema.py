"""Pure: the JSON Schema of ``imgcompare.toml``, made from the table of settings, for editors and checkers of TOML.

Draft 7, which the language servers for TOML read. It says what a key accepts as far as the dialect can; what it lets
through, a run still checks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from imgcompare.config.settings import GATES, SETTINGS, Setting
from imgcompare.config.variants import NAME_PATTERN, VARIANT_FORMS

_DIALECT = "http://json-schema.org/draft-07/schema#"
_TEXT = {"type": "string", "minLength": 1}
_NAME = {"type": "string", "pattern": f"^{NAME_PATTERN}$"}

Schema = dict[str, Any]


def config_schema() -> Schema:
    """Return the schema of a file: what it does not name is an error there, too."""
    return {
        "$schema": _DIALECT,
        "$id": "urn:imgcompare:config",
        "title": "imgcompare.toml",
        "description": "What is compared, and what has to hold. Paths are relative to the file's folder.",
        **_table(
            {
                "name": {"description": "The comparison's name; without it, that of the folder.", **_NAME},
                **_comparison(),
                "comparisons": {
                    "description": "Several comparisons by name; what stands above them holds for all.",
                    **_by_name({**_table(_comparison()), "required": ["variants"]}),
                    "minProperties": 1,
                },
            }
        ),
        # Several comparisons have variants and names of their own.
        "dependencies": {"comparisons": {"not": {"anyOf": [{"required": ["variants"]}, {"required": ["name"]}]}}},
        "definitions": {"variant": _variant()},
    }


def _comparison() -> dict[str, Schema]:
    """The keys of one comparison."""
    in_file = [setting for setting in SETTINGS if setting.in_file]
    gates = {setting.key.partition(".")[2]: setting for setting in in_file if setting.key.startswith(f"{GATES}.")}
    return {
        **{setting.key: _setting(setting) for setting in in_file if "." not in setting.key},
        "variants": {
            "description": f"The variants: a table of them by name, or an array of {VARIANT_FORMS}.",
            "anyOf": [{"type": "array", "items": _TEXT}, _by_name({"$ref": "#/definitions/variant"})],
        },
        GATES: {
            "description": "The limits; where one is not kept, the run fails.",
            **_table({key: _setting(setting) for key, setting in gates.items()}),
        },
    }


def _setting(setting: Setting) -> Schema:
    accepts = setting.kind.accepts
    unset = "" if setting.unset == "none" else f"; without it, {setting.unset}"
    return {"description": f"{accepts[0].upper()}{accepts[1:]}{unset}.", **setting.kind.schema}


def _variant() -> Schema:
    keys = {
        "dockerfile": "A file.",
        "target": "The stage to build; without it, the last.",
        "image": "An image that exists, in place of a Dockerfile.",
        "expected_failure": "The code of the failure that it is meant to show.",
    }
    table = _table({key: {"description": told, **_TEXT} for key, told in keys.items()})
    return {
        "description": "DOCKERFILE, DOCKERFILE:TARGET, image:REFERENCE or registry:REFERENCE, or a table.",
        "anyOf": [_TEXT, {**table, "oneOf": [{"required": ["dockerfile"]}, {"required": ["image"]}]}],
    }


def _table(properties: Mapping[str, Schema]) -> Schema:
    return {"type": "object", "properties": dict(properties), "additionalProperties": False}


def _by_name(each: Schema) -> Schema:
    return {"type": "object", "propertyNames": _NAME, "additionalProperties": each}
