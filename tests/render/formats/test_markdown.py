"""The comment on a pull request, as it is written."""

from __future__ import annotations

import re
from collections.abc import Callable

import cmarkgfm
from cmarkgfm.cmark import Options
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from imgcompare.console.style import Style
from imgcompare.model import (
    Against,
    AgainstRow,
    Caution,
    DebianPackage,
    Entry,
    Failure,
    Gate,
    Layer,
    PackageCounts,
    Packages,
    PythonPackage,
    Report,
    Stage,
    Variant,
    Verdict,
)
from imgcompare.render.formats.markdown import LIMIT
from imgcompare.reports.collection import collect
from tests.support.rendered import render

MakeReport = Callable[..., Report]
MakeVariant = Callable[..., Variant]
STYLE = Style(width=80, color=True, ascii_only=False)
FOOT = "<sub>imgcompare 0.1.0 · Docker Engine 20.10.24 (own engine, overlay2, BuildKit) · linux/amd64 · {}</sub>\n"


def page(report: Report, *notes: str) -> str:
    """The comment, its spaces that hold number and unit together shown as ``~``."""
    return render(report, "markdown", STYLE, notes).replace("\xa0", "~")


def with_image(variant: Variant, **changes: object) -> Variant:
    """The variant with something else about its image."""
    assert variant.image
    return replace(variant, image=replace(variant.image, **changes))


def test_a_comparison_that_passed(make_report: MakeReport, single: Variant, multi: Variant) -> None:
    """The answer in a sentence, the table with the winner in bold, and the rest folded away."""
    assert multi.image
    multi = replace(multi, image=replace(multi.image, stand_ins=("python:3.11-slim",)))
    assert (
        page(make_report(single, multi, description="One stage and two."), "Still up: http://127.0.0.1:1/")
        == """\
## ✅ imgcompare · default

One stage and two.

<b>multi-stage is the smallest image that works: 757.8 MB (79 %) less than single-stage.</b>

| Variant | Verdict | Unpacked | Change | Layers | Build | Ready | Check |
| - | - | -: | -: | -: | -: | -: | - |
| single-stage | ✅ works | 957.2~MB | baseline | 7 | 3.1~s | 0.41~s | ✓ 200 |
| <b>multi-stage</b> | ✅ works | 199.4~MB | −79~% | 6 | 2.2~s | 0.52~s | ✓ 200 |

- Base images are stand-ins made from the distribution's packages: python:3.11-slim.
- Still up: http:&#8203;//127.0.0.1:1/

<details><summary>All measurements</summary>

| Variant | Unpacked | Change | Layers | Build | Cached | Ready | Memory | Check | Verdict |
| - | -: | -: | -: | -: | -: | -: | -: | - | - |
| single-stage | 957.2~MB | baseline | 7 | 3.1~s | 0/6 | 0.41~s | 41.2~MB | ✓ 200 | works |
| <b>multi-stage</b> | 199.4~MB | −79~% | 6 | 2.2~s | 9/9 | 0.52~s | 38.9~MB | ✓ 200 | works |

|   | single-stage | multi-stage |
| - | - | - |
| Made from | dockerfiles/default/single-stage.Dockerfile | dockerfiles/default/multi-stage.Dockerfile |
| Image | aaaaaaaaaaaa | aaaaaaaaaaaa |
| Runs as | app | app |
| Exposes | 5000/tcp | 5000/tcp |

</details>

"""
        + FOOT.format("2025-11-21T08:00:00Z")
    )


def test_what_is_broken_and_how_to_mend_it(make_report: MakeReport, single: Variant, tutorial: Variant) -> None:
    """What happened, the log as it stands, the next step, and lines to copy."""
    assert tutorial.failure
    failure = replace(tutorial.failure, hint="Copy the packages too.", fix=("COPY --from=builder /x /x",))
    text = page(make_report(single, replace(tutorial, failure=failure)))
    assert text.startswith("## ❌ imgcompare · default\n")
    assert "| tutorial | ❌ broken | 150.1~MB | −84~% | 5 | 72.4~s | – | ✗ run |" not in text
    assert "| tutorial | ❌ broken | 150.1~MB | −84~% | 5 | 1~min~12~s | – | ✗ run |" in text
    assert (
        """
#### ❌ tutorial is broken: exits-at-once

The container exited with code 1 before its route answered.

```
Traceback (most recent call last):
ModuleNotFoundError: No module named 'flask'
```

<b>Next:</b> Copy the packages too.

<b>Fix:</b>

```dockerfile
COPY --from=builder /x /x
```
"""
        in text
    )


def test_a_long_log_is_folded_and_keeps_its_end(make_report: MakeReport, single: Variant, tutorial: Variant) -> None:
    """A log that would fill the comment stands below a line that unfolds it; what is left out is counted."""
    assert tutorial.failure
    failure = replace(tutorial.failure, evidence=tuple(f"line {number}" for number in range(1, 101)))
    text = page(make_report(single, replace(tutorial, failure=failure)))
    assert "<details><summary>Log: 100 lines</summary>\n\n```\n… 40 earlier lines\nline 41\n" in text
    assert "line 100\n```\n\n</details>" in text


def test_what_makes_up_the_sizes(make_report: MakeReport, single: Variant, multi: Variant) -> None:
    """Categories and packages side by side, and each image's layers with their instructions."""
    assert single.image
    assert multi.image
    layers = (
        Layer(
            diff_id="a", created_by="", uncompressed_size=10_000_000, file_count=1, compressed_size=5_000_000, base=True
        ),
        Layer(diff_id="b", created_by="RUN a | b && echo `c`", uncompressed_size=900, file_count=1, dockerfile_line=7),
    )
    one = replace(
        single.image,
        layers=layers,
        contents={"python_packages": 900, "build_tools": 10_000_000},
        packages=Packages(debian=(DebianPackage(name="gcc-12", version="12.2", installed_bytes=9_000_000),)),
    )
    two = replace(
        multi.image,
        contents={"python_packages": 2_000},
        packages=Packages(python=(PythonPackage(name="Flask", version="3", installed_bytes=500_000, location="/x"),)),
    )
    text = page(make_report(replace(single, image=one), replace(multi, image=two)))
    assert (
        """\
<details><summary>Where the bytes are</summary>

|   | single-stage | multi-stage |
| - | -: | -: |
| build tools | 10.0~MB | – |
| Python packages | 900~B | 2~kB |

</details>

<details><summary>Largest packages</summary>

| Package | Version | Of | single-stage | multi-stage |
| - | - | - | -: | -: |
| gcc-12 | 12.2 | Debian | 9.0~MB | – |
| Flask | 3 | Python | – | 500~kB |

</details>

<details><summary>Layers of single-stage: 2 layers, 957.2 MB</summary>

| \\# | Unpacked | Pull | From | Instruction |
| -: | -: | -: | - | - |
| 1 | 10.0~MB | 5.0~MB | base | <code>(no history)</code> |
| 2 | 900~B | – | line 7 | <code>RUN a &#124; b &amp;&amp; echo \\`c\\`</code> |

</details>
"""
        in text
    )


def test_gates_warnings_and_the_stored_baseline(make_report: MakeReport, single: Variant, multi: Variant) -> None:
    """What is limited, what will hurt later and how to mend it, and what became of what was stored."""
    gates = (
        Gate(name="uncompressed_size", subject="multi-stage", limit=150e6, actual=199.4e6, passed=False),
        Gate(name="layer_count", subject="multi-stage", limit=10, actual=6, passed=True),
        Gate(name="own_size", subject="multi-stage", limit=1e6, actual=None, passed=False, reason="no base is known"),
    )
    caution = Caution(code="runs-as-root", message="The app runs as root.", hint="Add a user.", fix=("USER app",))
    packages = PackageCounts(added=("a_b 1",), changed=("libc6 2.36 → 2.37",))
    against = Against(
        source="imgcompare.baseline.json",
        rows=(
            AgainstRow(
                variant="multi-stage",
                entry=Entry.BOTH,
                uncompressed_before=198_000_000,
                uncompressed_delta=1_400_000,
                layer_delta=-1,
                packages=packages,
            ),
            AgainstRow(variant="old", entry=Entry.MISSING),
        ),
        notes=("The engine was another one.",),
    )
    report = make_report(single, replace(multi, warnings=(caution,)), gates=gates, against=against, passed=False)
    assert """
#### ❌ 1 of 3 gates hold

| Gate | Variant | Measured | Limit |   |
| - | - | -: | -: | - |
| Unpacked | multi-stage | 199.4~MB | ≤~150.0~MB | ❌ 49.4 MB over |
| Layers | multi-stage | 6 | ≤~10 | ✅ |
| Own size | multi-stage | not~measured | ≤~1.0~MB | ❌ |

- multi-stage: Own size not measured: no base is known (limit ≤ 1.0 MB)

#### Against imgcompare.baseline.json

| Variant | Before | Unpacked | Pull | Own size | Layers | Packages |
| - | -: | -: | -: | -: | -: | - |
| multi-stage | 198.0~MB | +1.4~MB | – | – | −1 | 1 added, 1 changed |
| old | not~in~this~run | – | – | – | – | – |

- The engine was another one.

<details><summary>Packages of multi-stage</summary>

- added: a\\_b 1
- changed: libc6 2.36 → 2.37

</details>

#### ⚠️ 1 warning

| Warning | Variant |   |
| - | - | - |
| runs-as-root | multi-stage | The app runs as root. |

<details><summary>How to mend them</summary>

<b>runs-as-root</b>

<b>Next:</b> Add a user.

<b>Fix:</b>

```dockerfile
USER app
```

</details>
""" in page(report)


def test_gates_that_all_hold_are_folded_away(make_report: MakeReport, single: Variant) -> None:
    """One line says that they do."""
    gate = Gate(name="layer_count", subject="single-stage", limit=10, actual=7, passed=True)
    assert "<details><summary>✅ 1 of 1 gates hold.</summary>\n\n| Gate |" in page(make_report(single, gates=(gate,)))


def test_what_was_declared_to_break(make_report: MakeReport, single: Variant, tutorial: Variant) -> None:
    """A variant that breaks as its scenario says is folded away, what was skipped named, and the lesson told."""
    variants = (
        single,
        replace(tutorial, expected_failure="exits-at-once"),
        replace(single, name="other", verdict=Verdict.NOT_CHECKED, image=None, skipped="it needs BuildKit"),
    )
    text = page(make_report(*variants, passed=True, notes=("Copy the packages too.",)))
    assert text.startswith("## ✅ imgcompare · default\n")
    assert (
        "<details><summary>✅ tutorial is broken (as expected: exits-at-once)</summary>\n\n"
        "The container exited with code 1 before its route answered.\n\n```\nTraceback" in text
    )
    assert "\n\n- other was skipped: it needs BuildKit\n\n<b>What to learn</b>\n\n- Copy the packages too.\n\n" in text


def test_several_comparisons(make_report: MakeReport, single: Variant, multi: Variant, tutorial: Variant) -> None:
    """A collection says which passed, and then shows each below a heading of its own."""
    reports = make_report(single, multi, scenario="shop"), make_report(single, tutorial, scenario="blog")
    text = render(replace(collect(reports, created="now"), notes=("Shard 2 is missing.",)), "markdown", STYLE)
    assert text.startswith(
        "## ❌ imgcompare\n\n<b>1 of 2 comparisons passed; not: blog.</b>\n\n- Shard 2 is missing.\n\n"
        "| Comparison | Smallest that works | Unpacked | Change |   |\n| - | - | -: | -: | - |\n"
        "| shop | multi-stage | 199.4\xa0MB | −79\xa0% | ✅ passed |\n"
        "| blog | single-stage | 957.2\xa0MB | baseline | ❌ failed |\n\n"
        "### ✅ imgcompare · shop\n\n<b>multi-stage is the smallest"
    )
    assert "\n\n### ❌ imgcompare · blog\n\n" in text
    assert text.count("<summary>All measurements</summary>") == 2


def test_a_fleet_shows_what_failed_and_folds_the_rest(make_report: MakeReport, single: Variant, multi: Variant) -> None:
    """Of many comparisons a reader sees the overview and what is wrong; what did not run has a row, too."""
    fleet = [make_report(single, multi, scenario=f"app-{number}") for number in range(40)]
    fleet[7] = replace(fleet[7], passed=False)
    text = render(replace(collect(fleet, created="now"), missing=("gone",)), "markdown", STYLE)
    assert len(text) <= LIMIT
    assert text.count("✅ passed |\n") == 39
    assert "| app-7 | multi-stage | 199.4\xa0MB | −79\xa0% | ❌ failed |\n" in text
    assert "| gone | – | – | – | ❌ did not run |\n\n<details><summary>✅ app-0: multi-stage is the smallest" in text
    assert text.count("\n### ") == text.count("### ❌ imgcompare · app-7\n") == 1
    assert text.count("<details>") == text.count("</details>")


def test_what_does_not_fit_into_a_comment_is_left_out(make_report: MakeReport, make_variant: MakeVariant) -> None:
    """Details go first; the answer and what is broken stay as long as they fit; the last line counts the rest."""
    layers = tuple(
        Layer(diff_id="a", created_by="|" * 500, uncompressed_size=1, file_count=1, base=False) for _ in range(100)
    )
    variants = [with_image(make_variant(f"v{number}"), layers=layers) for number in range(30)]
    text = render(make_report(*variants), "markdown", STYLE)
    assert len(text) <= LIMIT
    assert "<summary>All measurements</summary>" in text
    shown = text.count("<summary>Layers of")
    assert 0 < shown < 30
    assert text.endswith(
        f"</sub>\n\n… {30 - shown} more sections did not fit into a comment: the whole report has them.\n"
    )
    assert text.count("<details>") == text.count("</details>")


_TEXT = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("`|<>[]()*_~@#\n"), max_size=70)


@given(names=st.lists(_TEXT, min_size=1, max_size=3, unique=True), texts=st.lists(_TEXT, min_size=7, max_size=7))
def test_nothing_in_a_report_becomes_markup(
    make_report: MakeReport, make_variant: MakeVariant, names: list[str], texts: list[str]
) -> None:
    """Whatever is in a report, the page has the tags that we wrote, and neither a link nor an image."""
    layer = Layer(diff_id="a", created_by=texts[0], uncompressed_size=1, file_count=1, stage=texts[1])
    failure = Failure(
        stage=Stage.RUN, code=texts[2], message=texts[3], hint=texts[4], evidence=(texts[5],), fix=(texts[6],)
    )
    gate = Gate(name=texts[0], subject=texts[1], limit=1, actual=None, passed=False)
    variants = [make_variant(name, failure=failure, verdict=Verdict.BROKEN) for name in names]
    variants = [with_image(each, layers=(layer,), contents={texts[2]: 1}) for each in variants]
    report = make_report(*variants, gates=(gate,), notes=(texts[3],), description=texts[4], scenario=texts[5])
    html: str = cmarkgfm.github_flavored_markdown_to_html(
        render(report, "markdown", STYLE, (texts[6],)), options=Options.CMARK_OPT_UNSAFE
    )
    ours = r"</?(h2|h4|p|b|br|table|thead|tbody|tr|t[hd]( align=\"right\")?|ul|li|sub|code|pre|details|summary)( /)?>"
    unknown = re.findall("<[^>]*>", re.sub(ours, "", html.replace('<pre lang="dockerfile">', "<pre>")))
    assert unknown == []
