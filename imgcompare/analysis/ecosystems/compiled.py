"""Packages that were put together into one file: Go's modules, Rust's crates, and Java's archives.

The file counts for the first of them; what the others take of it is not told.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from imgcompare.analysis.debian import Documents
from imgcompare.analysis.ecosystems.found import Distribution, Found, purl
from imgcompare.image.extract.kinds import GoProgram, JavaArchive, RustProgram, decode
from imgcompare.regex import regex

_DEVELOPMENT = "(devel)"
_LOOSE_FILES = "command-line-arguments"
_RELEASE = regex(r"\d+(?:\.\d+)*\w*")
_TIME = regex(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.\d+)?Z")
# The variables that versions are commonly written to with -ldflags "-X main.version=1.2.3".
_FLAGS = (
    r"\.[a-zA-Z0-9]*(?:[rR]elease)?(?:[gG]it)?(?:[bB]uild)?[vV]er(?:sion)?=(?:\S+/)?(v?\d+\.\d+\.\d+[-\w]*)",
    r"\.[a-zA-Z0-9]*[tT]ag=(?:\S+/)?(v?\d+\.\d+\.\d+[-\w]*)",
)
_MAX_FLAGS = 10_000


class _Module(NamedTuple):
    path: str
    version: str


def go(documents: Documents, _distribution: Distribution) -> Iterator[Found]:
    """The modules of every program that Go made, the main one first, and its standard library last."""
    for path in sorted(documents):
        if isinstance(told := _extract(documents, path), GoProgram):
            modules = list(_modules(told.modules))
            toolchain = told.version.partition(" ")[0]
            if modules and _RELEASE.match(toolchain.removeprefix("go")):
                modules.append(_Module("stdlib", toolchain))
            for number, module in enumerate(modules):
                yield _go_package(module, path, () if number else (path,))


def _go_package(module: _Module, path: str, files: tuple[str, ...]) -> Found:
    above, _, name = module.path.rpartition("/")
    version = module.version.removeprefix("go") if module.path == "stdlib" else module.version
    return Found(
        type="golang",
        name=module.path,
        version=module.version,
        purl=purl("golang", name, version, namespace=above),
        location=path,
        files=files,
    )


def _modules(text: str) -> Iterator[_Module]:
    """The modules of ``runtime/debug.BuildInfo``, the main one first."""
    command, settings = "", {}
    rows: list[tuple[str, _Module]] = []
    for line in text.split("\n"):
        kind, _, rest = line.partition("\t")
        fields = (*rest.split("\t"), "", "")
        if kind == "path":
            command = rest
        elif kind == "build":
            key, _, value = rest.partition("=")
            settings[key] = value.strip('"`')
        elif kind in ("mod", "dep"):
            rows.append((kind, _Module(fields[0], fields[1])))
        elif kind == "=>" and rows:  # what was used in its place; a folder has no name of its own
            replaced = rows[-1][1].path
            rows[-1] = rows[-1][0], _Module(replaced if fields[0][:1] in ("", ".", "/") else fields[0], fields[1])
    main = next((module for kind, module in rows if kind == "mod"), None)
    modules = [module for kind, module in rows if kind == "dep" and module != main]
    if command and (main is None or main.path == _LOOSE_FILES):
        own = [module for module in modules if module.version == _DEVELOPMENT]
        main = own[0] if len(own) == 1 else _Module(command, _DEVELOPMENT)
        modules = [module for module in modules if module != main]
    if main is not None:
        version = _main_version(main, settings) if main.version == _DEVELOPMENT else main.version
        yield _Module(main.path, version)
    for module in modules:
        yield _Module(module.path, "" if module.version == _DEVELOPMENT else module.version)


def _main_version(main: _Module, settings: dict[str, str]) -> str:
    """The version that was written into a program when it was linked, or that of its commit; "" where none is told."""
    flags = settings.get("-ldflags", "")[:_MAX_FLAGS]
    for pattern in _FLAGS:
        if match := re.search(rf"(?:main|{re.escape(main.path)}/\S*?){pattern}", flags):
            return match[1] if match[1].startswith("v") else f"v{match[1]}"
    revision, time = settings.get("vcs.revision", ""), _TIME.fullmatch(settings.get("vcs.time", ""))
    return f"v0.0.0-{''.join(time.groups())}-{revision[:12]}" if revision and time else ""


def java(documents: Documents, _distribution: Distribution) -> Iterator[Found]:
    """The packages in every archive of Java, its own first."""
    for path in sorted(documents):
        if isinstance(told := _extract(documents, path), JavaArchive):
            for number, jar in enumerate(told.jars):
                yield Found(
                    type="maven",
                    name=jar.name,
                    version=jar.version,
                    purl=purl("maven", jar.name, jar.version, namespace=jar.group or jar.name),
                    location=f"{path}:{jar.within}" if jar.within else path,
                    files=() if number else (path,),
                )


def rust(documents: Documents, _distribution: Distribution) -> Iterator[Found]:
    """The crates of every program that cargo-auditable made."""
    for path in sorted(documents):
        if isinstance(told := _extract(documents, path), RustProgram):
            for number, crate in enumerate(told.crates):
                yield Found(
                    type="cargo",
                    name=crate.name,
                    version=crate.version,
                    purl=purl("cargo", crate.name, crate.version),
                    location=path,
                    files=() if number else (path,),
                )


def _extract(documents: Documents, path: str) -> object:
    document = documents[path]
    return decode(document) if document.startswith(_EXTRACT) else None


_EXTRACT = (b'{"type":"go"', b'{"type":"java"', b'{"type":"rust"')
