"""A database or cache that is not there, not ready, does not let the app in, or has not what it looks for."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from imgcompare.model import Failure
from tests.support.cases import Example, Files, Row, package

FILES: Files = {"/srv/shop.py": "", **package("gunicorn")}
SHOP = Example('FROM python:3.11-slim\nWORKDIR /srv\nCOPY . .\nEXPOSE 8000\nCMD ["gunicorn", "shop:app"]\n', FILES)
UNKNOWN = 'could not translate host name "db" to address: Name or service not known'
REFUSED = "Error 111 connecting to cache:6379. Connection refused."


def traced(error: str) -> str:
    """A traceback that ends so."""
    return f'Traceback (most recent call last):\n  File "/srv/shop.py", line 1, in <module>\n    x()\n{error}'


def ends(error: str) -> Failure:
    """The app ends with it."""
    return SHOP.exits(1, traced(error))


def replies(error: str) -> Failure:
    """The app goes on, and replies 500."""
    return SHOP.replies(500, traced(error))


ROWS = {
    "starting": Row(
        lambda: ends("psycopg2.OperationalError: FATAL:  the database system is starting up"),
        "service-not-ready",
        "starting up",
    ),
    "loading": Row(
        lambda: replies("redis.exceptions.BusyLoadingError: LOADING Redis is loading the dataset in memory"),
        "service-not-ready",
        "LOADING",
    ),
    "wrong password": Row(
        lambda: ends('psycopg2.OperationalError: FATAL:  password authentication failed for user "shop"'),
        "wrong-credentials",
        "not let in as shop",
    ),
    "wrong password, MySQL": Row(
        lambda: ends("pymysql.err.OperationalError: (1045, \"Access denied for user 'shop'@'172.18.0.3'\")"),
        "wrong-credentials",
        "not let in as shop",
    ),
    "no password, Redis": Row(
        lambda: replies("redis.exceptions.AuthenticationError: Authentication required."),
        "wrong-credentials",
        "not let in by the service",
    ),
    "no table, SQLite": Row(
        lambda: replies("sqlite3.OperationalError: no such table: users"), "not-migrated", "the table users"
    ),
    "no table, Postgres": Row(
        lambda: replies('psycopg2.errors.UndefinedTable: relation "teas" does not exist'),
        "not-migrated",
        "the table teas",
    ),
    "no table, MySQL": Row(
        lambda: replies("pymysql.err.ProgrammingError: (1146, \"Table 'shop.teas' doesn't exist\")"),
        "not-migrated",
        "the table shop.teas",
    ),
    "no database": Row(
        lambda: ends('psycopg2.OperationalError: FATAL:  database "shop" does not exist'),
        "not-migrated",
        "the database shop",
    ),
    "alone": Row(lambda: ends(f"psycopg2.OperationalError: {UNKNOWN}"), "service-missing", "each image runs alone"),
    "not among the companions": Row(
        lambda: replace(SHOP, beside=("cache",)).exits(1, traced(f"psycopg2.OperationalError: {UNKNOWN}")),
        "service-missing",
        "none is there; beside it ran cache",
    ),
    "among the companions": Row(
        lambda: replace(SHOP, beside=("cache",)).exits(1, traced(f"redis.exceptions.ConnectionError: {REFUSED}")),
        "service-missing",
        "gets no answer there, though cache runs beside it",
    ),
    "said by the way, in an app that ended of something else": Row(
        lambda: SHOP.exits(1, traced("ValueError: x"), stdout="no such table: users, so it is made"),
        "exits-at-once",
        "ValueError",
    ),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_the_cause_is_told_by_the_app_s_own_words(row: Row) -> None:
    """Each as its client library says it."""
    row.check()


def test_a_service_of_the_compose_file_is_named_with_the_command() -> None:
    """Where the file has the service that is missing, that is the next step."""
    shop = replace(SHOP, services={"db": "compose.yaml has it: --compose compose.yaml:web"})
    failure = shop.exits(1, traced(f"psycopg2.OperationalError: {UNKNOWN}"))
    assert (failure.code, failure.hint) == ("service-missing", "compose.yaml has it: --compose compose.yaml:web")
    assert "the service db" in failure.message


def test_a_reply_that_is_good_proves_nothing() -> None:
    """What a log says beside a reply of the app's own is not the cause of it."""
    assert SHOP.replies(404, traced("sqlite3.OperationalError: no such table: users")).code == "wrong-response"
