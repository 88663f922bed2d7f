"""Pure: the COPY lines that bring what a stage has to where the image looks for it."""

from __future__ import annotations

from imgcompare.diagnosis.evidence import Case
from imgcompare.diagnosis.image_files import View
from imgcompare.diagnosis.interpreter import Python, version_of
from imgcompare.dockerfile.copy_sources import read_copy
from imgcompare.regex import regex

_SITE = regex(r"(.*)/lib/python3\.\d+/site-packages(?:/.*)?")


def copy_lines(case: Case, source: str, view: View, place: str, python: Python | None) -> tuple[str, ...]:
    """Bring the packages of a stage's folder ``place`` into the last stage, and the commands they came with."""
    match = _SITE.fullmatch(place)
    if match is None:  # pip install --target
        return (f"COPY --from={source} {place} {python.site if python and python.version else place}",)
    prefix = match[1]
    if prefix in view.environments:
        named = f"{prefix}/bin" in case.environment.get("PATH", "").split(":")
        return (f"COPY --from={source} {prefix} {prefix}", *(() if named else (f"ENV PATH={prefix}/bin:$PATH",)))
    if python and python.version and version_of(place) != python.version:
        return ()
    if prefix.endswith("/.local"):
        return (f"COPY --from={source} {prefix} {python.prefix if python else '/usr/local'}",)
    if python and prefix not in {python.prefix, "/usr", "/usr/local"}:  # pip install --prefix
        return (f"COPY --from={source} {prefix} {python.prefix}",)
    program = f"{prefix}/bin/{case.command.program}"
    commands = (f"COPY --from={source} {program} {program}",) if _needs_program(case, view, program) else ()
    return (f"COPY --from={source} {place} {place}", *commands)


def copied(case: Case, source: str, path: str) -> bool:
    """Whether the Dockerfile copies that path of that stage."""
    copies = (read_copy(instruction) for stage in case.written for instruction in stage.instructions)
    return any(
        copy.from_ == source and path in {each.rstrip("/") for each in copy.sources} for copy in filter(None, copies)
    )


def _needs_program(case: Case, view: View, program: str) -> bool:
    """Whether the command starts a program that the stage has at that path and this image nowhere."""
    name = case.command.program
    return bool(name) and "/" not in name and view.entry(program) is not None and case.program_path(name) is None
