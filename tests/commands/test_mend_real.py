"""``imgcompare mend`` on the real engine: what the bundled comparisons get wrong is mended, without a person."""

from __future__ import annotations

import signal
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import docker
import pytest

from imgcompare.scenarios import SCENARIOS, Scenario, ScenarioVariant
from tests.support.projects import BASE, Project, Result

# These have no fix that is certain: what is wrong is in the app, or a choice is to be made.
NOT_CERTAIN = {
    *("base-too-old", "newer-libc", "nothing-to-do", "other-architecture", "other-libc", "other-prefix"),
    *("too-much-memory", "worker-only", "no-service"),
}
BROKEN = {
    f"{scenario.name}/{variant.name}": (scenario, variant)
    for scenario in SCENARIOS.values()
    for variant in scenario.variants
    if variant.expected_failure
}
THREE_CAUSES = f"""\ufeff# escape=`\r
FROM {BASE} AS builder\r
RUN pip install `\r
    # the server\r
    --no-cache-dir gunicorn==23.0.0 `\r
    flask==3.1.2\r
FROM {BASE} AS app\r
WORKDIR /srv\r
COPY shop.py .\r
EXPOSE 8000\r
# Serve it\r
CMD ["gunicorn --bind=127.0.0.1:8000 shop:app"]\r
FROM app AS tests\r
CMD ["true"]"""
SHOP = "from flask import Flask\n\napp = Flask(__name__)\napp.get('/')(lambda: 'Hello, shop')\n"


@pytest.fixture(scope="module")
def outcomes(lasting_project: Project) -> dict[str, Result]:
    """One mend of each, some at a time."""

    def mend(each: tuple[Scenario, ScenarioVariant]) -> Result:
        scenario, variant = each
        context = ("--build-context", str(scenario.context), "--route", scenario.route, "--timeout", "12")
        beside = ("--compose", str(scenario.compose)) if scenario.compose else ()
        return lasting_project("mend", str(variant.dockerfile), *context, *beside, "--json", "--quiet")

    with ThreadPoolExecutor(4) as pool:
        return dict(zip(BROKEN, pool.map(mend, BROKEN.values()), strict=True))


@pytest.mark.parametrize("name", [name for name in BROKEN if name.rpartition("/")[2] in NOT_CERTAIN])
def test_a_bundled_mistake_without_a_certain_fix_is_told(outcomes: dict[str, Result], name: str) -> None:
    """Its cause as declared, nothing mended, exit code 1."""
    done, (_, variant) = outcomes[name], BROKEN[name]
    assert (done.code, done.report["works"], done.report["mended"], done.report["diff"]) == (1, False, [], "")
    assert done.report["reason"] == "No certain fix is known for it."
    assert done.report["result"]["failure"]["code"] == variant.expected_failure


@pytest.mark.parametrize("name", [name for name in BROKEN if name.rpartition("/")[2] not in NOT_CERTAIN])
def test_bundled_mistakes_are_mended(outcomes: dict[str, Result], name: str) -> None:
    """The declared cause is the first that is mended; what comes out replies, and nothing of the original was lost."""
    done, (_, variant) = outcomes[name], BROKEN[name]
    assert (done.code, done.report["works"]) == (0, True), done.report["reason"]
    assert done.report["mended"][0]["code"] == variant.expected_failure
    assert done.report["result"]["check"]["passed"]
    assert done.report["diff"]


def images(client: docker.DockerClient, project: Project) -> set[str]:
    """The tags on the engine that a mend of this project has made."""
    context = sha256(str(project.folder).encode()).hexdigest()[:8]
    tags = (tag for image in client.api.images() for tag in image["RepoTags"] or ())
    return {tag for tag in tags if tag.startswith(f"imgcompare/mend-{context}")}


def test_three_causes_one_after_the_other(project: Project, client: docker.DockerClient) -> None:
    """In a stage that is not the last, with a BOM, CRLF, another escape and no last line end: only the edits change."""
    (project.folder / "Dockerfile").write_bytes(THREE_CAUSES.encode())
    project.write({"shop.py": SHOP})
    done = project(
        "mend", "Dockerfile:app", "--expect-body", "Hello, shop", "--timeout", "8", "-o", "mended-Dockerfile"
    )
    assert done.code == 0, done.stdout
    site = "/usr/local/lib/python3.11/site-packages"
    assert (project.folder / "mended-Dockerfile").read_bytes() == THREE_CAUSES.replace(
        '# Serve it\r\nCMD ["gunicorn --bind=127.0.0.1:8000 shop:app"]',
        f"COPY --from=builder {site} {site}\r\n"
        "COPY --from=builder /usr/local/bin/gunicorn /usr/local/bin/gunicorn\r\n"
        '# Serve it\r\nCMD ["gunicorn", "--bind=0.0.0.0:8000", "shop:app"]',
    ).encode()
    assert (project.folder / "Dockerfile").read_bytes() == THREE_CAUSES.encode()
    assert [line for line in done.stdout.splitlines() if line[:1].isdigit()] == [
        "1  single-string-exec",
        "2  executable-not-found",
        "3  binds-loopback",
    ]
    assert "GET / → 200" in done.stdout
    assert "Written to mended-Dockerfile." in done.stdout
    assert images(client, project) == set()
    again = project("mend", "mended-Dockerfile:app", "--in-place")
    assert (again.code, "nothing to mend" in again.stdout) == (0, True)


def test_what_is_not_certain_is_told_and_nothing_is_written(project: Project) -> None:
    """What was mended on the way does not come out as if it were enough."""
    dockerfile = f'FROM {BASE}\nCOPY app.py /\nEXPOSE 8000\nCMD ["python /app.py exits"]\n'
    project.write({"Dockerfile": dockerfile})
    done = project("mend", "--in-place")
    assert done.code == 1
    assert "It is not mended, though one cause was mended. No certain fix is known for it." in done.stdout
    assert Path(project.folder / "Dockerfile").read_text() == dockerfile


def test_a_signal_between_rounds(project: Project, client: docker.DockerClient) -> None:
    """Ctrl-C in the second round: nothing is written, and no image of either round stays."""
    project.write({"Dockerfile": f"FROM {BASE}\nEXPOSE 8000\nCMD [\"python -c 'import time; time.sleep(99)'\"]\n"})
    running = project.start("mend", "--in-place")
    running.wait_for("^Mending single-string-exec")
    running.wait_for("waiting for /")
    running.send(signal.SIGINT)
    done = running.end()
    assert (done.code, done.stdout) == (130, "")
    assert "python -c" in (project.folder / "Dockerfile").read_text()
    assert images(client, project) == set()
