"""The threads of a run: those that build and check variants, one that reads images, one that digests contexts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from typing import TYPE_CHECKING, TypeVar

from imgcompare.console.signals import leave_signals_to_the_main_thread

if TYPE_CHECKING:
    from imgcompare.run.build import BuiltVariant
    from imgcompare.run.measure import Images
    from imgcompare.run.results import Finished, Results

T = TypeVar("T")


class Builds:
    """Hands each image from the worker that built it to the one thread that reads images, in the order they come."""

    def __init__(self) -> None:
        self._queue: SimpleQueue[tuple[str, BuiltVariant] | None] = SimpleQueue()
        self.names: set[str] = set()

    def put(self, name: str, built: BuiltVariant) -> None:
        """Tell of an image that was built."""
        self.names.add(name)
        self._queue.put((name, built))

    def end(self) -> None:
        """Tell that no more will come."""
        self._queue.put(None)

    def each(self) -> Iterator[tuple[str, BuiltVariant]]:
        """Yield the images, waiting for each, until there will be no more."""
        return iter(self._queue.get, None)


class Crew:
    """Who works on a run, and what they were given to do.

    The ``reader`` waits for builds, and the ``digester`` reads contexts while they go on: neither takes the place of
    one of the ``pool``, of which so many work on variants as ``jobs`` says.
    """

    def __init__(self, jobs: int) -> None:
        self.pool = _threads(jobs, "imgcompare")
        self.reader = _threads(1, "imgcompare-reader")
        self.digester = _threads(1, "imgcompare-digest")
        self.builds = Builds()
        self.variants: list[Future[Finished]] = []
        self.images: list[Future[Images]] = []

    def dismiss(self) -> None:
        """Wait for what is under way; what has not begun does not begin."""
        self.builds.end()
        for each in (self.pool, self.reader, self.digester):
            each.shutdown(wait=True, cancel_futures=True)

    def salvage(self, results: Results) -> None:
        """Keep what came to a good end before or while the run was cut short."""
        for finished in _succeeded(self.variants):
            if results.finished[finished.variant.name].built is None:
                results.put(finished)
        for measured in _succeeded(self.images):
            results.add_images(measured)


def _threads(count: int, name: str) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(count, name, leave_signals_to_the_main_thread)


def _succeeded(futures: Iterable[Future[T]]) -> list[T]:
    return [done.result() for done in futures if done.done() and not done.cancelled() and done.exception() is None]
