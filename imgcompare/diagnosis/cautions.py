"""Pure: what is known of a variant that works → Cautions: what will hurt later, its proof and how to mend it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct, field

from imgcompare.check.healthcheck import healthcheck_line
from imgcompare.diagnosis import development_server
from imgcompare.diagnosis.stop_signal import listening
from imgcompare.dockerfile.parser import StageInfo
from imgcompare.engine.interface import EngineImage
from imgcompare.model import Caution, Image, Run
from imgcompare.regex import regex
from imgcompare.text.printable import printable
from imgcompare.text.secrets import is_secret, names_secret
from imgcompare.text.units import format_bytes, format_seconds

# Werkzeug (Flask) and Django say so themselves.
_DEVELOPMENT_SERVER = regex(r"This is a development server|Starting development server at", re.IGNORECASE)
_DEVELOPMENT_COMMAND = regex(r"\bmanage\.py runserver\b|\bfastapi dev\b")
_FASTAPI = regex(r"\bfastapi dev\b")
_RELOADS = regex(r"\b(?:gunicorn|uvicorn|hypercorn)\b.* --reload(?= |$)")
_DEBUG_MODE = regex(r"Debug mode: on|Debugger is active!", re.IGNORECASE)
_OFF = {"", "0", "false", "no"}  # flask.helpers.get_debug_flag
_IGNORES_FLASK_ENV = (2, 3)  # https://flask.palletsprojects.com/en/stable/changes/#version-2-3-0
_ARGUMENTS = regex(r" \(ARG ([\w, ]+)\)$")
_CHANGES_OWNERS = regex(r"\bch(?:own|mod|grp)\b")
_WORTH_TELLING_BYTES = 500_000


class Seen(Struct, frozen=True, kw_only=True):
    """What is known of a variant: its image, as measured and as the engine runs it, its run, its log, its Dockerfile.

    ``stages`` are those that make the image, ``build_args`` the build arguments given.
    """

    image: Image
    settings: EngineImage
    run: Run | None = None
    route: str = "/"
    log: Sequence[str] = ()
    stages: Sequence[StageInfo] = ()
    build_args: Mapping[str, str] = field(default_factory=dict)

    @property
    def port(self) -> int:
        """The port the app listens on."""
        return self.run.container_port if self.run else 5000

    def variable(self, name: str) -> str | None:
        """The value of an environment variable that the image sets."""
        values = [text.partition("=")[2] for text in self.settings.env if text.partition("=")[0] == name]
        return values[-1] if values else None

    def log_line(self, pattern: re.Pattern[str]) -> str:
        """The first log line in which a pattern is found, "" if there is none."""
        return next((printable(line, limit=300) for line in self.log if pattern.search(line)), "")


def find(evidence: Seen) -> tuple[Caution, ...]:
    """Everything to be said of a variant, in a fixed order."""
    looks = (
        _runs_as_root,
        _secrets,
        _debug_mode,
        _development_server,
        _ignores_stop_signal,
        _no_healthcheck,
        _no_expose,
        _same_payload_twice,
        _flask_env,
    )
    return tuple(caution for look in looks if (caution := look(evidence)))


def _runs_as_root(evidence: Seen) -> Caution | None:
    if evidence.image.security is None or not evidence.image.security.runs_as_root:
        return None
    user = evidence.image.user
    return Caution(
        code="runs-as-root",
        message="The app runs as root.",
        hint="Any number but 0 will do; what the app writes must belong to it: COPY --chown=10001 …",
        evidence=(f"USER {printable(user, limit=60)}" if user else "the image's config names no user",),
        fix=("USER 10001",),
    )


def _secrets(evidence: Seen) -> Caution | None:
    variables = sorted(
        {name for name, _, value in (text.partition("=") for text in evidence.settings.env) if is_secret(name, value)}
    )
    arguments = sorted(set(_arguments(evidence)))
    files = evidence.image.secret_files
    if not variables and not arguments and not files:
        return None
    names = [printable(name, limit=60) for name in dict.fromkeys([*variables, *arguments])]
    paths = [printable(file.path, limit=200) for file in files]
    ignored = "Name the files in .dockerignore. " if files else ""
    return Caution(
        code="secret-in-image",
        message=f"Secrets are in the image: {', '.join([*names, *paths])}.",
        hint=f"{ignored}Give them when the container runs (docker run --env NAME), or to the one step that needs them.",
        evidence=(
            *(f"ENV {printable(name, limit=60)}=… in the image's config" for name in variables),
            *(f"ARG {printable(name, limit=60)} in the image's history" for name in arguments),
            *(
                f"{path}: {printable(', '.join(file.holds), limit=300)}"
                for path, file in zip(paths, files, strict=True)
            ),
        ),
        fix=tuple(f"RUN --mount=type=secret,id={name},env={name} …" for name in arguments),
    )


def _arguments(evidence: Seen) -> Iterator[str]:
    """The secret build arguments that the image's history tells: those in scope of a step, or with a default."""
    given = evidence.build_args
    for layer in evidence.image.layers:
        if not layer.base and (match := _ARGUMENTS.search(layer.created_by)):
            names = match[1].split(", ")
            yield from (
                name for name in names if (is_secret(name, given[name]) if name in given else names_secret(name))
            )
    for stage in evidence.stages:
        for instruction in stage.instructions:
            if instruction.keyword == "ARG":
                parts = (word.partition("=") for word in instruction.text.split())
                yield from (
                    name for name, _, default in parts if is_secret(name, given.get(name, default.strip("\"'")))
                )


def _debug_mode(evidence: Seen) -> Caution | None:
    line = evidence.log_line(_DEBUG_MODE)
    variable = evidence.variable("FLASK_DEBUG")
    by_variable = variable is not None and variable.lower() not in _OFF
    if not line and not by_variable:
        return None
    return Caution(
        code="debug-mode",
        message="Debug mode is on, which is for development only.",
        hint="" if by_variable else "Take debug=True out of app.run().",
        evidence=(
            *((f"ENV FLASK_DEBUG={printable(variable or '', limit=20)}",) if by_variable else ()),
            *((line,) if line else ()),
        ),
        fix=("ENV FLASK_DEBUG=0",) if by_variable else (),
    )


def _development_server(evidence: Seen) -> Caution | None:
    command = printable(" ".join((*evidence.settings.entrypoint, *evidence.settings.cmd)), limit=300)
    line = evidence.log_line(_DEVELOPMENT_SERVER) or (command if _DEVELOPMENT_COMMAND.search(command) else "")
    if not line:
        return _reloads(command) if _RELOADS.search(command) else None
    app = development_server.served(evidence.settings)
    fix = development_server.lines(evidence.settings, evidence.port, evidence.image.packages.python)
    return Caution(
        code="development-server",
        message="A development server serves the app.",
        hint="Let what the image starts start a server for production, gunicorn perhaps."
        if not fix
        else ""
        if _FASTAPI.search(command)
        else f"{app.name} stands for "
        + ("the project's own wsgi module." if app.is_django else "the module and the variable that hold the app."),
        evidence=(line,),
        fix=fix,
    )


def _reloads(command: str) -> Caution:
    return Caution(
        code="development-server",
        message="The server starts again whenever a file changes, which is for development only.",
        hint="Take --reload out of the command.",
        evidence=(command,),
    )


def _ignores_stop_signal(evidence: Seen) -> Caution | None:
    run = evidence.run
    if run is None or not run.killed:
        return None
    command = [*evidence.settings.entrypoint, *evidence.settings.cmd]
    shown = printable(" ".join(command), limit=200)
    fix, hint = listening(command, "ENTRYPOINT" if evidence.settings.entrypoint else "CMD")
    return Caution(
        code="ignores-stop-signal",
        message=f"It ignores {run.stop_signal}: each stop waits for the kill.",
        hint=hint,
        evidence=(f"{run.stop_signal} sent, killed after {format_seconds(run.stopped_after_s or 0.0)}", shown),
        fix=fix,
    )


def _no_healthcheck(evidence: Seen) -> Caution | None:
    if evidence.settings.healthcheck is not None:  # HEALTHCHECK NONE says that none is wanted
        return None
    python = any(package.location.startswith("/usr/local/lib/python") for package in evidence.image.packages.python)
    python = python or any(word.rpartition("/")[2] == "python" for word in evidence.settings.cmd[:1])
    return Caution(
        code="no-healthcheck",
        message="It has no HEALTHCHECK: an app that hangs looks well.",
        hint="Where Kubernetes or a load balancer checks it, HEALTHCHECK NONE says so.",
        evidence=("the image's config has no HEALTHCHECK",),
        fix=(healthcheck_line(evidence.port, evidence.route),) if python else (),
    )


def _no_expose(evidence: Seen) -> Caution | None:
    if evidence.run is None:
        return None
    port, exposed = evidence.run.container_port, evidence.settings.exposed_ports
    if {str(port), f"{port}/tcp"} & set(exposed):
        return None
    named = printable(", ".join(exposed), limit=200)
    return Caution(
        code="no-expose",
        message=f"Its EXPOSE names {named}, and it answers on port {port}."
        if exposed
        else "It has no EXPOSE: nobody is told which port to publish.",
        hint="`docker run --publish-all`, compose, reverse proxies and platforms read the port there.",
        evidence=(
            f"EXPOSE {named}" if exposed else "the image's config has no ExposedPorts",
            f"it answers on port {port} of the container",
        ),
        fix=(f"EXPOSE {port}",),
    )


def _same_payload_twice(evidence: Seen) -> Caution | None:
    own = {layer.created_by for layer in evidence.image.layers if not layer.base}
    doubled: dict[str, int] = {}
    for file in evidence.image.wasted_files:
        # What the same step deletes is not stored again: of that there is one copy, and none in use.
        if file.copies > 1 and file.wasted_by in own and _CHANGES_OWNERS.search(file.wasted_by):
            doubled[file.wasted_by] = doubled.get(file.wasted_by, 0) + file.wasted_bytes
    told = {by: size for by, size in doubled.items() if size >= _WORTH_TELLING_BYTES}
    if not told:
        return None
    total = format_bytes(sum(told.values()))
    return Caution(
        code="same-payload-twice",
        message=f"A later chown or chmod stores {total} again.",
        hint="Set owner and mode as they are copied, or change them in the very step that makes the files.",
        evidence=tuple(f"{printable(by, limit=200)}: {format_bytes(size)} again" for by, size in told.items()),
        fix=tuple(_copied_right(evidence.stages, told)),
    )


def _copied_right(stages: Sequence[StageInfo], by: Iterable[str]) -> Iterator[str]:
    """The Dockerfile's own COPY lines to the folder whose owner is changed later, with that owner."""
    for command in by:
        match = re.search(r"\bchown(?: -\S+)* ([\w.:-]+) (/\S*)", command)
        if match is None:
            continue
        owner, folder = match[1], match[2].rstrip("/")
        for instruction in (instruction for stage in stages for instruction in stage.instructions):
            target = instruction.text.split()[-1:]
            if instruction.keyword == "COPY" and target and _is_within(target[0], folder):
                yield printable(f"COPY --chown={owner} {instruction.text}", limit=200)


def _is_within(path: str, folder: str) -> bool:
    return f"{path.rstrip('/')}/".startswith(f"{folder}/")


def _flask_env(evidence: Seen) -> Caution | None:
    value = evidence.variable("FLASK_ENV")
    flasks = [package for package in evidence.image.packages.python if package.name.lower() == "flask"]
    if value is None or not flasks or min(_version(flask.version) for flask in flasks) < _IGNORES_FLASK_ENV:
        return None
    return Caution(
        code="flask-env-ignored",
        message="FLASK_ENV has no effect since Flask 2.3.",
        hint="Delete the line; debug mode is off unless FLASK_DEBUG switches it on.",
        evidence=(
            f"ENV FLASK_ENV={printable(value, limit=40)}",
            f"Flask {printable(flasks[0].version, limit=40)} in {printable(flasks[0].location, limit=200)}",
        ),
        fix=("ENV FLASK_DEBUG=1",) if value == "development" else (),
    )


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d{1,6}", text)[:2])
