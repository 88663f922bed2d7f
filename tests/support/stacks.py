"""Stacks of layers whose entries lie behind links, and what is then where: the shapes that engines' own tests have.

Each shape is a name, its layers, and the files that a container sees, by path and content. Engines unpack every layer
for itself, over nothing: what a lower layer has as a link is none for the next one.
"""

from __future__ import annotations

import tarfile
from typing import TypeAlias

Entry: TypeAlias = tuple[str, bytes] | tarfile.TarInfo


def _special(name: str, kind: bytes, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode = kind, link, 0o755
    return info


def folder(name: str) -> tarfile.TarInfo:
    """A folder."""
    return _special(name, tarfile.DIRTYPE)


def link(name: str, target: str) -> tarfile.TarInfo:
    """A symbolic link."""
    return _special(name, tarfile.SYMTYPE, target)


def hard(name: str, target: str) -> tarfile.TarInfo:
    """A hard link."""
    return _special(name, tarfile.LNKTYPE, target)


Shape: TypeAlias = tuple[str, list[list[Entry]], dict[str, bytes]]
SHAPES: list[Shape] = [
    (
        "through a link",
        [[folder("usr"), folder("usr/lib"), link("lib", "usr/lib"), ("lib/x", b"1")]],
        {"usr/lib/x": b"1"},
    ),
    ("through an absolute link", [[folder("usr"), link("lib", "/usr"), ("lib/x", b"1")]], {"usr/x": b"1"}),
    (
        "through a chain of links",
        [[folder("c"), link("b", "c"), link("a", "b"), ("a/x", b"1")]],
        {"c/x": b"1"},
    ),
    (
        "through links within linked folders",
        [[folder("d"), folder("e"), link("a", "d"), link("a/b", "../e"), ("a/b/x", b"1")]],
        {"e/x": b"1"},
    ),
    ("a link that climbs above the root", [[folder("d"), link("a", "../../../d"), ("a/x", b"1")]], {"d/x": b"1"}),
    ("a link to the root itself", [[link("a", "/"), ("a/x", b"1")]], {"x": b"1"}),
    ("the link comes after the file", [[folder("d"), folder("a"), ("a/x", b"1"), link("a", "d")]], {}),
    ("a folder in the link's place", [[folder("d"), link("a", "d"), folder("a"), ("a/x", b"1")]], {"a/x": b"1"}),
    ("a file in the link's place", [[("d", b"1"), link("a", "d"), ("a", b"22")]], {"d": b"1", "a": b"22"}),
    (
        "hard links on both sides of a link",
        [[folder("d"), link("a", "d"), ("a/x", b"1"), hard("a/y", "d/x"), hard("z", "a/x")]],
        {"d/x": b"1", "d/y": b"1", "z": b"1"},
    ),
    (
        "what was written through a link is overwritten",
        [[folder("d"), ("d/x", b"1"), link("a", "d"), ("a/x", b"22")]],
        {"d/x": b"22"},
    ),
    (
        "a lower layer's link becomes a folder",
        [[folder("d"), ("d/x", b"1"), link("a", "d")], [folder("a"), ("a/y", b"2")]],
        {"d/x": b"1", "a/y": b"2"},
    ),
    (
        "a lower layer's link is not followed",
        [[folder("d"), ("d/x", b"1"), link("a", "d")], [("a/y", b"2")]],
        {"d/x": b"1", "a/y": b"2"},
    ),
    (
        "a whiteout through a link",
        [[folder("d"), ("d/x", b"1"), ("d/y", b"1")], [folder("d"), link("a", "d"), ("a/.wh.x", b"")]],
        {"d/y": b"1"},
    ),
    (
        "an opaque folder through a link",
        [[folder("d"), ("d/x", b"1")], [folder("d"), link("a", "d"), ("a/.wh..wh..opq", b""), ("a/y", b"2")]],
        {"d/y": b"2"},
    ),
    (
        "a whiteout of the link itself",
        [[folder("d"), ("d/x", b"1"), link("a", "d")], [(".wh.a", b"")]],
        {"d/x": b"1"},
    ),
]
