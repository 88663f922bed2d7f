"""`imgcompare comment`, as a CI job calls it, against a stand-in of GitHub and GitLab."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping

import msgspec
import pytest

from tests.support.forge import TOKEN, Fault, Forge, serving
from tests.support.projects import Offline
from tests.support.reports import report, variant

BOTH = pytest.mark.parametrize("environ", [Forge.github_environ, Forge.gitlab_environ], ids=["github", "gitlab"])


@pytest.fixture
def forge() -> Iterator[Forge]:
    """A forge with an empty pull request."""
    with serving() as forge:
        yield forge


@pytest.fixture
def reported(offline: Offline) -> Offline:
    """A folder with a saved run."""
    save(offline, ".imgcompare/runs/20251121T080000000-abcdef.json", 2)
    return offline


def save(offline: Offline, file: str, megabytes: int) -> None:
    """Write a report whose second variant has that size."""
    path = offline.folder / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.encode(report(variant("one", 4_000_000), variant("two", megabytes * 1_000_000))))


@BOTH
def test_the_newest_report_is_posted_and_then_updated(
    environ: Callable[[Forge], Mapping[str, str]], forge: Forge, reported: Offline
) -> None:
    """One comment with the numbers of the newer run; the token stands nowhere in what is printed."""
    created = reported("comment", **environ(forge))
    assert (created.returncode, created.stderr) == (0, "")
    assert created.stdout.startswith("Comment created: https://forge.example/shop/web/")
    save(reported, ".imgcompare/runs/20251121T090000000-abcdef.json", 1)
    updated = reported("comment", **environ(forge))
    assert updated.stdout == created.stdout.replace("created", "updated")
    (body,) = forge.bodies()
    assert body.startswith("<!-- imgcompare:report -->\n\n## ✅ ")
    assert "1.0\u00a0MB" in body.replace(" ", "\u00a0")
    assert TOKEN not in created.stdout + updated.stdout


def test_a_named_report_under_a_name(forge: Forge, reported: Offline) -> None:
    """A file, with a comment of its own beside the other."""
    save(reported, "backend.json", 3)
    for arguments in (["comment"], ["comment", "backend.json", "--name", "backend"]):
        assert reported(*arguments, **forge.github_environ()).returncode == 0
    assert [body.partition("\n")[0] for body in forge.bodies()] == [
        "<!-- imgcompare:report -->",
        "<!-- imgcompare:backend -->",
    ]


def test_a_markdown_file_as_it_is(forge: Forge, offline: Offline) -> None:
    """No report is needed for it."""
    (offline.folder / "body.md").write_text("# Größe <b>ok</b>\n", encoding="utf-8")
    assert offline("comment", "--body-file", "body.md", **forge.github_environ()).returncode == 0
    assert forge.bodies() == ["<!-- imgcompare:report -->\n\n# Größe <b>ok</b>\n"]


def test_a_push_is_no_error(forge: Forge, reported: Offline) -> None:
    """The same job runs for pull requests and for the main branch."""
    environ = forge.github_environ() | {"GITHUB_REF": "refs/heads/main", "GITHUB_EVENT_NAME": "push"}
    done = reported("comment", **environ)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "Nothing to comment on: 'push' belongs to no pull request.\n"
    assert forge.requests == []


def test_a_forks_token_that_only_reads_is_no_error(forge: Forge, reported: Offline) -> None:
    """A contributor's pull request stays green; the reason is said."""
    forge.read_only = True
    sides = {side: {"repo": {"full_name": name}} for side, name in [("head", "mallory/web"), ("base", "shop/web")]}
    event = reported.folder / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": 7, **sides}}))
    done = reported("comment", **forge.github_environ(), GITHUB_EVENT_PATH=str(event))
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == (
        "No comment: the pull request is from a fork, whose token only reads "
        "(GitHub answered 403: Resource not accessible by integration).\n"
    )


def test_a_missing_permission_is_an_error(forge: Forge, reported: Offline) -> None:
    """Exit code 2, and the line of the workflow that grants it."""
    forge.read_only = True
    done = reported("comment", **forge.github_environ())
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(
        "Error: GitHub answered 403: Resource not accessible by integration\nNext: Give the job"
    )
    assert "permissions: pull-requests: write" in done.stderr


def test_a_fault_is_waited_out(forge: Forge, reported: Offline) -> None:
    """Really waiting, as long as was asked for and no less than a moment."""
    forge.faults.append(Fault("POST", 429, {"Retry-After": "1"}))
    assert reported("comment", **forge.github_environ()).stdout.startswith("Comment created: ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Error: nothing was run here yet\n"),
        (["missing.json"], "Error: 'missing.json' is neither a file nor a saved run\n"),
        (["--body-file", "missing.md"], "Error: cannot read missing.md: No such file or directory\n"),
        (["--body-file", "latin.md"], "Error: latin.md is not UTF-8: "),
        (["latin.md"], "Error: latin.md is no whole report of imgcompare: "),
        (["x", "--body-file", "latin.md"], "Error: both a report (x) and --body-file latin.md were given\n"),
        (["--body-file", "empty.md"], "Error: the comment would be empty\n"),
        (["--body-file", "empty.md", "--name", "a b"], "Error: 'a b' cannot name a comment\n"),
    ],
)
def test_what_cannot_be_posted(arguments: list[str], said: str, forge: Forge, offline: Offline) -> None:
    """Exit code 2, and nothing is asked of the forge."""
    (offline.folder / "latin.md").write_bytes(b"gr\xf6\xdfe")
    (offline.folder / "empty.md").touch()
    done = offline("comment", *arguments, **forge.github_environ())
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(said)
    assert forge.requests == []
