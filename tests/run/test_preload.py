from __future__ import annotations

import subprocess
import sys

_ENGINE = "imgcompare.engine.client.engine"
_UNTIL_BUILT = ("imgcompare.commands.run", "imgcompare.cli.run_comparisons", _ENGINE)
# What looks at containers and images, and what is said of them.
_LATER = ("analysis", "check.route", "comparison.compare", "diagnosis", "image.archive", "render.formats", "run.report")


def loaded(*statements: str) -> set[str]:
    """The modules of imgcompare that an interpreter holds after these statements."""
    program = "\n".join((*statements, "import sys; print(*sys.modules)"))
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return {name.removeprefix("imgcompare.") for name in done.stdout.split() if name.startswith("imgcompare.")}


def later(modules: set[str]) -> set[str]:
    """Those of them that are of no use before an image is built."""
    return {name for name in modules if any(f"{name}.".startswith(f"{each}.") for each in _LATER)}


def test_nothing_is_imported_before_the_first_build_that_only_what_is_built_needs() -> None:
    """A run asks its engine to build while Python has not yet imported what looks at containers and images."""
    assert later(loaded(*(f"import {name}" for name in _UNTIL_BUILT))) == set()


def test_what_is_preloaded_asks_measures_and_reports() -> None:
    """While the engine makes the first containers, all is imported that every run needs from then on.

    What reads and analyses images is not: mostly they are known.
    """
    preloaded = loaded("from imgcompare.run.preload import preload_once_built", "preload_once_built()")
    assert {"run.trial", "check.route", "diagnosis.observed", "run.measure", "run.report"} <= preloaded
    assert not {"analysis.analyse", "run.read_images", "image.archive"} & preloaded
