"""What docker's own configuration says: registries' credentials and mirrors, and proxies for builds."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from docker import auth
from docker.errors import DockerException
from docker.utils.config import find_config_file, load_general_config

from imgcompare.errors import UsageError
from imgcompare.text.printable import printable

# docker/cli cli/config/configfile: a key of "proxies", and the build argument that it becomes, in both cases.
_PROXIES = {
    "httpProxy": "HTTP_PROXY",
    "httpsProxy": "HTTPS_PROXY",
    "noProxy": "NO_PROXY",
    "ftpProxy": "FTP_PROXY",
    "allProxy": "ALL_PROXY",
}
_ERRORS = (DockerException, RuntimeError, OSError, ValueError, KeyError, TypeError, AttributeError)


class _Daemon(msgspec.Struct):
    """What is read of an engine's settings."""

    registry_mirrors: tuple[str, ...] = msgspec.field(default=(), name="registry-mirrors")


def pull_header(repository: str) -> tuple[str | None, str]:
    """Return the X-Registry-Auth header for a repository, or None and, where that is a mishap, a note saying why.

    Only the helper of that one registry is run, and one that is broken is no reason not to try without.
    """
    try:
        found = _found(auth.resolve_repository_name(repository)[0])
    except _ERRORS as exc:
        return None, f"pulling without credentials: {printable(str(exc), limit=200)}"
    return (auth.encode_header(found).decode(), "") if found else (None, "")


def login(registry: str) -> tuple[str, str]:
    """Return user name and password for a registry; a token has no user name, both are empty where none is known."""
    try:
        found = _found(registry)
    except _ERRORS:
        return "", ""
    if token := found.get("IdentityToken") or found.get("identitytoken"):
        return "", str(token)
    return (
        str(found.get("Username") or found.get("username") or ""),
        str(found.get("Password") or found.get("password") or ""),
    )


def mirrors() -> tuple[str, ...]:
    """The mirrors of Docker Hub that this machine's engine is told to ask first, as they stand in its ``daemon.json``.

    It is the engine's own, a rootless one's or Docker Desktop's, the first that is there.
    https://docs.docker.com/reference/cli/dockerd/#daemon-configuration-file
    """
    own = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    for name in ("/etc/docker/daemon.json", f"{own}/docker/daemon.json", "~/.docker/daemon.json"):
        path = Path(os.path.expanduser(name))  # noqa: PTH111 - Path's own raises where there is no home
        try:
            return msgspec.json.decode(path.read_bytes(), type=_Daemon).registry_mirrors
        except (OSError, msgspec.MsgspecError, RecursionError):
            continue
    return ()


def proxy_arguments(url: str, given: Mapping[str, str]) -> dict[str, str]:
    """Return the build arguments that "proxies" stands for, by the engine's URL or "default"; ``given`` ones go first.

    https://docs.docker.com/engine/cli/proxy/
    """
    config: object = load_general_config()
    proxies = config.get("proxies") if isinstance(config, dict) else None
    if not isinstance(proxies, dict):
        return {}
    chosen = proxies.get(url, proxies.get("default"))
    if not isinstance(chosen, dict):
        return {}
    named = {argument: chosen.get(key) for key, argument in _PROXIES.items()}
    both = {name: value for argument, value in named.items() for name in (argument, argument.lower())}
    return {name: value for name, value in both.items() if isinstance(value, str) and value and name not in given}


def unusable() -> UsageError:
    """Return the error of a configuration that the SDK could not take, which names the part that is damaged."""
    path = str(find_config_file())
    try:
        config: object = msgspec.json.decode(Path(path).read_bytes())
    except (OSError, msgspec.MsgspecError, RecursionError):
        config = None
    if not isinstance(config, dict):
        damaged = "it is no JSON object"
    else:
        proxies = config.get("proxies", {})
        whole = isinstance(proxies, dict) and all(isinstance(each, dict) for each in proxies.values())
        damaged = f'its section "{"auths" if whole else "proxies"}" is not as docker writes it'
    return UsageError(
        f"the docker configuration {printable(path, limit=200)} cannot be used: {damaged}",
        hint="Mend it; `docker login` writes logins anew. DOCKER_CONFIG=DIR names another folder of such files.",
    )


def _found(registry: str) -> dict[str, Any]:
    config = auth.load_config()
    store = config.get_credential_store(registry)
    if store and shutil.which(f"docker-credential-{store}") is None:
        raise RuntimeError(f"docker-credential-{printable(store, limit=40)} is not installed")
    return auth.resolve_authconfig(config, registry) or {}
