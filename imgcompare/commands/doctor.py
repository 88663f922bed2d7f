"""``imgcompare doctor``: would a run work here, and if not, what to do."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec.structs import asdict

from imgcompare.cli.options import engine_options
from imgcompare.cli.output import write_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imgcompare.engine.interface import Endpoint, Engine
    from imgcompare.setup.doctor import Finding

_NOT_READY_EXIT = 3
_MARKS = {True: "✓", False: "✗", None: "–"}


@click.command()
@engine_options
@click.option("--json", "json_", is_flag=True, help="Print the findings as JSON.")
@click.pass_context
def doctor(context: click.Context, *, host: str | None, docker_context: str | None, json_: bool) -> None:
    """Say what works here, what does not, and the next step.

    Looks at the engine, its builder, disk, registry and base images, imgcompare's own engine, and Compose.

    \b
    ✓ good   ✗ keeps a run from working   – does not matter now, or cannot be seen
    Nothing is started, pulled or changed. Exit code 0 when a run would work, 3 when it would not.
    """
    from platformdirs import user_cache_path  # noqa: PLC0415 - --help must be quick

    from imgcompare.console.style import style_for  # noqa: PLC0415
    from imgcompare.engine.endpoint.find import find_engine, own_engine  # noqa: PLC0415
    from imgcompare.reports import store  # noqa: PLC0415
    from imgcompare.setup.doctor import examine, folder, would_run  # noqa: PLC0415
    from imgcompare.text.printable import to_ascii  # noqa: PLC0415

    findings = [
        *examine(lambda: find_engine(host, docker_context, start_own=False), _open, own_engine()),
        _compose(),
        folder("report folder", store.runs_folder(Path.cwd()), needed=True),
        folder("cache folder", user_cache_path("imgcompare"), needed=False),
    ]
    ready = would_run(findings)
    if json_:
        text = json.dumps({"ready": ready, "findings": [asdict(finding) for finding in findings]}, indent=2)
    else:
        table = _table(findings, ready=ready)
        text = to_ascii(table) if style_for(sys.stdout, os.environ).ascii_only else table
    write_text(f"{text}\n")
    context.exit(0 if ready else _NOT_READY_EXIT)


def _open(endpoint: Endpoint) -> Engine:
    from imgcompare.engine.client.engine import SdkEngine  # noqa: PLC0415 - the Docker SDK takes a while to import

    return SdkEngine(endpoint)


def _compose() -> Finding:
    """Whether a compose file could be read; who has none needs nobody to."""
    from imgcompare.services.program import HOW_TO_GET, find_program  # noqa: PLC0415 - --help must be quick
    from imgcompare.setup.doctor import Finding  # noqa: PLC0415

    if program := find_program():
        return Finding("compose", True, f"{program.version}, as {' '.join(program.words)}")
    return Finding("compose", None, "not on this machine: compose files are not read", HOW_TO_GET)


def _table(findings: Sequence[Finding], *, ready: bool) -> str:
    from imgcompare.text.printable import printable_lines  # noqa: PLC0415

    width = max(len(finding.name) for finding in findings)
    lines = []
    for finding in findings:
        first, *rest = printable_lines(finding.text)
        lines.append(f"{_MARKS[finding.ok]} {finding.name:{width}}  {first}")
        lines += [f"{'':{width}}    {line}" for line in rest]
        if finding.next_step:
            lines.append(f"{'':{width}}    next: {finding.next_step}")
    verdict = "Nothing found keeps a run from working." if ready else "A run would not work here: see ✗."
    return "\n".join([*lines, "", verdict])
