"""One comment of ours on a pull request, made once and then kept up to date: found again by a hidden first line."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Protocol

from msgspec import Struct

from imgcompare.errors import ForgeBusyError, UsageError
from imgcompare.regex import regex

_ATTEMPTS = 4
_LONGEST_WAIT_S = 60.0
_NAME = regex(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,62}[A-Za-z0-9])?")


class Comment(Struct, frozen=True):
    """A comment on a pull request: ``author`` is a user's login."""

    number: int
    author: str
    body: str


class Thread(Protocol):
    """The comments below one pull request (GitHub) or merge request (GitLab).

    Every method raises ForgeError for what was refused, and ForgeBusyError for what may work when tried again.
    """

    limit: int  # characters that a comment may have

    def me(self) -> str:
        """Return the login that the token writes as."""

    def comments(self) -> Iterator[Comment]:
        """List all comments, the oldest first."""

    def create(self, body: str) -> str:
        """Add a comment; returns its address."""

    def update(self, number: int, body: str) -> str:
        """Replace a comment's text; returns its address."""


class Posted(Struct, frozen=True):
    """Where the comment is, and whether it was there before."""

    url: str
    updated: bool


def marker(name: str) -> str:
    """Return the line that makes a comment ours, which no reader sees. Raises UsageError for what cannot be a name."""
    if not _NAME.fullmatch(name) or "--" in name:  # two hyphens may end an HTML comment
        raise UsageError(
            f"{name!r} cannot name a comment",
            hint="Names are letters, digits, '.', '_' and single '-', at most 64, the first and last letter or digit.",
        )
    return f"<!-- imgcompare:{name} -->"


def post(thread: Thread, name: str, text: str, *, wait: Callable[[float], None] = time.sleep) -> Posted:
    """Update our comment of that name, or make it. Raises UsageError for a text that is empty or too long.

    What fails for a moment is tried again from the listing on, so that a comment which was made although its reply got
    lost is found, not made twice.
    """
    body = f"{marker(name)}\n\n{text.strip()}\n"
    if not text.strip():
        raise UsageError("the comment would be empty")
    if len(body) > thread.limit:
        raise UsageError(
            f"the comment has {len(body):,} characters, and {thread.limit:,} are allowed",
            hint="Leave out --body-file: a report is cut to what fits.",
        )
    for attempt in range(1, _ATTEMPTS):
        try:
            return _post_once(thread, marker(name), body)
        except ForgeBusyError as exc:
            if exc.wait_s > _LONGEST_WAIT_S:
                raise
            wait(max(exc.wait_s, 2.0**attempt))
    return _post_once(thread, marker(name), body)


def _post_once(thread: Thread, mark: str, body: str) -> Posted:
    me = thread.me()
    for comment in thread.comments():
        # Only as the first line: someone who quotes the comment quotes the line too.
        if comment.author == me and comment.body.lstrip().startswith(mark):
            return Posted(thread.update(comment.number, body), updated=True)
    return Posted(thread.create(body), updated=False)
