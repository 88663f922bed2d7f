"""Variants with companions on a real engine: one app that writes down what it finds, and services that are an echo."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING, Any

import docker
import pytest

from imgcompare.engine.interface import GROUP_LABEL, VARIANT_LABEL
from imgcompare.scenarios import bundled_root
from tests.support.projects import BASE

if TYPE_CHECKING:
    from tests.support.projects import Project

# It replies with what it finds: its companions' files, its settings, and who it is.
APP = """
import http.server, json, os, sys, urllib.request
def ask(host):
    return urllib.request.urlopen(f"http://{host}:80/", timeout=5).read().decode()
def writable(path):
    try:
        open(path, "w").close()
    except OSError:
        return False
    return True
class App(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        told = {
            "hosts": {host: ask(host) for host in os.environ["HOSTS"].split()}, "argv": sys.argv[1:],
            "uid": os.getuid(), "cwd": os.getcwd(), "greeting": os.environ.get("GREETING"),
            "root": writable("/x"), "tmp": writable("/tmp/x"), "data": writable("/data/x"),
            "note": open("/etc/note").read() if os.path.exists("/etc/note") else None,
            "caps": [line.split()[1] for line in open("/proc/self/status") if line.startswith("CapEff")],
        }
        self.send_response(200); self.end_headers(); self.wfile.write(json.dumps(told).encode())
    log_message = lambda *_: None
http.server.HTTPServer(("", 8000), App).serve_forever()
"""
DOCKERFILE = f"""
FROM {BASE} AS base
COPY app.py /
CMD ["python", "/app.py", "image"]
FROM base AS prod
ENV STAGE=prod
"""
# Whether another companion has been asked before with the same volume.
SERVES = """
import http.server, os
os.makedirs("/state", exist_ok=True)
told = b"used" if os.path.exists("/state/asked") else b"fresh"
class Remembers(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        open("/state/asked", "w").close()
        self.send_response(200); self.end_headers(); self.wfile.write(told)
    log_message = lambda *_: None
server = http.server.HTTPServer(("", 80), Remembers)
print("listening now", flush=True)
server.serve_forever()
"""
COMPOSE = f"""
services:
  web:
    build: {{context: ., target: prod}}
    command: [python, /app.py, compose]
    working_dir: /srv
    user: "1000"
    read_only: true
    tmpfs: [/tmp]
    cap_drop: [ALL]
    environment: {{HOSTS: "db database", GREETING: "$$5"}}
    ports: ["8000"]
    links: ["db:database"]
    depends_on:
      db: {{condition: service_healthy}}
      migrate: {{condition: service_completed_successfully}}
    volumes: [".:/srv/source"]
  db:
    image: {BASE}
    container_name: the-only-one
    command: [python, -c, {json.dumps(SERVES)}]
    ports: ["59187:80"]
    volumes: ["state:/state"]
    healthcheck: {{test: [CMD, python, -c, "import socket; socket.create_connection(('localhost', 80))"]}}
  migrate:
    build: {{context: ., target: prod}}
    command: [python, -c, "import os; assert os.environ['STAGE'] == 'prod'"]
    depends_on: [db]
  never:
    image: {BASE}
    command: [python, -c, "import sys; sys.exit('the never one ran')"]
volumes: {{state: {{name: shared-by-all}}}}
"""


@pytest.fixture
def shop(project: Project) -> Project:
    """A project with a compose file."""
    project.write({"app.py": APP, "Dockerfile": DOCKERFILE, "compose.yaml": COMPOSE})
    return project


def left(client: docker.DockerClient) -> list[str]:
    """What there is of any group on the engine."""
    label: dict[str, Any] = {"label": GROUP_LABEL}
    found = [*client.containers.list(all=True, filters=label), *client.networks.list(filters=label)]
    return [str(each.attrs["Name"]) for each in (*found, *client.volumes.list(filters=label))]


def test_each_variant_takes_the_service_s_place(shop: Project, client: docker.DockerClient) -> None:
    """Settings, target, companions and what has to run before hold for both; nothing is shared, nothing stays."""
    result = shop("run", "one=Dockerfile", "two=Dockerfile", "--json", "--expect-body", '"compose"')
    assert result.code == 0, result.stderr
    assert "compose.yaml: the variants run as its service web" in result.stderr
    assert "the bind mounts of web are left out (/srv/source)" in result.stderr
    for name in ("one", "two"):
        variant = result.variant(name)
        assert variant["source"]["target"] == "prod"
        told = variant["check"]["body_excerpt"]
        for part in ('"db": "fresh"', '"database": "fresh"', '"uid": 1000', '"cwd": "/srv"', '"$5"', '"root": false'):
            assert part in told, told
        assert '"tmp": true' in told
        assert [each["name"] for each in variant["companions"]] == ["db", "migrate"]
    assert [name for name in left(client) if "the-only-one" in name or "shared-by-all" in name] == []


@pytest.mark.parametrize(
    ("text", "told", "logged"),
    [
        (COMPOSE.replace("migrate: {condition", "never: {condition"), "ended with exit code 1", "the never one ran"),
        (COMPOSE.replace("'localhost', 80", "'localhost', 81"), "did not serve within 3 s", "listening now"),
    ],
    ids=["it ends", "it never gets healthy"],
)
def test_a_companion_that_fails_is_no_variant_s_fault(
    shop: Project, client: docker.DockerClient, text: str, told: str, logged: str
) -> None:
    """It is named with its log, no variant is judged, the exit code is not that of success, and nothing stays."""
    shop.write({"compose.yaml": text})
    result = shop("run", "failed=Dockerfile", "--json", "--timeout", "3")
    variant = result.variant("failed")
    assert (result.code, variant["verdict"], variant["failure"]["code"]) == (1, "not_checked", "companion-failed")
    assert told in variant["failure"]["message"]
    assert logged in " ".join(variant["failure"]["evidence"])
    assert [name for name in left(client) if "-failed" in name] == []


def test_a_network_that_exists_is_joined_and_left_as_it_was(shop: Project, client: docker.DockerClient) -> None:
    """--network runs the variants beside what is in it, by its names; it is nobody's to remove."""
    name = f"shop-{shop.folder.name}"
    network = client.networks.create(name)
    there = client.containers.run(BASE, _program(SERVES), name=f"{name}-db", network=name, detach=True)
    try:
        result = shop("run", "Dockerfile:base", "--json", "-e", f"HOSTS={name}-db", "--network", name)
        there.reload()
        network.reload()
        assert (there.status, network.containers) == ("running", [there])
    finally:
        there.remove(force=True)
        network.remove()
    gone = shop("run", "Dockerfile:base", "--network", name, "-q")
    assert (gone.code, gone.stderr.splitlines()[0]) == (2, f"Error: the engine has no network {name}")
    assert result.code == 0, result.stdout
    assert f'"{name}-db": "fresh"' in result.variant("base")["check"]["body_excerpt"]


def test_what_init_writes_runs(shop: Project) -> None:
    """The config that init writes from a compose file is one to run; a text in that is a file in the container."""
    text = COMPOSE.replace("read_only: true", "configs: [{source: note, target: /etc/note}]")
    shop.write({"compose.yaml": text + "configs: {note: {content: '$$5 a cup'}}\n"})
    assert shop("init").code == 0
    result = shop("run", "--json", "--expect-body", '"note": "$5 a cup"')
    assert result.code == 0, result.stdout
    (variant,) = result.report["variants"]
    assert variant["source"]["target"] == "prod"
    assert [each["name"] for each in variant["companions"]] == ["db", "migrate"]


def test_all_of_a_compose_file_holds_for_the_variants(shop: Project, client: docker.DockerClient) -> None:
    """Port, stage, variables of a file, limits, memory for temporary files and the check are the container's own."""
    file = bundled_root() / "dockerfiles/targets/app/compose.yaml"
    slim = f"held={file.parent.parent / 'slim.Dockerfile'}"
    result = shop("run", slim, "--compose", str(file), "--health", "--keep", "--json")
    assert result.code == 0, result.stdout
    variant = result.variant("held")
    assert (variant["source"]["target"], variant["run"]["container_port"]) == ("production", 5000)
    assert variant["run"]["health"] == "healthy"
    (kept,) = client.containers.list(filters={"label": f"{VARIANT_LABEL}=held"})
    host, config = kept.attrs["HostConfig"], kept.attrs["Config"]
    assert (host["ReadonlyRootfs"], host["Tmpfs"], host["CapDrop"]) == (True, {"/tmp": ""}, ["ALL"])
    assert (host["Memory"], host["NanoCpus"], host["PidsLimit"]) == (256 << 20, 1_000_000_000, 100)
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert "GUNICORN_CMD_ARGS=--workers=2 --access-logfile=-" in config["Env"]
    assert (config["Healthcheck"]["Interval"], config["Healthcheck"]["Retries"]) == (5_000_000_000, 3)
    assert shop("clean").code == 0


def test_images_can_be_companions_without_a_compose_file(shop: Project) -> None:
    """--with runs one beside the variant, under its name; --volume gives what can be written to."""
    (shop.folder / "compose.yaml").unlink()
    shop.write({"db/Dockerfile": f"FROM {BASE}\nEXPOSE 80\nCMD {json.dumps(_program(SERVES))}\n"})
    built = shop("run", "db=db/Dockerfile", "--json", "--container-port", "80")
    image = built.variant("db")["image"]["reference"]
    result = shop("run", "Dockerfile:base", "--json", "-e", "HOSTS=db", "--volume", "/data", "--with", f"db={image}")
    assert result.code == 0, result.stdout
    told = result.variant("base")
    assert '"db": "fresh"' in told["check"]["body_excerpt"]
    assert '"data": true' in told["check"]["body_excerpt"]
    assert [each["name"] for each in told["companions"]] == ["db"]


def _program(text: str) -> list[str]:
    return ["python", "-c", text]


def test_what_is_kept_is_ended_by_clean(shop: Project, client: docker.DockerClient) -> None:
    """--keep leaves the variant and its companions up, whatever --runs does after it; clean ends them."""
    result = shop("run", "kept=Dockerfile", "--keep", "--runs", "2", "--json", "--expect-body", '"db": "fresh"')
    assert result.code == 0, result.stderr
    variant = result.variant("kept")
    assert (variant["not_measured"], len(variant["repeated"]["ready_s"]["values"])) == ([], 2)
    assert len([name for name in left(client) if "-kept" in name]) == 4  # two companions, a network, a volume
    assert shop("clean").code == 0
    assert [name for name in left(client) if "-kept" in name] == []
    assert shop.ledgers() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_run_that_is_cut_short_leaves_nothing(
    shop: Project, client: docker.DockerClient, number: signal.Signals
) -> None:
    """A signal removes containers, network and volume at once; what SIGKILL leaves, `clean` does."""
    running = shop.start("run", f"cut{number:d}=Dockerfile")
    running.wait_for("waiting for its companions")
    running.send(number)
    running.end()
    if number == signal.SIGKILL:
        assert shop("clean").code == 0
    assert [name for name in left(client) if f"-cut{number:d}" in name] == []
