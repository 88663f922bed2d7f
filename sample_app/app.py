"""The app factory and its three routes: ``/``, ``/api/message`` and ``/healthz``."""

from __future__ import annotations

from flask import Blueprint, Flask, Response, request

GREETING = "Hello, Docker!"

pages = Blueprint("pages", __name__)
api = Blueprint("api", __name__, url_prefix="/api")


def create_app() -> Flask:
    """Return a new app that shares no state with any other."""
    app = Flask(__name__)
    app.register_blueprint(pages)
    app.register_blueprint(api)
    return app


@pages.get("/")
def index() -> Response:
    """Answer with the greeting as plain text, the same bytes in every image."""
    return Response(GREETING, mimetype="text/plain")


@pages.get("/healthz")
def healthz() -> dict[str, str]:
    """Say that the process can answer; there is no database or queue to ask."""
    return {"status": "ok"}


@api.get("/message")
def message() -> dict[str, str]:
    """Answer with the greeting as a JSON object."""
    return {"message": GREETING}


@api.after_request
def allow_other_origins(response: Response) -> Response:
    """Let pages of any origin read the API; it holds no secrets and takes no credentials.

    Flask answers OPTIONS by itself, so a preflight needs only these headers
    (https://fetch.spec.whatwg.org/#http-cors-protocol).
    """
    response.headers["Access-Control-Allow-Origin"] = "*"
    if request.method == "OPTIONS":
        response.headers["Access-Control-Allow-Methods"] = "GET, HEAD, OPTIONS"
        response.headers["Access-Control-Allow-Headers"] = "Content-Type"
        response.headers["Access-Control-Max-Age"] = "600"
    return response
