"""Where an image names the port of its app, if not in EXPOSE."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from imgcompare.diagnosis.named_port import named_port
from imgcompare.diagnosis.observed import no_port
from imgcompare.engine.options import Healthcheck
from tests.support.cases import Example

NAMED = {
    'CMD ["serve", "--port=8123"]': (8123, "CMD"),
    'CMD ["flask", "run", "--port", "8123"]': (8123, "CMD"),
    'CMD ["flask", "run", "-p", "8123"]': (8123, "CMD"),
    'CMD ["gunicorn", "--bind=0.0.0.0:8123", "app:app"]': (8123, "CMD"),
    'CMD ["gunicorn", "-b", ":8123", "app:app"]': (8123, "CMD"),
    'ENTRYPOINT ["waitress-serve"]\nCMD ["--listen=*:8123", "app:app"]': (8123, "ENTRYPOINT"),
    "CMD exec uvicorn app:app --host 0.0.0.0 --port 8123": (8123, "CMD"),
    "ENV PORT=8123\nCMD gunicorn --bind=:$PORT app:app": (8123, "CMD"),
    "CMD gunicorn --bind=:${PORT:-8123} app:app": (8123, "CMD"),
    'CMD ["python", "manage.py", "runserver", "0.0.0.0:8123"]': (8123, "CMD"),
    'CMD ["python", "-m", "http.server", "8123"]': (8123, "CMD"),
    "ENV FLASK_RUN_PORT=8123\nCMD flask run": (8123, "ENV FLASK_RUN_PORT"),
    'ENV PORT=8124\nCMD ["serve", "--port=8123"]': (8123, "CMD"),
    # Numbers that are no port of the app.
    'CMD ["gunicorn", "--workers=4", "app:app"]': None,
    'CMD ["gunicorn", "--bind=unix:/run/app.sock", "app:app"]': None,
    'CMD ["serve", "--port=99999"]': None,
    "CMD gunicorn --bind=:$PORT app:app": None,
    'CMD ["python", "app.py"]': None,
}


@pytest.mark.parametrize("lines", NAMED)
def test_the_port_that_an_image_names(lines: str) -> None:
    """By the options of servers, addresses, and the variables that servers and hosts read."""
    assert named_port(Example(f"FROM python:3.11-slim\n{lines}\n").image) == NAMED[lines]


def test_a_healthcheck_names_the_port_that_it_asks() -> None:
    """Where nothing else does."""
    image = Example("FROM python:3.11-slim\nCMD serve\n").image
    check = Healthcheck(command=("CMD-SHELL", "curl -f http://localhost:8123/healthz || exit 1"))
    assert named_port(replace(image, healthcheck=check)) == (8123, "HEALTHCHECK")


def test_the_next_step_names_that_port_too() -> None:
    """And not 5000, which nobody has spoken of."""
    failure = no_port((), (8123, "CMD"))
    assert failure.hint == "Add EXPOSE 8123 to the Dockerfile, or say which: --container-port 8123"
    assert failure.evidence == ("CMD names port 8123",)
