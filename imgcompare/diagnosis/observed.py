"""Pure: the evidence of a variant that does not work → a Failure with a stable code, the proof and the next step.

A failure is first what was observed, and becomes its cause where the evidence proves one: ``diagnose``. The code of
what was observed stays where no cause is proven but the program or the engine says itself what happened. Where not even
that is so, or what is seen contradicts itself, the code is ``unknown``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from signal import Signals

from msgspec.structs import replace

from imgcompare.check.route import Exited, Silent
from imgcompare.diagnosis.evidence import Case
from imgcompare.diagnosis.failed_stage import from_the_failed_stage
from imgcompare.diagnosis.step_fixes import from_another_stage
from imgcompare.diagnosis.traceback import came_of
from imgcompare.dockerfile.document import Document
from imgcompare.engine.interface import BuildFailed, ContainerState
from imgcompare.errors import ImgcompareError
from imgcompare.model import Check, Failure, Stage
from imgcompare.regex import regex
from imgcompare.text.printable import printable

_EVIDENCE_LINES = 12
_STAND_IN = regex(r"`imgcompare setup --stand-in (\S+)` makes a stand-in in imgcompare's own engine\. ?")

_NO_IMAGE = regex(
    r"manifest unknown|manifest for \S+ not found|name unknown|NAME_UNKNOWN|MANIFEST_UNKNOWN|\S+:\S+: not found$"
    r"|invalid reference format|must be lowercase"
)


def diagnose(case: Case) -> Failure:
    """The proven cause of what was observed, or what was observed.

    A cause whose fix stands in the Dockerfile already is none.
    """
    from imgcompare.diagnosis.causes import CAUSES  # noqa: PLC0415 - many patterns to compile, and most variants work

    case = from_the_failed_stage(case)
    found = (failure for explain in CAUSES if (failure := explain(case)) is not None)
    return next((failure for failure in found if not case.refutes(failure)), case.evidence.observed)


def build_failed(outcome: BuildFailed) -> Failure:
    """A build that ended without an image: the failing step and the end of its log."""
    return Failure(
        stage=Stage.BUILD,
        code="build-failed",
        message=printable(outcome.message, limit=500),
        hint="Mend that step and run again; finished steps come from the cache.",
        evidence=tuple(filter(None, (outcome.step and f"step {outcome.step}", *outcome.log[-_EVIDENCE_LINES:]))),
    )


def base_unavailable(reference: str, error: ImgcompareError) -> Failure:
    """A base image, or a variant's own, that is neither on the engine nor to be pulled."""
    return Failure(
        stage=Stage.PULL,
        code="image-unavailable",
        message=f"The image {printable(reference, limit=200)} is not on the engine and cannot be pulled.",
        hint=error.hint or "",
        evidence=(printable(error.message, limit=500),),
    )


def all_unavailable(failures: Mapping[str, Failure]) -> Failure:
    """All base images of a variant that cannot be had, by name, in one failure with every way out."""
    first, *others = failures.values()
    if not others:
        return first
    names = ", ".join(printable(name, limit=200) for name in failures)
    return Failure(
        stage=first.stage,
        code=first.code,
        message=printable(f"The images {names} are not on the engine and cannot be pulled.", limit=500),
        hint=_hints([failure.hint for failure in failures.values()]),
        evidence=tuple(line for failure in failures.values() for line in failure.evidence),
    )


def _hints(texts: Sequence[str]) -> str:
    """What all these hints say, once, and the stand-ins of all by one command."""
    tags = [match[1] for text in texts for match in _STAND_IN.finditer(text)]
    command = f"`imgcompare setup {' '.join(f'--stand-in {tag}' for tag in tags)}` makes "
    made = [f"{command}{'stand-ins' if len(tags) > 1 else 'a stand-in'} in imgcompare's own engine."] if tags else []
    rest = dict.fromkeys(_STAND_IN.sub("", text).strip() for text in texts)
    return " ".join((*made, *rest))


def names_no_image(failure: Failure) -> bool:
    """Whether it was said of an image that cannot be had that there is none of the name, or can be none.

    A registry that was not reached, or that asks for a login, has not said so.
    """
    return any(_NO_IMAGE.search(line) for line in failure.evidence)


def no_stage(failure: Failure, reference: str, document: Document | None) -> Failure:
    """Tell the same of a bare name after ``COPY --from``, which is mostly meant to be a stage's."""
    name = printable(reference, limit=200)
    edits = from_another_stage(document, reference) if document else ()
    return replace(
        failure,
        message=f"COPY --from={name} names no stage of the Dockerfile, and no image of the name {name} can be pulled.",
        hint="Instead of that line: the stage by its name." if edits else f"Give the stage its name: FROM … AS {name}",
        fix=tuple(line for edit in edits for line in edit.lines),
        edits=edits,
    )


def base_missing(reference: str, platform: str | None, outcome: BuildFailed) -> Failure:
    """A base image that the builder could not have: mostly one that the engine has for another platform."""
    image = f"{printable(reference, limit=200)}{f' for {printable(platform, limit=60)}' if platform else ''}"
    another = ", or build without --platform" if platform else ""
    return Failure(
        stage=Stage.PULL,
        code="image-unavailable",
        message=f"The image {image} is not on the engine and cannot be pulled.",
        hint=f"Use an engine that has it, or one that reaches a registry: --host URL{another}.",
        evidence=(printable(outcome.message, limit=500),),
    )


def no_port(exposed: Sequence[str], named: tuple[int, str] | None = None) -> Failure:
    """An image whose port is not known: nothing, or several, exposed, none given, and what listens cannot be seen.

    ``named`` is a port that the image names elsewhere, and where.
    """
    several = f"the image exposes {printable(', '.join(exposed), limit=200)}" if exposed else "the image has no EXPOSE"
    return Failure(
        stage=Stage.RUN,
        code="no-port",
        message=f"The port to ask is not known: {several}, and what listens in its container cannot be seen.",
        hint=f"Say which one serves the app: --container-port {named[0] if named else exposed[0].partition('/')[0]}"
        if len(exposed) > 1
        else f"Add EXPOSE {named[0] if named else '<port>'} to the Dockerfile, or say which: --container-port "
        f"{named[0] if named else 5000}",
        evidence=(f"{named[1]} names port {named[0]}",) if named else (),
    )


def nothing_to_run() -> Failure:
    """An image that says of no program that it is to be run."""
    return Failure(
        stage=Stage.RUN,
        code="no-command",
        message="The image has no CMD and no ENTRYPOINT: nobody says what to run.",
        hint='Add the command that serves the app to its last stage: CMD ["/server"]',
        evidence=("the image's config has neither Cmd nor Entrypoint",),
    )


def start_failed(state: ContainerState) -> Failure:
    """A container whose program could not be started at all."""
    return Failure(
        stage=Stage.RUN,
        code="cannot-start",
        message="The container could not be started.",
        hint="Look at CMD and ENTRYPOINT: the program must be in the last stage, on PATH, and executable.",
        evidence=(printable(state.error, limit=500),),
    )


def exited(result: Exited, log: Sequence[str]) -> Failure:
    """A container that ended before its route answered."""
    state = result.state
    shown = log[-_EVIDENCE_LINES:]
    first = came_of(log)
    came = (f"it came of {first}",) if first and first not in map(str.strip, shown) else ()
    evidence = (f"exit code {state.exit_code} after {result.after_s:.1f} s", *came, *shown)
    if state.oom_killed:
        return Failure(
            stage=Stage.RUN,
            code="out-of-memory",
            message="The kernel killed the container: it used more memory than it may.",
            hint="Lower what the program takes (fewer workers, smaller caches).",
            evidence=evidence,
        )
    if state.exit_code and not log:
        return Failure(
            stage=Stage.RUN,
            code="unknown",
            message=f"The container exited with code {state.exit_code}{_signal(state.exit_code)} and said nothing.",
            hint="Start it by hand and look: docker run --rm -it --entrypoint sh IMAGE",
            evidence=(*evidence, "the log is empty"),
        )
    return Failure(
        stage=Stage.RUN,
        code="exits-at-once",
        message="The program came to its end by itself (exit code 0): nothing is left to answer."
        if state.exit_code == 0
        else f"The container exited with code {state.exit_code}{_signal(state.exit_code)} before its route answered.",
        hint="CMD must name what serves the app and stays in the foreground."
        if state.exit_code == 0
        else "The last log lines are the program's own; they usually name the cause.",
        evidence=evidence if log else (*evidence, "the log is empty"),
    )


def _signal(code: int | None) -> str:
    """The signal that an exit code tells of, by the convention of shells and engines: 128 and its number."""
    try:
        return f" ({Signals((code or 0) - 128).name})"
    except ValueError:
        return ""


def silent(result: Silent, port: int, log: Sequence[str]) -> Failure:
    """A container that runs and does not answer.

    An engine's port forwarding may take connections that nothing in the container does, and reset them: what listens on
    the container's own loopback only looks like nothing at all.
    """
    return Failure(
        stage=Stage.CHECK,
        code="never-listens",
        message=f"No reply on container port {port} within {result.waited_s:.0f} s: {result.reason}.",
        hint="See whether --route names a route that replies at once; --timeout waits longer."
        if result.listens
        else f"Listen on 0.0.0.0 (not on 127.0.0.1) and on port {port}; --container-port names another port, "
        "--timeout waits longer.",
        evidence=tuple(log[-_EVIDENCE_LINES:]) or ("the log is empty",),
    )


def nowhere(waited_s: float, log: Sequence[str]) -> Failure:
    """A container whose port nobody named, and in which nothing listens where others can reach it."""
    return Failure(
        stage=Stage.CHECK,
        code="never-listens",
        message=f"Nothing listens in the container, on any port that can be reached, within {waited_s:.0f} s.",
        hint="CMD must start what serves the app, on 0.0.0.0 (not on 127.0.0.1); --timeout waits longer.",
        evidence=tuple(log[-_EVIDENCE_LINES:]) or ("the log is empty",),
    )


def wrong_reply(check: Check, problem: str, log: Sequence[str], leads_to: str = "", asked: str = "") -> Failure:
    """A reply that is not the expected one; ``asked`` is the route that its HEALTHCHECK asks for."""
    status = check.status_code or 0
    hint = "See whether --route, --expect-status and --expect-body say what you mean; the log may name the cause."
    if status >= 500:
        hint = "The app failed while it replied; its log's last lines usually name the cause."
    elif leads_to:
        hint = f"The app sends its visitors on: ask where they arrive, --route {printable(leads_to, limit=200)}"
    elif status == 404 and asked and not check.url.endswith(asked):
        hint = f"Nothing is there. Its HEALTHCHECK asks for another: --route {printable(asked, limit=200)}"
    elif status == 400 and "Bad Request (400)" in (check.body_excerpt or ""):
        hint = "Django replies so where ALLOWED_HOSTS does not name the host it is asked by, here 127.0.0.1."
    return Failure(
        stage=Stage.CHECK,
        code="wrong-response",
        message=_sentence(problem),
        hint=hint,
        evidence=(f"{check.method} {check.url}", *log[-_EVIDENCE_LINES:]),
    )


def cut_short(stage: Stage, error: ImgcompareError | None) -> Failure:
    """A variant that was under way when the run was interrupted or the engine was lost."""
    return Failure(
        stage=stage,
        code="interrupted",
        message="The run ended before this variant was finished.",
        hint="Run it again; finished build steps come from the cache.",
        evidence=(printable(error.message, limit=500),) if error else (),
    )


def port_taken(error: ImgcompareError) -> Failure:
    """A fixed host port that something else holds."""
    return Failure(
        stage=Stage.RUN,
        code="host-port-taken",
        message=_sentence(error.message),
        hint=error.hint or "",
    )


def engine_failed(stage: Stage, error: ImgcompareError) -> Failure:
    """What the engine could not do: nothing is known of the variant by it."""
    return Failure(stage=stage, code="engine-failed", message=_sentence(error.message), hint=error.hint or "")


def engine_refused(stage: Stage, error: ImgcompareError) -> Failure:
    """A request that the engine refused, for this variant only."""
    return Failure(
        stage=stage,
        code="engine-error",
        message=printable(error.message, limit=500),
        hint=error.hint or "",
    )


def image_gone(reference: str) -> Failure:
    """An image that was on the engine a moment ago and is not any more."""
    return Failure(
        stage=Stage.BUILD,
        code="image-gone",
        message=f"The engine no longer has the image {printable(reference, limit=200)}.",
        hint="Something else removed it meanwhile; run again.",
    )


def _sentence(text: str) -> str:
    return printable(f"{text[:1].upper()}{text[1:]}.", limit=500)
