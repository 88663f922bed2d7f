"""What is stored of a report is small and stable, and a later report is held against it without a blind spot."""

from __future__ import annotations

import json

from msgspec.structs import replace

from imgcompare.comparison.baseline import (
    EMPTY,
    Stored,
    absent,
    hold,
    is_part,
    merge,
    stored_comparison,
    stored_image,
    to_text,
)
from imgcompare.model import (
    Against,
    AgainstRow,
    DebianPackage,
    Entry,
    Failure,
    Package,
    PackageCounts,
    Packages,
    PythonPackage,
    Report,
    Shard,
    Stage,
    Tool,
    Variant,
    Verdict,
)
from imgcompare.reports.collection import collect
from tests.support.reports import ENGINE, report, variant


def packages(**versions: str) -> Packages:
    """Debian packages of these versions, and Flask in two folders."""
    return Packages(
        debian=tuple(
            DebianPackage(name=name, version=version, installed_bytes=1) for name, version in versions.items()
        ),
        python=tuple(
            PythonPackage(name="flask", version=version, installed_bytes=1, location=f"/{version}")
            for version in ("3.1", "3.0", "3.1")
        ),
    )


def broken(name: str, size: int | None) -> Variant:
    """A variant that does not work, with an image of that size or none."""
    made = replace(variant(name, size or 0), verdict=Verdict.BROKEN)
    failure = Failure(stage=Stage.RUN, code="exits-at-once", message="It exited.")
    return replace(made, image=made.image if size else None, failure=failure)


def against(now: Report, *then: Report) -> Against:
    """A report held against earlier ones."""
    stored = Stored(source="b.json", comparisons={one.scenario: stored_comparison(one) for one in then})
    held = hold(now, stored).against
    assert held is not None
    return held


def test_the_stored_form_has_a_line_for_each_value_and_package() -> None:
    """It is to be reviewed: sorted, and the same text for the same baseline."""
    made = report(variant("slim", 400, own_size=150, packages=packages(zlib="1.3", apt="2.6"), stand_ins=("python:3",)))
    text = to_text(merge(EMPTY, [made], prune=False))
    assert text == (
        '{\n  "baseline_version": 1,\n  "comparisons": {\n    "default": {\n'
        '      "origin": {\n        "engine": "Docker Engine 20.10.24",\n        "image_store": "classic",\n'
        '        "imgcompare": "0.1.0"\n      },\n'
        '      "recorded": "2025-11-21T08:00:00Z",\n      "variants": {\n        "slim": {\n'
        '          "compressed_size": null,\n          "layer_count": 6,\n          "own_size": 150,\n'
        '          "package_kinds": 1,\n'
        '          "packages": {\n            "debian": {\n              "apt": "2.6",\n              "zlib": "1.3"\n'
        '            },\n            "python": {\n              "flask": "3.0, 3.1"\n            }\n          },\n'
        '          "platform": "linux/amd64",\n          "stand_ins": [\n            "python:3"\n          ],\n'
        '          "uncompressed_size": 400\n        }\n      }\n    }\n  }\n}\n'
    )


def test_an_image_that_did_not_change_is_a_row_of_noughts() -> None:
    """And nothing is noted."""
    now = report(variant("slim", 400, own_size=150, compressed_size=99, packages=packages(apt="2.6")))
    assert against(now, now) == Against(
        source="b.json",
        recorded="2025-11-21T08:00:00Z",
        rows=(
            AgainstRow(
                variant="slim",
                entry=Entry.BOTH,
                uncompressed_before=400,
                uncompressed_delta=0,
                compressed_delta=0,
                own_delta=0,
                layer_delta=0,
            ),
        ),
    )


def test_only_what_was_looked_for_then_is_compared() -> None:
    """A baseline of before the other ecosystems says nothing of Alpine's packages: they are not new."""
    apk = Package(type="apk", name="musl", version="1.2", purl="", installed_bytes=1, location="/lib")
    now = report(variant("slim", 400, packages=Packages(all=(apk,))))
    then = report(variant("slim", 400, packages=Packages()))
    assert against(now, then).rows[0].packages == PackageCounts()
    later = report(variant("slim", 400, packages=Packages(all=(replace(apk, version="1.3"),))))
    assert against(later, now).rows[0].packages == PackageCounts(changed=("musl 1.2 → 1.3",))


def test_growth_is_told_by_size_layers_and_packages() -> None:
    """What the base brought is told from what is our own: the deltas of both are there."""
    then = report(variant("slim", 400, own_size=150, layer_count=5, packages=packages(apt="2.6", gone="1", zlib="1.2")))
    now = report(variant("slim", 500, own_size=150, layer_count=6, packages=packages(apt="2.6", new="7", zlib="1.3")))
    (row,) = against(now, then).rows
    assert (row.uncompressed_before, row.uncompressed_delta, row.own_delta, row.layer_delta) == (400, 100, 0, 1)
    assert row.compressed_delta is None
    assert row.packages == PackageCounts(added=("new 7",), removed=("gone 1",), changed=("zlib 1.2 → 1.3",))


def test_new_and_missing_variants_are_named() -> None:
    """A variant that lost its image keeps its row, with what was stored."""
    now = report(variant("a", 1), broken("b", None))
    rows = against(now, report(variant("b", 7), variant("c", 8))).rows
    assert [(row.variant, row.entry, row.uncompressed_before, row.uncompressed_delta) for row in rows] == [
        ("a", Entry.NEW, None, None),
        ("b", Entry.BOTH, 7, None),
        ("c", Entry.MISSING, 8, None),
    ]


def test_a_part_is_known_to_be_one() -> None:
    """Pruning by a shard, or by what lacks one, would remove what the other shards have."""
    whole = collect([report(variant("a"))], created="2025-11-21T08:00:00Z")
    shard = Shard(index=1, count=2, comparisons=("default", "other"))
    assert [is_part(each) for each in (whole.comparisons[0], whole, replace(whole, shard=replace(shard, count=1)))] == [
        False,
        False,
        False,
    ]
    assert is_part(replace(whole, shard=shard))
    assert is_part(replace(whole, missing=("other",)))


def test_a_comparison_that_is_not_stored_is_said() -> None:
    """All its variants are new, and those that are stored are named; so are those that no report has."""
    now = report(variant("a"))
    held = against(now, replace(now, scenario="other"))
    assert [row.entry for row in held.rows] == [Entry.NEW]
    assert held.notes == ("b.json has no comparison 'default'; those it has: other.",)
    stored = Stored(source="b.json", comparisons={"gone": stored_comparison(now), "default": stored_comparison(now)})
    alone = collect([now], created=now.created)
    assert absent(stored, alone) == ("Stored in b.json, and not in this run: gone.",)
    assert absent(stored, collect([now, replace(now, scenario="gone")], created=now.created)) == ()
    # A shard says what no shard has, so that all of them merged say it once.
    shard = Shard(index=1, count=2, comparisons=(now.scenario, "other"))
    assert absent(stored, replace(alone, shard=shard)) == ("Stored in b.json, and not in this run: gone.",)
    assert absent(stored, replace(alone, shard=replace(shard, comparisons=(now.scenario, "gone")))) == ()


def test_what_else_is_not_the_same_as_then_is_noted() -> None:
    """Another tool, engine, store, platform or stand-in may be the whole difference."""
    then = report(variant("slim", stand_ins=("python:3.11",)))
    engine = replace(ENGINE, version="29.1", image_store="containerd")
    now = report(variant("slim", architecture="arm64"), engine=engine, tool=Tool(name="imgcompare", version="0.2.0"))
    assert against(now, then).notes == (
        "Another imgcompare than then: 0.1.0, now 0.2.0.",
        "Another engine than then: Docker Engine 20.10.24, now Docker Engine 29.1.",
        "Another image store than then: classic, now containerd.",
        "slim was linux/amd64, now it is linux/arm64.",
        "slim has other stand-ins for base images: python:3.11, now none.",
    )


def test_one_image_is_held_against_each_variant() -> None:
    """So a published image can be the measure."""
    published = variant("published", 300, architecture="arm64").image
    assert published is not None
    held = hold(
        report(variant("a", 310), variant("b", 290)),
        Stored(source="shop:1", comparisons={}, image=stored_image(published)),
    ).against
    assert held is not None
    assert [(row.variant, row.uncompressed_delta) for row in held.rows] == [("a", 10), ("b", -10)]
    assert held.notes == ("a was linux/arm64, now it is linux/amd64.", "b was linux/arm64, now it is linux/amd64.")


def test_an_update_keeps_what_the_report_does_not_have() -> None:
    """Other comparisons, other variants, and the stored image of a variant that is broken now."""
    old = merge(EMPTY, [report(variant("a", 1), variant("b", 2)), report(variant("x"), scenario="other")], prune=False)
    now = report(variant("c", 3), broken("b", 20), created="2026-01-01T00:00:00Z")
    new = merge(old, [now], prune=False)
    assert sizes(new.comparisons["default"].variants) == {"a": 1, "b": 2, "c": 3}
    assert new.comparisons["default"].recorded == "2026-01-01T00:00:00Z"
    assert new.comparisons["other"] == old.comparisons["other"]
    pruned = merge(old, [now], prune=True)
    assert list(pruned.comparisons) == ["default"]
    assert sizes(pruned.comparisons["default"].variants) == {"b": 2, "c": 3}


def sizes(variants: object) -> dict[str, int]:
    """The sizes stored, by variant."""
    assert isinstance(variants, dict)
    return {name: image.uncompressed_size for name, image in variants.items()}


def test_an_update_without_news_changes_nothing() -> None:
    """A later run of the same images leaves the file as it was committed; a comparison without images adds nothing."""
    old = merge(EMPTY, [report(variant("a", 1))], prune=False)
    assert merge(old, [report(variant("a", 1), created="2026-01-01T00:00:00Z")], prune=False) == old
    assert merge(old, [report(broken("x", 1), scenario="bad")], prune=False) == old
    assert json.loads(to_text(EMPTY)) == {"baseline_version": 1, "comparisons": {}}
