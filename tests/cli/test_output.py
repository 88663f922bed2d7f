"""Where reports go: several formats at once, to files and to stdout, all looked at before anything is done."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest
from msgspec.structs import replace

from imgcompare.cli.output import Target, repository_of
from imgcompare.commands.report import report
from imgcompare.render import formats
from imgcompare.render.registry import FORMATS
from imgcompare.reports.store import prepare, save
from tests.cli.test_main import REPORT

if TYPE_CHECKING:
    from tests.support.projects import Offline


@pytest.fixture
def reported(offline: Offline) -> Offline:
    """A folder with one saved report that passed."""
    save(REPORT, prepare(offline.folder), "20250102T030405678-abcdef")
    return offline


def targets(*arguments: str) -> tuple[Target, ...]:
    """What the options ask for."""
    with report.make_context("report", list(arguments)) as ctx:
        outputs: tuple[Target, ...] = ctx.params["outputs"]
        return outputs


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("", []),
        ("--json", [("json", None)]),
        ("--format table", [("table", None)]),
        ("-o a.json", [("json", "a.json")]),
        ("-o a.JSON", [("json", "a.JSON")]),
        ("-o a", [("table", "a")]),
        ("--json -o a.txt", [("json", "a.txt")]),
        ("-o a.txt --json", [("json", "a.txt")]),
        ("--json -o a --format table -o b", [("json", "a"), ("table", "b")]),
        ("--json -o a.x -o b.txt -o c.json", [("json", "a.x"), ("table", "b.txt"), ("json", "c.json")]),
        ("--json -o a --format table", [("json", "a"), ("table", None)]),
        ("--json --format table -o a", [("json", None), ("table", "a")]),
        ("-o a.json -o b.txt --json", [("json", "a.json"), ("table", "b.txt"), ("json", None)]),
        ("--json -o -", [("json", None)]),
        ("-o a.json -o -", [("json", "a.json"), ("table", None)]),
        ("--json --json", [("json", None), ("json", None)]),
    ],
)
def test_each_file_takes_the_format_before_it(arguments: str, expected: list[tuple[str, str | None]]) -> None:
    """One format and one file belong together; of several each file takes the one before it, or its extension's."""
    found = [(target.format, target.path and str(target.path)) for target in targets("newest", *arguments.split())]
    assert found == expected


@pytest.mark.parametrize("arguments", [["-o", "size.pdf"], ["--json", "-o", "a", "-o", "size.pdf"]])
def test_an_extension_that_says_nothing_needs_a_format(arguments: list[str]) -> None:
    """No format is guessed; the message has the way to name it."""
    with pytest.raises(click.UsageError, match=r"-o size.pdf: which format\? .* --format json -o size.pdf"):
        targets(*arguments)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--json", "--format", "table"], "The formats json and table exclude each other on stdout"),
        (["-o", "a.json", "-o", "./a.json"], "-o a.json and -o a.json are the same file"),
        (["-o", "a.json", "--format", "table", "-o", "link"], "-o a.json and -o link are the same file"),
        (["-o", "a.json", "-o", "missing/b.txt"], "cannot write missing/b.txt: No such file or directory"),
    ],
)
def test_outputs_that_cannot_be_are_found_before_any_is_written(
    reported: Offline, arguments: list[str], said: str
) -> None:
    """Exit code 2, nothing on stdout, and not one of the files begun."""
    (reported.folder / "link").symlink_to("a.json")
    done = reported("report", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert not (reported.folder / "a.json").exists()


def test_several_outputs_at_once(reported: Offline) -> None:
    """Each file has its format whole, and stdout shows the table."""
    done = reported("report", "--json", "-o", "r.json", "--format", "table", "-o", "r.out")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("imgcompare · default · Docker Engine 20.10.24")
    assert (reported.folder / "r.out").read_text(encoding="utf-8") == done.stdout
    assert json.loads((reported.folder / "r.json").read_bytes())["scenario"] == "default"


def test_a_file_that_fails_keeps_nothing_else_from_being_written(reported: Offline) -> None:
    """The disk is full for one: the others and stdout are there all the same, and the error is said."""
    done = reported("report", "-o", "/dev/full", "-o", "r.json", "--json")
    assert done.returncode == 2
    assert done.stderr.startswith("Error: cannot write /dev/full: No space left on device\n")
    assert (reported.folder / "r.json").read_text(encoding="utf-8") == done.stdout


def test_every_format_can_be_rendered() -> None:
    """Each of the list that options offer is a module, and every module of a format is on the list or helps one."""
    for name in FORMATS:
        assert callable(import_module(f"imgcompare.render.formats.{name}").render)
    there = {path.stem for path in Path(formats.__path__[0]).glob("*.py")}
    assert there - {"__init__", "html_charts", "markdown_text"} == set(FORMATS)


def test_a_github_job_gets_its_summary(reported: Offline) -> None:
    """The format for GitHub adds the comment to the job's page, after what other steps wrote; others leave it alone."""
    summary = reported.folder / "summary.md"
    summary.write_text("## Before\n", encoding="utf-8")
    done = reported("report", "--format", "github", GITHUB_STEP_SUMMARY=str(summary))
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1].startswith("::notice title=imgcompare · default::a works")
    comment = reported("report", "--format", "markdown", GITHUB_STEP_SUMMARY=str(summary)).stdout
    assert comment.startswith("## ✅ imgcompare · default\n")
    assert summary.read_text(encoding="utf-8") == f"## Before\n{comment}"


def test_a_summary_that_cannot_be_written_is_found_first(reported: Offline) -> None:
    """It is one of the outputs: nothing is written when it cannot be; outside of GitHub there is none."""
    done = reported("report", "--format", "github", GITHUB_STEP_SUMMARY="missing/summary.md")
    assert (done.returncode, done.stdout) == (2, "")
    assert "cannot write missing/summary.md: No such file or directory" in done.stderr
    assert reported("report", "--format", "github").returncode == 0


def test_the_page_has_the_trend_of_the_folder_s_runs(reported: Offline) -> None:
    """A damaged saved run is no reason not to draw the others."""
    earlier, later = (replace(REPORT, created=f"{year}-01-01T00:00:00Z") for year in (2001, 2999))
    save(earlier, prepare(reported.folder), "20010101T000000000-abcdef")
    save(later, prepare(reported.folder), "29990101T000000000-abcdef")
    (reported.folder / ".imgcompare/runs/20200101T000000000-abcdef.json").write_text("{")
    done = reported("report", "-o", "page.html")
    assert done.returncode == 0, done.stderr
    assert 'id="c1-trend"' in (reported.folder / "page.html").read_text()


def test_the_repository_of_a_folder(tmp_path: Path) -> None:
    """The nearest folder with `.git`, which is a file in a worktree; without one it is the folder itself."""
    shop = tmp_path / "repository" / "services" / "shop"
    shop.mkdir(parents=True)
    (tmp_path / "repository" / ".git").touch()
    assert repository_of(shop) == repository_of(tmp_path / "repository") == tmp_path / "repository"
    assert repository_of(tmp_path) == tmp_path
