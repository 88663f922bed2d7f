"""``imgcompare mend`` where there is no engine: what is refused before one is looked for."""

from __future__ import annotations

import pytest

from tests.support.projects import Offline

FILES = {"Dockerfile": "FROM a\nCMD x\n", "there": "x"}


@pytest.fixture
def here(offline: Offline) -> Offline:
    """A folder with a Dockerfile and another file."""
    for name, text in FILES.items():
        (offline.folder / name).write_text(text)
    return offline


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-o", "there"], "there exists"),
        (["-o", "nowhere/x"], "cannot write nowhere/x"),
        (["-o", "x", "--in-place"], "-o and --in-place exclude each other"),
        (["gone"], "Dockerfile gone does not exist"),
        (["shop=image:shop:1"], "an image cannot be mended"),
        (["Dockerfile:prod"], "no stage 'prod' in Dockerfile"),
        (["--route", "x"], "the route 'x' is no path"),
        (["there"], "Dockerfile there"),
    ],
)
def test_what_cannot_be_done_is_said_at_once(here: Offline, arguments: list[str], message: str) -> None:
    """Exit code 2, and no file is touched."""
    done = here("mend", *arguments)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert message in done.stderr
    assert {name: (here.folder / name).read_text() for name in FILES} == FILES


def test_without_an_engine(here: Offline) -> None:
    """Exit code 3, as of every command that needs one."""
    done = here("mend")
    assert (done.returncode, done.stdout) == (3, ""), done.stderr


@pytest.mark.parametrize("command", ["mend", "shrink"])
@pytest.mark.parametrize(
    ("files", "names"),
    [
        (("shop/Dockerfile", "shop/Dockerfile.slim"), "shop/Dockerfile, shop/Dockerfile.slim"),
        (("shop/a/Dockerfile", "shop/b/Dockerfile"), "shop/a/Dockerfile, shop/b/Dockerfile"),
    ],
)
def test_a_folder_with_several_dockerfiles(here: Offline, command: str, files: tuple[str, ...], names: str) -> None:
    """None of them is guessed; they are named, be they one comparison or several."""
    for name in files:
        (here.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (here.folder / name).write_text("FROM a\nCMD x\n")
    done = here(command, "shop")
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert f"the folder shop has more than one Dockerfile\nNext: Name one of {names}." in done.stderr
