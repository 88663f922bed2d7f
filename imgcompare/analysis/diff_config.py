"""Pure: what two images' configs say differently of how a container is run; nothing that looks secret is told."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

from msgspec import Struct

from imgcompare.image.oci import Healthcheck, ImageConfig, Settings, decode
from imgcompare.text.printable import printable
from imgcompare.text.redact import MASK, redact_command
from imgcompare.text.secrets import is_secret

_LIMIT = 500
_NANOSECONDS = 1e9
# What is told in a form of its own, and in _AS_IT_IS by another name: the image specification's settings and Docker's
# (https://github.com/moby/docker-image-spec/blob/main/spec.md).
_TOLD = frozenset(
    ("User", "WorkingDir", "Entrypoint", "Cmd", "ExposedPorts", "Volumes", "StopSignal", "Healthcheck", "Env", "Labels")
)
_AS_IT_IS = {
    "OnBuild": "on_build",
    "Shell": "shell",
    "StopTimeout": "stop_timeout",
    "Hostname": "hostname",
    "Domainname": "domain_name",
    "author": "author",
    "os.version": "os_version",
    "os.features": "os_features",
}
# How the image was made and of what, not how it is run; "Image" is the classic builder's note of the step before.
_NOT_SETTINGS = frozenset(
    (
        *("os", "architecture", "variant", "config", "rootfs", "history", "created", "docker_version", "id", "parent"),
        *("container", "container_config", "Size", "Image", "moby.buildkit.buildinfo.v1", "moby.buildkit.cache.v0"),
    )
)


class SettingChangeKind(StrEnum):
    """What became of a setting."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


class SettingChange(Struct, frozen=True, kw_only=True):
    """A setting that is not the same in both; ``name`` says which of the environment's variables or of the labels.

    ``before`` and ``after`` are null where it is missing, and always for the environment, whose values are not told.
    """

    setting: str
    name: str | None = None
    kind: SettingChangeKind
    before: str | None = None
    after: str | None = None


def config_changes(before: bytes, after: bytes) -> tuple[SettingChange, ...]:
    """The differences between two images' configs, the plain settings first."""
    old, new = (decode(document, ImageConfig, "the image's config") for document in (before, after))
    has, gets = old.config or Settings(), new.config or Settings()
    changes = list(_changes("", _plain(old, has) | _further(before), _plain(new, gets) | _further(after)))
    changes += _changes("env", _environment(has), _environment(gets), told=False)
    changes += _changes("label", _labels(has), _labels(gets))
    return tuple(changes)


def _changes(
    group: str, before: Mapping[str, str], after: Mapping[str, str], *, told: bool = True
) -> Iterable[SettingChange]:
    """One change for each key whose value differs; in a group the key is the name, else it is the setting."""
    for key in dict.fromkeys((*before, *after)):
        old, new = before.get(key), after.get(key)
        if old != new:
            kind = SettingChangeKind.CHANGED
            if old is None or new is None:
                kind = SettingChangeKind.ADDED if old is None else SettingChangeKind.REMOVED
            yield SettingChange(
                setting=group or printable(key, limit=_LIMIT),
                name=printable(key, limit=_LIMIT) if group else None,
                kind=kind,
                before=_shown(group, key, old) if told else None,
                after=_shown(group, key, new) if told else None,
            )


def _shown(group: str, key: str, value: str | None) -> str | None:
    if value is None:
        return None
    # Settings that are known are in small letters; of all others the name may say that it is a secret.
    if (group or not key.islower()) and is_secret(key, value):
        return MASK
    return printable(redact_command(value), limit=_LIMIT)  # cut afterwards: what is cut off ends a secret's form


def _plain(config: ImageConfig, settings: Settings) -> dict[str, str]:
    """The settings that are given, as text."""
    values = {
        "platform": "/".join(part for part in (config.os, config.architecture, config.variant) if part),
        "user": settings.user,
        "working_dir": settings.working_dir,
        "entrypoint": _command(settings.entrypoint),
        "cmd": _command(settings.cmd),
        "exposed_ports": ", ".join(sorted(settings.exposed_ports or ())),
        "volumes": ", ".join(sorted(settings.volumes or ())),
        "stop_signal": settings.stop_signal,
        "healthcheck": _healthcheck(settings.healthcheck),
    }
    return {name: value for name, value in values.items() if value}


def _further(document: bytes) -> dict[str, str]:
    """The settings that have no form of their own here, whoever invented them, as JSON; empty ones count as missing."""
    whole = decode(document, dict[str, Any], "the image's config")
    fields = (*(whole.get("config") or {}).items(), *whole.items())
    return {
        _AS_IT_IS.get(name, name): value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in fields
        if value and name not in _TOLD and name not in _NOT_SETTINGS
    }


def _command(words: tuple[str, ...] | str | None) -> str:
    """A command as a Dockerfile has it: ``["python", "-m", "app"]``."""
    return words if isinstance(words, str) else json.dumps(words, ensure_ascii=False) if words else ""


def _healthcheck(check: Healthcheck | None) -> str:
    if check is None or not check.test:
        return ""
    times = {
        "interval": check.interval,
        "timeout": check.timeout,
        "start period": check.start_period,
        "start interval": check.start_interval,
    }
    told = [f"{name} {value / _NANOSECONDS:g} s" for name, value in times.items() if value]
    told += [f"retries {check.retries}"] if check.retries else []
    return ", ".join((_command(check.test), *told))


def _environment(settings: Settings) -> dict[str, str]:
    return dict(variable.partition("=")[::2] for variable in settings.env or ())


def _labels(settings: Settings) -> dict[str, str]:
    return {name: value or "" for name, value in sorted((settings.labels or {}).items())}
