"""A candidate's rounds: what turned out to be missing is installed, another way is tried, and it ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

from msgspec.structs import replace

from imgcompare.config.variants import VariantSpec
from imgcompare.model import Failure, Stage
from imgcompare.remedy.attempt import MOST_ROUNDS, Attempt, Draft, _missing, attempt
from imgcompare.remedy.desk import Desk
from imgcompare.remedy.needs import Need
from imgcompare.remedy.pair import Comparison
from imgcompare.remedy.shape import Shape
from imgcompare.remedy.subject import Subject
from tests.support.cases import PYTHON, SITE, elf
from tests.support.cases import Files as Written
from tests.support.shrinking import PROBE, packages, shape, subject

TEXT = "FROM python:3.11\nRUN pip install driver\nCMD shop\n"
LIBRARY = "/usr/lib/x86_64-linux-gnu/libpq.so.5"
MODULE = f"{SITE}/driver.so"
OWNED: Written = {"/var/lib/dpkg/info/libpq5.list": f"{LIBRARY}\n", LIBRARY: elf(), **packages("libpq5")}
LOOKED = replace(PROBE, elf={MODULE: {"libpq.so.5": LIBRARY}})
SPEC = VariantSpec(name="original", dockerfile=Path("Dockerfile"))


class FakeDesk:
    """Builds what it is told of a text, and remembers what it was asked for."""

    def __init__(self, build: Callable[[str], Subject | Failure]) -> None:
        self._build = build
        self.texts: list[str] = []

    def seen(self, subject: Subject, _roots: tuple[str, ...]) -> Subject:
        """It was looked into when it was made up."""
        return subject

    def unseen(self, spec: VariantSpec) -> Subject | Failure:
        """Build a variant."""
        text = (spec.text or b"").decode()
        self.texts.append(text)
        return self._build(text)


def original() -> Shape:
    """The original needs libpq, whose package its base has."""
    return shape(TEXT, {2: {MODULE: elf()}}, {**PYTHON, **OWNED}, LOOKED)


def candidate(*, library: bool) -> Subject:
    """An image with the module, and with the library or without."""
    base: Written = {**PYTHON, **(OWNED if library else packages())}
    found = {MODULE: {"libpq.so.5": LIBRARY if library else ""}}
    return subject(TEXT, {2: {MODULE: elf()}}, base, replace(PROBE, elf=found))


def tried(build: Callable[[str], Subject | Failure], draft: Draft) -> tuple[Attempt, list[str]]:
    """What comes of a draft, and the texts that were built."""
    desk = FakeDesk(build)
    return attempt(draft, original(), (), SPEC, cast(Desk, desk)), desk.texts


def installing(needs: Sequence[Need]) -> str:
    """A text that names the packages it installs."""
    return f"{TEXT}# {' '.join(need.package for need in needs)}\n"


def test_a_library_that_was_not_found_brings_its_package() -> None:
    """In the second round, and then it is proved."""
    result, texts = tried(lambda text: candidate(library="libpq5" in text), Draft("multi-stage", installing))
    assert (result.proved, result.rounds, len(texts)) == (True, 2, 2)
    assert "libpq5" in result.text


def test_what_does_not_help_ends_it() -> None:
    """The same lack again, with nothing new to install: told, and not tried for ever."""
    result, texts = tried(lambda _text: candidate(library=False), Draft("multi-stage", installing))
    assert not result.proved
    assert result.reason == f"libraries: {MODULE} needs libpq.so.5"
    assert len(texts) == 2 <= MOST_ROUNDS


def test_another_way_is_tried_where_one_cannot_be_proved() -> None:
    """In place where an environment fails; the rounds of both count."""
    failure = Failure(stage=Stage.BUILD, code="build-failed", message="it broke")
    way = Draft(
        "multi-stage", lambda _needs: "an environment", otherwise=Draft("multi-stage", lambda _needs: "in place")
    )
    result, texts = tried(lambda text: candidate(library=True) if text == "in place" else failure, way)
    assert (result.proved, result.text, result.rounds) == (True, "in place", 2)
    assert texts == ["an environment", "in place"]


def test_what_does_not_build_is_told() -> None:
    """With the cause."""
    failure = Failure(stage=Stage.BUILD, code="build-failed", message="it broke")
    result, _ = tried(lambda _text: failure, Draft("slim", installing))
    assert (result.proved, result.reason) == (False, "it does not build: it broke")


def test_what_cannot_be_written_is_not_built() -> None:
    """Nothing to tidy, say."""
    result, texts = tried(lambda _text: candidate(library=True), Draft("tidy", lambda _needs: None))
    assert (result.proved, texts) == (False, [])


def test_a_program_without_which_an_import_fails_is_installed() -> None:
    """GitPython's does, and says of what; one that no message names is not."""
    git: Written = {"/var/lib/dpkg/info/git.list": "/usr/bin/git\n", "/usr/bin/git": elf(), **packages("git")}
    looked = replace(PROBE, modules={"git": "", "other": ""}, package_programs={"git": "git/cmd.py", "gcc": "x.py"})
    before = subject(TEXT, {}, {**PYTHON, **git}, looked)
    after = subject(TEXT, {}, PYTHON, replace(PROBE, modules={"git": "ImportError: Bad git executable.", "other": ""}))
    assert _missing(Comparison(before, after), ()) == [Need("git", "git")]
