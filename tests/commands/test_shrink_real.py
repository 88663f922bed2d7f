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

pytestmark = pytest.mark.timeout(600)  # the first test waits until everything bundled was tried

FULL, LEAN, SLIM = "default/single-stage", "default/multi-stage", "slim-to-slim/single"
ON_A_FULL_BASE = {FULL, "full-to-slim/single-full", "targets/full", "waitress-json/right-port", "base-images/full"}
BUNDLED = {
    f"{scenario.name}/{variant.name}": (scenario, variant)
    for scenario in SCENARIOS.values()
    for variant in scenario.variants
    if variant.name != "alpine"  # of which there is no base without a registry
    and scenario.compose is None  # each attempt would set a database up
}
BROKEN = {name for name, (_, variant) in BUNDLED.items() if variant.expected_failure}


@pytest.fixture(scope="module")
def outcomes(lasting_project: Project) -> dict[str, Result]:
    """One shrink of everything bundled, some at a time; what they build is in the cache from the other tests."""

    def shrink(name: str) -> Result:
        scenario, variant = BUNDLED[name]
        target = f":{variant.target}" if variant.target else ""
        where = ("--build-context", str(scenario.context), "--route", scenario.route, "--timeout", "20")
        more = ("--route", "/not-there") if name in {FULL, LEAN, SLIM} else ()
        written = ("-o", _written(name), "--json", "--quiet", "--rm-images")
        return lasting_project("shrink", f"{variant.dockerfile}{target}", *where, *more, *written)

    with ThreadPoolExecutor(4) as pool:
        return dict(zip(BUNDLED, pool.map(shrink, BUNDLED), strict=True))


def _written(name: str) -> str:
    return f"Dockerfile.{name.replace('/', '-')}"


@pytest.mark.parametrize("name", sorted(BUNDLED.keys() - BROKEN))
def test_what_is_bundled_and_works(outcomes: dict[str, Result], lasting_project: Project, name: str) -> None:
    """On a full base it becomes less than half and is written; elsewhere there is nothing to gain, which is said."""
    done = outcomes[name]
    assert done.code == 0, done.stderr
    assert done.report["shrunk"]["result"] == ("multi-stage" if name in ON_A_FULL_BASE else None)
    assert all(one["proof"]["passed"] for one in done.report["variants"] if one["name"] != "original")
    assert (lasting_project.folder / _written(name)).exists() == (name in ON_A_FULL_BASE)
    sizes = [one["image"]["uncompressed_size"] for one in done.report["variants"]]
    assert (min(sizes) < 0.5 * sizes[0]) == (name in ON_A_FULL_BASE)


@pytest.mark.parametrize("name", sorted(BROKEN))
def test_a_bundled_mistake_is_diagnosed_and_not_shrunk(
    outcomes: dict[str, Result], lasting_project: Project, name: str
) -> None:
    """The declared cause, exit code 1, and no file."""
    done = outcomes[name]
    (original,) = done.report["variants"]
    assert (done.code, done.report["shrunk"]) == (1, None), done.stderr
    assert (original["verdict"], original["failure"]["code"]) == ("broken", BUNDLED[name][1].expected_failure)
    assert not (lasting_project.folder / _written(name)).exists()


def test_nothing_is_left_of_what_was_tried(outcomes: dict[str, Result], client: docker.DockerClient) -> None:
    """With --rm-images neither the original's nor any candidate's image stays on the engine."""
    references = [one["image"] for done in outcomes.values() for one in done.report["variants"] if one["image"]]
    repositories = {image["reference"].partition(":")[0] for image in references}
    tags = {tag.partition(":")[0] for image in client.api.images() for tag in image["RepoTags"] or ()}
    assert len(repositories) > len(ON_A_FULL_BASE)
    assert not repositories & tags


def test_the_bundled_app_on_a_full_base(outcomes: dict[str, Result], lasting_project: Project) -> None:
    """At least 60 % smaller, everything told was looked at."""
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
