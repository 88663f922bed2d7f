"""Pure: what ``GET /images/{name}/json`` answers → EngineImage. What is left out or null is nothing.

The API: https://docs.docker.com/reference/api/engine/version/v1.47/#tag/Image/operation/ImageInspect
Podman's own, which tells of HEALTHCHECK beside the config: https://docs.podman.io/en/latest/_static/api.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from imgcompare.engine.interface import EngineImage
from imgcompare.engine.options import Healthcheck

_NANOSECONDS = 1e9
_SHELL = ("/bin/sh", "-c")


def read_image(found: Mapping[str, Any], reference: str) -> EngineImage:
    """Read an engine's answer about the image of that reference."""
    config = found.get("Config") or {}
    return EngineImage(
        image=str(found.get("Id") or reference),
        os=str(found.get("Os")),
        architecture=str(found.get("Architecture")),
        diff_ids=tuple((found.get("RootFS") or {}).get("Layers") or ()),
        exposed_ports=tuple(sorted(config.get("ExposedPorts") or ())),
        labels=config.get("Labels") or {},
        tags=tuple(found.get("RepoTags") or ()),
        user=config.get("User") or "",
        env=tuple(config.get("Env") or ()),
        entrypoint=_words(config.get("Entrypoint")),
        cmd=_words(config.get("Cmd")),
        working_dir=config.get("WorkingDir") or "",
        stop_signal=config.get("StopSignal") or "",
        healthcheck=read_healthcheck(
            config.get("Healthcheck") or found.get("Healthcheck") or {}, _words(config.get("Shell"))
        ),
    )


def _words(command: Any) -> tuple[str, ...]:
    """A command of one word was once written as a string."""
    return (command,) if isinstance(command, str) else tuple(command or ())


def read_healthcheck(found: Mapping[str, Any], shell: tuple[str, ...]) -> Healthcheck | None:
    """``["CMD", …]``, ``["CMD-SHELL", "…"]`` or ``["NONE"]``; a time or a number of 0 stands for the default."""
    match tuple(found.get("Test") or ()):
        case ("CMD", _, *_) as test:
            command = test[1:]
        case ("CMD-SHELL", _, *_) as test:
            command = (*(shell or _SHELL), *test[1:])
        case ("NONE", *_):
            return Healthcheck(command=())
        case _:
            return None
    times = {
        "timeout_s": found.get("Timeout"),
        "interval_s": found.get("Interval"),
        "start_period_s": found.get("StartPeriod"),
    }
    given: dict[str, Any] = {name: time / _NANOSECONDS for name, time in times.items() if time}
    return Healthcheck(command=command, **given, **({"retries": retries} if (retries := found.get("Retries")) else {}))
