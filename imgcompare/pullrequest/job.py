"""Which pull request a CI job belongs to, from the variables that GitHub Actions and GitLab CI set for it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from imgcompare.errors import UsageError
from imgcompare.pullrequest import Thread
from imgcompare.pullrequest.github import GithubThread
from imgcompare.pullrequest.gitlab import GitlabThread
from imgcompare.regex import regex

_EVENT_LIMIT_BYTES = 32 << 20
_OWN_TOKEN = "Let the step have it: env: GITHUB_TOKEN: ${{ github.token }}"  # noqa: S105 - how to give one
_REPOSITORY = regex(r"[A-Za-z0-9._-]+/[A-Za-z0-9._-]+")


class Found(Struct, frozen=True):
    """The pull request's comments; of one ``from_fork``, the job may have no token that writes."""

    thread: Thread
    from_fork: bool


class NotFound(Struct, frozen=True):
    """Why there is nothing to comment on, in one sentence."""

    reason: str


class _Repository(Struct, frozen=True):
    full_name: str


class _Side(Struct, frozen=True):
    repo: _Repository | None = None


class _PullRequest(Struct, frozen=True):
    number: int
    head: _Side = _Side()
    base: _Side = _Side()


class _Issue(Struct, frozen=True):
    number: int
    pull_request: object = None


class _Event(Struct, frozen=True):
    """What is read of a webhook's payload: the events pull_request, pull_request_target, …_review, issue_comment."""

    pull_request: _PullRequest | None = None
    issue: _Issue | None = None


def find_thread(environ: Mapping[str, str], number: int | None = None) -> Found | NotFound:
    """Find the job's pull request, or the one of that number. Raises UsageError where something is missing or wrong."""
    if "GITHUB_REPOSITORY" in environ:
        return _github(environ, number)
    if "CI_API_V4_URL" in environ:
        return _gitlab(environ, number)
    raise UsageError(
        "this is neither a job of GitHub Actions nor of GitLab CI: GITHUB_REPOSITORY and CI_API_V4_URL are not set",
        hint="To see what would be posted: imgcompare report --format markdown",
    )


def _github(environ: Mapping[str, str], number: int | None) -> Found | NotFound:
    event = _read_event(environ.get("GITHUB_EVENT_PATH"))
    number = number or _number_of(event) or _number_in(environ.get("GITHUB_REF", ""))
    if number is None:
        name = environ.get("GITHUB_EVENT_NAME")
        return NotFound(f"{repr(name) if name else 'this event'} belongs to no pull request")
    token = _required(environ, "GITHUB_TOKEN", "the job's token", _OWN_TOKEN)
    repository = environ["GITHUB_REPOSITORY"]
    if not _REPOSITORY.fullmatch(repository):
        raise UsageError(f"GITHUB_REPOSITORY is {repository!r}", hint="It is owner/name.")
    api = environ.get("GITHUB_API_URL", "https://api.github.com")
    # GitHub Enterprise Server has its two at /api/v3 and /api/graphql.
    graphql = environ.get("GITHUB_GRAPHQL_URL", api.removesuffix("/").removesuffix("/v3") + "/graphql")
    for name, url in (("GITHUB_API_URL", api), ("GITHUB_GRAPHQL_URL", graphql)):
        _check_url(name, url)
    return Found(GithubThread(api, graphql, repository, number, token), _from_fork(event))


def _read_event(path: str | None) -> _Event:
    if not path:
        return _Event()
    try:
        with Path(path).open("rb") as file:
            data = file.read(_EVENT_LIMIT_BYTES + 1)
        if len(data) > _EVENT_LIMIT_BYTES:
            raise UsageError(f"GITHUB_EVENT_PATH: {path} is larger than {_EVENT_LIMIT_BYTES >> 20} MiB")
        return msgspec.json.decode(data, type=_Event)
    except OSError as exc:
        raise UsageError(f"GITHUB_EVENT_PATH: cannot read {path}: {exc.strerror}") from exc
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
        raise UsageError(f"GITHUB_EVENT_PATH: {path} is no event of GitHub: {exc}") from exc


def _number_of(event: _Event) -> int | None:
    if event.pull_request:
        return event.pull_request.number
    return event.issue.number if event.issue and event.issue.pull_request is not None else None


def _number_in(ref: str) -> int | None:
    found = re.fullmatch(r"refs/pull/([1-9][0-9]{0,17})/(?:merge|head)", ref)
    return int(found[1]) if found else None


def _from_fork(event: _Event) -> bool:
    """Whether the commits come from another repository; from one that is deleted, they come from a fork too."""
    request = event.pull_request
    if request is None or request.base.repo is None:
        return False
    return request.head.repo is None or request.head.repo.full_name != request.base.repo.full_name


def _gitlab(environ: Mapping[str, str], number: int | None) -> Found | NotFound:
    number = number or _whole(environ, "CI_MERGE_REQUEST_IID")
    if number is None:
        return NotFound("this pipeline belongs to no merge request: it needs the rule merge_request_event")
    own = _whole(environ, "CI_PROJECT_ID")
    project = _whole(environ, "CI_MERGE_REQUEST_PROJECT_ID") or own  # a fork's pipeline: the request is upstream's
    from_fork = project != (_whole(environ, "CI_MERGE_REQUEST_SOURCE_PROJECT_ID") or own)
    if project is None:
        raise UsageError("CI_PROJECT_ID is not set", hint="GitLab CI sets it; it is the project's number.")
    if from_fork and not environ.get("GITLAB_TOKEN"):
        return NotFound("the merge request comes from a fork, whose pipelines have no GITLAB_TOKEN")
    hint = "Put a project access token with the scope `api` into a CI/CD variable of this name, masked."
    token = _required(environ, "GITLAB_TOKEN", "a token that may write notes", hint)
    api = environ["CI_API_V4_URL"]
    _check_url("CI_API_V4_URL", api)
    page = environ.get("CI_MERGE_REQUEST_PROJECT_URL") or environ.get("CI_PROJECT_URL", "")
    return Found(GitlabThread(api, project, number, page, token), from_fork)


def _whole(environ: Mapping[str, str], name: str) -> int | None:
    text = environ.get(name, "")
    if text and not re.fullmatch(r"[1-9][0-9]{0,17}", text):
        raise UsageError(f"{name} is {text!r}", hint="It is a whole number.")
    return int(text) if text else None


def _required(environ: Mapping[str, str], name: str, what: str, hint: str) -> str:
    if not environ.get(name, "").strip():
        raise UsageError(f"{name} is not set: {what}", hint=hint)
    return environ[name]


def _check_url(name: str, url: str) -> None:
    if not re.fullmatch(r"https?://[!-~]+", url):
        raise UsageError(f"{name} is {url!r}", hint="It is the address of an API, with https:// before it.")
