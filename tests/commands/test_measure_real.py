"""`--health` and `--stop` on the real engine: what images do that their size does not show."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.projects import Project, Result

ASK = """["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/', timeout=2)"]"""
DOCKERFILE = f"""\
FROM python:3.11-slim AS base
COPY app.py /
EXPOSE 8000
CMD ["python", "/app.py"]

FROM base AS polite
STOPSIGNAL SIGINT
HEALTHCHECK CMD {ASK}

FROM base AS deaf
HEALTHCHECK NONE

FROM base AS slow
STOPSIGNAL SIGKILL
HEALTHCHECK CMD test -e /tmp/second || {{ touch /tmp/second; exit 1; }}

FROM base AS curls
STOPSIGNAL SIGKILL
HEALTHCHECK CMD curl -f http://localhost:8000/ || exit 1

FROM base AS refuses
STOPSIGNAL SIGKILL
HEALTHCHECK --interval=1s --retries=2 CMD echo "not yet" >&2; exit 1
"""
NAMES = ("polite", "deaf", "slow", "curls", "refuses")


@pytest.fixture(scope="module")
def measured(lasting_project: Project) -> Result:
    """One run of all of them."""
    lasting_project.write({"Dockerfile": DOCKERFILE})
    return lasting_project("run", *(f"Dockerfile:{name}" for name in NAMES), "--health", "--stop", "--json")


def test_only_a_failing_healthcheck_breaks_a_variant(measured: Result) -> None:
    """A container that has to be killed works; one whose own check says that it does not, does not."""
    assert measured.code == 1
    assert {v["name"]: v["verdict"] for v in measured.report["variants"]} == {
        "polite": "works",
        "deaf": "works",
        "slow": "works",
        "curls": "broken",
        "refuses": "broken",
    }


def test_a_healthcheck_is_asked_until_it_passes(measured: Result) -> None:
    """Long before the engine would have asked for the first time; where there is none, there is no verdict."""
    runs = {name: measured.variant(name)["run"] for name in NAMES}
    assert {name: run["health"] for name, run in runs.items()} == {
        "polite": "healthy",
        "deaf": None,
        "slow": "healthy",
        "curls": "unhealthy",
        "refuses": "unhealthy",
    }
    for name in ("polite", "slow"):
        assert runs[name]["ready_after_s"] < runs[name]["healthy_after_s"] < 30
    assert runs["curls"]["healthy_after_s"] is None


def test_a_check_with_a_program_that_is_missing_is_named_and_mended(measured: Result, lasting_project: Project) -> None:
    """The commonest of all: curl in a slim image. The line that is offered in its place passes."""
    failure = measured.variant("curls")["failure"]
    assert failure["code"] == "unhealthy"
    assert failure["message"] == "Its HEALTHCHECK calls curl, which is not in the image."
    assert failure["evidence"][0] == "HEALTHCHECK /bin/sh -c curl -f http://localhost:8000/ || exit 1"
    assert "curl: not found" in failure["evidence"][-2]
    assert failure["evidence"][-1] == "on a stand-in made from the distribution's packages: python:3.11-slim"
    (line,) = failure["fix"]
    mended = DOCKERFILE.replace("HEALTHCHECK CMD curl -f http://localhost:8000/ || exit 1", line)
    lasting_project.write({"mended.Dockerfile": mended})
    result = lasting_project("run", "mended.Dockerfile:curls", "--health", "--json")
    assert result.code == 0
    assert result.variant("curls")["run"]["health"] == "healthy"


def test_a_check_that_fails_is_shown_with_what_it_said(measured: Result) -> None:
    """Its exit code and its output are the proof; where the cause is not known, no line is offered."""
    failure = measured.variant("refuses")["failure"]
    assert failure["message"].startswith("The app answers, but its HEALTHCHECK failed ")
    assert failure["evidence"][1:][:2] == ["exit code 1", "not yet"]
    assert failure["fix"] == []


def test_stopping_is_measured(measured: Result) -> None:
    """Python takes no notice of SIGTERM as process 1, and does of SIGINT; what ends by SIGKILL was not killed late."""
    polite, deaf, slow = (measured.variant(name)["run"] for name in NAMES[:3])
    assert (polite["stop_signal"], polite["killed"]) == ("SIGINT", False)
    assert polite["stopped_after_s"] < 10
    assert (deaf["stop_signal"], deaf["killed"]) == ("SIGTERM", True)
    assert deaf["stopped_after_s"] > 9.5
    assert (slow["stop_signal"], slow["killed"]) == ("SIGKILL", False)
    assert measured.variant("curls")["run"]["stopped_after_s"] is None


def test_what_hurts_later_is_told_of_what_works(measured: Result) -> None:
    """With the proof of this very run; what is broken has a failure instead."""
    codes = {v["name"]: [caution["code"] for caution in v["warnings"]] for v in measured.report["variants"]}
    assert codes == {
        "polite": ["runs-as-root"],
        "deaf": ["runs-as-root", "ignores-stop-signal"],
        "slow": ["runs-as-root"],
        "curls": [],
        "refuses": [],
    }
    (deaf,) = (c for c in measured.variant("deaf")["warnings"] if c["code"] == "ignores-stop-signal")
    assert deaf["fix"] == ["STOPSIGNAL SIGINT"]
    assert deaf["evidence"][1] == "python /app.py"


def test_the_bundled_images_show_how_to_have_no_warning(project: Project) -> None:
    """The Dockerfile most of us write first has some; the one to copy has none."""
    result = project("run", "--json", "--stop", "--health")
    assert result.code == 0, result.stderr
    codes = {v["name"]: [caution["code"] for caution in v["warnings"]] for v in result.report["variants"]}
    assert codes == {"single-stage": ["runs-as-root", "no-healthcheck"], "multi-stage": []}


FLASK = """\
FROM python:3.11-slim
RUN pip install --no-cache-dir "flask>=3" && mkdir /app
RUN head -c 3000000 /dev/urandom > /app/data
COPY flask_app.py /app/web.py
RUN chown -R 1000:1000 /app
WORKDIR /app
USER 1000
ENV FLASK_ENV=production SHOP_API_TOKEN=t0psecret1
STOPSIGNAL SIGKILL
HEALTHCHECK NONE
EXPOSE 5000
CMD ["python", "web.py"]
"""


def test_a_tutorials_flask_app_is_told_all_of_it(project: Project) -> None:
    """Debug mode, the development server, FLASK_ENV, the chown and of the token nothing but its name."""
    app = 'import flask\napp = flask.Flask(__name__)\n@app.get("/")\ndef hello():\n    return "hello"\n'
    project.write({"Dockerfile": FLASK, "flask_app.py": app + 'app.run(host="0.0.0.0", debug=True)\n'})
    result = project("run", "Dockerfile", "--json")
    assert result.code == 0, result.stderr
    found = {caution["code"]: caution for caution in result.variant("Dockerfile")["warnings"]}
    assert list(found) == [
        "secret-in-image",
        "debug-mode",
        "development-server",
        "same-payload-twice",
        "flask-env-ignored",
    ]
    assert found["secret-in-image"]["evidence"] == ["ENV SHOP_API_TOKEN=••• in the image's config"]
    assert "t0psecret1" not in str(found)
    assert found["development-server"]["fix"][1] == 'CMD ["gunicorn", "--bind=0.0.0.0:5000", "web:app"]'
    assert found["same-payload-twice"]["fix"] == ["COPY --chown=1000:1000 flask_app.py /app/web.py"]


def test_without_the_option_nothing_is_asked(project: Project) -> None:
    """The HEALTHCHECK that fails is no reason to call a variant broken unless somebody asks."""
    project.write({"Dockerfile": DOCKERFILE})
    result = project("run", "Dockerfile:curls", "--json")
    assert result.code == 0
    run = result.variant("curls")["run"]
    assert (run["health"], run["stopped_after_s"], run["killed"]) == (None, None, None)


def test_keeping_and_stopping_exclude_each_other(project: Project) -> None:
    """Said before anything is built."""
    project.write({"Dockerfile": DOCKERFILE})
    result = project("run", "Dockerfile:polite", "--keep", "--stop")
    assert result.code == 2
    assert "--keep leaves containers up and --stop stops them" in result.stderr
