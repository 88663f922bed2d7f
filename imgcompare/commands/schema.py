"""``imgcompare schema``: the JSON Schema of the report."""

from __future__ import annotations

import json

import click

from imgcompare.cli.output import write_text


@click.command()
def schema() -> None:
    """Print the JSON Schema of the report.

    It holds for what `run`, `shrink` and `mend` print with `--json` and for the files in .imgcompare/runs/: one
    comparison, a collection of them, or what was mended.
    Within its version fields are added, never removed or given another meaning.

    \b
    Examples:
      imgcompare schema > report.schema.json
      imgcompare schema | jq '."$defs".Image.properties | keys'

    What the fields mean: docs/report.md
    """
    from imgcompare.reports.schema import report_schema  # noqa: PLC0415 - --help must be quick

    write_text(json.dumps(report_schema(), indent=2, ensure_ascii=False) + "\n")
