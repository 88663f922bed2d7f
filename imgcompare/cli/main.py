"""The command line, put together; the one place where errors become messages and exit codes."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import MutableMapping, Sequence
from importlib import import_module
from typing import NoReturn

import click

from imgcompare import __version__
from imgcompare.cli.streams import open_streams
from imgcompare.errors import ImgcompareError, UsageError

COMMANDS = {
    "run": "Build each VARIANT, run it, check its route, and compare.",
    "mend": "Mend a DOCKERFILE that does not work, and prove that it does then.",
    "shrink": "Make a DOCKERFILE's image smaller, and prove that it still does all it did.",
    "init": "Write imgcompare.toml from the Dockerfiles of a project.",
    "config": "Show what `run` would compare, and where each setting is from.",
    "scenarios": "List the bundled scenarios, and what is expected of each.",
    "report": "Show a saved report, or make the first one.",
    "baseline": "Write or show the file that growth is measured from.",
    "history": "List the saved runs of this folder, and where sizes are going.",
    "merge": "Join the reports of several machines into one.",
    "comment": "Post a saved report on the pull request, as one comment.",
    "demo": "Show a room what multi-stage builds save, act by act.",
    "bundle": "Pack what a workshop needs into one file, for machines without network.",
    "exercise": "Mend Dockerfiles that are broken or fat, step by step.",
    "explain": "Tell what a CODE means, why it happens, and what mends it.",
    "diff": "Show how image B differs from image A, and why its size does.",
    "inspect": "Show where every byte of an IMAGE went.",
    "schema": "Print the JSON Schema of the report, or of imgcompare.toml.",
    "setup": "Make this machine ready: engine and base images.",
    "engine": "Start, stop or show imgcompare's own engine.",
    "completion": "Let the shell complete commands, options and names.",
    "doctor": "Say what works here, what does not, and the next step.",
    "clean": "Remove what runs left on the engine, and nothing else.",
}
"""Each is a module of ``commands`` and the command in it, with the first sentence of its help."""

_SIGINT_EXIT = 130


class _Commands(click.Group):
    """The commands, each imported when it is asked for: to show a report, nothing of the others is loaded."""

    _loaded: MutableMapping[str, click.Command]

    @property
    def commands(self) -> MutableMapping[str, click.Command]:
        """All of them, which takes a while."""
        for name in COMMANDS:
            self._load(name)
        return self._loaded

    @commands.setter
    def commands(self, value: MutableMapping[str, click.Command]) -> None:
        self._loaded = value

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's
        """Return one of them, and import no other."""
        if cmd_name in COMMANDS:
            self._load(cmd_name)
        return self._loaded.get(cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or say what may have been meant: another one, an option, or `run` of a file."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as exc:
            raise click.UsageError(f"{exc.message.rstrip('.')}. {_meant(args)}".rstrip(), ctx) from exc

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's
        """Return their names, sorted."""
        return sorted(COMMANDS)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's
        """List them for the help text."""
        with formatter.section("Commands"):
            formatter.write_dl(sorted(COMMANDS.items()))

    def _load(self, name: str) -> None:
        if name not in self._loaded:
            self._loaded[name] = getattr(import_module(f"imgcompare.commands.{name}"), name)


def _meant(args: Sequence[str]) -> str:
    """Ask for what a word that is no command may stand for."""
    from difflib import get_close_matches  # noqa: PLC0415 - only needed when something went wrong

    word = args[0]
    if word in {"help", "version"}:
        return f"Did you mean --{word}?"
    if os.path.exists(word):  # noqa: PTH110 - unlike Path.exists, it does not raise for names too long
        return f"Did you mean `imgcompare run {' '.join(args)}`?"
    close = get_close_matches(word, COMMANDS, n=1)
    return f"Did you mean `imgcompare {' '.join((*close, *args[1:]))}`?" if close else ""


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="imgcompare")
def cli() -> None:
    """Build one web app from several Dockerfiles, prove that every image still works, and see where the bytes went.

    \b
    Start here:
      imgcompare setup     make this machine ready (engine, base images)
      imgcompare run       build, run and measure this folder's Dockerfiles, or a bundled app's
      imgcompare shrink    write a smaller Dockerfile that is proved to do the same

    Shell completion: imgcompare completion install
    """


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and leave with its exit code; no error shows a traceback."""
    open_streams()
    stdout = sys.stdout
    try:
        code = cli.main(arguments, prog_name="imgcompare", standalone_mode=False)
    except ImgcompareError as exc:
        _tell(exc.message, exc.hint, exc.details)
        code = exc.exit_code
    except click.ClickException as exc:
        _told_fully(exc, sys.argv[1:] if arguments is None else arguments).show()
        code = exc.exit_code
    except (click.Abort, KeyboardInterrupt):
        code = _SIGINT_EXIT
    except SystemExit:
        if sys.stdout is stdout:
            raise
        code = 0  # nobody reads the rest of a help text: click has put another stream in the place of this one
    except OSError as exc:
        code = _of_the_system(exc)
    sys.exit(code)


def _told_fully(error: click.ClickException, arguments: Sequence[str]) -> click.ClickException:
    """Say what an option that was given nothing takes; click's parser knows no context."""
    if not isinstance(error, click.BadOptionUsage) or not error.message.endswith("requires an argument."):
        return error
    command: click.Command = cli
    context = click.Context(command, info_name="imgcompare")
    for word in arguments:
        if isinstance(command, click.Group) and (found := command.get_command(context, word)):
            command, context = found, click.Context(found, context, word)
    option = next((one for one in command.params if error.option_name in one.opts), None)
    form = option.make_metavar(context) if option else ""
    return click.BadOptionUsage(error.option_name, f"{error.message.removesuffix('.')}: {form}", context)


def _of_the_system(error: OSError) -> int:
    """Tell an error of the operating system that nobody caught, and return the exit code."""
    from imgcompare.text.printable import printable  # noqa: PLC0415 - only needed when something went wrong

    if error.errno == errno.ENAMETOOLONG:
        _tell(f"no file has a name as long as {printable(str(error.filename), limit=80)!r}", None)
        return UsageError.exit_code
    # Most likely stdout, on a full disk: keep the interpreter from failing again on its last flush.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    _tell(f"cannot go on: {error}", None)
    return ImgcompareError.exit_code


def _tell(message: str, hint: str | None, details: str = "") -> None:
    from imgcompare.text.printable import printable_lines  # noqa: PLC0415 - only needed when something went wrong
    from imgcompare.text.workflow_commands import defuse  # noqa: PLC0415

    for text in (f"Error: {message}", details, f"Next: {hint}" if hint else ""):
        for line in printable_lines(text):
            click.echo(defuse(line), err=True)
