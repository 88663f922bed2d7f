"""What people get wrong in Dockerfiles every day, on the real engine: what is said of it, and that the fix mends it.

What looks like one of the codes and is another is in ``test_diagnosis_real``.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests.support.mending import mended
from tests.support.projects import BASE, Project, Result

_SERVER = "http.server.ThreadingHTTPServer(('', 8000), http.server.SimpleHTTPRequestHandler).serve_forever()"
APPS = {
    "web/serve.py": f"import http.server\n{_SERVER}\n",
    "web/wants_key.py": f"import os, http.server\nos.environ['SHOP_KEY']\n{_SERVER}\n",
    "web/start.sh": "#!/bin/sh\nexec python /web/serve.py\n",
    "web/shop.py": "from flask import Flask\n\n\ndef create_app():\n    app = Flask(__name__)\n"
    "    app.get('/')(lambda: 'ok')\n    return app\n\n\nserved = create_app()\n",
    "web/handles.py": "from flask import Flask\n\napp = Flask(__name__)\n\n\n@app.get('/')\ndef index():\n    try:\n"
    "        import httpx\n    except ImportError:\n        app.logger.exception('no httpx')\n    return 'no', 500\n",
    "web/lazy.py": "from flask import Flask\n\napp = Flask(__name__)\n\n\n"
    "@app.get('/')\ndef index():\n    import httpx\n",
}
INSTALL = "pip install --no-cache-dir flask==3.1.2 gunicorn==23.0.0"
PLAIN = f"FROM {BASE}\nWORKDIR /web\nCOPY web .\nEXPOSE 8000\n"
FLASK = PLAIN.replace("WORKDIR", f"RUN {INSTALL}\nWORKDIR")
ENVIRONMENT = f"FROM {BASE} AS builder\nWORKDIR /build\nRUN python -m venv env && env/bin/{INSTALL}\n"
STARTS = "RUN printf '#!/bin/sh\\nexec \"$@\"\\n' > /start && chmod 755 /start\n"
# As uv and pyenv do: a Python in the home of whoever installed it, and an environment whose Python is a link to it.
OWN_PYTHON = (
    "RUN cp -a /usr/local /root/py"
    " && for name in python python3 python3.11; do ln -sf /root/py/bin/python3.11 env/bin/$name; done\n"
)


@dataclass(frozen=True)
class Mistake:
    """A Dockerfile, its code, words of the message or evidence, and the fix; ``works`` says that this makes it work."""

    dockerfile: str
    code: str
    words: str
    fix: tuple[str, ...] = ()
    works: bool = True


MISTAKES = {
    "variable-in-a-list": Mistake(
        FLASK + 'CMD ["gunicorn", "--bind=0.0.0.0:$PORT", "shop:served"]\n',
        "mixed-command-forms",
        "$PORT stays as it is written",
        ("ENV PORT=8000", 'CMD exec gunicorn "--bind=0.0.0.0:$PORT" shop:served'),
    ),
    "variable-in-a-line": Mistake(
        FLASK + "CMD gunicorn --bind=0.0.0.0:$PORT shop:served\n",
        "variable-not-set",
        "needs the environment variable PORT",
        ("ENV PORT=8000",),
    ),
    "and-in-a-list": Mistake(
        PLAIN + 'CMD ["python", "-V", "&&", "python", "serve.py"]\n',
        "mixed-command-forms",
        "“&&” is taken for an argument of python",
        ("CMD python -V && exec python serve.py",),
    ),
    "cd-in-a-list": Mistake(
        PLAIN + 'CMD ["cd", "/web", "&&", "python", "serve.py"]\n',
        "mixed-command-forms",
        "“cd” is taken for the name of a program",
        ("CMD cd /web && exec python serve.py",),
    ),
    "single-quotes": Mistake(
        PLAIN + "CMD ['python', 'serve.py']\n",
        "mixed-command-forms",
        "was meant as a list, but is none in JSON",
        ('CMD ["python", "serve.py"]',),
    ),
    "line-and-words": Mistake(
        PLAIN + 'ENTRYPOINT python\nCMD ["serve.py"]\n',
        "mixed-command-forms",
        "what follows it (serve.py) is not handed on",
        ('ENTRYPOINT ["python"]',),
    ),
    "line-for-a-program": Mistake(
        FLASK + 'ENTRYPOINT ["gunicorn"]\nCMD shop:served --bind=0.0.0.0:8000\n',
        "mixed-command-forms",
        "gunicorn is handed “/bin/sh -c …” as its arguments",
        ('CMD ["shop:served", "--bind=0.0.0.0:8000"]',),
    ),
    "option-and-value-in-one": Mistake(
        FLASK + 'CMD ["flask", "--app", "shop:served", "run", "--host 0.0.0.0", "--port 8000"]\n',
        "single-string-exec",
        "“--host 0.0.0.0” is handed on as a single argument",
        ('CMD ["flask", "--app", "shop:served", "run", "--host", "0.0.0.0", "--port", "8000"]',),
    ),
    "quotes-within-a-word": Mistake(
        FLASK + 'CMD ["gunicorn", "--bind=\'0.0.0.0:8000\'", "shop:served"]\n',
        "single-string-exec",
        "is handed on with them",
        ('CMD ["gunicorn", "--bind=0.0.0.0:8000", "shop:served"]',),
    ),
    "command-taken-away": Mistake(
        PLAIN.replace("WORKDIR", f"{STARTS}WORKDIR").replace(BASE, f"{BASE} AS base", 1)
        + 'CMD ["python", "serve.py"]\nFROM base\nENTRYPOINT ["/start"]\n',
        "no-command",
        "ENTRYPOINT takes the CMD of stage base away",
        ('CMD ["python", "serve.py"]',),
    ),
    "no-command": Mistake(
        f"FROM {BASE} AS base\nFROM scratch\nCOPY --from=base /etc/os-release /\nEXPOSE 8000\n",
        "no-command",
        "nobody says what to run",
    ),
    "folder-for-the-module": Mistake(
        FLASK + 'RUN mkdir app && mv shop.py app/app.py\nCMD ["gunicorn", "--bind=0.0.0.0:8000", "app:served"]\n',
        "application-not-found",
        "Python takes the folder /web/app for it",
        ("WORKDIR /web/app",),
    ),
    "named-like-flask": Mistake(
        FLASK + 'RUN mv shop.py flask.py\nCMD ["python", "flask.py"]\n',
        "shadowed-module",
        "/web/flask.py is named like the installed module flask",
    ),
    "no-database": Mistake(
        PLAIN + 'CMD ["python", "-c", "import socket; socket.getaddrinfo(\'db\', 5432)"]\n',
        "service-missing",
        "does not find its host",
    ),
    "byte-order-mark": Mistake(
        PLAIN + "RUN printf '\\357\\273\\277#!/bin/sh\\nexec python serve.py\\n' > /start && chmod 755 /start\n"
        'CMD ["/start"]\n',
        "script-cannot-run",
        "the first bytes of /start are EF BB BF",
        (r"RUN sed -i '1s/^\xEF\xBB\xBF//' /start",),
    ),
    "windows-line-ends-read-by-a-shell": Mistake(
        PLAIN + 'RUN printf "set -e\\r\\nexec python serve.py\\r\\n" > /start\nCMD ["sh", "/start"]\n',
        "script-cannot-run",
        "/start has Windows line ends",
        ("RUN sed -i 's/\\r$//' /start",),
    ),
    "python-left-behind": Mistake(
        f"{ENVIRONMENT}{OWN_PYTHON}{PLAIN}COPY --from=builder /build/env /build/env\n"
        'CMD ["/build/env/bin/gunicorn", "--bind=0.0.0.0:8000", "shop:served"]\n',
        "moved-virtualenv",
        "/build/env is run by /root/py/bin/python3.11, which was left behind",
        ("COPY --from=builder /root/py /root/py",),
    ),
    "python-closed-to-the-user": Mistake(
        f"{ENVIRONMENT}{OWN_PYTHON}WORKDIR /web\nCOPY web .\nEXPOSE 8000\nENV PATH=/build/env/bin:$PATH\nUSER 1000\n"
        'CMD ["python", "-m", "gunicorn", "--bind=0.0.0.0:8000", "shop:served"]\n',
        "permission-denied",
        "The program runs as 1000, who may not enter /root",
        ("RUN chmod a+x /root",),
    ),
    "packages-of-another-python": Mistake(
        f"FROM {BASE} AS builder\nRUN {INSTALL}\n{PLAIN}"
        "COPY --from=builder /usr/local/lib/python3.9/site-packages /usr/local/lib/python3.9/site-packages\n"
        'CMD ["python", "-m", "gunicorn", "--bind=0.0.0.0:8000", "shop:served"]\n',
        "copy-source-missing",
        "its Python packages are in /usr/local/lib/python3.11/site-packages",
        ("COPY --from=builder /usr/local/lib/python3.11/site-packages /usr/local/lib/python3.11/site-packages",),
    ),
    "environ-key": Mistake(
        PLAIN + 'CMD ["python", "wants_key.py"]\n', "variable-not-set", "the environment variable SHOP_KEY"
    ),
    "unbound": Mistake(
        PLAIN + 'CMD ["sh", "-c", "set -u; echo $SHOP_KEY; python serve.py"]\n',
        "variable-not-set",
        "the environment variable SHOP_KEY",
    ),
    "factory-for-the-app": Mistake(
        FLASK + 'CMD ["gunicorn", "--bind=0.0.0.0:8000", "shop:create_app"]\n',
        "application-not-found",
        "create_app, which makes the app",
        ('CMD ["gunicorn", "--bind=0.0.0.0:8000", "shop:create_app()"]',),
    ),
    "other-name": Mistake(
        FLASK + 'CMD ["gunicorn", "--bind=0.0.0.0:8000", "shop:app"]\n',
        "application-not-found",
        "The server found the module shop, which has nothing named app.",
    ),
    "no-working-dir": Mistake(
        FLASK + 'WORKDIR /\nCMD ["gunicorn", "--bind=0.0.0.0:8000", "shop:served"]\n',
        "application-not-found",
        "The module shop is in /web",
        ("WORKDIR /web",),
    ),
    "named-like-a-part-of-flask": Mistake(
        FLASK + 'RUN mv shop.py app.py\nWORKDIR /\nCMD ["gunicorn", "--bind=0.0.0.0:8000", "app:served"]\n',
        "application-not-found",
        "The module app is in /web",
        ("WORKDIR /web",),
    ),
    "beside-another-script": Mistake(
        FLASK + "RUN mkdir jobs && echo \"import shop; shop.served.run('0.0.0.0', 8000)\" > jobs/run.py\n"
        'CMD ["python", "jobs/run.py"]\n',
        "application-not-found",
        "The module shop is in /web, and Python does not look there, but beside the script.",
        ("ENV PYTHONPATH=/web",),
    ),
    "imported-late": Mistake(
        FLASK + 'CMD ["gunicorn", "--bind=0.0.0.0:8000", "lazy:app"]\n',
        "missing-python-module",
        "the reply has status 500",
        ("RUN pip install --no-cache-dir httpx",),
        works=False,
    ),
    "dealt-with-and-failed": Mistake(
        FLASK + 'CMD ["gunicorn", "--bind=0.0.0.0:8000", "handles:app"]\n', "wrong-response", "has status 500"
    ),
    "imported-by-a-worker": Mistake(
        PLAIN
        + 'CMD ["python", "-c", "import multiprocessing as m, time; m.Process(target=lambda: __import__(\'httpx\'))'
        '.start(); time.sleep(600)"]\n',
        "missing-python-module",
        "Python does not find httpx",
        ("RUN pip install --no-cache-dir httpx",),
        works=False,
    ),
    "command-of-an-entrypoint": Mistake(
        PLAIN + "RUN printf '#!/bin/sh\\nexec \"$@\"\\n' > /start && chmod 755 /start\n"
        'ENTRYPOINT ["/start"]\nCMD ["gunicorn", "shop:served"]\n',
        "executable-not-found",
        "There is no program gunicorn",
        ("RUN pip install --no-cache-dir gunicorn",),
        works=False,
    ),
    "home-in-a-list": Mistake(
        PLAIN + 'CMD ["~/start.sh"]\n',
        "executable-not-found",
        "There is no /web/~/start.sh in the image: start.sh is in /web.",
    ),
    "python-file-without-python": Mistake(
        PLAIN + 'RUN chmod 755 serve.py\nCMD ["./serve.py"]\n',
        "script-cannot-run",
        "/web/serve.py is a script without a first line",
        ("RUN sed -i '1i #!/usr/bin/env python3' /web/serve.py",),
    ),
    "several-ports": Mistake(f"FROM {BASE}\nEXPOSE 8000 9000\n", "exits-at-once", "came to its end by itself"),
    "target-folder": Mistake(
        f"FROM {BASE} AS builder\nRUN pip install --no-cache-dir --target=/deps flask==3.1.2 gunicorn==23.0.0\n{PLAIN}"
        'COPY --from=builder /deps /deps\nCMD ["python", "-m", "gunicorn", "--bind=0.0.0.0:8000", "shop:served"]\n',
        "missing-python-module",
        "gunicorn is installed in /deps, a folder that Python does not look into by itself.",
        ("ENV PYTHONPATH=/deps",),
    ),
    "nothing-taken": Mistake(
        f'{ENVIRONMENT}{PLAIN}CMD ["gunicorn", "--bind=0.0.0.0:8000", "shop:served"]\n',
        "executable-not-found",
        "stage builder has it: /build/env/bin/gunicorn",
        ("COPY --from=builder /build/env /build/env", "ENV PATH=/build/env/bin:$PATH"),
    ),
    "for-another-purpose": Mistake(
        f"FROM {BASE} AS tests\nRUN pip install --no-cache-dir pip\n{PLAIN}RUN pip install --no-cache-dir pip\n"
        'CMD ["gunicorn", "shop:served"]\n',
        "executable-not-found",
        "There is no program gunicorn",
        ("RUN pip install --no-cache-dir gunicorn",),
        works=False,
    ),
    "environment-of-another-machine": Mistake(
        PLAIN + "RUN python -m venv --without-pip env && printf '#!/home/jo/shop/env/bin/python\\n' > env/bin/serve"
        ' && chmod 755 env/bin/serve\nCMD ["env/bin/serve"]\n',
        "moved-virtualenv",
        "was made at /home/jo/shop/env and moved to /web/env",
    ),
    "not-in-the-requirements": Mistake(
        PLAIN + 'CMD ["python", "-m", "gunicorn", "--version"]\n',
        "missing-python-module",
        "Python does not find gunicorn",
        ("RUN pip install --no-cache-dir gunicorn",),
        works=False,
    ),
    "worker-class": Mistake(
        FLASK + 'CMD ["gunicorn", "-k", "uvicorn.workers.UvicornWorker", "shop:served"]\n',
        "missing-python-module",
        "Python does not find uvicorn",
        ("RUN pip install --no-cache-dir uvicorn",),
        works=False,
    ),
    "moved-environment-by-a-shell": Mistake(
        f"{ENVIRONMENT}FROM {BASE}\nCOPY --from=builder /build/env /env\nENV PATH=/env/bin:$PATH\nEXPOSE 8000\n"
        "CMD gunicorn --bind=0.0.0.0:8000 shop:served\n",
        "moved-virtualenv",
        "was made at /build/env and moved to /env",
        ("COPY --from=builder /build/env /build/env", "ENV PATH=/build/env/bin:$PATH"),
        works=False,
    ),
    "relative-and-not-executable": Mistake(
        PLAIN + 'ENTRYPOINT ["./start.sh"]\n',
        "permission-denied",
        "/web/start.sh is not marked as executable",
        ("RUN chmod 755 /web/start.sh",),
    ),
    "no-slash": Mistake(
        PLAIN + 'RUN chmod 755 start.sh\nENTRYPOINT ["start.sh"]\n',
        "executable-not-found",
        "a program without a slash is looked for on PATH alone",
        ('ENTRYPOINT ["/web/start.sh"]',),
    ),
    "no-entrypoint": Mistake(
        PLAIN + 'ENTRYPOINT ["/docker-entrypoint.sh"]\n',
        "executable-not-found",
        "There is no /docker-entrypoint.sh in the image.",
    ),
    "script-elsewhere": Mistake(
        PLAIN + 'WORKDIR /srv\nCMD ["python", "serve.py"]\n',
        "application-not-found",
        "serve.py is in /web",
        ("WORKDIR /web",),
    ),
    "unreadable-script": Mistake(
        PLAIN + 'RUN chmod -R go-rwx /web\nUSER 1000\nCMD ["python", "serve.py"]\n',
        "permission-denied",
        "may not read /web/serve.py",
        ("RUN chmod -R a+rX /web",),
    ),
    "scratch-and-a-line": Mistake(
        f"FROM {BASE} AS builder\nFROM scratch\nCOPY --from=builder /usr/local /usr/local\nEXPOSE 8000\n"
        "CMD python app.py\n",
        "executable-not-found",
        "CMD is a line for a shell, and this image has no /bin/sh.",
        ('CMD ["python", "app.py"]',),
        works=False,
    ),
    "scratch-and-a-dynamic-program": Mistake(
        f'FROM {BASE} AS builder\nFROM scratch\nCOPY --from=builder /bin/cat /cat\nEXPOSE 8000\nCMD ["/cat"]\n',
        "missing-shared-library",
        "/cat is not a static program",
    ),
    "unix-socket": Mistake(
        FLASK + 'CMD ["gunicorn", "--bind=unix:/tmp/shop.sock", "shop:served"]\n',
        "never-listens",
        "The app listens on the Unix socket /tmp/shop.sock, and on no port.",
        ('CMD ["gunicorn", "--bind=0.0.0.0:8000", "shop:served"]',),
    ),
    "no-such-version": Mistake(
        f"FROM {BASE}\nRUN pip install flask==99.0\n", "package-not-found", "but other versions"
    ),
    "no-network": Mistake(
        f"FROM {BASE}\nRUN pip install --retries 1 --index-url https://no.such.host.invalid flask\n",
        "build-failed",
        "did not reach what it wanted to download from",
    ),
    "no-package-lists": Mistake(
        f"FROM {BASE}\nRUN apt-get install -y curl\n",
        "package-not-found",
        "the step has no apt-get update",
        ("RUN apt-get update && apt-get install -y curl && rm -rf /var/lib/apt/lists/*",),
        works=False,
    ),
    "no-git": Mistake(
        f"FROM {BASE}\nRUN git clone https://no.such.host.invalid/shop.git\n",
        "command-not-found",
        "The step calls git",
        ("RUN apt-get update && apt-get install -y --no-install-recommends git && rm -rf /var/lib/apt/lists/*",),
        works=False,
    ),
    "below-user": Mistake(
        f"FROM {BASE}\nUSER 1000\nRUN mkdir /data\n",
        "permission-denied",
        "The step runs as 1000, who may not do that.",
        ("USER root", "RUN mkdir /data", "USER 1000"),
        works=False,
    ),
    "no-such-stage": Mistake(
        f"FROM {BASE}\nCOPY --from=builder /shop /shop\n", "image-unavailable", "names no stage of the Dockerfile"
    ),
    "above-the-context": Mistake(
        f"FROM {BASE}\nCOPY ../secret /secret\n", "copy-source-missing", "../secret, which is above the build context"
    ),
}
MENDABLE = tuple(name for name, mistake in MISTAKES.items() if mistake.fix and mistake.works)


@pytest.fixture(scope="module")
def seen(lasting_project: Project) -> Result:
    """One run of all."""
    lasting_project.write(APPS | {f"{name}.Dockerfile": one.dockerfile for name, one in MISTAKES.items()})
    files = [f"{name}.Dockerfile" for name in MISTAKES]
    return lasting_project("run", *files, "--timeout", "10", "--jobs", "6", "--expect-body-pattern", ".*", "--json")


@pytest.mark.parametrize("name", MISTAKES)
def test_what_is_said_of_it(seen: Result, name: str) -> None:
    """The code, the sentence or the proof, and the very lines that mend it."""
    expected, failure = MISTAKES[name], seen.variant(name)["failure"]
    text = "\n".join([failure["message"], *failure["evidence"]])
    assert (failure["code"], tuple(failure["fix"])) == (expected.code, expected.fix), text
    assert expected.words in text
    assert failure["hint"] or failure["fix"]
    assert bool(failure["edits"]) == bool(failure["fix"]), "lines without a place"


@pytest.fixture(scope="module")
def repaired(lasting_project: Project, seen: Result) -> Result:
    """One run of those that the fix alone mends, with the fix put where its edits say."""
    failures = {name: seen.variant(name)["failure"] for name in MENDABLE}
    files = {
        f"mended/{name}.Dockerfile": mended(MISTAKES[name].dockerfile, failure["edits"])
        for name, failure in failures.items()
    }
    lasting_project.write(files)
    return lasting_project("run", *files, "--timeout", "120", "--expect-body-pattern", ".*", "--json")


@pytest.mark.parametrize("name", MENDABLE)
def test_the_fix_mends_it(repaired: Result, name: str) -> None:
    """Nobody has to know more than where to put it."""
    variant = repaired.variant(name)
    assert (variant["verdict"], variant["failure"]) == ("works", None)
