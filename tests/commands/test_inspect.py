"""`imgcompare inspect` on files and folders, where no engine answers."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tarfile
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from imgcompare import __version__
from imgcompare.comparison.compare import compare
from imgcompare.engine.interface import STAND_IN_LABEL
from imgcompare.model import SCHEMA_VERSION, Image, Report, Source, Tool, Variant, Verdict
from imgcompare.reports.store import prepare, save
from tests.support.reports import ENGINE

if TYPE_CHECKING:
    from tests.support.projects import Offline

BASE = {"etc/os-release": b"ID=debian\n", "usr/bin/tool": b"x" * 3000}
APP = {"app/main.py": b"print()\n", "usr/bin/tool": b"y" * 1000}


def test_a_file_in_numbers(offline: Offline) -> None:
    """The JSON is the image object of a report: it decodes as one, and every byte is in one category."""
    offline.save("shop.tar", {"shop:1": [BASE, APP]}, User="app")
    done = offline("inspect", "shop.tar", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    image = json.loads(done.stdout)
    assert set(image) == set(Image.__struct_fields__)
    assert (image["reference"], image["user"], image["layer_count"], image["file_count"]) == ("shop.tar", "app", 2, 3)
    assert (image["wasted_bytes"], [file["path"] for file in image["wasted_files"]]) == (3000, ["usr/bin/tool"])
    assert sum(image["contents"].values()) == image["uncompressed_size"] == 2 * 10240


def test_a_file_as_a_page(offline: Offline) -> None:
    """The page has all its sections, within the width of a pipe."""
    offline.save("shop.tar", {"shop:1": [BASE, APP]})
    done = offline("inspect", "shop.tar")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[:2] == ["imgcompare inspect · shop.tar", f"linux/amd64 · {lines[1].split(' · ')[1]}"]
    assert "Runs as    root, for no user is set" in lines
    assert {"Where the bytes went", "Layers", "Largest files"} <= set(lines)
    assert "Wasted  in lower layers, then overwritten or deleted" in lines
    assert max(map(len, lines)) <= 100


def test_an_unpacked_archive_is_the_same_image(offline: Offline) -> None:
    """A folder gives what its archive gives; it may be named like an image, if it is written as a path or is one."""
    archive = offline.save("shop.tar", {"shop:1": [BASE]})
    with tarfile.open(archive) as opened:
        opened.extractall(offline.folder / "shop", filter="data")
    shown = [json.loads(offline("inspect", name, "--json").stdout) for name in ("shop.tar", "shop", "./shop")]
    assert len({image["image_id"] for image in shown}) == 1


def test_one_of_several_images_is_named_after_a_hash(offline: Offline) -> None:
    """FILE#NAME is that image; without a name, and with one it has not, the error names what there is."""
    offline.save("two.tar", {"shop:1": [BASE], "shop:2": [BASE, APP]})
    assert json.loads(offline("inspect", "two.tar#shop:2", "--json").stdout)["layer_count"] == 2
    for name in ("two.tar", "two.tar#shop:3"):
        done = offline("inspect", name)
        assert (done.returncode, done.stdout) == (2, "")
        assert re.search(r"shop:1( \(linux/amd64\);|,) shop:2", done.stderr)
    assert "FILE#NAME" in offline("inspect", "two.tar").stderr
    offline.save("a#b.tar", {"shop:1": [BASE]})
    assert offline("inspect", "a#b.tar").returncode == 0


def test_an_image_of_another_platform_is_not_shown_in_place_of_the_one_asked_for(offline: Offline) -> None:
    """The platform that there is gives the image; any other an error that says which there is."""
    offline.save("shop.tar", {"shop:1": [BASE]})
    assert offline("inspect", "shop.tar", "--platform", "linux/amd64").returncode == 0
    for platform in ("linux/arm64", "nonsense"):
        done = offline("inspect", "shop.tar", "--platform", platform)
        assert (done.returncode, done.stdout) == (2, "")
        assert f"Error: shop.tar is for linux/amd64, not for {platform}\n" in done.stderr


def test_an_archive_may_come_on_stdin(offline: Offline) -> None:
    """What `docker save` pipes needs no file."""
    archive = offline.save("shop.tar", {"shop:1": [BASE, APP]})
    command = [sys.executable, "-m", "imgcompare", "inspect", "-", "--json"]
    with archive.open("rb") as file, subprocess.Popen(["cat"], stdin=file, stdout=subprocess.PIPE) as saving:
        done = subprocess.run(
            command, stdin=saving.stdout, cwd=offline.folder, env=offline.environ, capture_output=True, check=True
        )
    assert json.loads(done.stdout)["layer_count"] == 2


@pytest.fixture
def reported(offline: Offline) -> Offline:
    """A folder with a report of one variant whose image no cache has, and one that has none."""
    image = Image(
        image_id="sha256:" + "a" * 64,
        reference="imgcompare/default:multi-stage",
        os="linux",
        architecture="amd64",
        uncompressed_size=1,
        layer_count=0,
        history_count=0,
        layers=(),
        user="",
        exposed_ports=(),
    )
    variants = (
        Variant(name="multi-stage", source=Source(dockerfile="a"), verdict=Verdict.WORKS, image=image),
        Variant(name="unbuilt", source=Source(dockerfile="b"), verdict=Verdict.NOT_CHECKED),
    )
    report = Report(
        schema_version=SCHEMA_VERSION,
        tool=Tool(name="imgcompare", version=__version__),
        created="2026-01-31T12:00:00Z",
        engine=ENGINE,
        scenario="default",
        baseline="multi-stage",
        variants=variants,
        comparison=compare(variants, "multi-stage"),
        gates=(),
        passed=False,
    )
    save(report, prepare(offline.folder), "20260131T120000000-abcdef")
    return offline


@pytest.mark.parametrize(
    ("image", "code", "problem"),
    [
        ("mutli-stage", 2, "did you mean 'multi-stage'?"),
        ("unbuilt", 2, "'unbuilt' has no image"),
        ("multi-stage", 3, "nowhere"),
        ("image:mutli-stage", 3, "nowhere"),
        ("multi-stage:1", 3, "nowhere"),
        ("nowhere.tar", 2, "no file 'nowhere.tar'"),
        ("./multi-stage", 2, "no file './multi-stage'"),
        ("nowhere.tar#shop:1", 2, "'nowhere.tar#shop:1' is neither"),
        ("Dockerfile", 2, "neither a file nor an image's reference"),
        ("notes.txt", 2, "notes.txt is neither an image's archive nor a Dockerfile"),
        ("notes.txt#shop:1", 2, "notes.txt: It is no image"),
        ("cut.tar", 4, "cut.tar: "),
        ("home/", 2, "home: It is no image"),
        ("/dev/null", 2, "neither an image's archive nor a Dockerfile"),
        ("\x1b[31mred", 2, "'red' is neither"),
        ("a" * 5000 + "/", 2, "File name too long"),
        ("", 2, "has no name"),
    ],
)
def test_what_is_no_image_is_said(reported: Offline, image: str, code: int, problem: str) -> None:
    """The error names what was given and what is the matter, with a next step, in printable characters."""
    (reported.folder / "notes.txt").write_text("FROMAGE\n")
    (reported.folder / "cut.tar").write_bytes(reported.save("shop.tar", {"shop:1": [BASE]}).read_bytes()[:5000])
    done = reported("inspect", image)
    assert (done.returncode, done.stdout) == (code, "")
    assert problem in done.stderr
    assert "Next: " in done.stderr
    assert "\x1b" not in done.stderr
    assert "Traceback" not in done.stderr


def test_a_damaged_report_is_no_reason_to_refuse_a_file(offline: Offline) -> None:
    """What a file's image is does not depend on the report; the damage is noted."""
    (prepare(offline.folder) / "20260131T120000000-abcdef.json").write_text("{")
    offline.save("shop.tar", {"shop:1": [BASE]})
    done = offline("inspect", "shop.tar", "--json")
    assert done.returncode == 0
    assert "20260131T120000000-abcdef.json is no whole report" in done.stderr


def test_images_from_a_shell_s_pipes(offline: Offline) -> None:
    """``<(docker save …)`` is a path that can be read once."""
    data = offline.save("shop.tar", {"shop:1": [BASE]})
    pipe = offline.folder / "pipe"
    os.mkfifo(pipe)
    writer = Thread(target=lambda: pipe.write_bytes(data.read_bytes()))
    writer.start()
    assert json.loads(offline("inspect", "pipe", "--json").stdout)["layer_count"] == 1
    writer.join()


def test_the_archive_of_a_stand_in_says_so(offline: Offline) -> None:
    """As an image made on one does: the label comes with it."""
    offline.save("base.tar", {"x:1": [{"a": b"1"}]}, Labels={STAND_IN_LABEL: "python:3.11-slim"})
    assert "python:3.11-slim" in offline("inspect", "base.tar").stdout
    assert json.loads(offline("inspect", "base.tar", "--json").stdout)["stand_ins"] == ["python:3.11-slim"]


@pytest.mark.parametrize(("form", "key"), [("cyclonedx", "components"), ("spdx", "packages"), ("json", "contents")])
def test_a_file_in_other_formats(offline: Offline, form: str, key: str) -> None:
    """A document on stdout and nothing else, as scanners read it."""
    status = b"Package: curl\nStatus: install ok installed\nVersion: 7.88\nArchitecture: amd64\n"
    offline.save("shop.tar", {"shop:1": [{**BASE, "var/lib/dpkg/status": status}]})
    done = offline("inspect", "shop.tar", "--format", form)
    assert (done.returncode, done.stderr) == (0, "")
    assert key in json.loads(done.stdout)
    assert "curl" in done.stdout
