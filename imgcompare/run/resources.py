"""What the stages of a run work with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event
from typing import TYPE_CHECKING

from msgspec import Struct, field

from imgcompare.console.progress import Progress
from imgcompare.engine.interface import Container, ContainerSpec, Engine
from imgcompare.errors import EngineLostError, ImgcompareError
from imgcompare.model import Report
from imgcompare.run.ledger import CONTAINER, Ledger
from imgcompare.text.printable import printable

if TYPE_CHECKING:
    from imgcompare.image.cache import ImageCache


class Halt(Event):
    """Set once all that is under way is to end soon; ``reason`` is what ended it first."""

    reason: ImgcompareError | None = None

    def because(self, reason: ImgcompareError | None) -> None:
        """Set it, for a reason that counts unless there is one already."""
        self.reason = self.reason or reason
        self.set()


class Workbench(Struct, frozen=True, kw_only=True):
    """The outside world of one run: the engine, who is told, what is written down, and whether to stop."""

    engine: Engine
    progress: Progress
    ledger: Ledger
    cache: ImageCache
    save: Callable[[Report], None]
    created: str
    cancelled: Halt = field(default_factory=Halt)

    def cancel(self, reason: ImgcompareError | None = None) -> None:
        """Make every stage under way end soon; what it made is still removed."""
        self.cancelled.because(reason)
        self.engine.cancel()

    @contextmanager
    def container(self, spec: ContainerSpec) -> Iterator[Container]:
        """A container that is written down before it exists and removed on every way out, unless it is kept."""
        self.ledger.record(CONTAINER, spec.name)
        with self.engine.container(spec) as container:
            yield container
        if not container.kept:
            self.ledger.removed(spec.name)

    @contextmanager
    def noting(self, what: str, notes: list[str]) -> Iterator[None]:
        """Note what goes wrong inside instead of raising it: what is measured beside the check breaks no variant.

        What ends the whole run is raised: a lost engine, an interrupt.
        """
        try:
            yield
        except EngineLostError:
            raise
        except ImgcompareError as exc:
            if self.cancelled.is_set():
                raise
            notes.append(f"{what}: {printable(exc.message, limit=300)}")
