"""The app: development and production start it with different servers."""

from flask import Flask

app = Flask(__name__)


@app.route("/")
def hello() -> str:
    """Answer with the same sentence in every image."""
    return "Hello, Docker!"


@app.route("/healthz")
def healthz() -> dict[str, str]:
    """Say that the process can answer: for HEALTHCHECK."""
    return {"status": "ok"}
