"""Pure: masks secrets in the lines of a file of any kind: rather too much than too little."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from imgcompare.regex import regex
from imgcompare.text.redact import MASK, mask, redact_command
from imgcompare.text.secrets import PRIVATE_KEY, is_secret, names_secret

_NAME = regex(r"(?<![\w.-])([A-Za-z_][\w.-]{0,80})(?:[\"']?\s{0,9}(?:=>|[:=])\s{0,9}|>\s{0,9})")
# Quoted, or all that follows on the line: a password may hold anything.
_VALUE = regex(r"\"([^\"\n]{1,4000})\"|'([^'\n]{1,4000})'|([^\s\"'{\[<][^<\r\n]{0,4000})")
# https://manpages.debian.org/stable/libcrypt-dev/crypt.5.en.html
_CRYPT = regex(r"\$(?:[1567y]|2[abxy]?|gy|sha1|argon2(?:i|d|id))\$[^\s:\"',]{8,500}")
_NETRC = regex(r"(^\s*(?:(?:machine|login|account|default)\b[^\n]{0,500}?\s)?password\s+)([^\s#]\S{0,500})")
# https://yaml.org/spec/1.2.2/#81-block-scalar-styles
_BLOCK = regex(r"(?P<indent>[ -]{0,200})[\"']?(?P<name>[A-Za-z_][\w.-]{0,80})[\"']?\s{0,9}:\s{1,9}[|>][-+0-9]{0,2}\s*$")
_KEY_END = regex(r"-----END (?:[A-Z0-9 ]{0,60})-----")


def redact_lines(lines: Sequence[str], secrets: Sequence[str] = ()) -> list[str]:
    """Mask in each line the secrets that were given and what shows itself to be one; there are as many lines as before.

    Of a private key every line between its first and its last is masked, of a text in YAML every line of it.
    """
    return list(_each(lines, secrets))


def _each(lines: Sequence[str], secrets: Sequence[str]) -> Iterator[str]:
    in_key, block = False, None
    for line in lines:
        if block is not None and line.strip() and len(line) - len(line.lstrip(" ")) <= block:
            block = None
        if (in_key and not _KEY_END.search(line)) or (block is not None and line.strip()):
            yield MASK + ("\n" if line.endswith("\n") else "")
            continue
        if (opened := _BLOCK.match(line)) and names_secret(opened["name"]):
            block = len(opened["indent"])
        yield _one(mask(line, secrets))
        begins = [match.end() for match in PRIVATE_KEY.finditer(line)] if "-----BEGIN " in line else []
        in_key = bool(begins) and not _KEY_END.search(line, begins[-1])


def _one(line: str) -> str:
    line = _settings(redact_command(line))
    if "$" in line:
        line = _CRYPT.sub(MASK, line)
    return _NETRC.sub(rf"\1{MASK}", line) if "password" in line else line


def _settings(line: str) -> str:
    """Mask the values that are set to secret names, as YAML, JSON, INI, properties, PHP and XML write them."""
    parts, at = [], 0
    for name in _NAME.finditer(line):
        if name.start() < at or not names_secret(name[1]):
            continue
        value = _VALUE.match(line, name.end())
        bare = (value[1] or value[2] or value[3]).strip() if value else ""
        if not value or MASK in bare or not is_secret(name[1], bare.rstrip(",;")):
            continue
        parts += [line[at : value.start()], value[0].replace(bare, MASK)]
        at = value.end()
    return "".join(parts) + line[at:]
