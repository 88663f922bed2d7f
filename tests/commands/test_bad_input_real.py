"""Everything a user can get wrong, and everything an app can: a clear message, the right exit code, nothing left."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from tests.support.projects import checked

if TYPE_CHECKING:
    from tests.support.projects import Offline, Project, Result

BASE = "python:3.11-slim"
PORTS_LOOKED_FOR = ("portless", "two_ports", "two_listen")
BESIDE_ANOTHER = (
    "python -c 'import socket, time; server = socket.create_server((str(), 7000)); time.sleep(600)' & "
    "exec python /app.py"
)
SERVE = 'COPY app.py /\nEXPOSE 8000\nCMD ["python", "/app.py"]\n'


# What is found before any engine is asked for


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["none.Dockerfile"], ["Dockerfile none.Dockerfile does not exist"]),
        (["empty.Dockerfile"], ["empty.Dockerfile has no instruction", "begins with FROM"]),
        (["headless.Dockerfile"], ["headless.Dockerfile has no FROM"]),
        (["stages.Dockerfile:prdo"], ["no stage 'prdo'", "builder, prod", "Did you mean 'prod'?"]),
        (["Dockerfile", "--build-context", "none"], ["build context none does not exist", "--build-context"]),
        (["Dockerfile", "--build-context", "app.py"], ["build context app.py is not a folder"]),
        (["a b=Dockerfile"], ["'a b' cannot be a name", "letters, digits"]),
        (["a=Dockerfile", "a=stages.Dockerfile"], ["two variants are named 'a'", "NAME=DOCKERFILE"]),
        (["a=image:"], ["'a=image:' names no image", "NAME=image:REFERENCE"]),
        (["Dockerfile", "--baseline", "x"], ["baseline 'x'", "Its variants are: Dockerfile"]),
        (["Dockerfile", "--route", "healthz"], ["route 'healthz' is no path", "--route /healthz"]),
        (["Dockerfile", "--expect-body-pattern", "("], ["'('", "no regular expression"]),
        (["Dockerfile", "--host-port", "70000"], ["70000"]),
        (["Dockerfile", "stages.Dockerfile", "--host-port", "65535"], ["65536", "highest is 65535"]),
        (["Dockerfile", "--json", "--format", "table"], ["json and table exclude each other on stdout"]),
        (["Dockerfile", "-o", "none/report.json"], ["cannot write none/report.json: No such file or directory"]),
        (["Dockerfile", "-o", "."], ["cannot write .: it is a folder"]),
        (["Dockerfile", "-o", "/proc/report.json"], ["cannot write /proc/report.json"]),
    ],
)
def test_wrong_usage_is_found_before_an_engine_is_asked(
    offline: Offline, arguments: list[str], words: list[str]
) -> None:
    """Exit code 2, the values and the next step, with no engine there: nothing was built when it turns out."""
    files = {
        "app.py": "",
        "Dockerfile": f"FROM {BASE}\n{SERVE}",
        "empty.Dockerfile": "",
        "headless.Dockerfile": "COPY a b\n",
        "stages.Dockerfile": f"FROM {BASE} AS builder\nFROM builder AS prod\n",
    }
    for name, text in files.items():
        (offline.folder / name).write_text(text)
    done = offline("run", *arguments)
    result = checked(done.returncode, done.stdout, done.stderr)
    assert (result.code, result.stdout) == (2, "")
    for word in words:
        assert word in result.stderr
    assert "Next: " in result.stderr or "Usage: " in result.stderr


def test_a_folder_where_no_report_can_be_saved_is_found_first(project: Project) -> None:
    """Nothing is built for a report that would be lost; with -o elsewhere the run needs no folder."""
    arguments = project.stages("works")
    (project.folder / ".imgcompare").write_text("in the way")
    result = project("run", *arguments, DOCKER_HOST="unix:///nowhere/d.sock")
    assert result.code == 2
    assert "cannot save the report in" in result.stderr
    assert "-o report.json" in result.stderr
    assert project("run", *arguments, "--json", "-o", "report.json").code == 0
    assert json.loads((project.folder / "report.json").read_text())["passed"] is True


def test_a_state_folder_that_cannot_be_written_is_found_first(project: Project) -> None:
    """Without a place to write down what is made nothing is made: it could not be cleaned up after a crash."""
    (project.folder / "state").write_text("in the way")
    result = project("run", *project.stages("works"), XDG_STATE_HOME=str(project.folder / "state"))
    assert (result.code, result.stdout) == (2, "")
    assert "Next: Point XDG_STATE_HOME at a folder that can be written" in result.stderr


def test_a_disk_that_fills_up_at_the_end_keeps_the_saved_report(project: Project) -> None:
    """The report could not be written where it was wanted: that is said, and `imgcompare report` still has it."""
    result = project("run", *project.stages("works"), "-o", "/dev/full")
    assert result.code == 2
    assert "cannot write /dev/full: No space left on device" in result.stderr
    assert project("report", "--json").report["passed"] is True


# Engines


@pytest.mark.parametrize(
    ("arguments", "environ", "words"),
    [
        ([], {"DOCKER_HOST": "unix:///nowhere/d.sock"}, ["unix:///nowhere/d.sock (DOCKER_HOST)", "no such socket"]),
        (["--host", "unix:///nowhere/d.sock"], {}, ["unix:///nowhere/d.sock (--host)", "no such socket"]),
        (["--host", "tcp://127.0.0.1:9"], {}, ["tcp://127.0.0.1:9 (--host)", "refused"]),
        (["--docker-context", "bogus"], {}, ["docker context 'bogus' (--docker-context) does not exist"]),
        ([], {"DOCKER_HOST": "", "DOCKER_CONTEXT": "bogus"}, ["docker context 'bogus' (DOCKER_CONTEXT)"]),
    ],
)
@pytest.mark.parametrize("command", ["run", "clean"])
def test_an_engine_that_was_named_is_used_or_refused(
    offline: Offline, command: str, arguments: list[str], environ: dict[str, str], words: list[str]
) -> None:
    """No engine or an unknown context is exit code 3, and says what was tried and what named it."""
    (offline.folder / "Dockerfile").write_text(f"FROM {BASE}\n")
    done = offline(command, *(["Dockerfile"] if command == "run" else []), *arguments, **environ)
    result = checked(done.returncode, done.stdout, done.stderr)
    assert (result.code, result.stdout) == (3, "")
    for word in words:
        assert word in result.stderr
    assert "Next: " in result.stderr


# Builds


@pytest.fixture(scope="module")
def builds(lasting_project: Project) -> Result:
    """One run of everything that cannot be built, and one image that can."""
    closed = _closed_port()
    lasting_project.write(
        {
            "good.Dockerfile": f"FROM {BASE}\n{SERVE}",
            "syntax.Dockerfile": f"FROM {BASE}\nRUNN echo\n",
            "failing.Dockerfile": f"FROM {BASE}\nRUN echo on stdout; echo \x1b[31mwhy >&2; exit 7\n",
            "missing.Dockerfile": f"FROM {BASE}\nCOPY nothing.txt /\n",
            "base.Dockerfile": f"FROM 127.0.0.1:{closed}/shop/base:1\n{SERVE}",
            "portless.Dockerfile": f'FROM {BASE}\nCOPY app.py /\nCMD ["python", "/app.py"]\n',
            "two_ports.Dockerfile": f'FROM {BASE}\nCOPY app.py /\nEXPOSE 8001 8000\nCMD ["python", "/app.py"]\n',
            "two_listen.Dockerfile": f"FROM {BASE}\nCOPY app.py /\nEXPOSE 7000 8000\nCMD {BESIDE_ANOTHER}\n",
            "portless_ends.Dockerfile": f'FROM {BASE}\nCMD ["python", "-c", "exit(4)"]\n',
            "shouting.Dockerfile": "FROM Python:3.11-slim\n",
            "no_program.Dockerfile": f'FROM {BASE}\nEXPOSE 8000\nCMD ["gunicorn"]\n',
        }
    )
    names = (
        "good",
        "syntax",
        "failing",
        "missing",
        "base",
        "shouting",
        *PORTS_LOOKED_FOR,
        "portless_ends",
        "no_program",
    )
    images = ("gone=image:imgcompare-test/no:1", "dots=image:a/../b")
    return lasting_project("run", *(f"{name}.Dockerfile" for name in names), *images, "--json")


@pytest.mark.parametrize(
    ("name", "code", "words", "hint"),
    [
        ("syntax", "build-failed", ["line 2", "unknown instruction: RUNN"], "run again"),
        ("failing", "build-failed", ["exited with code 7", "on stdout", "why"], "run again"),
        ("missing", "copy-source-missing", ["COPY nothing.txt", "not found"], ".dockerignore"),
        ("base", "image-unavailable", ["shop/base:1 is not on the engine", "connection refused"], "docker pull"),
        ("base", "image-unavailable", [], "--host"),
        ("gone", "image-unavailable", ["imgcompare-test/no:1 is not on the engine"], "docker pull"),
        ("shouting", "image-unavailable", ["Python:3.11-slim", "repository name must be lowercase"], "--host"),
        ("dots", "image-unavailable", ["a/../b", "invalid reference format"], "--host"),
        ("portless_ends", "unknown", ["exited with code 4"], "docker run"),
        ("no_program", "executable-not-found", ['"gunicorn"', "not found"], "Above CMD"),
    ],
)
def test_what_cannot_be_built_or_started_says_why(
    builds: Result, name: str, code: str, words: list[str], hint: str
) -> None:
    """Each failure has its code, the step with the end of its log, and the ways out."""
    failure = builds.variant(name)["failure"]
    text = "\n".join([failure["message"], *failure["evidence"]])
    assert failure["code"] == code
    for word in words:
        assert word in text
    assert hint in failure["hint"]
    assert "\x1b" not in text


@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        ("base", "not_checked"),
        ("gone", "not_checked"),
        ("shouting", "broken"),
        ("dots", "broken"),
        ("failing", "broken"),
    ],
)
def test_an_image_that_cannot_be_had_from_here_is_no_verdict(builds: Result, name: str, verdict: str) -> None:
    """Nobody knows what the Dockerfile would make of it; a name that none can have is the Dockerfile's own."""
    assert builds.variant(name)["verdict"] == verdict


@pytest.mark.parametrize("name", PORTS_LOOKED_FOR)
def test_a_port_that_nobody_named_is_looked_for(builds: Result, name: str) -> None:
    """No EXPOSE, or several: what listens inside is asked, and what does not speak HTTP is passed over."""
    variant = builds.variant(name)
    assert (variant["verdict"], variant["failure"], variant["run"]["container_port"]) == ("works", None, 8000)
    lines = {warning["code"]: warning["fix"] for warning in variant["warnings"]}
    assert lines.get("no-expose") == (["EXPOSE 8000"] if name == "portless" else None)


def test_a_base_image_of_another_platform_says_so(project: Project) -> None:
    """The engine has the base for its own platform only: that is what is missing, and no step is to be mended."""
    result = project("run", *project.stages("works"), "--platform", "linux/s390x", "--json")
    failure = result.variant("works")["failure"]
    assert (result.code, failure["code"], failure["stage"]) == (1, "image-unavailable", "pull")
    assert result.variant("works")["verdict"] == "not_checked"
    assert failure["message"] == f"The image {BASE} for linux/s390x is not on the engine and cannot be pulled."


def test_what_fails_does_not_keep_the_others_from_finishing(builds: Result) -> None:
    """The one good variant works, has its size, and is the smallest that works; the exit code says that not all do."""
    assert builds.code == 1
    assert builds.report["passed"] is False
    assert builds.report["comparison"]["smallest_working"] == "good"
    assert builds.variant("good")["image"]["uncompressed_size"] > 1_000_000
    assert builds.variant("portless")["image"]["layer_count"] == builds.variant("good")["image"]["layer_count"]


def test_a_context_that_cannot_be_read_stops_before_building(project: Project) -> None:
    """A folder that may not be read is named, with the way to leave it out."""
    arguments = project.stages("works")
    (project.folder / "secret").mkdir(mode=0o000)
    # Root reads everything, so the test must give that right up first.
    prefix = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.getuid() == 0 else []
    done = subprocess.run(
        [*prefix, sys.executable, "-m", "imgcompare", "run", *arguments],
        cwd=project.folder,
        env=project.environ | {"DOCKER_HOST": "unix:///nowhere/d.sock"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "secret" in done.stderr
    assert "Permission denied" in done.stderr
    assert ".dockerignore" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_given_port_needs_no_expose(project: Project) -> None:
    """--container-port is what the message for a missing EXPOSE advises, so it must be enough."""
    project.write({"Dockerfile": f'FROM {BASE}\nCOPY app.py /\nCMD ["python", "/app.py"]\n'})
    assert project("run", "Dockerfile", "--container-port", "8000", "-q").code == 0


@pytest.mark.parametrize("holder", ["something else", "the container"])
def test_a_host_port_that_is_taken_is_named_with_its_holder(project: Project, holder: str) -> None:
    """Both the port and who has it, where that can be known; the container that could not use it is gone."""
    arguments = project.stages("works")
    if holder == "the container":
        kept = project("run", *arguments, "--keep", "--json").variant("works")
        port = kept["run"]["host_port"]
        result = project("run", *arguments, "--host-port", str(port), "--json")
        project("clean", "--keep-images")
    else:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            result = project("run", *arguments, "--host-port", str(port), "--json")
    failure = result.variant("works")["failure"]
    assert (result.code, failure["code"], result.variant("works")["verdict"]) == (1, "host-port-taken", "not_checked")
    assert failure["message"].startswith(f"Host port {port} is taken by {holder}")
    assert "--host-port" in failure["hint"]


# Apps

PORTLESS = f"""FROM {BASE}
COPY app.py /
CMD ["python", "/app.py", "loopback"]
"""
BEHAVIOURS = (
    *("works", "starts_late", "fails", "redirects", "raw", "huge", "endless", "drips"),
    *("hangs", "exits", "sleeps", "eats", "talks", "garbage", "loopback"),
)


@pytest.fixture(scope="module")
def apps(lasting_project: Project) -> Result:
    """One run of every way to misbehave."""
    arguments = [*lasting_project.stages(*BEHAVIOURS), "portless.Dockerfile", "idle.Dockerfile"]
    lasting_project.write({"portless.Dockerfile": PORTLESS, "idle.Dockerfile": PORTLESS.replace("loopback", "sleeps")})
    return lasting_project("run", *arguments, "--json", "--jobs", "16", "--timeout", "15", "--expect-body", "hello")


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("exits", "exits-at-once", ["code 3", "starting up", "ModuleNotFoundError: No module named 'flask'"]),
        ("eats", "out-of-memory", ["more memory than it may"]),
        ("sleeps", "never-listens", ["No reply on container port 8000 within 15 s", "nothing listens on any port"]),
        ("loopback", "binds-loopback", ["listens on 127.0.0.1:8000, the container's own loopback"]),
        ("portless", "binds-loopback", ["listens on 127.0.0.1:8000, the container's own loopback: nobody"]),
        ("idle", "never-listens", ["Nothing listens in the container, on any port that can be reached, within 15 s"]),
        ("hangs", "never-listens", ["it takes connections and sends nothing"]),
        ("garbage", "never-listens", ["no HTTP reply"]),
        ("talks", "never-listens", ["yyyyyyyy"]),
        ("fails", "wrong-response", ["The reply has status 500, expected 200."]),
        ("redirects", "wrong-response", ["status 302 (to /; redirects are not followed), expected 200"]),
        ("raw", "wrong-response", ["\ufffd", "does not contain “hello”"]),
        ("huge", "wrong-response", ["“xxxxx", "does not contain “hello”"]),
        ("endless", "wrong-response", ["“xxxxx", "does not contain “hello”"]),
        ("drips", "never-listens", ["a reply was begun", "and not finished"]),
    ],
)
def test_an_app_that_misbehaves_is_diagnosed(apps: Result, name: str, code: str, words: list[str]) -> None:
    """Each way to fail has its code and its proof; what came from the container is bounded and made printable."""
    variant = apps.variant(name)
    failure = variant["failure"]
    text = "\n".join([failure["message"], *failure["evidence"]])
    assert (variant["verdict"], failure["code"]) == ("broken", code)
    for word in words:
        assert word in text
    assert failure["hint"]
    assert len(text) < 10_000
    assert "\x1b" not in apps.stdout.encode().decode("unicode_escape")


def test_a_server_only_on_its_own_loopback_is_told_to_listen_outside(apps: Result) -> None:
    """The most common mistake in a first Dockerfile has its remedy in the hint."""
    assert "0.0.0.0 (not on 127.0.0.1)" in apps.variant("loopback")["failure"]["hint"]


def test_a_slow_start_is_waited_for(apps: Result) -> None:
    """Only a reply is ready: a server that takes its time works."""
    assert apps.variant("starts_late")["verdict"] == "works"


def test_what_is_read_of_a_body_is_bounded(apps: Result) -> None:
    """A huge or endless body is cut and marked as cut."""
    for name in ("huge", "endless"):
        assert apps.variant(name)["check"]["body_truncated"] is True
        assert len(apps.variant(name)["check"]["body_excerpt"]) <= 200
    assert apps.variant("raw")["check"]["body_truncated"] is False


def test_broken_images_are_measured_and_never_win(apps: Result) -> None:
    """Every image has its size, working or not; the exit code is 1."""
    assert apps.code == 1
    assert all(variant["image"]["layer_count"] > 0 for variant in apps.report["variants"])
    assert apps.report["comparison"]["smallest_working"] in {"works", "starts_late"}


def test_a_registry_that_never_answers_can_be_left_with_a_signal(project: Project, registry: int) -> None:
    """A pull that hangs ends with the run, and leaves no report of success."""
    project.write({"Dockerfile": f"FROM 127.0.0.1:{registry}/shop/base:1\n{SERVE}"})
    running = project.start("run", "Dockerfile")
    _until_connected()
    running.process.terminate()
    assert running.end().code == 143


CONNECTED = threading.Event()


def _until_connected() -> None:
    assert CONNECTED.wait(60)


@pytest.fixture
def registry() -> Iterator[int]:
    """The port of a registry on the engine's loopback that takes connections and never answers."""
    CONNECTED.clear()
    held: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            with suppress(OSError):
                while True:
                    held.append(server.accept()[0])
                    CONNECTED.set()

        threading.Thread(target=accept, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
    for connection in held:
        connection.close()


# Reports


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("none.json", None, ["'none.json' is neither a file nor a saved run", "Saved runs here: "]),
        ("cut.json", '{"schema_version": 1, "tool"', ["cut.json is no whole report", "left as it is"]),
        ("empty.json", "", ["empty.json is no whole report"]),
        ("list.json", "[]", ["list.json is no whole report"]),
        ("new.json", '{"schema_version": 99}', ["new.json has schema_version 99", "Update imgcompare"]),
        ("bytes.json", '{"schema_version": 1, "tool": "\x00\x1b[31m"}', ["bytes.json is no whole report"]),
    ],
)
def test_a_report_that_cannot_be_read_is_named_and_left_alone(
    lasting_project: Project, name: str, content: str | None, words: list[str]
) -> None:
    """Missing, damaged or of a newer version: exit code 2, stdout empty, the file untouched."""
    if content is not None:
        lasting_project.write({name: content})
    result = lasting_project("report", name, "--json")
    assert (result.code, result.stdout) == (2, "")
    for word in words:
        assert word in result.stderr
    if content is not None:
        assert (lasting_project.folder / name).read_text() == content


def test_text_from_the_app_cannot_take_over_the_terminal(project: Project) -> None:
    """What a body, a log or a report holds is shown without its escape sequences."""
    result = project("run", *project.stages("fails", "exits"))
    assert result.code == 1
    assert "\x1b" not in result.stdout + result.stderr
    shown = project("report")
    assert shown.stdout == result.stdout
    assert re.search(r"^✗ exits is broken: exits-at-once$", shown.stdout, re.MULTILINE)


def _closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
