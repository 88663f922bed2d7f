"""Build options from the command line and the project's file to a real engine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

pytestmark = pytest.mark.engine
APP = "import http.server\nhttp.server.test(http.server.SimpleHTTPRequestHandler, port=8000)\n"
DOCKERFILE = """\
FROM python:3.11-slim AS base-amd64
FROM base-amd64 AS base-arm64
FROM base-${{TARGETARCH}}
RUN --mount=type=secret,id=token {command}
COPY app.py /app/
EXPOSE 8000
STOPSIGNAL SIGKILL
CMD ["python", "/app/app.py"]
"""


def imgcompare(folder: Path, engine_url: str, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder."""
    return subprocess.run(
        [sys.executable, "-m", "imgcompare", *arguments],
        cwd=folder,
        env={**os.environ, "DOCKER_HOST": engine_url, **environ},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_secret_reaches_the_build_and_nothing_else(engine_url: str, tmp_path: Path) -> None:
    """From the file's key or the option; what a failing step prints of it is masked in every output and on disk."""
    value = f"tk-{uuid.uuid4().hex}"
    (tmp_path / "app.py").write_text(APP)
    (tmp_path / "good.Dockerfile").write_text(DOCKERFILE.format(command="grep -q tk- /run/secrets/token"))
    (tmp_path / "bad.Dockerfile").write_text(DOCKERFILE.format(command="cat /run/secrets/token && exit 3"))
    (tmp_path / "imgcompare.toml").write_text(
        'variants = ["good=good.Dockerfile", "bad=bad.Dockerfile"]\nsecrets = "id=token,env=TOKEN_VALUE"\n'
    )
    done = imgcompare(tmp_path, engine_url, "run", "--no-cache", "--rm-images", "--json", TOKEN_VALUE=value)
    assert done.returncode == 1, done.stderr
    good, bad = json.loads(done.stdout)["variants"]
    assert good["verdict"] == "works", good
    assert good["image"]["stand_ins"] in ([], ["python:3.11-slim"])
    assert bad["failure"]["evidence"], bad
    assert "•••" in json.dumps(bad, ensure_ascii=False)
    saved = "".join(path.read_text() for path in (tmp_path / ".imgcompare").rglob("*.json"))
    assert saved
    assert not [text for text in (done.stdout, done.stderr, saved) if value in text]


def test_what_is_wrong_with_an_option_is_said_before_anything_is_built(engine_url: str, tmp_path: Path) -> None:
    """A usage error with the value and the next step, and the line where it stands in the file."""
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / "slim.Dockerfile").write_text("FROM scratch\n")
    for arguments, message in (
        (("--secret", "id=x,src=none"), "the secret x cannot be read from none"),
        (("--ssh", "default=none"), "there is no none"),
        (("--build-context", "a=none"), "the build context a is no folder: none"),
        (("--cache-to", "type=registry,ref=x"), "one place for the caches of 2 variants"),
    ):
        done = imgcompare(tmp_path, engine_url, "run", "Dockerfile", "slim.Dockerfile", *arguments)
        assert (done.returncode, message in done.stderr) == (2, True), done.stderr
        assert "Next:" in done.stderr


def test_options_are_shown_with_who_gave_them(engine_url: str, tmp_path: Path) -> None:
    """`imgcompare config` tells those of the file with their line, paths seen from here, and no secret's value."""
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / "value").write_text("hush-hush")
    (tmp_path / "imgcompare.toml").write_text(
        'variants = ["Dockerfile"]\nsecrets = "id=x,src=value"\nulimits = ["nofile=5"]\ncontexts = { a = "." }\n'
    )
    shown = imgcompare(tmp_path, engine_url, "config", "--json", "--cache-to", "type=inline")
    assert shown.returncode == 0, shown.stderr
    settings = {each["key"]: each for each in json.loads(shown.stdout)["comparisons"][0]["settings"]}
    assert settings["secrets"]["value"] == ["id=x,src=value"]
    assert (settings["ulimits"]["value"], settings["ulimits"]["where"]) == (["nofile=5"], "imgcompare.toml:3")
    assert (settings["cache_to"]["value"], settings["cache_to"]["source"]) == (["type=inline"], "flag")
    assert (settings["contexts.a"]["value"], settings["ssh"]["value"]) == (".", [])
    page = imgcompare(tmp_path, engine_url, "config")
    assert page.returncode == 0, page.stderr
    assert "hush-hush" not in shown.stdout + page.stdout
