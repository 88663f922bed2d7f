"""Pure: which files of a layer hold secrets, by what is in them; of a secret only its name or kind is kept."""

from __future__ import annotations

import re
from collections.abc import Iterator

from imgcompare.regex import regex
from imgcompare.text.secrets import PRIVATE_KEY, URL_PASSWORD, is_secret, tokens_in

MAX_BYTES = 64 << 10
_MOST = 20
_ENV_FILE = regex(
    r"(?:.*/)?(?:\.env(?:\.(?!example|sample|template|dist|default|test)[\w-]+)?|[\w-]+\.env)", re.IGNORECASE
)
_VARIABLE = regex(
    r"^[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_.]{0,80})[ \t]*=[ \t]*(\S[^\r\n]{0,4000})", re.MULTILINE
)
# What distributions install, and what packages and tests bring: keys for their own tests, examples of tokens.
_OF_THE_SYSTEM = regex(r"(?:bin|boot|lib|lib32|lib64|sbin|usr/(?!src/)|var/(?!www/)|etc/ssl/|nix/|opt/[^/]+/lib/)")
_OF_PACKAGES = regex(
    r"(?:.*/)?(?:site-packages|dist-packages|node_modules|vendor/bundle|\.?venv/lib|tests?|testdata|fixtures|examples?)/"
)
# Of the tokens those that are never meant for everybody, as a browser's key or an anonymous visitor's token may be.
_FOR_EVERYBODY = ("AIza", "eyJ")


def may_hold(path: str, size: int) -> bool:
    """Whether a file is worth looking into: small, and not installed by a package."""
    return (
        0 < size <= MAX_BYTES
        and (not _OF_THE_SYSTEM.match(path) or _ENV_FILE.fullmatch(path) is not None)
        and not _OF_PACKAGES.match(path)
    )


def secrets_in(path: str, content: bytes) -> tuple[str, ...]:
    """What a file holds: names of secret variables, where it is one of variables, and kinds of secrets."""
    if b"\0" in content:
        return ()
    text = content.decode("utf-8", "replace")
    return tuple(dict.fromkeys(_found(path, text)))[:_MOST]


def _found(path: str, text: str) -> Iterator[str]:
    if _ENV_FILE.fullmatch(path):
        for name, value in _VARIABLE.findall(text):
            if is_secret(name, value.split(" #")[0].strip().strip("\"'")):
                yield name
    if PRIVATE_KEY.search(text):
        yield "a private key"
    if any(not match[0].startswith(_FOR_EVERYBODY) for match in tokens_in(text)):
        yield "a token"
    if path.rpartition("/")[2] in {".git-credentials", ".netrc", ".npmrc", ".pypirc", "pip.conf"} and (
        URL_PASSWORD.search(text) or re.search(r"(?im)^\s*(?:password|.*_auth(?:token)?)\s*[= ]\s*[^\s$]", text)
    ):
        yield "a login"
