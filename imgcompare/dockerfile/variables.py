"""The variables of a Dockerfile's FROM instructions, expanded as BuildKit does (``frontend/dockerfile/shell``)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_OPERATOR = re.compile(r"\}|:?[-+?]")


def argument_values(
    arguments: Sequence[tuple[str, str | None]], build_args: Mapping[str, str], platform: str | None, escape: str
) -> dict[str, str]:
    """Return the variables FROM sees: https://docs.docker.com/reference/dockerfile/#understand-how-arg-and-from-interact.

    ``arguments`` are the ARGs before the first FROM with their defaults, if any; ``platform`` is ``os/arch[/variant]``.
    """
    values = {}
    if platform is not None:
        os, architecture, variant = (*platform.split("/"), "", "")[:3]
        values = {"PLATFORM": platform, "OS": os, "ARCH": architecture, "VARIANT": variant}
        values = {f"TARGET{key}": build_args.get(f"TARGET{key}", value) for key, value in values.items()}
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

    def until(self, stop: str) -> str:
        """Expand up to ``stop`` and step over it, "" being the end. Raises ValueError where the text ends before it."""
        result = ""
        while self.at < len(self.text):
            char = self.text[self.at]
            self.at += 1
            if char == stop:
                return result
            result += self._piece(char, in_quotes=stop == '"')
        if stop:
            raise ValueError(f"no {stop}")
        return result

    def _piece(self, char: str, *, in_quotes: bool) -> str:
        if char == "$":
            return self._variable()
        if char == self.escape:
            self.at += 1
            return self.text[self.at - 1 : self.at]
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
        return self._substitute(value, operator[0])

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
