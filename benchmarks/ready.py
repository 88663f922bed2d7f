"""``python -m benchmarks.ready``: how much later than an app listens imgcompare calls it ready."""

from __future__ import annotations

import socket
import statistics
import subprocess
import sys
import time

from benchmarks.pairs import report
from imgcompare.check.route import Ready, wait_until_ready
from imgcompare.engine.interface import LOOPBACK, ContainerState, Published
from imgcompare.model import Expectation
from tests.support.fake_engine import FakeContainer

_APP = """
import sys, time, http.server
class Hello(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b"Hello")
    def log_message(self, *_): pass
time.sleep(float(sys.argv[2]))
server = http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Hello)
print(time.monotonic(), flush=True)
server.handle_request()
"""
_RUNS, _LIMIT_MS = 30, 15.0


class _Up(FakeContainer):
    """What is asked of a container while its route is waited for."""

    def __init__(self) -> None:
        """Nothing to make."""

    def state(self) -> ContainerState:
        """It runs."""
        return ContainerState(running=True)


def main() -> bool:
    """Print the figure with its limit: the clock is the machine's, the same in both processes."""
    late = statistics.median(_late_s(0.1 + number / 97) for number in range(_RUNS))
    return report("ready_after_s − listens, ms", 1000 * late, _LIMIT_MS, f"a fast app, median of {_RUNS}")


def _late_s(after_s: float) -> float:
    with socket.socket() as free:
        free.bind((LOOPBACK, 0))
        port = free.getsockname()[1]
    with subprocess.Popen([sys.executable, "-c", _APP, str(port), str(after_s)], stdout=subprocess.PIPE) as app:
        began = time.monotonic()
        waited = wait_until_ready(_Up(), Published(LOOPBACK, port), "/", Expectation(), 10.0, lambda: False)
        assert isinstance(waited, Ready)
        assert app.stdout is not None
        return began + waited.after_s - float(app.stdout.readline())


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
