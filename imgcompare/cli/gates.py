"""The options that limit what images may be, and name what they are held against: ``run`` and ``report`` share them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from imgcompare.cli.completion import complete_saved

if TYPE_CHECKING:
    from imgcompare.comparison.limits import Limit
    from imgcompare.model import Document

_SIZE = "[VARIANT=]SIZE"
_OPTIONS = (
    ("max-size", _SIZE, "Most bytes an image may have unpacked: 120MB, 1.5GB, 90MiB."),
    ("max-compressed-size", _SIZE, "Most bytes a pull may take."),
    ("max-own-size", _SIZE, "Most bytes that may be added to the base image."),
    ("max-layers", "[VARIANT=]N", "Most layers."),
    ("min-saving", "[VARIANT=]PERCENT", "How much smaller than the baseline variant, at least: 50%."),
    ("max-wasted", "[VARIANT=]SIZE|PERCENT", "Most bytes that may be stored in vain."),
    ("max-ready", "[VARIANT=]SECONDS", "Longest time to the first good reply: 2s, 500ms."),
    ("max-growth", "[VARIANT=]SIZE|PERCENT", "Most that may be added since --against: 5MB, 2%; 0% for nothing."),
)


def gate_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--against``, and an option for each limit of ``limits.OPTIONS``, each of which is repeatable."""
    add = click.option(
        "--must-work",
        multiple=True,
        is_flag=False,
        flag_value="",
        metavar="[VARIANT]",
        help="Fail also if it was skipped, or breaks as its scenario declares. [default: every variant]",
    )
    command = add(command)
    for option, metavar, text in reversed(_OPTIONS):
        command = click.option(f"--{option}", multiple=True, metavar=metavar, help=text)(command)
    return click.option(
        "--against",
        metavar="FILE|RUN|IMAGE",
        shell_complete=complete_saved,
        help="Compare with what was stored: a baseline file, a report, a saved run, or an image.",
    )(command)


def limits_given(options: Mapping[str, Any]) -> tuple[Limit, ...]:
    """Return the limits that were given. Raises UsageError for those that cannot be read."""
    if not any(options.get(name.replace("-", "_")) for name in ("must-work", *(name for name, *_ in _OPTIONS))):
        return ()
    from imgcompare.comparison.limits import OPTIONS, read_limits  # noqa: PLC0415 - only where something is limited

    return read_limits({option: options.get(option.replace("-", "_"), ()) for option in OPTIONS})


def judged(document: Document, limits: Sequence[Limit], options: Mapping[str, Any], project: Path) -> Document:
    """Return a saved report held against what ``--against`` names, and judged by these limits."""
    from imgcompare.comparison.gates import judge_again  # noqa: PLC0415 - only where something is limited

    if options["against"] is None:
        return judge_again(document, limits)
    from imgcompare.console.progress import open_progress  # noqa: PLC0415
    from imgcompare.run.against import find_stored  # noqa: PLC0415
    from imgcompare.run.session import Connection  # noqa: PLC0415

    connection = Connection(host=options["host"], context=options["docker_context"])
    with open_progress(sys.stderr, quiet=False) as progress:
        stored = find_stored(options["against"], project, connection, progress)
    return judge_again(document, limits, stored)
