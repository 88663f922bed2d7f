"""The page for a terminal, as it looks."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from rich.cells import cell_len

from imgcompare.comparison.spread import spread
from imgcompare.console.style import Style
from imgcompare.model import AfterChange, Caution, Failure, Gate, Repeated, Report, Stage, Variant, Verdict
from tests.support.rendered import render

MakeReport = Callable[..., Report]
MakeVariant = Callable[..., Variant]


def page(report: Report, width: int, *notes: str, color: bool = False, ascii_only: bool = False) -> str:
    """The page at a width."""
    return render(report, "table", Style(width=width, color=color, ascii_only=ascii_only), notes)


@pytest.fixture
def two(make_report: MakeReport, single: Variant, multi: Variant) -> Report:
    """The default comparison, on stand-in bases."""
    assert multi.image
    return make_report(single, replace(multi, image=replace(multi.image, stand_ins=("python:3.11-slim",))))


@pytest.fixture
def three(make_report: MakeReport, single: Variant, multi: Variant, tutorial: Variant) -> Report:
    """Two variants that work, and a smaller one that does not."""
    return make_report(single, multi, tutorial)


@pytest.fixture
def hostile(make_report: MakeReport, make_variant: MakeVariant) -> Report:
    """Names that try to drive the terminal, and one in wide characters."""
    return make_report(
        make_variant("\x1b[31mevil\x1b]0;x\x07[red]x[/]\u202e", 50_000_000), make_variant("应用程序-größe", 40_000_000)
    )


def test_80_columns(two: Report) -> None:
    """At 80 columns everything but the memory is there, in short forms."""
    assert (
        page(two, 80)
        == """\
imgcompare · default
Docker Engine 20.10.24 (own engine, overlay2, BuildKit) · linux/amd64

Variant       Unpacked             Change  Layers  Build   Ready  Check  Verdict
single-stage  957.2 MB ████████  baseline       7  3.1 s  0.41 s  ✓ 200  works
multi-stage   199.4 MB █▋           −79 %       6  2.2 s  0.52 s  ✓ 200  works

multi-stage is the smallest image that works: 757.8 MB (79 %) less than
single-stage.

Base images are stand-ins made from the distribution's packages:
  python:3.11-slim.
"""
    )


def test_200_columns(two: Report) -> None:
    """At 200 columns everything is there, and the table grows no wider than it can be read."""
    assert (
        page(two, 200)
        == """\
imgcompare · default · Docker Engine 20.10.24 (own engine, overlay2, BuildKit) · linux/amd64

Variant       Unpacked                                   Change  Layers  Build Cached   Ready   Memory  Check  Verdict
single-stage  957.2 MB ██████████████████████████████  baseline       7  3.1 s    0/6  0.41 s  41.2 MB  ✓ 200  works
multi-stage   199.4 MB ██████▎                            −79 %       6  2.2 s    9/9  0.52 s  38.9 MB  ✓ 200  works

multi-stage is the smallest image that works: 757.8 MB (79 %) less than single-stage.

Base images are stand-ins made from the distribution's packages: python:3.11-slim.
"""
    )


def test_the_bar_goes_before_what_few_look_for(make_report: MakeReport, make_variant: MakeVariant) -> None:
    """Unique, wasted and memory are shown beside a bar of good length; at 120 columns the bar has their room."""
    variants = [make_variant(name, size * 10**6) for name, size in (("single-stage", 957), ("multi-stage", 199))]
    full = [
        replace(v, image=replace(v.image, unique_bytes=9, wasted_bytes=9, compressed_size=268_300_000))
        for v in variants
        if v.image
    ]
    lines = {width: page(make_report(*full), width).splitlines()[2:4] for width in (80, 120, 160)}
    titles = {width: next(line for line in found if line.startswith("Variant")) for width, found in lines.items()}
    assert titles[160].split()[-8:] == ["Wasted", "Layers", "Build", "Cached", "Ready", "Memory", "Check", "Verdict"]
    assert titles[120].split()[-7:] == ["Pull", "Layers", "Build", "Cached", "Ready", "Check", "Verdict"]
    assert "█" * 24 in page(make_report(*full), 120)
    assert "█" in page(make_report(*full), 80)
    assert "baseline" in page(make_report(*full), 80)


def test_the_answer_stands_above_a_long_table_too(make_report: MakeReport, make_variant: MakeVariant) -> None:
    """Of more than ten rows the answer below is out of sight; of ten it is not said twice."""
    for count, said in ((10, 1), (11, 2)):
        text = page(make_report(*(make_variant(f"v{n}", 10**8 + n) for n in range(count))), 80)
        assert text.count("v0, the baseline, is the smallest image that works") == said
    assert text.index("v0, the baseline") < text.index("Variant ")


def test_60_columns(two: Report) -> None:
    """At 60 columns the columns that matter least are gone."""
    assert (
        page(two, 60)
        == """\
imgcompare · default
Docker Engine 20.10.24 (own engine, overlay2, BuildKit)
linux/amd64

Variant       Unpacked    Change  Layers  Check  Verdict
single-stage  957.2 MB  baseline       7  ✓ 200  works
multi-stage   199.4 MB     −79 %       6  ✓ 200  works

multi-stage is the smallest image that works: 757.8 MB
(79 %) less than single-stage.

Base images are stand-ins made from the distribution's
  packages: python:3.11-slim.
"""
    )


def test_20_columns(two: Report) -> None:
    """At 20 columns there are lines instead of a table."""
    assert (
        page(two, 20)
        == """\
imgcompare · default
Docker Engine
  20.10.24 (own
  engine, overlay2,
  BuildKit)
linux/amd64

single-stage:
  957.2 MB
  (baseline), works
multi-stage:
  199.4 MB (−79 %),
  works

multi-stage is the
smallest image that
works: 757.8 MB
(79 %) less than
single-stage.

Base images are
  stand-ins made
  from the
  distribution's
  packages:
  python:3.11-slim.
"""
    )


def test_broken_variant(three: Report) -> None:
    """A broken variant is never the winner, and all that is needed to mend it is there."""
    assert (
        page(three, 80)
        == """\
imgcompare · default
Docker Engine 20.10.24 (own engine, overlay2, BuildKit) · linux/amd64

Variant       Unpacked             Change  Layers  Build   Ready  Check  Verdict
single-stage  957.2 MB ████████  baseline       7  3.1 s  0.41 s  ✓ 200  works
multi-stage   199.4 MB █▋           −79 %       6  2.2 s  0.52 s  ✓ 200  works
tutorial      150.1 MB █▎           −84 %       5   72 s       –  ✗ run  broken

multi-stage is the smallest image that works: 757.8 MB (79 %) less than
single-stage; tutorial is smaller still, but broken.

✗ tutorial is broken: exits-at-once
    The container exited with code 1 before its route answered.
      Traceback (most recent call last):
      ModuleNotFoundError: No module named 'flask'
    Next  COPY --from=builder /usr/local/lib/python3.11/site-packages
          /usr/local/lib/python3.11/site-packages
    More  imgcompare explain exits-at-once
"""
    )


def test_ascii(three: Report) -> None:
    """An ASCII terminal gets the same page in its own characters."""
    assert (
        page(three, 80, ascii_only=True)
        == """\
imgcompare - default
Docker Engine 20.10.24 (own engine, overlay2, BuildKit) - linux/amd64

Variant       Unpacked            Change  Layers  Build   Ready  Check   Verdict
single-stage  957.2 MB #######  baseline       7  3.1 s  0.41 s  ok 200  works
multi-stage   199.4 MB #           -79 %       6  2.2 s  0.52 s  ok 200  works
tutorial      150.1 MB #           -84 %       5   72 s       -  x run   broken

multi-stage is the smallest image that works: 757.8 MB (79 %) less than
single-stage; tutorial is smaller still, but broken.

x tutorial is broken: exits-at-once
    The container exited with code 1 before its route answered.
      Traceback (most recent call last):
      ModuleNotFoundError: No module named 'flask'
    Next  COPY --from=builder /usr/local/lib/python3.11/site-packages
          /usr/local/lib/python3.11/site-packages
    More  imgcompare explain exits-at-once
"""
    )


def test_nothing_works(make_report: MakeReport, tutorial: Variant) -> None:
    """Where nothing works no image is praised."""
    assert (
        page(make_report(tutorial, replace(tutorial, name="other", image=None, failure=None)), 80)
        == """\
imgcompare · default
Docker Engine 20.10.24 (own engine, overlay2, BuildKit) · linux/amd64

Variant   Unpacked                     Change  Layers  Build      Check  Verdict
tutorial  150.1 MB ████████████████  baseline       5   72 s 2/8  ✗ run  broken
other            –                          –       –   72 s 2/8  –      broken

No variant works, so there is no smallest image to name.

✗ tutorial is broken: exits-at-once
    The container exited with code 1 before its route answered.
      Traceback (most recent call last):
      ModuleNotFoundError: No module named 'flask'
    Next  COPY --from=builder /usr/local/lib/python3.11/site-packages
          /usr/local/lib/python3.11/site-packages
    More  imgcompare explain exits-at-once

✗ other is broken
"""
    )


def test_one_variant(make_report: MakeReport, multi: Variant) -> None:
    """One variant is described, not compared."""
    assert (
        page(make_report(multi), 80)
        == """\
imgcompare · default
Docker Engine 20.10.24 (own engine, overlay2, BuildKit) · linux/amd64

Variant      Unpacked  Layers  Build Cached   Ready   Memory  Check  Verdict
multi-stage  199.4 MB       6  2.2 s    9/9  0.52 s  38.9 MB  ✓ 200  works

multi-stage works; its image is 199.4 MB unpacked, in 6 layers.
"""
    )


def test_hostile_names(hostile: Report) -> None:
    """Escapes and bidi vanish, markup is text, and wide characters keep the columns straight."""
    assert (
        page(hostile, 80)
        == """\
imgcompare · default
Docker Engine 20.10.24 (own engine, overlay2, BuildKit) · linux/amd64

Variant         Unpacked           Change  Layers  Build   Ready  Check  Verdict
evil[red]x[/]    50.0 MB ██████  baseline       6  2.2 s  0.52 s  ✓ 200  works
应用程序-größe   40.0 MB ████▊      −20 %       6  2.2 s  0.52 s  ✓ 200  works

应用程序-größe is the smallest image that works: 10.0 MB (20 %) less than
evil[red]x[/].
"""
    )


def test_hostile_names_in_ascii(hostile: Report) -> None:
    """A name in other letters keeps its difference in ASCII."""
    assert (
        page(hostile, 80, ascii_only=True)
        == """\
imgcompare - default
Docker Engine 20.10.24 (own engine, overlay2, BuildKit) - linux/amd64

Variant                     Unpacked             Change  Layers  Check   Verdict
evil[red]x[/]                50.0 MB ########  baseline       6  ok 200  works
\\u5e94\\u7528\\u7a0b\\u5e8...   40.0 MB ######       -20 %       6  ok 200  works

\\u5e94\\u7528\\u7a0b\\u5e8f-gr\\xf6\\xdfe is the smallest image that works: 10.0 MB
(20 %) less than evil[red]x[/].
"""
    )


def test_gates_and_notes_at_the_foot(make_report: MakeReport, multi: Variant) -> None:
    """Each gate is a row with both values and its verdict, and says why one could not be measured; then remarks."""
    gates = (
        Gate(name="uncompressed_size", subject="multi-stage", limit=150e6, actual=199.4e6, passed=False),
        Gate(name="layer_count", subject="multi-stage", limit=9, actual=6, passed=True),
        Gate(name="ready_after_s", subject="multi-stage", limit=2, actual=None, passed=False, reason="it\x1b[2J died"),
    )
    text = page(make_report(multi, gates=gates), 80, "Left running: http://127.0.0.1:49153/")
    assert text.endswith(
        "in 6 layers.\n\n"
        "Gate      Variant          Measured       Limit\n"
        "Unpacked  multi-stage      199.4 MB  ≤ 150.0 MB  ✗ 49.4 MB over\n"
        "Layers    multi-stage             6         ≤ 9  ✓\n"
        "Ready     multi-stage  not measured     ≤ 2.0 s  ✗\n"
        "✗ multi-stage: Ready not measured: it died (limit ≤ 2.0 s)\n"
        "\n"
        "Left running: http://127.0.0.1:49153/\n"
    )


def test_what_a_change_costs(make_report: MakeReport, single: Variant, multi: Variant) -> None:
    """A row for each variant of which it was measured."""
    change = AfterChange(changed_file="app.py", duration_s=2.2, step_count=3, rebuilt_steps=("COPY", "RUN"))
    last = AfterChange(changed_file="app.py", duration_s=0.28, step_count=8, rebuilt_steps=("COPY",), pull_size=3701)
    report = make_report(replace(single, after_change=change), replace(multi, after_change=last))
    assert page(report, 100).endswith(
        """
After a change  of        Rebuilt   Build  Server pulls
single-stage    app.py  2/3 steps   2.2 s             –
multi-stage     app.py  1/8 steps  0.28 s        ≈ 4 kB
"""
    )


def test_what_was_measured_several_times(make_report: MakeReport, single: Variant, multi: Variant) -> None:
    """A row for each measure: brief times in milliseconds, memory in bytes, and no deviation of a single value."""
    ready, reply = spread([0.41, 0.4, 0.45]), spread([0.0042, 0.0031, 0.0251])
    again = Repeated(ready_s=ready, response_s=reply, memory_bytes=spread([41_200_000, 41_000_000, 42_000_000]))
    built = Repeated(build_s=spread([0.125]))
    report = make_report(replace(single, repeated=again), replace(multi, repeated=built))
    assert page(report, 100).endswith(
        """
Measured again                Times    Least   Median     Most  Deviation
single-stage    ready             3   0.40 s   0.41 s   0.45 s  ± 26.5 ms
single-stage    response          3   3.1 ms   4.2 ms  25.1 ms  ± 12.4 ms
single-stage    memory            3  41.0 MB  41.2 MB  42.0 MB   ± 529 kB
multi-stage     cached build      1   0.12 s   0.12 s   0.12 s          –
"""
    )


def test_warnings_of_variants_that_work(make_report: MakeReport, single: Variant, multi: Variant) -> None:
    """One row for each, with all variants of which it is; of a broken variant only its failure counts."""
    root = Caution(code="runs-as-root", message="The app runs as \x1b[31mroot.")
    check = Caution(code="no-healthcheck", message="It has no HEALTHCHECK: an app that hangs looks well.")
    broken = replace(multi, name="worse", verdict=Verdict.BROKEN, warnings=(root,))
    report = make_report(replace(single, warnings=(root, check)), replace(multi, warnings=(root,)), broken)
    assert page(report, 100).endswith(
        """
Warning         Variant
runs-as-root    single-stage, multi-stage  The app runs as root.
no-healthcheck  single-stage               It has no HEALTHCHECK: an app that hangs looks well.
"""
    )
    assert """
! runs-as-root (single-stage, multi-stage): The app runs as
  root.
! no-healthcheck (single-stage): It has no HEALTHCHECK: an
  app that hangs looks well.
""" in page(report, 60)


def test_gates_where_no_table_fits(make_report: MakeReport, multi: Variant) -> None:
    """A narrow page tells how many hold, and of those that do not each in a sentence."""
    gates = (
        Gate(name="uncompressed_size", subject="multi-stage", limit=150e6, actual=199.4e6, passed=False),
        Gate(name="layer_count", subject="multi-stage", limit=9, actual=6, passed=True),
    )
    assert page(make_report(multi, gates=gates), 40).endswith(
        "\n\n1 of 2 gates hold.\n✗ multi-stage: Unpacked 199.4 MB (limit\n  ≤ 150.0 MB)\n"
    )


def test_a_known_cause_comes_with_the_lines_that_mend_it(make_report: MakeReport, make_variant: MakeVariant) -> None:
    """Dockerfile lines are never broken, however narrow the terminal: they are to be copied."""
    failure = Failure(
        stage=Stage.RUN,
        code="moved-virtualenv",
        message="The virtual environment was moved.",
        hint="Instead of the line that copies it to /opt/venv.",
        evidence=("exec /opt/venv/bin/gunicorn: no such file or directory",),
        fix=("COPY --from=builder /build/some/where/venv /build/some/where/venv", "ENV PATH=/build/venv/bin:$PATH"),
    )
    broken = make_variant("a", verdict=Verdict.BROKEN, check=None, failure=failure)
    assert page(make_report(broken), 60).endswith(
        "✗ a is broken: moved-virtualenv\n"
        "    The virtual environment was moved.\n"
        "      exec /opt/venv/bin/gunicorn: no such file or directory\n"
        "    Fix   COPY --from=builder /build/some/where/venv /build/some/where/venv\n"
        "          ENV PATH=/build/venv/bin:$PATH\n"
        "    Next  Instead of the line that copies it to /opt/venv.\n"
        "    More  imgcompare explain moved-virtualenv\n"
    )


def test_evidence_is_folded_and_harmless(make_report: MakeReport, make_variant: MakeVariant) -> None:
    """Log lines keep their indentation, are folded at the edge, and give no orders to the terminal."""
    evidence = ("\x1b[31m  File \x1b]0;x\x07[bold]" + "x" * 60 + "\n\tboom\u202e",)
    failure = Failure(stage=Stage.RUN, code="exits-at-once", message="It \x1b[2Jended.", evidence=evidence)
    broken = make_variant("a", verdict=Verdict.BROKEN, check=None, failure=failure)
    assert page(make_report(broken), 60).endswith(
        "✗ a is broken: exits-at-once\n"
        "    It ended.\n"
        "        File [bold]xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n"
        "      xxxxxxxxxxxxxxxxxxx\n"
        "          boom\n"
        "    More  imgcompare explain exits-at-once\n"
    )


def test_escapes_only_with_color(three: Report) -> None:
    """Colour changes nothing but colour; without it there is no escape."""
    colored = page(three, 80, color=True)
    assert "\x1b" not in page(three, 80)
    assert "\x1b[32mworks\x1b[0m" in colored
    assert "\x1b[31mbroken\x1b[0m" in colored
    assert re.sub(r"\x1b\[[0-9;]*m", "", colored) == page(three, 80)


def test_the_environment_has_no_say(three: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    """The style alone decides: rendering reads no variable."""
    plain = page(three, 80)
    for name, value in {"FORCE_COLOR": "1", "COLUMNS": "33", "TTY_COMPATIBLE": "1"}.items():
        monkeypatch.setenv(name, value)
    assert page(three, 80) == plain


_TEXT = st.text(max_size=70)
_FAILURE = st.builds(
    Failure, stage=st.sampled_from(Stage), code=_TEXT, message=_TEXT, hint=_TEXT, evidence=st.tuples(_TEXT, _TEXT)
)


@given(
    names=st.lists(_TEXT, min_size=0, max_size=4, unique=True),
    sizes=st.lists(st.integers(0, 10**13), min_size=4, max_size=4),
    failure=_FAILURE,
    width=st.integers(20, 220),
    ascii_only=st.booleans(),
)
def test_nothing_is_wider_than_the_page(
    make_report: MakeReport,
    make_variant: MakeVariant,
    names: list[str],
    sizes: list[int],
    failure: Failure,
    width: int,
    ascii_only: bool,
) -> None:
    """Whatever is in a report and however narrow the page: no line is too wide, no escape, no foreign character."""
    works = [make_variant(name, size) for name, size in zip(names, sizes, strict=False)]
    broken = [replace(v, verdict=Verdict.BROKEN, failure=failure) for v in works[1:]]
    text = page(make_report(*works[:1], *broken, baseline=names[0] if names else None), width, ascii_only=ascii_only)
    assert all(cell_len(line) <= width for line in text.splitlines())
    assert not any(unicodedata.category(character) == "Cc" for character in text.replace("\n", ""))
    assert text.isascii() or not ascii_only


@pytest.mark.parametrize("line", ["\U0001f3fb", "\u200c", "a\U0001f3fb", "x" * 76 + "\U0001f3fb"])
def test_log_lines_may_have_characters_that_take_no_room(
    make_variant: MakeVariant, make_report: MakeReport, line: str
) -> None:
    """A colour of skin without a face is nothing to be drawn, and no reason to fail."""
    failure = Failure(stage=Stage.RUN, code="x", message="m", hint="h", evidence=("first", line, "last"))
    text = page(make_report(make_variant("a", verdict=Verdict.BROKEN, failure=failure)), 80)
    assert [each in text for each in ("first", "last")] == [True, True]


def test_log_lines_keep_their_spaces_where_they_are_broken(make_variant: MakeVariant, make_report: MakeReport) -> None:
    """Between words where there is one near the end; what has none is cut where the terminal ends."""
    line = "E:  three   spaces, and a word at the end that no longer fits " + "x" * 70
    failure = Failure(stage=Stage.RUN, code="exits-at-once", message="Gone.", evidence=(line,))
    text = page(make_report(make_variant("a", verdict=Verdict.BROKEN, check=None, failure=failure)), 60)
    quoted = [told.removeprefix("      ") for told in text.splitlines() if told.startswith("      ")]
    assert quoted == [
        "E:  three   spaces, and a word at the end that no",
        "longer fits " + "x" * 42,
        "x" * 28,
    ]
