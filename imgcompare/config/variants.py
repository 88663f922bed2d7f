"""Variants and pairs as they are written on a command line."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from imgcompare.errors import UsageError
from imgcompare.image.registry_reference import parse_remote
from imgcompare.regex import regex

NAME_PATTERN = r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}"
"""What the name of a comparison or a variant is."""

_NAME = regex(NAME_PATTERN)


_IMAGE_PREFIX = "image:"
_REGISTRY_PREFIX = "registry:"


VARIANT_FORMS = "DOCKERFILE, NAME=DOCKERFILE, NAME=DOCKERFILE:TARGET, NAME=image:REFERENCE or NAME=registry:REFERENCE"


class VariantSpec(Struct, frozen=True, kw_only=True):
    """One way to make the image: a Dockerfile (with an optional target stage), or an existing image's reference.

    ``text`` is built in the place of what the Dockerfile holds. ``expected_failure`` is the code of the failure it is
    meant to show, ``hardened`` runs it with restrictions too.
    """

    name: str
    dockerfile: Path | None = None
    target: str | None = None
    image: str | None = None
    text: bytes | None = None
    expected_failure: str | None = None
    hardened: bool = False


def parse_variants(texts: Sequence[str], folder: Path = Path()) -> tuple[VariantSpec, ...]:
    """Read VARIANT arguments, whose paths are relative to ``folder``.

    A Dockerfile without a name is named after its file, or its folder if that says more.
    """
    specs = [_parse_variant(text, folder) for text in texts]
    names = [spec.name for spec in specs]
    return tuple(
        VariantSpec(name=_folder_name(spec), dockerfile=spec.dockerfile, target=spec.target)
        if "=" not in text and spec.dockerfile and spec.target is None and names.count(spec.name) > 1
        else spec
        for text, spec in zip(texts, specs, strict=True)
    )


def parse_pairs(option: str, texts: Iterable[str], environ: Mapping[str, str]) -> dict[str, str]:
    """Read ``KEY=VALUE`` options; a bare ``KEY`` takes its value from the environment, as the docker CLI does."""
    pairs = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not key:
            raise UsageError(f"{option} {text!r} has no name", hint=f"Write {option} KEY=VALUE.")
        if equals:
            pairs[key] = value
        elif key in environ:
            pairs[key] = environ[key]
    return pairs


def _parse_variant(text: str, folder: Path) -> VariantSpec:
    name, equals, rest = text.partition("=")
    if not equals:
        name, rest = "", text
    elif not name:
        raise UsageError(f"variant {text!r} has no name before the '='", hint=f"A variant is {VARIANT_FORMS}.")
    if rest.startswith(_IMAGE_PREFIX):
        reference = rest.removeprefix(_IMAGE_PREFIX)
        if not reference:
            raise UsageError(f"variant {text!r} names no image", hint=f"A variant is {VARIANT_FORMS}.")
        return VariantSpec(name=check_name(f"variant {text!r}", name or _name_of_image(reference)), image=reference)
    if rest.startswith(_REGISTRY_PREFIX):  # an engine pulls what it does not have
        reference = parse_remote(rest.removeprefix(_REGISTRY_PREFIX)).name
        return VariantSpec(name=check_name(f"variant {text!r}", name or _name_of_image(reference)), image=reference)
    if not rest:
        raise UsageError(f"variant {text!r} names no Dockerfile", hint=f"A variant is {VARIANT_FORMS}.")
    path, target = _split_target(rest, folder)
    name = check_name(f"variant {text!r}", name or target or fit_name(_name_of_file(path)))
    return VariantSpec(name=name, dockerfile=path, target=target)


def _split_target(text: str, folder: Path) -> tuple[Path, str | None]:
    path, colon, target = text.rpartition(":")
    # Unlike Path.exists, os.path.exists does not raise for names too long or not to be looked up.
    if colon and path and target and "/" not in target and not os.path.exists(folder / text):  # noqa: PTH110
        return folder / path, target
    return folder / text, None


def check_name(what: str, name: str) -> str:
    """Return the name if it can be one of a comparison or a variant. Raises UsageError, which begins with ``what``."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{what}: {name!r} cannot be a name",
            hint="Names are letters, digits, '.', '_' and '-', at most 63, and begin with a letter or digit.",
        )
    return name


def fit_name(text: str) -> str:
    """Return a text as a name of a comparison or a variant can be, letters without their accents; "" for none."""
    plain = "".join(sign for sign in unicodedata.normalize("NFKD", text) if not unicodedata.combining(sign))
    return re.sub(r"[^A-Za-z0-9._-]+", "-", plain).strip("._-")[:60]


def _name_of_file(path: Path) -> str:
    """Name ``a.Dockerfile`` and ``Dockerfile.a`` "a", and a plain ``Dockerfile`` "Dockerfile"."""
    name = path.name
    if name.lower().endswith(".dockerfile"):
        return name[: -len(".dockerfile")] or name
    if name.lower().startswith("dockerfile."):
        return name[len("dockerfile.") :] or name
    return name


def _folder_name(spec: VariantSpec) -> str:
    folder = spec.dockerfile.absolute().parent.name if spec.dockerfile else ""
    return folder if _NAME.fullmatch(folder) else spec.name


def _name_of_image(reference: str) -> str:
    tail = reference.rpartition("/")[2].partition("@")[0]
    return re.sub(r"[^A-Za-z0-9._-]", "-", tail)
