"""Options that can also come from the environment, and who gave which."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

if TYPE_CHECKING:
    from imgcompare.config.project import Value

_PREFIX = "IMGCOMPARE_"
# What is written where is of one call.
_NOT_FROM_THERE = {"formats", "format_", "json_", "files", "file", "reports", "in_place", "force", "projector"}


class EnvironmentCommand(click.Command):
    """A command whose options, but for those of its output, have a variable each: IMGCOMPARE_ and the option's name."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        for param in self.params:
            if isinstance(param, click.Option) and param.name not in _NOT_FROM_THERE:
                param.envvar = _PREFIX + flag_of(param).lstrip("-").replace("-", "_").upper()

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse; what is wrong with a variable is said of the variable, and one that is nearly ours is asked about."""
        try:
            rest = super().parse_args(ctx, args)
        except click.BadParameter as exc:
            if exc.param and ctx.get_parameter_source(exc.param.name or "") is ParameterSource.ENVIRONMENT:
                exc.param_hint = f"'{exc.param.envvar}' in the environment"
            raise
        _ask_about([name for name in os.environ if name.startswith(_PREFIX)], {str(p.envvar) for p in self.params})
        return rest


def _ask_about(given: Iterable[str], known: Collection[str]) -> None:
    """Name variables that look misspelled: a limit that is not read would let an image grow unseen."""
    unknown = sorted(set(given) - set(known))
    if not unknown:
        return
    from difflib import get_close_matches  # noqa: PLC0415 - --help must be quick

    from imgcompare.text.printable import printable  # noqa: PLC0415

    names = [name.removeprefix(_PREFIX) for name in known]
    for name in unknown:
        for close in get_close_matches(name.removeprefix(_PREFIX), names, n=1, cutoff=0.8):
            click.echo(f"{printable(name, limit=80)} is not read; did you mean {_PREFIX}{close}?", err=True)


def flag_of(param: click.Parameter) -> str:
    """The long form of an option: ``--build-arg``."""
    return max(param.opts, key=len)


def given_options(ctx: click.Context) -> dict[str, Value]:
    """Return the options that were given, by their parameters' names, each with the flag or variable it is from."""
    from imgcompare.config.project import Origin, Value  # noqa: PLC0415 - --help must be quick

    given = {}
    for param in ctx.command.params:
        name = param.name or ""
        source = ctx.get_parameter_source(name)
        if name not in ctx.params or source not in {ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT}:
            continue
        from_flag = source is ParameterSource.COMMANDLINE
        where = flag_of(param) if isinstance(param, click.Option) else "argument"
        origin = Origin("flag", where) if from_flag else Origin("environment", str(param.envvar))
        if ctx.params[name] not in ((), None):
            given[name] = Value(ctx.params[name], origin)
    return given
