"""Python does not find a module: what is said of it, by the files of the image, its stages and other variants."""

from __future__ import annotations

import pytest

from tests.support.cases import SITE, Example, Files, Row, folder, link, package

NO_FLASK = """Traceback (most recent call last):
  File "/app/app.py", line 1, in <module>
ModuleNotFoundError: No module named 'flask'"""
SLIM = "FROM python:3.11-slim\nWORKDIR /app\nCOPY app.py .\nEXPOSE 8000\n"
APP = f'{SLIM}CMD ["python", "app.py"]\n'
BUILDER = "FROM python:3.11 AS builder\nRUN pip install flask\n"
TWO = f"{BUILDER}{SLIM}COPY --from=builder /made /made\n"
FILES: Files = {"/app/app.py": "import flask"}
GUNICORN = "/usr/local/bin/python: No module named gunicorn"
UV = "/root/.local/share/uv/python/cpython-3.11"
ENVIRONMENT: Files = {
    "/app/.venv/bin/python": link(f"{UV}/bin/python3.11"),
    "/app/.venv/bin/gunicorn": "#!/app/.venv/bin/python\n",
    "/app/.venv/pyvenv.cfg": "version_info = 3.11.9\n",
    **package("gunicorn", site="/app/.venv/lib/python3.11/site-packages"),
}
UV_PYTHON: Files = {f"{UV}/bin/python3.11": "\x7fELF"}
WITH_UV = (
    "FROM python:3.11-slim AS builder\nRUN uv sync\nFROM python:3.11-slim\nCOPY --from=builder /app /app\n"
    "ENV PATH=/app/.venv/bin:$PATH\n"
)
UV_STAGE = {"builder": {**ENVIRONMENT, **UV_PYTHON}}
COPY_UV = f"COPY --from=builder {UV} {UV}"
CLOSED: Files = {"/root": folder(0o700), **ENVIRONMENT, **UV_PYTHON}
VENV: Files = {
    "/opt/venv/bin/python": link("/usr/local/bin/python3.11"),
    "/opt/venv/pyvenv.cfg": "version = 3.11.2\n",
}


ROWS = {
    # What SQLAlchemy takes for postgresql:// since 2.1; the bare package finds no libpq on slim images.
    "named otherwise in the index": Row(
        lambda: Example(APP, FILES).exits(1, NO_FLASK.replace("flask", "psycopg")),
        "missing-python-module",
        "Python does not find psycopg: it is in no layer of this image",
        ("RUN pip install --no-cache-dir 'psycopg[binary]'",),
    ),
    "in a stage": Row(
        lambda: Example(f'{TWO}CMD ["python", "app.py"]\n', FILES, {"builder": package("flask", "3.1.2")}).exits(
            1, NO_FLASK
        ),
        "missing-python-module",
        f"stage builder has it: {SITE}/flask",
        (f"COPY --from=builder {SITE} {SITE}",),
    ),
    "in a stage's virtual environment": Row(
        lambda: Example(
            f'{TWO}CMD ["python", "app.py"]\n',
            FILES,
            {"builder": VENV | package("flask", site="/opt/venv/lib/python3.11/site-packages")},
        ).exits(1, NO_FLASK),
        "missing-python-module",
        "it is in stage builder and in no layer",
        ("COPY --from=builder /opt/venv /opt/venv", "ENV PATH=/opt/venv/bin:$PATH"),
    ),
    "in a stage's virtual environment, which PATH names": Row(
        lambda: Example(
            f'{TWO}ENV PATH=/opt/venv/bin:$PATH\nCMD ["python", "app.py"]\n',
            FILES,
            {"builder": VENV | package("flask", site="/opt/venv/lib/python3.11/site-packages")},
        ).exits(1, NO_FLASK),
        "missing-python-module",
        "it is in stage builder and in no layer",
        ("COPY --from=builder /opt/venv /opt/venv",),
    ),
    "in a stage's prefix": Row(
        lambda: Example(
            f'{TWO}CMD ["python", "app.py"]\n',
            FILES,
            {"builder": package("flask", site="/install/lib/python3.11/site-packages")},
        ).exits(1, NO_FLASK),
        "missing-python-module",
        "it is in stage builder",
        ("COPY --from=builder /install /usr/local",),
    ),
    "in another variant": Row(
        lambda: Example(APP, FILES, others={"full": package("flask")}).exits(1, NO_FLASK),
        "missing-python-module",
        f"the variant full has it: {SITE}/flask",
        ("RUN pip install --no-cache-dir flask",),
    ),
    "nowhere": Row(
        lambda: Example(APP, FILES).exits(1, NO_FLASK),
        "missing-python-module",
        "it is in no layer of this image",
        ("RUN pip install --no-cache-dir flask",),
    ),
    "nowhere, and named otherwise by its package": Row(
        lambda: Example(APP, FILES).exits(1, NO_FLASK.replace("flask", "yaml")),
        "missing-python-module",
        "Python does not find yaml",
        ("RUN pip install --no-cache-dir PyYAML",),
    ),
    "nowhere, before the files are read": Row(
        lambda: Example(APP, FILES, unread=True).exits(1, NO_FLASK), "missing-python-module", "does not find flask"
    ),
    "in a stage that nothing is taken from": Row(
        lambda: Example(f"{BUILDER}{APP}", FILES).exits(1, NO_FLASK),
        "missing-python-module",
        "stage builder installs packages, and this image takes nothing from it",
    ),
    "in an environment that is not used": Row(
        lambda: Example(APP, FILES | VENV | package("flask", site="/opt/venv/lib/python3.11/site-packages")).exits(
            1, NO_FLASK
        ),
        "virtualenv-not-used",
        "installed in the virtual environment /opt/venv",
        ("ENV PATH=/opt/venv/bin:$PATH",),
    ),
    "in an environment that PATH begins with, and started by another Python's path": Row(
        lambda: Example(
            f'{SLIM}ENV PATH=/opt/venv/bin:$PATH\nCMD ["/usr/local/bin/python", "app.py"]\n',
            FILES | VENV | package("flask", site="/opt/venv/lib/python3.11/site-packages"),
        ).exits(1, NO_FLASK),
        "virtualenv-not-used",
        "PATH begins with /opt/venv/bin",
        ('CMD ["/opt/venv/bin/python", "app.py"]',),
    ),
    "in an environment whose Python was left behind": Row(
        lambda: Example(f'{WITH_UV}CMD ["python", "-m", "gunicorn", "app:app"]\n', ENVIRONMENT, UV_STAGE).exits(
            1, GUNICORN
        ),
        "moved-virtualenv",
        f"/app/.venv/bin/python leads to {UV}/bin/python3.11, which is in no layer",
        (COPY_UV,),
    ),
    "in an environment whose Python is closed to the user": Row(
        lambda: Example(f'{WITH_UV}USER 1000\nCMD ["python", "-m", "gunicorn", "app:app"]\n', CLOSED, UV_STAGE).exits(
            1, GUNICORN
        ),
        "permission-denied",
        "The program runs as 1000, who may not enter /root",
        ("RUN chmod a+x /root",),
    ),
    "in the home of another user": Row(
        lambda: Example(
            'FROM python:3.11-slim\nRUN pip install --user flask\nUSER www-data\nCMD ["python", "/app/app.py"]\n',
            FILES | package("flask", site="/root/.local/lib/python3.11/site-packages"),
        ).exits(1, NO_FLASK),
        "user-site-as-other-user",
        "the image runs as www-data, whose Python does not look into /root",
        ("RUN pip install flask",),
    ),
    "in the home of another user, from a stage": Row(
        lambda: Example(
            f'{BUILDER}{SLIM}COPY --from=builder /root/.local /root/.local\nUSER 1000\nCMD ["python", "app.py"]\n',
            FILES | package("flask", site="/root/.local/lib/python3.11/site-packages"),
            {"builder": package("flask", site="/root/.local/lib/python3.11/site-packages")},
        ).exits(1, NO_FLASK),
        "user-site-as-other-user",
        "installed with --user",
        ("COPY --from=builder /root/.local /usr/local",),
    ),
    "for another Python": Row(
        lambda: Example(APP, FILES | package("flask", site="/usr/local/lib/python3.12/site-packages")).exits(
            1, NO_FLASK
        ),
        "python-version-mismatch",
        "flask is installed for Python 3.12; the image runs Python 3.11",
        ("FROM python:3.12-slim",),
    ),
    "in a folder of its own": Row(
        lambda: Example(APP, FILES | package("flask", site="/deps")).exits(1, NO_FLASK),
        "missing-python-module",
        "a folder that Python does not look into by itself",
        ("ENV PYTHONPATH=/deps",),
    ),
    "the application's own, elsewhere": Row(
        lambda: Example(f'{SLIM}WORKDIR /\nCMD ["gunicorn", "shop:app"]\n', {"/app/shop.py": ""}).exits(
            1, NO_FLASK.replace("flask", "shop")
        ),
        "application-not-found",
        "The module shop is in /app, and Python does not look there",
        ("WORKDIR /app",),
    ),
    "the application's own, beside another script": Row(
        lambda: Example(f'{SLIM}CMD ["python", "jobs/run.py"]\n', {"/app/shop.py": "", "/app/jobs/run.py": ""}).exits(
            1, NO_FLASK.replace("flask", "shop")
        ),
        "application-not-found",
        "but beside the script",
        ("ENV PYTHONPATH=/app",),
    ),
    "the application's own, named by the command and nowhere": Row(
        lambda: Example(f'{SLIM}CMD ["gunicorn", "shop:app"]\n').exits(1, NO_FLASK.replace("flask", "shop")),
        "application-not-found",
        "The command names the module shop",
    ),
    "a server, named by the command and nowhere": Row(
        lambda: Example(f'{SLIM}CMD ["python", "-m", "gunicorn", "app:app"]\n', FILES).exits(1, GUNICORN),
        "missing-python-module",
        "Python does not find gunicorn",
        ("RUN pip install --no-cache-dir gunicorn",),
    ),
    "a part of an installed package": Row(
        lambda: Example(APP, FILES | package("flask")).exits(1, NO_FLASK.replace("'flask'", "'flask.ext'")),
        "incompatible-packages",
        "The installed flask has no flask.ext",
    ),
    "a part of the application": Row(
        lambda: Example(APP, {"/app/shop/__init__.py": ""}).exits(1, NO_FLASK.replace("'flask'", "'shop.cart'")),
        "application-not-found",
        "its part shop.cart is not",
    ),
    "where it should be": Row(
        lambda: Example(APP, FILES | package("flask")).exits(1, NO_FLASK), "unknown", f"although it is in {SITE}"
    ),
    "a module of Python itself": Row(
        lambda: Example(APP, FILES).exits(1, NO_FLASK.replace("flask", "sqlite3")), "unknown", "the standard library"
    ),
    "while it replied": Row(
        lambda: Example(APP, FILES).replies(500, f"Exception on / [GET]\n{NO_FLASK}"),
        "missing-python-module",
        "the reply has status 500",
        ("RUN pip install --no-cache-dir flask",),
    ),
    # Near misses: what looks like a missing module and is none.
    "dealt with": Row(
        lambda: Example(APP, FILES).exits(1, f"{NO_FLASK}\nDATABASE_URL is not set"), "exits-at-once", "DATABASE_URL"
    ),
    "logged while it replied with another error": Row(
        lambda: Example(APP, FILES).replies(500, NO_FLASK), "wrong-response", "status 500"
    ),
    "logged, and the program ended well": Row(
        lambda: Example(APP, FILES).exits(0, NO_FLASK), "exits-at-once", "by itself (exit code 0)"
    ),
    "only within a vendored folder of the system": Row(
        lambda: Example(APP, {"/usr/lib/x/__init__.py": "", "/usr/lib/x/vendor/flask.py": ""}).exits(1, NO_FLASK),
        "missing-python-module",
        "in no layer of this image, but in folders of the system",
        ("RUN pip install --no-cache-dir flask",),
    ),
}


@pytest.mark.parametrize("name", ROWS)
def test_a_module_that_is_not_found(name: str) -> None:
    """The cause, its proof, and the very lines that mend it; none where it would be a guess."""
    ROWS[name].check()


@pytest.mark.parametrize(
    ("files", "asked"),
    [
        (VENV | package("flask", site="/opt/venv/lib/python3.11/site-packages"), []),
        (package("flask", site="/deps"), []),
        ({}, ["stages"]),
    ],
)
def test_stages_are_built_only_where_the_images_own_files_do_not_tell(files: Files, asked: list[str]) -> None:
    """That takes seconds; and of other variants nothing is read where a stage has what is missing."""
    stages = {"builder": package("flask")}
    example = Example(f'{TWO}CMD ["python", "app.py"]\n', FILES | files, stages, {"good": package("flask")})
    example.exits(1, NO_FLASK)
    assert example.asked == asked
