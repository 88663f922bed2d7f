"""The paths that a builder asks for with its links followed: which names a walk has to take for their sake.

As fsutil's FollowLinks (https://github.com/tonistiigi/fsutil) does: each link on the way is taken, and where it leads
to, with ``/`` being the folder itself, so that no link leads out of it.
"""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Iterable

from imgcompare.engine.build.dockerignore import IgnoreRules, has_wildcards, pattern

_LINKS_LIMIT = 10_000


def follow(root: str, paths: Iterable[str]) -> IgnoreRules | None:
    """Return rules that name ``paths`` and all that their links lead to; None where that is everything."""
    waiting = [_inside(path) for path in paths]
    resolved: set[str] = set()
    while waiting:
        path = waiting.pop()
        current, rest = "", path
        while True:
            part, _, rest = rest.partition("/")
            current = f"{current}/{part}" if current else part
            targets = _targets(root, current)
            if (not rest or targets) and current in resolved:
                break
            if targets and len(resolved) < _LINKS_LIMIT:
                resolved.add(current)
                waiting += [_inside(f"{target}/{rest}") for target in targets]
                break
            if not rest:
                resolved.add(current)
                break
    if "" in resolved or "." in resolved:
        return None
    return IgnoreRules(tuple(pattern(name) for name in sorted(resolved)))


def _inside(path: str) -> str:
    """Make a path one that begins at the folder, whatever ``..`` it holds."""
    return posixpath.normpath(f"/{path}").lstrip("/")


def _targets(root: str, name: str) -> list[str]:
    folder, base = posixpath.split(name)
    if not has_wildcards(base):
        target = _target(root, name)
        return [] if target is None else [target]
    matches = pattern(base).matches
    try:
        with os.scandir(f"{root}/{folder}") as children:
            names = sorted(child.name for child in children if matches(child.name))
    except (OSError, ValueError):
        return []
    found = (_target(root, posixpath.join(folder, name)) for name in names)
    return [target for target in found if target is not None]


def _target(root: str, name: str) -> str | None:
    path = f"{root}/{name}"
    try:
        if not stat.S_ISLNK(os.lstat(path).st_mode):
            return None
        link = os.readlink(path)  # noqa: PTH115 - Path would change the target
    except (OSError, ValueError):
        return None
    return _inside(link if link.startswith("/") else posixpath.join(posixpath.dirname(name), link))
