"""Where the app's log goes: to stdout, so that ``docker logs`` shows it."""

from __future__ import annotations

import logging
import sys


def log_to_stdout() -> None:
    """Send every log record of level INFO and above to stdout; does nothing where logging is already set up."""
    logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
