"""Pure: the Debian packages that an application needs when it runs: found in the image where it works, not guessed."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from imgcompare.remedy.subject import Subject

PROGRAM_FOLDERS = ("usr/local/bin", "usr/bin", "bin", "usr/sbin", "sbin")
"""Where programs lie."""

_APTS_PYTHON = "/usr/bin/python3"


class Need(Struct, frozen=True):
    """A package, and what needs it: a library's or a program's name."""

    package: str
    what: str


def runtime_needs(original: Subject, there: Iterable[str]) -> tuple[Need, ...]:
    """The packages that the application's own files need and that are not ``there``, each once, by name.

    A library is needed by an ELF file that no Debian package brought, be it an extension module or a program; what it
    needs in turn is apt's to bring. A program is needed that is started by name; of those that packages start, only
    what is not for building, for many look for git or a compiler that never ask for it.
    """
    probe = original.probe
    if probe is None:
        return ()
    known, found = set(there), dict[str, str]()
    for path, needs in probe.elf.items():
        if original.files.owner(path):
            continue
        for name, place in needs.items():
            if place and (package := original.files.owner(place)) and package not in known:
                found.setdefault(package, name)
    for name, place in probe.programs.items():
        if (package := original.files.owner_as_written(place)) and package not in known and not _is_python(package):
            found.setdefault(package, name)
    for name in probe.package_programs:
        package = next(
            filter(None, (original.files.owner_as_written(f"/{place}/{name}") for place in PROGRAM_FOLDERS)), ""
        )
        if package and package not in known and not original.files.installed.is_for_building(package):
            found.setdefault(package, name)
    return tuple(Need(package, what) for package, what in sorted(found.items()))


def apts_python(original: Subject, there: Iterable[str], named: Iterable[str]) -> tuple[Need, ...]:
    """Debian's own Python, where nothing brings it that stays: ``apt-get install python3-pip`` alone had brought it."""
    owner = original.files.owner(_APTS_PYTHON)
    brought = original.files.installed.with_needs(named)
    return (Need("python3", "the interpreter"),) if owner and owner not in {*there, *brought} else ()


def not_brought(needs: Iterable[Need], original: Subject, named: Iterable[str]) -> tuple[Need, ...]:
    """What the packages that are installed by name do not bring anyway."""
    brought = original.files.installed.with_needs(named, recommends=False)
    return tuple(need for need in needs if need.package not in brought)


def lost_packages(original: Subject, candidate_packages: Iterable[str], named: Iterable[str]) -> tuple[str, ...]:
    """What the original has beyond its base, wanted for itself or ``named``, and a candidate has not."""
    wanted = original.files.installed.wanted(original.base.installed.names, named)
    return tuple(sorted(wanted.difference(candidate_packages)))


def _is_python(package: str) -> bool:
    return package.startswith(("python3", "libpython3"))
