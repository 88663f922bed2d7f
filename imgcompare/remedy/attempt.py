"""One candidate from its text to its proof: built, looked into, held against the original, and mended."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from imgcompare.config.variants import VariantSpec
from imgcompare.errors import EditError, ImgcompareError
from imgcompare.model import Failure, Proof
from imgcompare.regex import regex
from imgcompare.remedy.desk import Desk, written
from imgcompare.remedy.named import Named
from imgcompare.remedy.needs import PROGRAM_FOLDERS, Need, lost_packages
from imgcompare.remedy.pair import Comparison
from imgcompare.remedy.proof import prove
from imgcompare.remedy.shape import Shape
from imgcompare.remedy.subject import Subject

MOST_ROUNDS = 4
_WORD = regex(r"[\w.+-]+")
_LIBRARY = regex(r"(\S+\.so[.\d]*): cannot open shared object file")

Write = Callable[[Sequence[Need]], "str | None"]
"""Writes a candidate that installs these packages; None where it cannot be written."""

NOTHING_TO_CHANGE = "there is nothing for it to change"


class Draft(Struct, frozen=True):
    """A way to write a candidate, and what it may leave out; ``otherwise`` is tried where it cannot be proved."""

    name: str
    write: Write
    without_tools: bool = False
    user: str | None = None
    otherwise: Draft | None = None


class Attempt(Struct, frozen=True):
    """What came of a draft: its last text, its proof, and why it was dropped, "" where it was not."""

    name: str
    text: str = ""
    proof: Proof | None = None
    rounds: int = 0
    reason: str = ""

    @property
    def proved(self) -> bool:
        """Whether all that was looked at is as in the original."""
        return not self.reason and self.proof is not None and self.proof.passed


def attempt(draft: Draft, shape: Shape, needs: Sequence[Need], spec: VariantSpec, desk: Desk) -> Attempt:
    """Try a draft for a few rounds, each with what the one before lacked."""
    wanted, result = list(needs), Attempt(draft.name, reason=NOTHING_TO_CHANGE)
    for round_ in range(1, MOST_ROUNDS + 1):
        try:
            text = draft.write(wanted)
        except EditError as exc:
            result = Attempt(draft.name, rounds=round_, reason=exc.message)
            break
        if text is None or text == result.text:
            break
        result = Attempt(draft.name, text, rounds=round_)
        candidate = _tried(written(spec, draft.name, text), shape.original.roots, desk)
        if isinstance(candidate, str):
            result = replace(result, reason=candidate)
            break
        compared = Comparison(shape.original, candidate, shape.named, draft.without_tools, draft.user)
        result = replace(result, proof=prove(compared))
        if result.proved:
            return result
        result = replace(result, reason=differs(result.proof))
        more = _missing(compared, wanted)
        if not more:
            break
        wanted += more
    if draft.otherwise is None:
        return result
    second = attempt(draft.otherwise, shape, needs, spec, desk)
    return replace(second, rounds=second.rounds + result.rounds)


def _tried(spec: VariantSpec, roots: tuple[str, ...], desk: Desk) -> Subject | str:
    try:
        subject = desk.unseen(spec)
        return f"it does not build: {subject.message}" if isinstance(subject, Failure) else desk.seen(subject, roots)
    except ImgcompareError as exc:
        if desk.bench.cancelled.is_set():
            raise
        return exc.message


def _missing(compared: Comparison, known: Sequence[Need]) -> list[Need]:
    """The packages that a candidate turned out to lack: named ones, and owners of libraries that were not found."""
    original, candidate = compared.original, compared.candidate
    there = candidate.files.installed.names
    found = dict.fromkeys(lost_packages(original, there, compared.named), "installed by the original")
    for lost in Named(original).lost(candidate.files, candidate.probe):
        found |= dict.fromkeys(lost.packages, lost.short)
    probe = candidate.probe
    if probe and original.probe:
        libraries = [name for needs in probe.elf.values() for name, place in needs.items() if not place]
        for why in (*probe.modules.values(), *probe.own_modules.values()):
            libraries += _LIBRARY.findall(why)
        places = {name: place for needs in original.probe.elf.values() for name, place in needs.items() if place}
        for name in libraries:
            if package := original.files.owner(places.get(name, f"/usr/lib/x86_64-linux-gnu/{name}")):
                found.setdefault(package, name)
        found |= _asked_at_import(compared, probe.modules)
    have = {need.package for need in known} | there
    return [Need(package, what) for package, what in sorted(found.items()) if package not in have]


def _asked_at_import(compared: Comparison, modules: Mapping[str, str]) -> dict[str, str]:
    """The packages of programs that an import fails without and says so, as GitPython's does of git."""
    original, found = compared.original, dict[str, str]()
    probe = original.probe
    for name, why in modules.items() if probe else ():
        if probe and why and probe.modules.get(name) == "":
            for program in probe.package_programs.keys() & set(_WORD.findall(why)):
                owners = (original.files.owner_as_written(f"/{folder}/{program}") for folder in PROGRAM_FOLDERS)
                if package := next(filter(None, owners), ""):
                    found.setdefault(package, program)
    return found


def differs(proof: Proof | None) -> str:
    """What a proof found to differ, in one line."""
    failed = [one for one in proof.findings if not one.passed] if proof else []
    told = [f"{one.name}: {'; '.join(one.differences[:3])}" for one in failed]
    return " · ".join(told) or "; ".join(proof.unproved if proof else ()) or "it could not be looked into"
