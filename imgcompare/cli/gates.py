"""The options that limit what images may be, and name what they are held against: ``run`` and ``report`` share them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from imgcompare.cli.completion import complete_saved
from imgcompare.comparison.measures import MUST_WORK, OPTIONS

if TYPE_CHECKING:
    from imgcompare.comparison.limits import Limit
    from imgcompare.model import Document


def gate_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--against``, and an option for each of ``measures.OPTIONS``, which are repeatable."""
    for option in reversed(tuple(OPTIONS.values())):
        # --must-work alone is for every variant.
        alone: dict[str, Any] = {"is_flag": False, "flag_value": ""} if option.name == MUST_WORK else {}
        add = click.option(f"--{option.name}", multiple=True, metavar=option.form, help=option.help, **alone)
        command = add(command)
    return click.option(
        "--against",
        metavar="FILE|RUN|IMAGE",
        shell_complete=complete_saved,
        help="Compare with what was stored: a baseline file, a report, a saved run, or an image.",
    )(command)


def limits_given(options: Mapping[str, Any]) -> tuple[Limit, ...]:
    """Return the limits that were given. Raises UsageError for those that cannot be read."""
    given = {name: options[option.parameter] for name, option in OPTIONS.items() if options.get(option.parameter)}
    if not given:
        return ()
    from imgcompare.comparison.limits import read_limits  # noqa: PLC0415 - only where something is limited

    return read_limits(given)


def judged(document: Document, limits: Sequence[Limit], options: Mapping[str, Any], project: Path) -> Document:
    """Return a saved report held against what ``--against`` names, and judged by these limits."""
    from imgcompare.comparison.gates import judge_again  # noqa: PLC0415 - only where something is limited

    if options["against"] is None:
        return judge_again(document, limits)
    from imgcompare.console.progress import open_progress  # noqa: PLC0415
    from imgcompare.run.against import find_stored  # noqa: PLC0415
    from imgcompare.run.opening import Connection  # noqa: PLC0415

    connection = Connection(host=options["host"], context=options["docker_context"])
    with open_progress(sys.stderr, quiet=False) as progress:
        stored = find_stored(options["against"], project, connection, progress)
    return judge_again(document, limits, stored)
