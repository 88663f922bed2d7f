"""What the Tab key completes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.shell_completion import ShellComplete

from imgcompare.cli.main import cli
from imgcompare.reports import store
from tests.support import reports

if TYPE_CHECKING:
    from tests.support.projects import Offline


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with Dockerfiles, a saved run and a configuration, which is the current one."""
    monkeypatch.chdir(tmp_path)
    saved = reports.report(reports.variant("single-stage"), reports.variant("multi-stage"))
    store.save(saved, store.prepare(tmp_path), "20260102T030405678-abcdef")
    for name in ("Dockerfile", "Dockerfile.slim", "docker/Dockerfile"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("FROM scratch\n")
    (tmp_path / "imgcompare.toml").write_text('[comparisons.web]\nvariants = ["Dockerfile"]\n[comparisons.jobs]\n')
    return tmp_path


def completed(*words: str) -> list[str]:
    """What is offered for the last word; paths, which the shell finds itself, are one entry."""
    *before, last = words
    found = ShellComplete(cli, {}, "imgcompare", "_IMGCOMPARE_COMPLETE").get_completions(before, last)
    return ["(paths)" if item.type == "file" else item.value for item in found]


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("sc", ["scenarios", "schema"]),
        ("run --expect-b", ["--expect-body", "--expect-body-pattern"]),
        ("run Dock", ["(paths)"]),
        ("run slim=Dock", ["slim=Dockerfile", "slim=Dockerfile.slim"]),
        ("run slim=d", ["slim=docker/"]),
        ("run slim=docker/", ["slim=docker/Dockerfile"]),
        ("run slim=[", []),
        ("run =", ["(paths)"]),
        ("run --scenario full", ["full-to-slim"]),
        ("run --comparison w", ["web"]),
        ("run --baseline s", ["single-stage"]),
        ("run --against 2", ["(paths)", "20260102T030405678-abcdef"]),
        ("diff m", ["(paths)", "multi-stage"]),
        ("diff single-stage m", ["(paths)", "multi-stage"]),
        ("inspect s", ["(paths)", "single-stage"]),
        ("report 2", ["(paths)", "20260102T030405678-abcdef"]),
        ("explain no-", ["no-command", "no-port", "no-healthcheck", "no-expose"]),
    ],
)
def test_completion(project: Path, words: str, offered: list[str]) -> None:
    """Commands, options, Dockerfiles after their name too, scenarios, comparisons, variants, runs and codes."""
    assert completed(*words.split(" ")) == offered


@pytest.mark.parametrize("words", ["diff m", "inspect m", "run --baseline m", "run --comparison w"])
def test_completion_of_what_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: str
) -> None:
    """Nothing is offered but paths, and nothing is said, without any report and with damaged files."""
    monkeypatch.chdir(tmp_path)
    nothing = completed(*words.split(" "))
    store.prepare(tmp_path).joinpath("20260102T030405678-abcdef.json").write_text("{")
    (tmp_path / "imgcompare.toml").write_text("[")
    assert [name for name in completed(*words.split(" ")) if name != "(paths)"] == []
    assert [name for name in nothing if name != "(paths)"] == []
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_each_shell_gets_its_script_where_it_looks(offline: Offline, shell: str) -> None:
    """``install`` writes what ``show`` prints, below the user's own folders, and says what is left to do."""
    shown = offline("completion", "show", shell)
    done = offline("completion", "install", SHELL=f"/usr/bin/{shell}")
    file = Path(done.stdout.splitlines()[0].removeprefix("Wrote ").removesuffix("."))
    assert (done.returncode, file.is_relative_to(offline.folder / "home")) == (0, True)
    assert file.read_text(encoding="utf-8") == shown.stdout
    assert "_IMGCOMPARE_COMPLETE" in shown.stdout
    assert len(done.stdout.splitlines()) == 2


def test_bash_completes_with_what_was_installed(offline: Offline) -> None:
    """The script works in the shell that it is for."""
    program = Path(sys.executable).parent / "imgcompare"
    script = offline("completion", "show", "bash").stdout
    ask = f"{script}\nCOMP_WORDS=(imgcompare rep); COMP_CWORD=1; _imgcompare_completion imgcompare"
    ask += '; echo "${COMPREPLY[@]}"'
    path = f"{program.parent}:{offline.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", ask], env=offline.environ | {"PATH": path}, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "report"


def test_an_unknown_shell_is_asked_for(offline: Offline) -> None:
    """Nothing is written for a shell that nobody named."""
    done = offline("completion", "install", SHELL="/bin/ksh")
    assert (done.returncode, "which shell is meant is not known" in done.stderr) == (2, True)
