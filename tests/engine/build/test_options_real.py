"""What a build is given beside its context, on a real engine: secrets, agents, networks, caches."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from imgcompare.engine.client.engine import SdkEngine
from imgcompare.engine.interface import BuildFailed, BuildRequest, Built, Endpoint
from imgcompare.engine.options import BuildOptions, CacheEntry, Secret, SshSource
from imgcompare.errors import NoBuildKitError, UsageError
from tests.support.builds import written_context

BASE = "FROM python:3.11-slim\n"
# Asks an agent for the keys it holds: https://datatracker.ietf.org/doc/html/draft-miller-ssh-agent
LIST_KEYS = """\
RUN --mount=type=ssh python3 -c "import os, socket; s = socket.socket(socket.AF_UNIX); \
s.connect(os.environ['SSH_AUTH_SOCK']); s.sendall(bytes([0, 0, 0, 1, 11])); print(s.recv(9999)[4:9].hex())" && false
"""
Build = Callable[..., Built | BuildFailed]


@pytest.fixture
def engine(engine_url: str) -> Iterator[SdkEngine]:
    """The real engine."""
    with closing(SdkEngine(Endpoint(url=engine_url, source="the test"))) as engine:
        yield engine


@pytest.fixture
def build(engine: SdkEngine, tmp_path: Path) -> Iterator[Build]:
    """Builds a Dockerfile with options, nothing from the cache; its image goes with the test."""
    tag = f"imgcompare-test/{uuid.uuid4().hex}:1"

    def run(dockerfile: str, builder: str = "auto", **options: object) -> Built | BuildFailed:
        context = written_context(tmp_path / "context", {"Dockerfile": dockerfile, "a.txt": "a"})
        given = BuildOptions(**options)  # type: ignore[arg-type]
        request = BuildRequest(context=context, tag=tag, no_cache=True, builder=builder, options=given)
        return engine.build(request, lambda _: None)

    yield run
    engine.remove_image(tag)


def test_a_secret_is_there_for_its_step_alone(build: Build, engine: SdkEngine) -> None:
    """The RUN that mounts it reads it; it is in no layer, no history and no process's arguments."""
    value = f"hush-{uuid.uuid4().hex}"
    built = build(
        f"{BASE}RUN --mount=type=secret,id=x grep -q hush- /run/secrets/x && sleep 1\nRUN test ! -s /run/secrets/x\n",
        secrets=(Secret("x", value.encode()),),
    )
    assert isinstance(built, Built)
    assert value.encode() not in b"".join(engine.export([built.image]))
    assert value not in repr(Secret("x", value.encode()))
    assert value not in subprocess.run(["ps", "axww"], capture_output=True, text=True, check=True).stdout


def test_an_optional_secret_may_be_missing_and_a_required_one_is_named(build: Build) -> None:
    """As docker build has it; the message says how to give it."""
    assert isinstance(build(f"{BASE}RUN --mount=type=secret,id=x test ! -e /run/secrets/x\n"), Built)
    failed = build(f"{BASE}RUN --mount=type=secret,id=x,required=true true\n")
    assert isinstance(failed, BuildFailed)
    assert failed.message.endswith(
        "secret x not found: give it with --secret id=x,src=FILE or --secret id=x,env=VARIABLE"
    )


def test_keys_are_used_through_an_agent_that_goes_with_the_build(build: Build, tmp_path: Path) -> None:
    """A key file is held by an agent of ours; the step sees one key (answer 12, count 1), the key itself stays here."""
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    failed = build(BASE + LIST_KEYS, ssh=(SshSource("default", keys=(str(key),)),))
    assert isinstance(failed, BuildFailed)
    assert failed.log == ("0c00000001",)
    assert (
        "imgcompare-"
        not in subprocess.run(["pgrep", "-a", "ssh-agent"], capture_output=True, text=True, check=False).stdout
    )


def test_an_agent_that_is_gone_and_a_key_that_is_none_are_told(build: Build, tmp_path: Path) -> None:
    """Neither hangs nor is passed over in silence."""
    gone = build(f"{BASE}RUN --mount=type=ssh,required=true true\n", ssh=(SshSource("default", socket="/none/agent"),))
    assert isinstance(gone, BuildFailed)
    assert "the ssh agent at /none/agent does not answer" in gone.message
    (tmp_path / "key").write_text("no key")
    (tmp_path / "key").chmod(0o600)
    with pytest.raises(UsageError, match="cannot be used"):
        build(f"{BASE}RUN --mount=type=ssh true\n", ssh=(SshSource("default", keys=(str(tmp_path / "key"),)),))


def test_network_and_hosts(build: Build) -> None:
    """A build without a network has the loopback alone, and knows the hosts that it was given."""
    failed = build(
        f"{BASE}RUN ls /sys/class/net; sed -n 's,\\s\\+given, given,p' /etc/hosts; false\n",
        network="none",
        add_hosts=(("given.example", "192.0.2.7"),),
    )
    assert isinstance(failed, BuildFailed)
    assert failed.log == ("lo", "192.0.2.7 given.example")


def test_the_classic_builder_takes_what_it_knows_and_refuses_the_rest(build: Build) -> None:
    """Network and hosts work there, too; secrets are never silently left out."""
    failed = build(f"{BASE}RUN ls /sys/class/net; false\n", builder="classic", network="none")
    assert isinstance(failed, BuildFailed)
    assert failed.log == ("lo",)
    with pytest.raises((UsageError, NoBuildKitError), match="secrets"):
        build(f"{BASE}RUN true\n", builder="classic", secrets=(Secret("x", b"y"),))


def test_a_cache_is_exported_inline_and_other_ways_are_refused_in_words(build: Build) -> None:
    """The graph-driver store exports inline alone: that is a wrong option, not a broken variant."""
    assert isinstance(build(f"{BASE}COPY a.txt /\n", cache_to=(CacheEntry(type="inline"),)), Built)
    entry = CacheEntry(type="registry", attributes=(("ref", "localhost:1/x"),))
    with pytest.raises(UsageError, match="cannot be exported as registry") as caught:
        build(f"{BASE}COPY a.txt /\n", cache_to=(entry,))
    assert "containerd image store" in str(caught.value.hint)
