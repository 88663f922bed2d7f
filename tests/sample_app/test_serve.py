"""The waitress entry point, as a process of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import urllib.request

import pytest

from sample_app.serve import port_from


def test_waitress_serves_and_stops_on_sigterm() -> None:
    """`python -m sample_app.serve` logs its address to stdout, answers, and ends with 0 on what `docker stop` sends."""
    command = [sys.executable, "-m", "sample_app.serve"]
    with subprocess.Popen(
        command, env={**os.environ, "PORT": "0"}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as server:
        try:
            assert server.stdout is not None
            line = server.stdout.readline()
            found = re.search(r"INFO waitress: Serving on http://.*:(\d+)$", line)
            assert found, line
            direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            with direct.open(f"http://127.0.0.1:{found[1]}/", timeout=30) as reply:
                assert reply.read() == b"Hello, Docker!"
            server.send_signal(signal.SIGTERM)
            _, errors = server.communicate(timeout=30)
        finally:
            server.kill()
    assert (server.returncode, errors) == (0, "")


def test_wrong_port_ends_with_a_sentence_and_no_traceback() -> None:
    """Who mistypes PORT reads what was wrong."""
    done = subprocess.run(
        [sys.executable, "-m", "sample_app.serve"],
        env={**os.environ, "PORT": "http"},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 1
    assert done.stderr == "PORT is 'http', which is no port number: use one from 1 to 65535\n"


@pytest.mark.parametrize(("environment", "port"), [({}, 5000), ({"PORT": "8080"}, 8080), ({"PORT": "65535"}, 65535)])
def test_port_comes_from_the_environment(environment: dict[str, str], port: int) -> None:
    """PORT decides, 5000 stands without it."""
    assert port_from(environment) == port


@pytest.mark.parametrize("text", ["", "http", "-1", "65536", "80.5", "٥٠٠٠"])
def test_what_is_no_port_number_is_refused(text: str) -> None:
    """No unusable port reaches the socket."""
    with pytest.raises(SystemExit, match="no port number"):
        port_from({"PORT": text})
