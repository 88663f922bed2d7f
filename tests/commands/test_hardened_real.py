"""`--hardened` on the real engine: which images run without what production should take from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.projects import Project, Result

DOCKERFILE = """\
FROM python:3.11-slim AS base
COPY app.py start.py /
EXPOSE 8000
STOPSIGNAL SIGKILL
HEALTHCHECK NONE

FROM base AS modest
USER 1000
CMD ["python", "/app.py"]

FROM base AS temporary
RUN chmod 1777 /run
USER 1000
CMD touch /tmp/stamp /run/stamp && exec python /app.py

FROM base AS writes
RUN mkdir -m 777 /data
USER 1000
CMD ["python", "/start.py", "writes"]

FROM base AS switches
CMD ["python", "/start.py", "switches"]

FROM base AS gains
RUN install -m 4755 /usr/bin/id /usr/bin/rootid
USER 1000
CMD ["python", "/start.py", "gains"]

FROM base AS eats
USER 1000
CMD ["python", "/start.py", "eats"]
"""
START = """\
import os, pathlib, subprocess, sys
match sys.argv.pop():
    case "writes":
        pathlib.Path("/data/started").touch()
    case "switches":
        os.setgid(1000)
        os.setuid(1000)
    case "gains":
        assert subprocess.check_output(["rootid", "-u"]) == b"0\\n", "not root"
    case "eats":
        eaten = os.urandom(1 << 20) * 300
exec(pathlib.Path("/app.py").read_text())
"""
NAMES = ("modest", "temporary", "writes", "switches", "gains", "eats")


@pytest.fixture(scope="module")
def hardened(lasting_project: Project) -> Result:
    """One run of all of them."""
    lasting_project.write({"Dockerfile": DOCKERFILE, "start.py": START})
    return lasting_project("run", *(f"Dockerfile:{name}" for name in NAMES), "--hardened", "--json")


def test_each_is_told_what_breaks_it(hardened: Result) -> None:
    """All of them work; some do without all that production should take from them."""
    assert hardened.code == 0, hardened.stderr
    assert {v["name"]: v["hardened"]["broken_by"] for v in hardened.report["variants"]} == {
        "modest": None,
        "temporary": None,
        "writes": "read-only root",
        "switches": "no capabilities",
        "gains": "no new privileges",
        "eats": "256 MB of memory",
    }
    assert [v["name"] for v in hardened.report["variants"] if v["hardened"]["works"]] == ["modest", "temporary"]
    assert {v["verdict"] for v in hardened.report["variants"]} == {"works"}
    assert hardened.report["passed"] is True


def test_the_failure_has_its_code_and_its_proof(hardened: Result) -> None:
    """The app's own last words."""
    failures = {name: hardened.variant(name)["hardened"]["failure"] for name in NAMES}
    assert {name: failure and failure["code"] for name, failure in failures.items()} == {
        "modest": None,
        "temporary": None,
        "writes": "read-only-root",
        "switches": "needs-capability",
        "gains": "needs-new-privileges",
        "eats": "needs-memory",
    }
    assert "Read-only file system: '/data/started'" in str(failures["writes"]["evidence"])
    assert "PermissionError" in str(failures["switches"]["evidence"])


def test_the_line_that_is_offered_mends_it(hardened: Result, lasting_project: Project) -> None:
    """A volume stays writable."""
    (line,) = hardened.variant("writes")["hardened"]["failure"]["fix"]
    assert line == "VOLUME /data"
    lasting_project.write({"mended.Dockerfile": DOCKERFILE.replace("777 /data\n", f"777 /data\n{line}\n")})
    mended = lasting_project("run", "mended.Dockerfile:writes", "--hardened", "--json")
    assert mended.variant("writes")["hardened"]["works"] is True


def test_the_table_says_it(lasting_project: Project) -> None:
    """In a column, and in one line below the table."""
    shown = lasting_project("run", "Dockerfile:modest", "Dockerfile:writes", "--hardened").stdout
    row = next(line for line in shown.splitlines() if line.startswith("writes"))
    assert "✗ read-only root" in row
    warning = next(line for line in shown.splitlines() if line.startswith("read-only-root"))
    assert "Hardened: It writes to /data, below the read-only root." in warning


def test_without_the_option_it_is_run_once(project: Project) -> None:
    """Nothing is restricted that nobody asked for."""
    project.write({"Dockerfile": DOCKERFILE, "start.py": START})
    assert project("run", "Dockerfile:modest", "--json").variant("modest")["hardened"] is None
