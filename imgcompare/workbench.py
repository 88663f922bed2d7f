"""What the stages of a run work with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event

from imgcompare.engine import Engine
from imgcompare.image.cache import ImageCache
from imgcompare.ledger import Ledger
from imgcompare.model import Report
from imgcompare.progress import Progress


@dataclass(frozen=True, kw_only=True)
class Workbench:
    """The outside world of one run: the engine, who is told, what is written down, and whether to stop."""

    engine: Engine
    progress: Progress
    ledger: Ledger
    cache: ImageCache
    save: Callable[[Report], None]
    created: str
    cancelled: Event = field(default_factory=Event)

    def cancel(self) -> None:
        """Make every stage under way end soon; what it made is still removed."""
        self.cancelled.set()
        self.engine.cancel()
