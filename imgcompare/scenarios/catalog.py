"""The list of scenarios, nothing but data. Their Dockerfiles are in ``dockerfiles/<scenario>/``."""

from __future__ import annotations

from imgcompare.scenarios.files import bundled_root
from imgcompare.scenarios.kinds import Scenario, ScenarioVariant
from imgcompare.scenarios.mistakes import MISTAKES

_DOCKERFILES = bundled_root() / "dockerfiles"
_SAMPLE_APP = bundled_root() / "sample_app"


def _variant(
    path: str, about: str, *, target: str | None = None, breaks_as: str | None = None, hardened: bool = False
) -> ScenarioVariant:
    """Declare ``<scenario>/<name>``; a stage of a Dockerfile goes by the stage's name."""
    return ScenarioVariant(
        name=target or path.rpartition("/")[2],
        about=about,
        dockerfile=_DOCKERFILES / f"{path}.Dockerfile",
        target=target,
        expected_failure=breaks_as,
        hardened=hardened,
    )


_DEFAULT = Scenario(
    name="default",
    description="A Flask app in one stage on the full Python image, and in two stages on the slim one.",
    context=_SAMPLE_APP,
    variants=(
        _variant("default/single-stage", "the Dockerfile that most of us write first"),
        _variant("default/multi-stage", "built with the full image, shipped on the slim one"),
    ),
    baseline="single-stage",
)

_SLIM_TO_SLIM = Scenario(
    name="slim-to-slim",
    description="Flask 2.3.3 with a slim builder and a slim runtime; the tutorial takes only /app along.",
    lessons=(
        "The tutorial's image is the smallest because Flask is not in it, and so it never starts. pip installs into "
        "site-packages, not into /app: the second stage needs that folder too.",
        "With it, the saving is gone. Two stages on the same base save nothing: they pay where the builder has what "
        "the runtime can do without.",
    ),
    context=_DOCKERFILES / "slim-to-slim/app",
    variants=(
        _variant("slim-to-slim/single", "one stage on the slim image"),
        _variant("slim-to-slim/tutorial", "two stages, only /app is copied", breaks_as="missing-python-module"),
        _variant("slim-to-slim/mended", "two stages, site-packages is copied too"),
    ),
    baseline="single",
    expect_body="Hello, Docker!",
)

_FULL_TO_SLIM = Scenario(
    name="full-to-slim",
    description="A full builder and a slim runtime; the tutorial expects about 30 MB in place of about 50 MB.",
    lessons=(
        "Ask what a saving is measured against. Against the full image it is most of the image; against one stage on "
        "the slim image it is about nothing, because what is large in the full image never was in the slim one.",
        "The cheapest saving is one word: FROM python:3.11-slim. Take a full builder, and a second stage, when a "
        "package has to be compiled.",
        "To have the tutorial's ports 5000 and 5001 and counting: --host-port 5000 --keep",
    ),
    context=_DOCKERFILES / "full-to-slim/app",
    variants=(
        _variant("full-to-slim/single-slim", "one stage on the slim image"),
        _variant("full-to-slim/single-full", "one stage on the full image"),
        _variant("full-to-slim/tutorial", "full to slim, only /app is copied", breaks_as="missing-python-module"),
        _variant("full-to-slim/mended-venv", "full to slim, with a virtual environment"),
        _variant("full-to-slim/mended-prefix", "full to slim, with pip install --prefix"),
    ),
    baseline="single-slim",
    expect_body="Hello, Docker!",
)

_FLASK_RUN = Scenario(
    name="flask-run",
    description="The app is started with `flask run`, FLASK_ENV says production, and the app says debug=True.",
    lessons=(
        "A command such as `flask` or `gunicorn` is a file in a bin folder: a stage that gets only /app has no such "
        "program, and the container does not even start. Take the folder along in which pip installed it.",
        "FLASK_ENV does nothing since Flask 2.3. debug=True in app.run() counts with `python app.py` and not with "
        "`flask run`: so in python-app the debugger is on, in production, whatever FLASK_ENV says.",
    ),
    context=_DOCKERFILES / "flask-run/app",
    variants=(
        _variant("flask-run/single", "one stage, flask run"),
        _variant("flask-run/python-app", "one stage, python app.py: debug mode is on"),
        _variant("flask-run/tutorial", "two stages, only /app is copied", breaks_as="executable-not-found"),
        _variant("flask-run/mended", "two stages, with a virtual environment"),
    ),
    baseline="single",
    expect_body="Hello, Docker!",
)

_TARGETS = Scenario(
    name="targets",
    description="Development and production as stages of one Dockerfile; the tutorial expects 160 MB, not 900 MB.",
    lessons=(
        "One Dockerfile can make several images: what they share is in a stage of its own, --target chooses, and each "
        "layer of the shared stage is built, stored and pulled once.",
        "Production is a user that is not root, a real server, and a HEALTHCHECK; and it must run when nothing can be "
        "written. It gets its memory for temporary files, and no right that it does not need.",
    ),
    context=_DOCKERFILES / "targets/app",
    variants=(
        _variant("targets/slim", "gunicorn, four workers, not root", target="production", hardened=True),
        _variant("targets/slim", "Flask's own server, with the debugger", target="development"),
        _variant("targets/full", "the same as production, on the full image"),
    ),
    baseline="full",
    expect_body="Hello, Docker!",
)

_COMPOSE_FILE = Scenario(
    name="compose-file",
    description="The images of targets as a compose file runs them: read-only, with limits, variables and a check.",
    lessons=(
        "How an app runs is half of whether it works: what writes beside /tmp, or needs a right or memory, fails here "
        "and not on a laptop. imgcompare takes it from the compose file and holds every variant to it.",
        "The stage to build is in the compose file, too, and a Dockerfile without such a stage is built to its end.",
    ),
    context=_DOCKERFILES / "targets/app",
    variants=(
        _variant("targets/slim", "the stage that the compose file names"),
        _variant("targets/full", "the same on the full image"),
    ),
    baseline="full",
    expect_body="Hello, Docker!",
    compose=_DOCKERFILES / "targets/app/compose.yaml",
)

_WAITRESS_JSON = Scenario(
    name="waitress-json",
    description="A JSON API that waitress serves on port 8080, while its image says 5000.",
    lessons=(
        "Three ports have to agree: the one that the app listens on, the one of EXPOSE, and the second one of "
        "`docker run -p HOST:CONTAINER`. EXPOSE opens nothing, and changes nothing about where the app listens.",
        "JSON replies are compared as JSON: neither the order of keys nor white space makes a reply another one.",
    ),
    context=_DOCKERFILES / "waitress-json/app",
    variants=(
        _variant("waitress-json/tutorial", "port 8080 inside, port 5000 declared", breaks_as="wrong-port"),
        _variant("waitress-json/right-port", "port 8080 declared"),
        _variant("waitress-json/multi-stage", "port 8080, built on full and shipped on slim"),
    ),
    baseline="right-port",
    timeout_s=20.0,
)

_WITH_DATABASE = Scenario(
    name="with-database",
    description="A Flask app with Postgres and Redis, each variant beside a database and a cache of its own.",
    lessons=(
        "An app is checked with what it needs, or not at all. Compose says what that is: imgcompare runs it for each "
        "variant anew, so that no variant finds what another has left.",
        "What is compiled in the builder may load libraries when it runs: psycopg2 needs libpq in the last stage, too.",
    ),
    context=_DOCKERFILES / "with-database/app",
    variants=(
        _variant("with-database/single-stage", "one stage on the full image"),
        _variant("with-database/with-libpq", "full to slim, with the library that psycopg2 loads"),
        _variant("with-database/no-libpq", "full to slim, without it", breaks_as="missing-shared-library"),
        _variant("with-database/no-service", "asks for a host that nobody is", breaks_as="service-missing"),
    ),
    baseline="single-stage",
    expect_body="Assam",
    compose=_DOCKERFILES / "with-database/app/compose.yaml",
)

_BASE_IMAGES = Scenario(
    name="base-images",
    description="The same Dockerfile on the full, the slim and the Alpine Python image.",
    lessons=(
        "The FROM line decides more than all the others together. Begin with slim: it is Debian as the full image is, "
        "so that whatever has a wheel installs as before.",
        "Alpine is smaller still, but another system: musl in place of glibc. A package without a wheel for it has to "
        "be compiled.",
    ),
    context=_DOCKERFILES / "base-images/app",
    variants=(
        _variant("base-images/full", "python:3.11"),
        _variant("base-images/slim", "python:3.11-slim"),
        _variant("base-images/alpine", "python:3.11-alpine"),
    ),
    baseline="full",
    expect_body="Hello, Docker!",
)

_COMMON_MISTAKES = Scenario(
    name="common-mistakes",
    description="One small mistake each, and how it shows: look your own symptom up here.",
    lessons=("Each Dockerfile says at its top what is wrong with it; `imgcompare explain CODE` tells more.",),
    context=_SAMPLE_APP,
    variants=(
        _variant("common-mistakes/mended", "the same app with none of them"),
        *(_variant(f"common-mistakes/{name}", about, breaks_as=code) for name, code, about in MISTAKES),
    ),
    baseline="mended",
    expect_body="Hello, Docker!",
    timeout_s=20.0,
)

ALL = (
    _DEFAULT,
    _SLIM_TO_SLIM,
    _FULL_TO_SLIM,
    _FLASK_RUN,
    _TARGETS,
    _COMPOSE_FILE,
    _WAITRESS_JSON,
    _WITH_DATABASE,
    _BASE_IMAGES,
    _COMMON_MISTAKES,
)
