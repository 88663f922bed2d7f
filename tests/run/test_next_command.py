"""The command that goes on from a run says what the run was told, and no secret."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from imgcompare.config.model import Config
from imgcompare.engine.options import BuildOptions, CacheEntry, Secret, SshSource
from imgcompare.model import Expectation, Source
from imgcompare.run.next_command import command_line

PLAIN = Config(scenario="run", context=Path(), variants=())


def told(source: Source = Source(dockerfile="Dockerfile"), /, **changes: object) -> str:  # noqa: B008 - frozen
    """The command after a run with these settings."""

    return command_line("mend", source, replace(PLAIN, **changes))


@pytest.mark.parametrize(
    ("changes", "options"),
    [
        ({}, ""),
        ({"context": Path("app")}, " --build-context app"),
        ({"context": Path.cwd() / "app"}, " --build-context app"),
        ({"context": Path("/srv/shop")}, " --build-context /srv/shop"),
        ({"route": "/healthz"}, " --route /healthz"),
        ({"container_port": 8000}, " --container-port 8000"),
        ({"expect": Expectation(status=204)}, " --expect-status 204"),
        ({"expect": Expectation(body="It's up")}, """ --expect-body 'It'"'"'s up'"""),
        ({"expect": Expectation(body_pattern="a|b")}, " --expect-body-pattern 'a|b'"),
        ({"platform": "linux/arm64", "builder": "classic"}, " --platform linux/arm64 --builder classic"),
        ({"timeout_s": 6.5}, " --timeout 6.5"),
        ({"env": {"B": "1", "A": "x y"}}, " --env 'A=x y' --env B=1"),
        ({"env": {"DB_PASSWORD": "correct-horse-battery"}}, " --env DB_PASSWORD"),
        ({"build_args": {"V": "3.11"}}, " --build-arg V=3.11"),
        ({"health": True}, " --health"),
        (
            {
                "build": BuildOptions(
                    secrets=(Secret("token", b"hunter2"),),
                    ssh=(SshSource("default"), SshSource("key", keys=("a", "b"))),
                    contexts=(("lib", Path("../lib")),),
                    network="none",
                    add_hosts=(("db", "10.0.0.1"),),
                    shm_size=64,
                    ulimits=("nofile=1:2",),
                    cache_from=(CacheEntry(type="registry", attributes=(("ref", "x"),)),),
                )
            },
            " --build-context lib=../lib --secret id=token,src=FILE --ssh default --ssh key=a,b --network none"
            " --add-host db:10.0.0.1 --shm-size 64 --ulimit nofile=1:2 --cache-from type=registry,ref=x",
        ),
    ],
)
def test_what_differs_is_said(changes: dict[str, object], options: str) -> None:
    """Only what is not as by itself; a secret is taken from the environment."""
    assert told(**changes) == f"imgcompare mend Dockerfile{options}"


def test_a_stage_is_named() -> None:
    """As on the command line; what a shell would take apart is quoted."""
    assert told(Source(dockerfile="my app/Dockerfile", target="dev")) == "imgcompare mend 'my app/Dockerfile:dev'"
