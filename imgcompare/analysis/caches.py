"""Pure: the category ``caches`` taken apart, to see what of it to delete; the first rule that fits decides."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from enum import StrEnum

from imgcompare.analysis.breakdown import Categories, Category, meant
from imgcompare.image.layer_index import LayerIndex
from imgcompare.regex import regex


class CacheKind(StrEnum):
    """What a file of the category ``caches`` is, as it stands in a report."""

    PACKAGE_LISTS = "package_lists"
    DOWNLOAD_CACHES = "download_caches"
    VERSION_CONTROL = "version_control"
    BYTECODE = "bytecode"
    TESTS = "tests"
    LOGS = "logs"
    TEMPORARY = "temporary"
    DOCUMENTATION = "documentation"
    OTHER_CACHES = "other_caches"


_RULES = tuple(
    (kind, regex(pattern, re.DOTALL))
    for kind, pattern in (
        (CacheKind.PACKAGE_LISTS, r"var/lib/apt/lists/|var/cache/apk/"),
        (
            CacheKind.DOWNLOAD_CACHES,
            r"var/cache/(?:apt|dnf|yum|libdnf5|zypp|pacman)/|(?:.*/)?\.npm/|(?:.*/)?go/pkg/mod/"
            r"|(?:.*/)?\.cache/(?:pip|pipx|uv|pypoetry|pdm|pipenv|yarn|pnpm|node|composer|go-build|bazel|coursier)/"
            r"|(?:.*/)?(?:\.m2/repository|\.gradle/caches|\.nuget/packages|\.composer/cache)/",
        ),
        (CacheKind.VERSION_CONTROL, r"(?:.*/)?\.git/"),
        (CacheKind.BYTECODE, r"(?:.*/)?__pycache__/"),
        (CacheKind.OTHER_CACHES, r"(?:.*/)?(?:\.cache|\.hypothesis|\.(?:pytest|mypy|ruff)_cache)/|var/cache/"),
        (CacheKind.TESTS, r"(?>(?:.*?/)?lib(?:64)?/python[\d.]+/)(?:.*/)?tests?/"),
        (CacheKind.LOGS, r"var/log/"),
        (CacheKind.TEMPORARY, r"(?:var/)?tmp/|var/backups/"),
        (
            CacheKind.DOCUMENTATION,
            r"usr/(?:local/)?(?:share/)?(?:doc|doc-base|man|info|locale|lintian|bug|gtk-doc|help)/",
        ),
    )
)


def caches(layers: Sequence[LayerIndex], categories: Categories) -> dict[str, int]:
    """The uncompressed bytes of the category ``caches`` by kind, those of which there are any; they add up to it."""
    sums: Counter[CacheKind] = Counter()
    for layer in layers:
        for entry, category in zip(layer.entries, categories.of_layer(layer), strict=True):
            if category is Category.CACHES:
                sums[_kind(f"{meant(entry.path)}/")] += entry.stored
    return {str(kind): sums[kind] for kind in CacheKind if sums[kind]}


def _kind(subject: str) -> CacheKind:
    for kind, pattern in _RULES:
        if pattern.match(subject):
            return kind
    return CacheKind.OTHER_CACHES
