"""What is said to whoever mistypes: what was expected, and what may have been meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.projects import Offline


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("run --port abc", "'abc' is not a valid whole number."),
        ("run --timeout soon", "'soon' is not a valid number."),
        ("history -n x", "'x' is not a valid whole number."),
        ("init --ci", "Option '--ci' requires an argument: [github|gitlab]"),
        ("run --port", "Option '--port' requires an argument: PORT"),
        ("baseline update --from", "Option '--from' requires an argument: FILE|RUN"),
        ("shrink", "Did you mean api/Dockerfile or web/Dockerfile?"),
        ("run Dockerfil", "Dockerfile Dockerfil does not exist\nNext: Paths are relative"),
    ],
)
def test_what_is_expected_is_said(offline: Offline, line: str, told: str) -> None:
    """Exit code 2, in words and with the forms that are accepted."""
    for folder in ("web", "api"):
        (offline.folder / folder).mkdir()
        (offline.folder / folder / "Dockerfile").write_text("FROM x\n")
    done = offline(*line.split())
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr


def test_an_option_without_its_value_leads_to_the_command_s_own_help(offline: Offline) -> None:
    """As every other mistake does."""
    assert "Try 'imgcompare baseline update --help'" in offline("baseline", "update", "--from").stderr
