"""Pure: the command that goes on from a run, with what the run was told of its builds and replies."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path

from imgcompare.check.asked import FORM_HEADER, Asking, RouteCheck
from imgcompare.config.model import Config
from imgcompare.engine.options import BuildOptions
from imgcompare.model import Source
from imgcompare.text.redact import secret_values

_UNTOLD = Config(scenario="", context=Path(), variants=())


def command_line(command: str, source: Source, config: Config) -> str:
    """Return ``imgcompare COMMAND DOCKERFILE`` with those options of the run that are not as by themselves.

    A secret is named without its value, which the command then takes from the environment; of what a build may read as
    a secret only the name is known, and FILE stands for where it is.
    """
    dockerfile = f"{source.dockerfile}:{source.target}" if source.target else source.dockerfile or ""
    return shlex.join(["imgcompare", command, dockerfile, *_options(config)])


def _options(config: Config) -> Iterator[str]:
    context = os.path.relpath(config.context)
    if context != os.curdir:
        yield from ("--build-context", str(config.context) if context.startswith(os.pardir) else context)
    first = RouteCheck(config.route, config.expect.status if config.expect.location else None, config.expect.location)
    if str(first) != _UNTOLD.route or config.more_routes:
        for route in (first, *config.more_routes):
            yield from ("--route", str(route))
    yield from _request(config.asking)
    plain = {
        "--container-port": (config.container_port, None),
        "--expect-status": (config.expect.status if config.expect.location is None else 200, 200),
        "--expect-body": (config.expect.body, None),
        "--expect-body-pattern": (config.expect.body_pattern, None),
        "--platform": (config.platform, None),
        "--builder": (config.builder, _UNTOLD.builder),
        "--timeout": (f"{config.timeout_s:g}", f"{_UNTOLD.timeout_s:g}"),
    }
    for option, (value, default) in plain.items():
        if value != default:
            yield from (option, str(value))
    theirs = config.compose.environment if config.compose else {}
    if config.compose:
        file = os.path.relpath(config.compose.file)
        yield from (
            "--compose",
            f"{config.compose.file if file.startswith(os.pardir) else file}:{config.compose.service}",
        )
    for name, image, env in config.companions:
        yield from ("--with", ",".join((f"{name}={image}", *(f"{key}={value}" for key, value in env.items()))))
    yield from _pairs("--env", {name: value for name, value in config.env.items() if theirs.get(name) != value})
    yield from _pairs("--build-arg", config.build_args)
    yield from _of_the_build(config.build)
    if config.health:
        yield "--health"


def _of_the_build(given: BuildOptions) -> Iterator[str]:
    """What a build needs to end as it did; a cache that is put somewhere is not one of that."""
    repeated = {
        "--build-context": (f"{name}={place}" for name, place in given.contexts),
        "--secret": (f"id={secret.id},src=FILE" for secret in given.secrets),
        "--ssh": ("=".join(filter(None, (one.id, one.socket or ",".join(one.keys)))) for one in given.ssh),
        "--network": (name for name in (given.network,) if name),
        "--add-host": (f"{host}:{address}" for host, address in given.add_hosts),
        "--shm-size": (str(size) for size in (given.shm_size,) if size),
        "--ulimit": given.ulimits,
        "--cache-from": (
            ",".join((f"type={one.type}", *(f"{key}={value}" for key, value in one.attributes)))
            for one in given.cache_from
        ),
    }
    for option, values in repeated.items():
        for value in values:
            yield from (option, value)


def _request(asking: Asking) -> Iterator[str]:
    """How the first route is asked; VALUE stands for what a header says, and @FILE for the body."""
    if asking.method != ("POST" if asking.body else "GET"):
        yield from ("--request-method", asking.method)
    for name, value in asking.headers:
        if not asking.body or (name, value) != FORM_HEADER:
            yield from ("--request-header", f"{name}: VALUE")
    if asking.body:
        yield from ("--request-body", "@FILE")


def _pairs(option: str, values: Mapping[str, str]) -> Iterator[str]:
    for name, value in sorted(values.items()):
        yield from (option, name if secret_values({name: value}) else f"{name}={value}")
