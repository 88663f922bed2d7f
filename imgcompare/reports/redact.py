"""Pure: no secret that was given reaches a report; by field, so that a digest, a date or a name is never touched."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from imgcompare.model import (
    AfterChange,
    Caution,
    Check,
    Edit,
    Expectation,
    Failure,
    Finding,
    Gate,
    LargeFile,
    LargeFolder,
    Layer,
    Mending,
    Packages,
    Part,
    Proof,
    Report,
    Saving,
    SecretFile,
    Security,
    Shrunk,
    Source,
    Spread,
    Step,
    Variant,
    WastedFile,
)
from imgcompare.text.redact import mask, redact

S = TypeVar("S", bound=Struct)

# What people, builders and apps wrote: logs, bodies, messages, commands. All other texts are ours, or names.
FREE_TEXT: dict[type[Struct], tuple[str, ...]] = {
    Source: ("lines",),
    Layer: ("created_by",),
    WastedFile: ("wasted_by",),
    Step: ("name",),
    Expectation: ("body", "body_pattern"),
    Check: ("body_excerpt",),
    Failure: ("message", "hint", "evidence"),
    Caution: ("message", "hint", "evidence"),
    AfterChange: ("rebuilt_steps",),
    Variant: ("skipped", "not_measured"),
    Gate: ("reason",),
    Mending: ("reason",),
    Finding: ("differences",),
    Proof: ("unproved",),
    Shrunk: ("before", "after", "diff", "refused", "unproved"),
}
# Text that must stay what it is to be of use, or begins with what is ours: only what was given is masked in it.
GIVEN_ONLY: dict[type[Struct], tuple[str, ...]] = {
    Failure: ("fix",),
    Caution: ("fix",),
    Edit: ("lines",),
    Variant: ("mend",),
}


# Names and numbers by the thousand in each image, none of them free text nor holding any: there is nothing to look for.
PLAIN: frozenset[type] = frozenset((Part, Packages, LargeFile, LargeFolder, SecretFile, Security, Saving, Spread))


def redact_report(report: Report, secrets: tuple[str, ...] = ()) -> Report:
    """Mask in the free text of a report what was given, and what shows itself to be a secret."""
    return _redacted(report, secrets)


def _redacted(struct: S, secrets: tuple[str, ...]) -> S:
    kind, changes = type(struct), {}
    free, given_only = FREE_TEXT.get(kind, ()), GIVEN_ONLY.get(kind, ())
    for name in kind.__struct_fields__:
        value = getattr(struct, name)
        if name in free:
            new = _each(value, partial(redact, secrets=secrets))
        elif name in given_only:
            new = _each(value, partial(mask, secrets=secrets))
        elif kind is Check and name == "url":
            new = value if (told := _url(value, secrets)) == value else told
        else:
            new = _inside(value, secrets)
        if new is not value:
            changes[name] = new
    return replace(struct, **changes) if changes else struct


def _inside(value: object, secrets: tuple[str, ...]) -> object:
    """Values that are made of others; the very same where nothing was masked."""
    if type(value) in PLAIN:
        return value
    if isinstance(value, Struct):
        return _redacted(value, secrets)
    if isinstance(value, tuple) and value and isinstance(value[0], Struct) and type(value[0]) not in PLAIN:
        parts = tuple(_inside(each, secrets) for each in value)
        return parts if any(new is not old for new, old in zip(parts, value, strict=True)) else value
    return value


def _each(value: object, change: Callable[[str], str]) -> object:
    """A text, or each of several; the very same where nothing was masked."""
    if isinstance(value, tuple):
        parts = tuple(change(each) for each in value)
        return value if parts == value else parts
    return change(value) if isinstance(value, str) and change(value) != value else value


def _url(url: str, secrets: tuple[str, ...]) -> str:
    """A checked address with the route masked; the host and port before it are ours."""
    scheme, _, rest = url.partition("://")
    host, slash, route = rest.partition("/")
    return f"{scheme}://{host}{slash}{mask(route, secrets)}" if slash else url
