"""What errors of libraries come down to."""

from __future__ import annotations

import socket

import pytest
import requests

from imgcompare.errors import reason_of


def refused() -> str:
    """A port on loopback at which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_what_the_system_said_is_the_reason() -> None:
    """requests, urllib3 and http.client each put words of their own around it."""
    with pytest.raises(requests.ConnectionError) as caught:
        requests.get(refused(), timeout=5)
    assert reason_of(caught.value) == "Connection refused"


def test_a_time_out_is_told_as_one() -> None:
    """A peer that takes the connection and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener, pytest.raises(requests.Timeout) as caught:
        requests.get(f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=0.05)
    assert reason_of(caught.value) == "no answer in time"


def test_an_error_of_nobody_else_keeps_its_words() -> None:
    """Where the system said nothing, the library's own words are all there is."""
    with pytest.raises(requests.exceptions.MissingSchema) as caught:
        requests.get("x", timeout=1)
    assert reason_of(caught.value) == str(caught.value)
