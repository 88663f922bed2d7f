"""The app that the bundled comparisons build: small, but made as one would make a real Flask app."""

from sample_app.app import create_app

__all__ = ["create_app"]
