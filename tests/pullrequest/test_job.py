"""Which pull request a job belongs to, from what the runner tells it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from imgcompare.errors import UsageError
from imgcompare.pullrequest.job import Found, NotFound, find_thread
from tests.support.forge import Forge

_WEB = {"repo": {"full_name": "shop/web"}}


def github(tmp_path: Path, event: object, **environ: str) -> dict[str, str]:
    """A runner's variables, with an event that may be damaged."""
    path = tmp_path / "event.json"
    path.write_text(event if isinstance(event, str) else json.dumps(event))
    return {
        "GITHUB_REPOSITORY": "shop/web",
        "GITHUB_EVENT_PATH": str(path),
        "GITHUB_EVENT_NAME": "push",
        "GITHUB_REF": "refs/heads/main",
        "GITHUB_TOKEN": "t",
    } | environ


def address(environ: dict[str, str], number: int | None = None) -> str:
    """Where the comments are listed."""
    found = find_thread(environ, number)
    assert isinstance(found, Found), found
    thread: Any = found.thread
    return str(getattr(thread, "_comments", None) or thread._notes)


@pytest.mark.parametrize(
    "event",
    [
        {"pull_request": {"number": 7, "head": _WEB, "base": _WEB, "title": "x"}, "action": "opened"},
        {"issue": {"number": 7, "pull_request": {"url": "…"}}},
    ],
    ids=["pull_request", "issue_comment"],
)
def test_the_number_is_the_events(event: object, tmp_path: Path) -> None:
    """A pull request's own events, and comments below it."""
    assert address(github(tmp_path, event)) == "repos/shop/web/issues/7/comments"


def test_the_number_of_the_ref(tmp_path: Path) -> None:
    """What a workflow called by another has."""
    assert address(github(tmp_path, {}, GITHUB_REF="refs/pull/7/merge")) == "repos/shop/web/issues/7/comments"


def test_the_number_that_is_given_wins(tmp_path: Path) -> None:
    """For events that do not tell, such as workflow_run."""
    environ = github(tmp_path, {"pull_request": {"number": 7}})
    assert address(environ, 8) == "repos/shop/web/issues/8/comments"
    assert address(Forge(url="https://forge.example").gitlab_environ(), 8) == "projects/5/merge_requests/8/notes"


@pytest.mark.parametrize("event", [{}, {"issue": {"number": 7}}, {"pull_request": None}])
def test_a_push_has_none(event: object, tmp_path: Path) -> None:
    """Nor has an issue; the event is named, and no token is needed to find that out."""
    environ = github(tmp_path, event)
    del environ["GITHUB_TOKEN"]
    assert find_thread(environ) == NotFound("'push' belongs to no pull request")


@pytest.mark.parametrize(
    ("head", "fork"),
    [(_WEB, False), ({"repo": {"full_name": "mallory/web"}}, True), ({"repo": None}, True)],
    ids=["own", "fork", "deleted-fork"],
)
def test_pull_requests_from_forks_are_known(head: object, *, fork: bool, tmp_path: Path) -> None:
    """Their jobs have a token that only reads."""
    found = find_thread(github(tmp_path, {"pull_request": {"number": 7, "head": head, "base": _WEB}}))
    assert isinstance(found, Found)
    assert found.from_fork is fork


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"GITHUB_TOKEN": ""}, "GITHUB_TOKEN is not set: the job's token"),
        ({"GITHUB_REPOSITORY": "../../user"}, "GITHUB_REPOSITORY is '../../user'"),
        ({"GITHUB_API_URL": "file:///etc"}, "GITHUB_API_URL is 'file:///etc'"),
        ({"GITHUB_EVENT_PATH": "/nowhere/event.json"}, "cannot read /nowhere/event.json: No such file"),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, str], said: str, tmp_path: Path) -> None:
    """With the variable it came from."""
    with pytest.raises(UsageError, match=said):
        find_thread(github(tmp_path, {"pull_request": {"number": 7}}, **change))


@pytest.mark.parametrize("event", ["", "[]", '{"pull_request": {"number": "7"}}', '{"a":' * 100_000])
def test_a_damaged_event(event: str, tmp_path: Path) -> None:
    """Exit code 2, no traceback."""
    with pytest.raises(UsageError, match="is no event of GitHub"):
        find_thread(github(tmp_path, event))


def test_enterprise_servers_answer_elsewhere(tmp_path: Path) -> None:
    """Their GraphQL stands beside /api/v3, where the runner does not say so."""
    found = find_thread(github(tmp_path, {}, GITHUB_API_URL="https://ghe.example/api/v3"), 7)
    assert isinstance(found, Found)
    assert getattr(found.thread, "_graphql_url", "") == "https://ghe.example/api/graphql"


def test_a_merge_request_from_a_fork_is_the_upstream_projects() -> None:
    """The pipeline runs in the fork; without a token there is nothing to do, with one the note goes upstream."""
    environ = Forge(url="https://forge.example").gitlab_environ() | {
        "CI_PROJECT_ID": "9",
        "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "9",
    }
    assert address(environ) == "projects/5/merge_requests/7/notes"
    del environ["GITLAB_TOKEN"]
    assert find_thread(environ) == NotFound("the merge request comes from a fork, whose pipelines have no GITLAB_TOKEN")


def test_a_branch_pipeline_has_no_merge_request() -> None:
    """The rule that makes one is named."""
    environ = Forge(url="https://forge.example").gitlab_environ()
    del environ["CI_MERGE_REQUEST_IID"]
    assert find_thread(environ) == NotFound(
        "this pipeline belongs to no merge request: it needs the rule merge_request_event"
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"GITLAB_TOKEN": " "}, "GITLAB_TOKEN is not set: a token that may write notes"),
        ({"CI_MERGE_REQUEST_IID": "../1"}, "CI_MERGE_REQUEST_IID is '../1'"),
        ({"CI_API_V4_URL": "gitlab"}, "CI_API_V4_URL is 'gitlab'"),
        ({"CI_PROJECT_ID": "", "CI_MERGE_REQUEST_PROJECT_ID": ""}, "CI_PROJECT_ID is not set"),
    ],
)
def test_what_is_wrong_at_gitlab(change: dict[str, str], said: str) -> None:
    """With the variable it came from."""
    with pytest.raises(UsageError, match=said):
        find_thread(Forge(url="https://forge.example").gitlab_environ() | change)


def test_outside_a_job() -> None:
    """What to do on a laptop is said."""
    with pytest.raises(UsageError, match="neither a job of GitHub Actions nor of GitLab CI"):
        find_thread({})
