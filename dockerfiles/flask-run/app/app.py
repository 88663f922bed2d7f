"""An app that is started in two ways: by `flask run`, and by `python app.py`."""

from flask import Flask

app = Flask(__name__)


@app.route("/")
def hello() -> str:
    """Answer with the same sentence in every image."""
    return "Hello, Docker!"


if __name__ == "__main__":
    # `flask run` imports this file and never comes here: debug=True then has no effect.
    # `python app.py` does come here, and the debugger is on, in production too.
    app.run(host="0.0.0.0", port=5000, debug=True)
