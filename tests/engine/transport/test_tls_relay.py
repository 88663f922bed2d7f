"""Reading and writing a TLS connection at the same time, through a plain socket."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
from contextlib import closing
from pathlib import Path

import pytest

from imgcompare.engine.transport.grpc import ClientCall, server, unary
from imgcompare.engine.transport.http2 import Connection
from imgcompare.engine.transport.tls_relay import plain


@pytest.fixture
def ends(tmp_path: Path) -> tuple[ssl.SSLSocket, ssl.SSLSocket]:
    """Both ends of a TLS connection."""
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=x", "-days", "2"]
    subprocess.run([*command, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(certificate, key)
    asking = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    asking.load_verify_locations(certificate)
    asking.check_hostname = False
    ours, theirs = socket.socketpair()
    made: list[ssl.SSLSocket] = []
    shaking = threading.Thread(target=lambda: made.append(serving.wrap_socket(theirs, server_side=True)))
    shaking.start()
    client = asking.wrap_socket(ours)
    shaking.join()
    return client, made[0]


def test_calls_go_both_ways_at_once(ends: tuple[ssl.SSLSocket, ssl.SSLSocket]) -> None:
    """Megabytes in both directions, on several calls: nothing is lost, mixed or stuck."""
    client_end, server_end = ends
    accept = server({"/echo": unary(lambda message: message)})
    with closing(Connection(plain(server_end), accept=accept)), closing(Connection(plain(client_end))) as client:
        messages = [bytes([number]) * 2_000_000 for number in range(4)]
        answers: dict[int, bytes] = {}

        def call(number: int) -> None:
            answers[number] = ClientCall(client, "/echo", messages[number]).result()

        threads = [threading.Thread(target=call, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert [answers[number] for number in range(4)] == messages


def test_the_end_of_one_side_is_the_end_of_the_other(ends: tuple[ssl.SSLSocket, ssl.SSLSocket]) -> None:
    """Whoever reads is told; no thread stays behind."""
    client_end, server_end = ends
    with closing(plain(client_end)) as client, closing(plain(server_end)) as other:
        client.sendall(b"last words")
        received = b""
        while len(received) < 10:
            received += other.recv(100)
        assert received == b"last words"
        client.shutdown(socket.SHUT_RDWR)
        assert other.recv(100) == b""
    names = {thread.name for thread in threading.enumerate()}
    for thread in threading.enumerate():
        if thread.name == "tls-relay":
            thread.join(10)
            assert not thread.is_alive(), names
