"""The smallest Flask app there is: one route, one sentence."""

from flask import Flask

app = Flask(__name__)


@app.route("/")
def hello() -> str:
    """Answer with the same sentence in every image."""
    return "Hello, Docker!"


if __name__ == "__main__":
    # 0.0.0.0, not 127.0.0.1: inside a container that would be reachable from inside only.
    app.run(host="0.0.0.0", port=5000)
