"""Codes of what goes wrong with Python, its packages and the app."""

from __future__ import annotations

from imgcompare.diagnosis.explanations.entry import Explanation

PYTHON = (
    Explanation(
        code="missing-python-module",
        summary="Python does not find a package that the program imports",
        looks=("ModuleNotFoundError: No module named 'flask'",),
        why="pip puts packages into Python's own folder, site-packages, and not into the folder of your app. A "
        "last stage that copies only /app from the builder leaves them behind. The image is smaller by "
        "exactly what it lacks. The surest way to take everything along is a virtual environment: one folder "
        "that holds the packages and their commands.",
        before=("COPY --from=builder /app /app",),
        after=(
            "# in the builder",
            "RUN python -m venv /opt/venv",
            "RUN /opt/venv/bin/pip install --no-cache-dir -r requirements.txt",
            "# in the last stage",
            "COPY --from=builder /opt/venv /opt/venv",
            "ENV PATH=/opt/venv/bin:$PATH",
        ),
        see=(
            'docker run --rm --entrypoint python IMAGE -c "import flask"',
            "docker run --rm --entrypoint pip IMAGE list",
        ),
    ),
    Explanation(
        code="user-site-as-other-user",
        summary="packages were installed with `--user` for somebody else than the image's USER",
        looks=("ModuleNotFoundError: No module named 'flask'", "# as root it works: docker run --user root …"),
        why="`pip install --user` puts packages into the home folder of whoever runs it, in a Dockerfile root's: "
        "/root/.local. Each user's Python looks into that user's own home only, and other users may not even "
        "enter /root.",
        before=("RUN pip install --user -r requirements.txt", "USER app"),
        after=("RUN pip install --no-cache-dir -r requirements.txt", "USER app"),
        see=(
            "docker run --rm --entrypoint python IMAGE -m site",
            "docker run --rm --user root --entrypoint ls IMAGE /root/.local",
        ),
    ),
    Explanation(
        code="moved-virtualenv",
        summary="a virtual environment is not where it was made, or the Python that made it is gone",
        looks=("exec /opt/venv/bin/gunicorn: no such file or directory", "# and yet the file is there"),
        why="The commands in a virtual environment begin with the full path of its Python, as "
        "#!/build/venv/bin/python. When the environment is copied to another path, that Python does not "
        "exist, and the kernel says “no such file” of the command, which does. The same happens when its "
        "Python is a link to one that the last stage does not have: uv and pyenv keep theirs in somebody's home.",
        before=("COPY --from=builder /build/venv /opt/venv",),
        after=("COPY --from=builder /build/venv /build/venv", "ENV PATH=/build/venv/bin:$PATH"),
        see=("docker run --rm --entrypoint head IMAGE -1 /opt/venv/bin/gunicorn",),
    ),
    Explanation(
        code="virtualenv-not-used",
        summary="packages are in a virtual environment, and another Python runs the program",
        looks=("ModuleNotFoundError: No module named 'flask'",),
        why="`python` is the first Python on PATH. As long as the environment's bin folder does not come first "
        "there, that is the image's own Python, which knows nothing of the environment. `RUN source "
        "…/activate` lasts for that one RUN only.",
        before=("COPY --from=builder /opt/venv /opt/venv", 'CMD ["python", "app.py"]'),
        after=(
            "COPY --from=builder /opt/venv /opt/venv",
            "ENV PATH=/opt/venv/bin:$PATH",
            'CMD ["python", "app.py"]',
        ),
        see=("docker run --rm --entrypoint which IMAGE python",),
    ),
    Explanation(
        code="python-version-mismatch",
        summary="packages are installed for another Python version than the image's",
        looks=(
            "ModuleNotFoundError: No module named 'flask'",
            "# although /usr/local/lib/python3.9/site-packages/flask is there",
        ),
        why="Each minor version of Python looks into a folder of its own: Python 3.11 into "
        "lib/python3.11/site-packages. When one stage moves to a new Python and the other, or a path in a "
        "COPY, stays behind, the packages lie where nobody looks. Compiled ones would not run there anyway.",
        before=("FROM python:3.11 AS builder", "…", "FROM python:3.12-slim"),
        after=(
            "ARG PYTHON_VERSION=3.12",
            "FROM python:${PYTHON_VERSION} AS builder",
            "…",
            "FROM python:${PYTHON_VERSION}-slim",
        ),
        see=(
            "docker run --rm --entrypoint python IMAGE --version",
            "docker run --rm --entrypoint sh IMAGE -c 'ls -d /usr/local/lib/python3*'",
        ),
    ),
    Explanation(
        code="incompatible-packages",
        summary="a package imports what the installed version of another does not have",
        looks=("ImportError: cannot import name 'url_quote' from 'werkzeug.urls'",),
        why="A package says which others it needs, often without an upper bound: Flask 2.2 takes any Werkzeug "
        "from 2.2 on. Where only Flask is pinned, pip takes the newest Werkzeug, and one day that has lost "
        "what the old Flask imports. The Dockerfile did not change, and yet the build of today is another "
        "one.",
        before=("RUN pip install flask==2.2.2",),
        after=(
            'RUN pip install --no-cache-dir flask==2.2.2 "werkzeug<3"',
            "# better: pin all of them, as `pip freeze` prints them, in requirements.txt",
        ),
        see=("docker run --rm --entrypoint pip IMAGE freeze",),
    ),
    Explanation(
        code="shadowed-module",
        summary="a file of the app is named like a module that it imports",
        looks=(
            "ImportError: cannot import name 'Flask' from partially initialized module 'flask' (/app/flask.py)",
            "ModuleNotFoundError: No module named 'http.server'; 'http' is not a package",
        ),
        why="Python looks for modules beside the program first, and only then among its own and the installed ones. An "
        "app in flask.py that imports flask imports itself; a helper named random.py or logging.py breaks every "
        "package that imports Python's own.",
        before=("COPY flask.py .", 'CMD ["python", "flask.py"]'),
        after=("COPY shop.py .", 'CMD ["python", "shop.py"]'),
        see=("docker run --rm IMAGE python -c 'import flask; print(flask.__file__)'",),
    ),
    Explanation(
        code="application-not-found",
        summary="the server does not find the app that it is to serve",
        looks=(
            "Error: Could not locate a Flask application.",
            "ModuleNotFoundError: No module named 'app'",
            "Failed to find attribute 'app' in 'wsgi'.",
        ),
        why="Servers import your app by its module's name, and they look for it where the program starts (WORKDIR); "
        "python x.py looks beside x.py. Either the app lies in another folder, or COPY left it out, or it "
        "has another name than the command says. `flask run` looks for app.py and wsgi.py unless FLASK_APP or "
        "--app says otherwise.",
        before=("COPY . /app/", 'CMD ["flask", "run", "--host=0.0.0.0"]'),
        after=("WORKDIR /app", "COPY . .", "ENV FLASK_APP=shop.wsgi", 'CMD ["flask", "run", "--host=0.0.0.0"]'),
        see=("docker run --rm --entrypoint sh IMAGE -c 'pwd; ls'",),
    ),
)
