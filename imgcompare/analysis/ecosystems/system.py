"""Packages of distributions without dpkg: Alpine's database, RPM's, and the list that Azure Linux leaves instead.

Formats: https://wiki.alpinelinux.org/wiki/Apk_spec (installed), ``image/extract/rpm.py``, and
https://github.com/microsoft/azurelinux/blob/3.0/toolkit/docs/how_it_works/5_misc.md (container-manifest-2).
"""

from __future__ import annotations

from collections.abc import Iterator

from imgcompare.analysis.debian import Documents
from imgcompare.analysis.ecosystems.found import Distribution, Found, purl
from imgcompare.image.extract.kinds import Rpm, RpmDatabase, decode
from imgcompare.image.tarheader import normalised

_APK = "lib/apk/db/installed"
_MANIFEST = "var/lib/rpmmanifest/container-manifest-2"
_MAX_PATH = 4096
# Names that package URLs give to vendors: https://github.com/package-url/purl-spec/blob/main/types-doc/rpm-definition.md
_VENDORS = {"rhel": "redhat", "opensuse-leap": "opensuse", "opensuse-tumbleweed": "opensuse"}


def alpine(documents: Documents, distribution: Distribution) -> Iterator[Found]:
    """Every package in databases of apk."""
    for path in sorted(path for path in documents if path.endswith(_APK)):
        root = path.removesuffix(_APK).removesuffix("usr/")
        for fields, files in _apk_records(documents[path]):
            name, version = fields.get("P", ""), fields.get("V", "")
            if name and version:
                told = {"arch": fields.get("A", ""), "distro": distribution.qualifier}
                yield Found(
                    type="apk",
                    name=name,
                    version=version,
                    purl=purl("apk", name, version, namespace=distribution.name or "alpine", qualifiers=told),
                    location=path,
                    files=tuple(normalised(f"{root}{file}") for file in files),
                )


def _apk_records(document: bytes) -> Iterator[tuple[dict[str, str], list[str]]]:
    """The fields of each package and the paths of its files: ``F:`` names a folder, ``R:`` a file in the last one."""
    fields: dict[str, str] = {}
    files: list[str] = []
    folder = ""
    for line in document.decode("utf-8", "surrogateescape").split("\n"):
        key, _, value = line.partition(":")
        if not line:
            if fields:
                yield fields, files
            fields, files, folder = {}, [], ""
        elif key == "F":
            folder = value
        elif key == "R":
            if len(folder) + len(value) < _MAX_PATH:
                files.append(f"{folder}/{value}")
        elif value:
            fields[key] = value
    if fields:
        yield fields, files


def rpm(documents: Documents, distribution: Distribution) -> Iterator[Found]:
    """Every package in databases of RPM, and, of an image without one, in the list that was left of it."""
    for path in sorted(path for path in documents if "/rpm/" in f"/{path}"):
        if isinstance(database := decode(documents[path]), RpmDatabase):
            for package in database.rpms:
                yield _rpm(package, path, distribution)
    for path in sorted(path for path in documents if path.endswith(_MANIFEST)):
        for line in documents[path].decode("utf-8", "replace").splitlines():
            fields = line.split("\t")
            version, dash, release = fields[1].partition("-") if len(fields) >= 10 else ("", "", "")
            if dash and "-" not in release:
                epoch = int(fields[8]) if fields[5] != "(none)" and fields[8].isdecimal() else None
                yield _rpm(Rpm(fields[0], epoch, version, release, fields[7]), path, distribution)


def _rpm(package: Rpm, path: str, distribution: Distribution) -> Found:
    version = f"{package.version}-{package.release}"
    told = {
        "arch": package.architecture,
        "epoch": "" if package.epoch is None else str(package.epoch),
        "distro": distribution.qualifier,
    }
    vendor = _VENDORS.get(distribution.name, distribution.name)
    return Found(
        type="rpm",
        name=package.name,
        version=version if package.epoch is None else f"{package.epoch}:{version}",
        purl=purl("rpm", package.name, version, namespace=vendor, qualifiers=told),
        location=path,
        files=tuple(map(normalised, package.files)),
    )
