"""What is kept of a file in place of its content, and its stored form."""

from __future__ import annotations

import msgspec


class GoProgram(msgspec.Struct, frozen=True, tag="go"):
    """What Go's linker wrote into a program: the toolchain's ``version`` and ``modules``, one a line.

    https://pkg.go.dev/runtime/debug#BuildInfo
    """

    version: str
    modules: str


class Crate(msgspec.Struct, frozen=True):
    """A Rust package that a program was made of."""

    name: str
    version: str


class RustProgram(msgspec.Struct, frozen=True, tag="rust"):
    """What cargo-auditable wrote into a program."""

    crates: tuple[Crate, ...]


class Jar(msgspec.Struct, frozen=True):
    """A Java package; ``within`` is the path of its own archive in the file, "" where that is the file itself."""

    group: str
    name: str
    version: str
    within: str = ""


class JavaArchive(msgspec.Struct, frozen=True, tag="java"):
    """The packages of a jar, those of the archives in it too; the file's own come first."""

    jars: tuple[Jar, ...]


class Rpm(msgspec.Struct, frozen=True):
    """A package of RPM and the paths of its files; ``epoch`` is null where it has none."""

    name: str
    epoch: int | None
    version: str
    release: str
    architecture: str
    files: tuple[str, ...] = ()


class RpmDatabase(msgspec.Struct, frozen=True, tag="rpm"):
    """The packages of a database of RPM."""

    rpms: tuple[Rpm, ...]


class NodePackage(msgspec.Struct, frozen=True, tag="node"):
    """What a package.json says of its package."""

    name: str
    version: str


class CondaPackage(msgspec.Struct, frozen=True, tag="conda"):
    """What conda-meta says of a package: its ``files`` are paths from the environment on."""

    name: str
    version: str
    build: str
    files: tuple[str, ...]


Extract = GoProgram | RustProgram | JavaArchive | RpmDatabase | NodePackage | CondaPackage

_decoder: msgspec.json.Decoder[Extract] = msgspec.json.Decoder(Extract)


def encode(extract: Extract) -> bytes:
    """Return an extract as it is kept among a layer's documents."""
    return msgspec.json.encode(extract)


def decode(document: bytes) -> Extract | None:
    """Return the extract of a document, None for what is none."""
    try:
        return _decoder.decode(document)
    except (msgspec.MsgspecError, RecursionError):
        return None
