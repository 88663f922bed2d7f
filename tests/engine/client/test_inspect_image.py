"""What an engine tells of an image becomes an EngineImage, whatever it leaves out."""

from __future__ import annotations

from imgcompare.engine.client.inspect_image import read_image
from imgcompare.engine.interface import EngineImage
from imgcompare.engine.options import Healthcheck


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
            "Healthcheck": {
                "Test": ["CMD", "/check", "--now"],
                "Timeout": 3_000_000_000,
                "Interval": 10_000_000_000,
                "StartPeriod": 5_000_000_000,
                "Retries": 2,
            },
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
        healthcheck=Healthcheck(
            command=("/check", "--now"), timeout_s=3.0, interval_s=10.0, start_period_s=5.0, retries=2
        ),
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


def test_a_healthcheck_that_is_switched_off_has_no_command() -> None:
    """``HEALTHCHECK NONE`` is somebody's decision, which no HEALTHCHECK at all is not."""
    assert _healthcheck(["NONE"]) == Healthcheck(command=())
    assert _healthcheck([]) is None
    assert _healthcheck(["CMD"]) is None


def test_a_healthcheck_has_the_engines_defaults() -> None:
    """Zero means the default, and a shell's command is run by the image's own: /bin/sh, or what SHELL says.

    https://docs.docker.com/reference/dockerfile/#healthcheck
    """
    assert _healthcheck(["CMD-SHELL", "check || exit 1"]) == Healthcheck(
        command=("/bin/sh", "-c", "check || exit 1"), timeout_s=30.0, interval_s=30.0, start_period_s=0.0, retries=3
    )
    assert _healthcheck(["CMD-SHELL", "check"], Shell=["/bin/bash", "-ec"]) == Healthcheck(
        command=("/bin/bash", "-ec", "check")
    )


def _healthcheck(test: list[str], **config: object) -> Healthcheck | None:
    check = {"Test": test, "Timeout": 0, "Interval": 0, "Retries": 0}
    return read_image({"Config": {"Healthcheck": check, **config}}, "shop").healthcheck
