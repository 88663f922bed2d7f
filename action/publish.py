"""The action's last step: the verdict becomes its outputs, and the report a comment on the pull request."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from imgcompare.model import Collection, Document
from imgcompare.reports.store import load
from imgcompare.text.printable import printable


def smallest(document: Document) -> str:
    """Name the smallest variant that works, of several comparisons each with its own."""
    if isinstance(document, Collection) and (len(document.comparisons) > 1 or document.missing):
        return " ".join(
            f"{report.scenario}:{report.comparison.smallest_working}"
            for report in document.comparisons
            if report.comparison.smallest_working
        )
    reports = document.comparisons if isinstance(document, Collection) else (document,)
    return next((report.comparison.smallest_working or "" for report in reports), "")


def main() -> None:
    """Publish what there is: a comment that cannot be posted is a warning, the verdict is the comparison's alone."""
    report = Path(os.environ["REPORT"])
    if not report.is_file():
        _output("passed=false\nsmallest=\n")
        return  # the log says why nothing was compared
    document = load(report)
    _output(f"passed={str(document.passed).lower()}\nsmallest={printable(smallest(document))}\n")
    if os.environ["INPUT_COMMENT"].lower() != "true":
        return
    imgcompare = Path(sys.executable).with_name("imgcompare")
    command = [str(imgcompare), "comment", str(report), "--name", os.environ["INPUT_COMMENT_NAME"]]
    if subprocess.run(command, check=False).returncode:
        sys.stdout.write(
            "::warning title=imgcompare::No comment: see above. The job's summary holds the same report.\n"
        )


def _output(text: str) -> None:
    with Path(os.environ["GITHUB_OUTPUT"]).open("a", encoding="utf-8") as file:
        file.write(text)


if __name__ == "__main__":
    main()
