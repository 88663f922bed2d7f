"""`imgcompare diff` and `imgcompare inspect` on a real engine: an image is the same by each of its names."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

if TYPE_CHECKING:
    from tests.support.projects import Project

DOCKERFILE = """\
FROM python:3.11-slim AS old
COPY app.py /
EXPOSE 8000
STOPSIGNAL SIGKILL
CMD ["python", "-u", "/app.py", "works"]
FROM old AS new
RUN head -c 3000000 /dev/zero > /payload && rm /app.py
CMD ["python", "-u", "/app.py", "exits"]
"""


@pytest.fixture(scope="module")
def compared(lasting_project: Project) -> Project:
    """A project in which two stages were compared, one of which does not even start."""
    # An app of its own: of one that was built before, the builder may have several copies, and give each stage another.
    app = (lasting_project.folder / "app.py").read_text(encoding="utf-8")
    lasting_project.write({"Dockerfile": DOCKERFILE, "app.py": f"{app}# {uuid4()}\n"})
    assert lasting_project("run", "Dockerfile:old", "Dockerfile:new").code == 1
    return lasting_project


def in_numbers(project: Project, *arguments: str, **environ: str) -> dict[str, Any]:
    """The JSON that a command prints."""
    done = project(*arguments, "--json", **environ)
    assert done.code == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_variants_of_the_newest_report_need_no_engine(compared: Project) -> None:
    """What a run has read is known: sizes, reason and files are there, and a working image is not asked for."""
    found = in_numbers(compared, "diff", "old", "new", DOCKER_HOST="unix:///nowhere/d.sock")
    app = len((compared.folder / "app.py").read_bytes())
    rows = {(row["path"], row["kind"], row["removed_bytes"], row["added_bytes"]) for row in found["files"]["rows"]}
    assert ("payload", "added", 0, 3_000_000) in rows
    assert sum(row["added_bytes"] - row["removed_bytes"] for row in found["files"]["rows"]) == 3_000_000 - app
    assert (found["packages"]["debian"], found["packages"]["python"]) == ([], [])
    shared = [pair["shared"] for pair in found["layers"]]
    assert (shared[-1], set(shared[:-1])) == (False, {True})
    (cmd,) = found["config"]
    assert cmd["after"] == '["python", "-u", "/app.py", "exits"]'
    sizes = {variant["name"]: variant["image"]["uncompressed_size"] for variant in compared.saved()[-1]["variants"]}
    assert found["uncompressed_delta"] == sizes["new"] - sizes["old"]


def test_an_image_is_the_same_by_every_name(compared: Project) -> None:
    """A variant, its Dockerfile and stage, its reference and what the docker CLI saves of it are one image."""
    (variant,) = (v for v in compared.saved()[-1]["variants"] if v["name"] == "new")
    reference = variant["image"]["reference"]
    saved = compared.folder / "new.tar"
    subprocess.run(
        ["docker", "save", "-o", saved, reference], env=compared.environ, stdin=subprocess.DEVNULL, check=True
    )
    assert in_numbers(compared, "inspect", "new") == variant["image"]
    alike = ("image_id", "uncompressed_size", "compressed_size", "file_count", "contents", "packages", "largest_files")
    for name in ("./Dockerfile:new", reference, "new.tar"):
        image = in_numbers(compared, "inspect", name)
        assert {key: image[key] for key in alike} == {key: variant["image"][key] for key in alike}, name
    done = compared("diff", "./Dockerfile:new", "new.tar")
    assert "are the same image." in done.stdout


def test_what_the_engine_cannot_give_is_said(compared: Project) -> None:
    """A reference nobody has, and a Dockerfile that does not build, end with what the engine said."""
    missing = compared("inspect", "imgcompare.invalid/nothing:1")
    assert (missing.code, missing.stdout) == (4, "")
    assert "imgcompare.invalid/nothing:1 is not on the engine and cannot be pulled" in missing.stderr
    compared.write({"Dockerfile.broken": "FROM python:3.11-slim\nRUN echo about to fail && exit 3\n"})
    broken = compared("diff", "old", "Dockerfile.broken")
    assert (broken.code, broken.stdout) == (4, "")
    assert "about to fail" in broken.stderr
    assert "Traceback" not in broken.stderr
