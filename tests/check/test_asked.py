"""Routes, headers and bodies as they are written, and the requests that they make of a real server."""

from __future__ import annotations

import socket

import pytest

from imgcompare.check.asked import Asking, RouteCheck, asking, parse_headers, parse_route
from imgcompare.check.request import Reply, request
from imgcompare.check.route import check_route
from imgcompare.errors import UsageError
from imgcompare.model import Expectation
from tests.check.test_route import http, serving


@pytest.mark.parametrize(
    ("text", "route"),
    [
        ("/", RouteCheck("/")),
        ("/old 410", RouteCheck("/old", 410)),
        ("/ 302 /login", RouteCheck("/", 302, "/login")),
        ("/ 308 https://shop.example/", RouteCheck("/", 308, "https://shop.example/")),
    ],
)
def test_a_route_says_what_has_to_come(text: str, route: RouteCheck) -> None:
    """Path, status, location, each after a blank; written down again it is the same text."""
    assert parse_route(text) == route
    assert str(route) == text


@pytest.mark.parametrize("text", ["", "x", "/ x", "/ 99", "/ 302 ", "/ 302 /a b", "/a b", "/ 200 /login", "/ 2000"])
def test_what_is_no_route_is_refused(text: str) -> None:
    """A typing error never becomes a check of something else."""
    with pytest.raises(UsageError, match="the route"):
        parse_route(text)


@pytest.mark.parametrize("text", ["x", ": y", "A b: c", "A: b\r\nX: y", "Content-Length: 3", "A: ☃", "Connection: x"])
def test_what_is_no_header_is_refused(text: str) -> None:
    """Nothing can be smuggled into a request, and what we set ourselves is not set twice."""
    with pytest.raises(UsageError):
        parse_headers([text])


def test_a_body_is_a_form_that_is_posted_unless_it_is_said_to_be_something_else() -> None:
    """As curl's -d has it."""
    json = (("Content-Type", "application/json"),)
    assert asking(None, (), b"") == Asking()
    assert asking(None, (), b"a=1").method == "POST"
    assert asking(None, (), b"a=1").headers == (("Content-Type", "application/x-www-form-urlencoded"),)
    assert asking("put", json, b"{}") == Asking("PUT", json, b"{}")
    assert asking(None, json, b"{}").only_looking() == Asking()
    with pytest.raises(UsageError, match="is no method"):
        asking("GET /x", (), b"")


def test_the_request_is_made_as_it_was_asked_for() -> None:
    """Method, body with its length, headers in the place of our own; a HEAD's reply has no body to wait for."""
    heads: list[bytes] = []

    def answer(connection: socket.socket, head: bytes) -> None:
        heads.append(head)
        connection.sendall(http(b"" if head.startswith(b"HEAD") else b"made", "201 Created"))

    with serving(answer) as at:
        given = asking(None, parse_headers(["Host: shop.example", "X-Key: 7"]), b"name=tea")
        made = request(at, "/teas", limit_s=10, asking=given)
        seen = request(at, "/teas", limit_s=10, asking=Asking("HEAD"))
    assert isinstance(made, Reply)
    assert isinstance(seen, Reply)
    assert (made.status, made.body, seen.status) == (201, b"made", 201)
    lines = heads[0].decode().split("\r\n")
    assert lines[0] == "POST /teas HTTP/1.1"
    assert lines[-1] == "name=tea"
    assert {"Host: shop.example", "X-Key: 7", "Content-Length: 8"} < set(lines)
    assert len([line for line in lines if line.startswith("Host:")]) == 1


@pytest.mark.parametrize(
    ("sent", "expected", "problem"),
    [
        ("/login?next=%2F", "/login", ""),
        ("/login", "/login", ""),
        ("/setup", "/login", "the reply has status 302 and sends on to /setup, expected /login"),
        ("https://id.example/", "https://id.example/", ""),
    ],
)
def test_a_redirect_is_held_to_where_it_sends(sent: str, expected: str, problem: str) -> None:
    """302 to /login is a good reply where somebody said so, and another place is none."""
    with serving(lambda connection, _head: connection.sendall(http(b"", "302 Found", f"Location: {sent}\r\n"))) as at:
        checked = check_route(at, "/", Expectation(status=302, location=expected))
    assert checked.problem == problem
    assert checked.check.location == sent
