"""What a failure is told of the compose file's bind mounts: that the missing file is only there, or was read-only."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from imgcompare.config.model import Config
from imgcompare.model import Failure, Source, Stage, Variant, Verdict
from imgcompare.run.bind_mounts import tell_of_bind_mounts
from imgcompare.services.composed import read_service

NOWHERE = "Python does not find shop: it is in no layer of this image."


def asked(folder: Path, *, mount: bool, declared: bool = False) -> Config:
    """A comparison with a service whose folder is mounted over its app."""
    volume = {"type": "bind", "source": str(folder), "target": "/srv/app", "read_only": declared}
    web = {"build": {"context": str(folder)}, "volumes": [volume]}
    composed = read_service({"services": {"web": web}}, folder / "compose.yaml", "web", mount=mount)
    return Config(scenario="s", context=folder, variants=(), compose=composed, options=composed.options)


def broken(line: str, message: str = "It ended.") -> Variant:
    """A variant that died of that."""
    failure = Failure(stage=Stage.RUN, code="c", message=message, hint="h", evidence=(line,), fix=("RUN pip x",))
    return Variant(name="v", source=Source(), verdict=Verdict.BROKEN, failure=failure)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("ModuleNotFoundError: No module named 'shop'", NOWHERE),
        ("python: can't open file '/srv/app/shop.py': [Errno 2] No such file", "It ended."),
    ],
)
def test_a_file_that_only_the_mount_has_is_told(tmp_path: Path, line: str, message: str) -> None:
    """The image is broken without it, and no package has it: what the user's folder holds is proof."""
    (tmp_path / "shop.py").touch()
    told = tell_of_bind_mounts(asked(tmp_path, mount=False), broken(line, message))
    assert told.failure is not None
    assert (told.verdict, told.failure.fix) == (Verdict.BROKEN, ())
    assert "compose.yaml mounts a folder with it at /srv/app" in told.failure.hint
    assert told.failure.evidence == (line, "the bind mount at /srv/app has it, the image has not")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("ModuleNotFoundError: No module named 'flask'", NOWHERE),
        ("ModuleNotFoundError: No module named 'shop'", "It ended."),  # the image may have it, elsewhere
        ("can't open file '/opt/shop.py'", "It ended."),
        ("can't open file '/srv/apple/shop.py'", "It ended."),
        ('File "/srv/app/shop.py", line 3, in <module>', "It ended."),
    ],
)
def test_what_the_image_may_have_is_never_said_to_be_missing(tmp_path: Path, line: str, message: str) -> None:
    """Another module, a file elsewhere, and one that is only on the way of a traceback."""
    (tmp_path / "shop.py").touch()
    assert tell_of_bind_mounts(asked(tmp_path, mount=False), broken(line, message)) == broken(line, message)


def test_without_a_compose_file_nothing_is_told(tmp_path: Path) -> None:
    """Nothing was left out."""
    (tmp_path / "shop.py").touch()
    variant = broken("No module named 'shop'", NOWHERE)
    assert tell_of_bind_mounts(replace(asked(tmp_path, mount=False), compose=None), variant) == variant


@pytest.mark.parametrize("path", ["", ": 'config.json'", ": '/srv/app/config.json'"])
def test_writing_into_a_mount_is_no_fault_of_the_image(tmp_path: Path, path: str) -> None:
    """It is read-only because of us: nothing is known of the image, and the way out is named."""
    told = tell_of_bind_mounts(asked(tmp_path, mount=True), broken(f"OSError: [Errno 30] Read-only file system{path}"))
    assert told.failure is not None
    assert told.verdict is Verdict.NOT_CHECKED
    assert f"--volume {tmp_path}:/srv/app:rw" in told.failure.hint


def test_writing_where_the_file_forbids_it_is(tmp_path: Path) -> None:
    """Beside the mount, in a mount that is declared so, or in a service that is read-only as a whole."""
    elsewhere = broken("OSError: [Errno 30] Read-only file system: '/etc/x'")
    assert tell_of_bind_mounts(asked(tmp_path, mount=True), elsewhere) == elsewhere
    anywhere = broken("OSError: [Errno 30] Read-only file system: 'x'")
    assert tell_of_bind_mounts(asked(tmp_path, mount=True, declared=True), anywhere) == anywhere
    config = asked(tmp_path, mount=True)
    config = replace(config, options=replace(config.options, read_only=True))
    assert tell_of_bind_mounts(config, anywhere) == anywhere
