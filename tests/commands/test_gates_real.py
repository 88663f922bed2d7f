"""Gates on the real engine: each holds and fails with its exit code, in a run and on what it saved."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.projects import BASE

if TYPE_CHECKING:
    from tests.support.projects import Offline, Project, Result


@pytest.fixture(scope="module")
def default_run(lasting_project: Project) -> Result:
    """The default comparison, without a limit."""
    return lasting_project("run", "--json")


@pytest.mark.parametrize(
    ("holds", "fails", "name"),
    [
        ("--max-size=1GB", "--max-size=multi-stage=100MB", "uncompressed_size"),
        ("--max-compressed-size=500MB", "--max-compressed-size=multi-stage=10MiB", "compressed_size"),
        ("--max-own-size=50MB", "--max-own-size=multi-stage=1MB", "own_size"),
        ("--max-layers=12", "--max-layers=multi-stage=2", "layer_count"),
        ("--min-saving=50%", "--min-saving=95%", "saving_ratio"),
        ("--max-wasted=multi-stage=5%", "--max-wasted=multi-stage=0%", "wasted_ratio"),
        ("--max-wasted=50MB", "--max-wasted=multi-stage=1B", "wasted_bytes"),
        ("--max-ready=30s", "--max-ready=multi-stage=1ms", "ready_after_s"),
    ],
)
def test_each_gate_holds_and_fails(
    lasting_project: Project, default_run: Result, holds: str, fails: str, name: str
) -> None:
    """What keeps to its limit exits 0, what does not exits 1, and both values are in the report."""
    assert default_run.code == 0, default_run.stderr
    held = lasting_project("report", holds, "--json")
    assert (held.code, held.report["passed"], held.stderr) == (0, True, "")
    assert {gate["name"] for gate in held.report["gates"]} == {name}
    failed = lasting_project("report", fails, "--json")
    assert (failed.code, failed.report["passed"], failed.stderr) == (1, False, "")
    (gate,) = failed.report["gates"]
    assert (gate["name"], gate["subject"], gate["passed"]) == (name, "multi-stage", False)
    assert (gate["actual"] < gate["limit"]) == gate["at_least"]


def test_a_run_saves_its_gates(project: Project) -> None:
    """The saved report holds them, and shows them again with the same exit code."""
    done = project("run", "--max-size", "multi-stage=100MB", "--min-saving", "50%", "--must-work")
    assert done.code == 1
    rows = [line.split() for line in done.stdout.splitlines() if line.endswith(("✓", "over"))]
    assert [(row[0], row[1], row[row.index("✓") if "✓" in row else row.index("✗")]) for row in rows] == [
        ("Unpacked", "multi-stage", "✗"),
        ("Saving", "multi-stage", "✓"),
        ("Works", "single-stage", "✓"),
        ("Works", "multi-stage", "✓"),
    ]
    again = project("report")
    assert (again.code, again.stdout) == (1, done.stdout)
    assert project("report", "--max-layers", "20").code == 0
    assert project("report").stdout == done.stdout


def test_a_broken_variant_fails_its_gates_too(project: Project) -> None:
    """What never answered has no time to be ready, and its size is still held to the limit."""
    done = project("run", *project.stages("works", "exits"), "--json", "--max-ready", "60", "--max-size", "10GB")
    assert done.code == 1
    assert [(gate["name"], gate["subject"], gate["passed"], gate["reason"]) for gate in done.report["gates"]] == [
        ("uncompressed_size", "works", True, ""),
        ("uncompressed_size", "exits", True, ""),
        ("ready_after_s", "works", True, ""),
        ("ready_after_s", "exits", False, "it never answered"),
    ]
    assert project("report", "--must-work", "works").code == 1
    assert project("report", "--must-work", "exits", "--json").report["gates"][0]["actual"] == 0


def test_growth_since_a_committed_baseline(project: Project) -> None:
    """Update, run unchanged, grow the app: the growth is seen, told as our own, and the gate fails until recorded."""
    variants = ["app=Dockerfile"]
    gate = ["--against", "imgcompare.baseline.json", "--max-growth", "100kB", "--json"]
    dockerfile = f'FROM {BASE}\nCOPY app.py /\nEXPOSE 8000\nSTOPSIGNAL SIGKILL\nCMD ["python", "/app.py"]\n'
    project.write({"Dockerfile": dockerfile})
    missing = project("run", *variants, *gate)
    assert (missing.code, missing.stdout, project.saved()) == (2, "", [])
    assert "`imgcompare baseline update`" in missing.stderr
    assert project("run", *variants).code == 0
    assert project("baseline", "update").stdout.startswith("run:\n  app: recorded, ")
    same = project("run", *variants, *gate)
    assert (same.code, same.report["against"]["rows"][0]["uncompressed_delta"]) == (0, 0), same.stderr
    project.write({"Dockerfile": dockerfile.replace("COPY", "COPY large /\nCOPY"), "large": "x" * 300_000})
    grown = project("run", *variants, *gate)
    (row,) = grown.report["against"]["rows"]
    assert grown.code == 1, grown.stderr
    assert 300_000 <= row["uncompressed_delta"] == row["own_delta"] < 310_000
    assert (row["layer_delta"], grown.report["gates"][0]["passed"]) == (1, False)
    assert "1 layer more" in project("report").stdout
    assert "app: +30" in project("baseline", "update").stdout
    assert project("run", *variants, *gate).code == 0


def test_an_image_on_the_engine_can_be_held_against(project: Project) -> None:
    """What a variant has more than its own base is what the Dockerfile added, packages included."""
    project.write(
        {
            "Dockerfile": f"FROM {BASE}\nCOPY app.py flask.dist-info/ /usr/lib/python3/dist-packages/f.dist-info/\n"
            'COPY app.py /\nEXPOSE 8000\nSTOPSIGNAL SIGKILL\nCMD ["python", "/app.py"]\n',
            "flask.dist-info/METADATA": "Metadata-Version: 2.1\nName: flask\nVersion: 9.9\n",
        }
    )
    done = project("run", "app=Dockerfile", "--against", f"image:{BASE}", "--json")
    (row,) = done.report["against"]["rows"]
    (app,) = done.report["variants"]
    assert done.code == 0, done.stderr
    assert row["uncompressed_delta"] == app["image"]["own_size"]
    assert row["packages"] == {"added": ["flask 9.9"], "removed": [], "changed": []}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--max-size", "multistage=100MB"], "there is no such variant; did you mean 'multi-stage'?"),
        (["--must-work", "Dockerfile"], "--must-work Dockerfile: there is no such variant"),
        (["--min-saving", "single-stage=10%"], "this is the baseline"),
        (["--max-size", "lots"], "--max-size 'lots' is no number of bytes"),
        (["--max-layers", "-1"], "--max-layers '-1' is no number of layers"),
        (["--max-ready", "nan"], "--max-ready 'nan' is no duration"),
        (["--max-size", "1MB", "--max-size", "2MB"], "--max-size is given twice for all variants"),
        (["--max-growth", "2%"], "--max-growth needs something that growth is measured from"),
    ],
)
def test_a_limit_that_cannot_be_meant_is_found_before_building(
    offline: Offline, arguments: list[str], message: str
) -> None:
    """Exit 2, with the next step, and no engine was asked."""
    done = offline("run", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert "\nNext: " in done.stderr
