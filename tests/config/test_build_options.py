"""The docker CLI's build options in its own words."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from imgcompare.config.build_options import read_build_options, rebased, split_contexts
from imgcompare.engine.options import BuildOptions, CacheEntry, Secret, SshSource
from imgcompare.errors import UsageError


def read(key: str, *texts: str, environ: dict[str, str] | None = None) -> BuildOptions:
    """What comes of one option."""
    return read_build_options({key: texts}, {}, environ or {})


def test_secrets_come_from_files_and_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Named or by default: the variable of its name where there is one, else the file; bytes stay what they are."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "f").write_bytes(b"\xff\n")
    (tmp_path / "a,b").write_text("comma")
    environ = {"TOKEN": "t", "x": "by name"}
    for text, value in (
        ("id=s,src=f", b"\xff\n"),
        ("id=s,source=f,type=file", b"\xff\n"),
        ("type=env,id=TOKEN", b"t"),
        ("id=s,env=TOKEN", b"t"),
        ("id=x", b"by name"),
        ("id=f", b"\xff\n"),
        ('id=s,"src=a,b"', b"comma"),
    ):
        assert read("secrets", text, environ=environ).secrets[0].value == value


@pytest.mark.parametrize(
    ("key", "text", "message"),
    [
        ("secrets", "id=s,src=/none", "the secret s cannot be read from /none: No such file"),
        ("secrets", "id=s,env=NONE", "is to come from NONE, which is not set"),
        ("secrets", "src=/none", "has no id"),
        ("secrets", "token", "is no list of NAME=VALUE"),
        ("secrets", 'id=s,"src=', "--secret"),
        ("secrets", "id=s,src=/dev/zero", "longer than the 500 KiB that BuildKit takes"),
        ("secrets", "id=s,mode=1", "is not known"),
        ("ssh", "default", "SSH_AUTH_SOCK is not set"),
        ("ssh", "default=/none", "there is no /none"),
        ("add_hosts", "host", "is no host and address"),
        ("add_hosts", "a:gateway", "is no host and address"),
        ("ulimits", "nofile", "is none"),
        ("cache_to", "ref=x,mode=max", "has no type"),
        ("cache_to", "type=gha", "ACTIONS_RUNTIME_TOKEN"),
    ],
)
def test_what_cannot_be_used_is_said_before_anything_is_built(key: str, text: str, message: str) -> None:
    """With the option's text and the value that is wrong."""
    with pytest.raises(UsageError) as caught:
        read(key, text)
    assert message in caught.value.message


def test_two_secrets_of_one_id_are_refused(tmp_path: Path) -> None:
    """Which one was meant is not guessed."""
    with pytest.raises(UsageError, match="two --secret have the id a"):
        read("secrets", "id=a,env=X", "id=a,env=X", environ={"X": "x"})


def test_ssh_takes_the_agent_of_the_environment_a_socket_or_keys(tmp_path: Path) -> None:
    """As docker build has it."""
    assert read("ssh", "default", environ={"SSH_AUTH_SOCK": "/s"}).ssh == (SshSource("default", socket="/s"),)
    key, path = tmp_path / "key", tmp_path / "socket"
    key.write_text("k")
    with socket.socket(socket.AF_UNIX) as agent:
        agent.bind(str(path))
        assert read("ssh", f"a={path}", f"b={key},{key}").ssh == (
            SshSource("a", socket=str(path)),
            SshSource("b", keys=(str(key), str(key))),
        )


def test_contexts_are_told_from_folders(tmp_path: Path) -> None:
    """NAME=… is a further one; a folder whose name has a = is written with a / before it."""
    assert split_contexts(["app", "a=b", "./a=b", "i=docker-image://x:1"]) == (
        ("app", "./a=b"),
        {"a": "b", "i": "docker-image://x:1"},
    )
    options = read_build_options({}, {"a": str(tmp_path), "i": "docker-image://x:1"}, {})
    assert dict(options.contexts) == {"a": tmp_path.resolve(), "i": "docker-image://x:1"}
    for wrong in ("/none", "oci-layout://x"):
        with pytest.raises(UsageError):
            read_build_options({}, {"a": wrong}, {})


def test_the_rest_reads_as_docker_has_it() -> None:
    """Hosts with either mark and IPv6, sizes with units, limits with one value or two, caches with and without type."""
    options = read_build_options(
        {
            "network": "none",
            "add_hosts": ("a:192.0.2.1", "b=::1", "c:[::1]", "d:host-gateway"),
            "shm_size": "64m",
            "ulimits": ("nofile=1024", "nproc=1:2"),
            "cache_from": ("me/app:cache", "type=local,src=x"),
            "cache_to": ("type=gha,mode=max",),
        },
        {},
        {"ACTIONS_RUNTIME_TOKEN": "t", "ACTIONS_RESULTS_URL": "https://r"},
    )
    assert options.add_hosts == (("a", "192.0.2.1"), ("b", "::1"), ("c", "::1"), ("d", "host-gateway"))
    assert (options.network, options.shm_size, options.ulimits) == ("none", 64 << 20, ("nofile=1024:1024", "nproc=1:2"))
    assert options.cache_from == (
        CacheEntry(type="registry", attributes=(("ref", "me/app:cache"),)),
        CacheEntry(type="local", attributes=(("src", "x"),)),
    )
    assert options.cache_to[0].settings == {"mode": "max", "token": "t", "url_v2": "https://r"}
    with pytest.raises(UsageError, match="--network bridge"):
        read_build_options({"network": "bridge"}, {}, {})


def test_paths_of_a_file_are_relative_to_its_folder() -> None:
    """In secrets, agents, contexts and caches, and nothing else of them is touched."""
    at = Path("/p")
    assert rebased("secrets", "id=a,src=x/y", at) == "id=a,src=/p/x/y"
    assert rebased("secrets", 'id=a,"src=x,y"', at) == 'id=a,"src=/p/x,y"'
    assert rebased("secrets", "id=a,env=E", at) == "id=a,env=E"
    assert rebased("ssh", "default", at) == "default"
    assert rebased("ssh", "a=k1,/k2", at) == "a=/p/k1,/k2"
    assert rebased("contexts", "../x", at) == os.path.join("/p", "../x")  # noqa: PTH118 - the text matters
    assert rebased("contexts", "docker-image://x", at) == "docker-image://x"
    assert rebased("cache_to", "type=local,dest=c,mode=max", at) == "type=local,dest=/p/c,mode=max"


def test_a_secret_is_in_no_representation() -> None:
    """Whatever prints options prints no value."""
    assert "hush" not in repr(BuildOptions(secrets=(Secret("x", b"hush"),)))
