"""Pure: a database or cache that is there and does not give the app what it wants: not yet, not to it, or not that."""

from __future__ import annotations

from collections.abc import Iterator

from imgcompare.diagnosis.evidence import Case
from imgcompare.model import Failure
from imgcompare.regex import regex

_LAST_LINES = 15
_STARTING = regex(
    r"the database system is (?:starting up|not yet accepting connections)|LOADING Redis is loading the dataset"
    r"|Cannot connect now: the server is starting|NotPrimaryNoSecondaryOk|node is not in primary or recovering"
)
# As libpq and psycopg, MySQL's clients, Redis, MongoDB and RabbitMQ say it.
_REFUSED = tuple(
    regex(pattern)
    for pattern in (
        r"(?:password|\w+) authentication failed for user \"(?P<user>[^\"]+)\"",
        r"Access denied for user '(?P<user>[^']+)'@",
        r"role \"(?P<user>[^\"]+)\" does not exist",
        r"fe_sendauth: no password supplied",
        r"\bWRONGPASS\b|\bNOAUTH\b|invalid username-password pair|Authentication required\.",
        r"Authentication failed\., full error",
        r"ACCESS_REFUSED - Login was refused",
    )
)
_NO_TABLE = regex(
    r"no such table: (?P<sqlite>[\w.]+)|relation \"(?P<postgres>[\w.]+)\" does not exist"
    r"|Table '(?P<mysql>[\w.]+)' doesn't exist"
)
_NO_DATABASE = regex(r"database \"(?P<postgres>[^\"]+)\" does not exist|Unknown database '(?P<mysql>[^']+)'")


def service_not_ready(case: Case) -> Failure | None:
    """A database that says itself that it is starting."""
    line = next((line for line in _said(case) if _STARTING.search(line)), "")
    if not line:
        return None
    return case.found(
        "service-not-ready",
        "The app asked its database before that was ready.",
        (line.strip(), case.ended()),
        hint="Let it wait or try again; with a compose file, have it wait for a healthcheck: "
        "depends_on: {SERVICE: {condition: service_healthy}}",
    )


def wrong_credentials(case: Case) -> Failure | None:
    """A service that does not take the name or the password it is given."""
    for line in _said(case):
        match = next((match for pattern in _REFUSED if (match := pattern.search(line))), None)
        if match:
            user = match.groupdict().get("user") or ""
            as_whom = f" as {user}" if user else ""
            return case.found(
                "wrong-credentials",
                f"The app is not let in{as_whom} by the service that it connects to.",
                (line.strip(), case.ended()),
                hint="The user and the password that the app is given must be those that the service was set up with; "
                "a volume that was made with other ones keeps those.",
            )
    return None


def not_migrated(case: Case) -> Failure | None:
    """A table or a database that nobody has made yet."""
    for line in _said(case):
        if match := _NO_TABLE.search(line):
            what = f"the table {next(filter(None, match.groups()))}"
            hint = (
                "Run the app's migrations before it serves: in its command, or as a service of the compose file that "
            )
            hint += "it waits for (condition: service_completed_successfully)."
        elif match := _NO_DATABASE.search(line):
            what = f"the database {next(filter(None, match.groups()))}"
            hint = "Make it before the app starts, or name one that is there; official images make the one that "
            hint += "POSTGRES_DB or MYSQL_DATABASE names."
        else:
            continue
        return case.found(
            "not-migrated", f"The app looks for {what}, which is not there.", (line.strip(), case.ended()), hint=hint
        )
    return None


def _said(case: Case) -> Iterator[str]:
    """What a program that ended, or failed to reply, said last: its own error before the rest of the log."""
    evidence = case.evidence
    if not (evidence.exit_code or (evidence.status_code or 0) >= 500):
        return
    error = case.last_error
    if error:
        yield error.line
    else:
        yield from reversed((*evidence.log[-_LAST_LINES:], *evidence.errors[-_LAST_LINES:]))
