"""Stand-in base images, made from the distribution's packages where no registry answers; in the own engine only.

A stand-in has the official image's layout (/usr/local/bin/python, pip, site-packages under /usr/local), so that a
Dockerfile written for the official image builds unchanged, and a label that says what it is.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path

from imgcompare.engine.interface import STAND_IN_LABEL
from imgcompare.engine.own import rootfs
from imgcompare.engine.own.import_image import build, has_image, import_root
from imgcompare.engine.own.recipes import CERTIFICATE_VARIABLES, Recipe, Wanted, parse_tag, release_with
from imgcompare.errors import BaseImageError, UsageError

Say = Callable[[str], None]

BUNDLED_BASES = ("python:3.11", "python:3.11-slim")
"""The base images that the bundled Dockerfiles name."""

_ENVIRONMENT = {
    "PATH": "/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG": "C.UTF-8",
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
# The official full image is no slim one: what is installed there has its manuals, whose folders some packages need.
_AS_IN_FULL = (
    "rm -f /etc/dpkg/dpkg.cfg.d/99mmdebstrap && mkdir -p /usr/share/man/man1 /usr/share/man/man5 /usr/share/man/man7 "
    "/usr/share/man/man8"
)


def check_stand_ins(tags: Sequence[str]) -> None:
    """Raise UsageError for tags that no stand-in can be made for, all of them at once."""
    others = [tag for tag in tags if parse_tag(tag) is None]
    if others:
        raise UsageError(
            f"no stand-in can be made for {', '.join(others)}: only for python:3.X and debian:RELEASE, also with -slim",
            hint="Get them from a registry, on an engine that reaches one: "
            + "; ".join(f"docker pull {tag}" for tag in others),
        )


def make_stand_in(socket: Path, tag: str, say: Say, *, on_request: bool = False) -> None:
    """Make a stand-in for the official image ``tag`` in the engine listening on ``socket``.

    The Python inside is the distribution's, of this machine's release or of the one that has it. Where none has the
    version of ``tag``, it is made only ``on_request``, and its label tells the true one. Raises UsageError for other
    images, BaseImageError when it cannot be made.
    """
    check_stand_ins([tag])
    wanted = parse_tag(tag)
    assert wanted is not None  # noqa: S101 - checked above
    distribution, release = rootfs.codename()
    if wanted.python is None:
        if distribution != "debian":
            raise BaseImageError(
                f"{tag} can be neither pulled nor made: the packages here are {distribution}'s",
                hint=f"Use an engine that reaches a registry: docker pull {tag}, or name one with --host URL",
            )
        _make(socket, tag, tag, Recipe(wanted.codename or release, slim=wanted.slim), say)
        return
    own = rootfs.distribution_python()
    there = release if wanted.python == own else release_with(wanted.python, distribution)
    if there is None and not on_request:
        raise BaseImageError(
            f"{tag} can be neither pulled nor made: Python here is {own}, not {wanted.python}",
            hint=f"Either use an engine that reaches a registry (docker pull {tag}, or name one with --host URL), or "
            f"ask for a stand-in that really holds Python {own}: imgcompare setup --stand-in {tag}",
        )
    recipe = Recipe(there or release, wanted.python if there else own)
    _make_python(socket, tag, wanted, recipe, say)


def _make_python(socket: Path, tag: str, wanted: Wanted, recipe: Recipe, say: Say) -> None:
    minor = recipe.python
    slim, full = f"python:{minor}-slim", f"python:{minor}"
    true_tag = slim if wanted.slim else full
    # The full one is built on the slim one, as the official images share their layers.
    if not has_image(socket, slim):
        say(f"{slim}: making it from the package sources of {recipe.codename} (about half a minute).")
        _make(socket, slim, slim, recipe, say)
    if true_tag == full and not has_image(socket, full):
        say(f"{full}: adding build tools and headers (about a minute).")
        _derive(socket, slim, full, full, say, packages=_FULL_PACKAGES)
    if tag != true_tag:
        truth = tag if wanted.python == minor else f"{tag} (really Python {minor})"
        if wanted.codename not in {None, recipe.codename}:
            truth = f"{tag} (really Python {minor} of {recipe.codename})"
        say(f"{tag}: the same as {true_tag}, under this name because it was asked for; Python in it is {minor}.")
        _derive(socket, true_tag, tag, truth, say)


def _make(socket: Path, tag: str, truth: str, recipe: Recipe, say: Say) -> None:
    with rootfs.make(say, recipe) as root:
        environment = dict(_ENVIRONMENT) if recipe.python else {}
        if rootfs.needs_certificates():
            environment |= dict.fromkeys(CERTIFICATE_VARIABLES, rootfs.CA_BUNDLE)
        if recipe.python:
            environment["PYTHON_VERSION"] = root.version
        changes = [f"ENV {name}={value}" for name, value in environment.items()]
        changes += ['CMD ["python3"]' if recipe.python else 'CMD ["bash"]', f"LABEL {STAND_IN_LABEL}={truth}"]
        import_root(socket, tag, root.chunks, changes)


def _derive(socket: Path, base: str, tag: str, truth: str, say: Say, *, packages: str = "") -> None:
    steps = [f"FROM {base}"]
    if packages:
        install = f"apt-get install --yes --no-install-recommends {packages}"
        steps.append(
            f"RUN {_AS_IN_FULL} && apt-get update && {install} && apt-get clean && rm -rf /var/lib/apt/lists/*"
        )
    steps.append(f'LABEL {STAND_IN_LABEL}="{truth}"')
    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        text = "\n".join(steps).encode()
        member = tarfile.TarInfo("Dockerfile")
        member.size = len(text)
        archive.addfile(member, io.BytesIO(text))
    build(socket, tag, context.getvalue(), say)
