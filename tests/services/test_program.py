"""Compose itself reads the file: everything its format can do comes out as it means it, and what it refuses is told."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from imgcompare.config.services import read_compose
from imgcompare.errors import UsageError

APP = "services:\n  web:\n    build: .\n"


def test_compose_does_what_is_compose_s(tmp_path: Path) -> None:
    """Variables, .env, env_file, extends, include, profiles and secrets."""
    found = read_compose(str(_written(tmp_path)) + ":web", None, {**os.environ, "FROM_OUTSIDE": "yes"}, mount=False)
    assert found.environment == {"A": "from .env", "B": "default", "C": "yes", "D": "of the base", "E": "a file's"}
    assert found.build.target == "prod"
    assert found.build.secrets == (f"id=token,src={tmp_path / 'token'}",)
    assert dict(found.needs) == {"db": "service_healthy", "tool": "service_started"}
    assert found.ports == (8000,)


def _written(folder: Path) -> Path:
    files = {
        ".env": "NAME=from .env\n",
        "more.env": "E=a file's\n",
        "token": "secret\n",
        "base.yaml": "services:\n  base:\n    environment: {D: of the base}\n    ports: ['8000']\n",
        "db.yaml": "services:\n  db:\n    image: postgres:15\n    healthcheck: {test: pg_isready}\n",
        "compose.yaml": (
            "include: [db.yaml]\n"
            "services:\n"
            "  web:\n"
            "    extends: {file: base.yaml, service: base}\n"
            "    build: {context: ., target: prod, secrets: [token]}\n"
            "    env_file: more.env\n"
            "    environment: {A: '$NAME', B: '${NONE:-default}', C: '${FROM_OUTSIDE}'}\n"
            "    depends_on: {db: {condition: service_healthy}, tool: {condition: service_started}}\n"
            "  tool: {image: tool, profiles: [debug]}\n"
            "secrets: {token: {file: token}}\n"
        ),
    }
    for name, content in files.items():
        (folder / name).write_text(content)
    return folder / "compose.yaml"


@pytest.mark.parametrize(
    ("ports", "expected"),
    [
        ("['5000']", (5000,)),
        ("['80:5000']", (5000,)),
        ("['127.0.0.1:80:5000/tcp']", (5000,)),
        ("['127.0.0.1::5000']", (5000,)),
        ("[{target: 5000, published: '8000-9000', mode: host}]", (5000,)),
        ("['8000-8001:5000-5001']", (5000, 5001)),
        ("['53:53/udp']", ()),
        ("['${PORT:-81}:5000']", (5000,)),
    ],
)
def test_ports_in_every_form(tmp_path: Path, ports: str, expected: tuple[int, ...]) -> None:
    """It is the container's port that is asked, never the published one."""
    found = read_compose(str(_with(tmp_path, f"{APP}    ports: {ports}\n")), None, os.environ, mount=False)
    assert found.ports == expected


def _with(folder: Path, text: str) -> Path:
    (folder / "compose.yaml").write_text(text)
    return folder / "compose.yaml"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("services:\n  web: [\n", "compose.yaml"),
        ("services:\n  web:\n    biuld: .\n", "biuld"),
        ("{}\n", "compose.yaml"),
        (f"{APP}    depends_on: [db]\n  db:\n    image: x\n    depends_on: [web]\n", "cycle"),
        (f"{APP}    depends_on: [nobody]\n", "nobody"),
        (f"{APP}    env_file: missing.env\n", "missing.env"),
        (f"{APP}    environment: {{A: '${{WANTED:?must be set}}'}}\n", "must be set"),
        (f"{APP}    ports: ['many']\n", "many"),
        (f"{APP}    extends: {{file: other.yaml, service: x}}\n", "other.yaml"),
        ("include: [other.yaml]\n" + APP, "other.yaml"),
        ("services:\n  db:\n    image: x\n", "no service of"),
        (f"{APP}  api:\n    build: ./api\n", "builds 2 services"),
        (f"{APP}    privileged: true\n", "privileged"),
        (f"{APP}    depends_on: [db]\n  db:\n    image: x\n    network_mode: host\n", "network_mode"),
    ],
)
def test_a_file_that_cannot_be_is_told_before_anything_is_begun(tmp_path: Path, text: str, told: str) -> None:
    """In Compose's own words, as a mistake of usage."""
    with pytest.raises(UsageError) as caught:
        read_compose(str(_with(tmp_path, text)), None, os.environ, mount=False)
    assert told in caught.value.message
    assert "compose.yaml" in caught.value.message


def test_a_service_can_be_named_after_the_file(tmp_path: Path) -> None:
    """FILE:SERVICE, a folder in the place of its file, and the file alone."""
    two = f"{APP}  api:\n    build: ./api\n"
    file = _with(tmp_path, two)
    assert read_compose(f"{file}:api", None, os.environ, mount=False).service == "api"
    assert read_compose(f"{tmp_path}:web", None, os.environ, mount=False).service == "web"
    with pytest.raises(UsageError, match="there is no compose file"):
        read_compose(str(tmp_path / "other.yaml"), None, os.environ, mount=False)
