"""What several ask for is done once; what failed is done again; an image is run under its own tag."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from imgcompare.errors import EngineError
from imgcompare.remedy.desk import Once


def test_those_who_ask_meanwhile_are_given_what_came_of_it() -> None:
    """One does the work, and the others wait."""
    once, begun, go = Once(), list[int](), Event()

    def work() -> str:
        begun.append(1)
        go.wait(10)
        return "built"

    with ThreadPoolExecutor(3) as pool:
        asked = [pool.submit(once.do, "slim", work) for _ in range(3)]
        go.set()
        assert [one.result(10) for one in asked] == ["built"] * 3
    assert (once.do("slim", work), begun) == ("built", [1])
    assert once.do("multi-stage", lambda: "another") == "another"


def test_what_failed_is_done_again() -> None:
    """An engine that did not answer, or a build that broke, may do better the next time."""
    once = Once()

    def fail() -> str:
        raise EngineError("it went away")

    with pytest.raises(EngineError, match="it went away"):
        once.do("slim", fail)
    assert once.do("slim", lambda: "built") == "built"
    assert once.do("tidy", lambda: "broken", failed=lambda found: found == "broken") == "broken"
    assert once.do("tidy", lambda: "built") == "built"


def test_what_was_done_elsewhere_is_known() -> None:
    """Until it is forgotten."""
    once = Once()
    once.know("original", "run")
    assert once.do("original", lambda: "built") == "run"
    once.forget("original")
    assert once.do("original", lambda: "built") == "built"
