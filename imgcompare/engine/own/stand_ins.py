"""Stand-in base images, made from the distribution's packages where no registry answers; in the own engine only.

A stand-in has the official image's layout (/usr/local/bin/python, pip, site-packages under /usr/local), so that a
Dockerfile written for the official image builds unchanged, and a label that says what it is.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from imgcompare.engine.interface import STAND_IN_LABEL, STAND_IN_TAG
from imgcompare.engine.own import rootfs
from imgcompare.engine.own.import_image import build, has_image, import_root
from imgcompare.errors import BaseImageError, UsageError

Say = Callable[[str], None]

BUNDLED_BASES = ("python:3.11", "python:3.11-slim")
"""The base images that the bundled Dockerfiles name."""

_ENVIRONMENT = {
    "PATH": "/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG": "C.UTF-8",
    "PIP_CERT": rootfs.CA_BUNDLE,  # pip brings certificates of its own, which lack a company's
}
# What the official full image has beyond the slim one: https://github.com/docker-library/buildpack-deps (curl, scm and
# the -dev packages), and Python's own headers, which the official images build into /usr/local.
_FULL_PACKAGES = (
    "build-essential autoconf automake bzip2 default-libmysqlclient-dev dpkg-dev file libbz2-dev libcurl4-openssl-dev "
    "libdb-dev libevent-dev libffi-dev libgdbm-dev libglib2.0-dev libgmp-dev libjpeg-dev libkrb5-dev liblzma-dev "
    "libmaxminddb-dev libncurses-dev libpng-dev libpq-dev libreadline-dev libsqlite3-dev libssl-dev libtool "
    "libwebp-dev libxml2-dev libxslt1-dev libyaml-dev patch unzip xz-utils zlib1g-dev uuid-dev python3-dev "
    "curl gnupg wget git openssh-client procps"
)


@dataclass(frozen=True)
class _Wanted:
    minor: str
    slim: bool


def _parse(tag: str) -> _Wanted:
    match = STAND_IN_TAG.fullmatch(tag)
    if match is None:
        raise UsageError(
            f"no stand-in can be made for {tag}: only for python:3.X and python:3.X-slim",
            hint=f"Get it from a registry, on an engine that reaches one: docker pull {tag}",
        )
    return _Wanted(match["minor"], match["slim"] is not None)


def check_stand_in(tag: str) -> None:
    """Raise UsageError for a tag that no stand-in can be made for."""
    _parse(tag)


def make_stand_in(socket: Path, tag: str, say: Say, *, on_request: bool = False) -> None:
    """Make a stand-in for the official image ``tag`` in the engine listening on ``socket``.

    The Python inside is the distribution's. Where ``tag`` names another version, it is made only ``on_request``, and
    its label tells the true one. Raises UsageError for other images, BaseImageError when it cannot be made.
    """
    wanted = _parse(tag)
    minor = rootfs.distribution_python()
    if wanted.minor != minor and not on_request:
        raise BaseImageError(
            f"{tag} can be neither pulled nor made: Python here is {minor}, not {wanted.minor}",
            hint=f"Either use an engine that reaches a registry (docker pull {tag}, or name one with --host URL), or "
            f"ask for a stand-in that really holds Python {minor}: imgcompare setup --stand-in {tag}",
        )
    slim, full = f"python:{minor}-slim", f"python:{minor}"
    true_tag = slim if wanted.slim else full
    # The full one is built on the slim one, as the official images share their layers.
    if not has_image(socket, slim):
        say(f"{slim}: making it from this machine's package sources (about half a minute).")
        _make_slim(socket, slim, say)
    if true_tag == full and not has_image(socket, full):
        say(f"{full}: adding build tools and headers (about a minute).")
        _derive(socket, slim, full, full, say, packages=_FULL_PACKAGES)
    if tag != true_tag:
        truth = tag if wanted.minor == minor else f"{tag} (really Python {minor})"
        say(f"{tag}: the same as {true_tag}, under this name because it was asked for; Python in it is {minor}.")
        _derive(socket, true_tag, tag, truth, say)


def _make_slim(socket: Path, tag: str, say: Say) -> None:
    with rootfs.make(say) as root:
        changes = [f"ENV {name}={value}" for name, value in _ENVIRONMENT.items()]
        changes += [f"ENV PYTHON_VERSION={root.python_version}", 'CMD ["python3"]', f"LABEL {STAND_IN_LABEL}={tag}"]
        import_root(socket, tag, root.chunks, changes)


def _derive(socket: Path, base: str, tag: str, truth: str, say: Say, *, packages: str = "") -> None:
    steps = [f"FROM {base}"]
    if packages:
        install = f"apt-get install --yes --no-install-recommends {packages}"
        steps.append(f"RUN apt-get update && {install} && apt-get clean && rm -rf /var/lib/apt/lists/*")
    steps.append(f'LABEL {STAND_IN_LABEL}="{truth}"')
    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        text = "\n".join(steps).encode()
        member = tarfile.TarInfo("Dockerfile")
        member.size = len(text)
        archive.addfile(member, io.BytesIO(text))
    build(socket, tag, context.getvalue(), say)
