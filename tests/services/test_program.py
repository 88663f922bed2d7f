"""Compose itself reads the file: everything its format can do comes out as it means it, and what it refuses is told."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from imgcompare.config.compose_file import read_compose
from imgcompare.engine.options import InnerFile
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
        (f"{APP}    depends_on: [db]\n  db:\n    image: x\n    network_mode: host\n", "network_mode: host"),
        (f"{APP}    environment: {{A: '${{OPEN'}}\n", "invalid interpolation format for services.web.environment.A"),
        (f"{APP}    secrets: [t]\nsecrets: {{t: {{file: missing}}}}\n", "the secret t of 'web'"),
        (f"{APP}    configs: [t]\nconfigs: {{t: {{environment: NOT_SET_HERE}}}}\n", "the variable NOT_SET_HERE"),
        (f"{APP}    secrets: [t]\nsecrets: {{t: {{external: true}}}}\n", "the external secret t"),
        ("services:\n  web:\n    build: https://example.com/shop.git\n", "built from https://example.com/shop.git"),
        (f"{APP}    depends_on: [db]\n  db:\n    build: ./db\n", "db/Dockerfile, which is not on this machine"),
    ],
)
def test_a_file_that_cannot_be_is_told_before_anything_is_begun(tmp_path: Path, text: str, told: str) -> None:
    """In Compose's own words, as a mistake of usage."""
    with pytest.raises(UsageError) as caught:
        read_compose(str(_with(tmp_path, text)), None, os.environ, mount=False)
    assert told in caught.value.message
    assert "compose.yaml" in caught.value.message


def test_a_text_becomes_a_file_in_the_container(tmp_path: Path) -> None:
    """A config written into the file, and a variable of .env or of the environment, as the secret that it is."""
    (tmp_path / ".env").write_text("FROM_FILE=of the file\n")
    text = (
        f"{APP}    secrets: [one, {{source: two, target: /two, mode: 0400}}]\n"
        "    configs: [{source: c, target: /etc/c}]\n"
        "secrets: {one: {environment: FROM_FILE}, two: {environment: FROM_OUTSIDE}}\nconfigs: {c: {content: a $$5}}\n"
    )
    environ = {**os.environ, "FROM_OUTSIDE": "of outside"}
    found = read_compose(str(_with(tmp_path, text)), None, environ, mount=False)
    assert found.options.files == (
        InnerFile("/run/secrets/one", b"of the file"),
        InnerFile("/two", b"of outside", 0o400),
        InnerFile("/etc/c", b"a $5"),
    )
    assert "of the file" not in repr(found)


def test_variables_without_a_value_are_told(tmp_path: Path) -> None:
    """Compose puts nothing in their place, and goes on."""
    text = f"{APP}    environment: {{A: '$NOBODY_SET', B: '${{NOR_THIS}}', C: '${{THIS:-}}'}}\n"
    assert read_compose(str(_with(tmp_path, text)), None, os.environ, mount=False).unset == ("NOBODY_SET", "NOR_THIS")


def test_a_missing_env_file_is_told_with_the_one_that_shows_it(tmp_path: Path) -> None:
    """Most projects have one to copy, as .env itself is kept out of them."""
    file = _with(tmp_path, f"{APP}    env_file: .env\n")
    with pytest.raises(UsageError, match=r"env file .*\.env not found") as caught:
        read_compose(str(file), None, os.environ, mount=False)
    assert caught.value.hint == f"Write it, with the variables that the services need: {tmp_path / '.env'}"
    (tmp_path / ".env.example").write_text("A=1\n")
    with pytest.raises(UsageError) as caught:
        read_compose(str(file), None, os.environ, mount=False)
    assert caught.value.hint == f"The project shows one: cp {tmp_path / '.env.example'} {tmp_path / '.env'}"


def test_a_service_can_be_named_after_the_file(tmp_path: Path) -> None:
    """FILE:SERVICE, a folder in the place of its file, and the file alone."""
    two = f"{APP}  api:\n    build: ./api\n"
    file = _with(tmp_path, two)
    assert read_compose(f"{file}:api", None, os.environ, mount=False).service == "api"
    assert read_compose(f"{tmp_path}:web", None, os.environ, mount=False).service == "web"
    with pytest.raises(UsageError, match="there is no compose file"):
        read_compose(str(tmp_path / "other.yaml"), None, os.environ, mount=False)
