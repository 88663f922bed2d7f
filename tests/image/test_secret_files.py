"""Secrets in an image's files are found by name and form, and only that is kept."""

from __future__ import annotations

from typing import Any

import pytest

from imgcompare.analysis.analyse import analyse
from imgcompare.image.archive import read_archive
from imgcompare.image.secret_files import MAX_BYTES, may_hold, secrets_in

KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEvAIBADANBg\n-----END RSA PRIVATE KEY-----\n"
GITHUB = "ghp_" + "a1B2" * 9
ENV = "DEBUG=1\n# PASSWORD=x\nSECRET_KEY='abcdef0123'\nexport DB_PASS=hunter2 # mine\nAUTH_TYPE=basic\nAPI_TOKEN=\n"


@pytest.mark.parametrize(
    ("path", "content", "found"),
    [
        ("app/.env", ENV, ("SECRET_KEY", "DB_PASS")),
        ("app/.env.production", "SECRET_KEY=abcdef\n", ("SECRET_KEY",)),
        ("app/prod.env", "DATABASE_URL=postgres://jo:hunter2@db/shop\n", ("DATABASE_URL",)),
        ("app/.env", "PORT=8000\nTOKEN_URL=https://x.example\nPASSWORD=${PASSWORD}\n", ()),
        ("app/settings.py", "SECRET_KEY = os.environ['SECRET_KEY']\n", ()),
        ("root/.ssh/id_rsa", KEY, ("a private key",)),
        ("app/tls/server.pem", f"cert\n{KEY}", ("a private key",)),
        ("app/tls/server.pem", "-----BEGIN CERTIFICATE-----\n", ()),
        ("app/main.py", f"TOKEN = '{GITHUB}'\n", ("a token",)),
        ("app/main.js", "key = 'AIza" + "x" * 35 + "'\n", ()),
        ("root/.netrc", "machine x\nlogin jo\npassword hunter2\n", ("a login",)),
        ("root/.npmrc", "//registry.example/:_authToken=abcdef\n", ("a login",)),
        ("root/.npmrc", "//registry.example/:_authToken=${NPM_TOKEN}\n", ()),
        ("app/bin", f"\0{KEY}", ()),
    ],
)
def test_what_a_file_holds(path: str, content: str, found: tuple[str, ...]) -> None:
    """Variables of environment files by the one rule, keys and tokens by their form; never a value."""
    assert may_hold(path, len(content))
    assert secrets_in(path, content.encode()) == found


@pytest.mark.parametrize(
    ("path", "size"),
    [
        ("app/.env", 0),
        ("app/big", MAX_BYTES + 1),
        ("usr/local/lib/python3.11/test/keycert.pem", 100),
        ("usr/local/lib/python3.11/site-packages/x/.env", 100),
        ("app/node_modules/x/key.pem", 100),
        ("app/tests/key.pem", 100),
        ("etc/ssl/private/ssl-cert-snakeoil.key", 100),
    ],
)
def test_what_others_installed_is_not_looked_into(path: str, size: int) -> None:
    """Packages bring keys for their own tests."""
    assert not may_hold(path, size)


@pytest.mark.parametrize("path", ["app/.env.example", "app/.env.sample", "app/.env.template", "app/environment.py"])
def test_examples_are_none(path: str) -> None:
    """What shows how such a file is to look holds no secret."""
    assert secrets_in(path, b"SECRET_KEY=changeit123\n") == ()


def test_a_copied_file_is_told_by_its_path(make: Any) -> None:
    """Of the image's own layers, even where a later one deletes it; the base's are somebody else's."""
    layers = [
        make.tar([("opt/base.env", b"DB_PASS=hunter2\n")]),
        make.tar([("app/.env", ENV.encode()), ("app/main.py", b"print()\n")]),
        make.tar([("app/.wh..env", b"")]),
    ]
    (archived,) = read_archive([make.legacy(layers, make.config(layers, history=[]))]).images
    image = analyse(archived, 1)
    assert [(file.path, file.holds) for file in image.secret_files] == [("/app/.env", ("SECRET_KEY", "DB_PASS"))]
    assert "hunter2" not in str(archived.layers)
