"""Pure: a ContainerSpec as the body of ``POST /containers/create``.

The API: https://docs.docker.com/reference/api/engine/version/v1.47/#tag/Container/operation/ContainerCreate
"""

from __future__ import annotations

from typing import Any

from imgcompare.engine.interface import ContainerSpec
from imgcompare.engine.options import Healthcheck, Mount, RunOptions

_TMPFS = "rw,noexec,nosuid,nodev,mode=1777"
_NANOSECONDS = 1e9


def container_config(spec: ContainerSpec) -> dict[str, Any]:
    """Return what the engine is asked to create; nothing is said of what is not asked for."""
    ports = [] if spec.container_port is None else [f"{spec.container_port}/tcp"]
    host_port = "" if spec.host_port is None else str(spec.host_port)
    memory = min(spec.memory_limit_bytes, spec.options.memory_bytes or spec.memory_limit_bytes)
    return {
        "Image": spec.image,
        "Env": [f"{name}={value}" for name, value in spec.env.items()],
        "Labels": dict(spec.labels),
        "ExposedPorts": {port: {} for port in ports},
        **_of_process(spec.options),
        **({"Entrypoint": list(spec.entrypoint), "Cmd": []} if spec.entrypoint else {}),
        **_network(spec.options),
        "HostConfig": {
            "PortBindings": {port: [{"HostIp": spec.publish_address, "HostPort": host_port}] for port in ports},
            "Memory": memory,
            # Equal to Memory: no swap, so a container that needs too much dies now rather than slowing the machine.
            "MemorySwap": memory,
            "PidsLimit": spec.options.pids_limit or spec.pids_limit,
            # Two files: with one, the tail would be gone each time the log is cut.
            "LogConfig": {"Type": "json-file", "Config": {"max-size": "1m", "max-file": "2"}},
            **_of_host(spec),
        },
    }


def _of_process(options: RunOptions) -> dict[str, Any]:
    asked: dict[str, Any] = {
        "Entrypoint": None if options.entrypoint is None else list(options.entrypoint),
        "Cmd": None if options.command is None else list(options.command),
        "User": options.user or None,
        "WorkingDir": options.working_dir or None,
        "Hostname": options.hostname or None,
        "StopSignal": options.stop_signal or None,
        "Healthcheck": None if options.healthcheck is None else _healthcheck(options.healthcheck),
    }
    if options.entrypoint is not None and options.command is None:
        asked["Cmd"] = []
    return {name: value for name, value in asked.items() if value is not None}


def _healthcheck(check: Healthcheck) -> dict[str, Any]:
    if not check.command:
        return {"Test": ["NONE"]}
    times = {"Interval": check.interval_s, "Timeout": check.timeout_s, "StartPeriod": check.start_period_s}
    return {
        "Test": ["CMD", *check.command],
        "Retries": check.retries,
        **{name: int(seconds * _NANOSECONDS) for name, seconds in times.items()},
    }


def _network(options: RunOptions) -> dict[str, Any]:
    if not options.network:
        return {}
    return {"NetworkingConfig": {"EndpointsConfig": {options.network: {"Aliases": list(options.aliases)}}}}


def _of_host(spec: ContainerSpec) -> dict[str, Any]:
    options, cpus = spec.options, spec.cpus or spec.options.cpus
    tmpfs = {**dict.fromkeys(spec.tmpfs, _TMPFS), **dict(options.tmpfs)}
    asked: dict[str, Any] = {
        "NanoCpus": cpus and int(cpus * 1e9),
        "ReadonlyRootfs": spec.read_only or options.read_only,
        "Tmpfs": tmpfs,
        "CapAdd": list(options.cap_add),
        "CapDrop": ["ALL"] if spec.drop_capabilities else list(options.cap_drop),
        "SecurityOpt": list(dict.fromkeys([*(["no-new-privileges"] * spec.no_new_privileges), *options.security_opt])),
        "GroupAdd": list(options.group_add),
        "ShmSize": options.shm_size,
        "Init": options.init,
        "Ulimits": [{"Name": name, "Soft": soft, "Hard": hard} for name, soft, hard in options.ulimits],
        "Sysctls": dict(options.sysctls),
        "ExtraHosts": list(options.extra_hosts),
        "Dns": list(options.dns),
        "NetworkMode": options.network,
        "Mounts": [_mount(mount) for mount in options.mounts],
    }
    return {name: value for name, value in asked.items() if value}


def _mount(mount: Mount) -> dict[str, Any]:
    source = {"Source": mount.source} if mount.source else {}
    return {"Type": mount.kind, "Target": mount.target, "ReadOnly": mount.read_only, **source}
