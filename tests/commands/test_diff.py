"""`imgcompare diff` on files, where no engine answers."""

from __future__ import annotations

import gzip
import json
import os
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.support.projects import Offline

STATUS = "Package: {0}\nStatus: install ok installed\nVersion: {1}\nArchitecture: amd64\n\n"
METADATA = "Metadata-Version: 2.1\nName: {0}\nVersion: {1}\n"
SITE = "usr/lib/python3.11/site-packages"
BASE = {"etc/os-release": b"ID=debian\n"}


def system(**packages: tuple[str, int]) -> dict[str, bytes]:
    """A layer with Debian packages of a version and a size."""
    files = {"var/lib/dpkg/status": "".join(STATUS.format(name, v) for name, (v, _) in packages.items()).encode()}
    for name, (_, size) in packages.items():
        files |= {f"usr/bin/{name}": name.encode() * (size // len(name))}
        files |= {f"var/lib/dpkg/info/{name}.list": f"/usr/bin/{name}\n".encode()}
    return files


def python(name: str, version: str, size: int) -> dict[str, bytes]:
    """A layer with a Python distribution."""
    information = f"{SITE}/{name}-{version}.dist-info"
    record = f"{name}.py,,\n{name}-{version}.dist-info/METADATA,,\n"
    return {
        f"{SITE}/{name}.py": b"#" * size,
        f"{information}/METADATA": METADATA.format(name, version).encode(),
        f"{information}/RECORD": record.encode(),
    }


@pytest.fixture
def two(offline: Offline) -> Offline:
    """An old and a new image that share their lowest layer."""
    old = [BASE, system(gcc=("12.2", 90_000), tool=("1.0", 6_000)), python("flask", "3.0", 5_000)]
    new = [BASE, system(tool=("1.1", 8_000)), python("flask", "3.1", 5_500), {"app/new.txt": b"n" * 700}]
    offline.save(
        "old.tar",
        {"shop:1": old},
        Env=["PATH=/bin", "API_TOKEN=geheim1", "GONE=1"],
        Cmd=["run", "--password", "geheim2"],
        Labels={"secret.key": "geheim3", "version": "1"},
    )
    offline.save(
        "new.tar",
        {"shop:2": new},
        Env=["PATH=/usr/bin", "API_TOKEN=geheim4"],
        Cmd=["serve", "https://me:geheim5@host/"],
        User="app",
        Labels={"secret.key": "geheim6", "version": "2"},
        Healthcheck={"Test": ["CMD", "true"], "Interval": 10_000_000_000},
    )
    return offline


def in_numbers(command: Offline, *arguments: str) -> dict[str, Any]:
    """The difference as JSON."""
    done = command("diff", *arguments, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_packages_and_layers_in_numbers(two: Offline) -> None:
    """Packages with their versions and bytes, and the layers side by side with the shared prefix."""
    found = in_numbers(two, "old.tar", "new.tar")
    told = [
        (row["name"], row["kind"], row["before_version"], row["after_version"]) for row in found["packages"]["debian"]
    ]
    assert told == [("gcc", "removed", "12.2", None), ("tool", "version", "1.0", "1.1")]
    (flask,) = found["packages"]["python"]
    assert (flask["kind"], flask["before_version"], flask["after_version"]) == ("version", "3.0", "3.1")
    assert flask["after_bytes"] - flask["before_bytes"] == 500
    layers = [(pair["shared"], bool(pair["before"]), bool(pair["after"])) for pair in found["layers"]]
    assert layers == [(True, True, True), (False, True, True), (False, True, True), (False, False, True)]
    assert sum(row["delta_bytes"] for row in found["reasons"]) == found["uncompressed_delta"]


def test_names_that_are_not_utf8_are_told_apart(offline: Offline) -> None:
    """As JSON and in the table: a byte that is no UTF-8 is an escape, and the name that looks like one is another."""
    offline.save("old.tar", {"shop:1": [{"app/a": b""}]})
    offline.save("new.tar", {"shop:2": [{"app/a": b"", "caf\udce9.txt": b"1" * 900, r"caf\xe9.txt": b"1" * 700}]})
    rows = {
        row["path"]: row["added_bytes"]
        for row in in_numbers(offline, "old.tar", "new.tar", "--min", "0")["files"]["rows"]
    }
    assert rows == {r"caf\xe9.txt": 900, r"caf\x5cxe9.txt": 700}
    assert r"caf\xe9.txt" in offline("diff", "old.tar", "new.tar", "--min", "0").stdout
    for command in ("inspect", "inspect --json"):
        done = offline(*command.split(), "new.tar")
        assert (done.returncode, "Traceback" in done.stderr) == (0, False)
        assert "caf" in done.stdout


def test_files_down_to_a_threshold(two: Offline) -> None:
    """Each path with ``--min 0``, folders of small ones above it; the sums are those of the whole file systems."""
    each = {row["path"]: row for row in in_numbers(two, "old.tar", "new.tar", "--min", "0")["files"]["rows"]}
    assert (each["usr/bin/gcc"]["kind"], each["usr/bin/gcc"]["removed_bytes"]) == ("removed", 90_000)
    assert (each["app/"]["kind"], each["app/"]["added_bytes"]) == ("added", 700)
    few = in_numbers(two, "old.tar", "new.tar", "--min", "10kB")["files"]
    assert few["min_bytes"] == 10_000
    assert [row["path"] for row in few["rows"]] == ["usr/bin/gcc", "usr/bin/tool", f"{SITE}/flask.py", "/"]
    for side in ("removed_bytes", "added_bytes"):
        assert sum(row[side] for row in few["rows"]) == sum(row[side] for row in each.values())


def test_config_without_secrets(two: Offline) -> None:
    """Of variables only names are told, and neither labels nor commands give a secret away."""
    done = two("diff", "old.tar", "new.tar", "--json")
    assert "geheim" not in done.stdout + two("diff", "old.tar", "new.tar", "--all").stdout
    found = {(row["setting"], row["name"]): row for row in json.loads(done.stdout)["config"]}
    assert {name: row["kind"] for (setting, name), row in found.items() if setting == "env"} == {
        "PATH": "changed",
        "API_TOKEN": "changed",
        "GONE": "removed",
    }
    assert found["cmd", None]["before"] == '["run", "--password", "•••"]'
    assert found["cmd", None]["after"] == '["serve", "https://me:•••@host/"]'
    assert (found["user", None]["kind"], found["user", None]["after"]) == ("added", "app")
    assert found["label", "version"]["after"] == "2"
    assert found["label", "secret.key"]["after"] == "•••"
    assert found["healthcheck", None]["after"] == '["CMD", "true"], interval 10 s'


def test_flags_restrict_to_sections(two: Offline) -> None:
    """Without a flag every section is there; a flag leaves the others out, of JSON too, and flags add up."""
    sections = {"Layers", "Debian packages", "Python packages", "Files", "Config"}

    def shown(*flags: str) -> set[str]:
        lines = two("diff", "old.tar", "new.tar", *flags).stdout.splitlines()
        return {section for section in sections if any(line.split("  ")[0] == section for line in lines[8:])}

    assert shown() == shown("--all") == sections
    assert shown("--layers") == {"Layers"}
    assert shown("--packages", "--files") == sections - {"Layers", "Config"}
    found = in_numbers(two, "old.tar", "new.tar", "--packages")
    assert (found["layers"], found["files"], found["config"]) == (None, None, None)


CONF = {"etc/app.conf": b"user: me\ntoken: geheim8\nport: 80\n", "etc/link": b"", "lib/big": b"x\n" * 600_000}
ENVIRONMENT = ["API_KEY=tr0ub4dor"]


@pytest.fixture
def configured(offline: Offline) -> Offline:
    """Two images with a configuration file, a program, and a folder that a layer has as a link."""
    new = {"etc/app.conf": b"user: me\ntoken: geheim9\nport: 81\nsaid: tr0ub4dor\n", "bin/app": b"\x7fELF\0\1"}
    offline.save("old.tar", {"shop:1": [BASE, CONF, {"bin/app": b"\x7fELF\0", "etc/gone": b"1\n"}]})
    offline.save("new.tar", {"shop:2": [BASE | CONF, new]}, Env=ENVIRONMENT)
    return offline


def test_a_text_file_line_by_line(configured: Offline) -> None:
    """Only that file is told, as a unified diff; no secret is, neither its own nor a variable's."""
    done = configured("diff", "old.tar", "new.tar", "--content", "/etc/app.conf")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.partition("/etc/app.conf")[2].splitlines() == [
        "  changed, 33 B → 49 B",
        "  @@ -1,3 +1,4 @@",
        "   user: me",
        "  -token: •••",
        "  -port: 80",
        "  +token: •••",
        "  +port: 81",
        "  +said: •••",
    ]
    assert "Layers  none" not in done.stdout
    assert "geheim" not in configured("diff", "old.tar", "new.tar", "--all", "--content", "etc/app.conf").stdout


def test_contents_in_numbers(configured: Offline) -> None:
    """Several files in their order: changed, no text, too large, gone, the same; each read from a packed file too."""
    packed = gzip.compress((configured.folder / "new.tar").read_bytes())
    (configured.folder / "new.tar.gz").write_bytes(packed)
    paths = ("etc/app.conf", "bin/app", "lib/big", "etc/gone", "etc/os-release")
    found = in_numbers(configured, "old.tar", "new.tar.gz", *(part for path in paths for part in ("--content", path)))
    assert (found["files"], found["config"]) == (None, None)
    told = [(row["path"], row["kind"], row["not_shown"], len(row["lines"])) for row in found["contents"]]
    assert told == [
        ("etc/app.conf", "changed", None, 7),
        ("bin/app", "changed", "no text", 0),
        ("lib/big", "same", None, 0),
        ("etc/gone", "removed", None, 2),
        ("etc/os-release", "same", None, 0),
    ]
    assert in_numbers(configured, "old.tar", "new.tar")["contents"] is None


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("old.tar", "--content", "etc/nothing"), "neither image has a file '/etc/nothing'"),
        (("old.tar", "--content", "etc"), "'etc' is no file in old.tar"),
    ],
)
def test_a_path_that_is_no_file_is_said(configured: Offline, arguments: tuple[str, ...], problem: str) -> None:
    """In neither image, or a folder: exit code 2 and nothing on stdout."""
    done = configured("diff", "old.tar", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert problem in done.stderr


def test_what_can_be_read_only_once_has_no_contents(configured: Offline) -> None:
    """A pipe is not waited for a second time."""
    pipe = configured.folder / "pipe"
    os.mkfifo(pipe)
    writer = Thread(target=lambda: pipe.write_bytes((configured.folder / "new.tar").read_bytes()))
    writer.start()
    done = configured("diff", "old.tar", "pipe", "--content", "etc/app.conf")
    writer.join()
    assert (done.returncode, done.stdout) == (2, "")
    assert "pipe can be read only once" in done.stderr


def test_an_image_and_itself(two: Offline) -> None:
    """The page says that there is nothing to tell."""
    done = two("diff", "old.tar", "old.tar")
    assert done.returncode == 0
    assert "old.tar and old.tar are the same image." in done.stdout
    assert done.stdout.count("no difference") == 4
    assert "Layers  all shared\n" in done.stdout


def test_hostile_names_do_not_reach_the_terminal(offline: Offline) -> None:
    """Paths and settings that try to drive the terminal are told without their escapes."""
    evil = "\x1b[31mevil\u202e"
    offline.save("old.tar", {"shop:1": [{f"a/{evil}": b"x" * 100}]}, Cmd=[evil], Labels={evil: evil})
    offline.save("new.tar", {"shop:1": [{"b": b"y"}]}, Env=[f"{evil}=1"])
    for arguments in (
        ("diff", "old.tar", "new.tar", "--all"),
        ("inspect", "old.tar"),
        ("inspect", "old.tar", "--json"),
    ):
        done = offline(*arguments)
        assert done.returncode == 0
        assert "evil" in done.stdout
        assert not set("\x1b\u202e") & set(done.stdout)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("old.tar", "nowhere.tar"), "no file 'nowhere.tar'"),
        (("old.tar",), "Missing argument 'B'"),
        (("old.tar", "new.tar", "--min", "much"), "--min 'much' is no number of bytes"),
        (("old.tar", "new.tar", "--min", "-1"), "--min '-1' is no number of bytes"),
        (("old.tar", "new.tar#shop:1"), "no image shop:1; it has "),
    ],
)
def test_wrong_usage_is_said(two: Offline, arguments: tuple[str, ...], problem: str) -> None:
    """Exit code 2, nothing on stdout, and what to do instead."""
    done = two("diff", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert problem in done.stderr
    if "--min" in arguments:
        assert "Accepted forms: --min 500000, 500kB, 1.5MB or 2MiB." in done.stderr
