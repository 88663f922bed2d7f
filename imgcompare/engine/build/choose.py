"""Which builder builds: BuildKit where the engine has it, else the classic one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from imgcompare.engine.build.errors import heredoc_line
from imgcompare.engine.build.request import summary
from imgcompare.engine.interface import BuildFailed, BuildRequest, Built
from imgcompare.errors import NoBuildKitError, UsageError

Build = Callable[[BuildRequest, Callable[[str], None]], Built | BuildFailed]


def supports_buildkit(version: Mapping[str, Any]) -> bool:
    """Whether the engine of that ``GET /version`` answer can have BuildKit; only a build shows whether it works.

    The Builder-Version header of ``/_ping`` is no help: engine 20.10 sends none although it builds with BuildKit.
    BuildKit came with API 1.39, is for Linux engines, and Podman ignores the request for it.
    """
    components = version.get("Components")
    names = (
        {item.get("Name") for item in components if isinstance(item, dict)} if isinstance(components, list) else set()
    )
    if "Podman Engine" in names or version.get("Os") == "windows":
        return False
    major, _, minor = str(version.get("ApiVersion", "")).partition(".")
    return major.isdecimal() and minor.isdecimal() and (int(major), int(minor)) >= (1, 39)


class Builders(Struct, frozen=True, kw_only=True):
    """The ways to build: BuildKit over gRPC, BuildKit over the HTTP API, the classic builder."""

    grpc: Build
    http: Build
    classic: Build


def build_image(
    builders: Builders, request: BuildRequest, progress: Callable[[str], None], *, has_buildkit: bool
) -> Built | BuildFailed:
    """Build ``request`` with the builder it names; "auto" is BuildKit, and the classic one where that cannot be.

    ``has_buildkit`` is what ``supports_buildkit`` said. Raises NoBuildKitError when BuildKit was demanded of an engine
    without it, EngineLostError when the engine died.
    """
    if request.builder != "classic":
        try:
            if not has_buildkit:
                raise NoBuildKitError("the engine has no BuildKit", hint="Build with --builder classic.")
            return _build_with_buildkit(builders, request, progress)
        except NoBuildKitError as exc:
            if needing := request.options.needing_session:
                raise NoBuildKitError(f"{needing}: only BuildKit can, over gRPC; {exc.message}", hint=exc.hint) from exc
            if request.builder != "auto":
                raise
    elif needing := request.options.needing_session:
        raise UsageError(f"the classic builder knows no {needing}", hint="Leave --builder classic out.")
    # A Docker Engine's newer classic builder takes a heredoc's text off the Dockerfile and runs the RUN without it.
    if has_buildkit and (line := heredoc_line(request)) is not None:
        message = f"Dockerfile line {line}: a heredoc needs BuildKit; the classic builder would leave its text out"
        return BuildFailed(message, None, (), summary((), duration_s=0))
    return builders.classic(request, progress)


def _build_with_buildkit(
    builders: Builders, request: BuildRequest, progress: Callable[[str], None]
) -> Built | BuildFailed:
    try:
        return builders.grpc(request, progress)
    except NoBuildKitError:
        # Sent as a tar, the Dockerfile would be a file like others, and COPY would take it into the image.
        if request.context.hides or request.options.needing_session:
            raise
        return builders.http(request, progress)
