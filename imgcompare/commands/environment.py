"""Options that can also come from the environment, and who gave which."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

if TYPE_CHECKING:
    from imgcompare.projectfile import Value

_PREFIX = "IMGCOMPARE_"
_NOT_FROM_THERE = {"formats", "json_", "files"}  # what is written where is of one call


class EnvironmentCommand(click.Command):
    """A command whose options, but for those of its output, have a variable each: IMGCOMPARE_ and the option's name."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        for param in self.params:
            if isinstance(param, click.Option) and param.name not in _NOT_FROM_THERE:
                param.envvar = _PREFIX + flag_of(param).lstrip("-").replace("-", "_").upper()

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse; what is wrong with a variable is said of the variable."""
        try:
            return super().parse_args(ctx, args)
        except click.BadParameter as exc:
            if exc.param and ctx.get_parameter_source(exc.param.name or "") is ParameterSource.ENVIRONMENT:
                exc.param_hint = f"'{exc.param.envvar}' in the environment"
            raise


def flag_of(param: click.Parameter) -> str:
    """The long form of an option: ``--build-arg``."""
    return max(param.opts, key=len)


def given_options(ctx: click.Context) -> dict[str, Value]:
    """Return the options that were given, by their parameters' names, each with the flag or variable it is from."""
    from imgcompare.projectfile import Origin, Value  # noqa: PLC0415 - --help must be quick

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
