"""The builder's own rules for lines, words and variables, as it keeps to them in its tests: inputs and right values.

Held against BuildKit's ``frontend/dockerfile/parser`` and ``shell``; the inputs are ours.
"""

from __future__ import annotations

import pytest

from imgcompare.dockerfile.parser import escape_of, read_instructions
from imgcompare.dockerfile.variables import expand

LINES = {
    "a line": ("RUN one", [("RUN", "one")]),
    "a keyword in small letters": ("run one", [("RUN", "one")]),
    "white space before and after": (" \tRUN one \t", [("RUN", "one")]),
    "a tab after the keyword": ("RUN\tone", [("RUN", "one")]),
    "a continued line": ("RUN one \\\ntwo", [("RUN", "one two")]),
    "white space after the mark": ("RUN one \\ \t\ntwo", [("RUN", "one two")]),
    "two marks continue nothing": ("RUN one \\\\\nCMD two", [("RUN", "one \\\\"), ("CMD", "two")]),
    "a mark within a line": ("RUN one\\two", [("RUN", "one\\two")]),
    "a comment between continued lines": ("RUN one \\\n# no\n  # nor this\ntwo", [("RUN", "one two")]),
    "an empty line between continued lines": ("RUN one \\\n\n\ntwo", [("RUN", "one two")]),
    "a word cut in two": ("RUN o\\\nne", [("RUN", "one")]),
    "continued at the end of the file": ("RUN one \\", [("RUN", "one")]),
    "continued at the end, a comment below": ("RUN one \\\n# no", [("RUN", "one")]),
    "a comment that ends in a mark": ("# no \\\nRUN one", [("RUN", "one")]),
    "a mark in a comment between": ("RUN one \\\n# no \\\ntwo", [("RUN", "one two")]),
    "Windows line ends": ("RUN one \\\r\n  two\r\nCMD x\r\n", [("RUN", "one   two"), ("CMD", "x")]),
    "another mark": ("# escape=`\nRUN one `\ntwo \\\nCMD x", [("RUN", "one two \\"), ("CMD", "x")]),
    "another mark, too late": ("#\n# escape=`\nRUN one \\\ntwo", [("RUN", "one two")]),
    "another mark, below the syntax": ("# syntax=x\n# escape=`\nRUN one `\ntwo", [("RUN", "one two")]),
    "a byte order mark": ("\ufeffRUN one", [("RUN", "one")]),
    "a mark that nothing follows in quotes": ('ENV a="one \\\ntwo"', [("ENV", 'a="one two"')]),
    "a number sign within a line": ("RUN one # two", [("RUN", "one # two")]),
    "JSON over several lines": ('CMD [ "one", \\\n "two" ]', [("CMD", '[ "one",  "two" ]')]),
}
_VALUES = {"V": "3.11", "EMPTY": "", "Größe": "9"}
WORDS = {
    "$V": "3.11",
    "${V}": "3.11",
    "a$V.b": "a3.11.b",
    "${V}b": "3.11b",
    r"\$V": "$V",
    r"\\$V": r"\3.11",
    r"a\tb": "atb",
    '"$V"': "3.11",
    "'$V'": "$V",
    "\"'$V'\"": "'3.11'",
    "'\"$V\"'": '"$V"',
    r'"\$V"': "$V",
    r'"a\"b"': 'a"b',
    r'"a\tb"': r"a\tb",
    r'"a\\b"': r"a\b",
    r"'a\tb'": r"a\tb",
    "a'b'c": "abc",
    '"a b"c': "a bc",
    "$EMPTY": "",
    "${EMPTY:-x}": "x",
    "${EMPTY-x}": "",
    "${NONE:-x}": "x",
    "${NONE:-$V}": "3.11",
    "${NONE:-a${V}b}": "a3.11b",
    "${NONE:+x}": "",
    "${V:+x}": "x",
    "${EMPTY:+x}": "",
    "${EMPTY+x}": "x",
    "$": "$",
    "a$": "a$",
    "$V$": "3.11$",
    "$.x": "$.x",
    "$Größe.": "9.",
    # A shell's own parameters are names without a value, never text.
    "${1:-x}": "x",
    "${@:-x}": "x",
    "a${*:+x}b": "ab",
    "a$1b": None,
    "$$": None,
    # No value, or no syntax.
    "$NONE": None,
    "${NONE:?why}": None,
    "${V": None,
    "${}": None,
    "${ V}": None,
    '"a': None,
    "'a": None,
    "${V!x}": None,
}


@pytest.mark.parametrize("name", LINES)
def test_the_instructions_of_a_text(name: str) -> None:
    """Where they begin and end, and what is left of them."""
    text, expected = LINES[name]
    assert [(one.keyword, one.text) for one in read_instructions(text, escape_of(text))] == expected


@pytest.mark.parametrize("word", WORDS)
def test_the_value_of_a_word(word: str) -> None:
    """Variables, quotes and escapes as the builder expands them; None where a value is missing, or the syntax wrong."""
    assert expand(word, _VALUES, "\\") == WORDS[word]
