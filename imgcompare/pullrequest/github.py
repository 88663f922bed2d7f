"""GitHub: the comments of a pull request, which are those of its issue (docs.github.com/rest/issues/comments)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct

from imgcompare.errors import ForgeError
from imgcompare.pullrequest import Comment
from imgcompare.pullrequest.rest import Api

_HINT = (
    "Give the job `permissions: pull-requests: write`. A pull request from a fork has a token that only reads: "
    "the job summary holds the same report."
)


class _User(Struct, frozen=True):
    login: str = ""


class _Comment(Struct, frozen=True):
    id: int
    user: _User | None = None
    body: str | None = None
    html_url: str = ""


class _Data(Struct, frozen=True):
    viewer: _User


class _Viewer(Struct, frozen=True):
    data: _Data | None = None


class GithubThread:
    """The comments of pull request ``number`` of ``repository`` (``owner/name``)."""

    limit = 65_536

    def __init__(self, api_url: str, graphql_url: str, repository: str, number: int, token: str) -> None:
        headers: Mapping[str, str] = {
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
        }
        self._api = Api("GitHub", api_url, token, header="Authorization", scheme="Bearer ", headers=headers, hint=_HINT)
        self._graphql_url = graphql_url
        self._issues = f"repos/{repository}/issues"
        self._comments = f"{self._issues}/{number}/comments"

    def me(self) -> str:
        """Ask through GraphQL: the REST API does not tell a job's token who it is, this does (``…[bot]``)."""
        viewer = self._api.send("POST", self._graphql_url, {"query": "query { viewer { login } }"}, _Viewer)
        if viewer.data is None or not viewer.data.viewer.login:
            raise ForgeError("GitHub does not say who the token belongs to", hint="Use the job's own: github.token")
        return viewer.data.viewer.login

    def comments(self) -> Iterator[Comment]:
        """List the comments, the oldest first, as GitHub does by itself."""
        for each in self._api.pages(self._comments, _Comment):
            yield Comment(each.id, each.user.login if each.user else "", each.body or "")

    def create(self, body: str) -> str:
        """Add a comment."""
        return self._api.send("POST", self._comments, {"body": body}, _Comment).html_url

    def update(self, number: int, body: str) -> str:
        """Replace a comment's text."""
        return self._api.send("PATCH", f"{self._issues}/comments/{number}", {"body": body}, _Comment).html_url
