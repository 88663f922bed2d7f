"""The baseline file: written from saved reports, held against later ones, and never harmed by what it cannot be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest
from msgspec.structs import replace

from imgcompare.model import Report, Shrunk, Verdict
from imgcompare.reports.collection import collect
from imgcompare.reports.store import prepare, save
from tests.support.reports import report, variant

if TYPE_CHECKING:
    from tests.support.projects import Offline

FILE = "imgcompare.baseline.json"


def keep(offline: Offline, *reports: Report) -> str:
    """Save a report, or several as a collection, as a run after all others; returns the run's name."""
    folder = prepare(offline.folder)
    name = f"20260101T00000000{len(list(folder.glob('*.json')))}-abcdef"
    save(reports[0] if len(reports) == 1 else collect(reports, created=reports[0].created), folder, name)
    return name


@pytest.fixture
def stored(offline: Offline) -> Offline:
    """A folder with a run of two variants, recorded, and then another in which one of them grew by 2 kB."""
    keep(offline, report(variant("big", 100_000), variant("slim", 40_000, own_size=15_000)))
    done = offline("baseline", "update")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"default:\n  big: recorded, 100 kB\n  slim: recorded, 40 kB\n{FILE}: written.\n"
    keep(offline, report(variant("big", 100_000), variant("slim", 42_000, own_size=15_000)))
    return offline


def test_growth_is_seen_and_gated(stored: Offline) -> None:
    """Within the limit 0, beyond it 1; recording the new size makes it hold again."""
    loose = stored("report", "--against", FILE, "--max-growth", "5%")
    assert (loose.returncode, loose.stderr) == (0, "")
    assert "  slim: +2 kB (+5.0 %), own 0 B, base +2 kB\n" in loose.stdout
    for limit in ("4.9%", "slim=1999", "0%"):
        assert stored("report", "--against", FILE, "--max-growth", limit).returncode == 1, limit
    assert stored("report", "--against", FILE, "--max-growth", "big=0%").returncode == 0
    assert stored("baseline", "update").stdout.splitlines()[2] == "  slim: +2 kB (+5.0 %), own 0 B, base +2 kB"
    assert stored("report", "--against", FILE, "--max-growth", "0%").returncode == 0


def test_what_was_shrunk_is_no_run_to_measure_growth_from(stored: Offline) -> None:
    """Its candidates are of that run alone: the newest comparison is taken."""
    keep(stored, report(variant("original"), shrunk=Shrunk(result=None, before="FROM x\n")))
    assert stored("baseline", "update").stdout.splitlines()[2] == "  slim: +2 kB (+5.0 %), own 0 B, base +2 kB"


def test_what_was_not_recorded_is_told_with_its_reason(offline: Offline) -> None:
    """In words of what it is."""
    a, b, c = variant("a"), variant("b"), variant("c")
    keep(offline, report(replace(a, verdict=Verdict.BROKEN), replace(b, verdict="not_checked"), replace(c, image=None)))
    told = offline("baseline", "update").stdout
    assert told.splitlines()[1:] == [
        "  a: not recorded, for it is broken",
        "  b: not recorded, for it was not checked",
        "  c: not recorded, for it was not measured",
        f"{FILE}: nothing is stored in it.",
    ]
    assert not (offline.folder / FILE).exists()


def test_an_update_without_news_leaves_the_file_as_it_is(stored: Offline) -> None:
    """No commit is needed when nothing changed."""
    first = (stored.folder / FILE).stat()
    done = stored("baseline", "update", "--from", "20260101T000000000")
    assert done.stdout.endswith(f"{FILE}: as it was.\n")
    assert (stored.folder / FILE).stat().st_mtime_ns == first.st_mtime_ns


def test_a_report_and_a_run_can_be_held_against_too(stored: Offline) -> None:
    """A FILE of a report and a RUN by its beginning mean the same as what was recorded of them."""
    run = stored("report", "20260101T000000000", "--json", "-o", "old.json")
    assert run.returncode == 0
    for named in ("old.json", "20260101T000000000", "./old.json"):
        shown = stored("report", "--against", named, "--json")
        rows = json.loads(shown.stdout)["against"]["rows"]
        assert [row["uncompressed_delta"] for row in rows] == [0, 2000], shown.stderr


def test_an_image_can_be_held_against(stored: Offline) -> None:
    """An archive needs no engine; each variant is held against it."""
    stored.save("old.tar", {"shop:1": [{"app": b"x" * 1000}]})
    shown = stored("report", "--against", "old.tar", "--json")
    against = json.loads(shown.stdout)["against"]
    before = {row["uncompressed_before"] for row in against["rows"]}
    assert (shown.returncode, against["source"], len(before)) == (0, "old.tar", 1)
    assert "\nAgainst old.tar:\n" in stored("report", "--against", "old.tar").stdout


def test_a_collection_is_recorded_and_held_whole(offline: Offline) -> None:
    """Each comparison by its name; what is stored and no longer run is named, and goes with --prune."""
    one, two = report(variant("a", 10)), report(variant("a", 20), scenario="shop")
    keep(offline, one, two)
    offline("baseline", "update")
    assert sorted(json.loads((offline.folder / FILE).read_text())["comparisons"]) == ["default", "shop"]
    keep(offline, one)
    assert offline("report", "--against", FILE, "--max-growth", "0%").returncode == 0
    keep(offline, one, report(variant("a", 1), scenario="new"))
    shown = offline("report", "--against", FILE)
    assert f"Stored in {FILE}, and not in this run: shop.\n" in shown.stdout
    assert f"{FILE} has no comparison 'new'; those it has: default, shop." in shown.stdout
    offline("report", "--against", FILE, "--json", "-o", "held.json")
    again = offline("report", "held.json", "--against", FILE)
    assert again.stdout.count("and not in this run") == 1
    assert "shop: removed\n" in offline("baseline", "update", "--prune").stdout
    assert offline("baseline", "show").stdout.count("recorded 2025-11-21 by imgcompare") == 2


def test_a_shard_prunes_nothing(stored: Offline) -> None:
    """What the other shards have would go with it; the file stays as it is."""
    before = (stored.folder / FILE).read_bytes()
    part = replace(collect([report(variant("a", 1))], created="2025-11-21T08:00:00Z"), missing=("b",))
    (stored.folder / "part.json").write_bytes(msgspec.json.encode(part))
    result = stored("baseline", "update", "--from", "part.json", "--prune")
    assert result.returncode == 2
    assert "part.json has only a part of the comparisons: --prune would remove the others" in result.stderr
    assert (stored.folder / FILE).read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["report", "--against", "nowhere.json"], "cannot compare with 'nowhere.json': there is no such file"),
        (["run", "--against", "nowhere.json"], "cannot compare with 'nowhere.json': there is no such file"),
        (["run", "--against", ""], "--against is given an empty text"),
        (["report", "--against", "2026"], "'2026' names several saved runs"),
        (["baseline", "show", "nowhere.json"], "cannot read the baseline nowhere.json"),
        (["baseline", "update", "--from", "nowhere.json"], "'nowhere.json' is neither a file nor a saved run"),
        (["baseline", "update", "/nowhere/b.json"], "cannot write /nowhere/b.json"),
        (["baseline", "update", "home"], "cannot write home: it is a folder"),
    ],
)
def test_what_is_not_there_is_said(stored: Offline, arguments: list[str], problem: str) -> None:
    """Exit 2 and the next step; a run finds out before it builds."""
    done = stored(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"Error: {problem}")
    assert "\nNext: " in done.stderr


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "no whole baseline"),
        (b"{", "no whole baseline"),
        (b"[]", "no whole baseline"),
        (b"{}", "it has no baseline_version"),
        (b'{"baseline_version": 2, "comparisons": {}}', "has baseline_version 2; this imgcompare reads 1 to 1"),
        (b'{"baseline_version": 0, "comparisons": {}}', "has baseline_version 0"),
        (b'{"baseline_version": "1"}', "no whole baseline"),
        (b'{"baseline_version": 1}', "missing required field `comparisons`"),
        (b'{"baseline_version": 1, "comparisons": ' + b"[" * 100_000, "no whole baseline"),
        (b'{"baseline_version": 1, "comparisons": {"a": null}}', "no whole baseline"),
        (b"\xff\xfe{}", "no whole baseline"),
    ],
)
def test_a_damaged_baseline_is_named_and_left_as_it_is(stored: Offline, content: bytes, problem: str) -> None:
    """Whatever stands in the file, it is never overwritten, and nothing is compared with half of it."""
    path = stored.folder / "b.json"
    path.write_bytes(content)
    for arguments in (["baseline", "update", "b.json"], ["baseline", "show", "b.json"]):
        done = stored(*arguments)
        assert (done.returncode, done.stdout) == (2, ""), done.stdout
        assert problem in done.stderr
        assert path.read_bytes() == content
    if content.startswith(b"{"):
        done = stored("report", "--against", "b.json")
        assert (done.returncode, done.stdout) == (2, "")
        assert problem in done.stderr


def test_a_baseline_cut_anywhere_is_refused(stored: Offline) -> None:
    """No beginning of the file is taken for the whole."""
    whole = (stored.folder / FILE).read_bytes()
    from imgcompare.comparison.baseline_file import read_baseline  # noqa: PLC0415
    from imgcompare.errors import UsageError  # noqa: PLC0415

    path = stored.folder / "cut.json"
    for length in range(len(whole) - 2):
        path.write_bytes(whole[:length])
        with pytest.raises(UsageError, match="baseline"):
            read_baseline(path)


@pytest.mark.parametrize("value", ["-1", "1.5", "null", '"1"', "1e400"])
def test_sizes_that_are_none_are_refused(stored: Offline, value: str) -> None:
    """A size below nothing would turn growth around."""
    path = stored.folder / FILE
    path.write_text(path.read_text().replace('"uncompressed_size": 40000', f'"uncompressed_size": {value}'))
    done = stored("report", "--against", FILE)
    assert (done.returncode, done.stdout) == (2, "")
    assert "no whole baseline" in done.stderr


def test_hostile_names_in_a_baseline_are_only_text(stored: Offline) -> None:
    """Nothing from the file reaches the terminal as an escape."""
    path = stored.folder / FILE
    hostile = "\\u001b[2Jslim\\u202e"
    path.write_text(path.read_text().replace('"slim"', f'"{hostile}"').replace('"classic"', f'"{hostile}"'))
    for arguments in (["report", "--against", FILE], ["baseline", "show"], ["baseline", "update"]):
        done = stored(*arguments)
        assert done.returncode == 0, done.stderr
        assert not set("\x1b\u202e") & set(done.stdout + done.stderr)


def test_nothing_to_record_is_said(offline: Offline) -> None:
    """Without a run there is nothing, and no file is made."""
    done = offline("baseline", "update")
    assert (done.returncode, done.stdout) == (2, "")
    assert (
        done.stderr == "Error: nothing was run here yet\nNext: `imgcompare run` first, or name a report: --from FILE\n"
    )
    assert not Path(offline.folder / FILE).exists()
