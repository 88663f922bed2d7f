"""The docker CLI's own configuration: proxies for builds, and logins."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from docker import APIClient
from docker.errors import DockerException

from imgcompare.engine.client.docker_config import login, mirrors, proxy_arguments, pull_header, unusable

URL = "unix:///run/docker.sock"


@pytest.fixture
def configure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The configuration's path, in a folder that DOCKER_CONFIG names."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    return tmp_path / "config.json"


def test_proxies_become_build_arguments_in_both_cases(configure: Path) -> None:
    """As the docker CLI gives them; what was given as an argument goes before them, in its case alone."""
    told = {"httpProxy": "http://p:1", "noProxy": "localhost", "ftpProxy": ""}
    configure.write_text(json.dumps({"proxies": {"default": told}}))
    assert proxy_arguments(URL, {}) == {
        "HTTP_PROXY": "http://p:1",
        "http_proxy": "http://p:1",
        "NO_PROXY": "localhost",
        "no_proxy": "localhost",
    }
    assert proxy_arguments(URL, {"HTTP_PROXY": "mine"}).keys() == {"http_proxy", "NO_PROXY", "no_proxy"}


def test_proxies_of_one_engine_go_before_those_of_all(configure: Path) -> None:
    """By the engine's URL."""
    proxies = {"default": {"httpProxy": "http://all"}, URL: {"httpProxy": "http://this"}}
    configure.write_text(json.dumps({"proxies": proxies}))
    assert proxy_arguments(URL, {})["HTTP_PROXY"] == "http://this"
    assert proxy_arguments("tcp://other:1", {})["HTTP_PROXY"] == "http://all"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"proxies": []}', '{"proxies": {"default": 1}}', "{}"])
def test_a_configuration_without_proxies_gives_none(configure: Path, text: str) -> None:
    """Nor does a damaged one stand in the way of a build."""
    if text:
        configure.write_text(text)
    assert proxy_arguments(URL, {}) == {}


def test_a_login_is_found_by_its_registry(configure: Path) -> None:
    """What `docker login` stored; a registry without one, and a helper that is not there, have no credentials."""
    token = base64.b64encode(b"me:hush").decode()
    told = {"auths": {"r.example:5000": {"auth": token}}, "credHelpers": {"helped.example": "none-such"}}
    configure.write_text(json.dumps(told))
    assert login("r.example:5000") == ("me", "hush")
    assert login("other.example") == login("helped.example") == ("", "")
    assert pull_header("r.example:5000/app")[0]
    assert pull_header("helped.example/app") == (
        None,
        "pulling without credentials: docker-credential-none-such is not installed",
    )


def test_mirrors_of_a_rootless_engine_and_of_docker_desktop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They stand in the engine's settings; a file that is damaged is passed over, and none at all is no mirror."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "own"))
    monkeypatch.setenv("HOME", str(tmp_path))
    found = [mirrors()]
    for folder, content in ((".docker", b'{"registry-mirrors": ["https://a.example"]}'), ("own/docker", b"{")):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "daemon.json").write_bytes(content)
        found.append(mirrors())
    assert found == [(), ("https://a.example",), ("https://a.example",)]


@pytest.mark.parametrize(
    ("text", "damaged"),
    [
        ('{"auths": 5}', 'its section "auths" is not as docker writes it'),
        ('{"auths": {"a": 5}}', 'its section "auths" is not as docker writes it'),
        ('{"auths": {"a": {"auth": "!!"}}}', 'its section "auths" is not as docker writes it'),
        ('{"proxies": {"default": 5}}', 'its section "proxies" is not as docker writes it'),
        ('{"proxies": [1]}', 'its section "proxies" is not as docker writes it'),
        ("[]", "it is no JSON object"),
        ("null", "it is no JSON object"),
    ],
)
def test_what_is_damaged_is_named(configure: Path, text: str, damaged: str) -> None:
    """In the file's words, where the SDK fails in Python's."""
    configure.write_text(text)
    with pytest.raises((DockerException, ValueError, TypeError, AttributeError)):
        APIClient("unix:///gone", version="1.41")
    assert unusable().message == f"the docker configuration {configure} cannot be used: {damaged}"
