"""The docker CLI's own configuration: the current context, and the endpoint a named context stands for.

The layout is that of the CLI's context store (https://github.com/docker/cli/tree/master/cli/context/store): context
NAME has its metadata in ``contexts/meta/<sha256 of NAME>/meta.json`` and its certificates in
``contexts/tls/<same>/docker``.
"""

from __future__ import annotations

import difflib
import hashlib
import json
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from imgcompare.errors import NoEngineError
from imgcompare.text.printable import printable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_FILE_LIMIT = 1 << 20
_OTHER_WAY = "Name the engine with --host or DOCKER_HOST, or mend the docker configuration."


class Context(Struct, frozen=True):
    """What a context says of its engine: the URL as written, and TLS paths in the form of ``Endpoint.tls``."""

    host: str
    tls: Mapping[str, str]


def current_context(config_dir: Path) -> str | None:
    """Return the context that ``docker context use`` chose, or None. Raises NoEngineError when the file is damaged."""
    path = config_dir / "config.json"
    config = _read_object(path)
    name = config.get("currentContext") if config is not None else None
    if name is not None and not isinstance(name, str):
        raise NoEngineError(f"{path}: currentContext is not a string", hint=_OTHER_WAY)
    return name or None


def read_context(config_dir: Path, name: str, source: str) -> Context:
    """Read the context ``name``, which ``source`` named. Raises NoEngineError when it is missing or unusable."""
    store = config_dir / "contexts"
    digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()
    path = store / "meta" / digest / "meta.json"
    meta = _read_object(path)
    if meta is None:
        shown = printable(name, limit=80)
        raise NoEngineError(f"docker context {shown!r} ({source}) does not exist", hint=_suggest(store, name))
    endpoints = meta.get("Endpoints")
    docker = endpoints.get("docker") if isinstance(endpoints, dict) else None
    host = docker.get("Host") if isinstance(docker, dict) else None
    if not isinstance(host, str) or not host:
        raise NoEngineError(f"{path}: the context names no docker endpoint (Endpoints.docker.Host)", hint=_OTHER_WAY)
    tls = certificates(store / "tls" / digest / "docker")
    skip_verify = isinstance(docker, dict) and docker.get("SkipTLSVerify") is True
    return Context(host, {**tls, "verify": "0" if skip_verify else "1"} if tls or skip_verify else {})


def certificates(folder: Path) -> dict[str, str]:
    """Return the paths of the ``ca``, ``cert`` and ``key`` files (PEM) that are in ``folder``."""
    return {name: str(path) for name in ("ca", "cert", "key") if (path := folder / f"{name}.pem").is_file()}


def _read_object(path: Path) -> dict[str, Any] | None:
    try:
        with path.open("rb") as file:
            data = json.loads(file.read(_FILE_LIMIT))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as exc:
        raise NoEngineError(f"{path} cannot be read: {exc.strerror}", hint=_OTHER_WAY) from exc
    except (ValueError, RecursionError) as exc:
        raise NoEngineError(f"{path} is not valid JSON: {printable(str(exc), limit=120)}", hint=_OTHER_WAY) from exc
    if not isinstance(data, dict):
        raise NoEngineError(f"{path} does not hold a JSON object", hint=_OTHER_WAY)
    return data


def _suggest(store: Path, name: str) -> str:
    names = sorted(_names(store))
    if not names:
        return "There are no docker contexts here; name the engine with --host."
    close = difflib.get_close_matches(name, names, n=1)
    question = f"Did you mean {printable(close[0])!r}? " if close else ""
    return f"{question}Contexts here: {', '.join(printable(known, limit=80) for known in names)}."


def _names(store: Path) -> list[str]:
    """Every readable context's name; a damaged neighbour is no reason to withhold the others."""
    names = []
    for path in (store / "meta").glob("*/meta.json"):
        try:
            meta = _read_object(path)
        except NoEngineError:
            continue
        if meta is not None and isinstance(known := meta.get("Name"), str):
            names.append(known)
    return names
