"""GitLab: the notes of a merge request (docs.gitlab.com/api/notes)."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from imgcompare.pullrequest import Comment
from imgcompare.pullrequest.rest import Api

_HINT = (
    "Put a project access token with the scope `api` and at least the role Reporter into the CI/CD variable "
    "GITLAB_TOKEN: a job's own token may not write notes."
)


class _User(Struct, frozen=True):
    username: str


class _Note(Struct, frozen=True):
    id: int
    author: _User
    body: str = ""


class GitlabThread:
    """The notes of merge request ``number`` of a project: its number or its whole path, with ``web_url`` its page."""

    limit = 1_000_000

    def __init__(self, api_url: str, project: int, number: int, web_url: str, token: str) -> None:
        self._api = Api("GitLab", api_url, token, header="PRIVATE-TOKEN", scheme="", headers={}, hint=_HINT)
        self._notes = f"projects/{project}/merge_requests/{number}/notes"
        self._page = f"{web_url}/-/merge_requests/{number}"

    def me(self) -> str:
        """Ask for the token's user; a project's token has one of its own."""
        return self._api.get("user", _User).username

    def comments(self) -> Iterator[Comment]:
        """List the notes, the oldest first."""
        for note in self._api.pages(f"{self._notes}?sort=asc&order_by=created_at", _Note):
            yield Comment(note.id, note.author.username, note.body)

    def create(self, body: str) -> str:
        """Add a note."""
        return self._address(self._api.send("POST", self._notes, {"body": body}, _Note))

    def update(self, number: int, body: str) -> str:
        """Replace a note's text."""
        return self._address(self._api.send("PUT", f"{self._notes}/{number}", {"body": body}, _Note))

    def _address(self, note: _Note) -> str:
        return f"{self._page}#note_{note.id}"
