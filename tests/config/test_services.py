"""What variants get from a compose file and from --with, --volume and --network, and which goes first."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from imgcompare.config.model import Config
from imgcompare.config.project import DEFAULT, Value
from imgcompare.config.services import with_services
from imgcompare.config.variants import VariantSpec
from imgcompare.engine.options import Mount
from imgcompare.errors import UsageError

COMPOSE = """\
services:
  web:
    build: {context: ., target: prod, args: {A: theirs, B: theirs}}
    environment: {GREETING: theirs, NAME: theirs}
    platform: linux/amd64
    ports: ["80:5000"]
    volumes: ["data:/data", ".:/srv"]
    depends_on: [db]
  db: {image: postgres:16}
  mail: {image: mailpit}
volumes: {data: }
"""


def asked(folder: Path, *, found: bool = True, **values: Any) -> Config:
    """A comparison of the folder's Dockerfile, with what was said beside it."""
    (folder / "Dockerfile").write_text("FROM python AS prod\nFROM python\n")
    config = Config(
        scenario="run",
        context=folder,
        variants=(VariantSpec(name="one", dockerfile=folder / "Dockerfile"),),
        build_args={"A": "ours"},
        env={"NAME": "ours"},
    )
    given = {name: Value(value, DEFAULT) for name, value in values.items()}
    return with_services(config, given, os.environ, folder if found else None)


def test_a_compose_file_of_the_variants_is_taken_up_and_told(tmp_path: Path) -> None:
    """What it says goes below what was said to us; what is left out, and beside what they run, is told."""
    (tmp_path / "compose.yaml").write_text(COMPOSE)
    config = asked(tmp_path, volumes=("/data/cache", f"{tmp_path}:/fixtures"))
    assert config.compose is not None
    assert dict(config.build_args) == {"A": "ours", "B": "theirs"}
    assert dict(config.env) == {"GREETING": "theirs", "NAME": "ours"}
    assert (config.platform, config.container_port, config.variants[0].target) == ("linux/amd64", 5000, "prod")
    fixtures = Mount("/fixtures", "bind", str(tmp_path), read_only=True)
    assert config.options.mounts == (Mount("/data"), Mount("/data/cache"), fixtures)
    assert config.remarks == (
        "compose.yaml: the bind mounts of web are left out (/srv): the image is what is tested. "
        "--bind-mounts has them, read-only.",
        "compose.yaml: the variants run as its service web, each beside its own db. --compose none leaves it aside.",
    )
    assert dict(config.offered) == {"mail": "compose.yaml has it: let web depend on it (depends_on: mail)."}


def test_an_override_is_left_to_those_who_work_on_the_app(tmp_path: Path) -> None:
    """Compose would merge it; that it is not is said."""
    (tmp_path / "compose.yaml").write_text("services:\n  web: {build: .}\n")
    (tmp_path / "compose.override.yml").write_text("services:\n  web: {command: debug}\n")
    config = asked(tmp_path)
    assert config.options.command is None
    assert "compose.override.yml is not read" in config.remarks[-1]


def test_a_file_that_is_found_and_cannot_be_used_is_told_and_passed_over(tmp_path: Path) -> None:
    """Nobody asked for it: the variants run without it, and the failure of one knows which services it has."""
    (tmp_path / "compose.yaml").write_text("services:\n  a: {build: ./a}\n  b: {build: ./b}\n  db: {image: x}\n")
    config = asked(tmp_path)
    assert config.compose is None
    assert "builds 2 services: a, b: the variants run without it" in config.remarks[0]
    assert set(config.offered) == {"a", "b", "db"}
    (tmp_path / "compose.yaml").write_text("services: [\n")
    assert "the variants run without it" in asked(tmp_path).remarks[0]


@pytest.mark.parametrize(
    "values", [{"compose": "none"}, {"network": "shop_default"}, {"with": ("db=postgres:16,A=1",)}, {"found": False}]
)
def test_a_compose_file_is_not_looked_for_where_something_else_was_said(tmp_path: Path, values: dict[str, Any]) -> None:
    """Companions come from one place."""
    (tmp_path / "compose.yaml").write_text(COMPOSE)
    config = asked(tmp_path, **values)
    assert (config.compose, config.remarks) == (None, ())
    assert config.companions == ((("db", "postgres:16", {"A": "1"}),) if "with" in values else ())
    assert config.options.network == values.get("network", "")


def test_the_compose_file_of_another_image_is_none_of_ours(tmp_path: Path) -> None:
    """It builds from another folder, by another Dockerfile."""
    (tmp_path / "web").mkdir()
    (tmp_path / "compose.yaml").write_text("services:\n  web: {build: ./web}\n")
    config = asked(tmp_path)
    assert (config.compose, config.remarks) == (None, ())


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"compose": ".", "with": ("db=x",)}, "--compose brings companions and a network of its own"),
        ({"compose": ".", "network": "shop"}, "--compose brings companions and a network of its own"),
        ({"with": ("postgres:16",)}, "names no companion"),
        ({"with": ("db=x,A",)}, "names no companion"),
        ({"with": ("db=x", "db=y")}, "two companions are called 'db'"),
        ({"volumes": ("data",)}, "--volume 'data' is none"),
        ({"volumes": ("./missing:/x",)}, "there is no ./missing"),
        ({"volumes": ("a:/b:wx",)}, "--volume 'a:/b:wx' is none"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path: Path, values: dict[str, Any], message: str) -> None:
    """Before anything is begun, with how to write it."""
    with pytest.raises(UsageError) as caught:
        asked(tmp_path, found=False, **values)
    assert message in caught.value.message
    assert caught.value.hint
