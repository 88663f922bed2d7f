"""An image's HEALTHCHECK, run by us at once and again until it passes, and what is told of one that does not.

The engine itself begins after a whole interval, 30 s unless the image says less (engines before 25 know no
``--start-interval``). Its command, run as the engine runs it, gives the same verdict as soon as there is one; the
patience is the engine's: ``start-period`` and ``retries`` intervals.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence

from msgspec import Struct

from imgcompare.engine.interface import Container, Executed
from imgcompare.engine.options import Healthcheck
from imgcompare.errors import EngineError
from imgcompare.model import Failure, Stage
from imgcompare.regex import regex
from imgcompare.text.printable import printable

HEALTHY, UNHEALTHY, STARTING = "healthy", "unhealthy", "starting"

_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 1.0
_CANNOT_RUN = (126, 127)
_PROBE_S = 10.0
# How an engine and the shells (dash, bash, busybox) say that a program is not there.
_MISSING = regex(r"""exec: \\?"([^"\\]+)\\?": |sh: (?:line )?(?:\d+: )?([\w./+-]+): (?:command )?not found""")
_EVIDENCE_LINES = 6
OWN_URL = regex(
    r"https?://(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1?\])(?::(\d{1,5}))?(/[!-~]*?)?(?=[\s\"'\\;|)&<>]|$)"
)
"""What a HEALTHCHECK asks of its own container: the port and the route, where they are said."""


class Examined(Struct, frozen=True, kw_only=True):
    """What the HEALTHCHECK said: its verdict, seconds since the examination began, how often it ran, its last run."""

    verdict: str
    after_s: float
    tries: int
    last: Executed


def examine(
    container: Container, check: Healthcheck, up_s: float, timeout_s: float, cancelled: Callable[[], bool]
) -> Examined:
    """Run the check until it passes, its patience or ``timeout_s`` is over; the container has been up for ``up_s``.

    A check that cannot be run at all is not tried again. Raises EngineError.
    """
    began = time.monotonic()
    patience_s = check.start_period_s + check.retries * check.interval_s - up_s
    deadline = began + min(timeout_s, max(patience_s, 0.0))
    pause = _FIRST_PAUSE_S
    tries = 0
    while True:
        last = container.execute(check.command, max(min(check.timeout_s, deadline - time.monotonic()), _FIRST_PAUSE_S))
        tries += 1
        after_s = time.monotonic() - began
        if last.exit_code == 0:
            return Examined(verdict=HEALTHY, after_s=after_s, tries=tries, last=last)
        if missing_program(check, last) or last.exit_code in _CANNOT_RUN:
            return Examined(verdict=UNHEALTHY, after_s=after_s, tries=tries, last=last)
        if time.monotonic() + pause >= deadline:
            verdict = STARTING if up_s + after_s < check.start_period_s else UNHEALTHY
            return Examined(verdict=verdict, after_s=after_s, tries=tries, last=last)
        if cancelled():
            raise EngineError("cancelled")
        time.sleep(pause)
        pause = min(pause * 2, check.interval_s, _LONGEST_PAUSE_S)


def has_python(container: Container) -> bool:
    """Whether the container has a ``python`` to check with."""
    return container.execute(["python", "-c", ""], _PROBE_S).exit_code == 0


def missing_program(check: Healthcheck, run: Executed) -> str:
    """The program that a check calls and that is not in the image, "" where it ran."""
    if run.exit_code == 0:
        return ""
    called = " ".join(check.command)
    found = (match[1] or match[2] for line in run.output for match in _MISSING.finditer(line))
    return next((printable(name, limit=80) for name in found if name in called), "")


def asked_route(check: Healthcheck | None) -> str:
    """Return the route that a check asks for; "" where that does not show."""
    found = OWN_URL.search(" ".join(check.command)) if check else None
    return (found and found[2]) or ""


def unhealthy(check: Healthcheck, examined: Examined, fix: Sequence[str]) -> Failure:
    """A container that answers its route and whose own HEALTHCHECK fails: orchestrators would restart it for ever."""
    last = examined.last
    if program := missing_program(check, last):
        message = f"Its HEALTHCHECK calls {program}, which is not in the image."
    elif last.exit_code is None:
        message = f"The app answers, but its HEALTHCHECK did not end in time, {examined.tries} × in a row."
    else:
        message = f"The app answers, but its HEALTHCHECK failed {examined.tries} × in {examined.after_s:.1f} s."
    ended = "it did not end in time" if last.exit_code is None else f"exit code {last.exit_code}"
    return Failure(
        stage=Stage.CHECK,
        code="unhealthy",
        message=message,
        hint="Ask a route that replies, on the port the app listens on, with a program that is in the image.",
        evidence=(
            f"HEALTHCHECK {printable(' '.join(check.command), limit=300)}",
            ended,
            *(printable(line, limit=300) for line in last.output[-_EVIDENCE_LINES:]),
        ),
        fix=tuple(fix),
    )


def healthcheck_line(port: int, route: str) -> str:
    """A HEALTHCHECK that needs nothing but Python: http.client never asks a proxy for our own address."""
    code = (
        f"import http.client as h, sys; c = h.HTTPConnection('127.0.0.1', {port}, timeout=2); "
        f"c.request('GET', {route!r}); sys.exit(c.getresponse().status >= 400)"
    )
    return f"HEALTHCHECK CMD {json.dumps(['python', '-c', code])}"
