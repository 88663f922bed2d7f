"""The variables of a Dockerfile's FROM instructions, expanded as BuildKit does (``frontend/dockerfile/shell``)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from msgspec import Struct

from imgcompare.regex import regex

# A shell's positional and special parameters are names, too, and never have a value here.
_NAME = regex(r"[^\W\d]\w*|\d+|[@*#?$!-]")
_OPERATOR = regex(r"\}|:?[-+?]|##?|%%?|//?")


class Platforms(Struct, frozen=True):
    """Platforms as ``os/arch[/variant]``: what is built for, and what the builder runs on; None where not known."""

    target: str | None = None
    build: str | None = None


NO_PLATFORM = Platforms()


def argument_values(
    arguments: Sequence[tuple[str, str | None]], build_args: Mapping[str, str], platforms: Platforms, escape: str
) -> dict[str, str]:
    """Return the variables FROM sees: https://docs.docker.com/reference/dockerfile/#understand-how-arg-and-from-interact.

    ``arguments`` are the ARGs before the first FROM with their defaults, if any. Without a platform that is asked for,
    the builder's own is the target.
    """
    values: dict[str, str] = {}
    for prefix, platform in (("TARGET", platforms.target or platforms.build), ("BUILD", platforms.build)):
        if platform is not None:
            os, architecture, variant = (*platform.split("/"), "", "")[:3]
            parts = {"PLATFORM": platform, "OS": os, "ARCH": architecture, "VARIANT": variant}
            values |= {f"{prefix}{key}": build_args.get(f"{prefix}{key}", part) for key, part in parts.items()}
    for name, default in arguments:
        value = build_args.get(name)
        if value is None and default is not None:
            value = expand(default, values, escape)
        if value is not None:
            values[name] = value
    return values


def expand(text: str, values: Mapping[str, str], escape: str) -> str | None:
    """Put in the variables' values and take the quotes away; None if a value is missing or the syntax is not known."""
    expansion = _Expansion(text, values, escape)
    try:
        result = expansion.until("")
    except ValueError:
        return None
    return None if expansion.missing else result


class _Expansion:
    """One pass over a word; ``missing`` tells that a variable that counts has no value."""

    def __init__(self, text: str, values: Mapping[str, str], escape: str) -> None:
        self.text, self.values, self.escape = text, values, escape
        self.at = 0
        self.missing = False

    def until(self, stop: str, *, keep_escapes: bool = False) -> str:
        """Expand up to ``stop`` and step over it, "" being the end; ``keep_escapes`` is for patterns.

        Raises ValueError where the text ends before it.
        """
        result = ""
        while self.at < len(self.text):
            char = self.text[self.at]
            self.at += 1
            if char == stop:
                return result
            if keep_escapes and char == self.escape:
                result += char
                char, self.at = self.text[self.at : self.at + 1], self.at + 1
                result += char
                continue
            result += self._piece(char, in_quotes=stop == '"')
        if stop:
            raise ValueError(f"no {stop}")
        return result

    def _piece(self, char: str, *, in_quotes: bool) -> str:
        if char == "$":
            return self._variable()
        if char == self.escape:
            self.at += 1
            escaped = self.text[self.at - 1 : self.at]
            return escaped if not in_quotes or escaped in {'"', "$", self.escape} else char + escaped
        if char == '"':
            return self.until('"')
        if char == "'" and not in_quotes:
            start, self.at = self.at, self.text.index("'", self.at) + 1
            return self.text[start : self.at - 1]
        return char

    def _variable(self) -> str:
        braced = self.text.startswith("{", self.at)
        name = _NAME.match(self.text, self.at + braced)
        if name is None:
            if braced:
                raise ValueError("bad substitution")
            return "$"
        self.at = name.end()
        operator = _OPERATOR.match(self.text, self.at) if braced else None
        if operator is not None:
            self.at = operator.end()
        elif braced:
            raise ValueError("unknown operator")
        value = self.values.get(name[0])
        if operator is None or operator[0] == "}":
            self.missing |= value is None
            return value or ""
        if operator[0][0] in "#%/":
            self.missing |= value is None
            return self._edited(value or "", operator[0])
        return self._substitute(value, operator[0])

    def _edited(self, value: str, operator: str) -> str:
        """``${V#P}``, ``${V%P}`` and ``${V/P/R}``, and the same doubled: the longest, or all."""
        doubled = len(operator) == 2
        if operator[0] == "/":
            pattern = _regex(self.until("/", keep_escapes=True), self.escape, greedy=True)
            replacement = self.until("}", keep_escapes=True)
            return pattern.sub(lambda _: replacement, value, count=0 if doubled else 1)
        word = self.until("}", keep_escapes=True)
        if operator[0] == "#":
            found = _regex(word, self.escape, greedy=doubled).match(value)
            return value[found.end() :] if found else value
        # From the end: the shortest suffix begins as late as it can.
        pattern = _regex(word, self.escape, greedy=True)
        starts = range(len(value) + 1) if doubled else range(len(value), -1, -1)
        start = next((start for start in starts if pattern.fullmatch(value, start)), len(value))
        return value[:start]

    def _substitute(self, value: str | None, operator: str) -> str:
        missing, self.missing = self.missing, False
        word = self.until("}")
        word_missing, self.missing = self.missing, missing
        is_set = bool(value) if ":" in operator else value is not None
        takes_word = is_set if "+" in operator else not is_set
        if takes_word:
            # ${X:?text} demands a value: the text is an error message.
            self.missing |= word_missing or "?" in operator
            return word
        return "" if "+" in operator else value or ""


def _regex(pattern: str, escape: str, *, greedy: bool) -> re.Pattern[str]:
    """A shell's pattern, without bracket expressions, as BuildKit takes it."""
    parts = []
    characters = iter(pattern)
    for char in characters:
        if char == escape:
            parts.append(re.escape(next(characters, "")))
        elif char == "*":
            parts.append(".*" if greedy else ".*?")
        else:
            parts.append("." if char == "?" else re.escape(char))
    return re.compile("".join(parts), re.DOTALL)
