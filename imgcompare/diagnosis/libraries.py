"""Pure: a library that is missing, too old, or for another C library."""

from __future__ import annotations

import re
from posixpath import dirname

from msgspec.structs import replace

from imgcompare.diagnosis.evidence import Case
from imgcompare.diagnosis.image_files import View, is_searched
from imgcompare.diagnosis.together import listed, of_other_programs, together
from imgcompare.model import Failure
from imgcompare.regex import regex

_MISSING = regex(
    r"(?:(?P<musl>Error loading shared library )|)(?P<name>[^\s:'\"]+\.so[.\d]*): "
    r"(?(musl)|cannot open shared object file: )No such file or directory"
)
_VERSION = regex(r"version [`'](?P<symbol>(?:GLIBC|GLIBCXX|CXXABI)_[\w.]+)' not found \(required by (?P<file>[^)\s]+)")
_RELOCATING = regex(r"Error relocating (?P<file>[^:]+): (?P<symbol>\S+): symbol not found")
_MUSL = regex(r"^libc\.musl-|^ld-musl-")
_GLIBC = regex(r"^ld-linux|^libc\.so\.6$|^lib(?:pthread|dl|rt|m)\.so\.\d$")
_ALONE = regex(r"\S+: error while loading shared libraries: |Error loading shared library ")


def shared_library(case: Case) -> Failure | None:
    """Why a library could not be loaded, by the last exception's words, or the loader's own; all that are missing."""
    lines = _lines(case) if case.evidence.exit_code else []
    told = {line: failure for line in lines if (failure := _explained(case, line))}
    last = told.get(lines[-1]) if lines else None
    if last is None or last.code != "missing-shared-library":
        return last
    if for_another := next((failure for failure in told.values() if failure.code == "wrong-libc"), None):
        return for_another
    found: dict[str, Failure] = {}
    for line, failure in told.items():
        if (match := _MISSING.search(line)) and failure.code == last.code:
            found.setdefault(match["name"].rpartition("/")[2], failure)
    if len(found) == 1:
        return last
    without = [name for name, failure in found.items() if not failure.fix]
    failure = together(case, [*found.values()], f"Libraries that programs need are not found: {listed([*found])}.")
    if without and failure.fix:
        return replace(failure, hint=f"{failure.hint} What brings {listed(without)} is not known here.")
    return failure


def _lines(case: Case) -> list[str]:
    """All that says of a library that it was not loaded, the last word last; [] where that is of something else."""
    errors, error = case.evidence.errors, case.last_error
    last = errors[-1] if errors else ""
    by_loader = [line for line in errors if _ALONE.match(line)]
    by_others = [each.line for each in reversed(of_other_programs(case)) if each.kind in {"ImportError", "OSError"}]
    if error and error.kind in {"ImportError", "OSError"}:
        return [*by_loader, *by_others, error.line]
    # musl goes on to name what it misses of the libraries; of some that are there it is the wrong loader.
    if _RELOCATING.search(last) and by_loader and all(_explained(case, line) for line in by_loader):
        return [*by_others, *by_loader]
    if _ALONE.match(last) or _VERSION.search(last):
        return [*by_others, *by_loader, last]
    return [last] if _RELOCATING.search(last) else []


def _explained(case: Case, line: str) -> Failure | None:
    for pattern, explain in ((_VERSION, _too_old), (_RELOCATING, _not_musl), (_MISSING, _missing)):
        if match := pattern.search(line):
            return explain(case, line, match)
    return None


def _too_old(case: Case, line: str, match: re.Match[str]) -> Failure:
    """The file was linked against newer versions of the C or C++ library than the image has."""
    file, symbol = match["file"], match["symbol"]
    proof = [line, case.ended()]
    fix: tuple[str, ...] = ()
    here = case.view.release if case.view else {}
    for name, stage in case.stages.items():
        theirs = stage.release
        if stage.named(file.rpartition("/")[2]) and theirs.get("PRETTY_NAME"):
            proof.append(f"{file} comes from stage {name}, which is {theirs['PRETTY_NAME']}")
            if here.get("PRETTY_NAME"):
                proof.append(f"this image is {here['PRETTY_NAME']}")
            fix = _same_release(case, here, theirs)
            break
    library = "C library" if symbol.startswith("GLIBC_") else "C++ library"
    return case.found(
        "glibc-mismatch",
        f"{file} was built against a newer {library} than this image has: it needs {symbol}.",
        tuple(proof),
        hint="Build it on an image whose distribution is as old as that of the last stage, or older.",
        fix=fix,
    )


def _same_release(case: Case, here: dict[str, str], theirs: dict[str, str]) -> tuple[str, ...]:
    """The last stage's FROM with the builder's release, where its tag names one."""
    base = case.base
    old, new = here.get("VERSION_CODENAME", ""), theirs.get("VERSION_CODENAME", "")
    return (f"FROM {base.replace(old, new)}",) if old and new and old != new and old in base else ()


def _not_musl(case: Case, line: str, match: re.Match[str]) -> Failure:
    return case.found(
        "wrong-libc",
        f"{match['file']} was built for another C library: this image's (musl) has no {match['symbol']}.",
        (line, case.ended()),
        hint="Build and run on images of one family: both Debian (python:3.11, …-slim) or both Alpine.",
    )


def _missing(case: Case, line: str, match: re.Match[str]) -> Failure | None:
    path = match["name"]
    name = path.rpartition("/")[2]
    if _MUSL.match(name):
        return case.found(
            "wrong-libc",
            f"What was loaded was built for Alpine's C library: it needs {name}, and this image has glibc.",
            (line, case.ended()),
            hint="Build and run on images of one family: both Debian (python:3.11, …-slim) or both Alpine.",
        )
    if match["musl"] and _GLIBC.match(name):
        return case.found(
            "wrong-libc",
            f"What was loaded was built for glibc: it needs {name}, and this image has Alpine's C library (musl).",
            (line, case.ended()),
            hint="Build and run on images of one family: both Debian (python:3.11, …-slim) or both Alpine.",
        )
    if case.view is None:
        return _absent(case, line, name)
    here = case.view.libraries(name) if "/" not in path else [path] if case.view.file(path) else []
    if here:
        return _not_searched(case, line, here[0], name)
    return _in_a_stage(case, line, path, name) or _absent(case, line, name)


def _not_searched(case: Case, line: str, place: str, name: str) -> Failure | None:
    """It is there; where the loader would look anyway, something else is wrong with it."""
    if is_searched(place):
        return None
    return case.found(
        "missing-shared-library",
        f"The library {name} is in {dirname(place)}, where the loader does not look.",
        (line, case.ended(), f"this image has it: {place}"),
        hint="Above CMD: it tells the loader to look there, too.",
        fix=(f"ENV LD_LIBRARY_PATH={dirname(place)}",),
    )


def _in_a_stage(case: Case, line: str, path: str, name: str) -> Failure | None:
    for words, view in case.elsewhere():
        places = [path] if "/" in path and view.file(path) else view.libraries(name)
        if not places:
            continue
        stage = view.name if words.startswith("stage ") else None
        package = view.debian_owner(places[0])
        debian = package is not None and bool(case.view and case.view.file("/usr/bin/apt-get"))
        proof = (
            line,
            case.ended(),
            f"{words} has it: {places[0]}{f', of the Debian package {package}' if package else ''}",
        )
        return case.found(
            "missing-shared-library",
            f"The library {name} is in {words} and in no layer of this image.",
            proof,
            hint="Into the last stage, above USER: the package brings what the library needs itself."
            if debian
            else "Into the last stage, above CMD.",
            fix=(_apt(package or ""),) if debian else _copy(stage, view, path, places[0]),
        )
    return None


def _copy(stage: str | None, view: View, path: str, place: str) -> tuple[str, ...]:
    if stage is None:
        return ()
    entry = view.entry(place)
    real = f"{dirname(place)}/{entry.link}" if entry and entry.link and "/" not in entry.link else place
    if "/" in path:
        return (f"COPY --from={stage} {real} {path}",)
    target = place if is_searched(place) else f"/usr/local/lib/{place.rpartition('/')[2]}"
    return (f"COPY --from={stage} {real} {target}", "RUN ldconfig")


def _absent(case: Case, line: str, name: str) -> Failure:
    has_apk, has_apt = (case.view and case.view.file(path) for path in ("/sbin/apk", "/usr/bin/apt-get"))
    packages = next((packages for start, packages in _PACKAGES.items() if name.startswith(start)), None)
    install = ""
    if packages and has_apk:
        install = f"RUN apk add --no-cache {packages[1]}"
    elif packages and packages[0] and has_apt:
        install = _apt(packages[0])
    return case.found(
        "missing-shared-library",
        f"The library {name} is in no layer of this image." if case.view else f"The library {name} was not found.",
        (line, case.ended()),
        hint="Install the package that brings it in the last stage, above USER.",
        fix=(install,) if install else (),
    )


# Debian's and Alpine's packages of libraries that Python packages often need, by how the library's name begins.
_PACKAGES = {
    "libGL.so": ("libgl1", "mesa-gl"),
    "libffi.so": ("", "libffi"),
    "libgcc_s.so": ("libgcc-s1", "libgcc"),
    "libglib-2.0.so": ("libglib2.0-0", "glib"),
    "libgomp.so": ("libgomp1", "libgomp"),
    "libmariadb.so": ("libmariadb3", "mariadb-connector-c"),
    "libmagic.so": ("libmagic1", "libmagic"),
    "libpq.so": ("libpq5", "libpq"),
    "libstdc++.so": ("libstdc++6", "libstdc++"),
    "libxml2.so": ("libxml2", "libxml2"),
    "libxslt.so": ("libxslt1.1", "libxslt"),
}


def _apt(package: str) -> str:
    return f"RUN apt-get update && apt-get install -y --no-install-recommends {package} && rm -rf /var/lib/apt/lists/*"
