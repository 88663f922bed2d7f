"""Pure: whether a candidate has the packages of the system and of Python that the original has, and what is in them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from imgcompare.analysis.debian_needs import major
from imgcompare.regex import regex
from imgcompare.remedy.needs import lost_packages
from imgcompare.remedy.pair import Comparison
from imgcompare.remedy.probe import Probe
from imgcompare.remedy.steps import package_name

# What each installation makes anew: programs with their interpreter's path, what is compiled, what tells of both.
_MADE_ANEW = regex(
    r"\.so(?:\.[\d.]+)?$|(?:^|/)s?bin/|\.(?:dist|egg)-info/|\.egg-link$|\.pth$|__editable__|/__config__\.py$"
)
_PROGRAMS = regex(r"(?:usr/)?(?:s?bin|games|lib(?:64|exec)?)/")
_MANUALS = regex(r"usr/share/(?:doc|man|info|lintian|bug)/")


def debian_packages(compared: Comparison) -> tuple[int, list[str]]:
    """How many Debian packages are not for building, and what became of which.

    Recommended ones are among them, which no library asks for.
    """
    original, candidate = compared.original.files.installed, compared.candidate.files.installed
    wanted = original.wanted(compared.original.base.installed.names, compared.named)
    lost = [*lost_packages(compared.original, candidate.names, compared.named)]
    lost += [
        f"{name} {original.version(name)} became {candidate.version(name)}"
        for name in sorted(wanted & candidate.names)
        if major(original.version(name)) != major(candidate.version(name))
    ]
    lost += _emptied(compared, candidate.names & set(map(package_name, compared.named)))
    return len(wanted), lost


def _emptied(compared: Comparison, names: frozenset[str]) -> Iterator[str]:
    """Packages most of whose files are not there: slim images leave translations out, of which some consist.

    Of a program or a library they are a trimming.
    """
    wanted, there, trimmed = Counter[str](), Counter[str](), set[str]()
    for path, owner in compared.original.files.inventory.debian_paths.items():
        if owner.name in names and not _MANUALS.match(path):
            wanted[owner.name] += 1
            there[owner.name] += compared.candidate.files.has(path)
            if _PROGRAMS.match(path):
                trimmed.add(owner.name)
    for name, count in sorted(wanted.items()):
        if there[name] < count / 2 and name not in trimmed:
            yield f"{name} has {there[name]} of its {count} files"


def python_package_files(compared: Comparison, original: Probe) -> tuple[int, list[str]]:
    """How many files Python's distributions installed, wherever they lie, and what became of which.

    Data of theirs is not imported, and missed only when it is used.

    One that a later step patches must be patched, and once. Bytecode is left out: whoever imports makes it anew.
    """
    files, candidate = compared.original.files, compared.candidate.files
    count, lost = 0, list[str]()
    for path, owner in files.inventory.python_paths.items():
        if owner in compared.exempt or owner not in original.distributions or path.endswith(".pyc"):
            continue
        if files.root.layer_of.get(path, -1) < compared.original.base_count:
            continue
        count += 1
        found = {candidate.digest(place) for place in compared.places(f"/{path}") if candidate.has(place)}
        if not found:
            lost.append(f"/{path} is missing")
        elif not _MADE_ANEW.search(path) and files.digest(f"/{path}") not in found:
            lost.append(f"/{path} has another content")
    return count, lost
