"""A program that cannot be reached, or cannot reach what it needs: what is said of it, and what is not taken for it."""

from __future__ import annotations

import pytest

from imgcompare.engine.interface import Listener
from tests.support.cases import Example, Files, Row, package

SLIM = "FROM python:3.11-slim\nWORKDIR /srv\nCOPY . .\nEXPOSE 8000\n"
GUNICORN = 'CMD ["gunicorn", "shop:app"]'
FILES: Files = {"/srv/shop.py": "", **package("gunicorn")}
ALL, LOOPBACK, ALL_V6 = Listener("0.0.0.0", 8000), Listener("127.0.0.1", 8000), Listener("::", 8000)
UVICORN = "INFO:     Uvicorn running on http://[::]:8000 (Press CTRL+C to quit)"
NO_NAME = "Name or service not known"
URL = "ENV DATABASE_URL=postgres://shop:secret@db:5432/shop\n"
UWSGI = """Traceback (most recent call last):
  File "shop.py", line 1, in <module>
    from flask import Flask
ModuleNotFoundError: No module named 'flask'
unable to load app 0 (mountpoint='') (callable not found or import error)
*** no app loaded. going in full dynamic mode ***
spawned uWSGI worker 1 (and the only) (pid: 1, cores: 1)
--- no python application found, check your startup logs for errors ---
[pid: 1|app: -1|req: -1/1] 172.17.0.1 () {28 vars in 317 bytes} GET / => generated 21 bytes in 0 msecs (HTTP/1.1 500)"""


def shop(command: str = GUNICORN, *, env: str = "", target: str | None = None) -> Example:
    """An image with this command."""
    return Example(f"{SLIM}{env}{command}\n", FILES, target=target)


def traced(error: str) -> str:
    """A traceback that ends so."""
    return f'Traceback (most recent call last):\n  File "/srv/shop.py", line 1, in <module>\n    x()\n{error}'


def needs(where: str, line: str, *, env: str = "") -> Row:
    """A program that ends because it does not reach this."""
    return Row(lambda: shop(env=env).exits(1, traced(line)), "service-missing", where)


ROWS = {
    "on loopback": Row(
        lambda: shop().is_silent("Listening at: http://127.0.0.1:8000 (1)", [LOOPBACK]),
        "binds-loopback",
        "The app listens on 127.0.0.1:8000",
        ('CMD ["gunicorn", "--bind=0.0.0.0:8000", "shop:app"]',),
    ),
    "on loopback, by a line": Row(
        lambda: shop("CMD exec flask run").is_silent("", [Listener("127.0.0.1", 5000)]),
        "binds-loopback",
        "The app listens on 127.0.0.1:5000",
        ('CMD ["flask", "run", "--host=0.0.0.0", "--port=8000"]',),
    ),
    "on loopback, by a line that is more": Row(
        lambda: shop("CMD flask run --port $PORT").is_silent("", [Listener("127.0.0.1", 8000)]),
        "binds-loopback",
        "The app listens on 127.0.0.1:8000",
    ),
    "on loopback, by an ENTRYPOINT and its CMD": Row(
        lambda: shop('ENTRYPOINT ["gunicorn", "-b", "127.0.0.1:8000"]\nCMD ["shop:app"]').is_silent("", [LOOPBACK]),
        "binds-loopback",
        "The app listens on 127.0.0.1:8000",
        ('ENTRYPOINT ["gunicorn", "--bind=0.0.0.0:8000", "shop:app"]', "CMD []"),
    ),
    "on loopback, by a server that nobody knows": Row(
        lambda: shop('CMD ["serve"]').is_silent("", [LOOPBACK]), "binds-loopback", "The app listens on 127.0.0.1:8000"
    ),
    "on loopback, by the log alone": Row(
        lambda: shop('CMD ["flask", "run"]').is_silent(" * Running on http://127.0.0.1:5000", None, port=5000),
        "binds-loopback",
        "Running on http://127.0.0.1:5000",
        ('CMD ["flask", "run", "--host=0.0.0.0"]',),
    ),
    "on another port": Row(
        lambda: shop().is_silent("", [Listener("0.0.0.0", 9000)]),
        "wrong-port",
        "listens on port 9000",
        ("EXPOSE 9000",),
    ),
    "on another port than the one given": Row(
        lambda: shop().is_silent("", [Listener("0.0.0.0", 9000)], given=True),
        "wrong-port",
        "--container-port names 8000",
    ),
    "on a Unix socket": Row(
        lambda: shop('CMD ["gunicorn", "--bind=unix:/tmp/x", "shop:app"]').is_silent(
            "Listening at: unix:/tmp/x (1)", []
        ),
        "never-listens",
        "listens on the Unix socket /tmp/x",
        ('CMD ["gunicorn", "--bind=0.0.0.0:8000", "shop:app"]',),
    ),
    "nowhere": Row(lambda: shop().is_silent("", []), "never-listens", "nothing listens on any port"),
    "where nobody could look": Row(lambda: shop().is_silent("up", None), "unknown", "could not be seen"),
    "at the right place, and silent": Row(
        lambda: shop().is_silent("", [ALL]), "never-listens", "a server takes connections there"
    ),
    "for IPv6 alone": Row(
        lambda: shop('CMD ["uvicorn", "shop:app", "--host", "::", "--port", "8000"]').is_silent(UVICORN, [ALL_V6]),
        "never-listens",
        "The app listens on [::]:8000 for IPv6 alone, and it is asked by IPv4.",
        ('CMD ["uvicorn", "shop:app", "--host=0.0.0.0", "--port=8000"]',),
    ),
    "for IPv6, and it does not say so": Row(
        lambda: shop().is_silent("", [ALL_V6]), "never-listens", "a server takes connections there"
    ),
    "an address of another machine": Row(
        lambda: shop('CMD ["gunicorn", "--bind=192.168.1.10:8000", "shop:app"]').exits(
            1, "[ERROR] connection to ('192.168.1.10', 8000) failed: [Errno 99] Cannot assign requested address"
        ),
        "unknown-address",
        "told to listen on 192.168.1.10, which the container does not have",
        ('CMD ["gunicorn", "--bind=0.0.0.0:8000", "shop:app"]',),
    ),
    "an address of IPv6 where there is none": Row(
        lambda: shop('CMD ["gunicorn", "--bind=[::1]:8000", "shop:app"]').is_silent(
            "[ERROR] connection to ('::1', 8000) failed: [Errno 99] Cannot assign requested address", []
        ),
        "unknown-address",
        "told to listen on ::1",
        ('CMD ["gunicorn", "--bind=0.0.0.0:8000", "shop:app"]',),
    ),
    # What it needs is not there.
    "PostgreSQL, by psycopg2": needs(
        "The app needs a service at db,",
        f'psycopg2.OperationalError: could not translate host name "db" to address: {NO_NAME}\n',
    ),
    "PostgreSQL, by psycopg": needs(
        "a service at db,", f"psycopg.OperationalError: failed to resolve host 'db': [Errno -2] {NO_NAME}"
    ),
    "PostgreSQL, with SQLAlchemy's words after it": needs(
        "a service at db,",
        f'(psycopg2.OperationalError) could not translate host name "db" to address: {NO_NAME}\n\n'
        "(Background on this error at: https://sqlalche.me/e/20/e3q8)",
    ),
    "PostgreSQL in its own container": needs(
        "localhost:5432, which is its own container",
        'psycopg2.OperationalError: connection to server at "localhost" (::1), port 5432 failed: Connection refused',
    ),
    "Redis": needs(
        "a service at redis:6379", f"redis.exceptions.ConnectionError: Error -2 connecting to redis:6379. {NO_NAME}."
    ),
    "Redis in its own container": needs(
        "localhost:6379, which is its own container",
        "redis.exceptions.ConnectionError: Error 111 connecting to localhost:6379. Connection refused.",
    ),
    "MySQL": needs(
        "a service at db,",
        "pymysql.err.OperationalError: (2003, \"Can't connect to MySQL server on 'db' ([Errno -2] Name or service not "
        'known)")',
    ),
    "MySQL, by its own client": needs(
        "a service at mysql,", "MySQLdb.OperationalError: (2005, \"Unknown MySQL server host 'mysql' (-2)\")"
    ),
    "MongoDB": needs(
        "a service at mongo:27017", f"pymongo.errors.ServerSelectionTimeoutError: mongo:27017: [Errno -2] {NO_NAME}"
    ),
    "Elasticsearch": needs(
        "a service at elastic:9200",
        "requests.exceptions.ConnectionError: HTTPConnectionPool(host='elastic', port=9200): Max retries exceeded with "
        "url: / (Caused by NameResolutionError(\"Failed to resolve 'elastic'\"))",
    ),
    "a host that a variable names": needs("DATABASE_URL names it", f"socket.gaierror: [Errno -2] {NO_NAME}", env=URL),
    "a broker": needs("does not find its host", f"kombu.exceptions.OperationalError: [Errno -2] {NO_NAME}"),
    "a host that nothing names": needs("does not find its host", f"socket.gaierror: [Errno -2] {NO_NAME}"),
    "a host out there": needs(
        "needs api.example.com:443, and does not reach it",
        "requests.exceptions.ConnectionError: HTTPSConnectionPool(host='api.example.com', port=443): Max retries "
        "exceeded with url: / (Caused by NameResolutionError(\"Failed to resolve 'api.example.com'\"))",
    ),
    "waited for": Row(
        lambda: shop('CMD ["sh", "start.sh"]').is_silent(
            "waiting\nnc: bad address 'db'\nwaiting\nnc: bad address 'db'", []
        ),
        "service-missing",
        "a service at db,",
    ),
    "while it replied": Row(
        lambda: shop().replies(
            500, traced(f"redis.exceptions.ConnectionError: Error -2 connecting to cache:6379. {NO_NAME}.")
        ),
        "service-missing",
        "a service at cache:6379",
    ),
    # Near misses.
    "reached after all": Row(
        lambda: shop().is_silent(f"Error -2 connecting to redis:6379. {NO_NAME}.\nconnected", [LOOPBACK]),
        "binds-loopback",
        "The app listens on 127.0.0.1:8000",
        ('CMD ["gunicorn", "--bind=0.0.0.0:8000", "shop:app"]',),
    ),
    "not reached, and another error": Row(
        lambda: shop().exits(1, f"Error -2 connecting to redis:6379. {NO_NAME}.\n{traced('ValueError: no stock')}"),
        "exits-at-once",
        "ValueError: no stock",
    ),
    "a bad address of its own": Row(lambda: shop().exits(1, NO_NAME), "exits-at-once", NO_NAME),
    "not found, and well": Row(
        lambda: shop().replies(404, f"Error -2 connecting to redis:6379. {NO_NAME}."), "wrong-response", "status 404"
    ),
    # uWSGI goes on without an app.
    "uWSGI without its packages": Row(
        lambda: Example(f'{SLIM}CMD ["uwsgi", "--http=:8000", "--module=shop:app"]\n', FILES).replies(500, UWSGI),
        "missing-python-module",
        "Python does not find flask",
        ("RUN pip install --no-cache-dir flask",),
    ),
    "uWSGI without a callable": Row(
        lambda: shop('CMD ["uwsgi", "--http=:8000"]').replies(
            500,
            'unable to find "application" callable in file shop.py\nunable to load app 0 (callable not found)',
        ),
        "application-not-found",
        "shop.py, which has nothing named application",
    ),
}


@pytest.mark.parametrize("name", ROWS)
def test_what_cannot_be_reached(name: str) -> None:
    """The cause, its proof, and the very lines that mend it; none where it would be a guess."""
    ROWS[name].check()


def test_who_refuses_connections_speaks_no_https() -> None:
    """What has addresses of IPv6 alone is asked by IPv4; a server with TLS would take the connection."""
    assert "asked by IPv4" in shop().is_silent("", [ALL_V6]).hint
    assert "HTTPS" in shop().is_silent("", [ALL, ALL_V6]).hint


def test_no_value_of_a_variable_is_told() -> None:
    """A URL may have a password in it."""
    failure = shop(env=URL).exits(1, traced(f"socket.gaierror: [Errno -2] {NO_NAME}"))
    assert "secret" not in str(failure)
    assert "--env DATABASE_URL=…" in failure.hint


def test_a_fix_is_for_the_stage_that_was_built_and_at_a_place_that_is_there() -> None:
    """A target that is not the last stage is called by its name, and no USER is spoken of where there is none."""
    dockerfile = (
        f'{SLIM.replace("slim", "slim AS dev", 1)}ENTRYPOINT ["python", "shop.py"]\nFROM dev AS prod\nUSER 1000\n'
    )
    log = traced("ImportError: libpq.so.5: cannot open shared object file: No such file or directory")
    failure = Example(dockerfile, FILES, target="dev").exits(1, log)
    assert failure.hint == "Install the package that brings it in stage dev, above ENTRYPOINT."
    assert [(edit.stage, edit.instruction) for edit in failure.edits] == [("dev", "ENTRYPOINT")]
    last = Example(dockerfile, FILES).exits(1, log)
    assert last.hint == "Install the package that brings it in the last stage, above USER."
