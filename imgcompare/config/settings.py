"""Pure: every key that a comparison can have in the project's file, what it accepts, and which option it stands for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from imgcompare.check.asked import FORMS, asking, parse_headers, parse_route
from imgcompare.comparison.limits import Limit, by_variant, read_limits
from imgcompare.comparison.measures import MUST_WORK, OPTIONS
from imgcompare.config.accepted import (
    LONGEST_TIMEOUT_S,
    SHORTEST_TIMEOUT_S,
    is_platform,
    is_timeout,
    pattern_fault,
)

Schema = Mapping[str, Any]
"""What JSON Schema says of a value; it refuses nothing that is accepted, and may accept what is refused later."""

Read = Callable[[object], Any]
"""Takes a value of TOML and returns ours. Raises ValueError for what is not accepted, or UsageError telling why."""


class Kind(Struct, frozen=True):
    """A kind of value: ``accepts`` completes the sentence "it must be …", ``schema`` tells it to editors."""

    accepts: str
    read: Read
    schema: Schema


class Setting(Struct, frozen=True):
    """One key of a comparison; one of a table within it has the table's name and a dot before its own.

    ``option`` is the parameter of ``run`` that goes before it and ``field`` the Config's, where they are not named like
    the key; ``unset`` says what an absent value stands for. ``in_file`` is false for what is of one run only.
    """

    key: str
    kind: Kind
    option: str = ""
    field: str = ""
    unset: str = "none"
    in_file: bool = True

    @property
    def parameter(self) -> str:
        """The name of the parameter of ``run``."""
        return self.option or self.key


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError
    return value


def _texts(value: object) -> tuple[str, ...]:
    return tuple(map(_text, value)) if isinstance(value, list | tuple) and value else (_text(value),)


def _routes(value: object) -> str | tuple[str, ...]:
    texts = _texts(value)
    for text in texts:
        parse_route(text)
    return texts if len(texts) > 1 else texts[0]


def _headers(value: object) -> tuple[str, ...]:
    parse_headers(_texts(value))
    return _texts(value)


def _method(value: object) -> str:
    return asking(_text(value), (), b"").method


def _platform(value: object) -> str:
    if not is_platform(_text(value)):
        raise ValueError
    return _text(value)


def _pattern(value: object) -> str:
    if pattern_fault(_text(value)):
        raise ValueError
    return _text(value)


def _whole(accepts: str, least: int, most: int) -> Kind:
    def read(value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise ValueError
        return value

    return Kind(accepts, read, {"type": "integer", "minimum": least, "maximum": most})


def _seconds(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not is_timeout(value):
        raise ValueError
    return float(value)


def _yes_or_no(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError
    return value


def _builder(value: object) -> str:
    if value not in BUILDERS:
        raise ValueError
    return str(value)


def _folder(value: object) -> Path:
    if "\0" in _text(value):
        raise ValueError
    return Path(_text(value))


def _stored(value: object) -> str | Path:
    """Read what ``--against`` takes: a path where it ends like a baseline or a report, else a run or an image."""
    return _folder(value) if _text(value).endswith(".json") else _text(value)


def _pairs(value: object) -> dict[str, str | None]:
    """Read a table, or an array in the words of ``--env``: there, None is what the environment has to say."""
    pairs: dict[str, str | None] = {}
    if isinstance(value, dict):
        for name, text in value.items():
            if not name or "=" in name or not isinstance(text, str | int) or isinstance(text, bool):
                raise ValueError
            pairs[name] = str(text)
        return pairs
    if not isinstance(value, list):
        raise ValueError
    for each in value:
        name, equals, text = _text(each).partition("=")
        pairs[_text(name)] = text if equals else None
    return pairs


def _limits(option: str) -> Read:
    """Read a limit or an array of them in the words of the option, as limits.by_variant groups them.

    ``must_work = true`` is for every variant.
    """

    def read(value: object) -> dict[str, tuple[Limit, ...]]:
        given = value if isinstance(value, list) else [value]
        if option == MUST_WORK:
            given = ["" if text is True else text for text in given]
        kinds = str if option == MUST_WORK else str | int | float
        if not given or not all(isinstance(text, kinds) and text is not False for text in given):
            raise ValueError
        return by_variant(read_limits({option: map(str, given)}))

    return read


def _gate(option: str) -> Setting:
    name = OPTIONS[option].parameter
    accepts = "true or variants' names" if option == MUST_WORK else f"what --{option} takes, or an array of it"
    one = {"enum": [True]} if option == MUST_WORK else {"type": "number"}
    schema = _one_or_more({"anyOf": [{"type": "string"}, one]})
    return Setting(f"{GATES}.{name}", Kind(accepts, _limits(option), schema), option=name)


def _one_or_more(each: Schema) -> Schema:
    return {"anyOf": [each, {"type": "array", "items": each, "minItems": 1}]}


def _written(accepts: str, read: Read, **schema: object) -> Kind:
    """Something that is told in text."""
    return Kind(accepts, read, {**_SOME_TEXT, **schema})


BUILDERS = ("auto", "buildkit", "classic")

MOST_RUNS = 1000
"""How often one thing is measured at most."""

GATES = "gates"
"""The table of the limits."""

_SOME_TEXT: Schema = {"type": "string", "minLength": 1}
_TEXT = _written("text", _text)
_TEXTS = Kind("text, or an array of texts", _texts, _one_or_more(_SOME_TEXT))
_TIMES = _whole(f"a number from 1 to {MOST_RUNS}", 1, MOST_RUNS)
_PORT = _whole("a port from 1 to 65535", 1, 65535)
_PAIRS = Kind(
    'a table such as { KEY = "value" }, or an array such as ["KEY=value", "KEY_OF_THE_ENVIRONMENT"]',
    _pairs,
    {
        "anyOf": [
            {
                "type": "object",
                "propertyNames": {"pattern": "^[^=]+$"},
                "additionalProperties": {"type": ["string", "integer"]},
            },
            {"type": "array", "items": {"type": "string", "pattern": "^[^=]"}},
        ]
    },
)
_YES_OR_NO = Kind("true or false", _yes_or_no, {"type": "boolean"})
_ROUTE: Schema = {"type": "string", "pattern": "^/"}
_SECONDS: Schema = {"type": "number", "minimum": SHORTEST_TIMEOUT_S, "maximum": LONGEST_TIMEOUT_S}

SETTINGS = (
    Setting("description", _TEXT),
    Setting("context", _written("a folder", _folder), option="build_context"),
    Setting("baseline", _written("a variant's name", _text), unset="the first variant"),
    Setting(
        "route",
        Kind(f"a path as it stands in a URL, such as /healthz, or an array of {FORMS}", _routes, _one_or_more(_ROUTE)),
    ),
    Setting(
        "request_method",
        _written("a method such as POST", _method, pattern="^[A-Za-z][A-Za-z-]*$"),
        unset="GET, or POST with a body",
    ),
    Setting("request_header", Kind("'Name: value', or an array of these", _headers, _TEXTS.schema)),
    Setting("request_body", _written("text, or @FILE", _text)),
    Setting("container_port", _PORT, unset="from EXPOSE"),
    Setting("expect_status", _whole("a status from 100 to 599", 100, 599)),
    Setting("expect_body", _TEXT, unset="the baseline's body"),
    Setting("expect_body_pattern", _written("a regular expression", _pattern)),
    Setting("timeout", Kind("seconds from 0.1 to 3600", _seconds, _SECONDS), field="timeout_s"),
    Setting("env", _PAIRS),
    Setting("build_args", _PAIRS, option="build_arg"),
    Setting(
        "platform", _written("a platform such as linux/amd64", _platform, pattern="^[^/]+/[^/]+"), unset="the engine's"
    ),
    Setting("builder", Kind(f"one of {', '.join(BUILDERS)}", _builder, {"enum": list(BUILDERS)})),
    Setting("contexts", _PAIRS, option="build_context"),
    Setting("secrets", _TEXTS, option="secret"),
    Setting("ssh", _TEXTS),
    Setting("network", _written("one of default, none, host, or a network that exists", _text), unset="the engine's"),
    Setting("add_hosts", _TEXTS, option="add_host"),
    Setting("shm_size", _TEXT, unset="the engine's"),
    Setting("ulimits", _TEXTS, option="ulimit", unset="the engine's"),
    Setting("cache_from", _TEXTS),
    Setting("cache_to", _TEXTS),
    Setting(
        "compose", _written("a compose file, or none", _text), unset="found by itself, where it builds one service"
    ),
    Setting("service", _written("a service of the compose file", _text), unset="the one that is built"),
    Setting("bind_mounts", _YES_OR_NO),
    Setting("with", Kind("NAME=IMAGE, or an array of these", _texts, _TEXTS.schema), option="with_"),
    Setting("volumes", _TEXTS, option="volume"),
    Setting("jobs", _whole("a number from 1 to 64", 1, 64), unset="processors + 2"),
    Setting("pull", _YES_OR_NO),
    Setting("no_cache", _YES_OR_NO),
    Setting("rm_images", _YES_OR_NO),
    Setting("health", _YES_OR_NO),
    Setting("stop", _YES_OR_NO),
    Setting("hardened", _YES_OR_NO),
    Setting("after_change", _YES_OR_NO),
    Setting("runs", _TIMES),
    Setting("build_runs", _TIMES),
    Setting("against", _written("a baseline file, a report, a saved run or an image", _stored)),
    *map(_gate, OPTIONS),
    Setting("keep", _YES_OR_NO, in_file=False),
    Setting("host_port", _PORT, unset="ports the engine chooses", in_file=False),
    Setting("publish_address", _TEXT, unset="the loopback of the engine's machine", in_file=False),
)
"""Every one, in the order in which they are shown."""

OF_BUILDS = ("secrets", "ssh", "network", "add_hosts", "shm_size", "ulimits", "cache_from", "cache_to")
"""The settings that make a build's options together; "contexts" is the table of further ones."""

OF_SERVICES = ("compose", "service", "bind_mounts", "with", "volumes")
"""The settings that say what runs beside a variant, and how it runs."""

OF_REQUESTS = ("request_method", "request_header", "request_body")
"""The settings that make a request together."""

PAIRED = frozenset(setting.key for setting in SETTINGS if setting.kind is _PAIRS)
"""The settings that are tables of the user's own names; each of these is given and overridden by itself."""
