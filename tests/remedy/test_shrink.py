"""What ``imgcompare shrink`` leaves on the engine, and what it does not begin."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import cast

from imgcompare.config.variants import VariantSpec
from imgcompare.remedy.desk import Desk
from imgcompare.remedy.shrink import _attempts, _let_go
from imgcompare.remedy.subject import Subject
from imgcompare.run.plan import Plan
from imgcompare.run.resources import Workbench
from tests.support.cases import elf
from tests.support.shrinking import subject


@dataclass
class Images:
    """The images of an engine: what tags each has."""

    tags: dict[str, set[str]]
    removed: list[str] = field(default_factory=list)

    def image(self, reference: str) -> SimpleNamespace | None:
        """The image of that digest."""
        return SimpleNamespace(tags=tuple(self.tags[reference])) if reference in self.tags else None

    def remove_image(self, reference: str) -> bool:
        """Remove a tag, or an image by its digest."""
        for digest, tags in list(self.tags.items()):
            tags.discard(reference)
            if reference == digest:
                del self.tags[digest]
        self.removed.append(reference)
        return True


def test_images_of_earlier_rounds_go_too() -> None:
    """A later round took their name; one that has a name of somebody's, or the result's, stays."""
    engine = Images(
        {
            "sha256:first": set(),
            "sha256:second": {"shop:multi-stage"},
            "sha256:slim": {"shop:slim"},
            "sha256:tidy": {"shop:tidy", "mine:latest"},
            "sha256:original": {"shop:original"},
        }
    )
    plan = cast("Plan", SimpleNamespace(variants=(SimpleNamespace(tag="shop:original"),)))
    bench = cast("Workbench", SimpleNamespace(engine=engine))
    _let_go(plan, ["slim", "tidy"], list(engine.tags), bench)
    assert engine.tags == {
        "sha256:second": {"shop:multi-stage"},
        "sha256:tidy": {"mine:latest"},
        "sha256:original": {"shop:original"},
    }
    assert "mine:latest" not in engine.removed


class WithoutPython:
    """A desk whose images have no Python to look inside with."""

    plan = SimpleNamespace(config=SimpleNamespace(jobs=1, non_root=False, build_args={}))
    platforms = None

    def __init__(self) -> None:
        self.built = 0

    def unseen(self, _spec: VariantSpec) -> Subject:
        """Build the original."""
        self.built += 1
        return subject("FROM node:20\nCMD node server.js\n", {}, {"/usr/local/bin/node": elf()}, None)

    def meanwhile(self, work: Callable[..., object], *arguments: object) -> None:
        """Do it at once."""
        work(*arguments)

    def seen(self, original: Subject, _roots: tuple[str, ...]) -> Subject:
        """It stays unseen."""
        return original

    def variables(self, _document: object) -> dict[str, str]:
        """FROM has none."""
        return {}


def test_what_has_no_python_is_told_and_nothing_is_tried(tmp_path: Path) -> None:
    """Node, Go and Java cannot be proved: no candidate is built for nothing, and nothing is called proved."""
    (tmp_path / "Dockerfile").write_text("FROM node:20\nCMD node server.js\n")
    desk = WithoutPython()
    spec = VariantSpec(name="original", dockerfile=tmp_path / "Dockerfile")
    _, attempts, told = _attempts(cast("Desk", desk), spec)
    assert (attempts, desk.built) == ([], 1)
    assert told.refused[-1].startswith("all candidates: it has no Python")
