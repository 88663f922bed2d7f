"""Options that several commands share, and where their output goes."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import click

from imgcompare.cli.numbers import Count, Seconds
from imgcompare.config.accepted import LONGEST_TIMEOUT_S, SHORTEST_TIMEOUT_S


class Whole(click.ParamType):  # type: ignore[type-arg]
    """A text that may hold blanks; of several in the environment each has a line of its own."""

    name = "text"

    def split_envvar_value(self, rv: str) -> list[str]:
        """Split at line ends alone."""
        return [line for line in rv.splitlines() if line]


_BUILD = (
    click.option(
        "--build-context",
        type=Whole(),
        multiple=True,
        metavar="[NAME=]DIR",
        help="Folder sent to the builder [default: .]; NAME=DIR and NAME=docker-image://REF are further ones.",
    ),
    click.option("--build-arg", multiple=True, metavar="KEY[=VALUE]", help="Build argument; repeatable."),
    click.option(
        "--secret",
        type=Whole(),
        multiple=True,
        metavar="id=NAME,src=FILE|env=VAR",
        help="Secret for RUN --mount=type=secret; repeatable.",
    ),
    click.option(
        "--ssh",
        type=Whole(),
        multiple=True,
        metavar="ID[=SOCKET|KEY]",
        help="Agent for RUN --mount=type=ssh, mostly default; repeatable.",
    ),
    click.option(
        "--network",
        metavar="NETWORK",
        help="Of RUN instructions: default, none or host; any other is a network that containers join.",
    ),
    click.option("--add-host", multiple=True, metavar="HOST:IP", help="Host that RUN instructions know; repeatable."),
    click.option("--shm-size", metavar="SIZE", help="Size of /dev/shm for RUN instructions, e.g. 64m."),
    click.option("--ulimit", multiple=True, metavar="NAME=SOFT[:HARD]", help="Limit for RUN instructions; repeatable."),
    click.option(
        "--cache-from",
        type=Whole(),
        multiple=True,
        metavar="type=TYPE,…",
        help="Where cached steps can be had, e.g. type=registry,ref=REF; repeatable.",
    ),
    click.option(
        "--cache-to",
        type=Whole(),
        multiple=True,
        metavar="type=TYPE,…",
        help="Where the cache is put, e.g. type=inline or type=registry,ref=REF,mode=max; repeatable.",
    ),
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
    click.option(
        "--route",
        type=Whole(),
        multiple=True,
        metavar="PATH [STATUS [LOCATION]]",
        help="Route to check in every container, with its good reply if that is not 200; repeatable. [default: /]",
    ),
    click.option("--request-method", metavar="METHOD", help="How the first route is asked, e.g. POST. [default: GET]"),
    click.option(
        "--request-header",
        type=Whole(),
        multiple=True,
        metavar="'NAME: VALUE'",
        help="Header of each request; repeatable.",
    ),
    click.option(
        "--request-body", metavar="TEXT|@FILE", help="Body that the first route is sent; a form, by POST, unless said."
    ),
    click.option(
        "--container-port",
        "--port",
        type=Count(1, 65535),
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
        type=Seconds(SHORTEST_TIMEOUT_S, LONGEST_TIMEOUT_S),
        metavar="SECONDS",
        help="How long to wait for the first reply. [default: 60; a scenario may have its own]",
    ),
    click.option(
        "--expect-status",
        type=Count(100, 599),
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


_SERVICES = (
    click.option(
        "--compose",
        metavar="FILE[:SERVICE]",
        help="Compose file: the variants take its service's place, with all it needs; none leaves it aside. "
        "[default: that of this folder, where it builds one service]",
    ),
    click.option("--bind-mounts", is_flag=True, help="Mount the service's bind mounts, read-only."),
    click.option(
        "--with",
        "with_",
        type=Whole(),
        multiple=True,
        metavar="NAME=IMAGE[,KEY=VALUE…]",
        help="Companion of each variant, known to it by that name; repeatable.",
    ),
    click.option(
        "--volume",
        type=Whole(),
        multiple=True,
        metavar="[FOLDER:]/PATH[:rw]",
        help="Fresh volume for each variant, or a folder, read-only; repeatable.",
    ),
)


def service_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add what runs beside each variant."""
    return reduce(lambda made, option: option(made), reversed(_SERVICES), command)


def build_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add how images are built."""
    return reduce(lambda made, option: option(made), reversed(_BUILD), command)


def reply_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add how containers are run, and what a good reply is."""
    return reduce(lambda made, option: option(made), reversed(_REPLY), command)


def replies_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add what ``reply_options`` adds, but several routes may be named."""
    routes = click.option(
        "--route",
        type=Whole(),
        multiple=True,
        metavar="PATH [STATUS [LOCATION]]",
        help="Route whose reply must stay as it is; repeatable. [default: /]",
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


def open_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--open``, a parameter ``open_``."""
    return click.option("--open", "open_", is_flag=True, help="Show the report's page in the browser.")(command)


def projector_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--projector``."""
    told = "HTML for a room: large type, one thing a screen, arrow keys."
    return click.option("--projector", is_flag=True, help=told)(command)


def repeat_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add how often things are measured."""
    runs = click.option(
        "--runs", type=Count(1, 1000), metavar="N", help="Start and check each N times; show how they differ."
    )
    builds = click.option(
        "--build-runs", type=Count(1, 1000), metavar="N", help="Build each N times more from the cache."
    )
    return runs(builds(command))


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
