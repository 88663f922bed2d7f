"""The module that gunicorn imports, in a process of its own because it sets up logging for the whole process."""

from __future__ import annotations

import subprocess
import sys


def test_wsgi_module_offers_a_ready_app_that_logs_to_stdout() -> None:
    """`gunicorn sample_app.wsgi:app` finds an app that answers, and what it logs is in `docker logs`."""
    program = "from sample_app.wsgi import app\napp.logger.info('seen')\nprint(app.test_client().get('/').text)\n"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    logged, body = done.stdout.splitlines()
    assert logged.endswith(" INFO sample_app.app: seen")
    assert (body, done.stderr) == ("Hello, Docker!", "")
