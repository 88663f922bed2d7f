"""Wait for the route, and check it when it is there."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

from msgspec import Struct

from imgcompare.check.asked import GET, Asking
from imgcompare.check.bodies import Bodies, tells_time
from imgcompare.check.pattern import is_found
from imgcompare.check.request import NoReply, Reply, authority, request
from imgcompare.engine.interface import LOOPBACK, Container, ContainerState, Published
from imgcompare.errors import EngineError
from imgcompare.model import Check, Expectation
from imgcompare.text.printable import printable

REPLY_LIMIT_S = 15.0
_EXCERPT_CHARACTERS = 200
_RETRY_S = 0.01
_FAR_RETRY_S = 0.05
_RETRY_SHARE = 0.01
_LONGEST_RETRY_S = 0.1
_FIRST_PAUSE_S = 0.02
_LONGEST_PAUSE_S = 0.25
_LOOK_S = 0.25
_LOOK_HELD_S = 1.0
_MOVES_AFTER_S = 1.05
# How long what stands behind a proxy may take to listen.
_GATEWAY_S = 10.0
_TELLS_S = 1.0


class Ready(Struct, frozen=True):
    """The route answered: seconds since the wait began, and the reply."""

    after_s: float
    reply: Reply


class Exited(Struct, frozen=True):
    """The container ended before its route answered."""

    state: ContainerState
    after_s: float


class Silent(Struct, frozen=True):
    """No reply within the time given; ``reason`` is what the last try met, ``listens`` whether a server was there."""

    waited_s: float
    reason: str
    listens: bool = False


def wait_until_ready(
    container: Container,
    at: Published,
    route: str,
    expected: Expectation,
    timeout_s: float,
    cancelled: Callable[[], bool],
    asking: Asking = GET,
) -> Ready | Exited | Silent:
    """Ask until the route replies, the container exits or ``timeout_s`` is over; only an HTTP reply means ready.

    A connection that was taken is kept until it is answered: a second one would queue behind it in a server that does
    one thing at a time, and be in its way. One that is refused, reset or closed is made anew at short intervals, and so
    is one that the container has nothing of. A 503 that nobody expects is a server saying that it is not ready yet
    (RFC 9110 §15.6.4): asked again, and like every server that talks, in growing intervals. So, for a while, is a proxy
    that does not reach what stands behind it, 502 or 504: both start in one container. As it may be asked often, it is
    asked by what changes nothing.
    """
    began = time.monotonic()
    watch = _Watch(container, cancelled)
    reason, listens = "nothing listened", False
    pause = _FIRST_PAUSE_S
    try:
        while (remaining := began + timeout_s - time.monotonic()) > 0:
            taken = False
            match request(at, route, limit_s=remaining, idle=watch.held, asking=asking.only_looking()):
                case Reply(status=503) as reply if expected.status != reply.status:
                    reason, listens = "the server kept answering 503", True
                case Reply(status=502 | 504) as reply if (
                    expected.status != reply.status and time.monotonic() - began < min(_GATEWAY_S, timeout_s / 2)
                ):
                    reason, listens = f"the server kept answering {reply.status}", True
                case Reply() as reply:
                    return Ready(time.monotonic() - began, reply)
                case NoReply(timed_out=True) if listens and remaining < _TELLS_S:
                    pass  # broken off by the end of the time: it tells less than the tries before it
                case NoReply(why, timed_out, received, taken):
                    reason, listens = why, timed_out or received > 0
            watch.between(taken=taken and not at.socket)
            waited_s = time.monotonic() - began
            pause = min(pause * 1.5, _LONGEST_PAUSE_S) if listens else _retry_s(at, waited_s)
            time.sleep(max(0.0, min(pause, timeout_s - waited_s)))
    except _EndedError as ended:
        return Exited(ended.state, time.monotonic() - began)
    state = container.state()
    return Silent(timeout_s, reason, listens) if state.running else Exited(state, timeout_s)


def _retry_s(at: Published, waited_s: float) -> float:
    """How long to wait after a refusal: as exact as a readiness time has to be, which is to a hundredth part of it.

    Asking costs the machine that the app starts on, too, and through a tunnel, or on another one, it takes longer.
    """
    near = not at.socket and at.host in {LOOPBACK, "::1"}
    return min(max(_RETRY_S if near else _FAR_RETRY_S, _RETRY_SHARE * waited_s), _LONGEST_RETRY_S)


class _EndedError(Exception):
    """The container has ended: what is awaited of it will not come."""

    def __init__(self, state: ContainerState) -> None:
        super().__init__()
        self.state = state


class _Watch:
    """Looks at a container while its route is waited for: seldom, each look costs the engine as much as the app."""

    def __init__(self, container: Container, cancelled: Callable[[], bool]) -> None:
        self._container = container
        self._cancelled = cancelled
        self._looked = time.monotonic()

    def between(self, *, taken: bool) -> None:
        """Look between two requests. Raises _EndedError, and EngineError when the run is cancelled.

        What took the last one, only to close it, is the engine, which publishes a port for as long as it runs.
        """
        self._look(_LOOK_HELD_S if taken else _LOOK_S)

    def held(self, received: int) -> bool:
        """Look while a request is waited for; whether it never got there, as when the way there was just being made."""
        return self._look(_LOOK_HELD_S) and not received and self._container.reached() is False

    def _look(self, every_s: float) -> bool:
        if self._cancelled():
            raise EngineError("cancelled")
        if time.monotonic() < self._looked + every_s:
            return False
        if not self._container.lives() and not (state := self._container.state()).running:
            raise _EndedError(state)
        self._looked = time.monotonic()
        return True


class Checked(NamedTuple):
    """A check, what is wrong in one sentence ("" if nothing), and the whole body that came, if one did.

    ``leads_to`` is the route of the same app that the reply sends on to, "" where it is none.
    """

    check: Check
    problem: str
    body: bytes | None = None
    leads_to: str = ""


def check_route(
    at: Published, route: str, expected: Expectation, first_reply_s: float = 0.0, asking: Asking = GET
) -> Checked:
    """Request the route once and hold the reply against ``expected``.

    A route whose first reply took long is given twice as long for this one.
    """
    url = f"http://{authority(at)}{route}"
    reply = request(at, route, limit_s=max(REPLY_LIMIT_S, 2 * first_reply_s), asking=asking)
    if isinstance(reply, NoReply):
        return Checked(Check(passed=False, url=url, expected=expected, method=asking.method), reply.reason)
    leads_to = _leads_to(reply.location, at, route)
    problem = judge(reply, expected, leads_to)
    check = Check(
        passed=not problem,
        url=url,
        expected=expected,
        status_code=reply.status,
        response_time_s=reply.duration_s,
        body_excerpt=printable(
            reply.body[: 4 * _EXCERPT_CHARACTERS].decode("utf-8", "replace"), limit=_EXCERPT_CHARACTERS
        ),
        body_sha256=hashlib.sha256(reply.body).hexdigest(),
        body_json_sha256=json_digest(reply),
        body_truncated=reply.truncated,
        method=asking.method,
        location=printable(reply.location, limit=_EXCERPT_CHARACTERS),
    )
    return Checked(check, problem, None if reply.truncated else reply.body, leads_to)


def _leads_to(location: str, at: Published, route: str) -> str:
    """The other route of the same app that a redirect's target is (RFC 9110 §10.2.2), "" where it is none."""
    asked = f"http://{authority(at)}{route}"
    try:
        target = urlsplit(urljoin(asked, location))
        same = (target.scheme, target.hostname, target.port or 80) == ("http", at.host, at.port)
    except ValueError:
        return ""
    found = f"{target.path or '/'}{f'?{target.query}' if target.query else ''}"
    return found if location and same and found != route and re.fullmatch(r"/[!-~]*", found) else ""


def ask_again(
    at: Published, route: str, first: Reply, last: bytes | None, own_names: Sequence[str], asking: Asking = GET
) -> Bodies | None:
    """The bodies of two requests to one container, a second apart where a time is told that may not have moved yet.

    None where they are not whole.
    """
    if last is None or first.truncated or not asking.is_safe:
        return None
    if first.body == last and tells_time(last):
        time.sleep(_MOVES_AFTER_S)
        limit_s = max(REPLY_LIMIT_S, 2 * first.duration_s)
        if isinstance(again := request(at, route, limit_s=limit_s, asking=asking), Reply):
            last = last if again.truncated else again.body
    return Bodies(first.body, last, (*own_names, authority(at)))


def json_digest(reply: Reply) -> str | None:
    """Return the digest of what a whole JSON reply means, white space and the order of keys left out; else None.

    A name twice in one object has no meaning that all agree on (RFC 8259 §4), so such a reply counts as plain bytes.
    """
    subtype = reply.content_type.partition(";")[0].strip().lower().rpartition("/")[2]
    if reply.truncated or not (subtype == "json" or subtype.endswith("+json")):
        return None
    try:
        meant = json.loads(reply.body, object_pairs_hook=_without_doubles)
        canonical = json.dumps(meant, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (ValueError, RecursionError):
        return None
    return hashlib.sha256(canonical.encode()).hexdigest()


def judge(reply: Reply, expected: Expectation, leads_to: str = "") -> str:
    """Say what is wrong with a reply in one sentence with both values, or "" when it is as expected.

    ``leads_to`` is the route of the same app that it sends on to, if any; expected with its query or without.
    Raises UsageError for a pattern that takes too long.
    """
    if reply.status != expected.status:
        target = f" (to {printable(reply.location, limit=120)}; redirects are not followed)" if reply.location else ""
        return f"the reply has status {reply.status}{target}, expected {expected.status}"
    if expected.location not in {None, reply.location, leads_to, leads_to.partition("?")[0]}:
        sent = printable(reply.location, limit=120) or "nowhere"
        return f"the reply has status {reply.status} and sends on to {sent}, expected {expected.location}"
    text = reply.body.decode("utf-8", "replace")
    if expected.body is not None and expected.body not in text:
        return f"the body {_quoted(text)} does not contain {_quoted(expected.body)}"
    if expected.body_pattern is not None and not is_found(expected.body_pattern, text):
        return f"the body {_quoted(text)} does not match the pattern {_quoted(expected.body_pattern)}"
    return ""


def _without_doubles(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a name stands twice in one object")
    return members


def _quoted(text: str) -> str:
    return f"“{printable(text, limit=80)}”"
