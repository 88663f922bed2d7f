"""Pure: where the application's own files are: what COPY brought, its working folder, and what a RUN made of it."""

from __future__ import annotations

from imgcompare.analysis.breakdown import Category
from imgcompare.image.tarheader import REGULAR
from imgcompare.regex import regex
from imgcompare.remedy.subject import Subject

_MOST = 300
# In the system's own folders a file is alone among others'; elsewhere its folder is the application's.
_OF_SYSTEM = regex(
    r"(?:usr(?!/src/|/app)|etc|bin|sbin|lib\w*|var/lib|var/spool)(?:/|$)|(?:opt|srv|home|root|var|mnt)?$"
)
_LEFT_OUT = frozenset((Category.PYTHON_PACKAGES, Category.CACHES, Category.LANGUAGE_PACKAGES))
_MADE = frozenset((Category.APPLICATION, Category.OTHER))


def own_roots(subject: Subject) -> tuple[str, ...]:
    """The folders and single files, none within another, as absolute paths."""
    working = (subject.built.image.working_dir or "").strip("/")
    found = {working} if working else set[str]()
    for index, layer in enumerate(subject.archived.layers):
        if index < subject.base_count:
            continue
        copied = subject.image.layers[index].created_by.startswith(("COPY", "ADD"))
        for entry, category in zip(layer.entries, subject.categories.of_layer(layer), strict=True):
            if entry.kind != REGULAR or category in _LEFT_OUT or not (copied or category in _MADE):
                continue
            folder = entry.path.rpartition("/")[0]
            found.add(entry.path if _OF_SYSTEM.match(folder) else folder)
    tops: list[str] = []
    for path in sorted(found):
        if not tops or not path.startswith(f"{tops[-1]}/"):
            tops.append(path)
    return tuple(f"/{path}" for path in tops[:_MOST])
