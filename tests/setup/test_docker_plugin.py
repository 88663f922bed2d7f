"""``imgcompare setup --docker-plugin``: what the docker CLI runs as ``docker imgcompare``."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from imgcompare import __version__
from imgcompare.cli.main import cli


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The plugin, installed by the command into a folder of its own."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker config"))
    done = CliRunner().invoke(cli, ["setup", "--docker-plugin"])
    assert done.exit_code == 0, done.output
    file = tmp_path / "docker config" / "cli-plugins" / "docker-imgcompare"
    assert f"Wrote {file}" in done.output
    return file


def called(plugin: Path, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run it as docker does: with everything that follows docker's own name."""
    env = {**os.environ, **environ}
    return subprocess.run([plugin, *words], capture_output=True, text=True, check=False, env=env)


def test_docker_learns_what_it_is(plugin: Path) -> None:
    """The metadata that the CLI asks each plugin for; one that does not answer so is not taken up."""
    told = json.loads(called(plugin, "docker-cli-plugin-metadata").stdout)
    assert (told["SchemaVersion"], told["Vendor"], told["Version"]) == ("0.1.0", "imgcompare", __version__)
    assert plugin.name == "docker-imgcompare"


def test_what_follows_the_name_is_imgcompare_s(plugin: Path, tmp_path: Path) -> None:
    """Whatever lies in the current folder: a module there called imgcompare is not what is meant."""
    (tmp_path / "imgcompare.py").write_text("raise SystemExit(99)")
    done = subprocess.run(
        [plugin, "imgcompare", "--version"], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert (done.returncode, __version__ in done.stdout) == (0, True)


@pytest.mark.parametrize("words", [("--context", "nowhere"), ("--context=nowhere",), ("-c", "nowhere")])
def test_docker_s_own_choice_of_an_engine_counts(plugin: Path, words: tuple[str, ...]) -> None:
    """`docker --context X imgcompare …` means X; a context that does not exist is named."""
    done = called(plugin, *words, "imgcompare", "inspect", "shop:1", DOCKER_HOST="")
    assert (done.returncode, "nowhere" in done.stderr) == (3, True), done.stderr


def test_an_option_of_docker_s_that_means_nothing_here_is_refused(plugin: Path) -> None:
    """Passing over --tls would talk to another engine than was meant."""
    done = called(plugin, "--tls", "imgcompare", "--version")
    assert (done.returncode, "not --tls" in done.stderr) == (2, True)
