"""Pure: whether a candidate has and does all that the original has and does.

Everything is compared with the original, never judged by itself: a module that cannot be imported there and a library
that is not found there are no difference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from msgspec.structs import replace

from imgcompare.comparison.compare import same_body
from imgcompare.model import Check, Finding, Proof, Variant
from imgcompare.remedy.named import Named
from imgcompare.remedy.needs import PROGRAM_FOLDERS
from imgcompare.remedy.own_files import lost_users, own_files
from imgcompare.remedy.own_packages import debian_packages, python_package_files
from imgcompare.remedy.pair import Comparison
from imgcompare.remedy.probe import Probe
from imgcompare.remedy.subject import Subject
from imgcompare.text.printable import printable

_SHOWN = 12
_SHOWN_FILES = 5
_UNSAID = "?"
_COMPILERS = frozenset(
    ("gcc", "cc", "g++", "c++", "cpp", "make", "cmake", "ld", "ar", "as", "nm", "strip", "pip", "pip3")
)


def prove(compared: Comparison) -> Proof:
    """Hold a candidate against the original in all that files and a look inside show."""
    original, candidate = compared.original.probe, compared.candidate.probe
    findings = [_settings(compared), _release(compared), _packages(compared), _own_files(compared)]
    findings += _users(compared)
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
        _named(compared),
    ]
    findings += _commands(compared)
    if not original.runs_python:
        unproved.append("What it starts is no Python: what that starts and opens is known by words in its files alone.")
    elif original.foreign:
        some = ", ".join(original.foreign[:_SHOWN_FILES])
        unproved.append(f"It starts what is no Python: what that starts and opens is known by words alone, in {some}.")
    asked = {name: by for name, by in original.package_programs.items() if name not in _COMPILERS}
    if started := _not_there(compared, asked, candidate):
        unproved.append(f"Not there, and started by packages: {', '.join(started[:8])}.")
    if started := _not_there(compared, original.script_programs, candidate):
        unproved.append(f"Not there, and started by scripts that nothing names: {', '.join(started[:8])}.")
    if unsaid := _unsaid(original, candidate):
        unproved.append(
            f"{'These modules' if len(unsaid) > 1 else 'A module'} took too long to import: {', '.join(unsaid[:5])}."
        )
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
    return replace(proof, findings=tuple(findings), passed=all(one.passed for one in findings))


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
    count, lost = debian_packages(compared)
    return _finding("packages", "Debian packages that are not for building", count, lost)


def _package_files(compared: Comparison, original: Probe) -> Finding:
    count, lost = python_package_files(compared, original)
    return _finding("package files", "files that distributions installed", count, lost)


def _own_files(compared: Comparison) -> Finding:
    count, differences = own_files(compared)
    return _finding("files", "files of the application", count, differences)


def _users(compared: Comparison) -> Iterator[Finding]:
    count, lost = lost_users(compared)
    if count or lost:
        yield _finding("users", "users that the Dockerfile adds", count, lost)


def _named(compared: Comparison) -> Finding:
    """What the application's files name and use only when they are asked: programs, paths, libraries, fonts."""
    named = Named(compared.original)
    lost = named.lost(compared.candidate.files, compared.candidate.probe)
    return _finding(
        "named",
        "programs, paths and libraries that its files name",
        named.count,
        (f"{one.what} is missing" for one in lost),
    )


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
    own = sum(not why for why in (*original.own_modules.values(), *original.imported.values()))
    return _finding("imports", "modules that can be imported", len(wanted) + own, differences)


def _own_not_importable(original: Probe, candidate: Probe) -> Iterator[str]:
    wanted = {name: why for name, why in original.own_modules.items() if not why}
    yield from _not_importable(wanted, candidate.own_modules)
    lazily = {name: why for name, why in original.imported.items() if not why}
    yield from _not_importable(lazily, {**candidate.modules, **candidate.own_modules, **candidate.imported})


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


def _not_there(compared: Comparison, programs: Mapping[str, str], candidate: Probe) -> list[str]:
    """Programs that are not there, and who starts them; whether these are ever asked is not known."""
    files, there = compared.original.files, compared.candidate.files
    folders = [f"/{folder}" for folder in PROGRAM_FOLDERS]
    return [
        f"{name} ({by})"
        for name, by in programs.items()
        if not any(there.has(f"{folder}/{name}") for folder in (f"{candidate.prefix}/bin", *folders))
        and any(files.has(f"{folder}/{name}") for folder in folders)
    ]


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
