"""Secrets stay out of reports."""

from __future__ import annotations

import msgspec
import pytest

from imgcompare.model import Comparison, EngineInfo, Failure, Report, Source, Stage, Tool, Variant, Verdict
from imgcompare.reports.redact import redact_report
from imgcompare.text.redact import MASK, redact, redact_command, secret_values

WORKING = Variant(name="works", source=Source(dockerfile="Dockerfile"), verdict=Verdict.WORKS)


def report_of(*variants: Variant) -> Report:
    """A report of some variants."""
    return Report(
        schema_version=1,
        tool=Tool(name="imgcompare", version="0"),
        created="2026-01-31T12:00:00Z",
        engine=EngineInfo(
            name="Docker Engine",
            version="1",
            api_version="1.41",
            image_store="graph driver",
            storage_driver="overlay2",
            os="linux",
            architecture="amd64",
            builder="BuildKit",
            endpoint="unix:///x",
            endpoint_source="--host",
            private=False,
        ),
        scenario="run",
        baseline="works",
        variants=variants,
        comparison=Comparison(same_response=True, smallest_working="works", rows=()),
        gates=(),
        passed=True,
    )


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("GITHUB_TOKEN", True),
        ("db_password", True),
        ("AWS_SECRET_ACCESS_KEY", True),
        ("API_KEY", True),
        ("PYTHON_VERSION", False),
        ("KEYBOARD", False),
        ("MONKEY", False),
    ],
)
def test_secrets_are_known_by_their_names(name: str, *, secret: bool) -> None:
    """What is called like a secret is one; a version is not masked wherever it stands."""
    assert secret_values({name: "3.11"}) == (("3.11",) if secret else ())


def test_the_longest_secret_is_masked_first() -> None:
    """A secret that contains another leaves no rest of itself."""
    secrets = secret_values({"A_TOKEN": "abc"}, {"B_TOKEN": "abcdef", "C_TOKEN": ""})
    assert redact("x abcdef abc y", secrets) == f"x {MASK} {MASK} y"


def test_every_text_of_a_report_is_masked() -> None:
    """Step names, evidence, messages: wherever a builder echoes a secret, the report does not."""
    failure = Failure(stage=Stage.BUILD, code="build-failed", message="RUN echo hunter2", evidence=("log: hunter2",))
    broken = Variant(name="a", source=Source(), verdict=Verdict.BROKEN, failure=failure)
    leaky = report_of(WORKING, broken)
    assert "hunter2" in msgspec.json.encode(leaky).decode()
    masked = msgspec.structs.replace(failure, message=f"RUN echo {MASK}", evidence=(f"log: {MASK}",))
    assert redact_report(leaky, ("hunter2",)) == report_of(WORKING, msgspec.structs.replace(broken, failure=masked))


def test_a_report_without_secrets_stays_as_it_is() -> None:
    """Nothing is rebuilt where there is nothing to hide."""
    report = report_of(WORKING)
    assert redact_report(report, ()) is report


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
