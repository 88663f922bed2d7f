"""``imgcompare shrink`` on the real engine: what is fat comes out smaller and proved, what is not stays as it is."""

from __future__ import annotations

import hashlib
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import docker
import pytest

from imgcompare.scenarios import SCENARIOS
from tests.support.projects import BASE, Project, Result

FULL, LEAN, SLIM = ("default", "single-stage"), ("default", "multi-stage"), ("slim-to-slim", "single")


@pytest.fixture(scope="module")
def outcomes(lasting_project: Project) -> dict[tuple[str, str], Result]:
    """One shrink of each, at the same time."""

    def shrink(which: tuple[str, str]) -> Result:
        scenario = SCENARIOS[which[0]]
        (variant,) = [one for one in scenario.variants if one.name == which[1]]
        where = ("--build-context", str(scenario.context), "--route", scenario.route, "--route", "/not-there")
        name = f"Dockerfile.{'-'.join(which)}"
        return lasting_project(
            "shrink", str(variant.dockerfile), *where, "-o", name, "--json", "--quiet", "--rm-images"
        )

    cases = (FULL, LEAN, SLIM)
    with ThreadPoolExecutor(3) as pool:
        return dict(zip(cases, pool.map(shrink, cases), strict=True))


def test_the_bundled_app_on_a_full_base(
    outcomes: dict[tuple[str, str], Result], lasting_project: Project, client: docker.DockerClient
) -> None:
    """At least 60 % smaller, everything told was looked at; with --rm-images nothing is left on the engine."""
    done = outcomes[FULL]
    assert done.code == 0, done.stderr
    shrunk = done.report["shrunk"]
    variants = {one["name"]: one for one in done.report["variants"]}
    assert shrunk["result"] == done.report["comparison"]["smallest_working"] == "multi-stage"
    sizes = {name: one["image"]["uncompressed_size"] for name, one in variants.items()}
    assert sizes["multi-stage"] < 0.4 * sizes["original"]
    proof = variants["multi-stage"]["proof"]
    assert proof["passed"]
    compared = {one["name"]: one["compared"] for one in proof["findings"]}
    assert compared["replies"] == 2
    assert compared["imports"] > 100
    assert compared.keys() >= {"libraries", "extensions", "distributions", "packages", "files", "settings", "python"}
    assert (lasting_project.folder / shrunk["written"]).read_text() == shrunk["after"]
    assert shrunk["diff"].startswith("--- ")
    repository = variants["original"]["image"]["reference"].partition(":")[0]
    assert not client.images.list(repository)


def test_one_that_is_small_already(outcomes: dict[tuple[str, str], Result], lasting_project: Project) -> None:
    """Nothing to gain is a good answer, and no file is written."""
    done = outcomes[LEAN]
    assert (done.code, done.report["shrunk"]["result"]) == (0, None), done.stderr
    assert not (lasting_project.folder / f"Dockerfile.{'-'.join(LEAN)}").exists()


def test_what_comes_out_of_a_slim_base_is_proved(outcomes: dict[tuple[str, str], Result]) -> None:
    """Smaller or not, nothing is shown that is not proved."""
    done = outcomes[SLIM]
    assert done.code == 0, done.stderr
    assert all(one["proof"]["passed"] for one in done.report["variants"] if one["name"] != "original")


def test_one_that_does_not_work_is_diagnosed_and_not_shrunk(project: Project) -> None:
    """Its cause, and the command that mends it; nothing is written."""
    project.write({"Dockerfile": f'FROM {BASE}\nCOPY app.py /\nEXPOSE 8000\nCMD ["python /app.py answers"]\n'})
    done = project("shrink")
    assert done.code == 1
    assert "single-string-exec" in done.stdout
    assert "imgcompare mend" in done.stdout
    assert [path.name for path in project.folder.glob("Dockerfile*")] == ["Dockerfile"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("-o", "Dockerfile"), "is the original"),
        (("-o", "there"), "there exists"),
        ((), "Dockerfile.slim exists"),
        (("--report", "report.x"), "which format"),
        (("--route", "/", "--route", "no"), "is no path"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_built(
    project: Project, arguments: tuple[str, ...], said: str
) -> None:
    """A file that exists is never written over unasked, the original never at all."""
    project.write({"Dockerfile": f"FROM {BASE}\n", "there": "mine", "Dockerfile.slim": "mine"})
    done = project("shrink", *arguments)
    assert done.code == 2
    assert said in done.stderr
    assert Path(project.folder / "there").read_text() == "mine"


def test_a_signal_while_candidates_are_tried(project: Project, client: docker.DockerClient) -> None:
    """Ctrl-C leaves no image of a candidate, no container and no file."""
    lines = (
        "RUN mkdir /usr/local/lib/python3.11/site-packages/a && touch /usr/local/lib/python3.11/site-packages/a/b.py"
    )
    command = 'CMD ["python", "-u", "/app.py", "answers"]'
    project.write({"Dockerfile": f"FROM {BASE}\nCOPY app.py /\n{lines}\nEXPOSE 8000\n{command}\n"})
    running = project.start("shrink")
    running.wait_for("multi-stage: .*")
    running.send(signal.SIGINT)
    assert running.end().code == 130
    assert [path.name for path in project.folder.glob("Dockerfile*")] == ["Dockerfile"]
    made = {
        tag.rpartition(":")[2]
        for image in client.api.images()
        for tag in image["RepoTags"] or ()
        if _is_of(project, tag)
    }
    assert made <= {"original"}


def _is_of(project: Project, tag: str) -> bool:
    digest = hashlib.sha256(str(project.folder.absolute()).encode()).hexdigest()[:8]
    return tag.startswith(f"imgcompare/shrink-{digest}")
