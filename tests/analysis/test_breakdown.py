"""Bytes by category: each rule with a path it is for, and sums that are exact whatever the layers hold."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from imgcompare.analysis.breakdown import Categories, Category, breakdown
from imgcompare.analysis.packages import Inventory, Owner
from imgcompare.analysis.reason import reason
from imgcompare.image.layer_index import FileEntry, LayerIndex
from imgcompare.model import Packages


def inventory(
    debian: dict[str, Owner] | None = None, python: tuple[str, ...] = (), environments: tuple[str, ...] = ()
) -> Inventory:
    """What packages own."""
    return Inventory(
        packages=Packages(),
        debian_paths=debian or {},
        python_paths=dict.fromkeys(python, "x"),
        environments=frozenset(environments),
    )


def layer(*entries: tuple[str, int], closing: int = 1024) -> LayerIndex:
    """A layer of entries given by their path and all bytes they take, and its closing blocks."""
    return LayerIndex(
        diff_id="",
        uncompressed_size=sum(stored for _, stored in entries) + closing,
        file_count=len(entries),
        compressed_size=0,
        compressed_size_exact=False,
        entries=tuple(FileEntry(path, "0", 0o644, 0, 0, 0, stored, "", b"") for path, stored in entries),
        documents={},
    )


def category(path: str, owned: Inventory | None = None, working_dir: str = "", command: tuple[str, ...] = ()) -> str:
    """The one category of one path."""
    categories = Categories(owned or inventory(), working_dir, command)
    _, contents = breakdown([layer((path, 512), closing=0)], categories, base_layer_count=None)
    (found,) = (name for name, count in contents.items() if count)
    return found


SITE = "opt/venv/lib/python3.11/site-packages"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("root/.cache/pip/http/a", "caches"),
        ("var/lib/apt/lists/mirror.example_debian_Packages", "caches"),
        ("var/cache/apt/archives/curl.deb", "caches"),
        (f"{SITE}/flask/__pycache__/app.cpython-311.pyc", "caches"),
        ("app/__pycache__/app.cpython-311.pyc", "caches"),
        ("app/.git/objects/pack/x", "caches"),
        ("usr/share/doc/curl/copyright", "caches"),
        ("usr/share/man", "caches"),
        ("usr/share/locale/de/LC_MESSAGES/x.mo", "caches"),
        (f"{SITE}/numpy/core/tests/test_a.py", "caches"),
        ("usr/lib/python3.11/test/test_os.py", "caches"),
        ("tmp/x", "caches"),
        (f"{SITE}/flask/app.py", "python_packages"),
        (f"{SITE}/numpy/testing/a.py", "python_packages"),
        (f"{SITE}/numpy/core/lib/libnpymath.a", "python_packages"),
        ("usr/lib/python3/dist-packages/six.py", "python_packages"),
        ("usr/include/stdio.h", "build_tools"),
        ("usr/local/include/python3.11/Python.h", "build_tools"),
        ("usr/lib/x86_64-linux-gnu/libc.a", "build_tools"),
        ("usr/local/lib/python3.11/config-3.11/libpython3.11.a", "build_tools"),
        ("usr/local/lib/libx.la", "build_tools"),
        ("usr/lib/x86_64-linux-gnu/pkgconfig/x.pc", "build_tools"),
        ("usr/libexec/gcc/x86_64-linux-gnu/13/cc1", "build_tools"),
        ("usr/local/go/bin/go", "build_tools"),
        ("usr/local/bin/python3.11", "python_interpreter"),
        ("usr/local/bin/python3.11-config", "python_interpreter"),
        ("usr/local/bin/2to3-3.11", "python_interpreter"),
        ("usr/local/lib/python3.11/os.py", "python_interpreter"),
        ("usr/local/lib/libpython3.11.so.1.0", "python_interpreter"),
        ("app/run.py", "application"),
        ("app", "application"),
        ("srv/x", "application"),
        ("home/user/x", "application"),
        ("opt/tool/bin/x", "application"),
        ("usr/src/app/a.py", "application"),
        ("var/lib/dpkg/status", "system_packages"),
        ("etc/ssl/certs/ca-certificates.crt", "system_packages"),
        ("lib/apk/db/installed", "system_packages"),
        ("usr/bin/curl", "system_packages"),
        ("usr/local/bin/tool", "other"),
        ("root/x", "other"),
        ("data", "other"),
        ("", "other"),
        ("application.cfg", "other"),
        ("apples/x", "other"),
        ("app/node_modules/express/index.js", "language_packages"),
        ("usr/lib/node_modules/pm2/bin/pm2", "language_packages"),
        ("usr/local/lib/node_modules/npm/bin/npm-cli.js", "runtime"),
        ("usr/local/bin/node", "runtime"),
        ("usr/local/include/node/node.h", "build_tools"),
        ("opt/java/openjdk/lib/modules", "runtime"),
        ("usr/lib/jvm/java-17/bin/java", "runtime"),
        ("usr/local/lib/ruby/3.3.0/json.rb", "runtime"),
        ("usr/local/lib/ruby/gems/3.3.0/gems/rack-3.0.8/lib/rack.rb", "language_packages"),
        ("usr/local/bundle/gems/rails-7.1/lib/rails.rb", "language_packages"),
        ("usr/local/bin/php-fpm", "runtime"),
        ("usr/share/dotnet/shared/x.dll", "runtime"),
        ("go/pkg/mod/github.com/x/y.go", "caches"),
        ("root/.m2/repository/x.jar", "caches"),
    ],
)
def test_each_path_has_its_category(path: str, expected: str) -> None:
    """The rules for paths that no package owns, and the order in which they count."""
    assert category(path) == expected


@pytest.mark.parametrize(
    ("path", "command", "working_dir", "expected"),
    [
        ("usr/local/bin/shop", ("shop", "--port", "80"), "", "application"),
        ("usr/bin/shop", ("/usr/bin/shop",), "", "application"),
        ("usr/bin/other", ("/usr/bin/shop",), "", "system_packages"),
        ("server.jar", ("java", "-jar", "/server.jar"), "", "application"),
        ("service/run/server.js", ("node", "server.js"), "/service/run", "application"),
        ("data/shop/bin/start", ("/data/shop/bin/start",), "", "application"),
        ("data/shop/bin/helper", ("/data/shop/bin/start",), "", "application"),
        ("bin/sh", ("sh", "-c"), "", "system_packages"),
        ("usr/local/bin/python3", ("python3", "app.py"), "/app", "python_interpreter"),
        ("usr/local/bin/node", ("node", "app.js"), "/app", "runtime"),
        ("app/node_modules/x/cli.js", ("node", "node_modules/x/cli.js"), "/app", "application"),
    ],
)
def test_what_the_command_starts_is_the_application(
    path: str, command: tuple[str, ...], working_dir: str, expected: str
) -> None:
    """And the folder it lies in, but for folders that are the system's; what runs it is not."""
    assert category(path, working_dir=working_dir, command=command) == expected


@pytest.mark.parametrize(
    ("kind", "name", "expected"),
    [
        ("apk", "musl", "system_packages"),
        ("apk", "musl-dev", "build_tools"),
        ("apk", "build-base", "build_tools"),
        ("apk", "python3", "python_interpreter"),
        ("apk", "nodejs", "runtime"),
        ("apk", "openjdk17-jre-headless", "runtime"),
        ("rpm", "glibc", "system_packages"),
        ("rpm", "openssl-devel", "build_tools"),
        ("rpm", "java-17-openjdk-headless", "runtime"),
        ("rpm", "python3-libs", "python_interpreter"),
        ("deb", "openjdk-17-jre-headless", "runtime"),
        ("deb", "php8.2-cli", "runtime"),
        ("npm", "express", "language_packages"),
        ("conda", "zlib", "language_packages"),
        ("golang", "shop", "other"),
    ],
)
def test_each_package_of_any_ecosystem_has_its_category(kind: str, name: str, expected: str) -> None:
    """Build tools and runtimes are told by name; a program of Go is an application only where it is started."""
    owned = replace(inventory(), other_paths={"usr/local/x": Owner(name, "", kind)})
    assert category("usr/local/x", owned) == expected


@pytest.mark.parametrize(
    ("name", "section", "expected"),
    [
        ("curl", "web", "system_packages"),
        ("libgomp1", "libs", "system_packages"),
        ("gcc-12-base", "libs", "system_packages"),
        ("libgit2-1.5", "libs", "system_packages"),
        ("patchelf", "utils", "system_packages"),
        ("gcc-12", "devel", "build_tools"),
        ("cpp-12", "interpreters", "build_tools"),
        ("libssl-dev", "libdevel", "build_tools"),
        ("libssl-dev", "", "build_tools"),
        ("git", "vcs", "build_tools"),
        ("libasan8", "libs", "build_tools"),
        ("dpkg-dev", "utils", "build_tools"),
        ("x", "contrib/devel", "build_tools"),
        ("python3.11-dev", "python", "build_tools"),
        ("python3.11-minimal", "python", "python_interpreter"),
        ("libpython3.11-stdlib", "python", "python_interpreter"),
        ("python3", "python", "python_interpreter"),
        ("python3-six", "python", "system_packages"),
    ],
)
def test_each_debian_package_has_its_category(name: str, section: str, expected: str) -> None:
    """Build tools are told by Debian's section and by name, Python by name; the rest is the system's."""
    assert category("srv/file", inventory({"srv/file": Owner(name, section)})) == expected


def test_recorded_commands_belong_to_python_packages() -> None:
    """A command in ``bin`` that a distribution recorded is that distribution's."""
    assert category("usr/local/bin/flask", inventory(python=("usr/local/bin/flask",))) == "python_packages"


def test_environments_and_the_working_folder() -> None:
    """In a virtual environment Python's files and the packages' are told apart, and the app beside it is the app."""
    owned = inventory(environments=("data/shop/.venv", "data/shop", "usr/local"))
    found = {
        path: category(path, owned, working_dir="/data/")
        for path in (
            "data/shop/.venv/bin/activate",
            "data/shop/.venv/bin/python",
            "data/shop/bin/x",
            "data/shop/run.py",
            "data",
            "usr/local/bin/tool",
        )
    }
    assert list(found.values()) == [
        "python_packages",
        "python_interpreter",
        "python_packages",
        "application",
        "application",
        "other",
    ]


def test_the_root_as_working_folder_takes_nothing() -> None:
    """Where an image works in ``/``, not everything is the application."""
    assert category("data", working_dir="/") == "other"


def test_whiteouts_are_what_they_delete() -> None:
    """The entry that deletes a file has the file's category, an opaque folder the folder's."""
    assert category("usr/include/.wh.stdio.h") == "build_tools"
    assert category("usr/include/.wh..wh..opq") == "build_tools"
    assert category(".wh.app") == "application"


def test_the_base_is_apart_once_and_explained_once() -> None:
    """With a known base its layers are ``base_image``, closing blocks included; contents say what they are."""
    layers = [layer(("usr/include/a", 1000), ("app/a", 100)), layer(("app/b", 10))]
    apart, contents = breakdown(layers, Categories(inventory()), base_layer_count=1)
    assert {name: count for name, count in apart.items() if count} == {
        "base_image": 2124,
        "application": 10,
        "other": 1024,
    }
    assert {name: count for name, count in contents.items() if count} == {
        "build_tools": 1000,
        "application": 110,
        "other": 2048,
    }


def test_every_category_is_named_and_the_base_only_where_it_is_known() -> None:
    """Reports have every category, zero or not; an unknown base is not a base of no bytes."""
    apart, contents = breakdown([], Categories(inventory()), base_layer_count=0)
    assert (list(apart), set(apart.values())) == ([str(category) for category in Category], {0})
    assert list(contents) == list(breakdown([], Categories(inventory()), base_layer_count=None)[0])
    assert Category.BASE_IMAGE not in contents


def test_a_layer_listed_twice_counts_twice() -> None:
    """As in the image's uncompressed size."""
    twice = [layer(("app/a", 100))] * 2
    assert breakdown(twice, Categories(inventory()), base_layer_count=None)[1]["application"] == 200


def test_the_reason_names_the_greatest_changes_first() -> None:
    """What a smaller image saved where, with its sign, and nothing that did not change."""
    before = {"build_tools": 402, "system_packages": 300, "application": 5, "other": 1}
    after = {"build_tools": 0, "system_packages": 10, "application": 5, "python_packages": 290}
    assert reason(before, after) == [
        ("build_tools", -402),
        ("python_packages", 290),
        ("system_packages", -290),
        ("other", -1),
    ]


def test_hostile_names_take_no_time() -> None:
    """A name made to be tried from everywhere is decided at once: the test ends."""
    long = "lib/python3/" * 340
    assert category(long.strip("/")) == "python_interpreter"
    owned = [layer(*((f"{index}/{long}", 512) for index in range(300)))]
    assert breakdown(owned, Categories(inventory()), base_layer_count=None)[1]["python_interpreter"] == 300 * 512


NAMES = st.sampled_from(
    ["usr", "lib", "python3.11", "site-packages", "tests", "app", ".wh.x", ".wh..wh..opq", "x.a", "\n"]
)
ENTRIES = st.lists(st.tuples(st.lists(NAMES, max_size=5).map("/".join), st.integers(512, 1 << 40)), max_size=8)
LAYERS = st.lists(st.builds(lambda entries, closing: layer(*entries, closing=closing), ENTRIES, st.integers(0, 4096)))


@given(LAYERS, st.none() | st.integers(0, 5), st.text(max_size=8))
def test_every_byte_is_in_exactly_one_category(layers: list[LayerIndex], base: int | None, working_dir: str) -> None:
    """Whatever the layers: both sums are the image's uncompressed size, and no category is negative."""
    owned = inventory({"usr/lib": Owner("gcc", "")}, ("app/x.a",), ("usr/app", "app"))
    base = None if base is None else min(base, len(layers))
    total = sum(layer.uncompressed_size for layer in layers)
    for found in breakdown(layers, Categories(owned, working_dir), base_layer_count=base):
        assert sum(found.values()) == total
        assert min(found.values()) >= 0
