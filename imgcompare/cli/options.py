"""Options that several commands share, and where their output goes."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from pathlib import Path
from typing import Any

import click

from imgcompare.config.accepted import LONGEST_TIMEOUT_S, SHORTEST_TIMEOUT_S

_BUILD = (
    click.option(
        "--build-context",
        type=click.Path(path_type=Path),
        metavar="DIR",
        help="Folder sent to the builder. [default: .]",
    ),
    click.option("--build-arg", multiple=True, metavar="KEY[=VALUE]", help="Build argument; repeatable."),
    click.option("--platform", metavar="OS/ARCH", help="Platform to build for, e.g. linux/amd64."),
    click.option("--no-cache", is_flag=True, help="Build every step anew."),
    click.option("--pull", is_flag=True, help="Pull base images even when the engine has them."),
    click.option(
        "--builder",
        type=click.Choice(["auto", "buildkit", "classic"]),
        default="auto",
        show_default=True,
        help="Which builder.",
    ),
)
_REPLY = (
    click.option("--route", metavar="PATH", help="Route to check in every container. [default: /]"),
    click.option(
        "--container-port",
        "--port",
        type=click.IntRange(1, 65535),
        metavar="PORT",
        help="Port the app listens on. [default: from EXPOSE]",
    ),
    click.option(
        "--publish-address",
        metavar="IP",
        help="Where a remote engine (tcp://) publishes the ports, e.g. 0.0.0.0. [default: its loopback]",
    ),
    click.option(
        "--env", "-e", multiple=True, metavar="KEY[=VALUE]", help="Environment of the containers; repeatable."
    ),
    click.option(
        "--timeout",
        type=click.FloatRange(SHORTEST_TIMEOUT_S, LONGEST_TIMEOUT_S),
        metavar="SECONDS",
        help="How long to wait for the first reply. [default: 60; a scenario may have its own]",
    ),
    click.option(
        "--expect-status",
        type=click.IntRange(100, 599),
        metavar="CODE",
        help="Status of a good reply. [default: 200]",
    ),
    click.option(
        "--expect-body",
        metavar="TEXT",
        help="Text that a good reply's body contains. [default: any, or the baseline's body]",
    ),
    click.option("--expect-body-pattern", metavar="REGEX", help="Pattern found in a good reply's body."),
)


def build_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add how images are built."""
    return reduce(lambda made, option: option(made), reversed(_BUILD), command)


def reply_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add how containers are run, and what a good reply is."""
    return reduce(lambda made, option: option(made), reversed(_REPLY), command)


def replies_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add what ``reply_options`` adds, but several routes may be named."""
    routes = click.option(
        "--route", multiple=True, metavar="PATH", help="Route whose reply must stay as it is; repeatable. [default: /]"
    )
    return reduce(lambda made, option: option(made), reversed((routes, *_REPLY[1:])), command)


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
