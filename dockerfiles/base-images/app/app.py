"""The smallest Flask app there is; gunicorn serves it."""

from flask import Flask

app = Flask(__name__)


@app.route("/")
def hello() -> str:
    """Answer with the same sentence in every image."""
    return "Hello, Docker!"
