"""Builds on the newest engine with a registry of our own beside it, open and with a password."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import docker
import pytest

from imgcompare.engine.client.engine import SdkEngine
from imgcompare.engine.interface import BuildFailed, BuildRequest, Built, Endpoint
from imgcompare.engine.options import BuildOptions, CacheEntry
from imgcompare.errors import EngineError
from tests.support.builds import written_context
from tests.support.programs import installed

if TYPE_CHECKING:
    from tests.support.engines import OtherEngine

NEWEST = "docker of Debian testing, containerd store"
pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.parametrize("other_engine", [NEWEST], indirect=True),
]
USER, PASSWORD = "somebody", "hush-hush"
# bcrypt of that password.
HASH = "$2b$04$gv5s4IfezefaKNdpMdiQPOkiYQnxVUOQHM7rfVI0p.CKI14Qt9L3."


class Bench:
    """The engine, the registry's address, and what was made on the engine."""

    def __init__(self, other: OtherEngine, address: str, folder: Path, busybox: bytes) -> None:
        self.engine = SdkEngine(Endpoint(url=other.url, source="test"))
        self.client = docker.DockerClient(base_url=other.url, timeout=60)
        self.address, self.folder, self.busybox = address, folder, busybox

    def build(self, dockerfile: str, **options: object) -> Built | BuildFailed:
        """Build with options."""
        context = written_context(self.folder, {"Dockerfile": dockerfile, "busybox": self.busybox, "a": "a"})
        given = BuildOptions(**options)  # type: ignore[arg-type]
        return self.engine.build(BuildRequest(context=context, tag="test/registry:1", options=given), lambda _: None)

    def publish(self, name: str) -> str:
        """Push a small image that only the registry has afterwards."""
        reference = f"{self.address}/{name}:1"
        built = self.build('FROM scratch\nCOPY busybox /bin/sh\nENTRYPOINT ["/bin/sh", "-c", "exit 7"]\n')
        assert isinstance(built, Built)
        self.client.api.tag("test/registry:1", f"{self.address}/{name}", "1")
        pushed = self.client.api.push(reference, auth_config={"username": USER, "password": PASSWORD}, decode=True)
        pushed = list(pushed) if not isinstance(pushed, str) else pushed
        assert "error" not in str(pushed), pushed
        for tag in (reference, "test/registry:1"):
            self.engine.remove_image(tag)
        return reference

    def forget(self) -> None:
        """Empty the builder's cache."""
        self.client.api.prune_builds(all=True)

    def close(self) -> None:
        """End both connections."""
        self.client.close()
        self.engine.close()


@contextmanager
def registry(other: OtherEngine, folder: Path, *, protected: bool) -> Iterator[str]:
    """A registry on the engine's own loopback: its address."""
    address = f"127.0.0.1:{5001 if protected else 5000}"
    settings = {
        "version": "0.1",
        "log": {"level": "error"},
        "storage": {"filesystem": {"rootdirectory": str(folder / "data")}},
        "http": {"addr": address},
    }
    if protected:
        (folder / "htpasswd").write_text(f"{USER}:{HASH}\n")
        settings["auth"] = {"htpasswd": {"realm": "test", "path": str(folder / "htpasswd")}}
    (folder / "config.yml").write_text(json.dumps(settings))
    program = installed("docker-registry", "docker-registry")
    command = other.inside(program, "serve", str(folder / "config.yml"))
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            look = other.inside("grep", "-q", f":{int(address[-4:]):04X} 00000000:0000 0A", "/proc/self/net/tcp")
            deadline = time.monotonic() + 20
            while subprocess.run(look, check=False).returncode and time.monotonic() < deadline:
                time.sleep(0.05)
            yield address
        finally:
            process.terminate()


@pytest.fixture(params=["open", "with a password"])
def bench(
    request: pytest.FixtureRequest,
    other_engine: OtherEngine,
    busybox: bytes,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Bench]:
    """An engine and a registry, whose password is where `docker login` puts it."""
    protected = request.param != "open"
    for name in ("registry", "docker", "context"):
        (tmp_path / name).mkdir()
    with registry(other_engine, tmp_path / "registry", protected=protected) as address:
        token = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        login = {"auths": {address: {"auth": token}}} if protected else {}
        (tmp_path / "docker/config.json").write_text(json.dumps(login))
        monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
        with closing(Bench(other_engine, address, tmp_path / "context", busybox)) as bench:
            yield bench
            bench.engine.remove_image("test/registry:1")


def test_what_only_a_registry_has_is_pulled_with_its_credentials(bench: Bench) -> None:
    """A base, a stage's source and a frontend: each is asked for by the builder itself, and gets the password."""
    reference = bench.publish("base")
    built = bench.build(f"FROM {reference}\nCOPY --from={bench.publish('other')} /bin/sh /other\n")
    assert isinstance(built, Built), built
    # A frontend that only exits: that it ran at all is what pulling it comes to.
    failed = bench.build(f"# syntax={bench.publish('frontend')}\nFROM scratch\n")
    assert isinstance(failed, BuildFailed)
    assert "exit code: 7" in failed.message


def test_a_named_context_may_be_an_image(bench: Bench) -> None:
    """What the builder pulls for it takes the place of a base of that name."""
    source = f"docker-image://{bench.publish('mine')}"
    built = bench.build("FROM base\nCOPY --from=tools /bin/sh /x\n", contexts=(("base", source), ("tools", source)))
    assert isinstance(built, Built), built


def test_the_engines_own_machine_is_a_host_to_add(bench: Bench) -> None:
    """Its address is the engine's to tell."""
    step = 'FROM scratch\nCOPY busybox /bin/sh\nRUN while read -r line; do echo "$line"; done < /etc/hosts; exit 1\n'
    failed = bench.build(step, add_hosts=(("here.example", "host-gateway"),))
    assert isinstance(failed, BuildFailed)
    assert any(re.fullmatch(r"[0-9.]+\s+here\.example", line) for line in failed.log), failed


def test_a_cache_goes_to_the_registry_and_comes_back(bench: Bench) -> None:
    """An engine whose own cache is empty finds every step in the registry's."""
    text = f"FROM scratch\nCOPY busybox /bin/sh\nRUN echo {uuid.uuid4().hex} > /x\nCOPY a /\n"
    entry = CacheEntry(type="registry", attributes=(("ref", f"{bench.address}/cache:1"),))
    everything = CacheEntry(type="registry", attributes=(*entry.attributes, ("mode", "max")))
    first = bench.build(text, cache_to=(everything,), cache_from=(entry,))
    assert isinstance(first, Built), first
    bench.forget()
    again = bench.build(text, cache_from=(entry,))
    assert isinstance(again, Built)
    assert (again.build.step_count, again.build.cached_step_count) == (3, 3)


def test_a_cache_goes_to_a_folder_and_comes_back(bench: Bench, tmp_path: Path) -> None:
    """The same with a folder, which is an OCI layout of blobs that are what their names say."""
    text = f"FROM scratch\nCOPY busybox /bin/sh\nRUN echo {uuid.uuid4().hex} > /x\nCOPY a /\n"
    folder = str(tmp_path / "cache")
    source = CacheEntry(type="local", attributes=(("src", folder),))
    everything = CacheEntry(type="local", attributes=(("dest", folder), ("mode", "max")))
    first = bench.build(text, cache_to=(everything,), cache_from=(source,))
    assert isinstance(first, Built), first
    bench.forget()
    again = bench.build(text, cache_from=(source,))
    assert isinstance(again, Built)
    assert (again.build.step_count, again.build.cached_step_count) == (3, 3)
    assert list((tmp_path / "cache/blobs/sha256").glob(".partial-*")) == []


def test_a_registry_that_refuses_is_not_the_dockerfiles_fault(bench: Bench, tmp_path: Path) -> None:
    """Without the password, or where nothing listens, an export fails as an engine's problem, in one sentence."""
    (tmp_path / "docker/config.json").write_text("{}")
    address = bench.address if bench.address.endswith("5001") else "127.0.0.1:9"
    entry = CacheEntry(type="registry", attributes=(("ref", f"{address}/cache:1"),))
    with pytest.raises(EngineError, match="the cache cannot be exported"):
        bench.build("FROM scratch\nCOPY a /\n", cache_to=(entry,))
