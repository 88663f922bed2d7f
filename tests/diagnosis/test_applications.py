"""A server that does not find its application, or another in its place; variables, versions and permissions."""

from __future__ import annotations

import pytest

from imgcompare.engine.interface import Listener
from tests.support.cases import SITE, Example, File, Files, Row, folder, package

SLIM = "FROM python:3.11-slim\nWORKDIR /srv\nCOPY . .\nEXPOSE 8000\n"
NO_ATTRIBUTE = "Failed to find attribute 'app' in 'app'."
NO_APP = "Error: Failed to find Flask application or factory in module 'app'. Use 'app:name' to specify one."
WAITRESS = """There was an exception (AttributeError) importing your module.
It had these arguments:
1. module 'app' has no attribute 'app'"""
NO_FLASK_APP = "Error: Could not locate a Flask application. You did not provide the 'FLASK_APP' environment variable."
GUNICORN = 'CMD ["gunicorn", "app:app"]'
FOLDER: Files = {"/srv/app/app.py": ""}
ALL = Listener("0.0.0.0", 8000)
FLASK = package("flask", "3.1.2")


def traced(error: str, *files: str) -> str:
    """A traceback through these files."""
    frames = "".join(f'  File "{file}", line 1, in <module>\n    import x\n' for file in files or ("/srv/app.py",))
    return f"Traceback (most recent call last):\n{frames}{error}"


def shop(command: str, files: Files, **more: object) -> Example:
    """An image with an application of these files."""
    return Example(f"{SLIM}{command}\n", files, **more)  # type: ignore[arg-type]


CIRCULAR = (
    "cannot import name '{0}' from partially initialized module '{1}' (most likely due to a circular import) ({2})"
)

ROWS = {
    "a folder for the module, gunicorn": Row(
        lambda: shop(GUNICORN, FOLDER).exits(4, NO_ATTRIBUTE),
        "application-not-found",
        "Python takes the folder /srv/app for it",
        ("WORKDIR /srv/app",),
    ),
    "a folder for the module, flask": Row(
        lambda: shop('CMD ["flask", "run"]', FOLDER).exits(2, NO_APP),
        "application-not-found",
        "this image has /srv/app/app.py",
        ("WORKDIR /srv/app",),
    ),
    "a folder for the module, uvicorn": Row(
        lambda: shop('CMD ["uvicorn", "app:app"]', FOLDER).exits(
            3, 'ERROR:    Error loading ASGI app. Attribute "app" not found in module "app".'
        ),
        "application-not-found",
        "Python takes the folder /srv/app for it",
        ("WORKDIR /srv/app",),
    ),
    "a folder for the module, waitress": Row(
        lambda: shop('CMD ["waitress-serve", "app:app"]', FOLDER).exits(1, WAITRESS),
        "application-not-found",
        "Python takes the folder /srv/app for it",
        ("WORKDIR /srv/app",),
    ),
    "a folder for the module, started by Python": Row(
        lambda: shop('CMD ["python", "-m", "app"]', FOLDER).exits(
            1, "/usr/local/bin/python: No module named app.__main__; 'app' is a package and cannot be directly executed"
        ),
        "application-not-found",
        "Python takes the folder /srv/app for it",
        ("WORKDIR /srv/app",),
    ),
    "a folder for the module, within one": Row(
        lambda: shop('WORKDIR /\nCMD ["gunicorn", "srv.app:app"]', FOLDER).exits(
            4, "Failed to find attribute 'app' in 'srv.app'."
        ),
        "application-not-found",
        "Python takes the folder /srv/app for it",
    ),
    "a folder for the module, where an option leads": Row(
        lambda: shop('WORKDIR /\nCMD ["gunicorn", "--chdir", "/srv", "app:app"]', FOLDER).exits(4, NO_ATTRIBUTE),
        "application-not-found",
        "Python takes the folder /srv/app for it",
    ),
    "an empty folder for the module": Row(
        lambda: shop(GUNICORN, {"/srv/app": folder()}).exits(4, NO_ATTRIBUTE),
        "application-not-found",
        "Python takes the folder /srv/app for it",
    ),
    "a module without that name": Row(
        lambda: shop(GUNICORN, {"/srv/app.py": "", **FOLDER}).exits(4, NO_ATTRIBUTE),
        "application-not-found",
        "The server found the module app, which has nothing named app.",
    ),
    "a package without that name": Row(
        lambda: shop(GUNICORN, {"/srv/app/__init__.py": "", **FOLDER}).exits(4, NO_ATTRIBUTE),
        "application-not-found",
        "The server found the module app, which has nothing named app.",
    ),
    "a module without that name, and the server has not yet ended": Row(
        lambda: shop(GUNICORN, {"/srv/app.py": ""}).is_silent(
            f"Listening at: http://0.0.0.0:8000 (1)\n{NO_ATTRIBUTE}", [ALL]
        ),
        "application-not-found",
        "The server found the module app, which has nothing named app.",
    ),
    "a module without an application": Row(
        lambda: shop('CMD ["flask", "run"]', {"/srv/app.py": ""}).exits(2, NO_APP),
        "application-not-found",
        "which has no Flask application in it",
    ),
    "no application in the working directory": Row(
        lambda: shop('WORKDIR /\nCMD ["flask", "run"]', {"/srv/app.py": ""}).exits(2, NO_FLASK_APP),
        "application-not-found",
        "FLASK_APP is not set",
        ("WORKDIR /srv",),
    ),
    "no application anywhere": Row(
        lambda: shop('CMD ["flask", "run"]', {}).exits(2, NO_FLASK_APP),
        "application-not-found",
        "/srv has no app.py or wsgi.py",
    ),
    "an application that cannot be imported": Row(
        lambda: shop('WORKDIR /\nENV FLASK_APP=shop\nCMD ["flask", "run"]', {"/srv/shop.py": ""}).exits(
            2, "Error: Could not import 'shop'."
        ),
        "application-not-found",
        "this image has shop: /srv",
        ("WORKDIR /srv",),
    ),
    "a script elsewhere": Row(
        lambda: shop('WORKDIR /\nCMD ["python", "app.py"]', {"/srv/app.py": ""}).exits(
            2, "python: can't open file '/app.py': [Errno 2] No such file or directory"
        ),
        "application-not-found",
        "app.py is in /srv",
        ("WORKDIR /srv",),
    ),
    "a script nowhere": Row(
        lambda: shop('CMD ["python", "app.py"]', {}).exits(
            2, "python: can't open file '/srv/app.py': [Errno 2] No such file or directory"
        ),
        "application-not-found",
        "the image has no such file",
    ),
    "a script that may not be read": Row(
        lambda: shop('USER 1000\nCMD ["python", "app.py"]', {"/srv/app.py": File("", 0o600)}).exits(
            2, "python: can't open file '/srv/app.py': [Errno 13] Permission denied"
        ),
        "permission-denied",
        "/srv/app.py: user 0, mode 0600",
        ("RUN chmod -R a+rX /srv",),
    ),
    "a factory for the application": Row(
        lambda: shop('CMD ["gunicorn", "app:create_app"]', {"/srv/app.py": ""}).replies(
            500,
            "Error handling request /\n"
            + traced("TypeError: create_app() takes 0 positional arguments but 2 were given"),
        ),
        "application-not-found",
        "create_app, which makes the app",
        ('CMD ["gunicorn", "app:create_app()"]',),
    ),
    # A file of the application with another module's name.
    "named like Flask": Row(
        lambda: shop('CMD ["python", "flask.py"]', {"/srv/flask.py": "", **FLASK}).exits(
            1, traced(f"ImportError: {CIRCULAR.format('Flask', 'flask', '/srv/flask.py')}", "/srv/flask.py")
        ),
        "shadowed-module",
        "/srv/flask.py is named like the installed module flask",
    ),
    "named like Flask, before the files are read": Row(
        lambda: shop('CMD ["python", "flask.py"]', {}, unread=True).exits(
            1, traced(f"ImportError: {CIRCULAR.format('Flask', 'flask', '/srv/flask.py')}", "/srv/flask.py")
        ),
        "shadowed-module",
        "/srv/flask.py is named like",
    ),
    "named like Flask, by a newer Python": Row(
        lambda: shop('CMD ["python", "flask.py"]', {"/srv/flask.py": "", **FLASK}).exits(
            1,
            traced(
                "ImportError: cannot import name 'Flask' from 'flask' (consider renaming '/srv/flask.py' if it has the "
                "same name as a library you intended to import)",
                "/srv/flask.py",
            ),
        ),
        "shadowed-module",
        "/srv/flask.py is named like the installed module flask",
    ),
    "named like Flask, and served": Row(
        lambda: shop('CMD ["flask", "--app", "flask", "run"]', {"/srv/flask.py": "", **FLASK}).exits(
            2, NO_APP.replace("'app'", "'flask'")
        ),
        "shadowed-module",
        "/srv/flask.py is named like the installed module flask",
    ),
    "named like a module of Python's own": Row(
        lambda: shop('CMD ["python", "app.py"]', {"/srv/app.py": "", "/srv/random.py": ""}).exits(
            1,
            traced(
                "ImportError: cannot import name 'random' from 'random' (/srv/random.py)", f"{SITE}/werkzeug/test.py"
            ),
        ),
        "shadowed-module",
        "/srv/random.py is named like Python's own module random",
    ),
    "named like a package of Python's own": Row(
        lambda: shop('CMD ["python", "app.py"]', {"/srv/app.py": "", "/srv/http.py": ""}).exits(
            1, traced("ModuleNotFoundError: No module named 'http.server'; 'http' is not a package")
        ),
        "shadowed-module",
        "/srv/http.py is named like Python's own module http",
    ),
    "named like a module, and without what it should have": Row(
        lambda: shop('CMD ["python", "app.py"]', {"/srv/app.py": "", "/srv/logging.py": ""}).exits(
            1,
            traced(
                "AttributeError: partially initialized module 'logging' has no attribute 'getLogger' (most likely due "
                "to a circular import)",
                "/srv/logging.py",
            ),
        ),
        "shadowed-module",
        "/srv/logging.py is named like Python's own module logging",
    ),
    "a folder named like an installed package": Row(
        lambda: shop(
            'CMD ["python", "app.py"]', {"/srv/app.py": "", "/srv/werkzeug/__init__.py": "", **package("werkzeug")}
        ).exits(1, traced("ModuleNotFoundError: No module named 'werkzeug.local'", f"{SITE}/flask/globals.py")),
        "shadowed-module",
        "/srv/werkzeug/__init__.py is named like the installed module werkzeug",
    ),
    "two modules of the application that import each other": Row(
        lambda: shop('CMD ["python", "app.py"]', {"/srv/a.py": "", "/srv/b.py": ""}).exits(
            1, traced(f"ImportError: {CIRCULAR.format('a', 'a', '/srv/a.py')}", "/srv/a.py", "/srv/b.py")
        ),
        "exits-at-once",
        "circular import",
    ),
    "a name that the application's own module lacks": Row(
        lambda: shop('CMD ["python", "app.py"]', {"/srv/shop.py": ""}).exits(
            1, traced("ImportError: cannot import name 'app' from 'shop' (/srv/shop.py)")
        ),
        "exits-at-once",
        "cannot import name",
    ),
    "an attribute that an installed module lacks": Row(
        lambda: shop('CMD ["python", "app.py"]', {"/srv/app.py": "", **FLASK}).exits(
            1, traced("AttributeError: module 'flask' has no attribute 'ext'")
        ),
        "exits-at-once",
        "has no attribute",
    ),
    # Packages that do not fit together.
    "another version of a package": Row(
        lambda: shop('CMD ["flask", "run"]', {**package("flask", "2.0.3"), **package("werkzeug", "3.0.1")}).exits(
            1,
            traced(
                f"ImportError: cannot import name 'url_quote' from 'werkzeug.urls' ({SITE}/werkzeug/urls.py)",
                f"{SITE}/flask/app.py",
            ),
        ),
        "incompatible-packages",
        "flask 2.0.3 imports url_quote from werkzeug.urls, which the installed werkzeug 3.0.1 does not have",
        ('RUN pip install --no-cache-dir "werkzeug<3"',),
    ),
    "what Flask had once": Row(
        lambda: shop('CMD ["python", "app.py"]', FLASK).exits(
            1, traced("AttributeError: 'Flask' object has no attribute 'before_first_request'")
        ),
        "incompatible-packages",
        "/srv/app.py uses before_first_request of flask, which the installed flask 3.1.2 does not have",
        ('RUN pip install --no-cache-dir "flask<2.3" "werkzeug<3"',),
    ),
    "what Flask had once, above gunicorn's own words": Row(
        lambda: shop(GUNICORN, FLASK).exits(
            1,
            traced("AttributeError: 'Flask' object has no attribute 'before_first_request'")
            + "\n[2026-11-28 15:05:31 +0000] [7] [INFO] Worker exiting (pid: 7)\n"
            + traced(
                "gunicorn.errors.HaltServer: <HaltServer 'Worker failed to boot.' 3>", f"{SITE}/gunicorn/arbiter.py"
            )
            + "\n\nDuring handling of the above exception, another exception occurred:\n\n"
            + traced(
                "gunicorn.errors.HaltServer: <HaltServer 'Worker failed to boot.' 3>", f"{SITE}/gunicorn/arbiter.py"
            ),
        ),
        "incompatible-packages",
        "/srv/app.py uses before_first_request of flask",
        ('RUN pip install --no-cache-dir "flask<2.3" "werkzeug<3"',),
    ),
    "what Flask never had": Row(
        lambda: shop('CMD ["python", "app.py"]', FLASK).exits(
            1, traced("AttributeError: 'Flask' object has no attribute 'serve'")
        ),
        "exits-at-once",
        "has no attribute 'serve'",
    ),
    "what another package needs of a module": Row(
        lambda: shop('CMD ["python", "app.py"]', package("numpy", "2.1.0") | package("shopkit", "1.2")).exits(
            1, traced("AttributeError: module 'numpy' has no attribute 'bool'", f"{SITE}/shopkit/__init__.py")
        ),
        "incompatible-packages",
        "shopkit 1.2 uses bool of numpy, which the installed numpy 2.1.0 does not have",
    ),
    "what a package does not find in itself": Row(
        lambda: shop('CMD ["python", "app.py"]', package("shopkit", "1.2")).exits(
            1, traced("AttributeError: module 'shopkit' has no attribute 'x'", f"{SITE}/shopkit/__init__.py")
        ),
        "exits-at-once",
        "has no attribute 'x'",
    ),
    # Variables that nobody sets.
    "a variable of os.environ": Row(
        lambda: shop('CMD ["python", "app.py"]', {}).exits(
            1, traced("KeyError: 'SHOP_KEY'", "/srv/app.py", "<frozen os>")
        ),
        "variable-not-set",
        "needs the environment variable SHOP_KEY",
    ),
    "a variable of a shell": Row(
        lambda: shop('CMD ["sh", "start.sh"]', {}).exits(2, "start.sh: 3: SHOP_KEY: parameter not set"),
        "variable-not-set",
        "needs the environment variable SHOP_KEY",
    ),
    "a port that nobody sets": Row(
        lambda: shop("CMD gunicorn --bind=:$PORT app:app", {}).exits(1, "Error: '' is not a valid port number."),
        "variable-not-set",
        "the image's CMD has $PORT",
        ("ENV PORT=8000",),
    ),
    "a port that nobody sets, and none exposed": Row(
        lambda: Example("FROM python:3.11-slim\nCMD exec gunicorn --bind :$PORT app:app\n").exits(
            1, "Error: '' is not a valid port number."
        ),
        "variable-not-set",
        "the image's CMD has $PORT",
        ("ENV PORT=8000",),
    ),
    "a port that nobody sets, and two exposed": Row(
        lambda: shop("EXPOSE 9000\nCMD gunicorn --bind=:$PORT app:app", {}).exits(
            1, "Error: '' is not a valid port number."
        ),
        "variable-not-set",
        "the image's CMD has $PORT",
    ),
    "a key of a dictionary": Row(
        lambda: shop('CMD ["python", "app.py"]', {}).exits(1, traced("KeyError: 'SHOP_KEY'")),
        "exits-at-once",
        "KeyError",
    ),
    "a variable that is set": Row(
        lambda: shop('ENV SHOP_KEY=1\nCMD ["python", "app.py"]', {}).exits(
            1, traced("KeyError: 'SHOP_KEY'", "/srv/app.py", "<frozen os>")
        ),
        "exits-at-once",
        "KeyError",
    ),
    # Files that may not be touched.
    "a folder of root's": Row(
        lambda: shop('USER 1000\nCMD ["python", "app.py"]', {"/srv/app.py": "", "/srv": folder()}).exits(
            1, traced("PermissionError: [Errno 13] Permission denied: '/srv/shop.db'")
        ),
        "permission-denied",
        "/srv belongs to user 0",
        ("RUN chown 1000 /srv",),
    ),
    "denied to root": Row(
        lambda: shop('CMD ["python", "app.py"]', {"/srv/app.py": ""}).exits(
            1, traced("PermissionError: [Errno 13] Permission denied: '/srv/shop.db'")
        ),
        "exits-at-once",
        "PermissionError",
    ),
}


@pytest.mark.parametrize("name", ROWS)
def test_an_application_that_cannot_be_served(name: str) -> None:
    """The cause, its proof, and the very lines that mend it; none where it would be a guess."""
    ROWS[name].check()
