"""The WSGI object for servers that import one: ``gunicorn sample_app.wsgi:app``."""

from __future__ import annotations

from sample_app.app import create_app
from sample_app.logs import log_to_stdout

log_to_stdout()
app = create_app()
