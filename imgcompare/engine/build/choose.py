"""Which builder builds: BuildKit where the engine has it, else the classic one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from imgcompare.engine.build import buildkit, classic
from imgcompare.engine.build.errors import heredoc_line
from imgcompare.engine.build.request import Post, summary
from imgcompare.engine.interface import BuildFailed, BuildRequest, Built
from imgcompare.errors import NoBuildKitError


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


def build_image(
    post: Post,
    request: BuildRequest,
    build_id: str,
    progress: Callable[[str], None],
    *,
    has_buildkit: bool,
    images: Callable[[], Iterable[str]],
    discard: Callable[[str], None],
) -> Built | BuildFailed:
    """Build ``request`` with the builder it names; "auto" is BuildKit, and the classic one where that cannot be.

    ``has_buildkit`` is what ``supports_buildkit`` said; ``images`` and ``discard`` are for the classic builder.
    Raises NoBuildKitError when BuildKit was demanded of an engine without it, EngineLostError when the engine died.
    """
    if request.builder != "classic":
        try:
            if not has_buildkit:
                raise NoBuildKitError("the engine has no BuildKit", hint="Build with --builder classic.")
            return buildkit.build(post, request, build_id, progress)
        except NoBuildKitError:
            if request.builder != "auto":
                raise
    # A Docker Engine's newer classic builder takes a heredoc's text off the Dockerfile and runs the RUN without it.
    if has_buildkit and (line := heredoc_line(request)) is not None:
        message = f"Dockerfile line {line}: a heredoc needs BuildKit; the classic builder would leave its text out"
        return BuildFailed(message, None, (), summary((), duration_s=0))
    return classic.build(post, request, progress, images=images, discard=discard)
