"""Variants that do not work, written down: a Dockerfile, its image's files and what was seen → what is said of it.

An ``Example`` goes the way of a real run, from the evidence that is gathered of a container to the cause, with a
container that is a few values and an image that is a tar in memory::

    Example("FROM python:3.11-slim\\nCMD flask run", files={"/app/app.py": ""}).exits(1, "Error: …")
"""

from __future__ import annotations

import io
import json
import struct
import tarfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import TypeAlias, cast

from msgspec import Struct, field
from msgspec.structs import replace

from imgcompare.check.route import Exited, Silent
from imgcompare.diagnosis import gather, observed
from imgcompare.diagnosis.evidence import Case, Evidence
from imgcompare.diagnosis.image_files import View
from imgcompare.dockerfile.document import Document
from imgcompare.dockerfile.parser import Dockerfile, StageInfo, parse
from imgcompare.engine.interface import BuildFailed, Container, ContainerState, EngineImage, Listener, Log
from imgcompare.image.layer_index import LayerIndex
from imgcompare.image.layer_reader import Allowance, read_entries
from imgcompare.model import Build, Check, Expectation, Failure

SITE = "/usr/local/lib/python3.11/site-packages"
_MACHINES = {"amd64": 62, "arm64": 183}


class File(Struct, frozen=True):
    """One entry of an image: a file, or a link to ``link``; without a ``mode`` what lies in a bin is executable."""

    content: str | bytes = ""
    mode: int | None = None
    uid: int = 0
    link: str = ""
    is_folder: bool = False


Files: TypeAlias = dict[str, "str | bytes | File"]


def link(target: str) -> File:
    """A symbolic link."""
    return File(link=target)


def folder(mode: int = 0o755, uid: int = 0) -> File:
    """A folder with this mode and owner; folders that only hold something need not be named."""
    return File(mode=mode, uid=uid, is_folder=True)


def elf(architecture: str = "amd64", loader: str = "") -> bytes:
    """The beginning of a program of machine code, and the loader that it asks for."""
    head = bytearray(b"\x7fELF\x02\x01\x01" + bytes(57))
    struct.pack_into("<HH", head, 16, 2, _MACHINES[architecture])
    if not loader:
        return bytes(head)
    path = loader.encode() + b"\0"
    struct.pack_into("<Q", head, 32, 64)
    struct.pack_into("<HH", head, 54, 56, 1)
    header = bytearray(56)
    struct.pack_into("<I", header, 0, 3)
    struct.pack_into("<Q", header, 8, 64 + 56)
    struct.pack_into("<Q", header, 32, len(path))
    return bytes(head + header) + path


def package(name: str, version: str = "1.0", site: str = SITE) -> Files:
    """The files of an installed Python distribution with a package of the same name."""
    return {
        f"{site}/{name}/__init__.py": "",
        f"{site}/{name}-{version}.dist-info/METADATA": f"Name: {name}\nVersion: {version}\n",
    }


DEBIAN: Files = {
    "/bin/sh": elf(),
    "/usr/bin/env": elf(),
    "/usr/bin/apt-get": elf(),
    "/lib64/ld-linux-x86-64.so.2": elf(),
    "/etc/os-release": 'ID=debian\nVERSION_CODENAME=bookworm\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
    "/etc/passwd": "root:x:0:0:root:/root:/bin/bash\nwww-data:x:33:33:www-data:/var/www:/usr/sbin/nologin\n",
}
PYTHON: Files = {
    **DEBIAN,
    "/usr/local/bin/python3.11": elf(loader="/lib64/ld-linux-x86-64.so.2"),
    "/usr/local/bin/python3": link("python3.11"),
    "/usr/local/bin/python": link("python3.11"),
    "/usr/local/bin/pip": "#!/usr/local/bin/python3.11\n",
    "/usr/local/lib/python3.11/os.py": "",
}
_BASES: Mapping[str, Files] = {"python": PYTHON, "debian": DEBIAN, "scratch": {}}


class Example(Struct, frozen=True):
    """A variant that does not work; what happened to it is a method, and gives the failure as it is told.

    ``files`` and those of ``stages`` and ``others`` lie over what their bases have. ``env`` is what the container is
    given, ``context`` names the files of the build context. ``unread`` leaves the image's files out, as in the first
    look while a run goes on. ``asked`` tells afterwards what was looked into beside the image: ``stages``, ``others``.
    """

    dockerfile: str
    files: Files = field(default_factory=dict)
    stages: Mapping[str, Files] = field(default_factory=dict)
    others: Mapping[str, Files] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    target: str | None = None
    unread: bool = False
    architecture: str = "amd64"
    engine_architecture: str = "amd64"
    base_command: tuple[str, ...] = ()
    asked: list[str] = field(default_factory=list)
    context: tuple[str, ...] = ()
    dockerfile_folder: str = "."
    beside: tuple[str, ...] = ()
    services: Mapping[str, str] = field(default_factory=dict)

    def exits(self, code: int, log: str, *, stdout: str = "") -> Failure:
        """The container ended; ``log`` is what it wrote to stderr, after what it wrote to stdout."""
        container = self._container(log, stdout)
        state = ContainerState(running=False, exit_code=code)
        seen = observed.exited(Exited(state, 0.1), container.log().lines)
        return self._told(gather.of_start(seen, state, container.log(), container, self.image, self.env))

    def cannot_start(self, error: str) -> Failure:
        """The engine could not start the program."""
        state = ContainerState(running=False, exit_code=127, error=error)
        seen, container = observed.start_failed(state), self._container()
        return self._told(gather.of_start(seen, state, container.log(), container, self.image, self.env))

    def is_silent(
        self, log: str = "", listeners: Sequence[Listener] | None = (), *, port: int = 8000, given: bool = False
    ) -> Failure:
        """Nothing answered at the port; ``listeners`` None is where nobody could look inside."""
        container = self._container(log, listeners=listeners)
        told = container.log()
        seen = observed.silent(Silent(5.0, "the connection was refused"), port, told.lines)
        evidence = gather.of_silence(seen, port, told, container, self.image, self.env, port_given=given)
        return self._told(evidence)

    def replies(self, status: int, log: str = "") -> Failure:
        """It answered, and not as expected."""
        told = self._container(log).log()
        check = Check(passed=False, url="http://127.0.0.1:8000/", expected=Expectation(), status_code=status)
        seen = observed.wrong_reply(check, f"the reply has status {status}, expected 200", told.lines)
        return self._told(gather.of_reply(seen, status, told, self.image, self.env))

    def build_fails(self, step: str, message: str, log: str = "") -> Failure:
        """A step of the build failed."""
        outcome = BuildFailed(
            message, step, tuple(log.splitlines()), Build(duration_s=0.1, step_count=1, cached_step_count=0)
        )
        return self._told(Evidence(observed=observed.build_failed(outcome), log=outcome.log), built=False)

    def _told(self, evidence: Evidence, *, built: bool = True) -> Failure:
        dockerfile = self._parsed
        base, written = dockerfile.chain(self.target, {})
        needed = dockerfile.needed(self.target, {})
        above = dockerfile.stages[: max(stage.index for stage in needed)]
        return observed.diagnose(
            Case(
                evidence=replace(evidence, beside=self.beside, services=self.services),
                view=self.view("this", self.target, self.files) if built and not self.unread else None,
                neighbours=_Nearby(self),
                written=written,
                unused=tuple(stage for stage in above if stage not in needed),
                chains=tuple((each or "", stacked) for each, stacked in dockerfile.chains({})),
                base=base or "",
                document=Document(self.dockerfile),
                target=self.target,
                engine_architecture=self.engine_architecture,
                base_command=self.base_command,
                context=lambda: self.context,
                dockerfile_folder=self.dockerfile_folder,
            )
        )

    @property
    def _parsed(self) -> Dockerfile:
        return parse(self.dockerfile, "Dockerfile")

    @property
    def image(self) -> EngineImage:
        """The image's config, as the Dockerfile's instructions make it."""
        return settings(self._parsed.chain(self.target, {})[1], self._base(self.target), self.architecture)

    def _base(self, target: str | None) -> str:
        """What the image stands on, without registry and tag: ``python``."""
        by_number = {str(stage.index): stage for stage in self._parsed.stages if stage.name is None}
        stage = by_number.get(target or "")
        base = stage.base if stage else self._parsed.chain(target, {})[0] or ""
        return base.rpartition("/")[2].partition(":")[0]

    def view(self, name: str, target: str | None, files: Files) -> View:
        """The files of the image, or of a stage."""
        return View(name, [layer(_BASES.get(self._base(target), {})), layer(files)])

    def _container(self, stderr: str = "", stdout: str = "", listeners: Sequence[Listener] | None = None) -> Container:
        lines = tuple(stdout.splitlines()), tuple(stderr.splitlines())
        return cast(
            "Container", _Container(*lines, listeners, {**_BASES.get(self._base(self.target), {}), **self.files})
        )


class _Nearby(Struct, frozen=True):
    """The stages and other variants of an example, read when they are asked for."""

    example: Example

    def stages(self) -> Mapping[str, View]:
        self.example.asked.append("stages")
        return {name: self.example.view(name, name, files) for name, files in self.example.stages.items()}

    def others(self) -> Mapping[str, View]:
        self.example.asked.append("others")
        return {name: View(name, [layer(PYTHON), layer(files)]) for name, files in self.example.others.items()}


class _Container(Struct, frozen=True):
    """A container as far as evidence is gathered of it."""

    stdout: tuple[str, ...]
    stderr: tuple[str, ...]
    listeners: Sequence[Listener] | None
    files: Files

    def log(self, lines: int = 200) -> Log:
        return Log((*self.stdout, *self.stderr)[-lines:], self.stderr[-lines:])

    def listening(self) -> Sequence[Listener] | None:
        return self.listeners

    def head(self, path: str) -> bytes | None:
        for _ in range(8):
            file = self.files.get(path)
            if not isinstance(file, File) or not file.link:
                break
            path = str(PurePosixPath(path).parent / file.link)
        content = file.content if isinstance(file, File) else file
        return content.encode() if isinstance(content, str) else content


def layer(files: Files) -> LayerIndex:
    """A layer of these files, read as one of an image is."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path, file in _with_folders(files).items():
            content = file.content.encode() if isinstance(file.content, str) else file.content
            entry = tarfile.TarInfo(path.lstrip("/"))
            entry.uid, entry.linkname = file.uid, file.link
            entry.type = tarfile.SYMTYPE if file.link else tarfile.DIRTYPE if file.is_folder else tarfile.REGTYPE
            is_program = file.is_folder or "/bin/" in path or "/sbin/" in path
            entry.mode = (0o755 if is_program else 0o644) if file.mode is None else file.mode
            entry.size = 0 if file.link or file.is_folder else len(content)
            archive.addfile(entry, io.BytesIO(content))
    entries, documents = read_entries([buffer.getvalue()], Allowance())
    return LayerIndex(
        diff_id="",
        uncompressed_size=0,
        file_count=0,
        compressed_size=0,
        compressed_size_exact=False,
        entries=entries,
        documents=documents,
    )


def _with_folders(files: Files) -> dict[str, File]:
    """All entries, each with the folders above it."""
    entries: dict[str, File] = {}
    for path, file in files.items():
        for parent in reversed(PurePosixPath(path).parents):
            if str(parent) != "/":
                entries.setdefault(str(parent), folder())
        entries[path] = file if isinstance(file, File) else File(file)
    return entries


def settings(stages: Sequence[StageInfo], base: str, architecture: str = "amd64") -> EngineImage:
    """The config that the builder writes for these stages on their base, as far as diagnoses ask for it."""
    python = base == "python"
    env = {"PATH": "/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"} if base != "scratch" else {}
    values = {"WORKDIR": "", "USER": ""}
    lists: dict[str, tuple[str, ...]] = {"ENTRYPOINT": (), "CMD": ("python3",) if python else ()}
    ports: list[str] = []
    for stage in stages:
        for instruction in stage.instructions:
            keyword, text = instruction.keyword, instruction.text
            if keyword in values:
                values[keyword] = str(PurePosixPath(values[keyword] or "/") / text) if keyword == "WORKDIR" else text
            elif keyword == "ENV":
                pairs = (word.partition("=") for word in text.split())
                env |= {name: value.strip('"').replace("$PATH", env.get("PATH", "")) for name, _, value in pairs}
            elif keyword == "EXPOSE":
                ports += (port if "/" in port else f"{port}/tcp" for port in text.split())
            elif keyword in lists:
                lists[keyword] = _words(text)
        keywords = {one.keyword for one in stage.instructions}
        if "ENTRYPOINT" in keywords and "CMD" not in keywords:  # what the stages below have is not inherited then
            lists["CMD"] = ()
    return EngineImage(
        image="sha256:0",
        os="linux",
        architecture=architecture,
        diff_ids=(),
        exposed_ports=tuple(ports),
        labels={},
        user=values["USER"],
        env=tuple(f"{name}={value}" for name, value in env.items()),
        entrypoint=lists["ENTRYPOINT"],
        cmd=lists["CMD"],
        working_dir=values["WORKDIR"],
    )


def _words(text: str) -> tuple[str, ...]:
    try:
        return tuple(json.loads(text))
    except ValueError:
        return "/bin/sh", "-c", text


class Row(Struct, frozen=True):
    """One line of a table: what happened, and the code, the words and the very lines of the fix that are told of it."""

    happened: Callable[[], Failure]
    code: str
    words: str
    fix: tuple[str, ...] = ()

    def check(self) -> None:
        """Hold what is said against what is right; a next step is never missing."""
        failure = self.happened()
        text = "\n".join([failure.message, *failure.evidence])
        assert (failure.code, failure.fix) == (self.code, self.fix), text
        assert self.words in text
        assert failure.hint or failure.fix
        assert failure.evidence
        assert bool(failure.edits) == bool(failure.fix), "lines to write are worth an edit that writes them"
