"""What two configs say differently."""

from __future__ import annotations

import json
from typing import Any

import pytest

from imgcompare.analysis.diff_config import SettingChange, config_changes
from imgcompare.errors import ImageFormatError


def config(os: str = "linux", **settings: Any) -> bytes:
    """A config with these settings."""
    return json.dumps({"os": os, "architecture": "amd64", "rootfs": {}, "config": settings}).encode()


def changes(before: bytes, after: bytes) -> list[tuple[str, str | None, str, str | None, str | None]]:
    """The changes as tuples."""
    return [(c.setting, c.name, c.kind.value, c.before, c.after) for c in config_changes(before, after)]


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        ({}, {"User": "app"}, ("user", None, "added", None, "app")),
        ({"User": ""}, {"User": None}, None),
        ({"WorkingDir": "/a"}, {"WorkingDir": "/b"}, ("working_dir", None, "changed", "/a", "/b")),
        ({"Cmd": ["a", "é"]}, {"Cmd": None}, ("cmd", None, "removed", '["a", "é"]', None)),
        ({"Entrypoint": "run it"}, {}, ("entrypoint", None, "removed", "run it", None)),
        (
            {"ExposedPorts": {"80/tcp": {}}},
            {"ExposedPorts": {"90/udp": {}, "80/tcp": {}}},
            ("exposed_ports", None, "changed", "80/tcp", "80/tcp, 90/udp"),
        ),
        ({"Volumes": {"/data": {}}}, {}, ("volumes", None, "removed", "/data", None)),
        ({}, {"StopSignal": "SIGINT"}, ("stop_signal", None, "added", None, "SIGINT")),
        ({"Labels": {"a": "1"}}, {"Labels": {"a": None}}, ("label", "a", "changed", "1", "")),
        ({"Env": ["A=1", "B"]}, {"Env": ["A=2", "B"]}, ("env", "A", "changed", None, None)),
        (
            {},
            {"Healthcheck": {"Test": ["NONE"], "Timeout": 1_500_000_000, "StartPeriod": 0, "Retries": 3}},
            ("healthcheck", None, "added", None, '["NONE"], timeout 1.5 s, retries 3'),
        ),
        (
            {"Healthcheck": {"Test": ["CMD", "x"], "StartInterval": 1_000_000_000}},
            {"Healthcheck": {"Test": ["CMD", "x"], "StartInterval": 2_000_000_000}},
            ("healthcheck", None, "changed", '["CMD", "x"], start interval 1 s', '["CMD", "x"], start interval 2 s'),
        ),
        ({"OnBuild": ["RUN a"]}, {}, ("on_build", None, "removed", '["RUN a"]', None)),
        ({}, {"Shell": ["/bin/bash", "-c"]}, ("shell", None, "added", None, '["/bin/bash", "-c"]')),
        ({"StopTimeout": 10}, {"StopTimeout": 30}, ("stop_timeout", None, "changed", "10", "30")),
        ({"Hostname": "a"}, {"Hostname": ""}, ("hostname", None, "removed", "a", None)),
        ({"Domainname": "a"}, {"Domainname": "b"}, ("domain_name", None, "changed", "a", "b")),
        ({"Tty": False}, {"Tty": True}, ("Tty", None, "added", None, "true")),
        ({"AttachStdin": False, "OnBuild": [], "Shell": None}, {}, None),
        ({"ArgsEscaped": True}, {}, ("ArgsEscaped", None, "removed", "true", None)),
        ({"OfNextYear": {"a": 1}}, {}, ("OfNextYear", None, "removed", '{"a": 1}', None)),
        ({"Image": "sha256:1"}, {"Image": "sha256:2"}, None),
    ],
)
def test_each_setting(before: dict[str, Any], after: dict[str, Any], change: tuple[object, ...] | None) -> None:
    """A setting that differs is one change; empty, null and missing are the same."""
    assert changes(config(**before), config(**after)) == ([change] if change else [])


def test_the_platform_is_a_setting_too() -> None:
    """Images for different systems differ in more than their files."""
    assert changes(config(), config("windows")) == [
        ("platform", None, "changed", "linux/amd64", "windows/amd64"),
    ]
    without = b'{"os": "linux", "architecture": "amd64", "rootfs": {}}'
    assert config_changes(without, config()) == ()


@pytest.mark.parametrize(
    ("field", "value", "change"),
    [
        ("author", "jo", ("author", None, "added", None, "jo")),
        ("os.version", "10.0", ("os_version", None, "added", None, "10.0")),
        ("created", "2026-11-28T00:00:00Z", None),
        ("history", [{"created_by": "x"}], None),
        ("docker_version", "20.10", None),
        ("container_config", {"Hostname": "a"}, None),
    ],
)
def test_what_stands_beside_the_settings(field: str, value: object, change: tuple[object, ...] | None) -> None:
    """Who made the image for what is told; when and by what steps it was made is no difference in how it is run."""
    assert changes(config(), json.dumps(json.loads(config()) | {field: value}).encode()) == ([change] if change else [])


def test_secrets_and_escapes_are_not_told() -> None:
    """A label named like a secret keeps its value, and no value drives a terminal."""
    (change,) = config_changes(config(), config(Labels={"db.password": "geheim"}))
    assert (change.name, change.after) == ("db.password", "•••")
    (change,) = config_changes(config(), config(Labels={"\x1b[31mred": "\u202egreen"}))
    assert isinstance(change, SettingChange)
    assert (change.name, change.after) == ("red", "green")


def test_a_damaged_config_is_an_error_of_ours() -> None:
    """What is of another shape than the specification's is refused by name."""
    with pytest.raises(ImageFormatError, match="config"):
        config_changes(config(), config(Labels=[1]))
