"""action.yml: its steps, run as a runner does, on a real engine, against a stand-in of GitHub's comments."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import Imgcompare
from tests.support.forge import TOKEN, Forge, serving
from tests.support.runner import Job, Runner, event, path_only

ROOT = Path(__file__).parents[2]
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
APP = ROOT / "tests" / "support" / "behaving_app.py"
BASE = "python:3.11-slim"
INSTALL, COMPARE, PUBLISH = "Install imgcompare", "Compare the images", "Publish the report"


@pytest.fixture(scope="module")
def checkout(imgcompare_in: Callable[[Path], Imgcompare], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A project's checkout, in which two stages of one Dockerfile are to be compared; one of another is broken."""
    command = imgcompare_in(tmp_path_factory.mktemp("checkout"))
    shutil.copy(APP, command.project / "app.py")
    head = f"FROM {BASE} AS base\nCOPY app.py /\nEXPOSE 8000\nSTOPSIGNAL SIGKILL\n"
    command.write(
        {
            "Dockerfile": f"{head}FROM base AS fat\nRUN head -c 3000000 /dev/urandom > /fat\n"
            'CMD ["python", "/app.py"]\nFROM base AS slim\nCMD ["python", "/app.py"]\n',
            "broken.Dockerfile": f'{head}CMD ["python", "/app.py", "exits"]\n',
            "imgcompare/__init__.py": "raise SystemExit('the code of the checkout was imported')\n",
        }
    )
    yield command.project
    command("clean")


class Pushed:
    """The action used in a project's checkout, pull request after pull request."""

    def __init__(self, runner: Runner, forge: Forge, folder: Path) -> None:
        self._runner = runner
        self._folder = folder
        self.forge = forge

    def __call__(self, arguments: str, event_: dict[str, str] | None = None, **inputs: str) -> Job:
        """Run it for a pull request, or for another event."""
        named = {name.replace("_", "-"): value for name, value in inputs.items()}
        given = {"arguments": arguments, "python": sys.executable, **named}
        environ = self.forge.github_environ()
        del environ["GITHUB_TOKEN"]  # a step has it only where it is given
        environ |= event(self._folder, {"pull_request": {"number": 7}})
        return self._runner.use(given, environ | (event_ or {}), token=TOKEN)


@pytest.fixture(scope="module")
def machine(checkout: Path, engine_url: str, tmp_path_factory: pytest.TempPathFactory) -> Runner:
    """A runner; the action is installed at its first use."""
    scratch = tmp_path_factory.mktemp("runner")
    environ = {**path_only(), "HOME": str(checkout / "home"), "DOCKER_HOST": engine_url, "PIP_NO_COMPILE": "1"}
    return Runner(ROOT, checkout, scratch, environ)


@pytest.fixture
def pushed(machine: Runner, tmp_path: Path) -> Iterator[Pushed]:
    """The action with an empty pull request."""
    with serving() as forge:
        yield Pushed(machine, forge, tmp_path)


def test_a_pull_request_that_is_fine(pushed: Pushed) -> None:
    """Outputs, the job's summary, the log's table and a comment, which the second push updates."""
    job = pushed("fat=Dockerfile:fat slim=Dockerfile:slim", gates="--min-saving slim=1%")
    assert job.code == 0, job.log
    assert (job.outputs["passed"], job.outputs["smallest"]) == ("true", "slim")
    assert float(job.outputs["saving-percent"]) > 0
    assert int(job.outputs["uncompressed-bytes"]) > int(job.outputs["compressed-bytes"]) > 0
    report = json.loads(Path(job.outputs["report"]).read_bytes())
    assert [variant["name"] for variant in report["variants"]] == ["fat", "slim"]
    assert Path(job.outputs["page"]).read_text(encoding="utf-8").startswith("<!doctype html>")
    assert "slim is the smallest image that works" in job.logs[COMPARE]
    assert job.summary.startswith("## ✅ ")
    assert pushed.forge.bodies() == [f"<!-- imgcompare:report -->\n\n{job.summary.strip()}\n"]
    assert job.annotations("error", COMPARE) == []

    again = pushed("fat=Dockerfile:fat slim=Dockerfile:slim")
    assert again.code == 0
    assert "Comment updated: " in again.log
    assert again.outputs["report"] != job.outputs["report"]
    assert pushed.forge.bodies() == [f"<!-- imgcompare:report -->\n\n{again.summary.strip()}\n"]


def test_a_limit_that_is_not_kept(pushed: Pushed) -> None:
    """The job fails with the comparison's exit code, and everyone can still read why."""
    job = pushed("slim=Dockerfile:slim", gates="--max-size slim=1MB")
    assert job.code == 1
    assert job.codes == {INSTALL: 0, COMPARE: 1, PUBLISH: 0}
    assert (job.outputs["passed"], job.outputs["smallest"]) == ("false", "slim")
    assert len(job.annotations("error", COMPARE)) == 1
    (body,) = pushed.forge.bodies()
    assert "❌" in body
    assert "❌" in job.summary


def test_a_broken_image(pushed: Pushed) -> None:
    """An error annotated at its Dockerfile, with the line of the log that proves it."""
    job = pushed("slim=Dockerfile:slim broken=broken.Dockerfile")
    assert (job.code, job.outputs["passed"], job.outputs["smallest"]) == (1, "false", "slim")
    (error,) = job.annotations("error", COMPARE)
    assert "file=broken.Dockerfile" in error
    assert "ModuleNotFoundError: No module named 'flask'" in error


def test_a_push_to_the_main_branch(pushed: Pushed) -> None:
    """No pull request: a note in the log, no warning, no failure."""
    job = pushed("slim=Dockerfile:slim", {"GITHUB_EVENT_PATH": "", "GITHUB_REF": "refs/heads/main"})
    assert (job.code, job.annotations("warning", PUBLISH)) == (0, [])
    assert "Nothing to comment on" in job.log
    assert pushed.forge.comments == []


def test_no_comment_unless_wanted(pushed: Pushed) -> None:
    """The rest is the same."""
    job = pushed("slim=Dockerfile:slim", comment="false")
    assert (job.code, pushed.forge.requests) == (0, [])
    assert job.summary


def test_a_comment_that_cannot_be_posted_is_a_warning(pushed: Pushed) -> None:
    """The forge's bad day, or a missing permission, fails no job; the token is in no line."""
    pushed.forge.read_only = True
    job = pushed("slim=Dockerfile:slim")
    assert job.code == 0
    (warning,) = job.annotations("warning", PUBLISH)
    assert warning == "::warning title=imgcompare::No comment: see above. The job's summary holds the same report."
    assert "permissions: pull-requests: write" in job.log
    assert TOKEN not in job.log


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ("--no-such-option", 2, "No such option '--no-such-option'"),
        ("missing.Dockerfile", 2, "missing.Dockerfile"),
        ("'slim=Dockerfile:slim", 2, "::error title=imgcompare::The inputs are no words of a command line"),
    ],
)
def test_wrong_usage(arguments: str, code: int, said: str, pushed: Pushed) -> None:
    """The exit code is passed on, and there is nothing to publish."""
    job = pushed(arguments)
    assert job.code == code
    assert said in job.log
    assert (job.outputs["smallest"], job.summary, pushed.forge.comments) == ("", "", [])


@pytest.mark.parametrize(
    "hostile", ['"; touch /pwned; "', "$(touch pwned)", "`touch pwned`", "x\ntouch pwned\n", "${{ github.token }}"]
)
def test_inputs_are_data(hostile: str, pushed: Pushed, checkout: Path) -> None:
    """A branch's name or a title that a workflow puts into an input is never run by a shell."""
    job = pushed(hostile, config=hostile, gates=hostile, baseline=hostile, comment=hostile, comment_name=hostile)
    assert job.code == 2
    assert not (checkout / "pwned").exists()
    assert not Path("/pwned").exists()


def test_the_name_of_a_comment_is_data(pushed: Pushed, checkout: Path) -> None:
    """As the other inputs; one that cannot be a name is a warning."""
    job = pushed("slim=Dockerfile:slim", comment_name="$(touch pwned) --> <script>")
    assert (job.code, len(job.annotations("warning", PUBLISH)), pushed.forge.comments) == (0, 1, [])
    assert not (checkout / "pwned").exists()


def test_no_step_interpolates_an_input_or_uses_another_action() -> None:
    """Expressions stand in `env`, `if` and `working-directory` only; nothing of a third party runs."""
    for step in ACTION["runs"]["steps"]:
        assert "uses" not in step
        assert "${{" not in step["run"]
        assert re.fullmatch(r'exec .*"\$GITHUB_ACTION_PATH/action/\w+\.(sh|py)"', step["run"])
    given = {name for step in ACTION["runs"]["steps"] for name in step.get("env", {}) if "TOKEN" in name}
    assert given == {"GITHUB_TOKEN"}
    assert "GITHUB_TOKEN" not in ACTION["runs"]["steps"][1]["env"], "a build must not see it"


def test_a_python_that_is_too_old(machine: Runner, tmp_path: Path, checkout: Path) -> None:
    """The way out is said."""
    old = tmp_path / "python"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    (tmp_path / "scratch").mkdir()
    job = Runner(ROOT, checkout, tmp_path / "scratch", path_only()).use({"python": str(old)}, {})
    assert job.code == 2
    assert job.annotations("error", INSTALL) == [
        "::error title=imgcompare::It needs Python 3.11 or newer. Put actions/setup-python before it."
    ]
