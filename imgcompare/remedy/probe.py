"""A look inside an image with its own Python: one container, one process, one JSON answer."""

from __future__ import annotations

import json
from concurrent.futures import Future
from contextlib import AbstractContextManager
from importlib import resources

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from imgcompare.engine.interface import RUN_LABEL, VARIANT_LABEL, Container, ContainerSpec, EngineImage
from imgcompare.errors import ImgcompareError
from imgcompare.model import Stage
from imgcompare.run.plan import Plan
from imgcompare.run.resources import Workbench

MODULE_TIME_S = 10.0
"""How long the import of one module may take."""

_DEADLINE_S = 120.0
_OWN_S = 30.0
_ANSWER_LIMIT = 64 << 20
_MEMORY_BYTES = 4 << 30
_FOREVER = ("sleep", "3600")
_PYTHONS = ("python3", "python")
_NO_SUCH_PROGRAM = (126, 127)  # engines before 23 say 126
_UNKNOWN_PYTHON = 7  # as ``inside.py`` ends
_SKIPPED = ("pip", "setuptools", "pkg_resources", "_distutils_hack", "wheel")
TEXTS = (
    ("remedy", "inside.py"),
    ("analysis", "elf.py"),
    ("remedy", "sources.py"),
    ("remedy", "languages.py"),
    ("remedy", "mentions.py"),
    ("remedy", "interpreter.py"),
    ("remedy", "importing.py"),
)
"""The files of this package whose texts run inside, as they are given to ``python -c``."""
_LIBRARY_FOLDERS = {"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu", "386": "i386-linux-gnu"}


class Distribution(msgspec.Struct, frozen=True, array_like=True):
    """A Python distribution: what it requires, and its top-level modules."""

    version: str
    folder: str
    requires: tuple[str, ...]
    modules: tuple[str, ...]


class Probe(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen inside an image.

    ``folders`` are those of sys.path that packages lie in. ``elf`` tells of each file what it needs and where that is,
    "" where it is nowhere. ``modules`` and ``own_modules`` (the application's) tell what comes of importing each: ""
    where it works; "?" begins what could not be said; ``imported`` the same of what the application's modules import
    anywhere, and be it within a function; ``loaded`` are libraries that these imports loaded, by path, and which
    of them. ``setuptools`` are modules that need it.

    What the application's files name: ``programs`` that are started, and where they are; ``paths`` that are there, with
    the file that names each; ``libraries`` to be loaded (``libx.so.1``, or ``libx.so.`` for any version) and ``fonts``.
    ``script_programs`` are started by scripts of which it is not known who starts them, with a script of each;
    ``package_programs`` by modules of packages, with a module of each. ``foreign`` are its files that run and are no
    Python: of these no more is known than what their texts name.

    ``capabilities`` are those of programs, by path; ``groups`` the members of each. ``runs_python`` tells whether the
    command was found to start Python.
    """

    python: str
    executable: str
    prefix: str
    folders: tuple[str, ...]
    distributions: dict[str, Distribution]
    elf: dict[str, dict[str, str]]
    setuptools: tuple[str, ...]
    programs: dict[str, str]
    modules: dict[str, str]
    own_modules: dict[str, str]
    paths: dict[str, str] = {}
    libraries: tuple[str, ...] = ()
    fonts: tuple[str, ...] = ()
    imported: dict[str, str] = {}
    loaded: dict[str, str] = {}
    script_programs: dict[str, str] = {}
    package_programs: dict[str, str] = {}
    foreign: tuple[str, ...] = ()
    capabilities: dict[str, str] = {}
    groups: dict[str, tuple[str, ...]] = {}
    runs_python: bool = True


class Seen(Struct, frozen=True):
    """What a look inside showed: the probe, or why there is none; and how each command of ``--also`` ended."""

    probe: Probe | None
    reason: str = ""
    also: tuple[tuple[str, int | None], ...] = ()


def look_inside(
    found: Future[Seen],
    name: str,
    number: int,
    image: EngineImage,
    roots: tuple[str, ...],
    plan: Plan,
    bench: Workbench,
) -> None:
    """Start a container of the image that only waits, and look; ``roots`` are the application's folders.

    ``found`` is told what is seen at once: whoever waits for it need not wait until the container is removed. Of one
    name, several may be there: each has another ``number``.
    """
    try:
        with _waiting(name, number, image, plan, bench) as container:
            found.set_result(_looked(container, image, roots, plan))
    except BaseException as exc:
        if found.done():
            raise
        found.set_exception(exc)


def _waiting(
    name: str, number: int, image: EngineImage, plan: Plan, bench: Workbench
) -> AbstractContextManager[Container]:
    spec = ContainerSpec(
        name=f"imgcompare-inside-{number}-{plan.run_id}-{name}",
        image=image.image,
        container_port=None,
        env=plan.config.env,
        labels={RUN_LABEL: plan.run_id, VARIANT_LABEL: name},
        memory_limit_bytes=_MEMORY_BYTES,
        entrypoint=_FOREVER,
    )
    bench.progress.stage(name, Stage.CHECK, "importing all modules")
    return bench.container(spec)


def _looked(container: Container, image: EngineImage, roots: tuple[str, ...], plan: Plan) -> Seen:
    container.start()
    if error := container.state().error:
        return Seen(None, error)
    seen = _probed(container, _request(image, roots))
    also = tuple((text, container.execute(["/bin/sh", "-c", text], 600.0).exit_code) for text in plan.config.also)
    return replace(seen, also=also)


def _probed(container: Container, request: str) -> Seen:
    package = resources.files("imgcompare")
    texts = [package.joinpath(*path).read_text(encoding="utf-8") for path in TEXTS]
    reason = "it has no Python, and only what runs on Python can be proved"
    for python in _PYTHONS:
        captured = container.capture([python, "-c", *texts, request], _DEADLINE_S + 2 * _OWN_S + 30.0, _ANSWER_LIMIT)
        if captured.exit_code == 0:
            try:
                return Seen(msgspec.json.decode(captured.output, type=Probe))
            except msgspec.DecodeError as exc:
                raise ImgcompareError(f"what the look inside an image answered makes no sense: {exc}") from exc
        if captured.exit_code == _UNKNOWN_PYTHON:
            return Seen(None, "the tool that starts it does not say in which environment")
        if captured.exit_code not in _NO_SUCH_PROGRAM:
            reason = f"the look inside ended with {captured.exit_code}"
    return Seen(None, reason)


def _request(image: EngineImage, roots: tuple[str, ...]) -> str:
    folder = _LIBRARY_FOLDERS.get(image.architecture, "")
    own = [f"{start}/{folder}" for start in ("/lib", "/usr/lib") if folder]
    check = image.healthcheck.command if image.healthcheck else ()
    return json.dumps(
        {
            "command": [*image.entrypoint, *image.cmd],
            "healthcheck": list(check),
            "env": list(image.env),
            "roots": list(roots),
            "skip": list(_SKIPPED),
            "time_s": MODULE_TIME_S,
            "deadline_s": _DEADLINE_S,
            "own_s": _OWN_S,
            "library_folders": [*own, "/lib64", "/usr/lib64", "/lib", "/usr/lib", "/usr/local/lib"],
        }
    )
