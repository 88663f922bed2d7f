"""Saving soon, and seldom."""

from __future__ import annotations

import threading
from concurrent.futures import Future

from imgcompare.run.sparing import Sparing


def test_what_comes_at_once_is_saved_together_and_the_last_always() -> None:
    """A save that takes a while is not made for each of many small pieces, and what came last is in the last one."""
    futures: list[Future[int]] = [Future() for _ in range(50)]
    known: list[int] = []
    saved: list[list[int]] = []
    slow = threading.Event()

    def save() -> None:
        slow.wait(0.01)
        saved.append(list(known))

    def come() -> None:
        for number, future in enumerate(futures):
            future.set_result(number)

    thread = threading.Thread(target=come)
    thread.start()
    Sparing(save).each(futures, lambda future: known.append(future.result()))
    thread.join()
    assert sorted(saved[-1]) == list(range(50))
    assert len(saved) <= 10


def test_what_came_is_saved_though_another_is_long_in_coming() -> None:
    """It is not lost where the process is killed while it waits."""
    first, second, last = Future[int](), Future[int](), Future[int]()
    known: list[int] = []
    all_saved = threading.Event()

    def save() -> None:
        if len(known) >= 2:
            all_saved.set()

    def come() -> None:
        first.set_result(1)
        second.set_result(2)
        assert all_saved.wait(10)
        last.set_result(3)

    thread = threading.Thread(target=come)
    thread.start()
    Sparing(save).each((first, second, last), lambda future: known.append(future.result()))
    thread.join()
    assert all_saved.is_set()
    assert sorted(known) == [1, 2, 3]
