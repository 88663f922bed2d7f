"""``imgcompare engine``: the engine in use, and imgcompare's own one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from imgcompare.cli.options import engine_options
from imgcompare.cli.output import write_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from imgcompare.engine.interface import Endpoint


@click.group()
def engine() -> None:
    """Start, stop or show imgcompare's own engine."""


@engine.command()
def start() -> None:
    """Start imgcompare's own engine and prefer it.

    It is used until `imgcompare engine stop`. An engine named by --host, --docker-context, DOCKER_HOST or
    DOCKER_CONTEXT still goes first.
    """
    from imgcompare.engine.own import daemon  # noqa: PLC0415 - --help must be quick

    status = daemon.start(_say)
    daemon.set_preferred(True)
    _say(f"imgcompare's own engine, version {status.version}, runs at {status.endpoint}")


@engine.command()
def stop() -> None:
    """Stop imgcompare's own engine.

    Its containers end with it; its images stay for the next start.
    """
    from imgcompare.engine.own import daemon  # noqa: PLC0415

    stopped = daemon.stop(_say)
    _say("imgcompare's own engine is stopped." if stopped else "imgcompare's own engine was not running.")


@engine.command()
@engine_options
@click.option("--json", "json_", is_flag=True, help="Print the status as JSON.")
def status(*, host: str | None, docker_context: str | None, json_: bool) -> None:
    """Show which engine a run would use, and why.

    Nothing is started.
    """
    facts = _facts(host, docker_context)
    write_text(f"{json.dumps(facts, indent=2)}\n" if json_ else _told(facts))


def _told(facts: Mapping[str, Any]) -> str:
    own, lines = facts["own_engine"], []
    if facts["endpoint"] is None:
        lines.append(f"Engine in use: none\n{facts['problem']}")
    else:
        state = f"version {facts['version']}" if facts["running"] else "not running; `imgcompare run` starts it"
        lines.append(f"Engine in use: {facts['endpoint']}\n  from:  {facts['source']}\n  state: {state}")
    if not facts["private"]:
        lines.append(f"imgcompare's own engine: {'running' if own['running'] else 'not running'}, {own['endpoint']}")
    if own["running"]:
        preferred = "; goes before other engines until `imgcompare engine stop`" if facts["preferred"] else ""
        lines.append(f"  own engine's process {own['pid']}, log {own['log']}{preferred}")
    return "\n".join((*lines, ""))


def _facts(host: str | None, context: str | None) -> dict[str, Any]:
    from imgcompare.engine.endpoint.find import OWN_SOURCE, find_engine  # noqa: PLC0415
    from imgcompare.engine.interface import Endpoint  # noqa: PLC0415
    from imgcompare.engine.own import daemon  # noqa: PLC0415
    from imgcompare.errors import NoEngineError, OwnEngineStoppedError  # noqa: PLC0415

    own = daemon.status()
    endpoint, problem, running = None, None, False
    try:
        endpoint = find_engine(host, context, start_own=False)
        running = True
    except OwnEngineStoppedError:
        endpoint = Endpoint(url=own.endpoint, source=OWN_SOURCE, own=True)
    except NoEngineError as exc:
        problem = exc.message
    return {
        "endpoint": endpoint.url if endpoint else None,
        "source": endpoint.source if endpoint else None,
        "private": endpoint is not None and endpoint.own,
        "running": running,
        "version": _version(endpoint) if endpoint and running else None,
        "preferred": own.preferred,
        "problem": problem,
        "own_engine": {"running": own.running, "endpoint": own.endpoint, "pid": own.pid, "log": own.log},
    }


def _version(endpoint: Endpoint) -> str | None:
    import http.client  # noqa: PLC0415

    from imgcompare.engine.endpoint.probe import get  # noqa: PLC0415
    from imgcompare.text.printable import printable  # noqa: PLC0415

    try:
        _, body = get(endpoint, "/version", timeout_s=10)
        return printable(str(json.loads(body).get("Version")), limit=80)
    except (OSError, http.client.HTTPException, ValueError, AttributeError):
        return None


def _say(text: str) -> None:
    click.echo(text, err=True)
