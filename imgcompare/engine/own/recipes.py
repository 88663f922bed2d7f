"""Pure: what a stand-in is made of: the release, the packages, and what brings it near to the official image."""

from __future__ import annotations

import re

from msgspec import Struct

from imgcompare.engine.interface import STAND_IN_TAG

# Each release's own Python: https://packages.debian.org/python3, https://packages.ubuntu.com/python3
_PYTHONS = {
    "debian": {"bullseye": "3.9", "bookworm": "3.11", "trixie": "3.13"},
    "ubuntu": {"focal": "3.8", "jammy": "3.10", "noble": "3.12"},
}
_NUMBERS = {"11": "bullseye", "12": "bookworm", "13": "trixie"}
# What Debian's slim images leave out: https://github.com/debuerreotype/debuerreotype, .slimify-excludes
_LEFT_OUT = (
    *(f"path-exclude=/usr/share/{name}/*" for name in ("doc", "groff", "info", "linda", "lintian", "locale", "man")),
    "path-include=/usr/share/doc/*/copyright",
    "path-include=/usr/share/locale/locale.alias",
)
# What the official images build into /usr/local: headers and the shared library, which the distribution has in packages
# of its own. Those with the headers bring along a static library and other headers, so they alone are taken out.
_PYTHON_HOOKS = (
    'chroot "$1" python3 -m venv --copies --system-site-packages /usr/local',
    'mkdir "$1/tmp/dev" && chroot "$1" sh -c "cd /tmp/dev && apt-get -q download libpython{minor}-dev"',
    'cd "$1/tmp/dev" && dpkg-deb --fsys-tarfile *.deb | tar -x ./usr/include && cp -a usr/include "$1/usr/"',
    'rm -r "$1/tmp/dev" "$1/usr/local/include/python{minor}"',
    'ln -s /usr/include/python{minor} "$1/usr/local/include/python{minor}"',
    'chroot "$1" sh -c "ln -s /usr/lib/*-linux-gnu*/libpython{minor}.so.1.0 /usr/local/lib"',
    'ln -s libpython{minor}.so.1.0 "$1/usr/local/lib/libpython{minor}.so"',
)
# What programs ask for certificates, each in its own way: pip, OpenSSL (Python, uv, Ruby), requests (poetry, pipenv),
# curl, Node's and git.
CERTIFICATE_VARIABLES = (
    *("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "GIT_SSL_CAINFO"),
)


class Recipe(Struct, frozen=True):
    """How to make a root filesystem: of which release, with which Python (``3.11``, None for none), slim or whole."""

    codename: str
    python: str | None = None
    slim: bool = True

    @property
    def packages(self) -> tuple[str, ...]:
        """What is installed beside what is essential."""
        if self.python is None:
            return ("ca-certificates", "netbase", "tzdata")
        return ("python3", "python3-venv", f"libpython{self.python}", "ca-certificates", "netbase", "tzdata")

    @property
    def left_out(self) -> tuple[str, ...]:
        """What dpkg does not unpack."""
        return _LEFT_OUT if self.slim else ()

    @property
    def hooks(self) -> tuple[str, ...]:
        """The shell commands that make Python's place in it, its folder being ``$1``."""
        return tuple(line.replace("{minor}", self.python) for line in _PYTHON_HOOKS) if self.python else ()


class Wanted(Struct, frozen=True):
    """What a tag of an official image asks for: a Python or none, of a release or of any, slim or whole."""

    python: str | None
    codename: str | None
    slim: bool


def parse_tag(tag: str) -> Wanted | None:
    """What a tag asks for; None for one that no stand-in can be made for."""
    match = STAND_IN_TAG.fullmatch(tag)
    if match is None:
        return None
    number = re.match(r"\d+", match["release"] or "")
    named = _NUMBERS.get(number[0]) if number else match["release"] or match["suite"]
    if match["minor"] is None and named not in _PYTHONS["debian"]:
        return None
    return Wanted(match["minor"], named, slim=bool(match["slim"] or match["release_slim"]))


def release_with(python: str, distribution: str) -> str | None:
    """The code name of the distribution's release whose own Python is of that minor version."""
    releases = _PYTHONS.get(distribution, {})
    return next((codename for codename, minor in releases.items() if minor == python), None)
