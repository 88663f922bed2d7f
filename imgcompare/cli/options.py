"""Options that several commands share, and where their output goes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    pass


def engine_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--host`` and ``--docker-context``."""
    host = click.option("--host", metavar="URL", help="Engine to use, e.g. unix:///run/docker.sock.")
    context = click.option("--docker-context", metavar="NAME", help="Docker context to use.")
    return host(context(command))


def platform_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--platform`` for images that exist for several."""
    return click.option("--platform", metavar="OS/ARCH", help="Which of several platforms, e.g. linux/arm64.")(command)


def measure_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add what is measured on request."""
    health = click.option("--health", is_flag=True, help="Run each HEALTHCHECK; one that fails makes a variant broken.")
    stop = click.option("--stop", is_flag=True, help="Measure how long each container takes to stop.")
    hardened = click.option(
        "--hardened", is_flag=True, help="Try each with a read-only root, no capabilities, 256 MB of memory and more."
    )
    change = click.option(
        "--after-change",
        is_flag=True,
        help="Change a file of the app, build again, and say what a server would pull.",
    )
    return health(stop(hardened(change(command))))
