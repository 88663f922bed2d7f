"""Debian's packages, as dpkg's database tells them.

The formats are those of https://www.debian.org/doc/debian-policy/ch-controlfields.html (stanzas) and dpkg's own
``/var/lib/dpkg``: ``status``, ``info/NAME[:ARCH].list`` and ``diversions``. Distroless images have a file for each
package instead, ``status.d/NAME``, with its files in ``status.d/NAME.md5sums`` or, newer ones, ``info/NAME.md5sums``.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping

import msgspec

from imgcompare.image.tarheader import normalised

Documents = Mapping[str, bytes]
Diversions = Mapping[str, tuple[str, str]]

_DATABASE = "var/lib/dpkg"
_INFO = f"{_DATABASE}/info/"
_SINGLE = f"{_DATABASE}/status.d/"
_SUMS = ".md5sums"
# States in which a package's files are not there (https://manpages.debian.org/dpkg.1#Package_states).
_GONE = frozenset(("config-files", "not-installed"))
# No path on Linux is longer (PATH_MAX); a longer line is none.
_MAX_PATH = 4096


class DebianRecord(msgspec.Struct, frozen=True):
    """A package whose files are there: ``document`` is the path of its stanza."""

    name: str
    version: str
    architecture: str
    section: str
    document: str


def stanzas(document: bytes) -> Iterator[dict[str, str]]:
    """The paragraphs of a control file, keys in lower case; continued lines and those without colon are passed over."""
    fields: dict[str, str] = {}
    for line in document.decode("utf-8", "replace").split("\n"):
        if not line.strip():
            if fields:
                yield fields
            fields = {}
        elif not line[0].isspace():
            key, colon, value = line.partition(":")
            if colon:
                fields[key.strip().lower()] = value.strip()
    if fields:
        yield fields


def records(documents: Documents) -> Iterator[DebianRecord]:
    """Every package that a database says is there, half-configured ones included."""
    for path in sorted(documents):
        if path != f"{_DATABASE}/status" and (not path.startswith(_SINGLE) or path.endswith(_SUMS)):
            continue
        for fields in stanzas(documents[path]):
            state = fields.get("status", "").split()
            if fields.get("package") and not (state and state[-1] in _GONE):
                yield DebianRecord(
                    fields["package"],
                    fields.get("version", ""),
                    fields.get("architecture", ""),
                    fields.get("section", ""),
                    path,
                )


def list_of(record: DebianRecord, documents: Documents) -> str | None:
    """The path of a package's list of files, None where there is none."""
    qualified = f"{record.name}:{record.architecture}"
    names = (qualified, record.name)
    lists = (record.document + _SUMS, *(f"{_INFO}{name}{end}" for end in (".list", _SUMS) for name in names))
    return next((path for path in lists if path in documents), None)


def is_list(path: str, documents: Container[str] = ()) -> bool:
    """Whether a document lists a package's files; sums do where there is no list among the documents."""
    if path.startswith(_INFO):
        return path.endswith(".list") or (path.endswith(_SUMS) and f"{path.removesuffix(_SUMS)}.list" not in documents)
    return path.startswith(_SINGLE) and path.endswith(_SUMS)


def package_of(path: str) -> str:
    """The name of the package whose files a list has."""
    return path.rpartition("/")[2].removesuffix(_SUMS).removesuffix(".list").partition(":")[0]


def listed(path: str, document: bytes, moved: Diversions) -> Iterator[str]:
    """The paths in the list ``path``, diverted ones as they are diverted."""
    package = package_of(path)
    sums = path.endswith(_SUMS)
    for line in document.decode("utf-8", "surrogateescape").split("\n"):
        # "<md5>  usr/bin/x" in one, "/usr/bin/x" and "/." for the root in the other.
        if len(line) <= _MAX_PATH and (file := normalised(line.partition(" ")[2].strip() if sums else line)):
            target, diverter = moved.get(file, (file, package))
            yield file if diverter == package else target


def diversions(documents: Documents) -> Diversions:
    """Where files of other packages went: path → (path it is diverted to, package that diverts it or ":")."""
    lines = documents.get(f"{_DATABASE}/diversions", b"").decode("utf-8", "surrogateescape").split("\n")
    triples = zip(lines[0::3], lines[1::3], lines[2::3], strict=False)
    return {normalised(source): (normalised(target), package) for source, target, package in triples}
