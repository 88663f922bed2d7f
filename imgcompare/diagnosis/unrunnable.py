"""Pure: a program that is there and cannot run: it needs more, may not be started, or is for another machine."""

from __future__ import annotations

import re
from posixpath import dirname

from msgspec import Struct

from imgcompare.diagnosis.access import ENTER, closed_folders, may
from imgcompare.diagnosis.evidence import Case
from imgcompare.diagnosis.file_head import interpreter_line, read_elf
from imgcompare.diagnosis.image_files import View
from imgcompare.diagnosis.virtual_environments import no_python
from imgcompare.dockerfile.placing import Spot
from imgcompare.image.layer_index import FileEntry
from imgcompare.model import Failure
from imgcompare.regex import regex

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
"""What some editors write before a text in UTF-8."""
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_MUSL = regex(r"/ld-musl-")
# Where the two C libraries' loaders lie, for the machines that images are usually made for.
_MUSL_LOADERS = tuple(f"/lib/ld-musl-{machine}.so.1" for machine in ("x86_64", "aarch64", "armhf", "i386", "riscv64"))
_GLIBC_LOADERS = (
    *("/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1", "/lib/ld-linux-armhf.so.3", "/lib/ld-linux.so.2"),
    "/lib/ld-linux-riscv64-lp64d.so.1",
)


class Refusal(Struct, frozen=True):
    """What the engine, the kernel or a shell said when the program was to be started, and of which program.

    ``path`` is where that is by its own words, relative ones counted from the working directory; "" for a bare name.
    """

    line: str
    program: str
    path: str = ""

    @property
    def place(self) -> str:
        """The path, or the name where that is all that is known."""
        return self.path or self.program


def needs_more(case: Case, refusal: Refusal, view: View) -> Failure | None:
    """The interpreter or loader that it asks for and that is missing from the image."""
    program = refusal.place
    head = case.evidence.heads.get(program, b"")
    if words := interpreter_line(head):
        return _lost_interpreter(case, refusal, view, words[-1] if len(words) > 2 else words[0])
    elf = read_elf(head)
    if elf and elf.loader and view.file(elf.loader) is None:
        return _lost_loader(case, refusal, view, elf.loader)
    return None


def _lost_interpreter(case: Case, refusal: Refusal, view: View, interpreter: str) -> Failure | None:
    program = refusal.place
    first = f"the first line of {program} is: #!{interpreter}"
    if interpreter.endswith("\r"):
        return case.found(
            "script-cannot-run",
            f"{program} has Windows line ends, so the kernel looks for a program named “{interpreter[:-1]}\\r”.",
            (refusal.line, f"the first line of {program} ends in \\r"),
            hint="After it was copied; better still, save it with Unix line ends (.gitattributes: *.sh text eol=lf).",
            fix=(f"RUN sed -i 's/\\r$//' {program}",),
        )
    if not interpreter.startswith("/") or view.file(interpreter) is not None:
        return None
    environment = next((folder for folder in view.environments if program.startswith(f"{folder}/bin/")), None)
    if environment and dirname(interpreter) == f"{environment}/bin":
        return no_python(case, environment, refusal.line, first)
    if environment is None or not re.search(r"/bin/python[\d.]*$", interpreter):
        return case.found(
            "script-cannot-run",
            f"{program} asks to be run by {interpreter}, which is missing from this image.",
            (refusal.line, first, f"{interpreter} is in no layer of this image"),
            hint="Install that interpreter in the last stage, or write the script for one that is there, as /bin/sh.",
        )
    old = dirname(dirname(interpreter))
    source = next((name for name, stage in case.stages.items() if old in stage.environments), None)
    return case.found(
        "moved-virtualenv",
        f"The virtual environment was made at {old} and moved to {environment}: its commands look for {interpreter}.",
        (refusal.line, first, f"{interpreter} is in no layer of this image"),
        hint=f"Instead of the line that copies it to {environment}: an environment works only where it was made."
        if source
        else "An environment works only where it was made: make it in the image, and name the one of the build context "
        "in .dockerignore.",
        fix=(f"COPY --from={source} {old} {old}", f"ENV PATH={old}/bin:$PATH") if source else (),
        spot=Spot(instruction=case.copied_to(environment)),
    )


def dangling(case: Case, refusal: Refusal, view: View) -> Failure | None:
    """A link that leads nowhere: in a virtual environment, the Python that it was made with."""
    entry = view.entry(refusal.place)
    environment = next((one for one in view.environments if refusal.place.startswith(f"{one}/bin/")), None)
    if entry is None or environment is None:
        return None
    return no_python(case, environment, refusal.line)


def _lost_loader(case: Case, refusal: Refusal, view: View, loader: str) -> Failure:
    program = refusal.place
    musl = _MUSL.search(loader) is not None
    link = view.entry(loader)
    gone = f"{loader} is a link to {link.link}, which is missing from this image" if link else ""
    proof = (
        refusal.line,
        f"{program} asks for the loader {loader}",
        gone or f"{loader} is in no layer of this image",
    )
    if not any(map(view.file, _GLIBC_LOADERS if musl else _MUSL_LOADERS)):
        source = next((name for name, stage in case.stages.items() if stage.file(loader)), None)
        return case.found(
            "missing-shared-library",
            f"{program} is not a static program: it needs {loader} and the C library, and this image has neither.",
            (*proof, f"stage {source} has it: {loader}" if source else ""),
            hint="Begin the last stage with an image of the distribution it was built on, instead of an empty one; "
            "or build a static program.",
        )
    built, here = ("Alpine's C library (musl)", "Debian's") if musl else ("glibc, Debian's C library,", "Alpine's")
    return case.found(
        "wrong-libc",
        f"{program} was built for {built} and this image has {here if not musl else 'glibc'}.",
        proof,
        hint="Build and run on images of one family: both Debian (python:3.11, …-slim) or both Alpine.",
    )


def not_allowed(case: Case, refusal: Refusal) -> Failure | None:
    """A folder, or a file without the bit that lets it be started."""
    program = refusal.place
    view = case.view
    entry = view.file(program) if view else None
    if view is None or entry is None:
        return None
    if view.has_folder(program):
        return case.found(
            "permission-denied",
            f"{program} is a folder, and the image's {case.command.keyword} wants to start it.",
            (refusal.line, f"{program} is a folder"),
            hint="Name the program in it.",
        )
    if entry.mode & 0o111:
        return _closed(case, refusal, view, entry)
    return case.found(
        "permission-denied",
        f"{program} is not marked as executable, so nobody may start it.",
        (refusal.line, f"the mode of {program} is {entry.mode & 0o7777:04o}"),
        hint="After it was copied, above USER (with BuildKit, COPY --chmod=755 does it without another layer).",
        fix=(f"RUN chmod 755 {program}",),
    )


def _closed(case: Case, refusal: Refusal, view: View, entry: FileEntry) -> Failure | None:
    """A program that some may start, and its interpreter: not for this user, or in a folder that is closed to it."""
    program = refusal.place
    environment = next((one for one in view.environments if program.startswith(f"{one}/bin/")), None)
    if (
        environment
        and not closed_folders(case, dirname(program))
        and (found := no_python(case, environment, refusal.line))
    ):
        return found
    words = interpreter_line(case.evidence.heads.get(program, b""))
    for path in (program, *(word for word in words[:2] if word.startswith("/"))):
        target = entry if path == program else view.file(path)
        closed = closed_folders(case, path)
        if target is None or (not closed and may(case, target, ENTER)):
            continue
        fix = f"RUN chmod a+x {' '.join(closed)}" if closed else f"RUN chmod a+rx {path}"
        return case.found(
            "permission-denied",
            f"The program runs as {case.user}, who may not "
            + (f"enter {closed[0]}, where {path} lies." if closed else f"start {path}."),
            (refusal.line, f"the image's USER: {case.user}", *case.modes(*(closed or [path]))),
            hint="Above USER; better still, keep what is started where everybody may go.",
            fix=(fix,),
        )
    return None


def wrong_format(case: Case, refusal: Refusal) -> Failure | None:
    """Machine code for another machine, or a script without its first line."""
    program = refusal.place
    head = case.evidence.heads.get(program, b"")
    elf = read_elf(head)
    image = case.evidence.image
    if elf and image and elf.architecture and elf.architecture != image.architecture:
        return case.found(
            "wrong-architecture",
            f"{program} is a program for {elf.architecture}, and the image is for {image.architecture}.",
            (
                refusal.line,
                f"the header of {program} says {elf.architecture}",
                f"the image's architecture: {image.architecture}",
            ),
            hint="Download or build the program for the image's architecture (in a RUN, `uname -m` names it).",
        )
    if head.startswith((BYTE_ORDER_MARK, *_UTF_16)):
        return byte_order_mark(case, program, refusal.line)
    is_text = bool(head) and not elf and not head.startswith(b"#!") and b"\0" not in head
    if image and not is_text and case.engine_architecture not in {"", image.architecture}:
        return case.found(
            "wrong-architecture",
            f"The image is for {image.architecture}, and the engine's machine is {case.engine_architecture}.",
            (refusal.line, f"the image's architecture: {image.architecture}"),
            hint=f"Build it for this machine: --platform linux/{case.engine_architecture}",
        )
    if is_text:
        return case.found(
            "script-cannot-run",
            f"{program} is a script without a first line that names its interpreter.",
            (refusal.line, f"{program} begins with: {head[:40].decode('utf-8', 'replace')}"),
            hint="Better still, write that line into the script itself.",
            fix=(f"RUN sed -i '1i #!{'/usr/bin/env python3' if program.endswith('.py') else '/bin/sh'}' {program}",),
        )
    return None


def byte_order_mark(case: Case, program: str, line: str) -> Failure:
    """What some editors write before the first line: the kernel then does not see that it begins with ``#!``."""
    head = case.evidence.heads[program]
    mark = head[:3] if head.startswith(BYTE_ORDER_MARK) else head[:2]
    ends = r"; s/\r$//" if b"\r\n" in head else ""
    return case.found(
        "script-cannot-run",
        f"{program} begins with a byte order mark, so the kernel does not see the #! of its first line.",
        (line, f"the first bytes of {program} are {mark.hex(' ').upper()}"),
        hint="Above USER, after it was copied; better still, save it as UTF-8 without a byte order mark."
        if mark == BYTE_ORDER_MARK
        else "It is saved as UTF-16: save it as UTF-8 without a byte order mark.",
        fix=(rf"RUN sed -i '1s/^\xEF\xBB\xBF//{ends}' {program}",) if mark == BYTE_ORDER_MARK else (),
    )
