"""COPY and ADD read: what they take, from where, where to."""

from __future__ import annotations

import pytest

from imgcompare.dockerfile.copy_sources import Copy, copied, read_copy
from imgcompare.dockerfile.parser import Instruction


@pytest.mark.parametrize(
    ("keyword", "text", "read"),
    [
        ("COPY", "a b /dir/", Copy(("a", "b"), "/dir/")),
        ("ADD", "https://example.org/x.tar /", Copy(("https://example.org/x.tar",), "/")),
        ("COPY", "--from=builder --chown=1:1 /a /b", Copy(("/a",), "/b", "builder")),
        ("COPY", "--chown=app:app . .", Copy((".",), ".")),
        ("COPY", '--link ["a file", "b"]', Copy(("a file",), "b")),
        ("COPY", "\"a\" 'b'", Copy(("a",), "b")),
        ("COPY", "<<EOF /etc/motd", Copy((), "/etc/motd")),
        ("COPY", "[not json] x", Copy(("[not", "json]"), "x")),
        ("COPY", "--from=builder", None),
        ("RUN", "cp a b", None),
    ],
)
def test_a_copy_is_read_as_the_builder_reads_it(keyword: str, text: str, read: Copy | None) -> None:
    """Flags, quotes, JSON words and heredocs are told from sources, and the last word is the target."""
    assert read_copy(Instruction(keyword, 1, text, 1)) == read


def test_only_what_comes_from_the_context_is_copied_from_it() -> None:
    """What another stage gives is no file of the context, and a variable may be anything."""
    instructions = [Instruction("COPY", 1, "--from=b /x /y", 1), Instruction("COPY", 2, "src/$NAME req.txt /app/", 2)]
    assert [*copied(instructions)] == ["src/*", "req.txt"]
