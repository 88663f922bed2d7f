"""The app that the end-to-end tests put into images: a web server on port 8000; its first argument says how it behaves.

It runs inside the images with nothing but Python's standard library.
"""

from __future__ import annotations

import http.server
import os
import signal
import socket
import sys
import time
from pathlib import Path

BEHAVIOUR = sys.argv[1] if len(sys.argv) > 1 else "works"
PORT = 8000


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers each GET in the way that BEHAVIOUR names."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer, by default well."""
        getattr(self, BEHAVIOUR, self.works)()

    def works(self) -> None:
        """The good reply."""
        self._reply(b"hello")

    def told(self) -> None:
        """The environment variable GREETING and what the build argument PLANET was."""
        self._reply(f"{os.environ.get('GREETING')}, {Path('/planet').read_text().strip()}".encode())

    def names_itself(self) -> None:
        """Its host name and address, as a load balancer's demo does."""
        name = socket.gethostname()
        self._reply(f"{name} at {socket.gethostbyname(name)}, asked as {self.headers['Host']}".encode())

    def tells_time(self) -> None:
        """The time, in seconds."""
        self._reply(time.strftime("It is %H:%M:%S.").encode())

    def packed_json(self) -> None:
        """JSON without a space too many."""
        self._reply(b'{"a":[1,2],"b":"hello"}', kind="application/json")

    def loose_json(self) -> None:
        """JSON that means the same."""
        self._reply(b'{\n  "b": "hello",\n  "a": [1, 2]\n}\n', kind="application/json; charset=utf-8")

    def other_json(self) -> None:
        """JSON that means something else."""
        self._reply(b'{"a":[2,1],"b":"hello"}', kind="application/json")

    def fails(self) -> None:
        """A server error, with an escape sequence in its body."""
        self._reply(b"oh \x1b[31mno", status=500)

    def redirects(self) -> None:
        """A redirect to itself."""
        self._reply(b"", status=302, location="/")

    def raw(self) -> None:
        """Bytes that are no UTF-8."""
        self._reply(b"\xff\xfe\x00caf\xe9")

    def huge(self) -> None:
        """Ten megabytes."""
        self._reply(b"x" * 10_000_000)

    def endless(self) -> None:
        """A body that never ends."""
        self._reply(b"", length=1 << 60)
        while True:
            self.wfile.write(b"x" * 65536)

    def drips(self) -> None:
        """A body that comes a byte at a time."""
        self._reply(b"", length=1000)
        while True:
            self.wfile.write(b".")
            time.sleep(0.5)

    def hangs(self) -> None:
        """No reply at all."""
        time.sleep(600)

    def _reply(
        self, body: bytes, *, status: int = 200, length: int | None = None, location: str = "", kind: str = ""
    ) -> None:
        self.send_response(status)
        if kind:
            self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        if location:
            self.send_header("Location", location)
        self.end_headers()
        self.wfile.write(body)


def main() -> None:
    """Behave."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    match BEHAVIOUR:
        case "exits":
            print("starting up\nModuleNotFoundError: No module named 'flask'", flush=True)  # noqa: T201
            sys.exit(3)
        case "sleeps":
            time.sleep(600)
        case "eats":
            eaten = [b"x" * (64 << 20) for _ in range(100)]
            sys.exit(len(eaten))
        case "talks":
            while True:
                os.write(1, b"y" * 4096)
        case "garbage":
            with socket.create_server(("", PORT)) as server:
                while True:
                    with server.accept()[0] as connection:
                        connection.sendall(b"SSH-2.0-none\r\n")
        case "starts_late":
            time.sleep(2)
    host = "127.0.0.1" if BEHAVIOUR == "loopback" else ""
    http.server.ThreadingHTTPServer((host, PORT), Handler).serve_forever()


main()
