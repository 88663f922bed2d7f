"""Score ``imgcompare shrink`` on public projects: ``python -m benchmarks.shrink_score CHECKOUTS RESULTS [NAME...]``.

CHECKOUTS is a folder of git repositories, ``owner+name/repo`` each; what is missing there is left out and told. RESULTS
is a file of JSON lines, one for each project, that a further call adds to; ``--table`` prints what it holds.
"""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path
from statistics import mean, median
from typing import Any

from benchmarks.shrink_projects import PROJECTS, Project

_LIMIT_S = 1500
_FROM = re.compile(r"(?im)^(\s*FROM\s+)(?:\S*/)?python(?::\S+)?")


def main(arguments: list[str]) -> None:
    """Score the projects that are named, or all."""
    if arguments[0] == "--table":
        print(table([json.loads(line) for line in Path(arguments[1]).read_text().splitlines()]))
        return
    checkouts, results, *names = arguments
    for project in PROJECTS:
        if names and project.name not in names:
            continue
        row = score(project, Path(checkouts) / project.name.replace("/", "+") / "repo")
        print(json.dumps(row), flush=True)
        with Path(results).open("a") as file:
            file.write(json.dumps(row) + "\n")


def score(project: Project, repository: Path) -> dict[str, Any]:
    """Shrink one project in a folder of its own, and say what came out."""
    git_dir = repository / ".git" if (repository / ".git").is_dir() else repository
    archive = ["git", f"--git-dir={git_dir}", "archive", project.commit]
    archived = subprocess.run(archive, check=False, capture_output=True)
    if archived.returncode:
        return {"name": project.name, "outcome": "not there", "why": archived.stderr.decode()[-200:]}
    with tempfile.TemporaryDirectory() as root:
        with tarfile.open(fileobj=io.BytesIO(archived.stdout)) as tar:
            tar.extractall(root, filter="tar")  # links to anywhere, as a clone has them
        folder = Path(root) / project.folder
        path = folder / project.dockerfile
        path.write_text(_FROM.sub(rf"\1python:{project.tag}", path.read_text(), count=1))
        began = time.monotonic()
        done = subprocess.run(
            _command(project), cwd=folder, capture_output=True, text=True, timeout=_LIMIT_S, check=False
        )
        return _row(project, done, time.monotonic() - began)


def _command(project: Project) -> list[str]:
    env = [word for pair in project.env for word in ("--env", pair)]
    return [
        *(sys.executable, "-m", "imgcompare", "shrink", project.dockerfile, "--json", "--quiet", "--rm-images"),
        *("--compose", "none"),  # they are those that answer without another service
        *(word for route in (project.route, *project.more_routes) for word in ("--route", route)),
        *("--container-port", str(project.port), "--expect-status", str(project.status)),
        *("--timeout", "90", *env),
    ]


def _row(project: Project, done: subprocess.CompletedProcess[str], seconds: float) -> dict[str, Any]:
    row: dict[str, Any] = {"name": project.name, "tag": project.tag, "seconds": round(seconds), "exit": done.returncode}
    try:
        report = json.loads(done.stdout)
    except ValueError:
        return row | {"outcome": "no report", "why": done.stderr[-400:]}
    first = report["variants"][0]
    shrunk = report.get("shrunk")
    if shrunk is None:
        failure = first.get("failure") or {}
        why = [failure.get("code"), failure.get("message"), *failure.get("evidence", [])[-3:]]
        return row | {"outcome": "original broken", "why": " | ".join(map(str, why))[:500]}
    sizes = {one["name"]: one["image"]["uncompressed_size"] for one in report["variants"] if one["image"]}
    best = min(sizes.values())
    return row | {
        "outcome": "smaller" if shrunk["result"] else "nothing to gain",
        "result": shrunk["result"],
        "sizes": sizes,
        "saving": round(1 - (sizes[shrunk["result"]] if shrunk["result"] else best) / sizes["original"], 4),
        "rounds": shrunk["rounds"],
        "refused": shrunk["refused"],
    }


def table(rows: list[dict[str, Any]]) -> str:
    """The rows and what they come to, in Markdown; of a project that was scored twice the last counts."""
    rows = list({row["name"]: row for row in rows}.values())
    worked = [row for row in rows if row["outcome"] in {"smaller", "nothing to gain"}]
    lines = ["| project | base | outcome | original | result | saving | rounds |", "|-|-|-|-|-|-|-|"]
    for row in sorted(worked, key=lambda row: (row["tag"], -row["saving"])):
        sizes = row["sizes"]
        result = sizes.get(row["result"], sizes["original"])
        outcome = row["result"] or row["outcome"]
        told = f"{sizes['original'] / 1e6:.0f} MB | {result / 1e6:.0f} MB | {1 - result / sizes['original']:.0%}"
        lines.append(f"| {row['name']} | {row['tag']} | {outcome} | {told} | {row['rounds']} |")
    for tag in sorted({row["tag"] for row in worked}):
        savings = [row["saving"] if row["result"] else 0.0 for row in worked if row["tag"] == tag]
        lines.append(f"\n{tag}: {len(savings)} projects, mean {mean(savings):.1%}, median {median(savings):.1%}")
    left = [f"{row['name']}: {row['outcome']} {row.get('why', '')}" for row in rows if row not in worked]
    return "\n".join([*lines, "", *left])


if __name__ == "__main__":
    main(sys.argv[1:])
