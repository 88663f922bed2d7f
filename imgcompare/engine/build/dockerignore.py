"""Which files of a build context are left out: the patterns of a ``.dockerignore`` file.

The rules are those of https://docs.docker.com/build/concepts/context/#dockerignore-files and of the matcher behind them
(https://github.com/moby/patternmatcher). Where moby's code and the documentation differ (``^`` or ``\\d`` reaching Go's
regexp engine unescaped), the documented meaning holds. Of that matcher's three ways to ask, the one that BuildKit's
clients walk a folder by is followed, ``MatchesUsingParentResults``.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from functools import lru_cache

from msgspec import Struct
from msgspec.structs import replace

from imgcompare.errors import UsageError
from imgcompare.regex import regex

_CLASS_CHARACTER = r"(?:\\.|[^\\\]-])"
_CLASS_ITEM = regex(rf"({_CLASS_CHARACTER})(?:-({_CLASS_CHARACTER}))?")
# The grammar of Go's filepath.Match (https://pkg.go.dev/path/filepath#Match) and ``**``.
_TOKEN = regex(
    rf"(?P<deep>\*\*/?)|(?P<star>\*)|(?P<one>\?)|\[(?P<not>\^?)(?P<class>(?:{_CLASS_ITEM.pattern})+)\]"
    r"|\\(?P<escaped>.)|(?P<literal>[^\\\[])",
    re.DOTALL,
)
_WILDCARDS = frozenset("*?[]\\")


class Pattern(Struct, frozen=True):
    """One line of an ignore file: all it matches begins with ``literal`` or, without wildcards, is ``literal``."""

    negated: bool
    literal: str
    has_wildcards: bool
    matches: Callable[[str], bool]

    def may_match_below(self, folder: str) -> bool:
        """Whether a name inside ``folder`` could match; never False for one that does."""
        inside = folder + "/"
        return self.literal.startswith(inside) or (self.has_wildcards and inside.startswith(self.literal))


class Match(Struct, frozen=True):
    """What rules say of a name: whether they name it, and which patterns match it or a folder above, by number."""

    named: bool = False
    patterns: tuple[int, ...] = ()


NO_MATCH = Match()
"""The match of a name that no pattern speaks of."""


class IgnoreRules(Struct, frozen=True):
    """The patterns of one ignore file in their order; the last one that changes what was said of a name decides."""

    patterns: tuple[Pattern, ...] = ()

    def match(self, name: str, above: Match = NO_MATCH) -> Match:
        """Return what holds for ``name``, given the match of the folder it is in.

        A pattern that would change nothing is not asked. So it does not count for what is below either: with
        ``**/*.pyc`` and ``!app`` nothing takes app back, which was never left out, and app/x.pyc is.
        """
        named = False
        matching = []
        for number, each in enumerate(self.patterns):
            if number in above.patterns or (each.negated == named and each.matches(name)):
                matching.append(number)
                named = not each.negated
        return Match(named, tuple(matching))

    def may_keep_below(self, folder: str, match: Match) -> bool:
        """Whether something in a folder that is left out could be kept, so that one has to look inside."""
        later = self.patterns[match.patterns[-1] + 1 :] if match.patterns else self.patterns
        return any(each.negated and each.may_match_below(folder) for each in later)

    def keeping(self, name: str) -> IgnoreRules:
        """Return these rules with one more that keeps ``name``, whatever the others say."""
        return replace(self, patterns=(*self.patterns, Pattern(True, name, False, name.__eq__)))

    def may_name_below(self, folder: str) -> bool:
        """Whether a pattern could name something inside a folder."""
        return any(not each.negated and each.may_match_below(folder) for each in self.patterns)

    def leaving_out(self, folder: str) -> IgnoreRules:
        """Return these rules with one more that leaves folders of that name out, wherever they are."""
        tail = f"/{folder}"
        last = Pattern(False, folder, False, lambda name: name == folder or name.endswith(tail))
        return replace(self, patterns=(*self.patterns, last))


@lru_cache(maxsize=16)  # variants mostly share one
def parse_rules(text: str, source: str) -> IgnoreRules:
    """Read the patterns in an ignore file's ``text``; ``source`` names the file in a UsageError for a bad pattern."""
    patterns = []
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), start=1):
        cleaned = "" if line.startswith("#") else _from_the_root(line.strip())
        if not cleaned.strip():
            continue
        try:
            patterns.append(pattern(cleaned))
        except ValueError as exc:
            raise UsageError(
                f"{source}, line {number}: bad pattern “{line.strip()}”: {exc}",
                hint="Put a backslash before a character that is meant literally.",
            ) from exc
    return IgnoreRules(tuple(patterns))


def _from_the_root(line: str) -> str:
    """A line as BuildKit's frontend hands it on: relative to the context's root whether or not it has a slash first."""
    bang = "!" if line.startswith("!") else ""
    text = line.removeprefix("!").strip()
    return bang + (posixpath.normpath(text).lstrip("/") or "/") if text else bang


def has_wildcards(text: str) -> bool:
    """Whether a pattern can match anything but itself."""
    return not _WILDCARDS.isdisjoint(text)


@lru_cache(maxsize=512)  # each build of a context has the same ones handed on, and reading one costs a walk's time
def pattern(line: str) -> Pattern:
    """Read one pattern as a client gets it from the frontend. Raises ValueError where it is malformed."""
    text = posixpath.normpath(line.strip())
    negated = text.startswith("!")
    text = text.removeprefix("!")
    if not text:
        raise ValueError("the “!” is followed by nothing that it could keep")
    literal = re.split(r"[*?\[\]\\]", text, maxsplit=1)[0]
    return Pattern(negated, literal, literal != text, _matcher(text))


def _matcher(text: str) -> Callable[[str], bool]:
    """Choose how to match, as moby does: ``**`` before or after plain text matches in the middle of a word, too."""
    written = _regex(text)
    if not _WILDCARDS.intersection(text):
        return text.__eq__
    if text.endswith("**") and not _WILDCARDS.intersection(text[:-2]):
        return lambda name: name.startswith(text[:-2])
    if text.startswith("**") and not _WILDCARDS.intersection(text[2:]):
        return lambda name: name.endswith(text[2:]) or "/" + name == text[2:]
    regex = re.compile(written, re.DOTALL)
    return lambda name: regex.fullmatch(name) is not None


def _regex(text: str) -> str:
    parts = []
    position = 0
    while position < len(text):
        token = _TOKEN.match(text, position)
        if token is None:
            raise ValueError("a “[” without its “]”" if text[position] == "[" else "a “\\” with nothing after it")
        position = token.end()
        parts.append(_token_regex(token, last=position == len(text)))
    return "".join(parts)


def _token_regex(token: re.Match[str], *, last: bool) -> str:
    match token.lastgroup:
        case "deep":
            return ".*" if last else "(?:.*/)?"
        case "star":
            return "[^/]*"
        case "one":
            return "[^/]"
        case "escaped" | "literal":
            return re.escape(token[token.lastgroup])
        case _:
            return f"[{token['not']}{_class_regex(token['class'])}]"


def _class_regex(body: str) -> str:
    ranges = []
    for item in _CLASS_ITEM.finditer(body):
        low, high = item[1][-1], (item[2] or item[1])[-1]
        if low > high:
            raise ValueError(f"the range “{item[0]}” runs backwards")
        ranges.append(f"{re.escape(low)}-{re.escape(high)}")
    return "".join(ranges)
