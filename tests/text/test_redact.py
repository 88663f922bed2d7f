"""Secrets stay out of reports."""

from __future__ import annotations

from typing import get_args, get_type_hints

import msgspec
import pytest
from msgspec.structs import replace

from imgcompare import model
from imgcompare.model import (
    Check,
    Expectation,
    Failure,
    Report,
    Source,
    Stage,
    Variant,
    Verdict,
)
from imgcompare.reports.redact import FREE_TEXT, GIVEN_ONLY, PLAIN, redact_report
from imgcompare.text.redact import MASK, redact, redact_command, secret_values
from tests.support import reports

WORKING = Variant(name="works", source=Source(dockerfile="Dockerfile"), verdict=Verdict.WORKS)


def report_of(*variants: Variant) -> Report:
    """A report of some variants."""
    return reports.report(*variants, created="2026-01-31T12:00:00Z", scenario="run", baseline="works")


PEM = "-----BEGIN PRIVATE KEY-----\nMIIEvAIBADANBg\nkqhkiG9w0BAQEF\nab=\n-----END PRIVATE KEY-----\n"


def masked(text: str, **given: str) -> str:
    """A text without what was given."""
    return redact(text, secret_values(given))


def test_the_longest_secret_is_masked_first() -> None:
    """A secret that contains another leaves no rest of itself."""
    secrets = secret_values({"A_TOKEN": "abcd"}, {"B_TOKEN": "abcdefgh", "C_TOKEN": ""})
    assert redact("x abcdefgh abcd y", secrets) == f"x {MASK} {MASK} y"


@pytest.mark.parametrize(
    "given",
    [
        {"USE_AUTH": "1"},
        {"REQUIRE_AUTH": "0"},
        {"AUTH": "no"},
        {"AUTH_TYPE": "overlay2"},
        {"TOKEN_STORE": "works"},
        {"DB_PASSWORD": "postgres"},
        {"DB_PASSWORD": "abc"},
        {"DB_PASSWORD_FILE": "/run/secrets/db"},
        {"PYTHON_VERSION": "3.11"},
        {"PORT": "5000"},
        {"DATABASE_URL": "postgres://bakery:bakery@db/bakery"},
        {"POSTGRES_USER": "bakery", "POSTGRES_PASSWORD": "bakery"},
        {"MYSQL_DATABASE": "bakery", "MYSQL_URL": "mysql://root:bakery@db"},
    ],
)
def test_flags_short_and_common_words_are_never_masked(given: dict[str, str]) -> None:
    """They stand in dates, digests, versions and ordinary sentences, and tell nothing."""
    assert secret_values(given) == ()


@pytest.mark.parametrize(
    ("text", "given"),
    [
        ("connecting as hunter2", {"DB_PASS": "hunter2"}),
        ("connecting as hunter2", {"MYSQL_PWD": "hunter2"}),
        ("connecting as hunter2", {"SIGNING_KEY": "hunter2"}),
        ("connecting as hunter2", {"DATABASE_URL": "postgres://jo:hunter2@db/shop"}),
        ("connecting as hunter!2", {"DATABASE_URL": "postgres://jo:hunter%212@db/shop"}),
        ("login hunt", {"BUILD_PASS": "hunt"}),
        ('{"password": "a\\"b c"}', {"BUILD_PASS": 'a"b c'}),
        ("https://h/?p=a%22b+c", {"BUILD_PASS": 'a"b c'}),
        ("Basic aHVudGVyMg==", {"BUILD_PASS": "hunter2"}),
        ("key line MIIEvAIBADANBg ends", {"TLS_PRIVATE_KEY": PEM}),
        ("key line kqhkiG9w0BAQEF ends", {"TLS_PRIVATE_KEY": PEM.replace("\n", "\\n")}),
        ("key line kqhkiG9w0BAQEF ends", {"UNSUSPICIOUS": PEM}),
    ],
)
def test_what_was_given_is_masked_however_it_is_spelled(text: str, given: dict[str, str]) -> None:
    """Line by line, within URLs, and as JSON, URLs and base64 write it."""
    told = redact(text, secret_values(given))
    assert MASK in told
    assert not any(part in told for part in ("hunt", "a%22b", 'a\\"b', "aHVu", "MIIEv", "kqhki"))


def test_a_short_secret_is_masked_only_where_it_stands_alone() -> None:
    """Four letters within a word are a part of that word."""
    assert masked("cart cartesian /cart", BUILD_PASS="cart")  # noqa: S106 == f"{MASK} cartesian /{MASK}"
    assert masked("ab= abc=", TLS_PRIVATE_KEY=PEM) == "ab= abc="


def test_a_secret_that_is_no_utf8_is_masked_too() -> None:
    """Arguments keep bytes that are no UTF-8 as surrogates; they can be spelled in no other way."""
    assert masked("x caf\udce9-pass y", DB_PASS="caf\udce9-pass")  # noqa: S106 == f"x {MASK} y"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("DB_PASSWORD=hunter2 and so on", f"DB_PASSWORD={MASK} and so on"),
        ("could not reach postgres://jo:hunter2@db:5432/shop", f"could not reach postgres://jo:{MASK}@db:5432/shop"),
        ('"Authorization: Bearer abcdef"', f'"Authorization: Bearer {MASK}"'),
        ("ghp_" + "a1B2" * 9 + " is a token", f"{MASK} is a token"),
        ('connect(password=os.environ["DB_PASSWORD"])', 'connect(password=os.environ["DB_PASSWORD"])'),
        ("SECRET_KEY=os.environ.get('X')", "SECRET_KEY=os.environ.get('X')"),
        ("AUTH_TYPE=basic USE_AUTH=1", "AUTH_TYPE=basic USE_AUTH=1"),
        ("PASSWORD=$DB_PASSWORD", "PASSWORD=$DB_PASSWORD"),
        (
            "RUN --mount=type=secret,id=NPM_TOKEN,env=NPM_TOKEN make",
            "RUN --mount=type=secret,id=NPM_TOKEN,env=NPM_TOKEN make",
        ),
        ("docker login --password-stdin registry.example", "docker login --password-stdin registry.example"),
    ],
)
def test_a_text_shows_some_secrets_by_itself(text: str, told: str) -> None:
    """Those that nobody gave to us: code, references and switches stay as they are."""
    assert redact(text) == told


def test_a_report_is_masked_by_field() -> None:
    """Step names, evidence, messages: wherever a builder echoes a secret. Never a name, a digest, a date, a choice."""
    failure = Failure(stage=Stage.BUILD, code="build-failed", message="RUN echo hunter2", evidence=("log: hunter2",))
    broken = Variant(name="hunter2", source=Source(dockerfile="hunter2"), verdict=Verdict.BROKEN, failure=failure)
    leaky = report_of(WORKING, broken)
    told = replace(failure, message=f"RUN echo {MASK}", evidence=(f"log: {MASK}",))
    assert redact_report(leaky, ("hunter2",)) == report_of(WORKING, replace(broken, failure=told))
    for word in ("broken", "works", "run", "2026", "imgcompare", "unix:///x", "overlay2"):
        assert redact_report(report_of(WORKING), (word,)) == report_of(WORKING)


def test_a_checked_address_keeps_its_host_and_port() -> None:
    """Only the route may hold what somebody gave."""
    check = Check(
        passed=True,
        url="http://127.0.0.1:32768/x?key=hunter2&port=32768",
        expected=Expectation(body="hunter2"),
        body_excerpt="hunter2",
        body_sha256="32768",
    )
    (told,) = redact_report(report_of(replace(WORKING, check=check)), ("hunter2", "32768")).variants
    assert told.check is not None
    assert told.check.url == f"http://127.0.0.1:32768/x?key={MASK}&port={MASK}"
    assert (told.check.body_excerpt, told.check.expected.body) == (MASK, MASK)
    assert told.check.body_sha256 == "32768"


def test_a_report_without_secrets_stays_as_it_is() -> None:
    """Nothing is rebuilt where there is nothing to hide."""
    report = report_of(WORKING)
    assert redact_report(report, ()) is report


def test_each_text_of_the_model_is_free_text_or_is_not() -> None:
    """A field that holds what others wrote has to be listed: this names those that nobody has decided about."""
    told = {
        f"{kind.__name__}.{field}"
        for kind in vars(model).values()
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct)
        for field in kind.__struct_fields__
        if field in {"message", "hint", "evidence", "created_by", "wasted_by", "body_excerpt", "reason", "skipped"}
        and field not in FREE_TEXT.get(kind, ())
    }
    assert told == set()


def test_what_is_not_looked_into_holds_no_free_text() -> None:
    """Files and packages come by the thousand, and are passed over: a text that people wrote must never be in one."""

    def inside(kind: object, found: set[object]) -> set[object]:
        if kind not in found:
            found.add(kind)
            for part in get_args(kind) or (get_type_hints(kind).values() if isinstance(kind, type) else ()):
                inside(part, found)
        return found

    texts = {*FREE_TEXT, *GIVEN_ONLY, Check}
    assert all(issubclass(kind, msgspec.Struct) for kind in PLAIN)
    assert [kind for kind in PLAIN if inside(kind, set()) & texts] == []


@pytest.mark.parametrize(
    ("command", "masked"),
    [
        ("serve --password hunter2 --port 1", f"serve --password {MASK} --port 1"),
        ("serve --api-key=hunter2", f"serve --api-key={MASK}"),
        ('["serve", "--token", "hunter2"]', f'["serve", "--token", "{MASK}"]'),
        ('["sh", "-c", "DB_PASSWORD=hunter2 serve"]', f'["sh", "-c", "DB_PASSWORD={MASK} serve"]'),
        ("https://me:hunter2@host/x", f"https://me:{MASK}@host/x"),
        ("python -m auth_server run", "python -m auth_server run"),
        ("curl https://host:80/x@y", "curl https://host:80/x@y"),
        ("serve --port=80 -p 80", "serve --port=80 -p 80"),
    ],
)
def test_commands_do_not_give_secrets_away(command: str, masked: str) -> None:
    """What is given to a secret name, and the password in a URL, is masked; other words are not."""
    assert redact_command(command) == masked


def test_long_commands_take_no_time() -> None:
    """Words of any length are looked at once: this would not end otherwise."""
    assert redact_command("a" * 200_000 + "-token-" * 20_000).startswith("aaa")


KEY_LINES = [
    "MIIEowIBAAKCAQEAx4UbaDzY5xjW6hc9jwN0mX33XpTDVW0",
    "q9Cn2mZ1pQ8ZbYw0Jk3sV7rT5uX9aB2cD4eF6gH8iJ0kL1m",
    "Zz09==",
]


@pytest.mark.parametrize(("kind", "line_end"), [("RSA ", "\n"), ("", "\r\n"), ("OPENSSH ", "\\n"), ("EC ", " ")])
def test_a_private_key_that_is_written_out_is_masked(kind: str, line_end: str) -> None:
    """In a command, a log or a message, with its line ends or their spelling, and where its end was cut off."""
    begin, end = f"-----BEGIN {kind}PRIVATE KEY-----", f"-----END {kind}PRIVATE KEY-----"
    written = line_end.join((begin, *KEY_LINES, end))
    for mask in (redact, redact_command):
        told = mask(f"echo '{written}' > /id && ls")
        assert told == f"echo '{begin}{MASK}{end}' > /id && ls"
        cut = mask(line_end.join((begin, *KEY_LINES[:2])))
        assert cut == f"{begin}{MASK}"


@pytest.mark.parametrize(
    "text",
    [
        "no start line: expecting -----BEGIN PRIVATE KEY----- in /etc/tls/key.pem, found something else",
        "-----BEGIN CERTIFICATE-----\nMIIEowIBAAKCAQEAx4UbaDzY5xjW6hc9jwN0mX33XpTDVW0\n-----END CERTIFICATE-----",
        "-----BEGIN PUBLIC KEY-----\nMIIEowIBAAKCAQEAx4UbaDzY5xjW6hc9jwN0mX33XpTDVW0\n-----END PUBLIC KEY-----",
    ],
)
def test_what_only_speaks_of_a_key_stays(text: str) -> None:
    """A message about the line that is missing, a certificate and a public key are no secrets."""
    assert redact(text) == text
    assert redact_command(text) == text
