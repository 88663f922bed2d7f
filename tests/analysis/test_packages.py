"""Packages found in made layers: Debian's database, Python's metadata, and the bytes that are really there."""

from __future__ import annotations

import tarfile
from collections.abc import Callable
from typing import Any, TypeAlias

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgcompare.analysis.filesystem import merge
from imgcompare.analysis.packages import Inventory, Owner, find_packages
from imgcompare.image.layer_index import FileEntry, LayerIndex, is_document
from imgcompare.image.layer_reader import Allowance, read_entries

Entries: TypeAlias = list[tuple[str, bytes] | tarfile.TarInfo]
Find: TypeAlias = Callable[..., Inventory]

SITE = "usr/local/lib/python3.11/site-packages"
CURL = "Package: curl\nStatus: install ok installed\nSection: web\nArchitecture: amd64\nVersion: 7.88.1-10\n"


def index(entries: tuple[FileEntry, ...], documents: dict[str, bytes]) -> LayerIndex:
    """A layer of these."""
    return LayerIndex(
        diff_id="",
        uncompressed_size=sum(entry.stored for entry in entries),
        file_count=0,
        compressed_size=0,
        compressed_size_exact=False,
        entries=entries,
        documents=documents,
    )


@pytest.fixture(scope="module")
def find(make: Any) -> Find:
    """Finds the packages of layers that are given as lists of entries."""

    def found(*layers: Entries) -> Inventory:
        indexes = [index(*read_entries([make.tar(entries)], Allowance())) for entries in layers]
        return find_packages(indexes, merge(indexes))

    return found


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    """A symbolic or hard link."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def debian(inventory: Inventory) -> list[tuple[str, str, int]]:
    """Name, version and bytes of each Debian package."""
    return [(package.name, package.version, package.installed_bytes) for package in inventory.packages.debian]


def python(inventory: Inventory) -> list[tuple[str, str, int, str]]:
    """Name, version, bytes and location of each Python package."""
    return [(p.name, p.version, p.installed_bytes, p.location) for p in inventory.packages.python]


def wheel(name: str, version: str, record: str = "", site: str = SITE) -> Entries:
    """The metadata of an installed wheel (44 bytes for one called demo, version 1)."""
    folder = f"{site}/{name}-{version}.dist-info"
    entries: Entries = [(f"{folder}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode())]
    return [*entries, (f"{folder}/RECORD", record.encode())] if record else entries


# --- Debian


def test_a_debian_package_counts_its_files(find: Find) -> None:
    """Bytes are those of the listed files that are there: through linked folders, and none for what was left out."""
    entries: Entries = [
        link("bin", "usr/bin"),
        ("usr/bin/curl", b"x" * 100),
        ("usr/bin/other", b"x" * 1000),
        ("var/lib/dpkg/status", CURL.encode()),
        ("var/lib/dpkg/info/curl.list", b"/.\n/bin\n/bin/curl\n/usr\n/usr/share/doc/curl/copyright\n"),
    ]
    assert debian(find(entries)) == [("curl", "7.88.1-10", 100)]


@pytest.mark.parametrize(
    ("status", "listed"),
    [
        ("install ok installed", True),
        ("hold ok installed", True),
        ("install ok unpacked", True),
        ("install ok half-configured", True),
        ("install ok triggers-pending", True),
        ("deinstall ok installed", True),
        ("deinstall ok config-files", False),
        ("purge ok not-installed", False),
    ],
)
def test_packages_whose_files_are_gone_are_not_listed(find: Find, status: str, listed: bool) -> None:
    """What dpkg still knows but has removed is no package of the image."""
    document = CURL.replace("install ok installed", status).encode()
    assert bool(debian(find([("var/lib/dpkg/status", document)]))) is listed


def test_architectures_are_told_apart(find: Find) -> None:
    """Of a package installed twice, each one counts the files of its own list, and a shared file once."""
    status = CURL + "\n" + CURL.replace("amd64", "i386")
    entries: Entries = [
        ("a", b"1" * 10),
        ("b", b"1" * 5),
        ("common", b"1" * 100),
        ("var/lib/dpkg/status", status.encode()),
        ("var/lib/dpkg/info/curl:amd64.list", b"/a\n/common\n"),
        ("var/lib/dpkg/info/curl:i386.list", b"/b\n/common\n"),
    ]
    assert debian(find(entries)) == [("curl", "7.88.1-10", 110), ("curl", "7.88.1-10", 5)]


def test_hard_links_count_once(find: Find) -> None:
    """Two names of one file are its bytes once, within a package and between packages."""
    status = CURL + "\n" + CURL.replace("curl", "zcurl")
    entries: Entries = [
        ("a", b"1" * 10),
        link("b", "a", tarfile.LNKTYPE),
        link("c", "a", tarfile.LNKTYPE),
        ("var/lib/dpkg/status", status.encode()),
        ("var/lib/dpkg/info/curl.list", b"/a\n/b\n"),
        ("var/lib/dpkg/info/zcurl.list", b"/c\n"),
    ]
    assert debian(find(entries)) == [("curl", "7.88.1-10", 10), ("zcurl", "7.88.1-10", 0)]


def test_diverted_files_are_followed(find: Find) -> None:
    """A file that another package diverts counts where it went; the diverting package has the name itself."""
    status = CURL + "\n" + CURL.replace("curl", "dash")
    entries: Entries = [
        ("bin/sh", b"1" * 10),
        ("bin/sh.distrib", b"1" * 3),
        ("var/lib/dpkg/status", status.encode()),
        ("var/lib/dpkg/diversions", b"/bin/sh\n/bin/sh.distrib\ndash\n"),
        ("var/lib/dpkg/info/curl.list", b"/bin/sh\n"),
        ("var/lib/dpkg/info/dash.list", b"/bin/sh\n"),
    ]
    assert debian(find(entries)) == [("curl", "7.88.1-10", 3), ("dash", "7.88.1-10", 10)]


def test_distroless_images_have_a_file_for_each_package(find: Find) -> None:
    """status.d/NAME without a status line, its files with their sums beside it."""
    entries: Entries = [
        ("usr/share/zoneinfo/UTC", b"1" * 7),
        ("var/lib/dpkg/status.d/tzdata", b"Package: tzdata\nVersion: 2024a-0\nSection: localization\n"),
        ("var/lib/dpkg/status.d/tzdata.md5sums", b"0123456789abcdef0123456789abcdef  usr/share/zoneinfo/UTC\n"),
    ]
    inventory = find(entries)
    assert debian(inventory) == [("tzdata", "2024a-0", 7)]
    assert inventory.debian_paths == {"usr/share/zoneinfo/UTC": Owner("tzdata", "localization")}


def test_sums_in_the_usual_place_are_read_where_there_is_no_list(find: Find) -> None:
    """As distroless images have them now, and as every Debian image has them beside its lists."""
    info = "var/lib/dpkg/info/libx"
    single: Entries = [
        ("var/lib/dpkg/status.d/libx", b"Package: libx\nVersion: 1\n"),
        (f"{info}.md5sums", b"0123456789abcdef0123456789abcdef  usr/lib/libx.so\n"),
        ("usr/lib/libx.so", b"1" * 10),
        ("usr/lib/liby.so", b"1" * 10),
    ]
    assert debian(found := find(single)) == [("libx", "1", 10)]
    assert found.owner("usr/lib/libx.so") == "libx"
    assert debian(find([*single, (f"{info}.list", b"/usr/lib/libx.so\n/usr/lib/liby.so\n")])) == [("libx", "1", 20)]


def test_removed_packages_still_own_what_they_left_in_lower_layers(find: Find) -> None:
    """A compiler that a later layer purges is no package of the image, but its wasted bytes are known to be its."""
    gcc = CURL.replace("curl", "gcc-12").replace("web", "devel")
    lower: Entries = [
        ("usr/bin/gcc-12", b"1"),
        ("var/lib/dpkg/status", gcc.encode()),
        ("var/lib/dpkg/info/gcc-12.list", b"/usr/bin/gcc-12\n"),
    ]
    gone = ["usr/bin/.wh.gcc-12", "var/lib/dpkg/info/.wh.gcc-12.list"]
    inventory = find(lower, [("var/lib/dpkg/status", b""), *((path, b"") for path in gone)])
    assert debian(inventory) == []
    assert inventory.debian_paths == {"usr/bin/gcc-12": Owner("gcc-12", "devel")}


# --- Python


def test_a_wheel_counts_its_record_and_its_bytecode(find: Find) -> None:
    """Recorded files, wherever they lie, and bytecode compiled since; not what stands beside them."""
    record = "demo/__init__.py,sha256=x,3\n../../../bin/demo,,4\ndemo-1.dist-info/METADATA,,\n"
    entries: Entries = [
        *wheel("demo", "1", record),
        (f"{SITE}/demo/__init__.py", b"1" * 1000),
        (f"{SITE}/demo/__pycache__/__init__.cpython-311.pyc", b"1" * 200),
        (f"{SITE}/demo/__pycache__/__init__.cpython-311.opt-1.pyc", b"1" * 100),
        (f"{SITE}/demo/__pycache__/other.cpython-311.pyc", b"1" * 50000),
        ("usr/local/bin/demo", b"1" * 10),
    ]
    inventory = find(entries)
    assert python(inventory) == [("demo", "1", 1310 + 44, f"/{SITE}")]
    assert inventory.packages.python[0].interpreter == "python3.11"
    assert "usr/local/bin/demo" in inventory.python_paths


@pytest.mark.parametrize("name", ["Zope.Interface", "zope_interface", "zope--interface"])
def test_names_are_normalised(find: Find, name: str) -> None:
    """However a distribution spells its name, it has one (PEP 503), so that two images can be compared."""
    assert [package[0] for package in python(find(wheel(name, "1")))] == ["zope-interface"]


@pytest.mark.parametrize(
    ("path", "document", "location"),
    [
        ("x/demo-1.egg-info/PKG-INFO", b"Name: demo\nVersion: 1\n", "/x"),
        ("x/demo-1-py3.11.egg-info", b"Name: demo\nVersion: 1\n", "/x"),
        ("x/demo-1.egg/EGG-INFO/PKG-INFO", b"Name: demo\nVersion: 1\n", "/x/demo-1.egg"),
        ("demo-1.dist-info/METADATA", b"\nVersion: 1\nname: demo\n\nName: description\n", "/"),
    ],
)
def test_every_form_of_metadata_is_read(find: Find, path: str, document: bytes, location: str) -> None:
    """Wheels' and setuptools' metadata; without a record, all beneath the top-level names counts."""
    folder = location.strip("/") + "/" if location != "/" else ""
    beside: Entries = [
        (f"{folder}demo/a.py", b"1" * 10),
        (f"{folder}demo/sub/data", b"1" * 10),
        (f"{folder}demo.py", b"1" * 10),
        (f"{folder}__pycache__/demo.cpython-311.pyc", b"1" * 10),
        ("y/demonstration/a.py", b"1" * 5000),
    ]
    assert python(find([(path, document), *beside])) == [("demo", "1", 40 + len(document), location)]


def test_top_level_names_and_installed_files_are_used(find: Find) -> None:
    """What setuptools wrote down is preferred to the distribution's name, and nothing outside its folder counts."""
    yaml: Entries = [
        ("s/PyYAML-6.egg-info/PKG-INFO", b"Name: PyYAML\n"),
        ("s/PyYAML-6.egg-info/top_level.txt", b"yaml\n_yaml\n../..\n/\n"),
        ("s/yaml/x.py", b"1" * 100),
        ("s/unrelated", b"1" * 5000),
    ]
    old: Entries = [
        ("t/old-1.egg-info/PKG-INFO", b"Name: old\nVersion: 1\n"),
        ("t/old-1.egg-info/installed-files.txt", b"../old.py\n../../bin/old\nPKG-INFO\n"),
        ("t/old.py", b"1" * 100),
        ("bin/old", b"1" * 10),
    ]
    found = python(find([*yaml, *old]))
    assert found == [("old", "1", 110 + 21, "/t"), ("pyyaml", "", 100 + 13 + 19, "/s")]


def test_compiled_modules_are_counted(find: Find) -> None:
    """A top-level name may be an extension, with or without the interpreter's mark, and no other's."""
    yaml: Entries = [
        ("s/PyYAML-6.egg-info", b"Name: PyYAML\n"),
        ("s/_yaml.so", b"1" * 5000),
        ("s/pyyaml.cpython-311-x86_64-linux-gnu.so", b"1" * 100),
        ("s/pyyaml.so", b"1" * 10),
        ("s/pyyaml.txt", b"1" * 5000),
        ("s/pyyamlx.so", b"1" * 5000),
    ]
    assert python(find(yaml)) == [("pyyaml", "", 110 + 13, "/s")]


@pytest.mark.parametrize("sources", [True, False])
def test_distributions_in_one_namespace_have_their_own(find: Find, sources: bool) -> None:
    """By the list of sources, else by their names; what only others can own is nobody's."""
    entries: Entries = [("s/zope/__init__.py", b"1" * 5000)]
    for name in ("interface", "i18n_tools"):
        entries += [
            (f"s/zope.{name}-1.egg-info/PKG-INFO", f"Name: zope.{name}\n".encode()),
            (f"s/zope.{name}-1.egg-info/top_level.txt", b"zope\n"),
            (f"s/zope/{name}/a.py", b"1" * 1000),
            (f"s/zope/{name}/__pycache__/a.cpython-311.pyc", b"1" * 100),
            (f"s/zope/{name}/_a.so", b"1" * 10),
        ]
        if sources:
            listed = f"setup.py\nsrc/zope/{name}/a.py\n".encode()
            entries.append((f"s/zope.{name}-1.egg-info/SOURCES.txt", listed))
    bytes_of = {name: size for name, _version, size, _location in python(find(entries))}
    told = {name: size - len(f"Name: {name}\n") - 5 for name, size in bytes_of.items()}
    if sources:
        told = {name: size - len(f"setup.py\nsrc/zope/{name[5:]}/a.py\n") for name, size in told.items()}
    assert told == dict.fromkeys(("zope-i18n-tools", "zope-interface"), 1100 if sources else 1110)


def test_who_has_recorded_a_file_owns_it(find: Find) -> None:
    """What another without a record would claim by its name alone is not its own."""
    egg: Entries = [("s/a.egg-info/PKG-INFO", b"Name: a\n"), ("s/a.egg-info/top_level.txt", b"shared\n")]
    wheel: Entries = [
        ("s/b-1.dist-info/METADATA", b"Name: b\n"),
        ("s/b-1.dist-info/RECORD", b"shared/b.py,,\n"),
        ("s/shared/a.py", b"1" * 10),
        ("s/shared/b.py", b"1" * 1000),
    ]
    assert python(find([*egg, *wheel])) == [("a", "", 10 + 8 + 7, "/s"), ("b", "", 1000, "/s")]


@pytest.mark.parametrize(
    ("folder", "installed"),
    [
        ("root/.cache/uv/archive-v0/xYz", False),
        ("uv-cache/archive-v1/xYz", False),
        ("uv-cache/sdists-v9/pypi/flask/3/src", False),
        ("root/.cache/pip/wheels/a", False),
        ("opt/conda/pkgs/flask-3/lib/python3.11/site-packages", False),
        ("root/miniconda3/pkgs/flask-3/site-packages", False),
        ("root/.cache/pypoetry/virtualenvs/shop-py3.11/lib/python3.11/site-packages", True),
        ("opt/conda/lib/python3.11/site-packages", True),
        ("root/.local/share/uv/tools/flask/lib/python3.11/site-packages", True),
        ("srv/pkgs", True),
    ],
)
def test_a_cache_holds_no_installed_package(find: Find, folder: str, installed: bool) -> None:
    """What an installer has unpacked for some time to come is not there for a program, and no loss when it goes."""
    found = find([(f"{folder}/flask-3.dist-info/METADATA", b"Name: flask\nVersion: 3\n")])
    assert [name for name, *_ in python(found)] == (["flask"] if installed else [])


def test_vendored_distributions_are_listed_without_counting_twice(find: Find) -> None:
    """What setuptools brings along is listed, as syft does, and its bytes are setuptools', who installed them."""
    vendored = f"{SITE}/setuptools/_vendor"
    record = "setuptools/_vendor/demo.py,,\n"
    entries: Entries = [
        *wheel("setuptools", "70", record),
        *wheel("demo", "1", "demo.py,,\n", site=vendored),
        (f"{vendored}/demo.py", b"1" * 1000),
    ]
    assert python(find(entries)) == [("demo", "1", 0, f"/{vendored}"), ("setuptools", "70", 1000, f"/{SITE}")]


def test_deleted_and_replaced_distributions(find: Find) -> None:
    """Only what the merged file system has is a package, with its uppermost metadata."""
    lower = [*wheel("demo", "1"), *wheel("gone", "1")]
    upper: Entries = [
        (f"{SITE}/.wh.gone-1.dist-info", b""),
        (f"{SITE}/demo-1.dist-info/METADATA", b"Name: demo\nVersion: 1.post1\n"),
    ]
    assert [package[:2] for package in python(find(lower, upper))] == [("demo", "1.post1")]


def test_hard_linked_metadata_is_found(find: Find) -> None:
    """Installers that link files from their cache leave packages all the same."""
    cached = "root/.cache/uv/x/demo-1.dist-info/METADATA"
    entries: Entries = [
        (cached, b"Name: demo\nVersion: 1\n"),
        link(f"{SITE}/demo-1.dist-info/METADATA", cached, tarfile.LNKTYPE),
    ]
    assert {package[3] for package in python(find(entries))} == {f"/{SITE}"}


@pytest.mark.parametrize(
    "document", [b"", b"\xff\xfe\x00", b"Version: 1\n", b"Name:\n", b"Name: Python\nVersion: 2.7\n"]
)
def test_metadata_without_a_name_is_no_package(find: Find, document: bytes) -> None:
    """Damaged metadata is passed over; so is Python's own."""
    assert python(find([(f"{SITE}/demo-1.dist-info/METADATA", document)])) == []


def test_names_are_made_safe_to_print_and_store(find: Find) -> None:
    """Escapes, surrogates and endless text in an image's files reach neither a terminal nor the JSON as they are."""
    entries: Entries = [
        ("\udcff/x-1.dist-info/METADATA", b"Name: a\x1b[31mb\xff\nVersion: " + b"1" * 5000),
        ("var/lib/dpkg/status", b"Package: \x1b]0;t\x07p\nVersion: \xe2\x80\xae1\n"),
    ]
    packages = find(entries).packages
    assert msgspec.json.encode(packages)
    assert (packages.debian[0].name, packages.debian[0].version) == ("p", "1")
    assert len(packages.python[0].version) == 200
    assert packages.python[0].name.startswith("ab")


PATHS = st.sampled_from(
    [
        "var/lib/dpkg/status",
        "var/lib/dpkg/status.d/x",
        "var/lib/dpkg/status.d/x.md5sums",
        "var/lib/dpkg/diversions",
        "var/lib/dpkg/info/x.list",
        "s/x-1.dist-info/METADATA",
        "s/x-1.dist-info/RECORD",
        "s/x-1.egg-info/PKG-INFO",
        "s/x-1.egg-info/installed-files.txt",
        "s/x-1.egg-info/top_level.txt",
        "x.egg-info",
    ]
)
LINES = st.sampled_from(
    [
        b"Package: x",
        b"Name: x",
        b"Version: 1",
        b"Status: install ok installed",
        b"/a",
        b'"',
        b"../..,,",
        b"x",
        b"",
        b" y",
    ]
)


@given(st.dictionaries(PATHS, st.one_of(st.binary(max_size=60), st.lists(LINES, max_size=6).map(b"\n".join))))
def test_no_document_breaks_the_search(documents: dict[str, bytes]) -> None:
    """Whatever the files that name packages hold, packages come out or not, and bytes are those of real files."""
    assert all(is_document(path) for path in documents)
    entries = [FileEntry(path, "0", 0o644, 0, 0, len(data), 1024, "", b"") for path, data in documents.items()]
    entries.append(FileEntry("s/x/a", "0", 0o644, 0, 0, 5, 1024, "", b""))
    layers = [index(tuple(entries), documents)]
    packages = find_packages(layers, merge(layers)).packages
    for found in (packages.debian, packages.python):
        assert sum(package.installed_bytes for package in found) <= sum(entry.size for entry in entries)
