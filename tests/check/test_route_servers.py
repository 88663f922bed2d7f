"""A table of servers, each waited for as a container's is: the probe is in nobody's way, and its times are true."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from imgcompare.check.route import Exited, Ready, Silent, check_route, wait_until_ready
from imgcompare.engine.interface import ContainerState, Published
from imgcompare.model import Expectation
from tests.check.test_route import RUNNING, FakeContainer, free_port, http, never

REPLY = http(b"hello")


@dataclass
class Log:
    """When each request was read, and when the first was answered, in monotonic seconds."""

    asked: list[float] = field(default_factory=list)
    answered: list[float] = field(default_factory=list)


def _answered(connection: socket.socket, log: Log, takes_s: float) -> None:
    with connection:
        connection.recv(65536)
        log.asked.append(time.monotonic())
        time.sleep(takes_s)
        log.answered.append(time.monotonic())
        connection.sendall(REPLY)


Server = Callable[[int, Log, float, threading.Event], None]
"""Serves on a port, taking so many seconds a request, until the event is set."""


def synchronous(port: int, log: Log, takes_s: float, stop: threading.Event) -> None:
    """One worker, one request at a time: what comes meanwhile queues."""
    _accepting(port, stop, lambda connection: _answered(connection, log, takes_s))


def threaded(port: int, log: Log, takes_s: float, stop: threading.Event) -> None:
    """A thread a request."""

    def answer(connection: socket.socket) -> None:
        thread = threading.Thread(target=_answered, args=(connection.dup(), log, takes_s))
        thread.start()
        threads.append(thread)

    threads: list[threading.Thread] = []
    _accepting(port, stop, answer)
    for thread in threads:
        thread.join()


def evented(port: int, log: Log, takes_s: float, stop: threading.Event) -> None:
    """One loop for all requests."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        log.asked.append(time.monotonic())
        await asyncio.sleep(takes_s)
        log.answered.append(time.monotonic())
        writer.write(REPLY)
        await writer.drain()
        writer.close()

    async def serve() -> None:
        async with await asyncio.start_server(answer, "127.0.0.1", port):
            await asyncio.to_thread(stop.wait)

    asyncio.run(serve())


def _accepting(port: int, stop: threading.Event, answer: Callable[[socket.socket], None]) -> None:
    with socket.create_server(("127.0.0.1", port)) as listener:
        listener.settimeout(0.01)
        while not stop.is_set():
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                continue
            with connection:
                answer(connection)


def resetting_at_first(port: int, log: Log, takes_s: float, stop: threading.Event) -> None:
    """As a port forwarder for an app that is not up: takes connections and resets them; after a while it serves."""
    up = time.monotonic() + 0.5

    def answer(connection: socket.socket) -> None:
        if time.monotonic() < up:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
            return
        _answered(connection, log, takes_s)

    _accepting(port, stop, answer)


@contextmanager
def starting(server: Server, takes_s: float = 0.0, after_s: float = 0.2) -> Iterator[tuple[Published, Log]]:
    """A server that begins to listen after a while."""
    stop, log, port = threading.Event(), Log(), free_port()

    def run() -> None:
        stop.wait(after_s)
        server(port, log, takes_s, stop)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield Published("127.0.0.1", port), log
    finally:
        stop.set()
        thread.join(timeout=10)
        assert not thread.is_alive()


def _late_s(at: Published, log: Log) -> float:
    """How much later than its first answer a server is said to be ready."""
    began = time.monotonic()
    ready = wait_until_ready(FakeContainer(RUNNING), at, "/", Expectation(), 30, never)
    assert isinstance(ready, Ready)
    return began + ready.after_s - log.answered[0]


@pytest.mark.parametrize("server", [synchronous, threaded, evented, resetting_at_first])
@pytest.mark.parametrize("takes_s", [0.0, 1.0])
def test_a_server_is_asked_once_and_is_ready_when_it_answers(server: Server, takes_s: float) -> None:
    """However long the first answer takes, no second request is made meanwhile, and the time is that of the answer."""
    with starting(server, takes_s) as (at, log):
        late_s = _late_s(at, log)
        assert len(log.asked) == 1
        check, problem, *_ = check_route(at, "/", Expectation(body="hello"))
    assert (check.passed, problem) == (True, "")
    assert takes_s <= (check.response_time_s or 0.0) < takes_s + 0.5
    assert 0 <= late_s < 0.5


def test_a_slow_request_leaves_the_next_one_undisturbed() -> None:
    """A worker that takes 2.5 s a request is ready after them and busy with nothing of ours; a short timeout holds."""
    with starting(synchronous, 2.5, after_s=0.0) as (at, log):
        ready = wait_until_ready(FakeContainer(RUNNING), at, "/", Expectation(), 5, never)
        assert isinstance(ready, Ready)
        assert 2.5 <= ready.reply.duration_s <= ready.after_s < 3.5
        assert len(log.asked) == len(log.answered) == 1


def test_a_fast_server_is_ready_to_within_15_milliseconds() -> None:
    """What a readiness time is told in is what the probe's own intervals stay below; the best of five, others work."""

    def once() -> float:
        with starting(threaded) as (at, log):
            started = time.monotonic()
            ready = wait_until_ready(FakeContainer(RUNNING), at, "/", Expectation(), 30, never)
            assert isinstance(ready, Ready)
            return started + ready.after_s - log.asked[0]

    assert min(once() for _ in range(5)) <= 0.015


def half(port: int, _log: Log, _takes_s: float, stop: threading.Event) -> None:
    """Half a reply, and the connection stays open."""

    def answer(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(REPLY[:-2])
        stop.wait()

    _accepting(port, stop, answer)


def half_and_away(port: int, log: Log, _takes_s: float, stop: threading.Event) -> None:
    """Half a reply, and the connection is closed."""

    def answer(connection: socket.socket) -> None:
        connection.recv(65536)
        log.asked.append(time.monotonic())
        connection.sendall(REPLY[:-2])

    _accepting(port, stop, answer)


def mute(port: int, _log: Log, _takes_s: float, stop: threading.Event) -> None:
    """It takes connections and says nothing."""

    def answer(_connection: socket.socket) -> None:
        stop.wait()

    _accepting(port, stop, answer)


def unaccepting(port: int, _log: Log, _takes_s: float, stop: threading.Event) -> None:
    """It listens, and takes no connection out of the kernel's queue."""
    with socket.create_server(("127.0.0.1", port)):
        stop.wait()


@pytest.mark.parametrize(
    ("server", "silent"),
    [
        (mute, Silent(1.0, "it takes connections and sends nothing", listens=True)),
        (unaccepting, Silent(1.0, "it takes connections and sends nothing", listens=True)),
        (half, Silent(1.0, f"a reply was begun ({len(REPLY) - 2} bytes) and not finished", listens=True)),
        (half_and_away, Silent(1.0, "the reply ended 2 bytes before its Content-Length", listens=True)),
    ],
)
def test_a_listener_without_a_whole_answer_is_told_from_one_that_answers_late(server: Server, silent: Silent) -> None:
    """What is there and never answers is said to be that, with what came of the answer."""
    with starting(server, after_s=0.0) as (at, log):
        assert wait_until_ready(FakeContainer(RUNNING), at, "/", Expectation(), 1.0, never) == silent
    assert len(log.asked) < 20  # what talks is not asked a hundred times a second


def test_an_exit_is_seen_while_an_answer_is_waited_for() -> None:
    """A container that dies over its first request has exited, also where its connection stays open."""
    ended = ContainerState(running=False, exit_code=137)
    with starting(mute, after_s=0.0) as (at, _log):
        while not _listens(at):
            pass
        waited = wait_until_ready(FakeContainer(RUNNING, ended), at, "/", Expectation(), 3600, never)
    assert isinstance(waited, Exited)
    assert waited.state == ended


def _listens(at: Published) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((at.host, at.port)) == 0
