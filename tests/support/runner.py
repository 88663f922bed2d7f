"""A stand-in for the runner of GitHub Actions: it runs a composite action's steps as the real one does, in bash.

As far as our own action.yml goes, and strict: what it does not know is an error.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

_EXPRESSION = re.compile(r"\$\{\{\s*(.+?)\s*\}\}")
_BASH = ("bash", "--noprofile", "--norc", "-e", "-o", "pipefail")  # what `shell: bash` stands for


@dataclass
class Job:
    """What became of the action: output and exit code of each step by its name, outputs, the job's summary."""

    logs: dict[str, str] = field(default_factory=dict)
    codes: dict[str, int] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    summary: str = ""

    @property
    def code(self) -> int:
        """The first exit code that fails the job, else 0."""
        return next((code for code in self.codes.values() if code), 0)

    @property
    def log(self) -> str:
        """Everything that was printed."""
        return "".join(self.logs.values())

    def annotations(self, kind: str, step: str) -> list[str]:
        """The workflow commands of a kind in a step's log, a runner trimming what stands before them."""
        return [line.strip() for line in self.logs[step].splitlines() if line.strip().startswith(f"::{kind}")]


class Runner:
    """A machine with a checkout in ``workspace``; ``environ`` is what its jobs see besides the runner's own."""

    def __init__(self, action: Path, workspace: Path, scratch: Path, environ: Mapping[str, str]) -> None:
        self._action: dict[str, Any] = yaml.safe_load((action / "action.yml").read_text(encoding="utf-8"))
        self._scratch = scratch
        self._workspace = workspace
        (scratch / "temp").mkdir()
        self._environ = {
            "GITHUB_ACTIONS": "true",
            "GITHUB_WORKSPACE": str(workspace),
            "GITHUB_ACTION_PATH": str(action),
            "RUNNER_TEMP": str(scratch / "temp"),
            **environ,
        }

    def use(self, inputs: Mapping[str, str], environ: Mapping[str, str], *, token: str = "") -> Job:
        """Run the action's steps with inputs, for an event that ``environ`` tells of."""
        declared = self._action["inputs"]
        assert set(inputs) <= set(declared), "unknown input: a warning on GitHub"
        values = {f"inputs.{name}": str(inputs.get(name, told["default"])) for name, told in declared.items()}
        values = {name: _filled(text, {"github.token": token}) for name, text in values.items()}
        job = Job()
        for step in self._action["runs"]["steps"]:
            if self._wanted(step.get("if"), values, failed=job.code != 0):
                self._run(step, values, environ, job)
        job.outputs = {name: _filled(told["value"], values) for name, told in self._action["outputs"].items()}
        return job

    def _wanted(self, condition: str | None, values: Mapping[str, str], *, failed: bool) -> bool:
        if condition is None:
            return not failed
        inner = _EXPRESSION.fullmatch(condition)
        assert inner, condition
        left, right = inner[1].split(" && ")
        assert left == "!cancelled()"
        name, empty = right.split(" != ")
        assert empty == "''"
        return bool(values.get(name))

    def _run(self, step: Mapping[str, Any], values: dict[str, str], environ: Mapping[str, str], job: Job) -> None:
        assert set(step) <= {"name", "id", "if", "shell", "working-directory", "env", "run"}
        assert step["shell"] == "bash"
        output, summary = self._scratch / "output", self._scratch / "summary"
        output.write_text("")
        summary.write_text("")
        script = self._scratch / "script.sh"
        script.write_text(step["run"])
        given = {name: _filled(text, values) for name, text in step.get("env", {}).items()}
        done = subprocess.run(
            [*_BASH, str(script)],
            cwd=self._workspace / _filled(step.get("working-directory", "."), values),
            env={
                **self._environ,
                **environ,
                **given,
                "GITHUB_OUTPUT": str(output),
                "GITHUB_STEP_SUMMARY": str(summary),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=280,
            check=False,
        )
        job.logs[step["name"]] = done.stdout
        job.codes[step["name"]] = done.returncode
        job.summary += summary.read_text(encoding="utf-8")
        for line in output.read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition("=")
            values[f"steps.{step['id']}.outputs.{name}"] = value


def event(folder: Path, payload: object) -> dict[str, str]:
    """The variable that leads to an event's payload."""
    path = folder / "event.json"
    path.write_text(json.dumps(payload), encoding="utf-8")
    return {"GITHUB_EVENT_PATH": str(path)}


def path_only() -> dict[str, str]:
    """The one variable of ours that a runner's job has too."""
    return {"PATH": os.environ["PATH"]}


def _filled(text: str, values: Mapping[str, str]) -> str:
    """Fill in expressions; what has no value is empty, as on GitHub."""
    return _EXPRESSION.sub(lambda match: values.get(match[1], ""), text)
