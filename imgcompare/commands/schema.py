"""``imgcompare schema``: the JSON Schemas of the report and of the project's file."""

from __future__ import annotations

import json
from typing import Any

import click

from imgcompare.cli.output import write_text


@click.command()
@click.option("--config", is_flag=True, help="Print that of imgcompare.toml instead.")
def schema(*, config: bool) -> None:
    """Print the JSON Schema of the report, or of imgcompare.toml.

    It holds for what `run`, `shrink` and `mend` print with `--json` and for the files in .imgcompare/runs/: one
    comparison, a collection of them, or what was mended.
    Within its version fields are added, never removed or given another meaning.

    \b
    Examples:
      imgcompare schema > report.schema.json
      imgcompare schema | jq '."$defs".Image.properties | keys'
      imgcompare schema --config > imgcompare.schema.json

    What the fields mean: docs/report.md

    Editors with Taplo complete and check an imgcompare.toml that begins with `#:schema ./imgcompare.schema.json`:
    docs/config.md
    """
    write_text(json.dumps(_config() if config else _report(), indent=2, ensure_ascii=False) + "\n")


def _report() -> dict[str, Any]:
    from imgcompare.reports.schema import report_schema  # noqa: PLC0415 - --help must be quick

    return report_schema()


def _config() -> dict[str, Any]:
    from imgcompare.config.schema import config_schema  # noqa: PLC0415 - --help must be quick

    return config_schema()
