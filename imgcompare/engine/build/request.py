"""What both builders share on the wire: the request's parameters, and the stream of JSON messages that answers it.

``POST /build``: https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Image/operation/ImageBuild
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Protocol

from imgcompare.model import Build, Step

if TYPE_CHECKING:
    from imgcompare.engine.interface import BuildRequest
    from imgcompare.engine.options import BuildOptions

TAR_HEADERS: Mapping[str, str] = {"Content-Type": "application/x-tar"}


class Post(Protocol):
    """Posts a streamed body to the engine and gives the answer's body as it arrives; ``path`` has no API version.

    An answer with an error status raises EngineRefusedError with the engine's text, a connection that breaks off,
    before or within the answer, raises EngineLostError.
    """

    def __call__(
        self, path: str, params: Mapping[str, str], body: Iterator[bytes], headers: Mapping[str, str]
    ) -> Iterator[bytes]:
        """Send the request."""


def parameters(request: BuildRequest, version: int) -> dict[str, str]:
    """Return the query of ``POST /build``; no labels, so that the image is exactly what the Dockerfile says."""
    params = {
        "version": str(version),
        "t": request.tag,
        "dockerfile": request.context.dockerfile,
        "rm": "1",
        "forcerm": "1",
    }
    if request.target is not None:
        params["target"] = request.target
    if request.build_args:
        params["buildargs"] = json.dumps(dict(request.build_args))
    if request.platform is not None:
        params["platform"] = request.platform
    if request.no_cache:
        params["nocache"] = "1"
    return params | _option_parameters(request.options)


def _option_parameters(options: BuildOptions) -> dict[str, str]:
    params: dict[str, str] = {}
    if options.network is not None:
        params["networkmode"] = options.network
    if options.add_hosts:
        params["extrahosts"] = json.dumps([f"{host}:{address}" for host, address in options.add_hosts])
    if options.shm_size is not None:
        params["shmsize"] = str(options.shm_size)
    if options.ulimits:
        params["ulimits"] = json.dumps([_ulimit(text) for text in options.ulimits])
    if options.cache_from:
        params["cachefrom"] = json.dumps([entry.settings.get("ref", "") for entry in options.cache_from])
    return params


def _ulimit(text: str) -> dict[str, str | int]:
    name, _, limits = text.partition("=")
    soft, _, hard = limits.partition(":")
    return {"Name": name, "Soft": int(soft), "Hard": int(hard or soft)}


def summary(steps: tuple[Step, ...], *, duration_s: float) -> Build:
    """Return how a build went, from its steps and its whole duration by our clock, the context's sending included."""
    return Build(
        duration_s=duration_s,
        step_count=len(steps),
        cached_step_count=sum(step.cached for step in steps),
        steps=steps,
    )
