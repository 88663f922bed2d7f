"""Reports put together: run one after another, and merged from the shards of several machines."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from imgcompare import __version__
from imgcompare.errors import UsageError
from imgcompare.model import SCHEMA_VERSION, Collection, Report, Shard, Tool
from imgcompare.reports.collection import Part, collect, merge
from tests.support import reports

NAMES = ("web", "api", "cron", "mail")


def report(name: str, *, passed: bool = True, **engine: Any) -> Report:
    """A report of a comparison."""
    engine_info = replace(reports.ENGINE, **engine)
    return reports.report(scenario=name, created="2025-01-02T03:04:05Z", engine=engine_info, passed=passed)


def shard(
    index: int,
    *reports: Report,
    count: int = 2,
    names: tuple[str, ...] = NAMES,
    seconds: dict[str, float] | None = None,
) -> Part:
    """A shard's file; of two, the first has api and mail, the second cron and web."""
    created = f"2025-01-02T03:04:0{index}Z"
    its = Shard(index=index, count=count, comparisons=names, seconds=seconds or {})
    return Part(f"{index}.json", collect(reports, created=created, shard=its))


def saying(index: int, count: int) -> Part:
    """A file that says of itself what cannot be."""
    nothing = collect((), created="")
    return Part("x.json", replace(nothing, shard=Shard(index=index, count=count, comparisons=NAMES)))


FIRST = shard(1, report("api"), report("mail"))
SECOND = shard(2, report("web"), report("cron"))


def test_a_collection_passes_when_everything_in_it_does() -> None:
    """One that fails is enough to fail, and nothing at all is no pass."""
    assert collect([report("a"), report("b")], created="").passed
    assert not collect([report("a"), report("b", passed=False)], created="").passed
    assert not collect([], created="").passed


def test_a_shard_passes_when_its_whole_share_does() -> None:
    """One cut short does not, and one without a share has nothing to fail."""
    assert FIRST.document.passed
    assert not shard(1, report("api")).document.passed
    assert not shard(1, report("api"), report("mail", passed=False)).document.passed
    assert shard(5, count=5).document.passed


@pytest.mark.parametrize("parts", [[FIRST, SECOND], [SECOND, FIRST]])
def test_merged_shards_are_one_whole_run(parts: list[Part]) -> None:
    """In whichever order they come, the comparisons stand in that of the file, as if one machine had run them."""
    assert merge(parts) == Collection(
        schema_version=SCHEMA_VERSION,
        tool=Tool(name="imgcompare", version=__version__),
        created="2025-01-02T03:04:01Z",
        comparisons=(report("web"), report("api"), report("cron"), report("mail")),
        passed=True,
    )


def test_a_missing_shard_is_named_with_what_it_had() -> None:
    """What did not run must not look as if it had passed."""
    merged = merge([FIRST])
    assert not merged.passed
    assert merged.notes == ("Shard 2/2 is missing, and with it web, cron.",)


def test_a_shard_that_was_cut_short_is_named() -> None:
    """Its comparisons that did not run are said."""
    merged = merge([shard(1, report("api")), SECOND])
    assert (merged.passed, merged.notes) == (False, ("Shard 1/2 was cut short: mail did not run.",))


def test_a_missing_shard_by_time_is_named_with_what_it_had() -> None:
    """Its share follows from the times that each of the others was shared out by."""
    seconds = {"web": 1.0, "api": 9.0, "cron": 1.0, "mail": 1.0}
    first = shard(1, report("api"), seconds=seconds)
    assert first.document.passed
    assert merge([first]).notes == ("Shard 2/2 is missing, and with it web, cron, mail.",)
    rest = shard(2, report("web"), report("cron"), report("mail"), seconds=seconds)
    assert merge([first, rest]).passed


def test_a_missing_shard_without_a_share_is_not_missed() -> None:
    """More machines than comparisons: what had nothing to run leaves no gap."""
    merged = merge([shard(1, report("a"), count=2, names=("a",))])
    assert (merged.passed, merged.notes) == (True, ())
    assert not merge([shard(2, count=2, names=("a",))]).passed


def test_a_failure_in_any_part_is_a_failure_of_the_whole() -> None:
    """The exit code of a merge is that of the worst part."""
    assert not merge([FIRST, shard(2, report("web"), report("cron", passed=False))]).passed


def test_machines_that_are_not_the_same_are_named() -> None:
    """Sizes, times and builds depend on them, so that numbers of different machines do not compare."""
    machine: dict[str, Any] = {
        "version": "29.0.1",
        "image_store": "containerd",
        "storage_driver": "overlayfs",
        "builder": "classic",
    }
    other = replace(report("api", **machine, architecture="arm64"), tool=Tool(name="imgcompare", version="0.0.9"))
    merged = merge([Part("a.json", report("web")), Part("b.json", report("cron")), Part("c.json", other)])
    assert merged.notes == (
        "Engines differ: Docker Engine 20.10.24 for web, cron; Docker Engine 29.0.1 for api.",
        "Image stores differ: classic (overlay2) for web, cron; containerd (overlayfs) for api.",
        "Builders differ: buildkit for web, cron; classic for api.",
        "Platforms differ: linux/amd64 for web, cron; linux/arm64 for api.",
        f"The reports are of different versions of imgcompare: {__version__}, 0.0.9.",
    )
    assert merged.passed


def test_reports_and_collections_of_any_kind_are_merged() -> None:
    """Neither needs to be of a shard; the same report twice is there once, and earlier notes stay."""
    noted = Part("b.json", replace(collect([report("b")], created="2024-01-01T00:00:00Z"), notes=("Mind the gap.",)))
    merged = merge([Part("a.json", report("a")), noted, Part("copy.json", report("a"))])
    assert [each.scenario for each in merged.comparisons] == ["a", "b"]
    assert (merged.notes, merged.created, merged.shard) == (("Mind the gap.",), "2024-01-01T00:00:00Z", None)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ([FIRST, Part("copy.json", FIRST.document)], "1.json and copy.json are both shard 1/2"),
        ([FIRST, shard(2, count=3)], "1.json is one of 2 shards, 2.json one of 3"),
        (
            [FIRST, shard(2, names=("web", "api", "cron", "post"))],
            "1.json and 2.json are shards of different comparisons: mail, post not in both",
        ),
        (
            [FIRST, shard(2, names=NAMES[::-1])],
            "1.json and 2.json are shards of different comparisons: in another order",
        ),
        (
            [Part("a.json", report("web")), Part("b.json", report("web", passed=False))],
            "a.json and b.json both hold web, and not the same run of it",
        ),
        (
            [FIRST, shard(2, seconds={"web": 1.0})],
            "1.json and 2.json were shared out by different times",
        ),
        ([saying(3, 2)], "x.json says it is shard 3 of 2"),
        ([saying(1, 10**9)], "x.json says it is shard 1 of 1000000000"),
    ],
)
def test_what_does_not_belong_together_is_refused(parts: list[Part], message: str) -> None:
    """Both files are named, and what is not the same."""
    with pytest.raises(UsageError) as caught:
        merge(parts)
    assert message in caught.value.message


def test_names_from_files_are_made_printable_and_few() -> None:
    """What a report calls itself is data: neither its length nor its characters take over."""
    names = tuple(f"c{number:03d}" for number in range(500))
    merged = merge([shard(1, *map(report, names[::2]), names=names)])
    assert merged.notes == (
        "Shard 2/2 is missing, and with it c001, c003, c005, c007, c009, c011, c013, c015 and 242 more.",
    )
    with pytest.raises(UsageError) as caught:
        merge([Part("a", report("\x1b[2J")), Part("b", report("\x1b[2J", passed=False))])
    assert "\x1b" not in caught.value.message
