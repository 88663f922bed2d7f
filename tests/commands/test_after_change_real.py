"""`--after-change` on the real engine: what the order of a Dockerfile's steps is worth to a server."""

from __future__ import annotations

import hashlib
import signal
from typing import TYPE_CHECKING, Any

import docker
import pytest

if TYPE_CHECKING:
    from tests.support.projects import Project, Result

PAYLOAD = "RUN head -c 2000000 /dev/urandom > /payload"
END = 'EXPOSE 8000\nSTOPSIGNAL SIGKILL\nHEALTHCHECK NONE\nUSER 1000\nCMD ["python", "/app.py"]\n'
FILES = {
    "good.Dockerfile": f"FROM python:3.11-slim\n{PAYLOAD}\nCOPY app.py /\n{END}",
    "bad.Dockerfile": f"FROM python:3.11-slim\nCOPY app.py /\n{PAYLOAD}\n{END}",
}


def _changed(client: docker.DockerClient, project: Project) -> list[str]:
    """The tags of images after a change that runs in this folder have made."""
    # Not images.list, which looks each image up by itself: another test's may be gone by then.
    tags = (tag for image in client.api.images() for tag in image["RepoTags"] or ())
    return [tag for tag in tags if f"{_ours(project)}-changed-" in tag]


def _ours(project: Project) -> str:
    """What the tags of this folder's runs have in their names."""
    return hashlib.sha256(str(project.folder).encode()).hexdigest()[:8]


@pytest.fixture(scope="module")
def after(lasting_project: Project) -> Result:
    """Both orders, and an image that exists."""
    lasting_project.write(FILES)
    first = lasting_project("run", "good=good.Dockerfile", "--json")
    assert first.code == 0, first.stderr
    tag = first.variant("good")["image"]["reference"]
    arguments = ("good=good.Dockerfile", "bad=bad.Dockerfile", f"ready=image:{tag}")
    return lasting_project("run", *arguments, "--after-change", "--json")


def _after(result: Result, name: str) -> dict[str, Any]:
    return dict(result.variant(name)["after_change"])


def test_the_steps_from_the_change_on_are_built_again(after: Result) -> None:
    """The same file in both; the steps before it come from the cache."""
    assert after.code == 0, after.stderr
    good, bad = _after(after, "good"), _after(after, "bad")
    assert good["changed_file"] == bad["changed_file"] == "app.py"
    assert [step.partition("] ")[2] for step in good["rebuilt_steps"]] == ["COPY app.py /"]
    assert [step.partition("] ")[2] for step in bad["rebuilt_steps"]] == ["COPY app.py /", PAYLOAD]
    assert good["step_count"] == bad["step_count"] == 2


def test_the_order_is_worth_the_payload(after: Result) -> None:
    """Random bytes cannot be compressed: a server pulls all two megabytes again, or next to nothing."""
    assert 0 < _after(after, "good")["pull_size"] < 10_000
    assert 2_000_000 < _after(after, "bad")["pull_size"] < 2_020_000


def test_an_image_that_exists_is_not_built_and_works(after: Result) -> None:
    """Why nothing was measured is in the report."""
    ready = after.variant("ready")
    assert ready["after_change"] is None
    assert ready["verdict"] == "works"
    assert ready["not_measured"] == ["a change of the app: an existing image is not built"]


def test_nothing_is_left_of_it(after: Result, client: docker.DockerClient, lasting_project: Project) -> None:
    """No tag on the engine, no change in the folder; the images that stay are those of the run."""
    assert f"-{_ours(lasting_project)}:" in after.variant("good")["image"]["reference"]
    assert _changed(client, lasting_project) == []
    assert "hello" in (lasting_project.folder / "app.py").read_text()
    assert not (lasting_project.folder / "app.py").read_text().endswith("\n\n")


def test_the_same_again_is_not_known_to_the_cache(after: Result, lasting_project: Project) -> None:
    """Each run changes the file in its own way: what is measured is a change, not the memory of one."""
    again = lasting_project("run", "good=good.Dockerfile", "--after-change", "--json")
    assert _after(again, "good")["rebuilt_steps"] == _after(after, "good")["rebuilt_steps"]


def test_the_table_says_what_a_server_pulls(lasting_project: Project, after: Result) -> None:
    """A line for each variant below the comparison."""
    assert after.code == 0
    shown = lasting_project("run", "bad=bad.Dockerfile", "--after-change").stdout.splitlines()
    at = next(number for number, line in enumerate(shown) if line.startswith("After a change"))
    assert shown[at].split() == ["After", "a", "change", "of", "Rebuilt", "Build", "Server", "pulls"]
    assert shown[at + 1].split()[:4] == ["bad", "app.py", "2/2", "steps"]
    assert shown[at + 1].endswith("2.0 MB")


@pytest.mark.parametrize(
    ("dockerfile", "reason"),
    [
        (
            f"FROM python:3.11-slim\nCOPY app.py /\nRUN test $(stat -c %s /app.py) -eq {{size}}\n{END}",
            "with app.py changed it cannot be built",
        ),
        (
            "FROM python:3.11-slim\nRUN --mount=type=bind,source=other.txt,target=/x cp /x /y\n"
            'EXPOSE 8000\nCMD ["python", "-m", "http.server", "8000"]\n',
            "no step takes app.py, so a change of it changes nothing",
        ),
    ],
)
def test_a_change_that_shows_nothing_breaks_nothing(
    project: Project, client: docker.DockerClient, dockerfile: str, reason: str
) -> None:
    """The variant works as it is; why there is no number is told, in the table too."""
    size = (project.folder / "app.py").stat().st_size
    project.write({"Dockerfile": dockerfile.replace("{size}", str(size)), "other.txt": "text"})
    result = project("run", "Dockerfile", "--after-change", "--json", "--expect-status", "200")
    assert result.code == 0, result.stderr
    variant = result.variant("Dockerfile")
    assert variant["after_change"] is None
    assert variant["not_measured"][0].startswith(f"a change of the app: {reason}")
    assert f"Dockerfile: not measured: a change of the app: {reason}" in project("report", COLUMNS="200").stdout
    assert _changed(client, project) == []


def test_a_signal_while_it_is_built_again_leaves_nothing(project: Project, client: docker.DockerClient) -> None:
    """The build is cancelled, the tag does not appear later, and what was finished is kept."""
    size = (project.folder / "app.py").stat().st_size
    wait = f"RUN test $(stat -c %s /app.py) -eq {size} || sleep 100000"
    project.write({"Dockerfile": f"FROM python:3.11-slim\nCOPY app.py /\n{wait}\n{END}"})
    running = project.start("run", "Dockerfile", "--after-change", "--rm-images")
    running.wait_for(r"^Dockerfile: build: after a change of app\.py: .*sleep 100000")
    running.send(signal.SIGINT)
    assert running.end().code == 130
    assert _changed(client, project) == []
    assert project.ledgers() == []
