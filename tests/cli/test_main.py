"""Every way a command can end: its exit code, what is said, and never a traceback."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from imgcompare import errors
from imgcompare.cli import main
from imgcompare.cli.sections import SECTIONS, SectionedCommand
from imgcompare.model import (
    Check,
    Expectation,
    Source,
    Variant,
    Verdict,
)
from imgcompare.reports import store
from tests.support import forked, reports

COMMAND = (sys.executable, "-m", "imgcompare")
REPORT = reports.report(
    Variant(
        name="a",
        source=Source(dockerfile="Dockerfile"),
        verdict=Verdict.WORKS,
        check=Check(
            passed=True, url="http://127.0.0.1:1/", expected=Expectation(), status_code=200, body_excerpt="Grüße ✓"
        ),
    )
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with one saved report that passed, and a home."""
    (tmp_path / "home").mkdir()
    store.save(REPORT, store.prepare(tmp_path), "20250102T030405678-abcdef")
    return tmp_path


def environ(project: Path, **more: str) -> dict[str, str]:
    """The environment of a command: nothing of this machine's but the PATH."""
    return {"PATH": os.environ["PATH"], "HOME": str(project / "home"), "PYTHONWARNINGS": "error", **more}


def imgcompare(project: Path, *arguments: str, redirection: str = "", **more: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in the project; ``redirection`` is in the shell's words."""
    if not redirection:
        return forked.run(arguments, project, environ(project, **more))
    return subprocess.run(
        ["sh", "-c", f'"$@" {redirection}', "sh", *COMMAND, *arguments],
        cwd=project,
        env=environ(project, **more),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="surrogateescape",
        check=False,
    )


def raising(exc: BaseException) -> click.Command:
    """A command that ends with this exception."""

    def callback() -> None:
        raise exc

    return click.Command("boom", callback=callback)


@pytest.mark.parametrize(
    ("exc", "code"),
    [
        (errors.UsageError("no"), 2),
        (errors.NoEngineError("no"), 3),
        (errors.EngineError("no"), 4),
        (errors.EngineLostError("no"), 4),
        (errors.BaseImageError("no"), 4),
        (errors.ImageFormatError("no"), 4),
        (errors.ImgcompareError("no"), 4),
        (errors.InterruptedRunError(signal.SIGINT), 130),
        (errors.InterruptedRunError(signal.SIGTERM), 143),
        (click.UsageError("no"), 2),
        (click.BadParameter("no"), 2),
        (click.Abort(), 130),
        (KeyboardInterrupt(), 130),
    ],
    ids=repr,
)
def test_every_error_has_its_exit_code(
    exc: BaseException, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The exit codes are those the README promises; nothing goes to stdout; no traceback shows."""
    monkeypatch.setitem(main.cli.commands, "boom", raising(exc))
    with pytest.raises(SystemExit) as caught:
        main.main(["boom"])
    out, err = capsys.readouterr()
    assert caught.value.code == code
    assert out == ""
    assert "Traceback" not in err


def test_an_error_says_what_and_what_next(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Message and hint are lines of their own; what a registry or an image put into them cannot drive the terminal."""
    exc = errors.EngineError("cannot pull \x1b[2Jx\u202e:\ndenied\r\n", hint="log in\x07")
    monkeypatch.setitem(main.cli.commands, "boom", raising(exc))
    with pytest.raises(SystemExit):
        main.main(["boom"])
    assert capsys.readouterr().err == "Error: cannot pull x:\ndenied\nNext: log in\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nonsense"], "No such command 'nonsense'"),
        (["run", "--nonsense"], "No such option"),
        (["run", "--host-port", "70000"], "70000 is not in the range"),
        (["run", "--timeout", "nan"], "the timeout nan is no time"),
        (["run", "--baseline", "nonsense"], "the baseline 'nonsense' is no variant"),
        (["run", "--route", "nonsense"], "the route 'nonsense' is no path"),
        (["run", "--expect-body-pattern", "("], "is no regular expression"),
        (["run", "--env", "=x"], "--env '=x' has no name"),
        (["run", "--build-context", "."], "--build-context needs variants"),
        (["run", "--scenario", "slim-to-slm"], "Did you mean 'slim-to-slim'? Scenarios: default, slim-to-slim,"),
        (["run", "--scenario", "default", "--scenario", "\x1b[2J"], "there is no scenario '"),
        (["run", "--scenario", "all", "Dockerfile"], "--scenario all and the variant 'Dockerfile' exclude each other"),
        (["run", "--scenario", "all", "--baseline", "single"], "the baseline 'single' is no variant"),
        (["run", "a=x", "a=y"], "two variants are named 'a'"),
        (["run", "n" * 100 + "=D"], "cannot be a name"),
        (["run", "n" * 300], "no file has a name as long as"),
        (["run", "n=" + "n" * 300], "no file has a name as long as"),
        (["init", "n" * 300], "no file has a name as long as"),
        (["run", "--json", "--format", "table"], "exclude each other"),
        (["run", "-o", "missing/report.json"], "cannot write missing/report.json: No such file or directory"),
        (["report", "-o", "."], "it is a folder"),
        (["report", "nonsense"], "'nonsense' is neither a file nor a saved run"),
        (["report", "n" * 300], "is neither a file nor a saved run"),
        (["report", "\x1b[2J\udcff"], "is neither a file nor a saved run"),
    ],
)
def test_wrong_usage_ends_with_2_before_anything_is_done(project: Path, arguments: list[str], said: str) -> None:
    """Every mistake in the arguments is named on stderr, in one go, without an engine being asked."""
    done = imgcompare(project, *arguments, DOCKER_HOST="unix:///nowhere/docker.sock")
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert "\x1b" not in done.stderr


def test_a_dead_engine_ends_with_3_and_is_named(project: Path) -> None:
    """The endpoint and what named it are said; nothing else is tried in its place."""
    done = imgcompare(project, "run", DOCKER_HOST=f"unix://{project}/dead.sock")
    assert (done.returncode, done.stdout) == (3, "")
    assert f"{project}/dead.sock" in done.stderr
    assert "DOCKER_HOST" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_damaged_report_ends_with_2_and_stays(project: Path) -> None:
    """The newest saved report being damaged is said with its name; the file is left as it is."""
    path = store.runs_folder(project) / "29991231T000000000-abcdef.json"
    path.write_text('{"schema_version": 1, "tool"', encoding="utf-8")
    done = imgcompare(project, "report")
    assert (done.returncode, done.stdout) == (2, "")
    assert path.name in done.stderr
    assert "Traceback" not in done.stderr
    assert path.read_text(encoding="utf-8") == '{"schema_version": 1, "tool"'


@pytest.mark.parametrize(("passed", "code"), [(True, 0), (False, 1)])
def test_a_report_s_exit_code_is_its_result(project: Path, passed: bool, code: int) -> None:
    """The report alone is on stdout, as JSON readers need it; a comparison that failed says so each time."""
    report = replace(REPORT, passed=passed)
    store.save(report, store.runs_folder(project), "29991231T000000000-abcdef")
    done = imgcompare(project, "report", "--json")
    assert (done.returncode, done.stderr) == (code, "")
    assert json.loads(done.stdout)["passed"] is passed


@pytest.mark.parametrize("arguments", [["report"], ["report", "--json"]])
@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8", "latin-1:strict"])
def test_every_encoding_of_stdout_is_served(project: Path, arguments: list[str], encoding: str) -> None:
    """Signs that the terminal does not know are spelled; none ends the command."""
    done = imgcompare(project, *arguments, PYTHONIOENCODING=encoding)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("columns", ["1", "20", "60", "nonsense", ""])
def test_every_width_is_served(project: Path, columns: str) -> None:
    """Neither a narrow terminal nor a senseless COLUMNS ends the command."""
    done = imgcompare(project, "report", COLUMNS=columns, TERM="dumb", NO_COLOR="1")
    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize(("passed", "code"), [(True, 0), (False, 1)])
@pytest.mark.parametrize("arguments", [["report"], ["report", "--json"]])
def test_a_reader_that_has_seen_enough_changes_nothing(
    project: Path, arguments: list[str], passed: bool, code: int
) -> None:
    """``| head`` is no error, and does not hide the comparison's result either."""
    report = replace(REPORT, passed=passed)
    store.save(report, store.runs_folder(project), "29991231T000000000-abcdef")
    with subprocess.Popen(
        [*COMMAND, *arguments], cwd=project, env=environ(project), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as command:
        assert command.stdout
        command.stdout.close()
        assert command.stderr
        said = command.stderr.read()
    assert (command.returncode, said) == (code, b"")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["--help"], 0), (["run", "--help"], 0), (["doctor", "--json"], 3), (["engine", "status"], 0)],
)
def test_other_output_cut_off_shows_no_traceback(project: Path, arguments: list[str], code: int) -> None:
    """Help piped into a pager that is left early ends quietly, and with the code that it has otherwise."""
    host = f"unix://{project}/dead.sock"
    with subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=project,
        env=environ(project, DOCKER_HOST=host),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as command:
        assert command.stdout
        command.stdout.close()
        assert command.stderr
        assert command.stderr.read() == b""
    assert command.returncode == code


@pytest.mark.parametrize("arguments", [["report"], ["report", "--json"], ["--help"], ["doctor"]])
def test_a_full_disk_behind_stdout_is_named(project: Path, arguments: list[str]) -> None:
    """Output that could not be written is an error of its own, said once."""
    done = imgcompare(project, *arguments, redirection="> /dev/full", DOCKER_HOST=f"unix://{project}/dead.sock")
    assert done.returncode == 4
    assert done.stderr == "Error: cannot go on: [Errno 28] No space left on device\n"


def test_closed_streams_show_no_traceback(project: Path) -> None:
    """Started without stdout or stderr, as some schedulers do, a command still ends with its own exit code."""
    done = imgcompare(project, "report", redirection=">&-")
    assert (done.returncode, done.stderr) == (0, "")
    done = imgcompare(project, "report", "nonsense", redirection="2>&-")
    assert (done.returncode, done.stdout) == (2, "")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["report"], 0), (["report", "nonsense"], 2), (["nonsense"], 2), (["doctor"], 3), (["run", "--host", "x"], 3)],
)
def test_a_full_disk_behind_stderr_changes_no_exit_code(project: Path, arguments: list[str], code: int) -> None:
    """1 would say that a variant is broken; what cannot be told is not, and nothing else comes of it."""
    done = imgcompare(project, *arguments, redirection="2> /dev/full", DOCKER_HOST=f"unix://{project}/dead.sock")
    assert done.returncode == code


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_the_engine_is_asked_ends_the_run(project: Path, number: signal.Signals) -> None:
    """A run waiting for an engine that never answers can be stopped; it ends with 128 plus the signal, and no trace."""
    path = str(project / "mute.sock")
    with socket.socket(socket.AF_UNIX) as mute:
        mute.bind(path)
        mute.listen()
        with subprocess.Popen(
            [*COMMAND, "run"],
            cwd=project,
            env=environ(project, DOCKER_HOST=f"unix://{path}"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as run:
            connection, _ = mute.accept()
            run.send_signal(number)
            out, err = run.communicate()
            connection.close()
    assert (run.returncode, out) == (128 + number, "")
    assert "Stopping" in err
    assert "Traceback" not in err


def heavy_modules(arguments: Sequence[str]) -> set[str]:
    """Which of the slow libraries a command imports."""
    program = (
        "import sys\n"
        "from imgcompare.cli.main import main\n"
        "try:\n    main(sys.argv[1:])\n"
        "finally:\n    print(*{'docker', 'rich', 'jinja2', 'requests', 'msgspec'} & set(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["run", "--help"], ["clean", "--help"]])
def test_help_pays_for_no_heavy_import(arguments: list[str]) -> None:
    """Help, the version and completion come at once: nothing of the engine or the tables is loaded."""
    assert heavy_modules(arguments) == set()


def test_a_saved_report_is_shown_without_waiting_for_the_rest(project: Path) -> None:
    """``report --json`` loads its own command and none of the slow libraries, for CI calls it often."""
    program = "import sys\nfrom imgcompare.cli.main import main\ntry:\n    main(['report', '--json'])\n"
    program += "finally:\n    print(*sys.modules, file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=project, env=environ(project), capture_output=True, text=True, check=True
    )
    loaded = set(done.stderr.split())
    assert json.loads(done.stdout)["scenario"] == "default"
    assert not {"rich", "docker", "jinja2", "dataclasses", "tempfile", "platformdirs"} & loaded
    assert {"imgcompare.commands.run", "imgcompare.commands.doctor"} & loaded == set()


def every_command() -> dict[str, Callable[..., object]]:
    """The commands, also those of groups, by what is typed."""
    found: dict[str, Callable[..., object]] = {}
    for name, command in main.cli.commands.items():
        found[name] = command
        if isinstance(command, click.Group):
            found |= {f"{name} {below}": inner for below, inner in command.commands.items()}
    return found


@pytest.mark.parametrize("typed", every_command())
def test_every_command_and_option_has_a_help_text(typed: str, capsys: pytest.CaptureFixture[str]) -> None:
    """``--help`` works everywhere, and no option is without a word on what it does."""
    with pytest.raises(SystemExit) as caught:
        main.main([*typed.split(), "--help"])
    assert caught.value.code == 0
    assert capsys.readouterr().out.startswith(f"Usage: imgcompare {typed} ")
    command = every_command()[typed]
    assert isinstance(command, click.Command)
    assert command.help
    assert all(option.help for option in command.params if isinstance(option, click.Option))


def test_every_option_of_a_long_help_text_stands_in_a_section() -> None:
    """The long help text is read by sections: what is new in it has to be given its place, and once."""
    named = list(chain.from_iterable(SECTIONS.values()))
    commands = [command for command in main.cli.commands.values() if isinstance(command, SectionedCommand)]
    params = (param for command in commands for param in command.params)
    options = {param.name for param in params if isinstance(param, click.Option) and param.name}
    assert sorted(named) == sorted(options)
    helped = CliRunner().invoke(main.cli, ["run", "--help"]).output
    assert re.findall(r"^([A-Z][\w ]+):$", helped, re.MULTILINE)[-len(SECTIONS) - 1 :] == [*SECTIONS, "Options"]


_INTERRUPTED_AT = """
import os, signal, sys

class Hook:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)  # under nohup, or in the background, it is ignored
sys.meta_path.insert(0, Hook())
sys.argv = ["imgcompare", "report"]
from imgcompare.__main__ import main
main()
"""


@pytest.mark.parametrize("module", ["imgcompare.cli.main", "click", "imgcompare.commands.report"])
def test_ctrl_c_while_it_is_loaded_ends_it_without_a_word(module: str, tmp_path: Path) -> None:
    """In whichever import it comes, the exit code is 130 and nothing is said."""
    command = [sys.executable, "-c", _INTERRUPTED_AT.format(module=module)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr.strip()) == (130, "", "")


_INTERRUPTED_AT_ITS_END = """
import os, signal, sys, threading

signal.signal(signal.SIGINT, signal.default_int_handler)
sys.argv = ["imgcompare", "--version"]
from imgcompare.__main__ import main
threading._register_atexit(os.kill, os.getpid(), signal.SIGINT)  # as Python waits for threads, which is when it came
main()
"""


def test_ctrl_c_while_python_itself_ends_is_silent_too(tmp_path: Path) -> None:
    """The command has done its work; what Python tells of a Ctrl-C then is a traceback."""
    command = [sys.executable, "-W", "error", "-c", _INTERRUPTED_AT_ITS_END]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, "")


_ENDS = """
import atexit, sys, threading, time

atexit.register(print, "atexit")
threading._register_atexit(print, "taken apart")
{before}
sys.argv = ["imgcompare", "--version"]
from imgcompare.__main__ import main
main()
"""


@pytest.mark.parametrize(
    ("options", "before", "taken_apart"),
    [
        ((), "", False),
        (("-W", "error"), "", True),
        ((), "sys.setprofile(lambda *_: None)", True),
        ((), "threading.Thread(target=time.sleep, args=(0.3,)).start()", True),
    ],
    ids=["usually", "warnings", "profile", "thread"],
)
def test_an_end_writes_all_and_takes_nothing_apart(
    tmp_path: Path, options: tuple[str, ...], before: str, taken_apart: bool
) -> None:
    """What is to be done at the end is done; Python's own way to it is gone where somebody looks on or is at work."""
    command = [sys.executable, *options, "-c", _ENDS.format(before=before)]
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONWARNINGS"}
    done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("imgcompare, version")
    assert ("atexit" in done.stdout, "taken apart" in done.stdout) == (True, taken_apart)
