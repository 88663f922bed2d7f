"""What ``imgcompare shrink`` leaves on the engine: the original's image and the result's."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import cast

from imgcompare.remedy.shrink import _let_go
from imgcompare.run.plan import Plan
from imgcompare.run.resources import Workbench


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
