"""Builds the images of the fake engine: simple Dockerfiles, strict, so that what it does not know is an error."""

from __future__ import annotations

import json
import posixpath
import shlex
import tarfile
from collections.abc import Callable, Mapping
from functools import cached_property
from io import BytesIO
from typing import Any, TypeAlias

from msgspec import Struct, field
from msgspec.structs import replace

from imgcompare.engine.client.inspect_image import read_image
from imgcompare.engine.interface import BuildFailed, EngineImage
from imgcompare.model import Build, Step
from tests.support.images import Make

Recipe: TypeAlias = tuple[str, ...]
"""What a step is known by in the cache: the image below it, the instruction, and what it copies."""


class Stored(Struct, frozen=True, dict=True):
    """An image: the tars of its layers, the lowest first, its history, and the ``config`` part of its config."""

    layers: tuple[bytes, ...] = ()
    history: tuple[Mapping[str, Any], ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def config(self) -> bytes:
        """The bytes of its config."""
        history = self.history or tuple({"created_by": "a base"} for _ in self.layers)
        return Make().config(list(self.layers), config=dict(self.settings), history=list(history))

    @cached_property
    def digest(self) -> str:
        """The digest of its config."""
        return Make().digest(self.config)

    @property
    def cmd(self) -> tuple[str, ...]:
        """What it runs."""
        return (*self.settings.get("Entrypoint", ()), *self.settings.get("Cmd", ()))

    def listed(self, tags: tuple[str, ...]) -> EngineImage:
        """As an engine lists it, read by what reads the answers of engines."""
        document = json.loads(self.config)
        answer = {
            "Id": self.digest,
            "Os": document["os"],
            "Architecture": document["architecture"],
            "RootFS": {"Layers": document["rootfs"]["diff_ids"]},
            "RepoTags": list(tags),
            "Config": document["config"],
        }
        return read_image(answer, self.digest)

    def file(self, path: str) -> bytes | None:
        """A file of it, from the highest layer that has one; None where there is none."""
        for layer in reversed(self.layers):
            with tarfile.open(fileobj=BytesIO(layer)) as tar:
                for entry in tar:
                    if f"/{entry.name}" == path and (file := tar.extractfile(entry)):
                        return file.read()
        return None

    def with_layer(self, created_by: str, files: Mapping[str, bytes]) -> Stored:
        """The same with a layer on top."""
        layer = Make().tar([(name.lstrip("/"), content) for name, content in files.items()])
        return replace(
            self, layers=(*self.layers, layer), history=(*self._history, {"created_by": f"{created_by} # buildkit"})
        )

    def with_setting(self, created_by: str, **settings: Any) -> Stored:
        """The same with settings changed, as an empty layer of the history."""
        row = {"created_by": created_by, "empty_layer": True}
        return replace(self, settings={**self.settings, **settings}, history=(*self._history, row))

    @property
    def _history(self) -> tuple[Mapping[str, Any], ...]:
        return self.history or tuple({"created_by": "a base"} for _ in self.layers)


class _FailedError(Exception):
    def __init__(self, message: str, step: str | None = None, missing_base: str | None = None) -> None:
        self.message, self.step, self.missing_base = message, step, missing_base


def build_stages(
    text: str,
    target: str | None,
    files: Mapping[str, bytes],
    find: Callable[[str], Stored | None],
    cache: set[Recipe],
    progress: Callable[[str], None],
) -> tuple[Stored, Build, set[Recipe]] | BuildFailed:
    """Build a Dockerfile up to its target or its last stage; what its steps are cached as comes with the image."""
    builder = _Builder(files, find, cache, progress)
    try:
        image = builder.build(text, target)
    except _FailedError as failed:
        return BuildFailed(failed.message, failed.step, (), _build(builder.steps), missing_base=failed.missing_base)
    return image, _build(builder.steps), builder.recipes


class _Builder(Struct):
    files: Mapping[str, bytes]
    find: Callable[[str], Stored | None]
    cache: set[Recipe]
    progress: Callable[[str], None]
    steps: list[Step] = field(default_factory=list)
    recipes: set[Recipe] = field(default_factory=set)
    stages: dict[str, Stored] = field(default_factory=dict)

    def build(self, text: str, target: str | None) -> Stored:
        image, stage = Stored(), ""
        for line in filter(None, map(str.strip, text.replace("\\\n", " ").splitlines())):
            word, _, rest = line.partition(" ")
            if word == "FROM":
                if stage and stage == target:
                    break
                base, _, stage = rest.partition(" AS ")
                image = self._base(base)
            else:
                image = self._step(word, rest, line, image)
            self.stages[stage] = image
        if target is not None and target not in self.stages:
            raise _FailedError(f"target stage {target!r} could not be found")
        return image

    def _base(self, base: str) -> Stored:
        found = Stored() if base == "scratch" else self.stages.get(base) or self.find(base)
        if found is None:
            raise _FailedError(f"{base}: not found", missing_base=base)
        return found

    def _step(self, word: str, rest: str, line: str, image: Stored) -> Stored:
        if word == "COPY":
            copied = _copied(line, rest, self.files, self.stages)
            self._tell(line, (image.digest, line, repr(copied)))
            return image.with_layer(line, copied)
        if word == "RUN":
            self._tell(line, (image.digest, line))
            return _ran(line, rest, image)
        return image if word.startswith("#") else _set(word, rest, line, image)

    def _tell(self, line: str, recipe: Recipe) -> None:
        cached = recipe in self.cache
        self.recipes.add(recipe)
        self.steps.append(Step(name=line, duration_s=0.0 if cached else 0.1, cached=cached))
        self.progress(line)


def _build(steps: list[Step]) -> Build:
    cached = sum(step.cached for step in steps)
    return Build(duration_s=0.5, step_count=len(steps), cached_step_count=cached, steps=tuple(steps))


def _copied(line: str, rest: str, files: Mapping[str, bytes], stages: Mapping[str, Stored]) -> dict[str, bytes]:
    """The files that a COPY of one file copies, from the context or from a stage."""
    *options, source, into = shlex.split(rest)
    path = posixpath.join(into, posixpath.basename(source)) if into.endswith("/") else into
    if options:
        (option,) = options
        content = stages[option.removeprefix("--from=")].file(source)
    else:
        content = files.get(source)
    if content is None:
        raise _FailedError(f'"/{source.lstrip("/")}": not found', line)
    return {path: content}


def _ran(line: str, rest: str, image: Stored) -> Stored:
    """The image after a RUN: ``exit`` fails, anything else leaves a file that holds the command."""
    if rest.startswith("exit "):
        raise _FailedError(f"{line} exited with code {rest.removeprefix('exit ')}", line)
    return image.with_layer(f"RUN /bin/sh -c {rest}", {"/ran": rest.encode()})


def _set(word: str, rest: str, line: str, image: Stored) -> Stored:
    """The image after an instruction that changes only its settings."""
    settings = image.settings
    match word:
        case "CMD" | "ENTRYPOINT":
            words = json.loads(rest) if rest.startswith("[") else ["/bin/sh", "-c", rest]
            return image.with_setting(line, **{word.capitalize(): words})
        case "EXPOSE":
            ports: dict[str, Any] = {port if "/" in port else f"{port}/tcp": {} for port in rest.split()}
            return image.with_setting(line, ExposedPorts={**settings.get("ExposedPorts", {}), **ports})
        case "ENV":
            return image.with_setting(line, Env=[*settings.get("Env", ()), *shlex.split(rest)])
        case "LABEL":
            pairs = dict(pair.split("=", 1) for pair in shlex.split(rest))
            return image.with_setting(line, Labels={**settings.get("Labels", {}), **pairs})
        case "USER":
            return image.with_setting(line, User=rest)
        case "STOPSIGNAL":
            return image.with_setting(line, StopSignal=rest)
        case "HEALTHCHECK":
            return image.with_setting(line, Healthcheck={"Test": ["CMD-SHELL", rest.removeprefix("CMD ")]})
    raise AssertionError(f"the fake builder does not know {line!r}")
