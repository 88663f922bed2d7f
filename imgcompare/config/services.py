"""What runs beside each variant, and how each runs: from a compose file, or ``--with``, ``--volume``, ``--network``.

A compose file is read by Compose; what a flag or the project's file says goes before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from msgspec.structs import replace

from imgcompare.config.compose_file import BUILD_NETWORKS, near, options_of_build, read_compose
from imgcompare.config.model import Config
from imgcompare.config.project import Values
from imgcompare.config.variants import VariantSpec
from imgcompare.dockerfile.parser import parse
from imgcompare.engine.options import Mount, RunOptions
from imgcompare.errors import UsageError
from imgcompare.services.composed import Composed
from imgcompare.services.program import HOW_TO_GET, file_in, find_program, override_of, resolve_file

NONE = "none"
"""What leaves a compose file aside that would be found."""
_VOLUME = "[NAME:]/PATH (fresh for each variant), or FOLDER:/PATH[:rw] (read-only without :rw)"
_SERVICE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def with_services(config: Config, values: Values, environ: Mapping[str, str], folder: Path | None) -> Config:
    """Return the comparison with what its variants need beside themselves.

    ``folder`` is where a compose file is looked for that nobody named; None looks nowhere. Raises UsageError.
    """
    told = {key: values[key].value for key in ("with", "volumes") if key in values}
    network = values["network"].value if "network" in values else None
    options = replace(
        config.options,
        mounts=tuple(map(_mount, told.get("volumes", ()))),
        network=network if network and network not in BUILD_NETWORKS else "",
    )
    config = replace(config, options=options, companions=_companions(told.get("with", ())))
    named = values["compose"].value if "compose" in values else None
    if named is None:
        if config.companions or options.network or folder is None:
            return config
        return _found(config, values, environ, folder)
    if named == NONE:
        return config
    if config.companions or options.network:
        raise UsageError(
            "--compose brings companions and a network of its own",
            hint="Leave --with and --network out; services that are missing can stand in the compose file.",
        )
    service = str(values["service"].value) if "service" in values else None
    return _applied(config, read_compose(str(named), service, environ, mount=_mounts(values)), values, environ)


def _mounts(values: Values) -> bool:
    return bool(values["bind_mounts"].value) if "bind_mounts" in values else False


def _found(config: Config, values: Values, environ: Mapping[str, str], folder: Path) -> Config:
    """Take up a compose file that is there, where it builds one service and the variants are of that one."""
    file = file_in(folder)
    if file is None:
        return config
    if find_program() is None:
        return _remark(config, f"{file.name} is here, and is not read, as Compose is not on this machine. {HOW_TO_GET}")
    try:
        composed = read_compose(str(file), None, environ, mount=_mounts(values))
    except UsageError as exc:
        config = _remark(config, f"{exc.message}: the variants run without it. {exc.hint or ''}".strip())
        return replace(config, offered=_offered(file, environ))
    if not _is_of(config, composed, given="context" in values):
        return config
    needs = ", ".join(composed.needs)
    beside = f", each beside its own {needs}" if needs else ""
    told = f"{file.name}: the variants run as its service {composed.service}{beside}. --compose none leaves it aside."
    if override := override_of(file):
        told += f" {override.name} is not read: what it changes is for those who work on the app."
    return _remark(_applied(config, composed, values, environ), told)


def _offered(file: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """The services of a file that was not taken up, and how it is."""
    try:
        names = resolve_file(file, environ).model["services"]
    except UsageError:
        return {}
    told = f"{file.name} has it: name the service that the variants are, --compose {file.name}:SERVICE"
    return dict.fromkeys(names, told)


def _is_of(config: Config, composed: Composed, *, given: bool) -> bool:
    """Whether the variants are of that service: they have its context, or its Dockerfile is one of theirs."""
    files = [spec.dockerfile.resolve() for spec in config.variants if spec.dockerfile]
    if config.context.resolve() == Path(composed.build.context).resolve():
        return bool(files)
    return not given and composed.build.path.resolve() in files


def _applied(config: Config, composed: Composed, values: Values, environ: Mapping[str, str]) -> Config:
    """What the service says goes below what was said to us."""
    build, ours = composed.build, config.build
    theirs = options_of_build(build, environ)
    config = replace(
        config,
        compose=composed,
        context=config.context if "context" in values else near(Path(build.context)),
        variants=tuple(_targeted(spec, composed) for spec in config.variants),
        build_args={**build.args, **config.build_args},
        platform=config.platform or composed.platform,
        env={**composed.environment, **config.env},
        container_port=config.container_port or (composed.ports[0] if len(composed.ports) == 1 else None),
        build=replace(
            ours,
            secrets=ours.secrets or theirs.secrets,
            ssh=ours.ssh or theirs.ssh,
            shm_size=ours.shm_size or theirs.shm_size,
            ulimits=ours.ulimits or theirs.ulimits,
            contexts=ours.contexts or theirs.contexts,
            network=ours.network or theirs.network,
            add_hosts=ours.add_hosts or theirs.add_hosts,
        ),
        options=_merged(composed.options, config.options),
        offered={
            name: f"{composed.file.name} has it: let {composed.service} depend on it (depends_on: {name})."
            for name in composed.resolved["services"]
            if name not in composed.needs and name != composed.service
        },
    )
    if composed.unset:
        names = ", ".join(composed.unset)
        config = _remark(
            config, f"{composed.file.name}: nothing is set for {names}: they are empty for all its services."
        )
    if not composed.unmounted:
        return config
    left_out = ", ".join(composed.unmounted)
    return _remark(
        config,
        f"{composed.file.name}: the bind mounts of {composed.service} are left out ({left_out}): the image is what is "
        "tested. --bind-mounts has them, read-only.",
    )


def _merged(theirs: RunOptions, ours: RunOptions) -> RunOptions:
    taken = {mount.target for mount in ours.mounts}
    return replace(theirs, mounts=(*(each for each in theirs.mounts if each.target not in taken), *ours.mounts))


def _targeted(spec: VariantSpec, composed: Composed) -> VariantSpec:
    """The variant, with the service's target where its Dockerfile has such a stage and none was named."""
    if spec.target or spec.dockerfile is None or not composed.build.target or spec.text is not None:
        return spec
    try:
        stages = parse(spec.dockerfile.read_text(encoding="utf-8", errors="replace"), str(spec.dockerfile)).stages
    except (OSError, UsageError):  # which is told where it is read to be built
        return spec
    there = composed.build.target in {stage.name for stage in stages}
    return replace(spec, target=composed.build.target) if there else spec


def _companions(texts: Sequence[str]) -> tuple[tuple[str, str, Mapping[str, str]], ...]:
    """Read ``NAME=IMAGE[,KEY=VALUE…]``."""
    found: dict[str, tuple[str, str, Mapping[str, str]]] = {}
    for text in texts:
        name, equals, rest = text.partition("=")
        image, *pairs = rest.split(",")
        env = dict(pair.partition("=")[::2] for pair in pairs)
        if not (equals and _SERVICE_NAME.fullmatch(name) and image) or not all("=" in pair for pair in pairs):
            raise UsageError(
                f"--with {text!r} names no companion",
                hint="Write NAME=IMAGE, with its environment if need be: --with db=postgres:16,POSTGRES_PASSWORD=x",
            )
        if name in found:
            raise UsageError(f"two companions are called {name!r}", hint="Give each a name of its own.")
        found[name] = (name, image, env)
    return tuple(found.values())


def _mount(text: str) -> Mount:
    source, target, mode = _parts(text)
    if not target.startswith("/") or mode not in {"", "ro", "rw"}:
        raise UsageError(f"--volume {text!r} is none", hint=f"Write {_VOLUME}.")
    if not source or not ("/" in source or source in {".", ".."}):
        return Mount(target, read_only=mode == "ro")
    folder = Path(source).absolute()
    if not folder.exists():
        raise UsageError(f"--volume {text!r}: there is no {source}", hint=f"Write {_VOLUME}.")
    return Mount(target, "bind", str(folder), read_only=mode != "rw")


def _parts(text: str) -> Iterable[str]:
    parts = text.split(":")
    match parts:
        case [target]:
            return "", target, ""
        case [source, target]:
            return source, target, ""
        case [source, target, mode]:
            return source, target, mode
    return "", "", ""


def _remark(config: Config, text: str) -> Config:
    return replace(config, remarks=(*config.remarks, text))
