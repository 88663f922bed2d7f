from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

from imgcompare.regex import _METHODS, regex

_TEXT = "one 1 two 22"


def shown(found: object) -> object:
    """What a method gave, in a form that can be compared."""
    if isinstance(found, Iterator):
        return [shown(each) for each in found]
    return (found.span(), found.groupdict()) if isinstance(found, re.Match) else found


def test_a_pattern_is_compiled_when_it_is_first_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """A module that names a hundred patterns takes no longer to import, and each use after the first costs nothing."""
    compiled: list[object] = []
    compile_ = re.compile

    def noted(pattern: str, flags: int = 0) -> re.Pattern[str]:
        compiled.append(pattern)
        return compile_(pattern, flags)

    monkeypatch.setattr(re, "compile", noted)
    number = regex(r"\d+")
    assert compiled == []
    assert [number.search(_TEXT), number.search("none")][1] is None
    assert compiled == [r"\d+"]


@pytest.mark.parametrize("method", [name for name in _METHODS if not name.startswith("sub")])
def test_a_pattern_does_what_a_compiled_one_does(method: str) -> None:
    """Whatever is asked of it first, the answer is the same."""
    lazy, plain = regex(r"(?P<word>[A-Z]+)|(\d+)", re.IGNORECASE), re.compile(r"(?P<word>[A-Z]+)|(\d+)", re.IGNORECASE)
    one, other = getattr(lazy, method)(_TEXT), getattr(plain, method)(_TEXT)
    assert shown(one) == shown(other)
    assert (lazy.pattern, lazy.groups, lazy.flags) == (plain.pattern, plain.groups, plain.flags)


def test_bytes_are_matched_by_a_pattern_of_bytes() -> None:
    """Patterns of bytes are patterns as well."""
    assert regex(rb"\d+").sub(b"n", b"one 1 two 22") == b"one n two n"


_ALL = """
import gc, re
from importlib import import_module
from pkgutil import walk_packages
import imgcompare
from imgcompare.regex import _Regex
for module in walk_packages(imgcompare.__path__, "imgcompare."):
    if module.name not in {"imgcompare.__main__", "imgcompare.remedy.inside"}:
        import_module(module.name)
patterns = [each for each in gc.get_objects() if isinstance(each, _Regex)]
for each in patterns:
    re.compile(each.pattern, each._flags)
print(len(patterns))
"""


def test_every_pattern_is_a_regular_expression() -> None:
    """What would have failed when its module was imported must not fail only when it is used."""
    done = subprocess.run([sys.executable, "-c", _ALL], capture_output=True, text=True, check=True)
    assert int(done.stdout) > 300
