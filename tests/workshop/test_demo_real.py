"""The demo on a real engine, from its first act to its last."""

from __future__ import annotations

import html
import re
import signal
import subprocess
import time

import pytest

from imgcompare.workshop.acts import ACTS
from tests.conftest import Imgcompare, docker

pytestmark = [pytest.mark.engine, pytest.mark.timeout(900)]


def test_whole_demo_tells_what_is_true(imgcompare: Imgcompare) -> None:
    """Every act has its answer, and the numbers bear out what the speaker says."""
    done = imgcompare("demo", "--no-pause", "--pages", "pages", timeout_s=400)
    assert done.returncode == 0, done.stderr
    acts = done.stdout.split("\nAct ")[1:]
    assert [act.splitlines()[0].partition(" · ")[2] for act in acts] == [act.title for act in ACTS]
    _single, tutorial, why, mended, where, change, hardened = acts
    assert "tutorial is smaller still, but broken" in tutorial.replace("\n", " ")
    assert "COPY --from=builder /usr/local/lib/python3.11/site-packages" in why
    assert "mended is the smallest image that works" in mended
    assert "build tools" in where
    assert "1/" in change
    rows = [line.split() for line in hardened.splitlines() if line.startswith(("single-stage ", "multi-stage "))]
    assert [row[1] for row in rows] == ["root", "10001"]
    pages = sorted((imgcompare.project / "pages").iterdir())
    assert [page.name.partition("-")[2] for page in pages] == [f"{act.name}.html" for act in ACTS]
    for page, act in zip(pages, ACTS, strict=True):
        told = html.unescape(page.read_text(encoding="utf-8"))
        assert act.lesson in told
        assert re.search('<body class="[^"]*projector"', told)
    assert "killed" not in hardened.partition("Runs as")[2].partition("→")[0]


def test_interrupt_ends_what_runs_ahead(imgcompare: Imgcompare, engine_url: str) -> None:
    """Ctrl-C in the middle of an act leaves nothing running behind the speaker's back."""
    process = imgcompare.start("demo", "--no-pause", "--from", "hardened")
    assert process.stdout
    while "? " not in (line := process.stdout.readline()):
        assert line, "it asks before it answers"
    deadline = time.monotonic() + 60
    mine = ("ps", "-q", "--filter", "name=-multi-stage")
    while not docker(engine_url, *mine).strip() and process.poll() is None and time.monotonic() < deadline:
        pass
    process.send_signal(signal.SIGINT)
    try:
        _, told = process.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    assert process.returncode == 130, told
    ledgers = [path.read_text() for path in (imgcompare.project / "home").rglob("runs/*.jsonl")]
    left = [
        name for name in docker(engine_url, "ps", "-a", "--format", "{{.Names}}").split() if name in "".join(ledgers)
    ]
    assert not left
