"""What is kept of programs, jars and databases: right ones whole, damaged and hostile ones passed over."""

from __future__ import annotations

import io
import sqlite3
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgcompare.image.extract.archives import read_archive
from imgcompare.image.extract.choose import reader_of
from imgcompare.image.extract.kinds import GoProgram, Jar, JavaArchive, NodePackage, RpmDatabase, RustProgram
from imgcompare.image.extract.pieces import Pieces
from imgcompare.image.extract.pom import project_of
from imgcompare.image.extract.programs import read_program
from imgcompare.image.extract.rpm import read_database
from tests.support.ecosystems import (
    GO_MODULES,
    elf,
    go_program,
    jar,
    rpm_berkeley,
    rpm_header,
    rpm_ndb,
    rpm_sqlite,
    rust_program,
)

HEADERS = (
    rpm_header("bash", "5.2.26", "3.fc40", files=("/usr/bin/bash", "/etc/skel/.bashrc")),
    rpm_header("vim", "9.0", "1", epoch=2, files=tuple(f"/usr/share/vim/{number:05}.vim" for number in range(500))),
)
WHOLE = {
    "go": (go_program(), "app/shop"),
    "old-go": (go_program(inline=False), "app/shop"),
    "rust": (rust_program(("shop", "0.1.0")), "app/shop"),
    "jar": (
        jar({"BOOT-INF/lib/b-1.jar": jar()}, pom={"groupId": "g", "artifactId": "a", "version": "1"}),
        "app/a-1.jar",
    ),
    "sqlite": (rpm_sqlite(*HEADERS), "var/lib/rpm/rpmdb.sqlite"),
    "ndb": (rpm_ndb(*HEADERS), "usr/lib/sysimage/rpm/Packages.db"),
    "berkeley": (rpm_berkeley(*HEADERS), "var/lib/rpm/Packages"),
    "node": (
        b'{"name": "left-pad", "version": "1.3.0", "dependencies": {"a": "^1"}}',
        "app/node_modules/left-pad/package.json",
    ),
    "conda": (
        b'{"name": "zlib", "version": "1.2", "build": "h1", "files": ["lib/libz.so"]}',
        "opt/conda/conda-meta/zlib-1.2-h1.json",
    ),
}


def pieces(data: bytes, size: int = 1 << 20) -> Pieces:
    """A file in pieces of some size."""
    file = Pieces()
    for start in range(0, len(data), size):
        file.add(memoryview(data)[start : start + size])
    return file


def read(data: bytes, path: str) -> object:
    """What the reader of such a file makes of it."""
    reader = reader_of(path, len(data), data[:4])
    return reader and reader(pieces(data), path)


@pytest.mark.parametrize("size", [1, 7, 4096, 1 << 16, 1 << 20])
def test_pieces_read_like_a_file(size: int) -> None:
    """However a file comes in, any part of it is read as from the whole."""
    data = bytes(range(256)) * 600
    file = pieces(data, size)
    assert file.size == len(data)
    assert file.at(0, len(data)) == data
    assert file.at(70_000, 5) == data[70_000:70_005]
    assert file.at(len(data) - 2, 10) == data[-2:]
    assert file.at(len(data) + 5, 10) == b""
    file.seek(-3, io.SEEK_END)
    assert (file.read(), file.tell()) == (data[-3:], len(data))


@pytest.mark.parametrize("inline", [True, False])
def test_go_programs_tell_their_modules(inline: bool) -> None:
    """Go's build information is found in its present form and in that before 1.18."""
    assert read_program(pieces(go_program(inline=inline))) == GoProgram("go1.21.6", GO_MODULES)


def test_programs_of_other_languages_tell_nothing() -> None:
    """A program without such a section, and one whose section holds something else."""
    assert read_program(pieces(elf({b".text": b"\x90" * 100}))) is None
    assert (
        read_program(pieces(elf({b".go.buildinfo": b"\xff Go buildinf:\x08\x02" + bytes(16) + b"\xff" * 20}))) is None
    )
    assert read_program(pieces(elf({b".dep-v0": b"not zlib"}))) is None


def test_rust_programs_tell_what_runs() -> None:
    """Crates that are only used to build are not in the program."""
    program = read_program(pieces(rust_program(("serde", "1.0.1"), ("shop", "0.1.0"))))
    assert isinstance(program, RustProgram)
    assert [(crate.name, crate.version) for crate in program.crates] == [("serde", "1.0.1"), ("shop", "0.1.0")]
    assert read_program(pieces(rust_program(("cc", "1.0"), kind="build"))) == RustProgram(())


def jars(data: bytes, path: str) -> list[tuple[str, str, str]]:
    """Group, name and version of each package of a jar."""
    found = read_archive(pieces(data), path)
    return [(one.group, one.name, one.version) for one in found.jars] if found else []


@pytest.mark.parametrize(
    ("path", "manifest", "told"),
    [
        ("a/spring-core-6.1.3.jar", "Manifest-Version: 1.0\n", ("", "spring-core", "6.1.3")),
        ("a/jetty-build2.0-rc5.jar", "", ("", "jetty", "build2.0-rc5")),
        ("a/my-http2-server-5.jar", "", ("", "my-http2-server", "5")),
        ("a/guice_4.2.jar", "", ("", "guice", "4.2")),
        ("a/shop.jar", "Implementation-Version: 1.7\n", ("", "shop", "1.7")),
        ("a/shop.jar", "Implementation-Version: 1.\n 7.2\nBundle-Version: 9\n", ("", "shop", "1.7.2")),
        ("a/org.example.shop.jar", "Bundle-Version: 3\n", ("", "shop", "3")),
        ("a/x-1.jar", "Implementation-Vendor-Id: org.example\n", ("org.example", "x", "1")),
        ("a/x-1.jar", "Bundle-SymbolicName: org.ex.x\nCreated-By: Apache Maven Bundle Plugin\n", ("org.ex", "x", "1")),
        ("a/1.jar", "Bundle-Name: Shop\nBundle-Version: 2\n", ("", "Shop", "2")),
    ],
)
def test_what_a_jar_is(path: str, manifest: str, told: tuple[str, str, str]) -> None:
    """Name and version come from the file's name, and where that does not tell, from the manifest."""
    assert jars(jar(manifest=manifest), path) == [told]


def test_maven_s_properties_come_before_a_jar_s_name() -> None:
    """What Maven wrote names the package; of several those that fit the file's name, the others are packed into it."""
    pom = {"groupId": "org.example", "artifactId": "shop", "version": "2.0"}
    other = "META-INF/maven/com.other/lib/pom.properties"
    packed = jar({other: b"#made\ngroupId=com.other\nartifactId = lib\nversion:1.1\n"}, pom=pom)
    assert jars(packed, "a/shop-1.0.jar") == [("org.example", "shop", "2.0"), ("com.other", "lib", "1.1")]
    xml = b"<project><parent><groupId>g</groupId><version>7</version></parent><artifactId>a</artifactId></project>"
    assert jars(jar({"META-INF/maven/g/a/pom.xml": xml}), "a/x.jar") == [("g", "a", "7")]


def test_archives_in_archives() -> None:
    """A war's libraries are listed with where they lie; what has no manifest is no package."""
    war = jar({"WEB-INF/lib/b-2.jar": jar({"lib/c-3.jar": jar()}), "WEB-INF/lib/plain-1.jar": jar(manifest=None)})
    found = read_archive(pieces(war), "srv/shop-1.war")
    assert found == JavaArchive(
        (
            Jar("", "shop", "1"),
            Jar("", "b", "2", "WEB-INF/lib/b-2.jar"),
            Jar("", "c", "3", "WEB-INF/lib/b-2.jar:lib/c-3.jar"),
        )
    )
    assert read_archive(pieces(jar(manifest="Weave-Classes: x\n")), "srv/agent-1.jar") is None


@pytest.mark.parametrize(
    ("document", "told"),
    [
        (
            b"<project><groupId>g</groupId><artifactId>a</artifactId><version>1</version></project>",
            {"groupId": "g", "artifactId": "a", "version": "1"},
        ),
        (b"<project><artifactId>a</artifactId><version>${revision}</version></project>", {"artifactId": "a"}),
        (b"<project><dependencies><dependency><artifactId>x</artifactId></dependency></dependencies></project>", {}),
        (b'<!DOCTYPE p [<!ENTITY a "b">]><project><artifactId>&a;</artifactId></project>', {}),
        (b"<a>" * 100_000, {}),
        (b"not xml", {}),
        (b"", {}),
    ],
)
def test_what_a_pom_is_read_for(document: bytes, told: dict[str, str]) -> None:
    """The project's own name and version, never its dependencies', and no entity is ever followed."""
    assert project_of(document) == told


@pytest.mark.parametrize("make", [rpm_sqlite, rpm_ndb, rpm_berkeley])
def test_databases_of_rpm(make: Callable[..., bytes]) -> None:
    """The same packages, with epochs and files, in each of the three forms."""
    database = read_database(pieces(make(*HEADERS)))
    assert isinstance(database, RpmDatabase)
    bash, vim = database.rpms
    assert (bash.name, bash.epoch, bash.version, bash.release, bash.architecture) == (
        "bash",
        None,
        "5.2.26",
        "3.fc40",
        "x86_64",
    )
    assert bash.files == ("/usr/bin/bash", "/etc/skel/.bashrc")
    assert (vim.epoch, len(vim.files), vim.files[-1]) == (2, 500, "/usr/share/vim/00499.vim")


@pytest.mark.parametrize("kind", WHOLE)
def test_whole_files_are_read(kind: str) -> None:
    """Each kind of file is recognised by its path and first bytes, and tells something."""
    data, path = WHOLE[kind]
    assert read(data, path)


@pytest.mark.parametrize("kind", WHOLE)
def test_files_cut_short_at_any_place_are_passed_over(kind: str) -> None:
    """Nothing is raised for a file that ends too early, wherever it does."""
    data, path = WHOLE[kind]
    for end in range(0, len(data), max(1, len(data) // 150)):
        read(data[:end], path)


@given(st.data())
def test_damaged_files_are_passed_over(data: st.DataObject) -> None:
    """Nothing is raised for a file of which some bytes are others."""
    whole, path = WHOLE[data.draw(st.sampled_from(sorted(WHOLE)))]
    damaged = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 12))):
        damaged[data.draw(st.integers(4, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    read(bytes(damaged), path)


def test_a_database_whose_damaged_names_are_no_text_is_passed_over() -> None:
    """SQLite names them in its error, which Python cannot read."""
    data, path = WHOLE["sqlite"]
    table = data.index(b"TABLE 'Packages'")
    assert read(data[:table] + b"\x80" + data[table + 1 :], path) is None


def _bomb() -> bytes:
    """A jar that holds a jar that unpacks to 300 MiB."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("META-INF/MANIFEST.MF", "Bundle-Version: 1\n")
        with archive.open("lib/bomb.jar", "w", force_zip64=True) as member:
            for _ in range(300):
                member.write(bytes(1 << 20))
    return buffer.getvalue()


def _nested(depth: int) -> bytes:
    data = jar()
    for number in range(depth):
        data = jar({f"lib/n{number}-1.jar": data})
    return data


def _sqlite(*statements: str) -> bytes:
    with closing(sqlite3.connect(":memory:")) as database:
        for statement in statements:
            database.execute(statement)
        database.commit()
        return database.serialize()


ENDLESS = (
    "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x AS hnum, zeroblob(1000000) AS blob FROM n"
)
HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "deep-json": (lambda: b'{"name": ' + b"[" * 200_000, "a/package.json"),
    "deep-values": (
        lambda: b'{"name": "a", "version": "1", "x": ' + b"[" * 5_000 + b"]" * 5_000 + b"}",
        "a/package.json",
    ),
    "wrong-json": (lambda: b'{"name": ["a"], "version": {"b": 1}}', "a/package.json"),
    "endless-view": (lambda: _sqlite(f"CREATE VIEW Packages AS {ENDLESS}"), "var/lib/rpm/rpmdb.sqlite"),
    "made-up-column": (
        lambda: _sqlite(
            "CREATE TABLE Packages (hnum INTEGER, blob BLOB GENERATED ALWAYS AS (zeroblob(900000000)))",
            "INSERT INTO Packages (hnum) VALUES (1)",
        ),
        "var/lib/rpm/rpmdb.sqlite",
    ),
    "one-blob-in-many-slots": (
        lambda: (
            struct.pack("<4s7I", b"RpmP", 0, 1, 200, 0, 0, 0, 0)
            + struct.pack("<4sIII", b"Slot", 1, 60_000, 1) * 50_000
            + bytes(960_000 - 32 - 800_000)
            + struct.pack("<4sIII", b"BlbS", 1, 1, 100_000)
            + bytes(100_000)
        ),
        "usr/lib/sysimage/rpm/Packages.db",
    ),
    "long-folder-in-many-files": (
        lambda: rpm_ndb(rpm_header("x", "1", "1", files=tuple(f"{'/d' * 2_000}/{number}" for number in range(60_000)))),
        "usr/lib/sysimage/rpm/Packages.db",
    ),
    "pages-in-a-circle": (
        lambda: rpm_berkeley(bytes(9_000)).replace(struct.pack("<III", 3, 0, 4), struct.pack("<III", 3, 0, 2)),
        "var/lib/rpm/Packages",
    ),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_files_take_no_memory_and_raise_nothing(kind: str) -> None:
    """What is deep, endless, huge or goes round in a circle takes at most some times its own size, or 150 MB."""
    make, path = HOSTILE[kind]
    data = make()
    tracemalloc.start()
    read(data, path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 150_000_000 + 4 * len(data)


def test_a_jar_s_bombs_are_passed_over() -> None:
    """An archive in an archive that unpacks to more than a bound is left out, and no deeper ones than five are read."""
    assert jars(_bomb(), "a/shop-1.jar") == [("", "shop", "1")]
    assert len(jars(_nested(30), "a/shop-1.jar")) == 5


def test_which_files_are_looked_into() -> None:
    """By path and first bytes; what is too large is passed over."""
    assert reader_of("usr/bin/shop", 100, b"\x7fELF") is not None
    assert reader_of("usr/bin/shop", 300 << 20, b"\x7fELF") is None
    assert reader_of("usr/bin/shop", 100, b"#!/b") is None
    assert reader_of("a/x.jar", 100, b"PK\3\4") is not None
    assert reader_of("a/x.rar", 100, b"Rar!") is None
    assert reader_of("home/Packages", 100, b"\0\0\0\0") is None
    assert read(b'{"name": "a", "version": "1"}', "a/package.json") == NodePackage("a", "1")
    assert read(b'{"name": "a"}', "a/package.json") is None
