"""Would a run work here, and if not, what is the next step: one finding for each thing a run needs."""

from __future__ import annotations

import http.client
import json
import os
import platform
import shutil
from typing import TYPE_CHECKING

from msgspec import Struct

from imgcompare.engine.endpoint.probe import get
from imgcompare.engine.interface import STAND_IN_LABEL, is_elsewhere, is_local
from imgcompare.errors import ImgcompareError, OwnEngineStoppedError
from imgcompare.text.printable import printable
from imgcompare.text.units import format_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from imgcompare.engine.endpoint.find import OwnEngine
    from imgcompare.engine.interface import Endpoint, Engine, EngineImage
    from imgcompare.model import EngineInfo

BASES = ("python:3.11", "python:3.11-slim")
DISK_NEEDED_BYTES = 2_000_000_000  # the default comparison: its base images, its layers, and their export in flight

_INFO_TIMEOUT_S = 10.0
_REGISTRY_TIMEOUT_S = 15.0
_SETUP = "`imgcompare setup`"


class Finding(Struct, frozen=True):
    """One thing a run needs: ``ok`` is False where it keeps a run from working, None where it does not matter."""

    name: str
    ok: bool | None
    text: str
    next_step: str = ""


def would_run(findings: Sequence[Finding]) -> bool:
    """Whether nothing found would keep a run from working."""
    return all(finding.ok is not False for finding in findings)


def examine(find: Callable[[], Endpoint], connect: Callable[[Endpoint], Engine], own: OwnEngine) -> list[Finding]:
    """Look at the engine that ``find`` returns, and at the own engine; nothing is started, pulled or written."""
    try:
        endpoint = find()
        engine = connect(endpoint)
    except OwnEngineStoppedError as exc:
        return [Finding("engine", None, exc.message, exc.hint or ""), own_engine(own, needed=False)]
    except ImgcompareError as exc:
        return [Finding("engine", False, exc.message, exc.hint or ""), own_engine(own, needed=True)]
    try:
        return [*_examine_engine(endpoint, engine), own_engine(own, needed=False)]
    except ImgcompareError as exc:
        text = f"{_named(endpoint)} answers a ping, and no more: {exc.message}"
        return [Finding("engine", False, text, exc.hint or "Restart the engine."), own_engine(own, needed=True)]
    finally:
        engine.close()


def _examine_engine(endpoint: Endpoint, engine: Engine) -> list[Finding]:
    images = {reference: engine.image(reference) for reference in BASES}
    answer = ask_registry(endpoint)
    return [
        *describe_engine(endpoint, engine.info()),
        disk(endpoint),
        registry(answer, needed=None in images.values()),
        *(base_image(reference, image, answer) for reference, image in images.items()),
    ]


def _named(endpoint: Endpoint) -> str:
    return f"{printable(endpoint.url, limit=200)} ({endpoint.source})"


def describe_engine(endpoint: Endpoint, info: EngineInfo) -> list[Finding]:
    """Say which engine answers, what builds on it and how it stores images."""
    version = printable(f"{info.name} {info.version}, {info.os}/{info.architecture}", limit=120)
    text, near = f"{version}, at {_named(endpoint)}", not is_elsewhere(endpoint)
    builder, store = printable(info.builder, limit=40), printable(info.image_store, limit=40)
    classic = "classic" in builder.casefold()
    return [
        Finding(
            "engine",
            near,
            text if near else f"{text}: another machine's; the ports on its loopback cannot be reached from here",
            "" if near else "Go by ssh, --host ssh://HOST, or run with --publish-address 0.0.0.0.",
        ),
        Finding(
            "builder",
            None if classic else True,
            f"{builder}: no cache mounts, no heredocs" if classic else builder,
            "An engine with BuildKit builds faster and takes every Dockerfile." if classic else "",
        ),
        Finding("image store", True, f"{store}, {printable(info.storage_driver, limit=40)}"),
    ]


def disk(endpoint: Endpoint) -> Finding:
    """Compare the free space where the engine keeps its data with what the default comparison needs."""
    folder = _data_folder(endpoint)
    if folder is None:
        return Finding("disk", None, "the engine keeps its data where it cannot be seen from here")
    try:
        free = shutil.disk_usage(folder).free
    except OSError as exc:
        return Finding("disk", None, f"{printable(folder)} cannot be looked at: {exc.strerror}")
    text = f"{format_bytes(free)} free in {printable(folder)}"
    if free >= DISK_NEEDED_BYTES:
        return Finding("disk", True, text)
    needed = f"; the default comparison needs about {format_bytes(DISK_NEEDED_BYTES)}"
    return Finding(
        "disk",
        False,
        text + needed,
        "Free some: `imgcompare clean` removes what imgcompare built, `docker system df` shows the rest.",
    )


def _data_folder(endpoint: Endpoint) -> str | None:
    """The engine's data folder, when its host is this one: not a virtual machine's behind a forwarded socket."""
    if not is_local(endpoint):
        return None
    try:
        _, body = get(endpoint, "/info", _INFO_TIMEOUT_S)
        info = json.loads(body)
        name, folder = info["Name"], info["DockerRootDir"]
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError):
        return None
    return folder if name == platform.node() and isinstance(folder, str) and folder else None


def ask_registry(endpoint: Endpoint) -> str | None:
    """Have the engine look a base image up in its registry: "" when that works, its error if not, None if unknown.

    This is what a pull begins with (https://docs.docker.com/reference/api/engine/#tag/Distribution), from the engine's
    side of any proxy and mirror; nothing is downloaded.
    """
    try:
        status, body = get(endpoint, f"/distribution/{BASES[-1]}/json", _REGISTRY_TIMEOUT_S)
    except TimeoutError:
        return f"no answer within {_REGISTRY_TIMEOUT_S:g} s"
    except (OSError, http.client.HTTPException):
        return None
    if status == http.client.OK:
        return ""
    if status in (http.client.NOT_FOUND, http.client.NOT_IMPLEMENTED):  # Podman has no such route
        return None
    try:
        message = json.loads(body)["message"]
    except (ValueError, KeyError, TypeError):
        message = ""
    return printable(str(message), limit=200) or f"HTTP {status}"


def registry(answer: str | None, *, needed: bool) -> Finding:
    """Say whether images can be pulled; that matters only where a base image is missing."""
    if answer == "":
        return Finding("registry", True, f"answers the engine for {BASES[-1]}")
    if answer is None:
        return Finding("registry", None, "this engine cannot be asked without pulling; the first pull will tell")
    if not needed:
        return Finding("registry", None, f"does not answer the engine, which the default run does not need: {answer}")
    return Finding(
        "registry",
        False,
        f"does not answer the engine: {answer}",
        f"Mend the network or the proxy of the engine; or {_SETUP} makes stand-ins.",
    )


def base_image(reference: str, image: EngineImage | None, answer: str | None) -> Finding:
    """Say whether a base image is there, a stand-in, to be pulled by the next run, or unavailable."""
    name = f"base image {reference}"
    if image is not None:
        stand_in = STAND_IN_LABEL in image.labels
        return Finding(name, True, "a stand-in made on this machine" if stand_in else "present")
    if answer:
        return Finding(name, False, "missing, and cannot be pulled", f"{_SETUP} makes a stand-in.")
    return Finding(name, None, "missing; the next run pulls it")


def own_engine(own: OwnEngine, *, needed: bool) -> Finding:
    """Say whether imgcompare's own engine runs, could run, or lacks programs; the next step only where it is needed."""
    name = "own engine"
    try:
        status = own.status()
        missing = own.programs_missing()
    except ImgcompareError as exc:
        return Finding(name, None, exc.message, exc.hint or "")
    if status.running:
        return Finding(name, True, "running, and used before any other" if status.preferred else "running")
    if missing:
        text, step = f"not installed: {', '.join(missing)} missing", f"{_SETUP} installs and starts it."
    else:
        text, step = "installed, not running", "`imgcompare engine start` starts it."
    return Finding(name, None, text, step if needed else "")


def folder(name: str, path: Path, *, needed: bool) -> Finding:
    """Say whether files can be written to ``path``, or the folders on the way to it made; nothing is made."""
    existing = next(parent for parent in (path, *path.parents) if parent.exists() or parent == parent.parent)
    if existing.is_dir() and os.access(existing, os.W_OK | os.X_OK):
        return Finding(name, True, f"{printable(str(path))} can be written")
    text = f"{printable(str(path))} cannot be written: {printable(str(existing))} is not a folder you may write to"
    return Finding(name, False if needed else None, text, "Work in a folder that can be written." if needed else "")
