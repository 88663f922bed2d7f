"""The routes of the sample app, through Flask's test client."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from sample_app import create_app


@pytest.fixture
def client() -> FlaskClient:
    """A client of a fresh app."""
    return create_app().test_client()


def test_root_answers_exactly_the_greeting(client: FlaskClient) -> None:
    """The body is what every comparison and every workshop page expects, with no newline or markup around it."""
    reply = client.get("/")
    assert (reply.status_code, reply.data, reply.mimetype) == (200, b"Hello, Docker!", "text/plain")


def test_message_is_a_json_object(client: FlaskClient) -> None:
    """A script reads the greeting from JSON."""
    reply = client.get("/api/message")
    assert (reply.status_code, reply.mimetype, reply.json) == (
        200,
        "application/json",
        {"message": "Hello, Docker!"},
    )


def test_health_is_told_without_side_effects(client: FlaskClient) -> None:
    """A HEALTHCHECK gets 200 and a body it may ignore."""
    reply = client.get("/healthz")
    assert (reply.status_code, reply.json) == (200, {"status": "ok"})


def test_api_may_be_read_from_another_origin(client: FlaskClient) -> None:
    """A page served elsewhere can fetch the API; the plain reply carries no preflight headers."""
    headers = client.get("/api/message", headers={"Origin": "http://elsewhere.test"}).headers
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Methods" not in headers


def test_preflight_allows_what_the_api_offers(client: FlaskClient) -> None:
    """A browser's OPTIONS request before the real one succeeds and names the methods and headers."""
    reply = client.options(
        "/api/message", headers={"Origin": "http://elsewhere.test", "Access-Control-Request-Method": "GET"}
    )
    assert reply.status_code == 200
    assert reply.data == b""
    cors = {name: value for name, value in reply.headers if name.startswith("Access-Control-")}
    assert cors == {
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Allow-Methods": "GET, HEAD, OPTIONS",
        "Access-Control-Allow-Headers": "Content-Type",
        "Access-Control-Max-Age": "600",
    }


def test_pages_are_not_opened_to_other_origins(client: FlaskClient) -> None:
    """Only the API has CORS headers."""
    assert "Access-Control-Allow-Origin" not in client.get("/").headers


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nowhere", 404), ("POST", "/api/message", 405)])
def test_unknown_requests_are_refused(client: FlaskClient, method: str, path: str, status: int) -> None:
    """A typo in a route or a wrong method is an error status, never the greeting."""
    assert client.open(path, method=method).status_code == status


def test_each_app_is_its_own() -> None:
    """The factory shares no app between callers."""
    assert create_app() is not create_app()
