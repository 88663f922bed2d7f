"""Gather what a diagnosis rests on while the container is there: its log, its sockets, the programs it starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from imgcompare.diagnosis.command import command_of, environment, script_of, search_paths
from imgcompare.diagnosis.evidence import Evidence
from imgcompare.diagnosis.file_head import interpreter_line
from imgcompare.engine.interface import Container, ContainerState, EngineImage, Log
from imgcompare.errors import EngineRefusedError
from imgcompare.model import Failure

_MAX_HEADS = 16


def of_start(
    observed: Failure,
    state: ContainerState,
    log: Log,
    container: Container,
    image: EngineImage,
    env: Mapping[str, str],
) -> Evidence:
    """The evidence of a container whose program did not start, or ended before it replied."""
    return replace(
        _seen(observed, log, image, env),
        exit_code=state.exit_code,
        start_error=state.error,
        heads=_heads(container, image, env) if not state.oom_killed else {},
    )


def of_silence(
    observed: Failure,
    port: int | None,
    log: Log,
    container: Container,
    image: EngineImage,
    env: Mapping[str, str],
    *,
    port_given: bool,
) -> Evidence:
    """The evidence of a container that runs and does not answer; ``port`` is None where its port was looked for."""
    try:
        listeners = container.listening()
    except EngineRefusedError:  # it has ended meanwhile
        listeners = None
    return replace(
        _seen(observed, log, image, env),
        port=port,
        port_given=port_given,
        listeners=None if listeners is None else tuple(listeners),
    )


def of_reply(
    observed: Failure, status_code: int | None, log: Log, image: EngineImage, env: Mapping[str, str]
) -> Evidence:
    """The evidence of a container whose reply is not as expected."""
    return replace(_seen(observed, log, image, env), status_code=status_code)


def _seen(observed: Failure, log: Log, image: EngineImage, env: Mapping[str, str]) -> Evidence:
    """What every failure is looked at with: the log, and how the container was made."""
    return Evidence(observed=observed, log=log.lines, errors=log.errors, image=image, env=env)


def _heads(container: Container, image: EngineImage, env: Mapping[str, str]) -> dict[str, bytes]:
    """The first bytes of the program that the image's command starts, of a script it is given, and of interpreters."""
    surroundings = environment(image, env)
    heads: dict[str, bytes] = {}
    command = command_of(image)
    wanted = [search_paths(command.program, image.working_dir, surroundings)]
    wanted.append(script_of(command, image.working_dir, surroundings))
    while wanted and len(heads) < _MAX_HEADS:
        path, head = _first_there(container, wanted.pop())
        if head is not None and path not in heads:
            heads[path] = head
            wanted += [search_paths(name, "/", surroundings) for name in interpreter_line(head)[:1]]
    return heads


def _first_there(container: Container, paths: Sequence[str]) -> tuple[str, bytes | None]:
    return next(((path, head) for path in paths if (head := container.head(path)) is not None), ("", None))
