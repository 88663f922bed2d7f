"""A stand-in for the comment APIs of GitHub and GitLab, on loopback: as far as `imgcompare comment` uses them."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

BOT = "github-actions[bot]"
TOKEN = "ghs_standin0123456789"
PULL_REQUEST = 7
_LONGEST = 65_536


@dataclass
class Fault:
    """What the next request of a method gets in place of its reply; ``late``: after it was done all the same."""

    method: str
    status: int
    headers: dict[str, str] = field(default_factory=dict)
    message: str = "a passing fault"
    late: bool = False


@dataclass
class Forge:
    """The state: comments in their order, users by token, and the requests that came."""

    url: str = ""
    users: dict[str, str] = field(default_factory=lambda: {TOKEN: BOT})
    read_only: bool = False
    comments: list[dict[str, Any]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def say(self, author: str, body: str) -> int:
        """Somebody comments."""
        self.comments.append({"id": 100 + len(self.comments), "author": author, "body": body})
        return int(self.comments[-1]["id"])

    def bodies(self, author: str = BOT) -> list[str]:
        """What a user's comments say now."""
        return [comment["body"] for comment in self.comments if comment["author"] == author]

    def github_environ(self, token: str = TOKEN) -> dict[str, str]:
        """What a runner gives a step of a pull request's job that was given the token."""
        return {
            "GITHUB_REPOSITORY": "shop/web",
            "GITHUB_REF": f"refs/pull/{PULL_REQUEST}/merge",
            "GITHUB_API_URL": self.url,
            "GITHUB_GRAPHQL_URL": f"{self.url}/graphql",
            "GITHUB_TOKEN": token,
        }

    def gitlab_environ(self, token: str = TOKEN) -> dict[str, str]:
        """What GitLab gives a job of a merge request's pipeline, and the token as a variable."""
        return {
            "CI_API_V4_URL": f"{self.url}/api/v4",
            "CI_PROJECT_ID": "5",
            "CI_MERGE_REQUEST_IID": str(PULL_REQUEST),
            "CI_MERGE_REQUEST_PROJECT_ID": "5",
            "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "5",
            "CI_MERGE_REQUEST_PROJECT_URL": "https://forge.example/shop/web",
            "GITLAB_TOKEN": token,
        }


@contextmanager
def serving() -> Iterator[Forge]:
    """Run it."""
    forge = Forge()

    class Bound(_Handler):
        state = forge

    server = ThreadingHTTPServer(("127.0.0.1", 0), Bound)
    forge.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield forge
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=10)


class _RefusedError(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class _Handler(BaseHTTPRequestHandler):
    state: Forge
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer("GET")

    def do_POST(self) -> None:
        self._answer("POST")

    def do_PATCH(self) -> None:
        self._answer("PATCH")

    def do_PUT(self) -> None:
        self._answer("PUT")

    def log_message(self, format: str, *args: object) -> None:
        """Keep the tests' output clean."""

    def _answer(self, method: str) -> None:
        length = int(self.headers.get("Content-Length", "0"))
        body: dict[str, str] = json.loads(self.rfile.read(length)) if length else {}
        path = urlsplit(self.path).path
        self.state.requests.append(f"{method} {path}")
        # The question who we are is a POST of GitHub's; faults of POST mean the one that makes a comment.
        fault = next((f for f in self.state.faults if f.method == method and path != "/graphql"), None)
        if fault:
            self.state.faults.remove(fault)
            if fault.late:
                self._do(method, path, body)
            return self._reply(fault.status, {"message": fault.message}, fault.headers)
        try:
            return self._reply(*self._do(method, path, body))
        except _RefusedError as exc:
            return self._reply(exc.status, {"message": exc.message}, {})

    def _do(self, method: str, path: str, body: dict[str, str]) -> tuple[int, object, dict[str, str]]:
        gitlab = path.startswith("/api/v4/")
        me = self._user(gitlab=gitlab)
        if (method, path) == ("POST", "/graphql"):
            assert body["query"] == "query { viewer { login } }"
            return 200, {"data": {"viewer": {"login": me}}}, {}
        if (method, path) == ("GET", "/api/v4/user"):
            return 200, {"username": me}, {}
        comments = f"/api/v4/projects/5/merge_requests/{PULL_REQUEST}/notes"
        one, change = f"{comments}/", "PUT"
        if not gitlab:
            comments = f"/repos/shop/web/issues/{PULL_REQUEST}/comments"
            one, change = "/repos/shop/web/issues/comments/", "PATCH"
        if (method, path) == ("GET", comments):
            return self._list(gitlab=gitlab)
        if self.state.read_only:
            raise _RefusedError(403, "403 Forbidden" if gitlab else "Resource not accessible by integration")
        if not gitlab and len(body["body"]) > _LONGEST:
            raise _RefusedError(422, "Validation Failed")
        if (method, path) == ("POST", comments):
            self.state.say(me, body["body"])
            return 201, self._shown(self.state.comments[-1], gitlab=gitlab), {}
        if method == change and path.startswith(one):
            (found,) = (c for c in self.state.comments if str(c["id"]) == path.removeprefix(one))
            found["body"] = body["body"]
            return 200, self._shown(found, gitlab=gitlab), {}
        raise _RefusedError(404, "Not Found")

    def _user(self, *, gitlab: bool) -> str:
        header = self.headers.get("PRIVATE-TOKEN" if gitlab else "Authorization", "")
        token = header if gitlab else (re.findall(r"^Bearer (.+)$", header) or [""])[0]
        if token not in self.state.users:
            raise _RefusedError(401, "401 Unauthorized" if gitlab else "Bad credentials")
        return self.state.users[token]

    def _list(self, *, gitlab: bool) -> tuple[int, object, dict[str, str]]:
        query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        size, page = min(int(query["per_page"]), 100), int(query["page"])
        if gitlab:
            assert (query["sort"], query["order_by"]) == ("asc", "created_at")
        shown = [self._shown(c, gitlab=gitlab) for c in self.state.comments[size * (page - 1) : size * page]]
        more = len(self.state.comments) > size * page
        return 200, shown, {"Link": f'<{self.state.url}/next?page={page + 1}>; rel="next"'} if more else {}

    def _shown(self, comment: dict[str, Any], *, gitlab: bool) -> dict[str, Any]:
        if gitlab:
            return {"id": comment["id"], "body": comment["body"], "author": {"username": comment["author"]}}
        address = f"https://forge.example/shop/web/pull/{PULL_REQUEST}#issuecomment-{comment['id']}"
        user = {"login": comment["author"]} if comment["author"] else None  # of a deleted account: null
        return {"id": comment["id"], "body": comment["body"], "user": user, "html_url": address}

    def _reply(self, status: int, value: object, headers: dict[str, str]) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        for name, text in {"Content-Type": "application/json", "Content-Length": str(len(data)), **headers}.items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(data)


@pytest.fixture
def forge() -> Iterator[Forge]:
    """A forge with an empty pull request."""
    with serving() as forge:
        yield forge
