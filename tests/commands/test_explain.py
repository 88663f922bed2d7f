"""``imgcompare explain``: every code at length, and a way to the right one from a wrong one."""

from __future__ import annotations

import re

import pytest

from imgcompare.console.style import Style
from imgcompare.diagnosis.explanations import EXPLANATIONS
from imgcompare.render.pages.explain import render
from tests.support.projects import Offline


def test_a_code_is_told_at_length_without_an_engine(offline: Offline) -> None:
    """What it means, how it looks, why it happens, the Dockerfile before and after, and commands to see it."""
    done = offline("explain", "binds-loopback", COLUMNS="80")
    assert (done.returncode, done.stderr) == (0, "")
    assert (
        done.stdout
        == """\
binds-loopback: the app listens on the container's own loopback

How it looks
   * Running on http://127.0.0.1:5000
  Listening at: http://127.0.0.1:8000

Why it happens
  127.0.0.1 means “this machine only”, and a container counts as a machine of
  its own: what listens there is reached from inside the container and from
  nowhere else, whatever port is published. Flask's own server and gunicorn
  listen there unless they are told otherwise.

What is wrong
  CMD ["flask", "run"]

How to mend it
  CMD ["flask", "run", "--host=0.0.0.0"]
  # gunicorn: --bind=0.0.0.0:5000   app.run(host="0.0.0.0")

See for yourself
  docker run --rm -d --name try IMAGE
  docker exec try cat /proc/net/tcp; docker rm -f try

Try it
  imgcompare exercise start nobody-answers
"""
    )


def test_all_codes_are_listed_with_a_sentence(offline: Offline) -> None:
    """Without a CODE; the list ends with how to go on."""
    done = offline("explain", COLUMNS="200")
    rows = dict(re.findall(r"^  ([a-z-]+) +(\S.+)$", done.stdout, flags=re.MULTILINE))
    assert rows == {code: one.summary.replace("`", "") for code, one in EXPLANATIONS.items()}
    assert done.stdout.endswith("One of them at length: imgcompare explain CODE\n")


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        ("missing-modul", "Did you mean 'missing-python-module'? `imgcompare explain` lists all codes."),
        ("zzz", "`imgcompare explain` lists all codes."),
    ],
)
def test_an_unknown_code_is_answered_with_the_nearest(offline: Offline, code: str, hint: str) -> None:
    """And with exit code 2, nothing on stdout."""
    done = offline("explain", code)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"Error: there is no code '{code}'\nNext: {hint}\n"


@pytest.mark.parametrize("code", EXPLANATIONS)
def test_each_is_whole_and_fits_any_terminal(code: str) -> None:
    """Each says how it looks and what mends it, in plain ASCII; only what is to be copied is never broken."""
    one = EXPLANATIONS[code]
    assert one.looks
    assert one.after
    assert re.fullmatch(r"[^.].*[^.]", one.summary)
    assert one.why.endswith(".")
    for width in (20, 80):
        text = render(one, Style(width=width, color=False, ascii_only=True))
        assert text.isascii()
        copied = {f"  {line}".replace("…", "...") for line in (*one.after, *one.see)}
        lines = {line for line in text.splitlines() if line not in copied}
        assert max(map(len, lines)) <= width
