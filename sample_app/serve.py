"""Serve the app with waitress, a server in pure Python: ``python -m sample_app.serve``."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping

import waitress

from sample_app.app import create_app
from sample_app.logs import log_to_stdout

DEFAULT_PORT = "5000"


def port_from(environment: Mapping[str, str]) -> int:
    """Return the port that PORT names, 5000 without it (0: any free one); raise SystemExit if it is no port number."""
    text = environment.get("PORT", DEFAULT_PORT)
    if not (text.isascii() and text.isdigit() and int(text) <= 65535):
        raise SystemExit(f"PORT is {text!r}, which is no port number: use one from 1 to 65535")
    return int(text)


def main() -> None:
    """Serve on all addresses until SIGTERM or SIGINT, then finish the requests under way."""
    port = port_from(os.environ)
    log_to_stdout()
    # The kernel gives process 1 of a container no default action for SIGTERM: without a handler `docker stop` waits
    # 10 seconds and kills. waitress takes SystemExit as the order to shut down.
    signal.signal(signal.SIGTERM, lambda _signal, _frame: sys.exit(0))
    waitress.serve(create_app(), port=port)


if __name__ == "__main__":
    main()
