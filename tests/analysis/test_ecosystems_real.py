"""Packages of every ecosystem held against syft's findings (https://github.com/anchore/syft) in images made here."""

from __future__ import annotations

import tarfile
from collections import Counter
from pathlib import Path, PurePosixPath
from typing import TypeAlias

import pytest

from imgcompare.analysis.filesystem import merge
from imgcompare.analysis.packages import find_packages
from imgcompare.image.archive import read_archive
from tests.support.ecosystems import (
    GO_MODULES,
    document,
    go_program,
    jar,
    rpm_berkeley,
    rpm_header,
    rpm_ndb,
    rpm_sqlite,
    rust_program,
)
from tests.support.images import Make
from tests.support.syft import remembered_artifacts

Files: TypeAlias = dict[str, bytes]

_TYPES = {
    "deb": "deb",
    "apk": "apk",
    "rpm": "rpm",
    "python": "pypi",
    "npm": "npm",
    "go-module": "golang",
    "java-archive": "maven",
    "gem": "gem",
    "php-composer": "composer",
    "rust-crate": "cargo",
}
SITE = "lib/python3.12/site-packages"
APK: Files = {
    "etc/os-release": b"ID=alpine\nVERSION_ID=3.19.1\n",
    "lib/apk/db/installed": b"P:musl\nV:1.2.4-r2\nA:x86_64\nF:lib\nR:ld.so\n\nP:busybox\nV:1.36.1-r15\nF:bin\n\n",
}
RPMS = (rpm_header("bash", "5.2", "3.el9", files=("/bin/bash",)), rpm_header("vim", "9.0", "1.el9", epoch=2))
DISTROLESS: Files = {
    "etc/os-release": b"ID=debian\nVERSION_ID=12\n",
    "var/lib/dpkg/status.d/libc6": b"Package: libc6\nVersion: 2.36-9\nArchitecture: amd64\n",
    "var/lib/dpkg/status.d/libc6.md5sums": b"d41d8cd98f00b204e9800998ecf8427e  lib/libc.so.6\n",
}
DEBIAN: Files = {
    "etc/os-release": b"ID=debian\nVERSION_ID=12\n",
    "var/lib/dpkg/status": b"Package: curl\nStatus: install ok installed\nVersion: 7.88.1-10\nArchitecture: amd64\n",
}
NODE: Files = {
    "app/package.json": document(name="shop", version="1.0.0"),
    "app/node_modules/@types/node/package.json": document(name="@types/node", version="20.1.0"),
    "app/node_modules/a/package.json": document(name="a", version="1.0.0", author={"name": "x"}),
    "app/node_modules/a/node_modules/b/package.json": document(name="b", version="2.0.0"),
    "app/node_modules/.pnpm/c@3.0.0/node_modules/c/package.json": document(name="c", version="3.0.0"),
    "app/node_modules/a/esm/package.json": b'{"type": "module"}',
}
# But for what a folder replaces, which later versions of syft name as we do.
_MODULES = GO_MODULES.replace("dep\texample.com/local\tv1.0.0\n=>\t./local\t(devel)\t\n", "")
GO: Files = {
    "app/shop": go_program(_MODULES),
    "app/old": go_program("path\tm\nmod\tm\tv1.0.0\th1:=\n", "go1.16.1", inline=False),
}
_POM = {"groupId": "org.lib", "artifactId": "lib", "version": "2.1"}
JAVA: Files = {
    "app/shop-1.0.jar": jar({"BOOT-INF/lib/lib-2.1.jar": jar(pom=_POM), "BOOT-INF/lib/plain-3.jar": jar()}),
    "srv/site.war": jar({"WEB-INF/lib/lib-2.1.jar": jar(pom=_POM)}, manifest="Implementation-Version: 7\n"),
    "opt/org.example.tool_1.4.jar": jar(),
}
UV: Files = {
    "app/.venv/pyvenv.cfg": b"home = /usr/local/bin\nuv = 0.5\n",
    f"app/.venv/{SITE}/flask-3.1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: Flask\nVersion: 3.1.0\n",
    f"app/.venv/{SITE}/flask-3.1.0.dist-info/RECORD": b"flask/__init__.py,,\n",
}
_GEM = b'Gem::Specification.new do |s|\n  s.name = "rack".freeze\n  s.version = "3.0.8"\nend\n'
RUBY_PHP: Files = {
    "usr/lib/ruby/gems/3.0/specifications/rack-3.0.8.gemspec": _GEM,
    "app/vendor/composer/installed.json": document(packages=[{"name": "monolog/monolog", "version": "3.5.0"}]),
}
RUST: Files = {"bin/shop": rust_program(("serde", "1.0.1"), ("shop", "0.1.0"))}
IMAGES: dict[str, Files] = {
    "alpine": APK,
    "rpm-sqlite": {"var/lib/rpm/rpmdb.sqlite": rpm_sqlite(*RPMS)},
    "rpm-ndb": {"usr/lib/sysimage/rpm/Packages.db": rpm_ndb(*RPMS)},
    "rpm-berkeley": {"var/lib/rpm/Packages": rpm_berkeley(*RPMS)},
    "distroless": DISTROLESS,
    "debian": DEBIAN,
    "node": NODE,
    "go": GO,
    "java": JAVA,
    "uv": UV,
    "ruby-php": RUBY_PHP,
    "mixed": {**APK, **NODE, **GO, **JAVA, **UV, **RUST},
}


def saved(make: Make, files: Files, path: Path) -> Path:
    """An archive of one layer with these files, each in folders that are there."""
    folders = sorted({str(parent) for name in files for parent in PurePosixPath(name).parents} - {"."})
    layer = make.tar([*(make.special(folder, tarfile.DIRTYPE) for folder in folders), *files.items()])
    path.write_bytes(make.legacy([layer]))
    return path


def ours(path: Path) -> Counter[tuple[str, str, str]]:
    """How often we find each type, name and version."""
    (image,) = read_archive([path.read_bytes()]).images
    packages = find_packages(image.layers, merge(image.layers)).packages.listed
    return Counter((package.type, package.name, package.version) for package in packages)


def syft(path: Path) -> Counter[tuple[str, str, str]]:
    """How often syft does."""
    rows = [row for row in remembered_artifacts(path) if row["type"] in _TYPES]
    return Counter((_TYPES[row["type"]], row["name"], row["version"].replace("UNKNOWN", "")) for row in rows)


@pytest.mark.parametrize("name", IMAGES)
def test_as_syft_lists_them(make: Make, tmp_path: Path, name: str) -> None:
    """By type, name and version, each as often."""
    path = saved(make, IMAGES[name], tmp_path / "image.tar")
    found = ours(path)
    assert found
    assert found == syft(path)
