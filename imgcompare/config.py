"""What the user asked for, checked: variants as written on the command line become a Config that leaves no guess."""

from __future__ import annotations

import ipaddress
import math
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from imgcompare.baseline import Stored
from imgcompare.errors import UsageError
from imgcompare.limits import Limit, check_limits
from imgcompare.model import Expectation

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_IMAGE_PREFIX = "image:"
ROUTE = re.compile(r"/[!-~]*")
"""A path as it stands in a URL."""
PLATFORM = re.compile(r"[A-Za-z0-9_-]+/[A-Za-z0-9_-]+(?:/[A-Za-z0-9_.-]+)?")
"""An operating system, an architecture and, where there are several, its variant: ``linux/arm/v7``."""
VARIANT_FORMS = "DOCKERFILE, NAME=DOCKERFILE, NAME=DOCKERFILE:TARGET or NAME=image:REFERENCE"


@dataclass(frozen=True, kw_only=True)
class VariantSpec:
    """One way to make the image: a Dockerfile (with an optional target stage), or an existing image's reference.

    ``expected_failure`` is the code of the failure it is meant to show, ``hardened`` runs it with restrictions too.
    """

    name: str
    dockerfile: Path | None = None
    target: str | None = None
    image: str | None = None
    expected_failure: str | None = None
    hardened: bool = False


@dataclass(frozen=True, kw_only=True)
class Config:
    """One comparison as asked for. ``timeout_s`` bounds the wait for a reply; ``jobs`` None means a few at a time.

    ``publish_address`` is an IP address of the engine's machine that ports are published on, None its loopback.
    ``skip_unavailable`` leaves variants out whose images cannot be had, instead of calling them broken. ``health``,
    ``stop``, ``hardened`` and ``after_change`` ask for more to be measured; the report is judged by ``limits``.
    ``against`` names what growth is measured from; ``stored`` is that, once it was read.
    """

    scenario: str
    context: Path
    variants: tuple[VariantSpec, ...]
    baseline: str | None = None
    route: str = "/"
    container_port: int | None = None
    host_port: int | None = None
    publish_address: str | None = None
    expect: Expectation = field(default_factory=Expectation)
    env: Mapping[str, str] = field(default_factory=dict)
    build_args: Mapping[str, str] = field(default_factory=dict)
    platform: str | None = None
    no_cache: bool = False
    pull: bool = False
    builder: str = "auto"
    jobs: int | None = None
    timeout_s: float = 60.0
    keep: bool = False
    rm_images: bool = False
    description: str = ""
    notes: tuple[str, ...] = ()
    skip_unavailable: bool = False
    health: bool = False
    stop: bool = False
    hardened: bool = False
    after_change: bool = False
    limits: tuple[Limit, ...] = ()
    against: str | None = None
    stored: Stored | None = None

    def __post_init__(self) -> None:
        self._check_names()
        self._check_request()
        for text in (*self.build_args, *(part for v in self.variants for part in (v.target, v.image) if part)):
            _check_utf8(text)

    def _check_names(self) -> None:
        names = [variant.name for variant in self.variants]
        for name in names:
            if names.count(name) > 1:
                raise UsageError(
                    f"two variants are named {name!r}", hint=f"Give each a name of its own: {VARIANT_FORMS}."
                )
        if self.baseline is not None and self.baseline not in names:
            raise UsageError(
                f"the baseline {self.baseline!r} is no variant of this comparison",
                hint=f"Its variants are: {', '.join(names)}.",
            )
        check_limits(self.limits, names, self.baseline or next(iter(names), None), against=self.against is not None)

    def _check_request(self) -> None:
        if not math.isfinite(self.timeout_s) or self.timeout_s <= 0:
            raise UsageError(f"the timeout {self.timeout_s} is no time", hint="Give seconds: --timeout 60")
        _check_utf8(self.expect.body or "")
        if self.publish_address is not None and not _is_address(self.publish_address):
            raise UsageError(
                f"--publish-address {self.publish_address!r} is no IP address",
                hint="Give one of the engine's machine, or 0.0.0.0 for all of them.",
            )
        if self.keep and self.stop:
            raise UsageError("--keep leaves containers up and --stop stops them", hint="Leave one of them out.")
        if self.platform is not None and not PLATFORM.fullmatch(self.platform):
            raise UsageError(f"{self.platform!r} is no platform", hint="Write it as OS/ARCH: --platform linux/arm64")
        if not ROUTE.fullmatch(self.route):
            raise UsageError(
                f"the route {self.route!r} is no path", hint="Write it as it stands in a URL: --route /healthz"
            )
        if self.expect.body_pattern is not None:
            _check_utf8(self.expect.body_pattern)
            try:
                re.compile(self.expect.body_pattern)
            except (re.error, OverflowError, RecursionError) as exc:
                raise UsageError(
                    f"the body pattern {self.expect.body_pattern!r} is no regular expression: {exc}",
                    hint="Put a backslash before what is meant as it stands, or look for text: --expect-body TEXT",
                ) from exc


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


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _check_utf8(text: str) -> None:
    """Refuse arguments whose bytes were no UTF-8: neither an engine nor a report can hold them."""
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        raise UsageError(f"{text!r} is not UTF-8", hint="Write it in UTF-8.")


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
    if not rest:
        raise UsageError(f"variant {text!r} names no Dockerfile", hint=f"A variant is {VARIANT_FORMS}.")
    path, target = _split_target(rest, folder)
    name = check_name(f"variant {text!r}", name or target or _name_of_file(path))
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
