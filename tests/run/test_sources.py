"""What of a project makes a watched run begin anew, and what does not."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from imgcompare.config.model import Config
from imgcompare.config.variants import VariantSpec
from imgcompare.engine.options import VARIANT, BuildOptions, CacheEntry, Mount, RunOptions
from imgcompare.run.sources import Sources, changed, look, sources_of


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A context with what its .dockerignore leaves out, and Dockerfiles in it and beside it."""
    app = tmp_path / "app"
    for folder in (app / "src", app / "node_modules", tmp_path / "docker", app / ".imgcompare" / "runs"):
        folder.mkdir(parents=True)
    (app / "src" / "app.py").write_text("1")
    (app / "node_modules" / "x.js").write_text("1")
    (app / ".dockerignore").write_text("node_modules\n*.log\nDockerfile\n")
    (app / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    (tmp_path / "docker" / "slim.Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    return tmp_path


def sources(project: Path) -> Sources:
    """Those of a comparison whose file may still be written."""
    files = (project / "app" / "Dockerfile", project / "docker" / "slim.Dockerfile")
    specs = tuple(VariantSpec(name=file.stem, dockerfile=file) for file in files)
    config = Config(scenario="shop", context=project / "app", variants=specs)
    mounts = (Mount("/data", "bind", str(project / "app" / "data")), Mount("/v"))
    caches = (CacheEntry(type="local", attributes=(("dest", f"{project}/app/cache-{VARIANT}"),)),)
    config = replace(config, options=RunOptions(mounts=mounts), build=BuildOptions(cache_to=caches))
    return sources_of([config], [project / "imgcompare.toml"], project / "app" / ".imgcompare")


@pytest.mark.parametrize(
    "path",
    [
        "app/src/app.py",
        "app/src/new.py",
        "app/Dockerfile",
        "docker/slim.Dockerfile",
        "imgcompare.toml",
        "app/.dockerignore",
    ],
)
def test_what_a_run_is_made_from_counts(project: Path, path: str) -> None:
    """Files that COPY sees, those not yet there, Dockerfiles wherever they are, settings, rules."""
    watched = sources(project)
    before = look(watched)
    (project / path).write_text("FROM scratch\nCOPY . /srv\n" if path.endswith("Dockerfile") else "node_modules\n# 2\n")
    assert str(project / path) in changed(before, look(watched))


@pytest.mark.parametrize(
    "path",
    [
        "app/node_modules/x.js",
        "app/node_modules/y.js",
        "app/a.log",
        "app/.imgcompare/runs/1.json",
        "app/data/db",
        "app/cache-Dockerfile/index.json",
        "docker/x",
    ],
)
def test_what_it_leaves_out_or_writes_does_not(project: Path, path: str) -> None:
    """What .dockerignore names, saved reports, folders that the app may write to, and what is beside a Dockerfile."""
    for folder in ("data", "cache-Dockerfile"):
        (project / "app" / folder).mkdir()
    watched = sources(project)
    before = look(watched)
    (project / path).write_text("2")
    assert changed(before, look(watched)) == []


def test_a_dockerfile_that_goes_and_comes_back_is_seen(project: Path) -> None:
    """Editors write a file beside it and rename that: nothing fails in between."""
    watched = sources(project)
    before = look(watched)
    file = project / "docker" / "slim.Dockerfile"
    content = file.read_text()
    file.unlink()
    between = look(watched)
    assert changed(before, between) == [str(file)]
    file.write_text(content)
    assert str(file) in changed(between, look(watched))


def test_rules_that_leave_out_more_are_a_change(project: Path) -> None:
    """What was sent and is not any more came or went, too."""
    watched = sources(project)
    before = look(watched)
    (project / "app" / ".dockerignore").write_text("node_modules\n*.log\nDockerfile\nsrc\n")
    assert str(project / "app" / "src" / "app.py") in changed(before, look(watched))
