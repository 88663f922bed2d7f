"""Variants with companions on a real engine: one app that writes down what it finds, and services that are an echo."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING, Any

import docker
import pytest

from imgcompare.engine.interface import GROUP_LABEL
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
# What a companion has seen of other variants is in its volume: each is asked twice, and answers with a count.
SERVES = """
import http.server
class Counts(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        with open("/state/count", "a+") as file:
            file.write("x"); file.seek(0); told = file.read()
        self.send_response(200); self.end_headers(); self.wfile.write(told[:1].encode())
    log_message = lambda *_: None
http.server.HTTPServer(("", 80), Counts).serve_forever()
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
        for part in ('"db": "x"', '"database": "x"', '"uid": 1000', '"cwd": "/srv"', '"$5"', '"root": false'):
            assert part in told, told
        assert '"tmp": true' in told
        assert [each["name"] for each in variant["companions"]] == ["db", "migrate"]
    assert [name for name in left(client) if "the-only-one" in name or "shared-by-all" in name] == []


def test_a_companion_that_fails_is_no_variant_s_fault(shop: Project) -> None:
    """It is named with its log, the variant is not checked, and the exit code is not that of success."""
    text = COMPOSE.replace("migrate: {condition", "never: {condition")
    shop.write({"compose.yaml": text})
    result = shop("run", "Dockerfile", "--json")
    variant = result.variant("Dockerfile")
    assert (result.code, variant["verdict"], variant["failure"]["code"]) == (1, "not_checked", "companion-failed")
    assert "the never one ran" in " ".join(variant["failure"]["evidence"])


def test_images_can_be_companions_without_a_compose_file(shop: Project) -> None:
    """--with runs one beside the variant, under its name; --volume gives what can be written to."""
    (shop.folder / "compose.yaml").unlink()
    shop.write({"db/Dockerfile": f"FROM {BASE}\nRUN mkdir /state\nEXPOSE 80\nCMD {_as_json(SERVES)}\n"})
    built = shop("run", "db=db/Dockerfile", "--json", "--container-port", "80")
    image = built.variant("db")["image"]["reference"]
    result = shop("run", "Dockerfile:base", "--json", "-e", "HOSTS=db", "--volume", "/data", "--with", f"db={image}")
    assert result.code == 0, result.stdout
    told = result.variant("base")
    assert '"db": "x"' in told["check"]["body_excerpt"]
    assert '"data": true' in told["check"]["body_excerpt"]
    assert [each["name"] for each in told["companions"]] == ["db"]


def _as_json(program: str) -> str:
    return json.dumps(["python", "-c", program])


def test_what_is_kept_is_ended_by_clean(shop: Project, client: docker.DockerClient) -> None:
    """--keep leaves the variant and its companions up, and says how to end them."""
    result = shop("run", "kept=Dockerfile", "--keep", "--json")
    assert result.code == 0, result.stderr
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
