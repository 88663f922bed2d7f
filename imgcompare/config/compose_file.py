"""A compose file, read by Compose, with all that a run needs of it on this machine: told before anything is begun."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from imgcompare.config.build_options import BUILD_NETWORKS, read_build_options
from imgcompare.config.variants import VariantSpec
from imgcompare.engine.options import BuildOptions
from imgcompare.errors import UsageError
from imgcompare.services.build_section import BuildSection, read_build
from imgcompare.services.composed import Composed, choose_service, read_service
from imgcompare.services.file_names import file_in
from imgcompare.services.files import files_of
from imgcompare.services.program import resolve_file, variables_of
from imgcompare.services.project_file import project_file


def read_compose(text: str, service: str | None, environ: Mapping[str, str], *, mount: bool) -> Composed:
    """Read ``FILE[:SERVICE]``, or the compose file of a folder. Raises UsageError."""
    path, colon, last = text.rpartition(":")
    if colon and path and not os.path.lexists(text):
        text, service = path, last
    file = Path(text)
    if file.is_dir():
        found = file_in(file)
        if found is None:
            raise UsageError(f"there is no compose file in {file}", hint="Name one: --compose FILE[:SERVICE]")
        file = found
    resolved = resolve_file(file, environ)
    name = choose_service(resolved.model, file, service)
    variables = _variables(resolved.model, file, environ)
    composed = replace(read_service(resolved.model, file, name, mount=mount, variables=variables), unset=resolved.unset)
    project_file(composed, "", "", {})  # what a companion may not have is told before anything is built
    for each in (name, *composed.needs):
        _check_build(composed, each, environ)
        _check_files(composed, each)
    return composed


def _variables(resolved: Mapping[str, Any], file: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """The variables whose values are secrets or configs."""
    sources = [source for kind in ("secrets", "configs") for source in (resolved.get(kind) or {}).values()]
    names = {str(source["environment"]) for source in sources if source.get("environment")}
    known = environ if names <= environ.keys() else {**variables_of(file, environ), **environ}
    return {name: known[name] for name in names if name in known}


def _check_build(composed: Composed, name: str, environ: Mapping[str, str]) -> None:
    """Raise UsageError for a build that cannot be made from this machine's files."""
    build = read_build(composed.resolved, name)
    if build is None:
        return
    remote = "://" in build.context or build.context.startswith("git@")
    # Of the service itself the Dockerfiles are the variants'.
    there = name == composed.service or build.inline is not None or build.path.is_file()
    if remote or not there:
        place = build.context if remote else build.path
        raise UsageError(
            f"the service {name!r} of {composed.file} is built from {place}, which is not on this machine",
            hint="Its build needs a folder of this machine with a Dockerfile; a companion may have an image instead.",
        )
    options_of_build(build, environ)


def _check_files(composed: Composed, name: str) -> None:
    """Raise UsageError for a secret or a config of which there is nothing."""
    for each in files_of(composed.resolved, composed.resolved["services"][name]):
        path, variable = each.source.get("file"), each.source.get("environment")
        missing = path if path and not os.path.lexists(path) else ""
        if variable and variable not in composed.variables:
            missing = f"the variable {variable}"
        if missing:
            raise UsageError(
                f"the {each.kind} {each.name} of {name!r} in {composed.file} comes from {missing}, which is not there",
                hint=f"Write it: {path}" if path else f"export {variable}=…, and run again.",
            )


def options_of_build(build: BuildSection, environ: Mapping[str, str]) -> BuildOptions:
    """Return what a service's build is given beside its context and arguments. Raises UsageError."""
    given: dict[str, Any] = {
        "secrets": build.secrets,
        "ssh": build.ssh,
        "add_hosts": build.extra_hosts,
        "shm_size": build.shm_size,
        "ulimits": build.ulimits,
        "network": build.network if build.network in BUILD_NETWORKS else None,
    }
    return read_build_options(given, dict(build.contexts), environ)


def variants_of(composed: Composed) -> tuple[VariantSpec, ...]:
    """The one variant that a service's own build is."""
    build = composed.build
    if build.inline is not None:
        raise UsageError(
            f"the service {composed.service!r} has its Dockerfile inside {composed.file}",
            hint="Put it into a file of its own, and name that: dockerfile: Dockerfile",
        )
    return (VariantSpec(name=composed.service, dockerfile=near(build.path), target=build.target),)


def near(path: Path) -> Path:
    """Return a path as it is short to read."""
    relative = os.path.relpath(path)
    return path if relative.startswith("..") else Path(relative)
