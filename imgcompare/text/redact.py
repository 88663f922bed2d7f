"""Pure: masks secrets in free text: those that were given, and what a text itself shows to be one."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from urllib.parse import quote, quote_plus, unquote

from imgcompare.regex import regex
from imgcompare.text.secrets import (
    PRIVATE_KEY,
    URL_PASSWORD,
    is_common,
    is_secret,
    names_secret,
    tokens_in,
    without_tokens,
)

MASK = "•••"
# Of a secret of several lines each one counts that is long enough not to stand in any text.
_SHORTEST_LINE = 6
_LINES = regex(r"\r?\n|\\r\\n|\\n")
_VALUE = r"""(?P<value>"[^"\n]{1,4000}"|'[^'\n]{1,4000}'|[^\s"']{0,4000}[^\s"',;)\]}])"""
# ``--name=value`` and ``--name value``, in a shell's line or a JSON list; names are bounded for the time it takes.
_BY = r"""(?P<by>=|"\s{0,9},\s{0,9}"|'\s{0,9},\s{0,9}'|\ +(?!-))"""
_OPTION = regex(rf"(?<![\w.-])(?P<name>--?[A-Za-z][\w.-]{{0,80}}){_BY}{_VALUE}")
_VARIABLE = regex(rf"(?<![\w.-])(?P<name>[A-Z_][A-Z0-9_]{{0,80}})(?P<by>=){_VALUE}")
_ANY_CASE = regex(rf"(?<![\w.-])(?P<name>[A-Za-z_][\w.-]{{0,80}})(?P<by>=){_VALUE}")
_CODE = regex(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*[\[(].*")
_AUTHORIZATION = regex(
    r"\b(authorization[\"']?\s{0,3}[:=]\s{0,3}[\"']?(?:bearer|basic|token)\s+)([^\s\"']{4,4000})", re.IGNORECASE
)
# A private key written out: up to its end, or as far as its lines go where that was cut off. Line ends may be spelled.
_KEY_LINES = r"(?:(?:\s|\\r|\\n|[\"',+])*[A-Za-z0-9+/=]{24,}){1,2000}(?:(?:\s|\\r|\\n)*[A-Za-z0-9+/=]{1,24})?"
_KEY = regex(
    rf"({PRIVATE_KEY.pattern})(?:(?:(?!-----)[\s\S]){{1,20000}}(?=-----END [A-Z0-9 ]{{0,60}}-----)|{_KEY_LINES})"
)


def secret_values(*pairs: Mapping[str, str]) -> tuple[str, ...]:
    """Every text that must not be shown of what was given: secret values, their lines, and passwords within URLs.

    As they are and as JSON, URLs, HTML and base64 spell them; the longest first, so that none is masked in part only.
    Values too short or too common to be told from ordinary text are left out, and so is a password that is the user's
    name as well, or another variable's open value: the name of a project, mostly, that stands everywhere.
    """
    told = {part for some in pairs for name, value in some.items() for part in _told_openly(name, value)}
    values = {
        spelling
        for some in pairs
        for name, value in some.items()
        for part in _parts(name, value)
        if part not in told
        for spelling in _spellings(part)
    }
    return tuple(sorted(values, key=lambda value: (-len(value), value)))


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Mask the secrets in a text, and what is one by itself: ``DB_PASS=…``, a URL's password, a token."""
    return _by_form(mask(text, secrets), _VARIABLE)


def mask(text: str, secrets: Iterable[str]) -> str:
    """Mask the secrets that were given, and nothing else."""
    given = tuple(secrets)
    return _pattern(given).sub(MASK, text) if given else text


def redact_command(text: str) -> str:
    """Mask what a command gives to a secret name (``name=value``, ``--name value``), passwords of URLs, and tokens."""
    return _by_form(text, _ANY_CASE)


@lru_cache(maxsize=1024)  # a report is made after each of its variants, and most of its texts are the same ones
def _by_form(text: str, variable: re.Pattern[str]) -> str:
    if "-----BEGIN " in text:
        text = _KEY.sub(rf"\1{MASK}", text)
    if "=" in text:
        text = variable.sub(_given, text)
    if "-" in text:
        text = _OPTION.sub(_given, text)
    if "://" in text:
        text = URL_PASSWORD.sub(lambda match: match[0] if match[2].startswith("$") else f"{match[1]}{MASK}", text)
    return without_tokens(_AUTHORIZATION.sub(rf"\1{MASK}", text), MASK)


def _given(match: re.Match[str]) -> str:
    name, value = match["name"].lstrip("-"), match["value"]
    bare = value[1:-1] if value[0] in "\"'" else value
    if not names_secret(name) or not is_secret(name, bare) or bare.startswith("$") or _CODE.fullmatch(bare):
        return match[0]
    return f"{match['name']}{match['by']}{value.replace(bare, MASK)}"


def _parts(name: str, value: str) -> Iterator[str]:
    """What of a value is secret: all of it with each of its lines, or the passwords of the URLs in it."""
    for match in URL_PASSWORD.finditer(value):
        yield from (part for part in (match[2], unquote(match[2])) if not is_common(part))
    yield from (match[0] for match in tokens_in(value))
    if not (PRIVATE_KEY.search(value) or (names_secret(name) and is_secret(name, value))) or is_common(value):
        return
    yield value
    for line in _LINES.split(value):
        if len(line.strip()) >= _SHORTEST_LINE and not is_common(line.strip()):
            yield line.strip()


def _told_openly(name: str, value: str) -> Iterator[str]:
    """What stands open beside the secrets: users of URLs, and values of variables that are none."""
    yield from (match[1][:-1] for match in URL_PASSWORD.finditer(value))
    if not names_secret(name) and next(_parts(name, value), None) is None:
        yield value


def _spellings(part: str) -> Iterator[str]:
    from html import escape  # noqa: PLC0415 - its names of characters take a while to import

    yield part
    yield json.dumps(part)[1:-1]
    yield quote(part, safe="", errors="surrogateescape")
    yield quote_plus(part, errors="surrogateescape")
    yield escape(part)
    if len(part) >= _SHORTEST_LINE:
        yield base64.b64encode(part.encode("utf-8", "surrogateescape")).decode().rstrip("=")


@lru_cache(maxsize=64)
def _pattern(secrets: tuple[str, ...]) -> re.Pattern[str]:
    """All of them at once; a short one only where it stands by itself."""
    return re.compile(
        "|".join(_alone(secret) if len(secret) < _SHORTEST_LINE else re.escape(secret) for secret in secrets)
    )


def _alone(secret: str) -> str:
    return rf"(?<![A-Za-z0-9]){re.escape(secret)}(?![A-Za-z0-9])"
