"""What Compose resolved becomes what holds for every variant, and a file in which nothing is shared."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from imgcompare.engine.interface import GROUP_LABEL, RUN_LABEL, SERVICE_LABEL
from imgcompare.engine.options import Healthcheck, Mount
from imgcompare.errors import UsageError
from imgcompare.services.composed import choose_service, read_service, seconds
from imgcompare.services.project_file import project_file

FILE = Path("compose.yaml")
BUILD = {"context": "/shop", "dockerfile": "Dockerfile"}


def resolved(**services: dict[str, Any]) -> dict[str, Any]:
    """A file as ``docker compose config --format json`` prints it."""
    return {"name": "shop", "services": services}


def test_everything_that_holds_for_the_service_holds_for_a_variant() -> None:
    """Each setting keeps its meaning in docker's own words; what is published is asked, and doubled dollars are one."""
    web = {
        "build": {
            **BUILD,
            "target": "prod",
            "args": {"A": "1", "B": None},
            "secrets": [{"source": "token"}],
            "ssh": ["default"],
            "shm_size": "67108864",
            "ulimits": {"nofile": 3},
        },
        "command": ["gunicorn", "$$APP"],
        "entrypoint": ["/enter.sh"],
        "environment": {"URL": "postgres://u:p$$w@db/x", "EMPTY": "", "UNSET": None},
        "ports": [
            {"target": 5000, "published": "80", "protocol": "tcp"},
            {"target": 53, "protocol": "udp"},
            {"target": 5000, "protocol": "tcp"},
        ],
        "expose": ["6000"],
        "user": "1000",
        "working_dir": "/w",
        "tmpfs": ["/tmp:size=64m", "/run"],
        "read_only": True,
        "cap_add": ["NET_BIND_SERVICE"],
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "mem_limit": "268435456",
        "cpus": 0.5,
        "platform": "linux/amd64",
        "pids_limit": 100,
        "shm_size": "67108864",
        "extra_hosts": ["a.example=10.0.0.1"],
        "init": True,
        "stop_signal": "SIGINT",
        "ulimits": {"nofile": {"soft": 1, "hard": 2}, "nproc": 3},
        "sysctls": {"net.core.somaxconn": "1024"},
        "healthcheck": {"test": ["CMD-SHELL", "curl x"], "interval": "1m30s", "timeout": "5s", "retries": 4},
        "volumes": [
            {"type": "volume", "source": "data", "target": "/data"},
            {"type": "bind", "source": "/shop/src", "target": "/src"},
            {"type": "tmpfs", "target": "/scratch", "tmpfs": {"size": "64"}},
        ],
        "secrets": [{"source": "token", "target": "/run/secrets/token"}],
        "networks": {"back": {"aliases": ["shop"]}},
    }
    file = {**resolved(web=web), "secrets": {"token": {"file": "/shop/token"}}}
    found = read_service(file, FILE, "web")
    build, options = found.build, found.options
    assert (build.path, build.target, build.args) == (Path("/shop/Dockerfile"), "prod", {"A": "1"})
    assert build.secrets == ("id=token,src=/shop/token",)
    assert (build.ssh, build.shm_size, build.ulimits) == (("default",), "67108864", ("nofile=3:3",))
    assert found.platform == "linux/amd64"
    assert found.environment == {"URL": "postgres://u:p$w@db/x", "EMPTY": ""}
    assert (found.ports, found.unmounted, dict(found.needs)) == ((5000,), ("/src",), {})
    assert (options.command, options.entrypoint) == (("gunicorn", "$APP"), ("/enter.sh",))
    assert (options.user, options.working_dir, options.read_only, options.init) == ("1000", "/w", True, True)
    assert options.tmpfs == (("/tmp", "size=64m"), ("/run", ""), ("/scratch", "size=64"))
    assert (options.cap_add, options.cap_drop) == (("NET_BIND_SERVICE",), ("ALL",))
    assert (options.memory_bytes, options.cpus, options.pids_limit, options.shm_size) == (1 << 28, 0.5, 100, 1 << 26)
    assert (options.extra_hosts, options.stop_signal) == (("a.example:10.0.0.1",), "SIGINT")
    assert options.ulimits == (("nofile", 1, 2), ("nproc", 3, 3))
    assert options.healthcheck == Healthcheck(
        command=("/bin/sh", "-c", "curl x"), timeout_s=5, interval_s=90, retries=4
    )
    assert options.aliases == ("web", "shop")
    token = Mount("/run/secrets/token", "bind", "/shop/token", read_only=True)
    assert options.mounts == (Mount("/data"), token)
    on_request = read_service(file, FILE, "web", mount=True)
    assert Mount("/src", "bind", "/shop/src", read_only=True) in on_request.options.mounts
    assert on_request.unmounted == ()


@pytest.mark.parametrize(
    ("text", "expected"), [("5s", 5), ("1m30s", 90), ("2h", 7200), ("500ms", 0.5), ("1h2m3s", 3723), ("nonsense", 0)]
)
def test_durations_are_those_of_go(text: str, expected: float) -> None:
    """An interval is never taken for another unit."""
    assert seconds(text) == expected


def test_the_one_service_that_is_built_is_meant() -> None:
    """Of several it is the one that no other needs, and that publishes a port; else nobody guesses."""
    web, worker = {"build": BUILD, "ports": [{"target": 80}]}, {"build": BUILD}
    assert choose_service(resolved(web=web, db={"image": "postgres"}), FILE, None) == "web"
    assert choose_service(resolved(web=web, worker=worker), FILE, None) == "web"
    assert choose_service(resolved(api={**worker, "depends_on": {"db": {}}}, db=worker), FILE, None) == "api"
    assert choose_service(resolved(web=web, tool={**web, "profiles": ["x"]}), FILE, None) == "web"
    assert choose_service(resolved(web=web, api=web), FILE, "api") == "api"


@pytest.mark.parametrize(
    ("services", "named", "message", "hint"),
    [
        ({"a": {"build": BUILD}, "b": {"build": BUILD}}, None, "compose.yaml builds 2 services: a, b", ":a"),
        ({"db": {"image": "x"}}, None, "no service of compose.yaml is built", "build section"),
        ({"db": {"image": "x"}}, "db", "the service 'db' of compose.yaml has no build", "None of its"),
        ({"a": {"build": BUILD}}, "c", "compose.yaml has no service 'c'", "It has: a."),
    ],
)
def test_what_cannot_be_chosen_is_said(services: dict[str, Any], named: str | None, message: str, hint: str) -> None:
    """With the services that there are."""
    with pytest.raises(UsageError) as caught:
        choose_service(resolved(**services), FILE, named)
    assert caught.value.message == message
    assert hint in (caught.value.hint or "")


@pytest.mark.parametrize(
    "reaching",
    [
        {"privileged": True},
        {"network_mode": "host"},
        {"network_mode": "none"},
        {"network_mode": "service:db"},
        {"pid": "host"},
        {"ipc": "host"},
        {"cgroup": "host"},
        {"runtime": "nvidia"},
        {"gpus": [{"count": -1}]},
        {"deploy": {"resources": {"reservations": {"devices": [{"capabilities": ["gpu"]}]}}}},
        {"devices": [{"source": "/dev/kvm"}]},
        {"use_api_socket": True},
        {"provider": {"type": "x"}},
        {"models": {"m": None}},
    ],
)
def test_what_reaches_out_of_its_container_is_refused(reaching: dict[str, Any]) -> None:
    """Neither the service nor a companion gets privileges, or namespaces of the host."""
    with pytest.raises(UsageError, match=r"the service 'web' of compose\.yaml has"):
        read_service(resolved(web={"build": BUILD, **reaching}), FILE, "web")
    web = {"build": BUILD, "depends_on": {"db": {"condition": "service_started"}}}
    found = read_service(resolved(web=web, db={"image": "x", **reaching}), FILE, "web")
    with pytest.raises(UsageError, match=r"the service 'db' of compose\.yaml has"):
        project_file(found, "g", "r", {})


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"volumes_from": ["db"]}, "volumes_from"),
        ({"volumes": [{"type": "image", "source": "x", "target": "/x"}]}, "a volume of type image"),
        ({"secrets": [{"source": "s"}]}, "the external secret s"),
        ({"configs": [{"source": "c"}], "read_only": True}, "the config c beside read_only"),
    ],
)
def test_what_only_compose_or_a_swarm_gives_is_refused(asked: dict[str, Any], told: str) -> None:
    """Nothing that an app may stand on is left out in silence."""
    file = {
        **resolved(web={"build": BUILD, **asked}),
        "secrets": {"s": {"external": True}},
        "configs": {"c": {"content": "x"}},
    }
    with pytest.raises(UsageError, match=re.escape(f"the service 'web' of compose.yaml has {told}")):
        read_service(file, FILE, "web")


def test_a_service_of_the_same_build_is_made_from_the_variant_and_no_other() -> None:
    """Another stage, or a Dockerfile within the file, is another image."""
    inline = {"context": "/shop", "dockerfile": "Dockerfile", "dockerfile_inline": "FROM x"}
    needs: dict[str, Any] = {"depends_on": {"migrate": {}, "stage": {}, "inline": {}}}
    services = {"migrate": {"build": BUILD}, "stage": {"build": {**BUILD, "target": "a"}}, "inline": {"build": inline}}
    assert read_service(resolved(web={"build": BUILD, **needs}, **services), FILE, "web").own == ("migrate",)


def test_what_a_service_needs_comes_with_it_and_nothing_else() -> None:
    """depends_on with conditions, links, hosts that variables name, and theirs in turn; what needs the app is not."""
    found = read_service(
        resolved(
            web={
                "build": BUILD,
                "depends_on": {
                    "db": {"condition": "service_healthy"},
                    "migrate": {"condition": "service_completed_successfully"},
                },
                "links": ["cache:redis"],
                "environment": {"BROKER": "amqp://u:p@mq:5672/", "SEARCH": "search", "WORD": "adminer!"},
            },
            db={"image": "postgres:15"},
            migrate={"build": BUILD, "depends_on": {"db": {"condition": "service_started"}}},
            seed={"image": "x", "depends_on": {"migrate": {}}},
            cache={"image": "redis:7", "depends_on": {"sentinel": {}, "seed": {}}},
            sentinel={"image": "redis:7"},
            mq={"image": "rabbitmq"},
            search={"image": "elastic"},
            adminer={"image": "adminer", "depends_on": {"web": {}}},
        ),
        FILE,
        "web",
    )
    assert found.needs == {
        **dict.fromkeys(("mq", "search", "cache", "seed", "sentinel"), "service_started"),
        "db": "service_healthy",
        "migrate": "service_completed_successfully",
    }
    assert found.own == ("migrate",)
    assert set(found.later) == {"migrate", "seed", "cache"}
    assert set(found.first) == {"mq", "search", "db", "sentinel"}


def test_companions_start_after_those_they_depend_on_and_the_strictest_wait_counts() -> None:
    """A migration that needs the database healthy has everybody wait for that."""
    healthy, started = {"condition": "service_healthy"}, {"condition": "service_started"}
    found = read_service(
        resolved(
            web={"build": BUILD, "depends_on": {"seed": started, "db": started, "cache": started}},
            seed={"image": "x", "depends_on": {"migrate": {"condition": "service_completed_successfully"}}},
            migrate={"image": "x", "depends_on": {"db": healthy}},
            db={"image": "postgres"},
            cache={"image": "redis"},
        ),
        FILE,
        "web",
    )
    assert list(found.waves(found.first)) == [("db", "cache"), ("migrate",), ("seed",)]
    assert (found.needs["db"], found.needs["migrate"]) == ("service_healthy", "service_completed_successfully")
    made = project_file(found, "g", "r", {})["services"]
    assert [name for name, service in made.items() if "depends_on" in service] == []


def test_a_companion_is_optional_where_nobody_requires_it() -> None:
    """``required: false`` counts only if no other service asks for it without."""
    either = {"condition": "service_started", "required": False}
    asked = {"cache": either, "db": either, "mq": {"condition": "service_started"}}
    services: dict[str, dict[str, Any]] = {
        "cache": {"image": "x"},
        "db": {"image": "x"},
        "mq": {"image": "x", "depends_on": {"db": {}}},
    }
    found = read_service(resolved(web={"build": BUILD, "depends_on": asked}, **services), FILE, "web")
    assert found.optional == {"cache"}


def test_nothing_of_a_project_is_shared(tmp_path: Path) -> None:
    """Ports, names, networks and volumes are the project's own; a bind mount is read-only, and never a database."""
    init, state = tmp_path / "init.sql", tmp_path / "state"
    init.touch()
    state.mkdir()
    db = {
        "image": "postgres:15",
        "container_name": "shop-db",
        "ports": [{"target": 5432, "published": "5432"}],
        "environment": {"PASSWORD": "a$$b"},
        "restart": "always",
        "networks": {"back": {"ipv4_address": "10.1.1.1", "aliases": ["pg"]}},
        "healthcheck": {"test": ["CMD", "pg_isready"]},
        "deploy": {"replicas": 3, "resources": {"limits": {"memory": "1000"}}},
        "volumes": [
            {"type": "volume", "source": "pg", "target": "/var/lib/postgresql"},
            {"type": "bind", "source": str(init), "target": "/docker-entrypoint-initdb.d/init.sql"},
            {"type": "bind", "source": str(state), "target": "/var/lib/postgresql/data"},
            {"type": "bind", "source": str(tmp_path), "target": "/docker-entrypoint-initdb.d"},
            {"type": "bind", "source": str(tmp_path / "missing"), "target": "/conf"},
            {"type": "bind", "source": "/dev/null", "target": "/var/run/docker.sock"},
        ],
    }
    web = {"build": BUILD, "depends_on": {"db": {"condition": "service_healthy"}}, "links": ["db:database"]}
    file = {**resolved(web=web, db=db), "volumes": {"pg": {"name": "precious", "external": True}}}
    made = project_file(read_service(file, FILE, "web"), "group", "run", {})
    labels = {GROUP_LABEL: "group", RUN_LABEL: "run"}
    bind = {"type": "bind", "read_only": True}
    assert made == {
        "name": "group",
        "services": {
            "db": {
                "image": "postgres:15",
                "environment": {"PASSWORD": "a$$b"},
                "healthcheck": {"test": ["CMD", "pg_isready"]},
                "deploy": {"resources": {"limits": {"memory": "1000"}}},
                "labels": {**labels, SERVICE_LABEL: "db"},
                "networks": {"default": {"aliases": ["db", "shop-db", "pg", "database"]}},
                "volumes": [
                    {"type": "volume", "source": "pg", "target": "/var/lib/postgresql"},
                    {**bind, "source": str(init), "target": "/docker-entrypoint-initdb.d/init.sql"},
                    {"type": "volume", "target": "/var/lib/postgresql/data"},
                    {**bind, "source": str(tmp_path), "target": "/docker-entrypoint-initdb.d"},
                    {"type": "volume", "target": "/conf"},
                    {"type": "volume", "target": "/var/run/docker.sock"},
                ],
            }
        },
        "networks": {"default": {"name": "group", "labels": labels}},
        "volumes": {"pg": {"labels": labels}},
    }
