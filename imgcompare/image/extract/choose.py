"""Which files are looked into for packages, and by which reader."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from imgcompare.image.extract import archives, programs, rpm
from imgcompare.image.extract.kinds import CondaPackage, Extract, NodePackage
from imgcompare.image.extract.pieces import Pieces

Reader = Callable[[Pieces, str], Extract | None]

HEAD = 4
_MAX_HELD = 256 << 20
_MAX_JSON = 16 << 20


def reader_of(path: str, size: int, head: bytes | memoryview) -> Reader | None:
    """The reader of a file by its path and first bytes (``HEAD`` of them); None for one that tells no packages.

    A reader needs the whole file; larger ones than 256 MiB are passed over.
    """
    folder, _, name = path.rpartition("/")
    if size > _MAX_HELD:
        return None
    if head == programs.MAGIC:
        return _program
    if name.endswith(".json"):
        if size > _MAX_JSON:
            return None
        return _node if name == "package.json" else _conda if folder.endswith("conda-meta") else None
    if name.endswith(archives.SUFFIXES):
        return archives.read_archive if head[:2] == archives.MAGIC else None
    return _rpm if name in rpm.NAMES and folder.endswith(rpm.FOLDERS) else None


def _program(file: Pieces, _path: str) -> Extract | None:
    return programs.read_program(file)


def _rpm(file: Pieces, _path: str) -> Extract | None:
    return rpm.read_database(file)


class _Node(msgspec.Struct):
    name: str = ""
    version: str = ""


class _Conda(msgspec.Struct):
    name: str = ""
    version: str = ""
    build: str = ""
    files: tuple[str, ...] = ()


_nodes, _condas = msgspec.json.Decoder(_Node), msgspec.json.Decoder(_Conda)


def _node(file: Pieces, _path: str) -> Extract | None:
    try:
        told = _nodes.decode(file.at(0, file.size))
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return None
    return NodePackage(told.name, told.version) if told.name and told.version else None


def _conda(file: Pieces, _path: str) -> Extract | None:
    try:
        told = _condas.decode(file.at(0, file.size))
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return None
    return CondaPackage(told.name, told.version, told.build, told.files) if told.name and told.version else None
