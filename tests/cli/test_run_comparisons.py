"""What a bare ``run`` takes, as `imgcompare config` tells it without an engine."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.projects import Offline

DOCKERFILE = "FROM python:3.11-slim\nCOPY app.py /\nEXPOSE 8000\n"


def project(folder: Path, *names: str) -> None:
    """Write an app with Dockerfiles of these names."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "app.py").write_text("", encoding="utf-8")
    for name in names:
        (folder / name).write_text(DOCKERFILE, encoding="utf-8")


def chosen(offline: Offline, *arguments: str) -> dict[str, Any]:
    """The comparisons by name, each with its settings that somebody gave."""
    done = offline("config", "--json", *arguments)
    assert done.returncode == 0, done.stderr
    return {
        each["name"]: {one["key"]: one["value"] for one in each["settings"] if one["source"] != "default"}
        for each in json.loads(done.stdout)["comparisons"]
    }


def test_the_dockerfiles_of_the_folder_are_what_is_compared(offline: Offline) -> None:
    """Where a project has Dockerfiles and no settings, they are taken, and not the bundled app."""
    project(offline.folder, "Dockerfile", "slim.Dockerfile")
    assert chosen(offline) == {
        offline.folder.name: {"variants.Dockerfile": "Dockerfile", "variants.slim": "slim.Dockerfile"}
    }


def test_a_folder_without_dockerfiles_gets_the_bundled_app(offline: Offline) -> None:
    """There, the first run shows what the tool does."""
    assert [*chosen(offline)] == ["default"]


def test_settings_and_scenarios_go_before_what_is_found(offline: Offline) -> None:
    """What somebody wrote or typed is what they mean."""
    project(offline.folder, "Dockerfile")
    assert [*chosen(offline, "--scenario", "slim-to-slim")] == ["slim-to-slim"]
    (offline.folder / "imgcompare.toml").write_text('name = "mine"\nvariants = ["Dockerfile"]\n', encoding="utf-8")
    assert [*chosen(offline)] == ["mine"]


def test_another_folder_can_be_named(offline: Offline) -> None:
    """``run FOLDER`` is ``run`` in that folder, with its context; one without Dockerfiles is told."""
    other = offline.folder / "services/api"
    project(other, "Dockerfile")
    assert chosen(offline, "services/api")["api"]["variants.Dockerfile"] == str(other / "Dockerfile")
    (offline.folder / "empty").mkdir()
    done = offline("run", "empty")
    assert (done.returncode, "there is no Dockerfile in" in done.stderr) == (2, True)


def test_of_several_apps_one_has_to_be_named(offline: Offline) -> None:
    """Two folders with apps of their own are two comparisons, as `init` would write them."""
    project(offline.folder / "a", "Dockerfile")
    project(offline.folder / "b", "Dockerfile")
    done = offline("run")
    assert done.returncode == 2
    assert done.stderr == (
        "Error: this folder has 2 comparisons: a, b\n"
        "Next: Run one or more, `imgcompare run --comparison a`, or all: `imgcompare run --all`\n"
    )


def test_words_that_are_no_commands_are_answered_with_what_was_meant(offline: Offline) -> None:
    """A misspelled command, an option without its dashes, a Dockerfile in the place of a command."""
    project(offline.folder, "Dockerfile")
    for typed, meant in (
        (["rnu", "x"], "`imgcompare run x`"),
        (["help"], "--help"),
        (["version"], "--version"),
        (["Dockerfile", "-q"], "`imgcompare run Dockerfile -q`"),
        (["run", "Dockerfil"], "Dockerfile"),
    ):
        done = offline(*typed)
        assert (done.returncode, f"Did you mean {meant}?" in done.stderr) == (2, True), done.stderr
