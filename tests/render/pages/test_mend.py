"""The page on a Dockerfile that was mended, or was not, as it looks."""

from __future__ import annotations

from msgspec.structs import replace

from imgcompare.console.style import Style
from imgcompare.model import (
    SCHEMA_VERSION,
    Check,
    Edit,
    EditAction,
    Expectation,
    Failure,
    Mending,
    Source,
    Stage,
    Tool,
    Variant,
    Verdict,
)
from imgcompare.render.pages.mend import render
from tests.support.reports import ENGINE, variant

PLAIN = Style(width=80, color=False, ascii_only=False)
EDIT = Edit(action=EditAction.REPLACE, stage="0", line=2, instruction="CMD", lines=('CMD ["a", "b"]',))
ONE_STRING = Failure(
    stage=Stage.RUN,
    code="single-string-exec",
    message="CMD is a list with one string in it.",
    evidence=('exec: "a b": not found',),
    fix=EDIT.lines,
    edits=(EDIT,),
)
GONE = Failure(stage=Stage.RUN, code="executable-not-found", message="There is no program a.", hint="Install it.")
WORKS = replace(
    variant("Dockerfile"),
    source=Source(dockerfile="docker/Dockerfile", target="prod"),
    check=Check(
        passed=True,
        url="http://127.0.0.1:49153/healthz",
        expected=Expectation(),
        status_code=200,
        body_excerpt="Hello\nworld",
    ),
)
DIFF = '--- docker/Dockerfile\n+++ docker/Dockerfile\n@@ -1,2 +1,2 @@\n FROM a\n-CMD ["a b"]\n+CMD ["a", "b"]\n'


def told(result: Variant, *mended: Failure, diff: str = "", reason: str = "") -> Mending:
    """What came out."""
    return Mending(
        schema_version=SCHEMA_VERSION,
        tool=Tool(name="imgcompare", version="0.1.0"),
        created="2025-11-21T08:00:00Z",
        engine=ENGINE,
        works=result.verdict is Verdict.WORKS,
        mended=mended,
        diff=diff,
        result=result,
        reason=reason,
    )


def test_mended() -> None:
    """Each cause with its proof, the patch to copy, the reply that proves it, and what is written where."""
    page = render(told(WORKS, ONE_STRING, diff=DIFF), PLAIN)
    assert page == (
        "imgcompare mend · docker/Dockerfile:prod · Docker Engine 20.10.24 (own engine,\n"
        "overlay2, BuildKit)\n"
        "\n"
        "1  single-string-exec\n"
        "    CMD is a list with one string in it.\n"
        '      exec: "a b": not found\n'
        "\n"
        "--- docker/Dockerfile\n"
        "+++ docker/Dockerfile\n"
        "@@ -1,2 +1,2 @@\n"
        " FROM a\n"
        '-CMD ["a b"]\n'
        '+CMD ["a", "b"]\n'
        "\n"
        "✓ It works: one cause was mended.\n"
        "  GET /healthz → 200, ready after 0.52 s: Hello world\n"
        "  Nothing is written: -o FILE writes it to a file, --in-place over the\n"
        "  Dockerfile.\n"
    )
    assert "  Written to new/Dockerfile.\n" in render(told(WORKS, ONE_STRING, diff=DIFF), PLAIN, "new/Dockerfile")


def test_nothing_to_mend() -> None:
    """A Dockerfile that works is told to, with its reply; nobody is asked where to write it."""
    page = render(told(replace(WORKS, run=replace(WORKS.run, health="healthy"))), PLAIN)  # type: ignore[type-var]
    assert page.splitlines()[2:] == [
        "",
        "✓ It works as it is: there is nothing to mend.",
        "  GET /healthz → 200, ready after 0.52 s: Hello world Its HEALTHCHECK says",
        "  healthy.",
    ]


def test_not_mended() -> None:
    """What was found on the way stays told, with what is still wrong, and no diff that proves nothing."""
    broken = replace(WORKS, verdict=Verdict.BROKEN, failure=GONE)
    page = render(told(broken, ONE_STRING, diff=DIFF, reason="No certain fix is known for it."), PLAIN)
    assert "@@" not in page
    assert page.splitlines()[-8:] == [
        "✗ It is not mended, though one cause was mended. No certain fix is known for it.",
        "",
        "✗ Dockerfile is broken: executable-not-found",
        "    There is no program a.",
        "    Next  Install it.",
        "    More  imgcompare explain executable-not-found",
        "",
        "Nothing is written: a Dockerfile that does not work is not shown as mended.",
    ]


def test_nothing_in_it_drives_the_terminal() -> None:
    """What came from the Dockerfile or the app is shown, and never obeyed."""
    hostile = replace(ONE_STRING, message="\x1b[31mred", evidence=("\x1b]0;x\x07",))
    page = render(told(WORKS, hostile, diff="--- a\n+++ b\n@@ -1 +1 @@\n-\x1b[2J\r\n+\u202eb\n"), PLAIN)
    assert "\x1b" not in page
    assert "\u202e" not in page
    assert "\r" not in page
