"""What the log of a GitHub Actions job gets: the table, and commands that become annotations."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from imgcompare.console.style import Style
from imgcompare.model import Caution, Failure, Gate, Report, Source, Stage, Variant, Verdict
from imgcompare.reports.collection import collect
from tests.support.rendered import render

MakeReport = Callable[..., Report]
MakeVariant = Callable[..., Variant]
STYLE = Style(width=80, color=False, ascii_only=False)


def commands(document: Report) -> list[str]:
    """The lines after the table."""
    page = render(document, "table", STYLE)
    return render(document, "github", STYLE).removeprefix(page).splitlines()


def test_the_table_and_its_annotations(make_report: MakeReport, single: Variant, tutorial: Variant) -> None:
    """What is broken, gates and warnings are annotations with a title and the Dockerfile; the answer is a notice."""
    gate = Gate(name="uncompressed_size", subject="single-stage", limit=500e6, actual=957.2e6, passed=False)
    caution = Caution(code="runs-as-root", message="The app runs as root.", hint="Add a user.", fix=("USER app",))
    single = replace(single, warnings=(caution,))
    assert commands(make_report(single, tutorial, gates=(gate,))) == [
        "::error title=tutorial is broken%3A exits-at-once,file=dockerfiles/default/tutorial.Dockerfile::"
        "The container exited with code 1 before its route answered.%0ATraceback (most recent call last):%0A"
        "ModuleNotFoundError: No module named 'flask'%0A"
        "Next: COPY --from=builder /usr/local/lib/python3.11/site-packages /usr/local/lib/python3.11/site-packages",
        "::error title=imgcompare · default%3A gate,file=dockerfiles/default/single-stage.Dockerfile::"
        "single-stage: Unpacked 957.2 MB (limit ≤ 500.0 MB)",
        "::warning title=single-stage%3A runs-as-root,file=dockerfiles/default/single-stage.Dockerfile::"
        "The app runs as root.%0ANext: Add a user.%0AUSER app",
        "::notice title=imgcompare · default::single-stage, the baseline, is the only image that works: 957.2 MB; "
        "tutorial is smaller still, but broken.",
    ]


def test_what_passes_has_no_error(make_report: MakeReport, single: Variant, tutorial: Variant) -> None:
    """A variant that breaks as declared, or was left out, is no error."""
    broken = replace(tutorial, expected_failure="exits-at-once")
    left_out = replace(single, name="other", verdict=Verdict.NOT_CHECKED, skipped="needs BuildKit")
    found = commands(make_report(single, broken, left_out, passed=True))
    assert [line.split(" ")[0] for line in found] == ["::notice"]


def test_what_does_not_pass_has_an_error(make_report: MakeReport, single: Variant) -> None:
    """Where nothing else is to blame, the answer itself is the error."""
    left_out = replace(single, verdict=Verdict.NOT_CHECKED, skipped="needs BuildKit")
    assert commands(make_report(left_out, passed=False))[-1].startswith("::error title=imgcompare · default::")
    merged = replace(collect([make_report(single)], created="now"), passed=False, notes=("Shard 2 is missing.",))
    assert render(merged, "github", STYLE).endswith(
        "::error title=imgcompare::single-stage works; its image is 957.2 MB unpacked, in 7 layers.%0A"
        "Shard 2 is missing.\n"
    )


def test_a_dockerfile_elsewhere_is_not_named(make_report: MakeReport, tutorial: Variant) -> None:
    """An annotation stands on a file of the repository, or on none."""
    for path in ("/opt/Dockerfile", "../Dockerfile", None):
        (error, _) = commands(make_report(replace(tutorial, source=Source(dockerfile=path))))
        assert ",file=" not in error


@pytest.mark.parametrize(
    ("folder", "dockerfile", "named"),
    [
        ("/repo", "web/Dockerfile", "web/Dockerfile"),
        ("/repo", "./Dockerfile", "Dockerfile"),
        ("/repo/services/shop", "web/Dockerfile", "services/shop/web/Dockerfile"),
        ("/repo/services/shop", "../Dockerfile", "services/Dockerfile"),
        ("/repo/services/shop", "/repo/web/Dockerfile", "web/Dockerfile"),
        ("/repo/services/shop", "../../../Dockerfile", None),
        ("/repo", "/repository/Dockerfile", None),
    ],
)
def test_a_dockerfile_is_named_as_the_repository_calls_it(
    make_report: MakeReport, tutorial: Variant, folder: str, dockerfile: str, named: str | None
) -> None:
    """GitHub looks for it from the root of the repository, wherever in it the job runs."""
    report = make_report(replace(tutorial, source=Source(dockerfile=dockerfile)))
    page = render(report, "github", STYLE, folder=folder, repository="/repo")
    assert re.findall(",file=([^:]+)::", page) == ([named] if named else [])


def test_signs_are_escaped(make_report: MakeReport, make_variant: MakeVariant) -> None:
    """A percent sign, and in a title a colon and a comma, cannot end anything early."""
    failure = Failure(stage=Stage.RUN, code="a,b::c%0A", message="100 %0A::error::x", evidence=("::stop-commands::x",))
    (error, _) = commands(make_report(make_variant("a:b,c", verdict=Verdict.BROKEN, failure=failure)))[-2:]
    assert error == (
        "::error title=a%3Ab%2Cc is broken%3A a%2Cb%3A%3Ac%250A,file=dockerfiles/default/a%3Ab%2Cc.Dockerfile::"
        "100 %250A::error::x%0A::stop-commands::x"
    )


_TEXT = st.lists(st.sampled_from(["::", ":", "##[", "##", "[", "error", "%", "\n", "\r", " ", "\x1b[2m", "a"])).map(
    "".join
)


@given(names=st.lists(_TEXT, min_size=1, max_size=2, unique=True), texts=st.lists(_TEXT, min_size=4, max_size=4))
def test_nothing_in_a_report_is_a_command(
    make_report: MakeReport, make_variant: MakeVariant, names: list[str], texts: list[str]
) -> None:
    """Whatever a log says, the runner obeys our lines alone: it knows "::" at a line's beginning and "##[" anywhere."""
    failure = Failure(stage=Stage.RUN, code=texts[0], message=texts[1], hint=texts[2], evidence=(texts[3],))
    variants = [make_variant(name, verdict=Verdict.BROKEN, failure=failure) for name in names]
    for style in (STYLE, replace_color(STYLE)):
        lines = render(make_report(*variants), "github", style, (texts[0],)).splitlines()
        ours = [line for line in lines if re.match(r"::(error|warning|notice) title=[^:]*::", line)]
        assert len(ours) == len(names) + 1
        others = lines[: -len(ours)]
        assert lines[-len(ours) :] == ours
        assert not any(re.sub(r"\x1b\[\d*m", "", line).lstrip().startswith("::") for line in others)
        assert not any("##[" in line for line in others)
        assert not any("\n" in unquote(re.split("::", line)[1]) for line in ours)


def replace_color(style: Style) -> Style:
    """The same in colour."""
    return Style(width=style.width, color=True, ascii_only=style.ascii_only)
