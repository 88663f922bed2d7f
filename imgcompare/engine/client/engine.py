"""The engine over the Docker SDK for Python: its transports and its credentials, everything else over ``Api``.

The SDK's own methods are not used for the calls themselves: they build without BuildKit (docker-py#2230), read logs
and builds without a bound, and run every credential helper for a build (docker-py#3379).
"""

from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests.utils
from docker import APIClient
from docker.errors import DockerException, InvalidConfigFile
from docker.tls import TLSConfig
from docker.utils import parse_repository_tag
from msgspec.structs import replace

from imgcompare.engine.build.choose import Builders, build_image, supports_buildkit
from imgcompare.engine.build.errors import refuse_unknown_options
from imgcompare.engine.client import groups
from imgcompare.engine.client.api import TESTED_API_VERSION, Api, Link
from imgcompare.engine.client.container import SdkContainer
from imgcompare.engine.client.docker_config import login, proxy_arguments, pull_header, unusable
from imgcompare.engine.client.inspect_image import read_image
from imgcompare.engine.client.pull import follow_pull, unavailable
from imgcompare.engine.client.remove import remove_of_run
from imgcompare.engine.client.remove_image import NO_TAG, quoted, remove_image
from imgcompare.engine.interface import (
    SCHEME,
    BuildFailed,
    BuildRequest,
    Built,
    Container,
    ContainerSpec,
    Endpoint,
    EngineImage,
    Member,
    Removal,
    is_local,
)
from imgcompare.engine.transport.errors import place
from imgcompare.engine.transport.ssh_tunnel import tunnel
from imgcompare.engine.transport.unixadapter import UnixAdapter
from imgcompare.errors import (
    EngineError,
    EngineLostError,
    EngineRefusedError,
    ImgcompareError,
    NoEngineError,
)
from imgcompare.model import EngineInfo
from imgcompare.text.printable import printable

if TYPE_CHECKING:
    from imgcompare.engine.build.session import Sessions
    from imgcompare.image.overlay2 import LayerStore

_PULL_SILENCE_S = 60.0
_EXPORT_CHUNK_BYTES = 1 << 20
_CANCEL_TIMEOUT_S = 5.0
_PODMAN = "Podman"

# What the kernel calls a machine, in the image specification's words (Go's GOARCH).
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i686": "386"}


class SdkEngine:
    """The engine at ``endpoint``; ``timeout_s`` bounds each answer, and how long a frozen engine goes unnoticed."""

    def __init__(self, endpoint: Endpoint, *, timeout_s: float = 60) -> None:
        self._endpoint = endpoint
        version = os.environ.get("DOCKER_API_VERSION")
        self._api = Api(endpoint, lambda: connect(endpoint), timeout_s=timeout_s, version=version)
        self._builds: set[str] = set()
        self._builds_lock = threading.RLock()  # re-entrant: cancel may come from a signal handler

    @property
    def endpoint(self) -> Endpoint:
        """Where it listens, and what named it."""
        return self._endpoint

    @cached_property
    def _sessions(self) -> Sessions:
        from imgcompare.engine.build.session import Sessions  # noqa: PLC0415 - only for those who build

        return Sessions(self._api.http2, login)

    @cached_property
    def _info(self) -> dict[str, Any]:
        return self._api.get("/info")

    def info(self) -> EngineInfo:
        """Name, version, store and builder of the engine."""
        info, server = self._info, self._api.server
        status = [tuple(row) for row in info.get("DriverStatus") or ()]
        containerd = ("driver-type", "io.containerd.snapshotter.v1") in status
        machine = str(info.get("Architecture"))
        return EngineInfo(
            name=self._name(),
            version=printable(str(server.get("Version")), limit=80),
            api_version=self._api.version,
            image_store="containerd" if containerd else "graph driver",
            storage_driver=printable(str(info.get("Driver")), limit=80),
            os=printable(str(info.get("OSType") or server.get("Os")), limit=80),
            architecture=printable(_ARCHITECTURES.get(machine, machine), limit=80),
            builder="BuildKit" if supports_buildkit(server) else "classic",
            endpoint=self._endpoint.url,
            endpoint_source=self._endpoint.source,
            private=self._endpoint.own,
        )

    def identity(self) -> str:
        """The id in the engine's data root; Podman makes a new one up for each answer, so there it is the URL."""
        identity = self._info.get("ID")
        return str(identity) if identity and self._name() != _PODMAN else self._endpoint.url

    def attach(self, name: str) -> Container:
        """A container that somebody else made, by its name."""
        return SdkContainer(self._api, ContainerSpec(name=name, image="", container_port=None))

    def add_network(self, name: str, labels: Mapping[str, str]) -> None:
        """Make a network for the containers of a group."""
        groups.add_network(self._api, name, labels)

    def members(self, group: str) -> Sequence[Member]:
        """The containers whose labels say that they are of that group."""
        return groups.members(self._api, group)

    def remove_group(self, group: str, run_id: str) -> int:
        """Remove the containers, networks and volumes of a group whose labels say that run made them, by force."""
        return groups.remove_group(self._api, group, run_id)

    def layer_store(self) -> LayerStore | None:
        """The engine's own files, where it is on this machine and we may read them."""
        if (
            not is_local(self._endpoint)
            or self._info.get("Driver") != "overlay2"
            or not self._info.get("DockerRootDir")
        ):
            return None
        from imgcompare.image.overlay2 import LayerStore  # noqa: PLC0415 - what reads images takes a while to import

        store = LayerStore(Path(self._info["DockerRootDir"]))
        return store if store.readable() else None

    def image(self, reference: str) -> EngineImage | None:
        """The image of that reference or digest, or None when the engine does not have it."""
        found = self._inspect_image(reference)
        if found is None:
            return None
        if self._name() == _PODMAN:
            # Its compatible answer leaves HEALTHCHECK out; its own has it.
            found = {**self._api.get(f"/libpod/images/{quoted(reference)}/json"), **found}
        return read_image(found, reference)

    def pull(self, reference: str, platform: str | None, progress: Callable[[str], None]) -> None:
        """Pull an image with its registry's credentials; one minute without news is the end. Raises BaseImageError."""
        repository, tag = parse_repository_tag(reference)
        params = {"fromImage": repository, "tag": tag or "latest"} | ({"platform": platform} if platform else {})
        credentials, note = pull_header(repository)
        if note:
            progress(note)
        headers = {"X-Registry-Auth": credentials} if credentials else {}
        try:
            chunks = self._api.stream(
                "POST", "/images/create", params=params, headers=headers, silence_s=_PULL_SILENCE_S
            )
            follow_pull(chunks, reference, progress)
        except EngineRefusedError as exc:
            raise unavailable(reference, f"{exc.text}; {note}" if note else exc.text) from exc
        except EngineLostError as exc:
            self._api.get("/info")  # raises when the engine is what was lost, and not the registry
            raise unavailable(reference, f"no progress for {_PULL_SILENCE_S:g} s") from exc

    def build(self, request: BuildRequest, progress: Callable[[str], None]) -> Built | BuildFailed:
        """Build an image; a failed step is a value, a lost engine raises."""
        from imgcompare.engine.build import buildkit, classic, solve  # noqa: PLC0415 - only for those who build

        proxies = proxy_arguments(self._endpoint.url, request.build_args)
        request = replace(request, build_args={**proxies, **request.build_args})
        self._refuse_exports(request)
        build_id = uuid.uuid4().hex
        with self._builds_lock:
            self._builds.add(build_id)
        try:
            builders = Builders(
                grpc=partial(solve.build, self._api.http2, self._sessions),
                http=partial(buildkit.build, self._post, build_id=build_id),
                classic=partial(
                    classic.build,
                    self._post,
                    images=self._image_ids,
                    discard=self._discard,
                    podman=self._name() == _PODMAN,
                ),
            )
            return build_image(builders, request, progress, has_buildkit=supports_buildkit(self._api.server))
        finally:
            with self._builds_lock:
                self._builds.discard(build_id)

    def _refuse_exports(self, request: BuildRequest) -> None:
        """Some versions fall silent where their store cannot export a cache: they are not asked."""
        kinds = {entry.type for entry in request.options.cache_to} - {"inline"}
        if kinds and self.info().image_store != "containerd":
            refuse_unknown_options(f'unknown cache exporter: "{min(kinds)}"')

    @contextmanager
    def container(self, spec: ContainerSpec) -> Iterator[Container]:
        """Create a container and remove it, by force, on every way out of the ``with`` block."""
        container = SdkContainer(self._api, spec)
        try:
            container.create()
            yield container
        except BaseException as exc:
            # What ended the block matters more than a container that could not be removed.
            try:
                container.remove()
            except EngineError as failure:
                exc.add_note(failure.message)
            raise
        if not container.kept:
            container.remove()

    def export(self, images: Sequence[str]) -> Iterator[bytes]:
        """The archive of several images in one stream, layers they share once (``GET /images/get``)."""
        params = {"names": list(images)}
        return self._api.stream("GET", "/images/get", params=params, chunk_bytes=_EXPORT_CHUNK_BYTES)

    def remove_container(self, name: str, run_id: str) -> bool:
        """Remove the container of that name by force if its label says that run made it; False when there is none."""
        return remove_of_run(self._api, name, run_id)

    def built_upon(self, image: str, within_s: float) -> tuple[str, ...]:
        """The images without a tag whose parent it is, made at most so long after it; their digests."""
        rows = {str(row["Id"]): row for row in self._all_images()}
        last = rows[image]["Created"] + within_s if image in rows else 0
        upon = (row for row in rows.values() if row.get("ParentId") == image and row["Created"] <= last)
        return tuple(str(row["Id"]) for row in upon if not set(row.get("RepoTags") or ()) - {NO_TAG})

    def remove_image(self, reference: str) -> Removal:
        """Remove a tag, and the image when it was its last, or an image by its digest; says what came of it."""
        return remove_image(self._api, reference, keeps_lost_names=self._name() != _PODMAN)

    def cancel(self) -> None:
        """Stop every build and break off every stream, from any thread; what waits for them then raises EngineError."""
        with self._builds_lock:
            builds = sorted(self._builds)
        self._api.cancel()
        for build_id in builds:
            with suppress(ImgcompareError):
                self._api.call(
                    "POST", "/build/cancel", params={"id": build_id}, cleanup=True, timeout_s=_CANCEL_TIMEOUT_S
                )

    def close(self) -> None:
        """Close all connections."""
        self._api.close()

    def _name(self) -> str:
        """Podman's compatible API names itself "Podman Engine" among its components."""
        names = {str(part.get("Name")) for part in self._api.server.get("Components") or ()}
        return _PODMAN if any(name.startswith(_PODMAN) for name in names) else "Docker Engine"

    def _inspect_image(self, reference: str, *, cleanup: bool = False) -> dict[str, Any] | None:
        try:
            return self._api.get(f"/images/{quoted(reference)}/json", cleanup=cleanup)
        except EngineRefusedError as exc:
            # 400, or 301 for "..": what is no reference names no image, and pulling it says why.
            if exc.status in {301, 400, 404}:
                return None
            raise

    def _post(
        self, path: str, params: Mapping[str, str], body: Iterator[bytes], headers: Mapping[str, str]
    ) -> Iterator[bytes]:
        return self._api.stream("POST", path, params=params, body=body, headers=headers)

    def _image_ids(self) -> Iterable[str]:
        return [str(row["Id"]) for row in self._all_images()]

    def _all_images(self) -> list[dict[str, Any]]:
        """Every image, those between too."""
        rows: list[dict[str, Any]] = self._api.call("GET", "/images/json", params={"all": "true"})
        return rows

    def _discard(self, image: str) -> None:
        """Remove an image that a failed build left, if it has no tag; its parents may be another build's."""
        found = self._inspect_image(image, cleanup=True)
        if found is not None and not found.get("RepoTags"):
            self._api.call("DELETE", f"/images/{quoted(image)}", params={"noprune": "true"}, cleanup=True)


def connect(endpoint: Endpoint) -> Link:
    """Make a session that reaches the endpoint. Raises NoEngineError, or UsageError for a damaged docker config."""
    url = endpoint.url
    if url.startswith(f"{SCHEME}://"):
        url = f"unix://{tunnel(url).engine}"
    try:
        client = APIClient(url, version=TESTED_API_VERSION, tls=_tls(endpoint.tls))
    except (InvalidConfigFile, ValueError, TypeError, AttributeError) as exc:
        raise unusable() from exc
    except DockerException as exc:
        raise NoEngineError(
            f"cannot connect to {place(endpoint)}: {printable(str(exc), limit=200)}",
            hint="See whether the address and its certificates are what the engine's owner gave you.",
        ) from exc
    # The environment's proxies are for an engine elsewhere only; its CA bundle and .netrc are not meant for engines.
    client.trust_env = False
    if url.startswith("unix://"):
        client.mount(client.base_url, UnixAdapter(url.removeprefix("unix://")))
    elif not is_local(endpoint):
        client.proxies = requests.utils.get_environ_proxies(client.base_url)
    client.headers["Accept-Encoding"] = "identity"
    return Link(client, client.base_url)


def _tls(tls: Mapping[str, str]) -> TLSConfig | bool:
    if not tls:
        return False
    pair = (tls["cert"], tls["key"]) if "cert" in tls and "key" in tls else None
    return TLSConfig(client_cert=pair, ca_cert=tls.get("ca"), verify=tls.get("verify") != "0")
