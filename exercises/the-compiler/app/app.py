"""An app with a part in C: it adds two numbers, and greets if they are what they should be."""

import ctypes

from flask import Flask

add = ctypes.CDLL("/app/sum.so").add
app = Flask(__name__)


@app.route("/")
def hello() -> str:
    """Answer with the same sentence in every image."""
    return "Hello, Docker!" if add(40, 2) == 42 else "Something is wrong with the sum."


if __name__ == "__main__":
    app.run(host="0.0.0.0", port=5000)
