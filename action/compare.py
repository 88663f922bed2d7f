"""The action's second step: its inputs, from the environment, become `imgcompare run`, with its exit code."""

from __future__ import annotations

import os
import shlex
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

_WRONG_USAGE = 2


def arguments(environ: Mapping[str, str], folder: Path) -> list[str]:
    """Return what follows `imgcompare run`. Raises ValueError for quotes that do not close."""
    options = [*shlex.split(environ["INPUT_ARGUMENTS"]), *shlex.split(environ["INPUT_GATES"])]
    for option, value in (("--config", environ["INPUT_CONFIG"]), ("--against", environ["INPUT_BASELINE"])):
        options += [option, value] if value else []
    files = [word for file in (folder / "report.json", folder / "page.html") for word in ("-o", str(file))]
    # To the job's log the table with the annotations that GitHub takes from there, and to its summary the report.
    return [*options, *files, "--format", "github"]


def main() -> None:
    """Tell the next steps where the report will be, and become the comparison: signals are its own to handle."""
    folder = Path(tempfile.mkdtemp(prefix="report-", dir=Path(os.environ["RUNNER_TEMP"]) / "imgcompare"))
    try:
        given = arguments(os.environ, folder)
    except ValueError as exc:
        sys.stdout.write(f"::error title=imgcompare::The inputs are no words of a command line: {exc}\n")
        sys.exit(_WRONG_USAGE)
    with Path(os.environ["GITHUB_OUTPUT"]).open("a", encoding="utf-8") as outputs:
        outputs.write(f"report={folder / 'report.json'}\npage={folder / 'page.html'}\n")
    # The script, not `python -m`, which would import what lies in the working directory.
    imgcompare = Path(sys.executable).with_name("imgcompare")
    os.execv(imgcompare, [str(imgcompare), "run", *given])  # noqa: S606 - that there is no shell is the point


if __name__ == "__main__":
    main()
