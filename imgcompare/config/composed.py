"""What a compose file says of a comparison: its variants take the place of one of its services.

The file is read by Compose; what a flag or the project's file says goes before it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msgspec.structs import replace

from imgcompare.config.compose_file import near, options_of_build, read_compose
from imgcompare.config.model import Config
from imgcompare.config.project import Values
from imgcompare.config.variants import VariantSpec
from imgcompare.dockerfile.parser import parse
from imgcompare.engine.options import RunOptions
from imgcompare.errors import UsageError
from imgcompare.services.composed import Composed
from imgcompare.services.file_names import override_of
from imgcompare.services.program import HOW_TO_GET, find_program, resolve_file


def named_service(config: Config, named: str, values: Values, environ: Mapping[str, str]) -> Config:
    """Take up the service that somebody named, ``FILE[:SERVICE]``. Raises UsageError."""
    service = str(values["service"].value) if "service" in values else None
    return _applied(config, read_compose(named, service, environ, mount=_mounts(values)), values, environ)


def found(config: Config, file: Path, values: Values, environ: Mapping[str, str]) -> Config:
    """Take up a compose file that is there, where it builds one service and the variants are of that one."""
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


def _mounts(values: Values) -> bool:
    return bool(values["bind_mounts"].value) if "bind_mounts" in values else False


def _remark(config: Config, text: str) -> Config:
    return replace(config, remarks=(*config.remarks, text))
