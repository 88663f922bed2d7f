"""A stranger's way by the README alone: from one Dockerfile to a smaller image that is proved and held to by CI."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from imgcompare.scenarios import SCENARIOS

if TYPE_CHECKING:
    from tests.support.projects import Project

_ROOT = Path(__file__).parents[2]


def commands() -> list[list[str]]:
    """The commands of the README's path, in order, without what is said of them."""
    readme = (_ROOT / "README.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^From one Dockerfile to .*?```console\n(.*?)```", readme, re.DOTALL | re.MULTILINE)
    return [shlex.split(line.removeprefix("$ "), comments=True) for line in block.splitlines()]


@pytest.mark.timeout(300)
def test_four_commands_from_one_dockerfile_to_a_gate_in_ci(project: Project) -> None:
    """Each of them ends well where the one before it has; what the job runs then fails for a layer of 20 MB more."""
    (project.folder / "app.py").unlink()
    shutil.copytree(SCENARIOS["default"].context, project.folder, dirs_exist_ok=True)
    shutil.copy(SCENARIOS["default"].variants[0].dockerfile, project.folder / "Dockerfile")
    with (project.folder / ".dockerignore").open("a") as ignored:
        ignored.write("\n/home\n")  # the test's own, which changes as it goes
    install, *steps = commands()
    assert install == ["pipx", "install", "docker-imgcompare"]
    assert len(steps) <= 3
    for program, *arguments in steps:
        assert program == "imgcompare"
        done = project(*arguments)
        assert done.code == 0, (arguments, done.stdout, done.stderr)
        assert (project.folder / "Dockerfile.multi-stage").exists(), done.stdout
    assert "multi-stage is the smallest image that works" in done.stdout

    workflow = yaml.safe_load((project.folder / ".github/workflows/imgcompare.yml").read_text(encoding="utf-8"))
    runs = [step["run"] for step in workflow["jobs"]["compare"]["steps"] if "run" in step]
    (job,) = [shlex.split(run) for run in runs if run.startswith("imgcompare run")]
    smaller = project.folder / "Dockerfile.multi-stage"
    smaller.write_text(smaller.read_text().replace("\nCMD", "\nRUN head -c 20000000 /dev/urandom > /opt/venv/x\nCMD"))
    failed = project(*job[1:])
    assert failed.code == 1, failed.stdout
    assert re.search(r"Own size +multi-stage .*✗", failed.stdout), failed.stdout
