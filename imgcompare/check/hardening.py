"""Whether a variant that works still does with the restrictions that production should have, or which breaks it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from imgcompare.model import Failure, Hardened
from imgcompare.regex import regex

MEMORY_BYTES = 256_000_000
CPUS = 1.0
WRITABLE = ("/tmp", "/run")  # noqa: S108 - folders of a container


class Restriction(Struct, frozen=True, kw_only=True):
    """One restriction: the ``changes`` to a ContainerSpec that make it, and what is told of a variant it breaks.

    ``sign`` is found in the log lines of most that it breaks.
    """

    name: str
    changes: Mapping[str, Any]
    code: str
    message: str
    hint: str
    sign: re.Pattern[str]


RESTRICTIONS = (
    Restriction(
        name="read-only root",
        changes={"read_only": True, "tmpfs": WRITABLE},
        code="read-only-root",
        message="It writes to its root file system.",
        hint="Write below /tmp, or give it a folder to write to: docker run --tmpfs DIR.",
        sign=regex(r"Read-only file system|readonly database|unable to open database|No usable temporary", re.I),
    ),
    Restriction(
        name="no capabilities",
        changes={"drop_capabilities": True},
        code="needs-capability",
        message="It needs a capability of root's.",
        hint="Start it as its own user (USER) instead of switching to one, and listen on a port above 1023; "
        "else give back the one it needs: docker run --cap-add NAME.",
        sign=regex(r"Operation not permitted|Permission denied|PermissionError", re.I),
    ),
    Restriction(
        name="no new privileges",
        changes={"no_new_privileges": True},
        code="needs-new-privileges",
        message="It gains privileges while it runs, by a set-user-id program such as sudo.",
        hint="Start it as the user it needs, and leave sudo and its like out.",
        sign=regex(r"no new privileges|sudo|setuid", re.I),
    ),
    Restriction(
        name="256 MB of memory",
        changes={"memory_limit_bytes": MEMORY_BYTES},
        code="needs-memory",
        message="It needs more than 256 MB of memory.",
        hint="Start fewer workers, load them before they part (gunicorn --preload), or plan for more memory.",
        sign=regex(r"MemoryError|out of memory|exit code 137", re.I),
    ),
    Restriction(
        name="1 CPU",
        changes={"cpus": CPUS},
        code="needs-cpu",
        message="With one CPU it does not answer in time.",
        hint="Do less at the start, or allow it more time and CPU.",
        sign=regex(r"time.?out", re.I),
    ),
)
"""All restrictions, those that break most first; the image's own user is another one, which every run has."""

# Where apps and the system lie: a volume there would go on holding what an older image had.
_WHOLE = {"/app", "/code", "/etc", "/home", "/opt", "/root", "/src", "/srv", "/usr", "/usr/src/app", "/var"}
_PATH = regex(r"""/[^\s'":]+/[^\s/'":]+""")


def harden(try_with: Callable[[Mapping[str, Any]], Failure | None]) -> Hardened:
    """Try a variant with all restrictions and, where that breaks it, with one after the other until one alone does.

    ``try_with`` runs it with changes to its ContainerSpec and returns what fails.
    """
    names = tuple(restriction.name for restriction in RESTRICTIONS)
    together = try_with({name: value for restriction in RESTRICTIONS for name, value in restriction.changes.items()})
    if together is None:
        return Hardened(works=True, restrictions=names)
    text = "\n".join((together.message, *together.evidence))
    for restriction in sorted(RESTRICTIONS, key=lambda each: each.sign.search(text) is None):
        if alone := try_with(restriction.changes):
            return Hardened(
                works=False, restrictions=names, broken_by=restriction.name, failure=_explained(restriction, alone)
            )
    return Hardened(works=False, restrictions=names, failure=together)


def _explained(restriction: Restriction, failure: Failure) -> Failure:
    """The same failure, told by its cause."""
    folder = _written_to(failure) if restriction.code == "read-only-root" else ""
    return Failure(
        stage=failure.stage,
        code=restriction.code,
        message=f"It writes to {folder}, below the read-only root." if folder else restriction.message,
        hint=restriction.hint,
        evidence=failure.evidence,
        fix=(f"VOLUME {folder}",) if folder and folder not in _WHOLE else (),
    )


def _written_to(failure: Failure) -> str:
    """The folder that could not be made, or that of the file that could not be written: the last path in a log line."""
    lines = [line for line in failure.evidence if "Read-only file system" in line]
    path = next((match for line in lines for match in _PATH.findall(line)[-1:]), "")
    makes = any(re.search(r"\bmakedirs\(|\.mkdir\(", line) for line in failure.evidence)
    return path if makes else path.rpartition("/")[0]
