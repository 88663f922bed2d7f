"""Every failure has a stable code, its proof and the next step."""

from __future__ import annotations

import re

import pytest
from msgspec.structs import replace

from imgcompare.check.route import Exited, Silent
from imgcompare.diagnosis import observed
from imgcompare.dockerfile.document import Document
from imgcompare.engine.client.pull import unavailable
from imgcompare.engine.interface import BuildFailed, ContainerState
from imgcompare.errors import BaseImageError, EngineError, PortTakenError
from imgcompare.model import Build, Check, Expectation, Failure, Stage

LOG = tuple(f"line {number}" for number in range(1, 41))
BUILD = Build(duration_s=1.0, step_count=3, cached_step_count=0)
CHECK = Check(passed=False, url="http://127.0.0.1:5000/x", expected=Expectation(), status_code=404)


def dead(code: int = 1, *, oom_killed: bool = False) -> Exited:
    """A container that ended after 1.25 s."""
    return Exited(ContainerState(running=False, exit_code=code, oom_killed=oom_killed), 1.25)


NO_STAGE = observed.base_unavailable("build", BaseImageError("denied"))


@pytest.mark.parametrize(
    ("dockerfile", "fix"),
    [
        ("FROM a AS builder\nFROM a\nCOPY --from=build /x /x\n", ("COPY --from=builder /x /x",)),
        (
            "FROM a AS deps\nFROM a AS last\nCOPY --chown=1 --from=build \\\n /x /x\n",
            ("COPY --chown=1 --from=deps \\", " /x /x"),
        ),
        ("FROM a AS build1\nFROM a AS build2\nFROM a\nCOPY --from=build /x /x\n", ()),
        ("FROM a AS deps\nFROM a AS tests\nFROM a\nCOPY --from=build /x /x\n", ()),
        ("FROM a\nCOPY --from=build /x /x\n", ()),
    ],
)
def test_a_stage_by_another_name(dockerfile: str, fix: tuple[str, ...]) -> None:
    """The one that is named alike, or the only one with a name; several are a choice for a person."""
    failure = observed.no_stage(NO_STAGE, "build", Document(dockerfile))
    assert failure.fix == fix
    assert bool(failure.edits) == bool(fix)


FAILURES = {
    "build-failed": (observed.build_failed(BuildFailed("exit code: 1", "RUN pip install", LOG, BUILD)), Stage.BUILD),
    "image-unavailable": (observed.base_unavailable("x:1", BaseImageError("denied", hint="log in")), Stage.PULL),
    "no-port": (observed.no_port(()), Stage.RUN),
    "cannot-start": (observed.start_failed(ContainerState(running=False, error="no such file")), Stage.RUN),
    "out-of-memory": (observed.exited(dead(137, oom_killed=True), LOG), Stage.RUN),
    "exits-at-once": (observed.exited(dead(), LOG), Stage.RUN),
    "never-listens": (observed.silent(Silent(60, "the connection was refused"), 5000, LOG), Stage.CHECK),
    "wrong-response": (observed.wrong_reply(CHECK, "the reply has status 404, expected 200", LOG), Stage.CHECK),
    "interrupted": (observed.cut_short(Stage.BUILD, EngineError("lost")), Stage.BUILD),
    "engine-error": (observed.engine_refused(Stage.RUN, EngineError("port taken", hint="free it")), Stage.RUN),
    "host-port-taken": (observed.port_taken(PortTakenError("host port 80 is taken by x", hint="free it")), Stage.RUN),
    "image-gone": (observed.image_gone("sha256:0"), Stage.BUILD),
}


@pytest.mark.parametrize("code", FAILURES)
def test_each_kind_of_failure_has_its_code_stage_and_next_step(code: str) -> None:
    """Codes are what scripts and ``explain`` rely on; a message is one sentence; a hint is never missing."""
    failure, stage = FAILURES[code]
    assert (failure.code, failure.stage) == (code, stage)
    assert re.fullmatch(r"[A-Z\w].*", failure.message)
    assert failure.hint


@pytest.mark.parametrize("code", FAILURES)
def test_evidence_is_the_end_of_the_log_and_no_more(code: str) -> None:
    """At most a dozen log lines and one line of facts, the last line always among them."""
    failure, _stage = FAILURES[code]
    assert len(failure.evidence) <= 13
    if "line 40" in failure.evidence:
        assert failure.evidence[-1] == "line 40"
        assert "line 28" not in failure.evidence


def test_a_failed_build_names_its_step_first() -> None:
    """The step, then its log; empty parts are left out."""
    failure = observed.build_failed(BuildFailed("exit code: 1", "RUN make", ("", "no rule"), BUILD))
    assert (failure.message, failure.evidence) == ("exit code: 1", ("step RUN make", "no rule"))
    assert observed.build_failed(BuildFailed("no such stage", None, (), BUILD)).evidence == ()


def test_a_base_image_of_another_platform() -> None:
    """The platform asked for is named, and that it may be left out."""
    outcome = BuildFailed("load metadata: no such host", None, (), BUILD, missing_base="python:3.11")
    failure = observed.base_missing("python:3.11", "linux/arm64", outcome)
    assert (failure.code, failure.stage) == ("image-unavailable", Stage.PULL)
    assert failure.message == "The image python:3.11 for linux/arm64 is not on the engine and cannot be pulled."
    assert failure.hint.endswith("or build without --platform.")
    assert failure.evidence == ("load metadata: no such host",)


def test_an_exit_says_code_and_time() -> None:
    """The exit code stands in the message, with the time in the evidence; an exit by a signal names that."""
    failure = observed.exited(dead(3), ("bye",))
    assert failure.message == "The container exited with code 3 before its route answered."
    assert failure.evidence == ("exit code 3 after 1.2 s", "bye")
    assert "139 (SIGSEGV)" in observed.exited(dead(139), ("bye",)).message


CHAINED = """\
Traceback (most recent call last):
  File "/usr/lib/python3.11/logging/config.py", line 565, in configure
    handler = self.configure_handler(handlers[name])
FileNotFoundError: [Errno 2] No such file or directory: '/logs/shop.log'

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
""" + "".join(f'  File "/app/shop.py", line {number}, in <module>\n' for number in range(12))
ENDED = "ValueError: Unable to configure handler 'file'\n[1] [INFO] Worker exiting (pid: 9)"


@pytest.mark.parametrize(
    ("log", "told"),
    [
        (CHAINED + ENDED, True),
        (CHAINED.replace("The above exception was the direct cause of the following", "Another") + ENDED, False),
        (CHAINED[: CHAINED.index("\n\n")] + "\n" * 2, False),
    ],
)
def test_what_the_last_exception_was_raised_from(log: str, told: bool) -> None:
    """A library tells what it could not do, and only the first exception tells why; it stands far above."""
    failure = observed.exited(Exited(ContainerState(running=False, exit_code=3), 0.3), log.splitlines())
    came = "it came of FileNotFoundError: [Errno 2] No such file or directory: '/logs/shop.log'"
    assert (came in failure.evidence) == told


def test_an_exit_without_a_word_has_no_known_cause() -> None:
    """An error code and an empty log prove nothing; an exit code of 0 does: the program had nothing more to do."""
    silent = observed.exited(dead(3), ())
    assert (silent.code, silent.message) == ("unknown", "The container exited with code 3 and said nothing.")
    assert silent.evidence == ("exit code 3 after 1.2 s", "the log is empty")
    done = observed.exited(dead(0), ())
    assert (done.code, done.evidence) == ("exits-at-once", ("exit code 0 after 1.2 s", "the log is empty"))


def test_out_of_memory_wins_over_the_exit_code() -> None:
    """137 alone says little; the engine's flag says why."""
    failure = observed.exited(dead(137, oom_killed=True), LOG)
    assert "memory" in failure.message
    assert failure.evidence[0] == "exit code 137 after 1.2 s"


def test_a_silent_container_says_port_time_and_the_last_reason() -> None:
    """Everything needed to tell a wrong port from a slow start."""
    failure = observed.silent(Silent(60, "the connection was refused"), 5000, ())
    assert failure.message == "No reply on container port 5000 within 60 s: the connection was refused."
    assert failure.evidence == ("the log is empty",)
    assert "0.0.0.0" in failure.hint
    assert "5000" in failure.hint


def test_a_server_that_listens_is_not_told_to_listen() -> None:
    """A server that takes connections and never replies needs another next step than one that is not there."""
    failure = observed.silent(Silent(60, "it takes connections and sends nothing", listens=True), 5000, ())
    assert "0.0.0.0" not in failure.hint
    assert "--route" in failure.hint


@pytest.mark.parametrize(
    ("exposed", "words"),
    [((), "the image has no EXPOSE"), (("80/tcp", "443/tcp"), "the image exposes 80/tcp, 443/tcp")],
)
def test_an_unknown_port_says_what_the_image_exposes(exposed: tuple[str, ...], words: str) -> None:
    """None and several are different mistakes."""
    assert words in observed.no_port(exposed).message


def test_a_redirect_proposes_the_route_it_leads_to() -> None:
    """Where the app sends its visitors is where it can be asked."""
    hint = observed.wrong_reply(CHECK, "the reply has status 302", [], "/login").hint
    assert hint == "The app sends its visitors on: ask where they arrive, --route /login"


def test_where_nothing_is_the_route_of_the_healthcheck_is_proposed() -> None:
    """Whoever wrote it knows where the app replies; unless that is what was asked."""
    check = replace(CHECK, status_code=404)
    hint = observed.wrong_reply(check, "the reply has status 404", [], asked="/health").hint
    assert hint == "Nothing is there. Its HEALTHCHECK asks for another: --route /health"
    assert "HEALTHCHECK" not in observed.wrong_reply(check, "the reply has status 404", [], asked="/x").hint


def test_a_wrong_reply_says_what_was_asked_and_what_came() -> None:
    """The problem with both values becomes the sentence; the URL is the first proof."""
    failure = observed.wrong_reply(CHECK, "the reply has status 404, expected 200", ["GET /x 404"])
    assert failure.message == "The reply has status 404, expected 200."
    assert failure.evidence == ("GET http://127.0.0.1:5000/x", "GET /x 404")


HOSTILE = "\x1b[2Jred\u202e\n" + "x" * 1000


@pytest.mark.parametrize(
    "failure",
    [
        observed.build_failed(BuildFailed(HOSTILE, None, (), BUILD)),
        observed.base_unavailable(HOSTILE, BaseImageError(HOSTILE)),
        observed.no_port((HOSTILE, "80/tcp")),
        observed.start_failed(ContainerState(running=False, error=HOSTILE)),
        observed.cut_short(Stage.RUN, EngineError(HOSTILE)),
        observed.engine_refused(Stage.RUN, EngineError(HOSTILE)),
        observed.image_gone(HOSTILE),
    ],
)
def test_text_of_images_and_engines_is_made_printable_and_bounded(failure: Failure) -> None:
    """Nothing an engine or an image says can drive the terminal or fill it."""
    for text in (failure.message, *failure.evidence):
        assert text.isprintable()
        assert len(text) <= 600


def test_a_container_in_which_nothing_listens_says_so_of_every_port() -> None:
    """Where nobody named a port, none is named."""
    failure = observed.nowhere(60, ())
    assert (failure.code, failure.stage) == ("never-listens", Stage.CHECK)
    assert failure.message == "Nothing listens in the container, on any port that can be reached, within 60 s."
    assert "0.0.0.0" in failure.hint


def test_bases_that_are_missing_are_told_at_once() -> None:
    """With one command for all stand-ins, and the other ways out once."""
    failures = {
        tag: observed.base_unavailable(tag, unavailable(tag, "no such host"))
        for tag in ("python:3.11", "debian:12-slim", "node:22")
    }
    failure = observed.all_unavailable(failures)
    assert failure.message == (
        "The images python:3.11, debian:12-slim, node:22 are not on the engine and cannot be pulled."
    )
    assert failure.hint == (
        "`imgcompare setup --stand-in python:3.11 --stand-in debian:12-slim` makes stand-ins in imgcompare's own "
        "engine. "
        "Use an engine that has the image (`docker pull` it first) or that reaches a registry: --host URL."
    )
    assert len(failure.evidence) == 3
    assert observed.all_unavailable({"node:22": failures["node:22"]}) is failures["node:22"]


@pytest.mark.parametrize(
    ("said", "none"),
    [
        ("manifest for python:99 not found: manifest unknown: manifest unknown", True),
        ("docker.io/library/python:99: not found", True),
        ("invalid reference format", True),
        ("invalid reference format: repository name must be lowercase", True),
        ("NAME_UNKNOWN: repository name not known to registry", True),
        ('Get "https://r.example/v2/": dial tcp: lookup r.example: no such host', False),
        ("dial tcp 127.0.0.1:5000: connect: connection refused", False),
        ("pull access denied for pyton, repository does not exist or may require 'docker login'", False),
        ("toomanyrequests: You have reached your pull rate limit", False),
        ("no match for platform in manifest: not found", False),
    ],
)
def test_that_there_is_no_image_of_a_name_must_have_been_said(said: str, none: bool) -> None:
    """A registry that was not reached, wants a login or has it for another platform has not said so."""
    failure = observed.base_unavailable("x:1", BaseImageError(f"cannot pull x:1: {said}"))
    assert observed.names_no_image(failure) is none
