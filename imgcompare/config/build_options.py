"""The options of ``docker build`` beside context and arguments, read in the docker CLI's own words.

https://docs.docker.com/reference/cli/docker/buildx/build/
"""

from __future__ import annotations

import csv
import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeVar

from imgcompare.engine.options import HOST_GATEWAY, BuildOptions, CacheEntry, Secret, SshSource
from imgcompare.errors import UsageError
from imgcompare.regex import regex
from imgcompare.text.printable import printable

# BuildKit takes no longer one (session/secrets/secretsprovider).
_SECRET_LIMIT = 500 * 1024
_NAME = regex(r"[A-Za-z0-9_./:@-]+")
_CONTEXT = regex(r"(?P<name>[A-Za-z0-9_][A-Za-z0-9_.:@-]*)=(?P<source>.+)", re.DOTALL)
_REMOTE = regex(r"(?:docker-image|https?)://|git@", re.IGNORECASE)
_SIZE = regex(r"(\d+)([bkmg]?)b?", re.IGNORECASE)
_UNITS = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
_ULIMIT = regex(r"[a-z]+=-?\d+(?::-?\d+)?")
# What GitHub gives to the actions of a job, and what the cache of its kind wants of it.
_ACTIONS = {"ACTIONS_CACHE_URL": "url", "ACTIONS_RESULTS_URL": "url_v2", "ACTIONS_RUNTIME_TOKEN": "token"}
_PATHS = ("src", "source", "dest")
T = TypeVar("T")

BUILD_NETWORKS = ("default", "none", "host")
"""The networks of RUN instructions; any other is one that containers join."""


def read_build_options(
    given: Mapping[str, object], contexts: Mapping[str, str], environ: Mapping[str, str]
) -> BuildOptions:
    """Read the settings of that name as texts, secrets with their values. Raises UsageError for what cannot be used."""

    def texts(key: str) -> Iterable[str]:
        value = given.get(key, ())
        return value if isinstance(value, tuple) else ()

    network, shm_size = given.get("network"), given.get("shm_size")
    if network is not None and network not in BUILD_NETWORKS:
        raise UsageError(f"--network {network} is not for builds", hint=f"It is one of: {', '.join(BUILD_NETWORKS)}.")
    return BuildOptions(
        secrets=_distinct("--secret", (_secret(text, environ) for text in texts("secrets")), lambda each: each.id),
        ssh=_distinct("--ssh", (_ssh(text, environ) for text in texts("ssh")), lambda each: each.id),
        contexts=tuple((name, _context(name, source)) for name, source in contexts.items()),
        network=str(network) if network is not None else None,
        add_hosts=tuple(_host(text) for text in texts("add_hosts")),
        shm_size=None if shm_size is None else _size(str(shm_size)),
        ulimits=tuple(_ulimit(text) for text in texts("ulimits")),
        cache_from=tuple(_cache("--cache-from", text, environ) for text in texts("cache_from")),
        cache_to=tuple(_cache("--cache-to", text, environ) for text in texts("cache_to")),
    )


def split_contexts(texts: Iterable[str]) -> tuple[tuple[str, ...], dict[str, str]]:
    """Tell folders from named contexts; a folder with a ``=`` in its name is written with a ``/`` before it."""
    folders: list[str] = []
    named: dict[str, str] = {}
    for text in texts:
        if match := _CONTEXT.fullmatch(text):
            named[match["name"]] = match["source"]
        else:
            folders.append(text)
    return tuple(folders), named


def rebased(key: str, text: str, folder: Path) -> str:
    """Make the paths in a setting's text ones that are relative to ``folder``."""
    if key == "contexts":
        return text if _REMOTE.match(text) else str(folder / text)
    if key == "volumes":
        source, colon, rest = text.partition(":")
        return f"{folder / source}{colon}{rest}" if colon and ("/" in source or source in {".", ".."}) else text
    if key == "ssh":
        name, equals, paths = text.partition("=")
        return name + equals + ",".join(str(folder / path) for path in paths.split(",") if path)
    if "=" not in text:
        return text
    pairs = [part.partition("=") for part in _parts(key, text)]
    return _joined(f"{name}={folder / value if name in _PATHS else value}" for name, _, value in pairs)


def _secret(text: str, environ: Mapping[str, str]) -> Secret:
    pairs = _pairs("--secret", text)
    name = pairs.pop("id", "")
    if not _NAME.fullmatch(name):
        raise UsageError(f"--secret {printable(text, limit=80)} has no id", hint="Write --secret id=NAME,src=FILE.")
    kind = pairs.pop("type", "")
    source = pairs.pop("src", "") or pairs.pop("source", "")
    variable = pairs.pop("env", "")
    if pairs or kind not in {"", "file", "env"}:
        raise UsageError(f"--secret {printable(text, limit=80)} is not known", hint="It has id, src or env, and type.")
    if kind == "env":
        variable, source = variable or source or name, ""
    if not source and not variable:
        variable, source = (name, "") if name in environ else ("", name)
    return Secret(name, _of_variable(name, variable, environ) if variable else _of_file(name, Path(source)))


def _of_variable(name: str, variable: str, environ: Mapping[str, str]) -> bytes:
    if variable not in environ:
        raise UsageError(
            f"the secret {name} is to come from {variable}, which is not set",
            hint=f"export {variable}=…, and run again.",
        )
    return environ[variable].encode("utf-8", "surrogateescape")


def _of_file(name: str, path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            value = file.read(_SECRET_LIMIT + 1)
    except (OSError, ValueError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else str(exc)
        raise UsageError(
            f"the secret {name} cannot be read from {printable(str(path), limit=200)}: {reason}",
            hint="Name its file, --secret id=NAME,src=FILE, or a variable, --secret id=NAME,env=VARIABLE.",
        ) from exc
    if len(value) > _SECRET_LIMIT:
        raise UsageError(
            f"the secret {name} is longer than the 500 KiB that BuildKit takes", hint="Is it the right file?"
        )
    return value


def _ssh(text: str, environ: Mapping[str, str]) -> SshSource:
    name, _, paths = text.partition("=")
    if not _NAME.fullmatch(name):
        raise UsageError(f"--ssh {printable(text, limit=80)} has no id", hint="Write --ssh default or --ssh ID=SOCKET.")
    given = [path for path in paths.split(",") if path]
    if not given:
        socket = environ.get("SSH_AUTH_SOCK", "")
        if not socket:
            raise UsageError(
                f"--ssh {name}: there is no agent, SSH_AUTH_SOCK is not set",
                hint=f"Start one, or name its socket or a key: --ssh {name}=PATH",
            )
        return SshSource(name, socket=socket)
    missing = next((path for path in given if not Path(path).exists()), None)
    if missing is not None:
        raise UsageError(f"--ssh {name}: there is no {printable(missing, limit=200)}", hint="Name a socket or a key.")
    if any(Path(path).is_socket() for path in given):
        if len(given) > 1:
            raise UsageError(f"--ssh {name} names more than one socket", hint="Give one socket, or key files.")
        return SshSource(name, socket=given[0])
    return SshSource(name, keys=tuple(given))


def _context(name: str, source: str) -> str | Path:
    if _REMOTE.match(source):
        return source
    if "://" in source or source.startswith("target:"):
        raise UsageError(
            f"--build-context {name}={printable(source, limit=80)} is not supported",
            hint="It is a folder, docker-image://REFERENCE, or an address of a Git repository or an archive.",
        )
    path = Path(source)
    if not path.is_dir():
        raise UsageError(
            f"the build context {name} is no folder: {printable(source, limit=200)}",
            hint="Name a folder, or an image: NAME=docker-image://REFERENCE",
        )
    return path.resolve()


def _host(text: str) -> tuple[str, str]:
    at = min((text.index(mark) for mark in ":=" if mark in text), default=len(text))
    host, address = text[:at], text[at + 1 :].removeprefix("[").removesuffix("]")
    if address == HOST_GATEWAY:
        return host, address
    try:
        ipaddress.ip_address(address)
    except ValueError as exc:
        hint = f"HOST:IP, or HOST:{HOST_GATEWAY} for the engine's own machine"
        raise UsageError(f"--add-host {printable(text, limit=80)} is no host and address", hint=hint) from exc
    return host, address


def _size(text: str) -> int:
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"--shm-size {printable(text, limit=40)} is no size", hint="Write it as 64m or 1g.")
    return int(match[1][:15]) * _UNITS[match[2].lower()]


def _ulimit(text: str) -> str:
    if not _ULIMIT.fullmatch(text):
        raise UsageError(f"--ulimit {printable(text, limit=40)} is none", hint="Write --ulimit nofile=1024:2048.")
    return text if ":" in text else f"{text}:{text.partition('=')[2]}"


def _cache(option: str, text: str, environ: Mapping[str, str]) -> CacheEntry:
    if "=" not in text:
        return CacheEntry(type="registry", attributes=(("ref", text),))
    pairs = _pairs(option, text)
    kind = pairs.pop("type", "")
    if not kind:
        raise UsageError(
            f"{option} {printable(text, limit=80)} has no type", hint=f"Write {option} type=registry,ref=REFERENCE."
        )
    place = {"local": "dest" if option == "--cache-to" else "src", "registry": "ref"}.get(kind)
    if place and not pairs.get(place):
        raise UsageError(
            f"{option} {printable(text, limit=80)} has no {place}", hint=f"Write {option} type={kind},{place}=…"
        )
    if kind == "gha":
        pairs = {name: environ[variable] for variable, name in _ACTIONS.items() if variable in environ} | pairs
        if "token" not in pairs:
            raise UsageError(
                f"{option} type=gha finds no ACTIONS_RUNTIME_TOKEN",
                hint="GitHub gives it to actions alone: docs/ci.md shows how a job's steps get it.",
            )
    return CacheEntry(type=kind, attributes=tuple(sorted(pairs.items())))


def _pairs(option: str, text: str) -> dict[str, str]:
    pairs = dict[str, str]()
    for part in _parts(option, text):
        name, equals, value = part.partition("=")
        if not equals or not name:
            raise UsageError(f"{option} {printable(text, limit=80)} is no list of NAME=VALUE", hint="NAME=VALUE,…")
        pairs[name.strip().lower()] = value
    return pairs


def _parts(option: str, text: str) -> list[str]:
    """Split at commas, outside quotes."""
    try:
        return next(csv.reader([text], strict=True), [])
    except csv.Error as exc:
        raise UsageError(f"{option} {printable(text, limit=80)}: {exc}", hint="Close its quotes.") from exc


def _joined(parts: Iterable[str]) -> str:
    return ",".join(f'"{part.replace(chr(34), chr(34) * 2)}"' if set(part) & set(',"\n') else part for part in parts)


def _distinct(option: str, found: Iterable[T], name: Callable[[T], str]) -> tuple[T, ...]:
    there: dict[str, T] = {}
    for each in found:
        if name(each) in there:
            raise UsageError(f"two {option} have the id {name(each)}", hint="Give each an id of its own.")
        there[name(each)] = each
    return tuple(there.values())
