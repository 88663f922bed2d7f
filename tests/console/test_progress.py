"""What is told while it works."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from rich.console import Console

from imgcompare.console.progress import OneOfSeveral, PlainProgress, QuietProgress, RichProgress, open_progress
from imgcompare.console.style import Style
from imgcompare.model import Stage

UNICODE = Style(width=80, color=False, ascii_only=False)
ASCII = Style(width=80, color=False, ascii_only=True)


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


class Clock:
    """A clock that stands where it is put."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


def shown(view: RichProgress) -> list[str]:
    """The live view's lines, as text."""
    out = io.StringIO()
    Console(file=out, width=200, _environ={}).print(view.view())
    return [line.rstrip() for line in out.getvalue().splitlines()]


def test_plain_lines_for_stages_and_steps() -> None:
    """Without a terminal, each change of stage or step is a line, and nothing is said twice."""
    out = io.StringIO()
    with PlainProgress(out, UNICODE, Clock()) as progress:
        progress.stage("multi", Stage.PULL)
        progress.stage("multi", Stage.BUILD, "1/6 FROM python")
        progress.stage("multi", Stage.BUILD, "1/6 FROM python")
        progress.stage("single", Stage.BUILD, "1/6 FROM python")
        progress.stage("multi", Stage.BUILD, "2/6 RUN pip install")
        progress.note("No registry answers.")
        progress.finished("multi", "works", ok=True)
        progress.finished("single", "exits-at-once", ok=False)
    assert out.getvalue() == (
        "multi: pull\n"
        "multi: build: 1/6 FROM python\n"
        "single: build: 1/6 FROM python\n"
        "multi: build: 2/6 RUN pip install\n"
        "No registry answers.\n"
        "multi: ✓ works\n"
        "single: ✗ exits-at-once\n"
    )


def test_plain_lines_for_bytes_come_now_and_then() -> None:
    """A download that tells every block fills no log: a line every five seconds."""
    out, clock = io.StringIO(), Clock()
    progress = PlainProgress(out, UNICODE, clock)
    for tenth in range(25):
        clock.now = 100 + tenth / 2
        progress.stage("python:3.11", Stage.PULL, f"{tenth}.5 MB of 45 MB ({tenth} %)")
    assert out.getvalue() == (
        "python:3.11: pull: 0.5 MB of 45 MB (0 %)\n"
        "python:3.11: pull: 10.5 MB of 45 MB (10 %)\n"
        "python:3.11: pull: 20.5 MB of 45 MB (20 %)\n"
    )


def test_plain_lines_are_printable() -> None:
    """Nothing that a build prints reaches the terminal as an order."""
    out = io.StringIO()
    PlainProgress(out, UNICODE).stage("a\x1b[2J", Stage.BUILD, "RUN \x1b]0;title\x07 x\r\n\u202ey")
    assert out.getvalue() == "a: build: RUN x y\n"


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_plain_lines_in_narrow_encodings(encoding: str) -> None:
    """A stream that knows few characters gets what it knows, and nothing crashes."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding)
    with open_progress(stream, quiet=False, environ={}) as progress:
        progress.finished("größe 应", "works", ok=True)
    assert raw.getvalue() == b"gr\\xf6\\xdfe \\u5e94: ok works\n"


def test_plain_lines_to_a_reader_that_left() -> None:
    """A closed pipe on stderr does not end the run."""

    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    PlainProgress(Gone(), UNICODE).note("nobody listens")


def test_plain_lines_from_threads_stay_whole() -> None:
    """Lines of parallel builds never run into each other."""
    out = io.StringIO()
    progress = PlainProgress(out, UNICODE)
    with ThreadPoolExecutor(8) as pool:
        for number in range(400):
            pool.submit(progress.stage, f"v{number % 8}", Stage.BUILD, f"step-{number}")
    assert sorted(out.getvalue().splitlines()) == sorted(f"v{n % 8}: build: step-{n}" for n in range(400))


def test_live_view_has_a_line_for_each_subject(monkeypatch: pytest.MonkeyPatch) -> None:
    """The live view shows stage, step and time, a little narrower than the terminal; what has finished shows how."""
    monkeypatch.setenv("COLUMNS", "63")
    clock = Clock()
    view = RichProgress(Terminal(), UNICODE, clock)
    view.stage("single-stage", Stage.BUILD, "3/6 RUN pip install --no-cache-dir -r requirements.txt")
    clock.now += 5
    view.stage("multi-stage", Stage.CHECK, "GET /")
    view.finished("single-stage", "works", ok=True)
    view.finished("tutorial", "exits-at-once", ok=False)
    clock.now += 67
    view.stage("[red]x[/]\x1b[2J", Stage.BUILD, "a step that is longer than this view is wide")
    assert shown(view) == [
        "✓  single-stage          works                          0:05",
        "⠦  multi-stage   check   GET /                          1:07",
        "✗  tutorial              exits-at-once                  0:00",
        "⠦  [red]x[/]     build   a step that is longer than t…  0:00",
    ]


def test_live_view_folds_up_what_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of several comparisons each keeps a line, and the one that runs its own subjects, of whatever names, below it."""
    monkeypatch.setenv("COLUMNS", "80")
    clock = Clock()
    with RichProgress(Terminal(), UNICODE, clock) as view:
        assert isinstance(view, RichProgress)
        view.comparison("one", "1 of 2")
        view.stage("slim", Stage.BUILD, "1/6")
        view.finished("slim", "breaks: exits-at-once", ok=True)
        view.finished("slim", "breaks: wrong-port", ok=True)
        assert [line.split() for line in shown(view)] == [
            ["⠋", "one", "1", "of", "2", "0:00"],
            ["✓", "slim", "breaks:", "wrong-port", "0:00"],
        ]
        clock.now += 10
        view.compared("1 broken as declared", ok=True)
        view.comparison("two", "2 of 2")
        view.stage("slim", Stage.RUN)
        lines = shown(view)
    assert [line.split()[1:] for line in lines] == [
        ["one", "1", "broken", "as", "declared", "0:10"],
        ["two", "2", "of", "2", "0:00"],
        ["slim", "run", "0:00"],
    ]


def test_plain_lines_tell_comparisons_apart() -> None:
    """In a log, each begins with its name and place, and ends with how many of its images work."""
    out = io.StringIO()
    with PlainProgress(out, UNICODE, Clock()) as progress:
        progress.comparison("one", "1 of 2")
        progress.stage("slim", Stage.BUILD)
        progress.compared("1 works", ok=True)
        progress.comparison("two", "2 of 2")
        progress.stage("slim", Stage.BUILD)
        progress.compared("1 broken", ok=False)
    assert out.getvalue().splitlines() == [
        *("one (1 of 2)", "slim: build", "one: ✓ 1 works"),
        *("two (2 of 2)", "slim: build", "two: ✗ 1 broken"),
    ]


def test_live_view_says_that_it_is_stopping(monkeypatch: pytest.MonkeyPatch) -> None:
    """Below the lines, which go on meanwhile: what is written past the view would shift the lines it redraws."""
    monkeypatch.setenv("COLUMNS", "53")
    view = RichProgress(Terminal(), UNICODE, Clock())
    view.stage("multi", Stage.BUILD, "1/6")
    view.stopping("Stopping: removing what this run made. Once more to leave at once.")
    Console(file=(out := io.StringIO()), width=53, _environ={}).print(view.view())
    assert out.getvalue().splitlines() == [
        "⠋  multi  build   1/6                         0:00",
        "Stopping: removing what this run made. Once more to …",
    ]


def test_live_view_in_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    """An ASCII terminal gets ASCII signs, a cut included."""
    monkeypatch.setenv("COLUMNS", "53")
    view = RichProgress(Terminal(), ASCII, Clock())
    view.stage("größe", Stage.BUILD, "a step that is longer than this view is wide")
    view.finished("multi", "works", ok=True)
    assert shown(view) == [
        "|   gr\\xf6\\xdfe  build   a step that is long  0:00",
        "ok  multi                works                0:00",
    ]


def test_live_view_cleans_up_after_an_error() -> None:
    """However the run ends, the cursor comes back and no line of the view remains."""
    stream = Terminal()

    def fail() -> None:
        with RichProgress(stream, UNICODE) as progress:
            progress.stage("multi", Stage.BUILD, "1/6")
            progress.note("A [red]note[/] that stays.")
            progress.warn("A warning, too.")
            raise RuntimeError("mid-build")

    with pytest.raises(RuntimeError, match="mid-build"):
        fail()
    text = stream.getvalue()
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")
    assert "A [red]note[/] that stays." in text
    assert "A warning, too." in text
    assert text.rstrip().endswith("\x1b[2K")


def test_comparisons_side_by_side_are_told_under_their_names() -> None:
    """What two of them tell at the same time is not taken for one another's."""
    out = io.StringIO()
    view = PlainProgress(out, UNICODE)
    first, second = OneOfSeveral(view, "shop"), OneOfSeveral(view, "admin")
    first.comparison("shop", "1 of 2")
    second.comparison("admin", "2 of 2")
    first.stage("slim", Stage.BUILD, "1/6")
    second.stage("slim", Stage.BUILD, "1/6")
    first.finished("slim", "answers", ok=True)
    second.note("No logins.")
    second.warn("Not saved.")
    first.compared("1 works", ok=True)
    assert out.getvalue().splitlines() == [
        "shop · slim: build: 1/6",
        "admin · slim: build: 1/6",
        "shop · slim: ✓ answers",
        "admin: No logins.",
        "admin: Not saved.",
        "shop: ✓ 1 works (1 of 2)",
    ]


def test_live_view_from_threads() -> None:
    """Many threads may tell and note at once while the view is drawn."""
    stream = Terminal()
    with RichProgress(stream, UNICODE) as progress, ThreadPoolExecutor(8) as pool:
        for number in range(80):
            pool.submit(progress.stage, f"v{number % 8}", Stage.BUILD, f"step {number}")
            pool.submit(progress.note, f"note-{number};")
    assert all(f"note-{number};" in stream.getvalue() for number in range(80))


@pytest.mark.parametrize(
    ("make_stream", "quiet", "environ", "kind"),
    [
        (Terminal, False, {"TERM": "xterm"}, RichProgress),
        (Terminal, False, {"TERM": "dumb"}, PlainProgress),
        (io.StringIO, False, {"TERM": "xterm"}, PlainProgress),
        (Terminal, True, {"TERM": "xterm"}, QuietProgress),
    ],
)
def test_choice_of_view(
    make_stream: Callable[[], io.StringIO], quiet: bool, environ: dict[str, str], kind: type
) -> None:
    """A live view for a terminal, lines for everything else, and silence for who wants it."""
    assert type(open_progress(make_stream(), quiet=quiet, environ=environ)) is kind


def test_quiet_says_nothing_but_what_went_wrong(capfd: pytest.CaptureFixture[str]) -> None:
    """Silence takes every call and writes nothing, but for what was not done that was asked for."""
    out = io.StringIO()
    with open_progress(out, quiet=True) as progress:
        progress.stage("a", Stage.BUILD)
        progress.note("b")
        progress.finished("a", "works", ok=True)
        progress.warn("The report is not saved.")
    assert out.getvalue() == ""
    assert capfd.readouterr().err == "The report is not saved.\n"


def test_rich_is_loaded_only_for_a_live_view() -> None:
    """Plain and quiet views, and everything that imports them, do not pay for rich."""
    code = (
        "import io, sys\nfrom imgcompare.console.progress import open_progress\n"
        "open_progress(io.StringIO(), quiet=False)\n"
        "sys.exit('rich' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
