"""Packages of every ecosystem in made layers: names, versions, package URLs, and whose bytes are whose."""

from __future__ import annotations

from typing import Any

import pytest

from imgcompare.analysis.filesystem import merge
from imgcompare.analysis.packages import Inventory, find_packages
from imgcompare.image.layer_index import LayerIndex
from imgcompare.image.layer_reader import Allowance, read_entries
from imgcompare.model import Packages, PythonPackage
from tests.support.ecosystems import document, go_program, jar, rpm_header, rpm_sqlite, rust_program
from tests.support.images import Entries, Make

Rows = list[tuple[str, str, str, int]]

ALPINE = ("etc/os-release", b'NAME="Alpine Linux"\nID=alpine\nVERSION_ID=3.19.1\n')
APK = (
    b"C:Q1=\nP:musl\nV:1.2.4-r2\nA:x86_64\nF:lib\nR:ld-musl-x86_64.so.1\na:0:0:755\n\n"
    b"P:busybox\nV:1.36.1-r15\nA:x86_64\nF:bin\nR:busybox\nR:gone\nF:etc\nR:securetty\n\n"
)


def found(make: Make, *layers: Entries) -> Inventory:
    """What is found in layers."""
    indexes = []
    for entries in layers:
        read, documents = read_entries([make.tar(entries)], Allowance())
        indexes.append(
            LayerIndex(
                diff_id="",
                uncompressed_size=sum(entry.stored for entry in read),
                file_count=0,
                compressed_size=0,
                compressed_size_exact=False,
                entries=read,
                documents=documents,
            )
        )
    return find_packages(indexes, merge(indexes))


def rows(inventory: Inventory, kind: str | None = None) -> Rows:
    """Type, name, version and bytes of each package."""
    return [
        (one.type, one.name, one.version, one.installed_bytes)
        for one in inventory.packages.listed
        if kind in (None, one.type)
    ]


def purls(inventory: Inventory) -> list[str]:
    """The package URLs."""
    return [one.purl for one in inventory.packages.listed]


def test_alpine(make: Make) -> None:
    """Bytes are those of the files that each package lists and that are there."""
    inventory = found(
        make,
        [ALPINE, ("lib/apk/db/installed", APK), ("lib/ld-musl-x86_64.so.1", b"m" * 600), ("bin/busybox", b"b" * 900)],
    )
    assert rows(inventory) == [("apk", "busybox", "1.36.1-r15", 900), ("apk", "musl", "1.2.4-r2", 600)]
    assert purls(inventory) == [
        "pkg:apk/alpine/busybox@1.36.1-r15?arch=x86_64&distro=alpine-3.19.1",
        "pkg:apk/alpine/musl@1.2.4-r2?arch=x86_64&distro=alpine-3.19.1",
    ]
    assert inventory.owner("bin/busybox") == "busybox"


def test_rpm(make: Make) -> None:
    """An epoch stands before the version, and in the package URL as a qualifier."""
    database = rpm_sqlite(
        rpm_header("vim", "9.0", "1.el9", epoch=2, files=("/usr/bin/vi",)), rpm_header("tzdata", "2024a", "1")
    )
    inventory = found(
        make,
        [
            ("etc/os-release", b'ID="rhel"\nVERSION_ID="9.3"\n'),
            ("var/lib/rpm/rpmdb.sqlite", database),
            ("usr/bin/vi", b"x" * 70),
        ],
    )
    assert rows(inventory) == [("rpm", "tzdata", "2024a-1", 0), ("rpm", "vim", "2:9.0-1.el9", 70)]
    assert purls(inventory)[1] == "pkg:rpm/redhat/vim@9.0-1.el9?arch=x86_64&distro=rhel-9.3&epoch=2"


def test_the_list_that_distroless_azure_linux_leaves(make: Make) -> None:
    """Without a database the packages are those of the manifest; lines of another shape are passed over."""
    line = "vim\t9.0-1.cm2\t1\t2\tMicrosoft\t2\t10\tx86_64\t2\tvim.src.rpm\n"
    plain = "glibc\t2.35-2.cm2\t1\t2\tMicrosoft\t(none)\t10\tx86_64\t0\tglibc.src.rpm\n"
    inventory = found(make, [("var/lib/rpmmanifest/container-manifest-2", (line + plain + "broken\n\n").encode())])
    assert rows(inventory) == [("rpm", "glibc", "2.35-2.cm2", 0), ("rpm", "vim", "2:9.0-1.cm2", 0)]


def test_node_s_packages_own_their_folders(make: Make) -> None:
    """Nested, scoped and pnpm's packages each own their folder; the application's own package.json is all of it."""
    entries: Entries = [
        ("app/package.json", document(name="shop", version="1.0.0")),
        ("app/index.js", b"x" * 1000),
        ("app/node_modules/a/package.json", document(name="a", version="2.0.0")),
        ("app/node_modules/a/index.js", b"x" * 100),
        ("app/node_modules/a/node_modules/b/package.json", document(name="b", version="1.0.0")),
        ("app/node_modules/a/node_modules/b/index.js", b"x" * 10),
        ("app/node_modules/@scope/c/package.json", document(name="@scope/c", version="3.0.0")),
        ("app/node_modules/.pnpm/d@4/node_modules/d/package.json", document(name="d", version="4.0.0")),
        make.special("app/node_modules/d", b"2", ".pnpm/d@4/node_modules/d"),
        ("app/node_modules/a/esm/package.json", b'{"type": "module"}'),
    ]
    inventory = found(make, entries)
    json = {
        name: len(content) for name, content in (e for e in entries if isinstance(e, tuple)) if "package.json" in name
    }
    assert rows(inventory) == [
        ("npm", "@scope/c", "3.0.0", json["app/node_modules/@scope/c/package.json"]),
        (
            "npm",
            "a",
            "2.0.0",
            json["app/node_modules/a/package.json"] + 100 + json["app/node_modules/a/esm/package.json"],
        ),
        ("npm", "b", "1.0.0", json["app/node_modules/a/node_modules/b/package.json"] + 10),
        ("npm", "d", "4.0.0", json["app/node_modules/.pnpm/d@4/node_modules/d/package.json"]),
        ("npm", "shop", "1.0.0", json["app/package.json"]),
    ]
    assert "pkg:npm/%40scope/c@3.0.0" in purls(inventory)
    assert inventory.owner("app/node_modules/a/node_modules/b/index.js") == "b"
    assert inventory.owner("app/index.js") == ""


def test_go(make: Make) -> None:
    """Modules as they were used: what was replaced by what replaced it, the main one's version from the linker."""
    program = go_program()
    inventory = found(make, [("app/shop", program)])
    assert rows(inventory) == [
        ("golang", "example.com/fork/net", "v0.21.0", 0),
        ("golang", "example.com/local", "", 0),
        ("golang", "example.com/shop", "v1.4.2", len(program)),
        ("golang", "github.com/gorilla/mux", "v1.8.1", 0),
        ("golang", "stdlib", "go1.21.6", 0),
    ]
    assert purls(inventory)[-2:] == ["pkg:golang/github.com/gorilla/mux@v1.8.1", "pkg:golang/stdlib@1.21.6"]


@pytest.mark.parametrize(
    ("modules", "told"),
    [
        ("path\tcmd/x\nmod\tm\tv1.2.3\th1:=\n", [("m", "v1.2.3"), ("stdlib", "go1.21.6")]),
        (
            "path\tm\nmod\tm\t(devel)\nbuild\tvcs.revision=0123456789abcdef\nbuild\tvcs.time=2024-02-03T04:05:06Z\n",
            [("m", "v0.0.0-20240203040506-0123456789ab"), ("stdlib", "go1.21.6")],
        ),
        ("path\tm\nmod\tm\t(devel)\n", [("m", ""), ("stdlib", "go1.21.6")]),
        (
            "path\tcommand-line-arguments\ndep\tx\tv1\n",
            [("command-line-arguments", ""), ("stdlib", "go1.21.6"), ("x", "v1")],
        ),
        ("", []),
    ],
)
def test_what_go_s_main_module_is(make: Make, modules: str, told: list[tuple[str, str]]) -> None:
    """Its own version, else that of its commit, else none; a program that tells no module has none."""
    assert [(name, version) for _, name, version, _ in rows(found(make, [("m", go_program(modules))]))] == told


def test_java_and_rust(make: Make) -> None:
    """A file counts for the first of the packages in it."""
    inner = jar(pom={"groupId": "org.lib", "artifactId": "lib", "version": "2"})
    fat = jar({"BOOT-INF/lib/lib-2.jar": inner}, pom={"groupId": "org.shop", "artifactId": "shop", "version": "1"})
    program = rust_program(("serde", "1.0.1"), ("shop", "0.1.0"))
    inventory = found(make, [("app/shop.jar", fat), ("bin/shop", program)])
    assert rows(inventory) == [
        ("cargo", "serde", "1.0.1", len(program)),
        ("cargo", "shop", "0.1.0", 0),
        ("maven", "lib", "2", 0),
        ("maven", "shop", "1", len(fat)),
    ]
    assert purls(inventory)[2:] == ["pkg:maven/org.lib/lib@2", "pkg:maven/org.shop/shop@1"]
    assert [one.location for one in inventory.packages.listed][2] == "/app/shop.jar:BOOT-INF/lib/lib-2.jar"


def test_conda_ruby_php_and_dotnet(make: Make) -> None:
    """Each by its own records, with the bytes of its own files."""
    gemspec = b'Gem::Specification.new do |s|\n  s.name = "rack".freeze\n  s.version = "3.0.8"\nend\n'
    installed = document(
        packages=[{"name": "monolog/monolog", "version": "3.5.0", "install-path": "../monolog/monolog"}]
    )
    deps = document(
        libraries={
            "Serilog/2.10.0": {"type": "package"},
            "Shop/1.0.0": {"type": "project"},
            "Meta/1.0.0": {"type": "package"},
        },
        targets={"net8": {"Serilog/2.10.0": {"runtime": {"lib/net8/Serilog.dll": {}}}}},
    )
    conda = document(name="zlib", version="1.2.11", build="h1", files=["lib/libz.so"])
    inventory = found(
        make,
        [
            ("opt/conda/conda-meta/zlib-1.2.11-h1.json", conda),
            ("opt/conda/lib/libz.so", b"z" * 50),
            ("usr/lib/ruby/gems/3.0/specifications/rack-3.0.8.gemspec", gemspec),
            ("usr/lib/ruby/gems/3.0/gems/rack-3.0.8/lib/rack.rb", b"r" * 60),
            ("app/vendor/composer/installed.json", installed),
            ("app/vendor/monolog/monolog/src/Logger.php", b"p" * 70),
            ("srv/Shop.deps.json", deps),
            ("srv/Serilog.dll", b"d" * 80),
        ],
    )
    assert rows(inventory) == [
        ("composer", "monolog/monolog", "3.5.0", 70),
        ("conda", "zlib", "1.2.11", 50 + len(conda)),
        ("gem", "rack", "3.0.8", 60 + len(gemspec)),
        ("nuget", "Serilog", "2.10.0", 80),
    ]


def test_every_file_counts_once(make: Make) -> None:
    """What the system installed as a Python distribution is the system's; the two old lists each count it."""
    status = b"Package: python3-six\nStatus: install ok installed\nVersion: 1.16\nArchitecture: all\n"
    site = "usr/lib/python3/dist-packages"
    record = b"six.py,,\nsix-1.16.dist-info/METADATA,,\n"
    entries: Entries = [
        ("etc/os-release", b"ID=debian\nVERSION_ID=12\n"),
        ("var/lib/dpkg/status", status),
        ("var/lib/dpkg/info/python3-six.list", f"/{site}/six.py\n".encode()),
        (f"{site}/six.py", b"s" * 1000),
        (f"{site}/six-1.16.dist-info/METADATA", b"Name: six\nVersion: 1.16\n"),
        (f"{site}/six-1.16.dist-info/RECORD", record),
    ]
    inventory = found(make, entries)
    assert rows(inventory) == [("deb", "python3-six", "1.16", 1000), ("pypi", "six", "1.16", 24)]
    assert inventory.packages.python[0].installed_bytes == 1024
    assert purls(inventory) == ["pkg:deb/debian/python3-six@1.16?arch=all&distro=debian-12", "pkg:pypi/six@1.16"]


def test_what_the_system_installed_is_the_system_s(make: Make) -> None:
    """A program of Go and a package.json that Alpine's packages brought are theirs, and so are the bytes."""
    program, package = go_program(), document(name="npm", version="10.0.0")
    database = b"P:shop-tool\nV:1-r0\nF:usr/bin\nR:shop\nF:usr/lib/node_modules/npm\nR:package.json\n\n"
    entries: Entries = [
        ("lib/apk/db/installed", database),
        ("usr/bin/shop", program),
        ("usr/lib/node_modules/npm/package.json", package),
    ]
    inventory = found(make, entries)
    assert rows(inventory, "apk") == [("apk", "shop-tool", "1-r0", len(program) + len(package))]
    assert {size for *_, size in rows(inventory, "golang") + rows(inventory, "npm")} == {0}
    assert {inventory.owner(path) for path in ("usr/bin/shop", "usr/lib/node_modules/npm/package.json")} == {
        "shop-tool"
    }


@pytest.mark.parametrize(
    "cache",
    [
        "root/.cache/uv/archive-v0/x",
        "root/.cache/pip/wheels/x",
        "opt/conda/pkgs/flask-3/lib/python3.12/site-packages",
        "cache/uv/wheels-v3/pypi/flask",
    ],
)
def test_what_lies_in_a_cache_is_not_installed(make: Make, cache: str) -> None:
    """uv's, pip's and conda's caches hold what may be installed; deleting them removes no package."""
    assert rows(found(make, [(f"{cache}/flask-3.1.dist-info/METADATA", b"Name: flask\nVersion: 3.1\n")])) == []


@pytest.mark.parametrize(
    "site",
    [
        "app/.venv/lib/python3.12/site-packages",
        "root/.cache/pypoetry/virtualenvs/shop-py3.12/lib/python3.12/site-packages",
    ],
)
def test_environments_of_uv_and_poetry(make: Make, site: str) -> None:
    """Environments are, wherever the tool puts them."""
    assert (
        rows(found(make, [(f"{site}/flask-3.1.dist-info/METADATA", b"Name: flask\nVersion: 3.1\n")]))[0][1] == "flask"
    )


def test_packages_that_later_layers_remove(make: Make) -> None:
    """A package is gone with its record; what it brought still has its name."""
    layers: list[Any] = [
        [("app/node_modules/a/package.json", document(name="a", version="1")), ("app/node_modules/a/x.js", b"x")],
        [("app/node_modules/.wh.a", b"")],
    ]
    inventory = found(make, *layers)
    assert rows(inventory) == []
    assert inventory.owner("app/node_modules/a/x.js") == "a"


def test_older_reports_list_what_they_have() -> None:
    """A report of before tells its two kinds of packages in the one list too."""
    old = Packages(python=(PythonPackage(name="flask", version="3", installed_bytes=5, location="/x"),))
    assert [(one.type, one.name, one.installed_bytes) for one in old.listed] == [("pypi", "flask", 5)]
    assert Packages(all=()).listed == ()
