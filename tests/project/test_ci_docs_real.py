"""docs/ci.md, followed word for word: its commands, workflows and jobs run on a real engine, against a stand-in forge.

What cannot be had here has a stand-in: a package index that has this checkout's wheel, `pipx`, and the actions that
move files between jobs. All else are the document's own words.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping
from glob import glob
from itertools import product
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from imgcompare.cli.main import cli
from tests.conftest import Imgcompare
from tests.support.forge import TOKEN, Forge, serving
from tests.support.runner import Runner, event

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
APP = ROOT / "tests" / "support" / "behaving_app.py"
DOCKERFILE = """FROM python:3.11-slim
COPY app.py /
EXPOSE 8000
STOPSIGNAL SIGKILL
CMD ["python", "/app.py"]
"""


def section(title: str) -> str:
    """What stands below a heading, up to the next of its rank or a higher one."""
    found: list[str] = []
    rank, fenced = 0, False
    for line in PAGE.splitlines(keepends=True):
        fenced ^= line.lstrip().startswith("```")
        heading = None if fenced else re.match(r"(#+) (.+)", line)
        if heading and rank and len(heading[1]) <= rank:
            break
        if heading and heading[2] == title:
            rank = len(heading[1])
        elif rank:
            found.append(line)
    assert found, title
    return "".join(found)


def blocks(language: str, text: str = PAGE) -> list[str]:
    """The code blocks in a language, indented ones too."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```$", text, flags=re.MULTILINE | re.DOTALL)
    return [re.sub(rf"^{indent}", "", body, flags=re.MULTILINE) for indent, body in found]


def typed(title: str) -> list[str]:
    """The commands that a section has one type, in their order."""
    return [line[2:] for block in blocks("console", section(title)) for line in block.splitlines() if line[:2] == "$ "]


def in_yaml(value: Any, key: str) -> Iterator[str]:
    """The scripts below a key, wherever it stands."""
    if isinstance(value, dict):
        for name, part in value.items():
            if name == key:
                yield from [part] if isinstance(part, str) else part
            else:
                yield from in_yaml(part, key)
    elif isinstance(value, list):
        for part in value:
            yield from in_yaml(part, key)


class Bench:
    """The example's project, and the programs that its jobs call."""

    def __init__(self, command: Imgcompare, wheels: Path, forge: Forge) -> None:
        self.folder = command.project / "shop"
        self.forge = forge
        self._home = command.project
        self._artifacts = command.project / "artifacts"
        self._artifacts.mkdir()
        programs = command.project / "bin"
        programs.mkdir()
        self._program(programs / "python3", f'exec {shlex.quote(sys.executable)} "$@"')
        run = f'#!/bin/sh\\nexec {shlex.quote(sys.executable)} -P -m imgcompare "$@"\\n'
        self._program(
            programs / "pipx",
            f'[ "$*" = "install docker-imgcompare" ] || exit 64\nprintf {shlex.quote(run)} > {programs}/imgcompare\n'
            f"chmod +x {programs}/imgcompare",
        )
        self.environ = {
            **command.environ,
            "PATH": f"{programs}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "PIP_FIND_LINKS": str(wheels),
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_NO_COMPILE": "1",  # a third of an installation's time, and each job uses few of the modules
        }
        del self.environ["PYTHONWARNINGS"]  # pip's are its own
        self._write_project()

    def _program(self, path: Path, script: str) -> None:
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def _write_project(self) -> None:
        for name in ("web/Dockerfile", "web/slim.Dockerfile", "api/Dockerfile", "admin/Dockerfile"):
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(DOCKERFILE)
            shutil.copy(APP, path.parent / "app.py")
        self.grow("web/Dockerfile", megabytes=1)
        (self.folder / "imgcompare.toml").write_text(blocks("toml")[0])
        for words in (["init", "--quiet"], ["add", "."]):
            subprocess.run(["git", *words], cwd=self.folder, check=True, timeout=30)

    def grow(self, dockerfile: str, megabytes: int) -> None:
        """Make an image larger."""
        with (self.folder / dockerfile).open("a") as file:
            file.write(f"RUN head -c {megabytes}000000 /dev/urandom > /grown\n")

    def install(self) -> None:
        """As the README says."""
        self.sh("pipx install docker-imgcompare")

    def sh(
        self, script: str, environ: Mapping[str, str] | None = None, *, folder: Path | None = None, code: int = 0
    ) -> str:
        """Run a script as a CI does, in bash; it has to end with that code."""
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
            cwd=folder or self.folder,
            env={**self.environ, **(environ or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=280,
            check=False,
        )
        assert done.returncode == code, done.stdout
        return done.stdout

    def workflow(self, text: str) -> str:
        """Run a workflow of GitHub's, job by job, for a pull request; returns the job summaries."""
        jobs = yaml.safe_load(text)["jobs"]
        summary = self._home / "summary.md"
        summary.write_text("")
        environ = {
            **self.forge.github_environ(),
            **event(self._home, {"pull_request": {"number": 7}}),
            "GITHUB_STEP_SUMMARY": str(summary),
        }
        del environ["GITHUB_TOKEN"]  # a step has it only where the workflow gives it
        for job in jobs.values():
            matrix = job.get("strategy", {}).get("matrix", {})
            for chosen in product(*matrix.values()):
                self._job(job, dict(zip((f"matrix.{key}" for key in matrix), map(str, chosen), strict=True)), environ)
        return summary.read_text(encoding="utf-8")

    def _job(self, job: Mapping[str, Any], values: dict[str, str], environ: dict[str, str]) -> None:
        values = {"github.token": TOKEN, **values}
        workspace = self._home / "workspace"
        shutil.rmtree(workspace, ignore_errors=True)
        workspace.mkdir()
        for step in job["steps"]:
            assert step.get("if", "${{ !cancelled() }}") == "${{ !cancelled() }}"
            given = {
                name: _filled(text, values) for name, text in step.get("with", {}).items() if isinstance(text, str)
            }
            match str(step["uses"]).partition("@")[0] if "uses" in step else None:
                case None:
                    tokens = {name: _filled(text, values) for name, text in step.get("env", {}).items()}
                    self.sh(_filled(step["run"], values), environ | tokens, folder=workspace)
                case "actions/checkout":
                    shutil.copytree(self.folder, workspace, dirs_exist_ok=True)
                case "actions/upload-artifact":
                    self._upload(workspace, given["name"], given["path"].split())
                case "actions/download-artifact":
                    assert step["with"]["merge-multiple"] is True
                    for artifact in self._artifacts.glob(given["pattern"]):
                        shutil.copytree(artifact, workspace, dirs_exist_ok=True)
                case "OWNER/imgcompare":
                    values |= self._use_action(workspace, step, given, environ)
                case other:
                    pytest.fail(f"what is {other}?")

    def _use_action(
        self, workspace: Path, step: Mapping[str, Any], given: dict[str, str], environ: dict[str, str]
    ) -> dict[str, str]:
        scratch = self._home / "runner"
        scratch.mkdir()
        done = Runner(ROOT, workspace, scratch, self.environ).use(given, environ, token=TOKEN)
        assert done.code == 0, done.log
        Path(environ["GITHUB_STEP_SUMMARY"]).write_text(done.summary, encoding="utf-8")
        return {f"steps.{step['id']}.outputs.{name}": value for name, value in done.outputs.items()}

    def _upload(self, workspace: Path, name: str, patterns: list[str]) -> None:
        # A pattern that is absolute stays what it is when it is joined to a folder; Path.glob takes none.
        files = [Path(file) for pattern in patterns for file in glob(str(workspace / pattern))]  # noqa: PTH207
        assert files, f"nothing at {patterns}"
        folder = self._artifacts / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for file in files:
            shutil.copy(file, folder)

    def artifact(self, name: str) -> set[str]:
        """The names of the files in an artifact."""
        return {path.name for path in (self._artifacts / name).iterdir()}


def _filled(text: str, values: Mapping[str, str]) -> str:
    return re.sub(r"\$\{\{ (\S+) \}\}", lambda match: values[match[1]], text)


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel of this checkout."""
    folder = tmp_path_factory.mktemp("wheels")
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(folder), "-t", "wheel"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    return folder


@pytest.fixture
def bench(imgcompare_in: Callable[[Path], Imgcompare], wheels: Path, tmp_path: Path) -> Iterator[Bench]:
    """The example's project."""
    command = imgcompare_in(tmp_path)
    with serving() as forge:
        yield Bench(command, wheels, forge)
    command("clean")


def test_trying_it_first_and_then_growth(bench: Bench) -> None:
    """Each command as it stands there; growth fails until it is accepted."""
    bench.install()
    for line in [*typed("In CI")[:2], *typed("Growth")[:3]]:
        bench.sh(line)
    first, *rest = blocks("toml", section("Growth"))
    assert rest == []
    toml = bench.folder / "imgcompare.toml"
    assert set(tomllib.loads(toml.read_text())) - {"comparisons"} == {"gates"}
    toml.write_text(toml.read_text().replace("gates = { must_work = true }\n", first, 1))
    bench.sh("imgcompare run --all")
    bench.grow("api/Dockerfile", megabytes=9)
    assert "growth" in bench.sh("imgcompare run --all -o report.json", code=1).lower()
    (accept, look) = typed("Growth")[3:]
    bench.sh(accept)
    assert re.search(r'^\+ +"uncompressed_size": \d+,?$', bench.sh(look), re.MULTILINE)
    bench.sh("imgcompare run --all")


def test_the_action(bench: Bench) -> None:
    """One job: a comment, a summary, both files kept."""
    (workflow,) = blocks("yaml", section("The action"))
    assert bench.workflow(workflow).startswith("## ✅ ")
    assert bench.artifact("images") == {"report.json", "page.html"}
    (body,) = bench.forge.bodies()
    assert all(name in body for name in ("web", "api", "admin"))


def test_the_same_step_by_step(bench: Bench) -> None:
    """The comment is made at the first push and updated at the second."""
    (workflow,) = blocks("yaml", section("The same, step by step"))
    for _push in range(2):
        assert bench.workflow(workflow).startswith("## ✅ ")
    assert bench.artifact("images") == {"report.json", "report.html"}
    assert len(bench.forge.bodies()) == 1


def test_many_apps_on_many_machines(bench: Bench) -> None:
    """Three shares, one comparison each, and one report of all."""
    (workflow,) = blocks("yaml", section("Many apps on many machines"))
    bench.workflow(workflow)
    assert [bench.artifact(f"shard-{number}") for number in (1, 2, 3)] == [{f"shard-{n}.json"} for n in (1, 2, 3)]
    assert bench.artifact("images") == {"report.json", "report.html"}
    (body,) = bench.forge.bodies()
    assert all(name in body for name in ("web", "api", "admin"))


def test_gitlab(bench: Bench) -> None:
    """One job, its token that of the variable; its files are where the artifacts are taken from."""
    job = yaml.safe_load(blocks("yaml", section("GitLab CI"))[0])["images"]
    bench.sh("\n".join(job["script"]), bench.forge.gitlab_environ())
    kept = [*job["artifacts"]["paths"], *job["artifacts"]["reports"].values()]
    assert all((bench.folder / file).is_file() for file in kept)
    assert len(bench.forge.bodies()) == 1

    whole = yaml.safe_load(blocks("yaml", section("GitLab CI"))[-1])
    before = whole["default"]["before_script"]
    machines = whole["compare"]["parallel"]
    for number in range(1, machines + 1):
        shard = {"CI_NODE_INDEX": str(number), "CI_NODE_TOTAL": str(machines)}
        bench.sh("\n".join([*before, *whole["compare"]["script"]]), shard)
    bench.sh("\n".join([*before, *whole["report"]["script"]]), bench.forge.gitlab_environ())
    assert len(bench.forge.bodies()) == 1, "the same comment"


def test_a_gitlab_job_fails_with_the_comparison(bench: Bench) -> None:
    """The exit code is passed on, the comment is there, and so are the files."""
    job = yaml.safe_load(blocks("yaml", section("GitLab CI"))[0])["images"]
    (bench.folder / "api/Dockerfile").write_text(DOCKERFILE.replace('"/app.py"', '"/app.py", "exits"'))
    bench.sh("\n".join(job["script"]), bench.forge.gitlab_environ(), code=1)
    assert "❌" in bench.forge.bodies()[0]
    assert (bench.folder / "junit.xml").is_file()


def test_comments(bench: Bench) -> None:
    """Each name has its own."""
    bench.install()
    bench.sh("imgcompare run --comparison api -o report.json")
    (bench.folder / "notes.md").write_text("Seen.")
    for line in typed("The comment"):
        bench.sh(line, bench.forge.github_environ())
    assert len(bench.forge.bodies()) == len(typed("The comment")) == 2


def test_every_command_in_it_is_one() -> None:
    """Those that are not run above too, over ssh for example: the command line's own parser takes them."""
    scripts = [line for block in blocks("sh") for line in block.splitlines()]
    scripts += [line for block in blocks("console") for line in block.splitlines()]
    for block in blocks("yaml"):
        scripts += [*in_yaml(yaml.safe_load(block), "run"), *in_yaml(yaml.safe_load(block), "script")]
    lines = [found for script in scripts for found in re.findall(r"\bimgcompare (\w[^'|>&#\n]*)", script)]
    lines += re.findall(r"`imgcompare (\w[^`]*)`", PAGE)
    assert len(lines) > 20
    for line in lines:
        name, *arguments = shlex.split(re.sub(r"\$\{\{ \S+ \}\}|\$\w+", "2", line.replace("NAME", "name")))
        command: click.Command | None = cli.commands[name]
        if isinstance(command, click.Group) and arguments:
            command = command.commands[arguments.pop(0)]
        assert command is not None
        if arguments:  # else only its name is meant
            command.make_context(name, arguments)


def test_the_tables_are_the_actions() -> None:
    """Its inputs and outputs are documented, all of them, with their defaults."""
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    inputs, outputs = (re.findall(r"^\| `([a-z-]+)` \|", table, re.MULTILINE) for table in _tables("The action"))
    assert inputs == list(action["inputs"])
    assert outputs == list(action["outputs"])


def _tables(title: str) -> list[str]:
    return re.findall(r"(?:^\|.*\|\n)+", section(title), flags=re.MULTILINE)
