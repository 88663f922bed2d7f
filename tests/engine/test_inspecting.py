"""What an engine tells of an image becomes an EngineImage, whatever it leaves out."""

from __future__ import annotations

from imgcompare.engine import EngineImage, Healthcheck
from imgcompare.engine.inspecting import read_image


def test_everything_that_a_run_needs_is_read() -> None:
    """The config's fields come over as they are."""
    found = {
        "Id": "sha256:1",
        "Os": "linux",
        "Architecture": "amd64",
        "RepoTags": ["shop:1"],
        "RootFS": {"Layers": ["sha256:2"]},
        "Config": {
            "ExposedPorts": {"80/tcp": {}},
            "Labels": {"a": "b"},
            "User": "10001:10001",
            "Env": ["PORT=80"],
            "Entrypoint": ["/start"],
            "Cmd": ["serve", "--fast"],
            "WorkingDir": "/app",
            "StopSignal": "SIGINT",
            "Healthcheck": {"Test": ["CMD", "/check"], "Timeout": 3_000_000_000},
        },
    }
    assert read_image(found, "shop") == EngineImage(
        image="sha256:1",
        os="linux",
        architecture="amd64",
        diff_ids=("sha256:2",),
        exposed_ports=("80/tcp",),
        labels={"a": "b"},
        tags=("shop:1",),
        user="10001:10001",
        env=("PORT=80",),
        entrypoint=("/start",),
        cmd=("serve", "--fast"),
        working_dir="/app",
        stop_signal="SIGINT",
        healthcheck=Healthcheck(test=("CMD", "/check"), timeout_s=3.0),
    )


def test_what_is_null_or_missing_is_nothing() -> None:
    """An image of nothing but an id is read, too."""
    found = {"Os": "linux", "Architecture": "amd64", "RepoTags": None, "Config": {"Cmd": None, "Labels": None}}
    assert read_image(found, "shop") == EngineImage(
        image="shop", os="linux", architecture="amd64", diff_ids=(), exposed_ports=(), labels={}
    )


def test_a_command_in_one_string_is_one_word() -> None:
    """As engines once wrote it."""
    assert read_image({"Config": {"Entrypoint": "/start"}}, "shop").entrypoint == ("/start",)


def test_a_healthcheck_that_is_switched_off_is_none() -> None:
    """``HEALTHCHECK NONE``, and one without a command."""
    for test in (["NONE"], [], ["CMD"]):
        assert read_image({"Config": {"Healthcheck": {"Test": test}}}, "shop").healthcheck is None


def test_a_healthcheck_without_a_timeout_has_dockers() -> None:
    """Zero means the default: https://docs.docker.com/reference/dockerfile/#healthcheck."""
    found = {"Config": {"Healthcheck": {"Test": ["CMD-SHELL", "check"], "Timeout": 0}}}
    assert read_image(found, "shop").healthcheck == Healthcheck(test=("CMD-SHELL", "check"), timeout_s=30.0)
