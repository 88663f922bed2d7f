"""The action's last step: the verdict becomes its outputs, and the report a comment on the pull request."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from imgcompare.model import Collection, Document, Report
from imgcompare.reports.store import load
from imgcompare.text.printable import printable


def told(document: Document, value: Callable[[Report], str]) -> str:
    """Say a value of a comparison; of several each with its name before it, where there is one."""
    if isinstance(document, Collection) and (len(document.comparisons) > 1 or document.missing):
        values = ((report.scenario, value(report)) for report in document.comparisons)
        return " ".join(f"{name}:{found}" for name, found in values if found)
    reports = document.comparisons if isinstance(document, Collection) else (document,)
    return next(map(value, reports), "")


def smallest(report: Report) -> str:
    """Name the smallest variant that works."""
    return report.comparison.smallest_working or ""


def saving(report: Report) -> str:
    """By how many per cent the smallest is smaller than the baseline: of the baseline itself 0.0."""
    row = next((row for row in report.comparison.rows if row.variant == smallest(report)), None)
    ratio = 1.0 if smallest(report) == report.baseline else row.uncompressed_ratio if row else None
    return "" if ratio is None or not smallest(report) else f"{100 * (1 - ratio):.1f}"


def uncompressed(report: Report) -> str:
    """The bytes of the smallest, unpacked."""
    return next((str(v.image.uncompressed_size) for v in report.variants if v.name == smallest(report) and v.image), "")


def compressed(report: Report) -> str:
    """The bytes that a pull of the smallest takes, where they are known or estimated."""
    sizes = (v.image.compressed_size for v in report.variants if v.name == smallest(report) and v.image)
    return next((str(size) for size in sizes if size is not None), "")


_OUTPUTS = {
    "smallest": smallest,
    "saving-percent": saving,
    "uncompressed-bytes": uncompressed,
    "compressed-bytes": compressed,
}


def main() -> None:
    """Publish what there is: a comment that cannot be posted is a warning, the verdict is the comparison's alone."""
    report = Path(os.environ["REPORT"])
    if not report.is_file():
        _output("passed=false\n" + "".join(f"{name}=\n" for name in _OUTPUTS))
        return  # the log says why nothing was compared
    document = load(report)
    values = "".join(f"{name}={printable(told(document, value))}\n" for name, value in _OUTPUTS.items())
    _output(f"passed={str(document.passed).lower()}\n{values}")
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
