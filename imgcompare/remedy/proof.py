"""Pure: whether a candidate has and does all that the original has and does.

Everything is compared with the original, never judged by itself: a module that cannot be imported there and a library
that is not found there are no difference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from msgspec import structs

from imgcompare.analysis.breakdown import Category
from imgcompare.comparison.compare import same_body
from imgcompare.image.layer_index import FileEntry
from imgcompare.image.tarheader import DIRECTORY, REGULAR
from imgcompare.model import Check, Finding, Proof, Variant
from imgcompare.remedy.exempt import exempt
from imgcompare.remedy.needs import lost_packages
from imgcompare.remedy.probe import Probe
from imgcompare.remedy.subject import Subject
from imgcompare.text.printable import printable

_SHOWN = 12
_UNSAID = "?"
_DPKG = "var/lib/dpkg/status"


@dataclass(frozen=True)
class Comparison:
    """The two images, the Debian packages that the Dockerfile installs by name, and whether tools may be left out.

    ``user`` is the one that the candidate was given on request.
    """

    original: Subject
    candidate: Subject
    named: tuple[str, ...] = ()
    without_tools: bool = False
    user: str | None = None

    @cached_property
    def exempt(self) -> frozenset[str]:
        """The distributions that may be missing: installers, and the tools with what only they need."""
        return exempt(self.original.probe, tools=self.without_tools) if self.original.probe else frozenset()

    def places(self, path: str) -> tuple[str, str]:
        """Where a file of the original may be: where it was, or in the candidate's own environment."""
        old, new = self._prefixes
        return path, f"{new}{path[len(old) :]}" if path.startswith(f"{old}/") else path

    @cached_property
    def _prefixes(self) -> tuple[str, str]:
        original, candidate = self.original.probe, self.candidate.probe
        return (original.prefix, candidate.prefix) if original and candidate else ("/-", "/-")


def prove(compared: Comparison) -> Proof:
    """Hold a candidate against the original in all that files and a look inside show."""
    original, candidate = compared.original.probe, compared.candidate.probe
    findings = [_settings(compared), _release(compared), _packages(compared), _own_files(compared)]
    unproved: list[str] = []
    if original is None or candidate is None:
        who = compared.original if original is None else compared.candidate
        unproved.append(f"What can be imported could not be seen: {printable(who.seen.reason, limit=200)}.")
        return Proof(passed=False, findings=tuple(findings), unproved=tuple(unproved))
    findings += [
        _python(original, candidate),
        _distributions(compared, original, candidate),
        _modules(compared, original, candidate),
        _libraries(compared, original, candidate),
        _extensions(compared, original),
        _package_files(compared, original),
    ]
    findings += _commands(compared)
    if unsaid := _unsaid(original, candidate):
        unproved.append(f"{len(unsaid)} modules took too long to import: {', '.join(unsaid[:5])}.")
    return Proof(
        passed=all(one.passed for one in findings),
        findings=tuple(findings),
        exempt=tuple(sorted((compared.exempt & original.distributions.keys()) - candidate.distributions.keys())),
        unproved=tuple(unproved),
    )


def with_replies(proof: Proof, original: Variant, candidate: Variant) -> Proof:
    """Add what running both showed: the same reply on every route, and the HEALTHCHECK's verdict."""
    pairs = list(zip((original.check, *original.more_checks), (candidate.check, *candidate.more_checks), strict=False))
    differences = [
        f"{_route(old)}: {_reply(old)} became {_reply(new)}"
        for old, new in pairs
        if old and not (new and old.status_code == new.status_code and _as_good(old, new))
    ]
    findings = [_finding("replies", "routes with the same reply", len(pairs), differences)]
    if original.run and original.run.health:
        now = candidate.run.health if candidate.run else None
        changed = [f"{original.run.health} became {now}"] if now != original.run.health else []
        findings.append(_finding("healthcheck", "HEALTHCHECK", 1, changed))
    findings += proof.findings
    return structs.replace(proof, findings=tuple(findings), passed=all(one.passed for one in findings))


def _as_good(old: Check, new: Check) -> bool:
    """The same body, or one that differs in what is no image's doing, or that has what a good one was said to have."""
    declared = new.expected.body is not None or new.expected.body_pattern is not None
    return same_body(old, new) or bool(new.same_but_for) or (declared and new.passed)


def _route(check: Check) -> str:
    return f"/{check.url.partition('://')[2].partition('/')[2]}"


def _reply(check: Check | None) -> str:
    if check is None or check.status_code is None:
        return "no reply"
    return f"{check.status_code} with a body of digest {(check.body_sha256 or '')[:12]}"


def _finding(name: str, what: str, compared: int, differences: Iterable[str]) -> Finding:
    told = [printable(text, limit=200) for text in differences]
    more = (f"and {len(told) - _SHOWN} more",) if len(told) > _SHOWN else ()
    return Finding(name=name, passed=not told, what=what, compared=compared, differences=(*told[:_SHOWN], *more))


def _settings(compared: Comparison) -> Finding:
    before, after = compared.original.built.image, compared.candidate.built.image
    read: dict[str, Callable[[], tuple[object, object]]] = {
        "USER": lambda: (compared.user or before.user, after.user),
        "WORKDIR": lambda: (before.working_dir or "/", after.working_dir or "/"),
        "EXPOSE": lambda: (sorted(before.exposed_ports), sorted(after.exposed_ports)),
        "ENTRYPOINT": lambda: (before.entrypoint, after.entrypoint),
        "CMD": lambda: (before.cmd, after.cmd),
        "HEALTHCHECK": lambda: (before.healthcheck, after.healthcheck),
        "STOPSIGNAL": lambda: (before.stop_signal, after.stop_signal),
    }
    pairs = {name: values() for name, values in read.items()}
    differences = [f"{name}: {old} became {new}" for name, (old, new) in pairs.items() if old != new]
    old_env, new_env = _environment(before.env), _environment(after.env)
    for name, value in old_env.items():
        if name == "PATH":
            lost = [part for part in value.split(":") if part not in new_env.get("PATH", "").split(":")]
            differences += [f"ENV PATH: {part} is gone" for part in lost]
        elif new_env.get(name) != value:
            differences.append(f"ENV {name} " + ("has another value" if name in new_env else "is gone"))
    return _finding("settings", "settings of the image", len(pairs) + len(old_env), differences)


def _environment(env: Iterable[str]) -> dict[str, str]:
    return {name: value for name, _, value in (text.partition("=") for text in env)}


def _release(compared: Comparison) -> Finding:
    old, new = compared.original.files.release, compared.candidate.files.release
    return _finding("distribution", "distribution and release", 1, [f"{old} became {new}"] if old != new else [])


def _python(original: Probe, candidate: Probe) -> Finding:
    changed = [f"{original.python} became {candidate.python}"] if original.python != candidate.python else []
    return _finding("python", "version of Python", 1, changed)


def _packages(compared: Comparison) -> Finding:
    """Debian packages that are not for building; recommended ones are among them, which no library asks for."""
    original, candidate = compared.original.files.installed, compared.candidate.files.installed
    lost = lost_packages(compared.original, candidate.names, compared.named)
    wanted = original.wanted(compared.original.base.installed.names, compared.named)
    return _finding("packages", "Debian packages that are not for building", len(wanted), lost)


def _own_files(compared: Comparison) -> Finding:
    """The application's files: those that COPY brought must be the same, the others must be there and as they were."""
    original, candidate = compared.original, compared.candidate
    mine, theirs = original.files.root, candidate.files.root
    count, differences = 0, list[str]()
    for path, layer in mine.layer_of.items():
        entry, found = mine.entries[path], theirs.entries.get(path)
        if layer < original.base_count or not _is_own(original, path, layer):
            continue
        is_folder = entry.kind == DIRECTORY
        count += not is_folder
        if found is None and is_folder:
            continue
        if found is None:
            if not any(candidate.files.has(place) for place in compared.places(f"/{path}")):
                differences.append(f"/{path} is missing")
        elif not is_folder and entry.digest != found.digest and _is_copied(original, layer):
            differences.append(f"/{path} has another content")
        elif compared.user is None and _rights(entry) != _rights(found):
            differences.append(f"/{path} has another owner or is not executable any more")
    return _finding("files", "files of the application", count, differences)


def _rights(entry: FileEntry) -> tuple[bool, bool]:
    """Whether it is root's, and whether it may be run; the numbers of other users differ between bases."""
    return entry.uid == 0, entry.kind != REGULAR or bool(entry.mode & 0o111)


def _package_files(compared: Comparison, original: Probe) -> Finding:
    """What distributions installed, wherever it lies: data of theirs is not imported, and missed only when it is used.

    Bytecode is left out: whoever imports makes it anew.
    """
    files = compared.original.files
    count, lost = 0, list[str]()
    for path, owner in files.inventory.python_paths.items():
        if owner in compared.exempt or owner not in original.distributions or path.endswith(".pyc"):
            continue
        if files.root.layer_of.get(path, -1) < compared.original.base_count:
            continue
        count += 1
        if not any(map(compared.candidate.files.has, compared.places(f"/{path}"))):
            lost.append(f"/{path} is missing")
    return _finding("package files", "files that distributions installed", count, lost)


def _is_own(original: Subject, path: str, layer: int) -> bool:
    """Whether a file is the application's, or one of the system's that neither a package nor apt's hooks brought.

    What a RUN with apt in it wrote there, apt writes again; a file in /etc that a script wrote, nobody does.
    """
    category = original.categories.of(path)
    if category is Category.RUNTIME and original.files.inventory.of_system(path):
        category = Category.SYSTEM_PACKAGES  # Node of Debian's packages, which are compared as packages
    if category in {Category.APPLICATION, Category.OTHER, Category.LANGUAGE_PACKAGES, Category.RUNTIME}:
        return True
    by_apt = _DPKG in original.archived.layers[layer].documents
    return category is Category.SYSTEM_PACKAGES and not by_apt and not path.startswith("var/")


def _is_copied(original: Subject, layer: int) -> bool:
    return original.image.layers[layer].created_by.startswith(("COPY", "ADD"))


def _distributions(compared: Comparison, original: Probe, candidate: Probe) -> Finding:
    wanted = {name: one.version for name, one in original.distributions.items() if name not in compared.exempt}
    there = candidate.distributions
    differences = [
        f"{name} {version} " + (f"became {there[name].version}" if name in there else "is missing")
        for name, version in wanted.items()
        if name not in there or there[name].version != version
    ]
    return _finding("distributions", "Python distributions with their versions", len(wanted), differences)


def _modules(compared: Comparison, original: Probe, candidate: Probe) -> Finding:
    tops = {top for name in compared.exempt for top in _modules_of(original, name)}
    kept = {top for name in original.distributions.keys() - compared.exempt for top in _modules_of(original, name)}
    wanted = {
        name: why for name, why in original.modules.items() if not why and name.partition(".")[0] not in tops - kept
    }
    differences = [*_not_importable(wanted, candidate.modules), *_own_not_importable(original, candidate)]
    own = sum(not why for why in original.own_modules.values())
    return _finding("imports", "modules that can be imported", len(wanted) + own, differences)


def _own_not_importable(original: Probe, candidate: Probe) -> Iterator[str]:
    wanted = {name: why for name, why in original.own_modules.items() if not why}
    yield from _not_importable(wanted, candidate.own_modules)


def _not_importable(wanted: Mapping[str, str], there: Mapping[str, str]) -> Iterator[str]:
    for name in wanted:
        why = there.get(name, "it is missing")
        if why and not why.startswith(_UNSAID):
            yield f"{name}: {why}"


def _modules_of(probe: Probe, name: str) -> tuple[str, ...]:
    return probe.distributions[name].modules if name in probe.distributions else ()


def _libraries(compared: Comparison, original: Probe, candidate: Probe) -> Finding:
    """Libraries that were found must be found; those that a file brings itself are compared like all others."""
    count, differences = 0, list[str]()
    for path, needs in original.elf.items():
        place = next((one for one in compared.places(path) if one in candidate.elf), None)
        if place is None or compared.original.files.owner(path):
            continue
        for name, found in needs.items():
            count += 1
            if found and not candidate.elf[place].get(name):
                differences.append(f"{place} needs {name}")
    return _finding("libraries", "libraries that programs and extension modules need", count, differences)


def _extensions(compared: Comparison, original: Probe) -> Finding:
    """Extension modules and programs in the environment: imports pass without those that are optional."""
    wanted = [
        path
        for path in original.elf
        if path.startswith((*original.folders, f"{original.prefix}/bin/"))
        and not compared.original.files.owner(path)
        and not _of_base(compared.original, path)
    ]
    wanted = [path for path in wanted if not _is_exempt(compared, original, path)]
    there = compared.candidate.files.has
    lost = [f"{path} is missing" for path in wanted if not any(map(there, compared.places(path)))]
    return _finding("extensions", "compiled modules and programs", len(wanted), lost)


def _is_exempt(compared: Comparison, probe: Probe, path: str) -> bool:
    owner = compared.original.files.inventory.python_paths.get(compared.original.files.links.real(path.strip("/")), "")
    return owner in compared.exempt and owner in probe.distributions


def _of_base(original: Subject, path: str) -> bool:
    layer = original.files.root.layer_of.get(original.files.links.real(path.strip("/")))
    return layer is not None and layer < original.base_count


def _commands(compared: Comparison) -> Iterator[Finding]:
    before, after = compared.original.seen.also, dict(compared.candidate.seen.also)
    if before:
        ended = [(text, code, after.get(text)) for text, code in before]
        differences = [f"{text} ended with {old}, and now with {new}" for text, old, new in ended if old != new]
        yield _finding("commands", "commands of --also", len(before), differences)


def _unsaid(*probes: Probe) -> list[str]:
    return sorted(
        {
            name
            for probe in probes
            for modules in (probe.modules, probe.own_modules)
            for name, why in modules.items()
            if why.startswith(_UNSAID)
        }
    )
