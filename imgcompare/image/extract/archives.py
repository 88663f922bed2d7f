"""Java's archives: which packages a jar holds, by its manifest, Maven's properties, and its name.

What a name and a version are is found as syft does (https://github.com/anchore/syft): Maven's properties before the
file's name, and that before what the manifest says. Formats:
https://docs.oracle.com/en/java/javase/21/docs/specs/jar/jar.html, https://maven.apache.org/shared/maven-archiver.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from posixpath import basename, dirname, splitext
from typing import IO, cast

from imgcompare.image.extract.kinds import Jar, JavaArchive
from imgcompare.image.extract.pieces import Pieces
from imgcompare.image.extract.pom import project_of
from imgcompare.regex import regex

SUFFIXES = (*(".jar", ".war", ".ear", ".par", ".sar", ".nar", ".jpi", ".hpi", ".kar", ".far", ".lpkg", ".rar", ".zap"),)
MAGIC = b"PK"
_MANIFEST = "META-INF/MANIFEST.MF"
_MAX_DIRECTORY = 32 << 20
_MAX_TEXT = 1 << 20
_MAX_NESTED_BYTES = 256 << 20
_MAX_DEPTH = 4
_MAX_JARS = 20_000
_TAIL = (1 << 16) + 22
_PROPERTIES = regex(r"META-INF/maven/[^/]+/[^/]+/pom\.properties")
_POM = regex(r"META-INF/maven/[^/]+/[^/]+/pom\.xml")
_VERSION_PART = regex(r"\d.*|build\d+.*|rc?\d+", re.IGNORECASE)
_NAME_PART = regex(r"[a-z][\w.]*", re.IGNORECASE)
_OTHER_VERSION = regex(r"[._-](\d.*|build\d+.*|rc?\d+)$", re.IGNORECASE)
_VERSIONS = ("Implementation-Version", "Specification-Version", "Plugin-Version", "Bundle-Version")
_NAMES = ("Name", "Bundle-Name", "Short-Name", "Extension-Name", "Implementation-Title")
# What zipfile raises for what is damaged, packed in a way it does not know, or encrypted.
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    OSError,
    ValueError,
    EOFError,
    RuntimeError,
    NotImplementedError,
    OverflowError,
)


def read_archive(file: Pieces, path: str) -> JavaArchive | None:
    """The packages of a jar that lies at a path; None where it is none or tells none."""
    reader = _Reader()
    jars = tuple(reader.jars(file, path, "", 0))
    return JavaArchive(jars) if jars else None


class _Reader:
    """Reads an archive and those in it, within a bound on what is unpacked."""

    def __init__(self) -> None:
        self._room = _MAX_NESTED_BYTES
        self._found = 0

    def jars(self, file: Pieces, path: str, within: str, depth: int) -> Iterator[Jar]:
        """The packages of one archive, its own first."""
        if not _is_bounded(file):
            return
        try:
            archive = zipfile.ZipFile(cast("IO[bytes]", file))
        except _DAMAGED:
            return
        with archive:
            names = list(dict.fromkeys(archive.namelist()))
            for jar in _own(archive, names, path, within):
                self._found += 1
                if self._found > _MAX_JARS:
                    return
                yield jar
            if depth < _MAX_DEPTH:
                for name in sorted(name for name in names if name.lower().endswith(SUFFIXES)):
                    if content := self._nested(archive, name):
                        yield from self.jars(content, name, f"{within}:{name}" if within else name, depth + 1)

    def _nested(self, archive: zipfile.ZipFile, name: str) -> Pieces | None:
        content = _content(archive, name, self._room)
        if content is None:
            return None
        self._room -= len(content)
        pieces = Pieces()
        pieces.add(content)
        return pieces


def _is_bounded(file: Pieces) -> bool:
    """Whether it ends as a zip whose directory is no larger than any real one; the large form (zip64) is none here."""
    tail = file.at(max(0, file.size - _TAIL), _TAIL)
    end = tail.rfind(b"PK\x05\x06")
    if end < 0 or len(tail) < end + 22 or b"PK\x06\x07" in tail:
        return False
    return int.from_bytes(tail[end + 12 : end + 16], "little") <= min(_MAX_DIRECTORY, file.size)


def _content(archive: zipfile.ZipFile, name: str, limit: int) -> bytes | None:
    """What a member holds, None where it is damaged or longer than the limit."""
    try:
        with archive.open(name) as member:
            content = member.read(limit + 1)
    except (*_DAMAGED, KeyError):
        return None
    return content if len(content) <= limit else None


def _own(archive: zipfile.ZipFile, names: list[str], path: str, within: str) -> Iterator[Jar]:
    """The archive's own package, and those whose Maven properties it holds besides."""
    if _MANIFEST not in names or (document := _content(archive, _MANIFEST, _MAX_TEXT)) is None:
        return
    manifest = _manifest(document)
    if "Weave-Classes" in manifest:  # an agent's, named like what it instruments
        return
    told = {dirname(name): _properties(archive, name) for name in sorted(names) if _PROPERTIES.fullmatch(name)}
    told = {folder: found for folder, found in told.items() if found.get("artifactId") and found.get("version")}
    poms = [name for name in names if _POM.fullmatch(name)]
    file_name, file_version = _from_file_name(path)
    best = _best(told, {dirname(name) for name in poms}, file_name)
    if not told and len(poms) == 1:
        best = project_of(_content(archive, poms[0], _MAX_TEXT) or b"")
    name = best.get("artifactId") or _name(manifest, file_name)
    version = best.get("version") or file_version or next((manifest[key] for key in _VERSIONS if manifest.get(key)), "")
    own = Jar(best.get("groupId") or _group(manifest, name), name, version, within)
    others = []
    for found in told.values():
        jar = Jar(found.get("groupId", ""), found["artifactId"], found["version"], within)
        if jar.name == own.name:
            own = Jar(jar.group or own.group, own.name, jar.version, within)
        else:
            others.append(jar)
    if own.name:
        yield own
    yield from others


def _manifest(document: bytes) -> dict[str, str]:
    """The main section's attributes, and of the others those that it has not."""
    attributes: dict[str, str] = {}
    last, fresh = "", False
    for line in document.decode("utf-8", "replace").splitlines():
        if line.startswith(" "):
            if fresh:
                attributes[last] += line.strip()
            continue
        key, colon, value = line.partition(":")
        last, fresh = key.strip(), False
        if colon and last and last not in attributes:
            attributes[last], fresh = value.strip(), True
    return attributes


def _properties(archive: zipfile.ZipFile, name: str) -> dict[str, str]:
    document = _content(archive, name, _MAX_TEXT) or b""
    rows = (line.strip() for line in document.decode("utf-8", "replace").splitlines())
    pairs = (re.split(r"\s*[=:]\s*", row, maxsplit=1) for row in rows if row and row[0] not in "#!")
    return {pair[0]: pair[1] for pair in pairs if len(pair) == 2}


def _best(told: Mapping[str, dict[str, str]], with_pom: set[str], file_name: str) -> dict[str, str]:
    """The properties that are meant for the archive itself, by its name; {} where none is."""
    exact = any(found["artifactId"] == file_name for found in told.values())
    chosen: dict[str, str] = {}
    has_pom = False
    for folder, found in sorted(told.items()):
        name = found["artifactId"]
        fits = (
            name == file_name if exact else bool(file_name) and (name.startswith(file_name) or file_name.endswith(name))
        )
        if fits and (not chosen or (folder in with_pom and not has_pom)):
            chosen, has_pom = found, folder in with_pom
    return chosen


def _from_file_name(path: str) -> tuple[str, str]:
    """Name and version of ``spring-core-6.1.jar``, each "" where the name does not tell."""
    parts = splitext(basename(path))[0].split("-")
    for count, part in enumerate(parts):
        if count and _VERSION_PART.fullmatch(part if part[:1] in "rR" else "-".join(parts[count:])):
            return "-".join(parts[:count]), "-".join(parts[count:])
        if not _NAME_PART.fullmatch(part):
            return "", ""
    name = "-".join(parts)
    if match := _OTHER_VERSION.search(name):
        return name[: match.start()], match[1]
    return name, ""


def _name(manifest: Mapping[str, str], file_name: str) -> str:
    symbolic = manifest.get("Bundle-SymbolicName", "")
    by_bundle = "Apache Maven Bundle Plugin" in manifest.get("Created-By", "")
    if by_bundle and symbolic and symbolic != manifest.get("Implementation-Vendor-Id"):
        return symbolic.rpartition(".")[2]
    if file_name:
        fields = file_name.split(".")
        dotted = len(fields) > 1 and not file_name.startswith("org.eclipse.") and all(x[:1].isalpha() for x in fields)
        return fields[-1] if dotted else file_name
    return next((manifest[key] for key in _NAMES if manifest.get(key)), "")


def _group(manifest: Mapping[str, str], name: str) -> str:
    """The group that a manifest tells, "" where it tells none."""
    symbolic = manifest.get("Bundle-SymbolicName", "").partition(";")[0]
    for told in (manifest.get("Implementation-Vendor-Id", ""), symbolic.removesuffix(f".{name}")):
        if "." in told and re.fullmatch(r"[\w.-]+", told):
            return told
    return ""
