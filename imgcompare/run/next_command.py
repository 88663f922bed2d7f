"""Pure: the command that goes on from a run, with what the run was told of its builds and replies."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path

from imgcompare.config.model import Config
from imgcompare.model import Source
from imgcompare.text.redact import secret_values

_UNTOLD = Config(scenario="", context=Path(), variants=())


def command_line(command: str, source: Source, config: Config) -> str:
    """Return ``imgcompare COMMAND DOCKERFILE`` with those options of the run that are not as by themselves.

    A secret is named without its value, which the command then takes from the environment.
    """
    dockerfile = f"{source.dockerfile}:{source.target}" if source.target else source.dockerfile or ""
    return shlex.join(["imgcompare", command, dockerfile, *_options(config)])


def _options(config: Config) -> Iterator[str]:
    context = os.path.relpath(config.context)
    if context != os.curdir:
        yield from ("--build-context", str(config.context) if context.startswith(os.pardir) else context)
    plain = {
        "--route": (config.route, _UNTOLD.route),
        "--container-port": (config.container_port, None),
        "--expect-status": (config.expect.status, _UNTOLD.expect.status),
        "--expect-body": (config.expect.body, None),
        "--expect-body-pattern": (config.expect.body_pattern, None),
        "--platform": (config.platform, None),
        "--builder": (config.builder, _UNTOLD.builder),
        "--timeout": (f"{config.timeout_s:g}", f"{_UNTOLD.timeout_s:g}"),
    }
    for option, (value, default) in plain.items():
        if value != default:
            yield from (option, str(value))
    yield from _pairs("--env", config.env)
    yield from _pairs("--build-arg", config.build_args)
    if config.health:
        yield "--health"


def _pairs(option: str, values: Mapping[str, str]) -> Iterator[str]:
    for name, value in sorted(values.items()):
        yield from (option, name if secret_values({name: value}) else f"{name}={value}")
