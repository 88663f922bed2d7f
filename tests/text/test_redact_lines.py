"""The lines of a file of any kind lose their secrets, and nothing else."""

from __future__ import annotations

import time

import pytest

from imgcompare.text.redact_lines import redact_lines


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("DB_PASSWORD=geheim1", "DB_PASSWORD=•••"),
        ("db.password = geheim1, und mehr", "db.password = •••"),
        ("  password: geheim1  # not here", "  password: •••"),
        ('{"password": "geheim1", "port": 5432}', '{"password": "•••", "port": 5432}'),
        ("env: {api_key: geheim1}", "env: {api_key: •••"),
        ("'secret' => 'geheim1',", "'secret' => '•••',"),
        ("<password>geheim1</password>", "<password>•••</password>"),
        ("//registry.example/:_authToken=geheim1", "//registry.example/:_authToken=•••"),
        ("machine host login me password geheim1", "machine host login me password •••"),
        ("root:$6$salt$0123456789abcdef:19000:0:99999:7:::", "root:•••:19000:0:99999:7:::"),
        ("url: postgres://me:geheim1@host/db", "url: postgres://me:•••@host/db"),
        ("CMD serve --token geheim1", "CMD serve --token •••"),
        ("given elsewhere: tr0ub4dor", "given elsewhere: •••"),
    ],
)
def test_what_a_line_sets_to_a_secret_name_is_masked(line: str, told: str) -> None:
    """As environment files, YAML, JSON, INI, PHP, XML, netrc and shadow write it, and what was given."""
    assert redact_lines([f"{line}\n"], ["tr0ub4dor"]) == [f"{told}\n"]


@pytest.mark.parametrize(
    "line",
    [
        "worker_processes auto;",
        "password: ${DB_PASSWORD}",
        "password_file: /run/secrets/db",
        "token_ttl: 3600",
        'ssl_certificate_key "/etc/ssl/key.pem"',
        "# The password is read from the environment.",
        "path: /usr/local/bin:/usr/bin",
        "auth: basic",
        "<title>Password</title>",
    ],
)
def test_what_tells_no_secret_stays(line: str) -> None:
    """References, paths, numbers, prose and words that everybody uses are told as they are."""
    assert redact_lines([line]) == [line]


def test_of_a_private_key_only_its_ends_are_told() -> None:
    """Every line between them is masked, whatever it holds, and there are as many lines as before."""
    lines = ["a\n", "-----BEGIN RSA PRIVATE KEY-----\n", "MIIE\n", "abc=\n", "-----END RSA PRIVATE KEY-----\n", "b"]
    assert redact_lines(lines) == [lines[0], lines[1], "•••\n", "•••\n", lines[4], "b"]


def test_a_secret_of_several_lines_in_yaml_is_masked_whole() -> None:
    """All that is indented below its name, up to what is not."""
    lines = ["data:\n", "  secret_key: |\n", "    eins\n", "\n", "      zwei\n", "  port: 80\n"]
    assert redact_lines(lines) == [lines[0], "  secret_key: •••\n", "•••\n", "\n", "•••\n", lines[5]]


@pytest.mark.parametrize("line", ["password:" * 2000, "a" * 20_000, "password " * 2000, "$6$" * 5000, ">" * 20_000])
def test_long_lines_take_no_time(line: str) -> None:
    """Hostile lines are read in time that grows with their length only."""
    began = time.perf_counter()
    redact_lines([line])
    assert time.perf_counter() - began < 2
