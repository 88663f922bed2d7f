"""``imgcompare init`` and ``config`` without an engine: what is written and shown, and what is refused."""

from __future__ import annotations

import hashlib
import json
import tomllib
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from imgcompare.model import Source, Variant
from imgcompare.reports.store import prepare, save
from tests.support.reports import report, variant
from tests.support.schemas import Schema

if TYPE_CHECKING:
    from tests.support.projects import Offline

DOCKERFILE = "FROM python:3.11-slim\nCOPY app.py /\nEXPOSE 8000\nCMD python /app.py\n"


@pytest.fixture
def shop(offline: Offline) -> Offline:
    """A project with two Dockerfiles."""
    (offline.folder / "app.py").touch()
    (offline.folder / "Dockerfile").write_text(DOCKERFILE)
    (offline.folder / "slim.Dockerfile").write_text(DOCKERFILE)
    return offline


def test_a_file_is_written_once(shop: Offline) -> None:
    """It says what it wrote and what is next; what is there stays, byte by byte, unless --force says otherwise."""
    done = shop("init")
    assert (done.returncode, done.stdout) == (0, "")
    name = shop.folder.name
    assert done.stderr == (
        "Wrote imgcompare.toml: 2 variants.\n"
        f"{name}: Dockerfile (Dockerfile), slim (slim.Dockerfile)\n"
        "Next: imgcompare run\n"
    )
    written = shop.folder / "imgcompare.toml"
    written.write_text(written.read_text() + "# mine\n")
    refused = shop("init")
    assert refused.returncode == 2
    assert refused.stderr == (
        "Error: imgcompare.toml is there already; nothing was written\nNext: --force writes over it.\n"
    )
    assert "# mine" in written.read_text()
    assert shop("init", "--force").returncode == 0
    assert "# mine" not in written.read_text()


def test_what_was_measured_of_these_dockerfiles_becomes_a_limit(shop: Offline) -> None:
    """Of the smallest that works, a tenth above what it adds to its base; what was measured of other files is none."""
    slim = shop.folder / "slim.Dockerfile"
    slim.write_text(slim.read_text() + "USER app\n")
    run = report(of_file(shop, "Dockerfile", 900_000_000, 9), of_file(shop, "slim.Dockerfile", 270_000_000, 37_364_224))
    save(run, prepare(shop.folder), "20260101T000000000-aaaaaa")
    done = shop("init", "--ci", "github")
    assert "slim may add 42 MB to its base image; 37.4 MB now.\n" in done.stderr
    assert done.stderr.endswith(
        "Next: imgcompare run, and commit these files: the job does the same for every pull request\n"
    )
    settings = shop.folder / "imgcompare.toml"
    assert tomllib.loads(settings.read_text())["gates"] == {"max_own_size": "slim=42MB"}
    slim.write_text(slim.read_text() + "CMD true\n")
    (shop.folder / "Dockerfile").unlink()
    assert shop("init", "--force").returncode == 0
    assert tomllib.loads(settings.read_text())["gates"] == {}


def of_file(project: Offline, name: str, size: int, own_size: int) -> Variant:
    """A variant that was built from a file as it is now."""
    digest = f"sha256:{hashlib.sha256((project.folder / name).read_bytes()).hexdigest()}"
    source = Source(dockerfile=name, dockerfile_digest=digest, context=".")
    return replace(variant(name, size, own_size=own_size), source=source)


def test_of_several_comparisons_each_has_its_limit(shop: Offline) -> None:
    """In its own table, which reads back."""
    web = shop.folder / "web"
    web.mkdir()
    (web / "app.py").touch()
    (web / "Dockerfile").write_text(DOCKERFILE.replace("CMD", "USER app\nCMD"))
    measured = of_file(shop, "web/Dockerfile", 100, 1)
    run = report(replace(measured, source=replace(measured.source, context="web")))
    save(run, prepare(shop.folder), "20260101T000000000-aaaaaa")
    assert shop("init").returncode == 0
    read = tomllib.loads((shop.folder / "imgcompare.toml").read_text())
    assert read["comparisons"]["web"]["gates"] == {"max_own_size": "Dockerfile=1MB"}
    assert shop("config", "--comparison", "web").returncode == 0


def test_a_compose_file_that_is_left_aside_is_told(shop: Offline) -> None:
    """Whoever has one expects that it has a part in this."""
    (shop.folder / "docker-compose.yml").write_text("web:\n  build: .\n")
    done = shop("init")
    assert done.returncode == 0
    assert "\ndocker-compose.yml is left aside: Compose does not take docker-compose.yml: " in done.stderr


def test_the_schema_is_written_for_editors(shop: Offline) -> None:
    """The file names it in the first line, and is valid by it; neither is written over, nor named where it is not."""
    assert shop("init", "--schema").returncode == 0
    written, schema = shop.folder / "imgcompare.toml", shop.folder / "imgcompare.schema.json"
    assert written.read_text().startswith("#:schema ./imgcompare.schema.json\n# What is compared")
    assert schema.read_text() == shop("schema", "--config").stdout
    Schema(json.loads(schema.read_text())).validate(tomllib.loads(written.read_text()))
    written.unlink()
    refused = shop("init", "--schema")
    assert refused.returncode == 2
    assert "imgcompare.schema.json is there already; nothing was written" in refused.stderr
    assert not written.exists()
    assert shop("init").returncode == 0
    assert "#:schema" not in written.read_text()


def test_settings_in_pyproject_are_not_put_out_of_use(shop: Offline) -> None:
    """Two files of settings in one folder would leave the older without a word."""
    (shop.folder / "pyproject.toml").write_text('[tool.imgcompare]\nvariants = ["Dockerfile"]\n')
    done = shop("init")
    assert done.returncode == 2
    assert "pyproject.toml has [tool.imgcompare] already; nothing was written" in done.stderr
    assert not (shop.folder / "imgcompare.toml").exists()


@pytest.mark.parametrize(
    ("forge", "path"),
    [("github", ".github/workflows/imgcompare.yml"), ("gitlab", ".gitlab/imgcompare.gitlab-ci.yml")],
)
def test_a_job_is_added_to_a_project_that_has_its_settings(shop: Offline, forge: str, path: str) -> None:
    """The settings stay; the job is written once, too."""
    assert shop("init").returncode == 0
    before = (shop.folder / "imgcompare.toml").stat()
    done = shop("init", "--ci", forge)
    assert done.returncode == 0, done.stderr
    assert f"imgcompare.toml stays as it is.\nWrote {path}.\n" in done.stderr
    assert (shop.folder / "imgcompare.toml").stat().st_mtime_ns == before.st_mtime_ns
    assert "imgcompare run --all" in (shop.folder / path).read_text()
    again = shop("init", "--ci", forge)
    assert (again.returncode, f"{path} is there already" in again.stderr) == (2, True)


def test_a_project_elsewhere_is_named(shop: Offline) -> None:
    """What is next is said so that it can be typed."""
    for service in ("web", "api"):
        (shop.folder / "services" / service).mkdir(parents=True)
        (shop.folder / "services" / service / "app.py").touch()
        (shop.folder / "services" / service / "Dockerfile").write_text(DOCKERFILE.replace("EXPOSE 8000\n", ""))
    done = shop("init", "services")
    assert done.returncode == 0
    assert done.stderr == (
        "Wrote services/imgcompare.toml: 2 comparisons with 2 variants.\n"
        "api: Dockerfile (api/Dockerfile)\n"
        "api: set container_port, for the port of api/Dockerfile is not clear.\n"
        "web: Dockerfile (web/Dockerfile)\n"
        "web: set container_port, for the port of web/Dockerfile is not clear.\n"
        "Next: cd services && imgcompare run --all\n"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["home"], "there is no Dockerfile in "),
        (["none"], "none is no folder"),
        (["Dockerfile"], "Dockerfile is no folder"),
        (["--ci", "jenkins"], "'jenkins' is not one of 'github', 'gitlab'"),
    ],
)
def test_nothing_is_written_where_nothing_can_be(shop: Offline, arguments: list[str], message: str) -> None:
    """The reason is named, with exit code 2."""
    done = shop("init", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert not (shop.folder / "imgcompare.toml").exists()


def test_a_folder_that_cannot_be_written_is_named(shop: Offline) -> None:
    """A file where the CI's folder should be."""
    (shop.folder / ".github").write_text("")
    done = shop("init", "--ci", "github")
    assert done.returncode == 2
    assert "cannot make .github/workflows: " in done.stderr


def test_settings_are_shown_with_who_gave_them(shop: Offline) -> None:
    """Flag before environment, environment before file; what may be a secret is not shown."""
    (shop.folder / "imgcompare.toml").write_text(
        'route = "/file"\ntimeout = 5\nexpect_status = 201\nenv = ["TOKEN", "A=1"]\nvariants = ["Dockerfile"]\n'
        "gates = { max_layers = 9, must_work = true }\n"
    )
    environ = {"IMGCOMPARE_ROUTE": "/env", "IMGCOMPARE_TIMEOUT": "7", "IMGCOMPARE_PULL": "1", "TOKEN": "s3cret"}
    page = shop("config", "--route", "/flag", "-e", "B=s3cret", **environ)
    assert page.returncode == 0, page.stderr
    lines = {tuple(line.split("  ")[0::1]) for line in page.stdout.splitlines()}
    shown = {line[0]: " ".join(filter(None, (part.strip() for part in line[1:]))) for line in lines}
    assert {
        key: shown[key] for key in ("route", "timeout", "expect_status", "pull", "env.TOKEN", "env.A", "env.B")
    } == {
        "route": "/flag --route",
        "timeout": "7 IMGCOMPARE_TIMEOUT",
        "expect_status": "201 imgcompare.toml:3",
        "pull": "true IMGCOMPARE_PULL",
        "env.TOKEN": "(not shown) imgcompare.toml:4",
        "env.A": "1 imgcompare.toml:4",
        "env.B": "(not shown) --env",
    }
    assert shown["variants.Dockerfile"] == "Dockerfile imgcompare.toml:5"
    assert shown["gates.must_work"] == "all imgcompare.toml:6"
    assert shown["container_port"] == "from EXPOSE default"
    assert page.stderr == ""
    told = shop("config", "--json", **environ)
    assert "s3cret" not in page.stdout + told.stdout
    (comparison,) = json.loads(told.stdout)["comparisons"]
    settings = {each.pop("key"): each for each in comparison["settings"]}
    assert settings["route"] == {"value": "/env", "source": "environment", "where": "IMGCOMPARE_ROUTE", "hidden": False}
    assert settings["env.TOKEN"] == {"value": None, "source": "file", "where": "imgcompare.toml:4", "hidden": True}
    assert settings["gates.max_layers"]["value"] == ["9"]
    assert settings["keep"] == {"value": False, "source": "default", "where": "", "hidden": False}


def test_all_comparisons_are_shown_where_none_is_chosen(shop: Offline) -> None:
    """What would run with --all; with a choice, what that would run."""
    (shop.folder / "imgcompare.toml").write_text(
        '[comparisons.a]\nvariants = ["Dockerfile"]\n[comparisons.b]\nvariants = ["slim.Dockerfile"]\n'
    )

    def names(*arguments: str) -> list[str]:
        done = shop("config", "--json", *arguments)
        assert done.returncode == 0, done.stderr
        return [each["name"] for each in json.loads(done.stdout)["comparisons"]]

    assert names() == ["a", "b"]
    assert names("--comparison", "b") == ["b"]
    assert names("--all", "--shard", "1/2") == ["a"]
    assert names("Dockerfile") == ["run"]
    assert names("--scenario", "default") == ["default"]


@pytest.mark.parametrize("command", ["config", "run"])
@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"IMGCOMPARE_JOBS": "many"}, "Invalid value for 'IMGCOMPARE_JOBS' in the environment: 'many' is not"),
        ({"IMGCOMPARE_CONFIG": "none.toml"}, "cannot read none.toml: No such file or directory"),
        ({"IMGCOMPARE_ENV": "A=1 =2"}, "--env '=2' has no name"),
        ({"IMGCOMPARE_ROUTE": "nowhere"}, "the route 'nowhere' is no path"),
    ],
)
def test_what_is_wrong_in_the_environment_is_named(
    shop: Offline, command: str, environ: dict[str, str], message: str
) -> None:
    """Nobody looks for a variable that was set long ago."""
    done = shop(command, "Dockerfile", **environ)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr


def test_a_variable_that_is_nearly_one_of_ours_is_asked_about(shop: Offline) -> None:
    """A misspelled limit would hold nothing; what else is named so is nobody's business."""
    (shop.folder / "imgcompare.toml").write_text('variants = ["Dockerfile"]\n')
    shown = shop("config", IMGCOMPARE_MAX_SISE="1MB", IMGCOMPARE_TEST_HOST="x", IMGCOMPARE_OTHER="y")
    assert shown.returncode == 0
    assert shown.stderr == "IMGCOMPARE_MAX_SISE is not read; did you mean IMGCOMPARE_MAX_SIZE?\n"
    assert "gates" not in shown.stdout
