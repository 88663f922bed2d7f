"""A JSON API that pages of any origin may call, served by waitress on port 8080."""

from flask import Flask, Response

app = Flask(__name__)


@app.route("/")
def message() -> dict[str, str]:
    """Answer with a JSON object."""
    return {"message": "Hello from Flask in Docker!"}


@app.after_request
def allow_other_origins(response: Response) -> Response:
    """Add the CORS header without which a browser keeps the reply from pages of other origins."""
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response


if __name__ == "__main__":
    from waitress import serve

    serve(app, host="0.0.0.0", port=8080)
