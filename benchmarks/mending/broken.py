"""Broken Dockerfiles of our own beyond the bundled mistakes: what people write, one or more things wrong in each."""

from __future__ import annotations

from dataclasses import dataclass, field

SLIM, FULL = "python:3.11-slim", "python:3.11"
PINS = "flask==3.1.2 gunicorn==23.0.0"
INSTALL = f"RUN pip install --no-cache-dir {PINS}\n"
SERVE = 'CMD ["gunicorn", "--bind=0.0.0.0:8000", "shop:app"]\n'
PLAIN = f"FROM {SLIM}\n{INSTALL}WORKDIR /web\nCOPY shop.py .\nEXPOSE 8000\n"
BARE = f"FROM {SLIM}\nWORKDIR /web\nCOPY . .\nEXPOSE 8000\n"
BUILDER = f"FROM {SLIM} AS builder\n{INSTALL}\nFROM {SLIM}\nWORKDIR /web\nCOPY shop.py .\nEXPOSE 8000\n"
ENVIRONMENT = (
    f"FROM {SLIM} AS builder\nRUN python -m venv /opt/venv && /opt/venv/bin/pip install --no-cache-dir {PINS}\n"
)
SITE = "/usr/local/lib/python3.11/site-packages"
FILES = {
    "requirements.txt": PINS.replace(" ", "\n") + "\n",
    "shop.py": "from flask import Flask\n\napp = Flask(__name__)\n\n\ndef create_app():\n    return app\n\n\n"
    "@app.get('/')\ndef index():\n    return 'Hello, shop'\n",
    "serve.py": "import http.server\nhttp.server.ThreadingHTTPServer(('', 8000), "
    "http.server.SimpleHTTPRequestHandler).serve_forever()\n",
    "setup.sh": "#!/bin/sh\necho ok\n",
    "start.sh": "#!/bin/sh\nexec python /web/serve.py\n",
    "windows.sh": "#!/bin/sh\r\nexec python /web/serve.py\r\n",
    "headless.sh": "exec python /web/serve.py\n",
    "src/till.py": "from flask import Flask\n\napp = Flask(__name__)\napp.get('/')(lambda: 'till')\n",
    "writes.py": "import pathlib\npathlib.Path('/data/count').write_text('1')\nimport serve\n",
    "reads.py": "import os\nprint(os.environ['SHOP_KEY'])\nimport serve\n",
    "asks.py": "from flask import Flask\nimport httpx\n\napp = Flask(__name__)\n"
    "app.get('/')(lambda: httpx.__version__)\n",
}


@dataclass(frozen=True)
class Broken:
    """A Dockerfile, and what ``imgcompare mend`` is told beside it."""

    dockerfile: str
    options: tuple[str, ...] = ()
    files: dict[str, str] = field(default_factory=dict)


BROKEN = {
    # The command
    "one-string": Broken(PLAIN + 'CMD ["gunicorn --bind=0.0.0.0:8000 shop:app"]\n'),
    "one-string-with-a-path": Broken(BARE + 'CMD ["python /web/serve.py"]\n'),
    "single-quotes": Broken(BARE + "CMD ['python', 'serve.py']\n"),
    "and-in-a-list": Broken(BARE + 'CMD ["cd", "/web", "&&", "python", "serve.py"]\n'),
    "assignment-in-a-list": Broken(BARE + 'CMD ["PORT=8000", "python", "serve.py"]\n'),
    "variable-in-a-list": Broken(PLAIN + 'CMD ["gunicorn", "--bind=0.0.0.0:$PORT", "shop:app"]\n'),
    "port-that-nobody-sets": Broken(PLAIN + "CMD gunicorn --bind 0.0.0.0:$PORT shop:app\n"),
    "line-as-entrypoint": Broken(BARE + 'ENTRYPOINT python\nCMD ["serve.py"]\n'),
    "option-and-value-in-one": Broken(PLAIN + 'CMD ["gunicorn", "--bind 0.0.0.0:8000", "shop:app"]\n'),
    "factory-for-the-app": Broken(PLAIN + 'CMD ["gunicorn", "--bind=0.0.0.0:8000", "shop:create_app"]\n'),
    "no-slash": Broken(BARE + 'RUN chmod 755 start.sh\nENTRYPOINT ["start.sh"]\n'),
    "shell-that-is-not-there": Broken(BARE.replace(SLIM, FULL) + 'CMD ["zsh", "-c", "python serve.py"]\n'),
    # The network
    "gunicorn-on-loopback": Broken(PLAIN + 'CMD ["gunicorn", "--bind=127.0.0.1:8000", "shop:app"]\n'),
    "gunicorn-as-it-is": Broken(PLAIN + 'CMD ["gunicorn", "shop:app"]\n'),
    "flask-as-it-is": Broken(PLAIN + "ENV FLASK_APP=shop\n" + 'CMD ["flask", "run"]\n'),
    "flask-by-a-line": Broken(PLAIN + "ENV FLASK_APP=shop\nCMD flask run\n"),
    "flask-as-a-module": Broken(PLAIN + 'CMD ["python", "-m", "flask", "--app", "shop", "run", "--port=8000"]\n'),
    "another-port": Broken(PLAIN.replace("8000", "5000") + SERVE),
    "unix-socket": Broken(PLAIN + 'CMD ["gunicorn", "--bind=unix:/tmp/shop.sock", "shop:app"]\n'),
    # What was not copied
    "nothing-taken": Broken(BUILDER + SERVE),
    "only-packages-taken": Broken(BUILDER + f"COPY --from=builder {SITE} {SITE}\n{SERVE}"),
    "only-commands-taken": Broken(BUILDER + f"COPY --from=builder /usr/local/bin/gunicorn /usr/local/bin/\n{SERVE}"),
    "environment-not-taken": Broken(f"{ENVIRONMENT}{BUILDER.partition(chr(10) * 2)[2]}{SERVE}"),
    "environment-not-on-path": Broken(
        f"{ENVIRONMENT}{BUILDER.partition(chr(10) * 2)[2]}COPY --from=builder /opt/venv /opt/venv\n{SERVE}"
    ),
    "environment-moved": Broken(
        f"{ENVIRONMENT}{BUILDER.partition(chr(10) * 2)[2]}COPY --from=builder /opt/venv /venv\n"
        f"ENV PATH=/venv/bin:$PATH\n{SERVE}"
    ),
    "target-folder": Broken(
        f"FROM {SLIM} AS builder\nRUN pip install --no-cache-dir --target=/deps {PINS}\n"
        f"{BUILDER.partition(chr(10) * 2)[2]}COPY --from=builder /deps /deps\n"
        'CMD ["python", "-m", "gunicorn", "--bind=0.0.0.0:8000", "shop:app"]\n'
    ),
    "app-of-the-builder": Broken(
        f"FROM {SLIM} AS builder\nWORKDIR /src\nCOPY . .\nFROM {SLIM}\nCOPY --from=builder /src/serve.py /web/\n"
        'EXPOSE 8000\nCMD ["python", "/web/start.py"]\n'
    ),
    "stage-by-another-name": Broken(BUILDER + f"COPY --from=build {SITE} {SITE}\n{SERVE}"),
    # Where things are
    "no-working-folder": Broken(PLAIN + "WORKDIR /\n" + SERVE),
    "copied-elsewhere": Broken(BARE.replace("COPY . .", "COPY . /srv/") + 'CMD ["python", "serve.py"]\n'),
    "source-folder": Broken(
        f"FROM {SLIM}\n{INSTALL}WORKDIR /web\nCOPY . .\nEXPOSE 8000\n"
        'CMD ["gunicorn", "--bind=0.0.0.0:8000", "till:app"]\n'
    ),
    "flask-without-a-name": Broken(
        PLAIN.replace("shop.py .", "shop.py app/app.py") + 'CMD ["flask", "run", "-h", "0.0.0.0", "-p", "8000"]\n'
    ),
    "path-overwritten": Broken(PLAIN + "ENV PATH=/web/bin\n" + SERVE),
    # Packages
    "no-server": Broken(PLAIN.replace(" gunicorn==23.0.0", "") + SERVE),
    "no-package": Broken(PLAIN.replace("shop.py", "asks.py") + SERVE.replace("shop", "asks")),
    "old-flask": Broken(PLAIN.replace("flask==3.1.2", "flask==2.2.2 werkzeug==3.0.1") + SERVE),
    "for-one-user": Broken(
        PLAIN.replace("pip install", "pip install --user") + "RUN useradd shop\nUSER shop\n" + SERVE
    ),
    # Rights
    "script-not-executable": Broken(BARE + "RUN chmod 644 start.sh\n" + 'CMD ["./start.sh"]\n'),
    "script-from-windows": Broken(BARE + "RUN chmod 755 windows.sh\n" + 'ENTRYPOINT ["/web/windows.sh"]\n'),
    "script-without-first-line": Broken(BARE + "RUN chmod 755 headless.sh\n" + 'ENTRYPOINT ["/web/headless.sh"]\n'),
    "script-with-everything": Broken(
        BARE + "RUN chmod 644 windows.sh\nUSER 1000\n" + 'ENTRYPOINT ["/web/windows.sh"]\n'
    ),
    "unknown-user": Broken(BARE + "USER shop\n" + 'CMD ["python", "serve.py"]\n'),
    "may-not-write": Broken(BARE + "RUN mkdir /data\nUSER 1000\n" + 'CMD ["python", "writes.py"]\n'),
    "may-not-read": Broken(BARE + "RUN chmod 600 serve.py\nUSER 1000\n" + 'CMD ["python", "serve.py"]\n'),
    # Builds
    "requirements-not-copied": Broken(
        f"FROM {SLIM}\nWORKDIR /web\nRUN pip install --no-cache-dir -r requirements.txt\nCOPY . .\nEXPOSE 8000\n{SERVE}"
    ),
    "requirement-misspelt": Broken(
        f"FROM {SLIM}\nWORKDIR /web\nCOPY requirement.txt .\nRUN pip install -r requirement.txt\nCOPY . .\n"
        f"EXPOSE 8000\n{SERVE}"
    ),
    "app-in-a-folder": Broken(PLAIN.replace("COPY shop.py .", "COPY till.py .") + SERVE.replace("shop", "till")),
    "source-in-sh": Broken(
        f"FROM {SLIM}\nRUN python -m venv /v && source /v/bin/activate && pip install {PINS}\nENV PATH=/v/bin:$PATH\n"
        f"WORKDIR /web\nCOPY . .\nEXPOSE 8000\n{SERVE}"
    ),
    "no-package-lists": Broken(
        f"FROM {SLIM}\nRUN apt-get install -y --no-install-recommends curl\n"
        + BARE.partition("\n")[2]
        + 'CMD ["python", "serve.py"]\n'
    ),
    "nobody-says-yes": Broken(
        f"FROM {SLIM}\nRUN apt-get update && apt-get install curl\n"
        + BARE.partition("\n")[2]
        + 'CMD ["python", "serve.py"]\n'
    ),
    "no-curl": Broken(f"FROM {SLIM}\nRUN curl --version\n" + BARE.partition("\n")[2] + 'CMD ["python", "serve.py"]\n'),
    "no-pipenv": Broken(
        f"FROM {SLIM}\nRUN pipenv --version\n" + BARE.partition("\n")[2] + 'CMD ["python", "serve.py"]\n'
    ),
    "step-below-user": Broken(
        f"FROM {SLIM}\nUSER 1000\nRUN mkdir /data\n" + BARE.partition("\n")[2] + 'CMD ["python", "serve.py"]\n'
    ),
    "install-below-user": Broken(
        f"FROM {SLIM}\nUSER 1000\nRUN apt-get update && apt-get install -y --no-install-recommends curl\n"
        + BARE.partition("\n")[2]
        + 'CMD ["python", "serve.py"]\n'
    ),
    "script-of-the-build": Broken(BARE + "RUN ./setup.sh\n" + 'CMD ["python", "serve.py"]\n'),
    "argument-above-from": Broken(
        f"ARG FLASK=3.1.2\nFROM {SLIM}\nRUN pip install --no-cache-dir flask==$FLASK gunicorn==23.0.0\n"
        + PLAIN.partition("\n")[2].partition("\n")[2]
        + SERVE
    ),
    "no-compiler": Broken(
        f"FROM {SLIM}\nRUN pip install --no-cache-dir --no-binary=psutil psutil==6.1.1\n"
        + BARE.partition("\n")[2]
        + 'CMD ["python", "serve.py"]\n'
    ),
    # The HEALTHCHECK
    "health-without-curl": Broken(
        BARE + "HEALTHCHECK CMD curl -f http://localhost:8000/\n" + 'CMD ["python", "serve.py"]\n', ("--health",)
    ),
    # Nothing certain: these have to be told, and left alone.
    "no-such-version": Broken(
        f"FROM {SLIM}\nRUN pip install flask==99.0\n" + BARE.partition("\n")[2] + 'CMD ["python", "serve.py"]\n'
    ),
    "key-that-nobody-sets": Broken(BARE + 'CMD ["python", "reads.py"]\n'),
    "another-name": Broken(PLAIN + 'CMD ["gunicorn", "--bind=0.0.0.0:8000", "shop:application"]\n'),
    "comes-to-its-end": Broken(BARE + 'CMD ["python", "-V"]\n'),
    # Several at once
    "string-and-loopback": Broken(PLAIN + 'CMD ["gunicorn --bind=127.0.0.1:8000 shop:app"]\n'),
    "nothing-taken-and-another-port": Broken(BUILDER.replace("EXPOSE 8000", "EXPOSE 80") + SERVE),
    "user-and-string": Broken(BARE + "USER shop\n" + 'CMD ["python /web/serve.py"]\n'),
    "folder-and-loopback": Broken(PLAIN + "WORKDIR /\n" + 'CMD ["gunicorn", "shop:app"]\n'),
    "environment-and-string": Broken(
        f"{ENVIRONMENT}{BUILDER.partition(chr(10) * 2)[2]}COPY --from=builder /opt/venv /opt/venv\n"
        'CMD ["gunicorn --bind=127.0.0.1:5000 shop:app"]\n'
    ),
}
"""By name; ``FILES`` lie beside each in the build context."""
