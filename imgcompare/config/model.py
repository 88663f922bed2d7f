"""What the user asked for, checked: variants as written on the command line become a Config that leaves no guess."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, field

from imgcompare.check.asked import GET, Asking, RouteCheck
from imgcompare.comparison.limits import Limit, check_limits
from imgcompare.config.accepted import is_platform, is_route, is_timeout, pattern_fault
from imgcompare.config.variants import VARIANT_FORMS, VariantSpec
from imgcompare.engine.options import NO_OPTIONS, BuildOptions, RunOptions
from imgcompare.errors import UsageError
from imgcompare.model import Expectation
from imgcompare.text.redact import secret_values
from imgcompare.text.secrets import is_secret, names_secret

if TYPE_CHECKING:
    from imgcompare.comparison.baseline import Stored
    from imgcompare.services.composed import Composed

UNNAMED = "run"
"""What a comparison of variants from the command line is called."""
_WHO_ASKS = {"authorization", "proxy-authorization", "cookie"}


class Config(Struct, frozen=True, kw_only=True):
    """One comparison as asked for. ``timeout_s`` bounds the wait for a reply; ``jobs`` None means a few at a time.

    ``publish_address`` is an IP address of the engine's machine that ports are published on, None its loopback.
    ``skip_unavailable`` leaves variants out whose images cannot be had, instead of calling them broken. ``health``,
    ``stop``, ``hardened`` and ``after_change`` ask for more to be measured; the report is judged by ``limits``.
    Start and check are measured ``runs`` times, and a build from the cache ``build_runs`` times.
    ``asking`` is how ``route`` is asked; ``more_routes`` are asked beside it, and ``also`` are run inside;
    ``non_root`` has a smaller Dockerfile get a user.
    ``compose`` is the service whose place the variants take, and ``companions`` are images that run beside each (name,
    image, environment); ``options`` are those of each variant's container. ``remarks`` are told before anything is run;
    ``offered`` are services that do not run, with what to do for that.
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
    build: BuildOptions = field(default_factory=BuildOptions)
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
    runs: int = 1
    build_runs: int = 0
    limits: tuple[Limit, ...] = ()
    asking: Asking = GET
    more_routes: tuple[RouteCheck, ...] = ()
    also: tuple[str, ...] = ()
    non_root: bool = False
    compose: Composed | None = None
    companions: tuple[tuple[str, str, Mapping[str, str]], ...] = ()
    options: RunOptions = NO_OPTIONS
    remarks: tuple[str, ...] = ()
    offered: Mapping[str, str] = field(default_factory=dict)
    against: str | None = None
    stored: Stored | None = None

    def __post_init__(self) -> None:
        self._check_names()
        self._check_request()
        images = (part for v in self.variants for part in (v.target, v.image) if part)
        for text in (*self.build_args, *images, *(image for _, image, _ in self.companions)):
            _check_utf8(text)

    @property
    def companion_count(self) -> int:
        """How many containers run beside each variant."""
        return len(self.compose.needs if self.compose else self.companions)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every text that must not be shown of what was given to builds and containers."""
        values = (secret.value.decode("utf-8", "surrogateescape") for secret in self.build.secrets)
        shown = self.compose.variables.values() if self.compose else ()
        # Whatever their ids: that of a "pip_url" would say that its value is none.
        given = {f"SECRET{'_' * index}": value for index, value in enumerate((*values, *self._of_headers(), *shown))}
        others = self.compose.companion_environments() if self.compose else ()
        others = (*others, *(env for _, _, env in self.companions))
        return secret_values(self.build_args, self.env, given, *others)

    def _of_headers(self) -> Iterator[str]:
        """What headers say who is asking, whole and without the scheme before it."""
        for name, value in self.asking.headers:
            if name.lower() in _WHO_ASKS or names_secret(name):
                yield from {value, value.rpartition(" ")[2]}

    @property
    def holds_secrets(self) -> bool:
        """Whether anything secret was given, be it too common a word to be masked."""
        given = (*self.build_args.items(), *self.env.items())
        return (
            bool(self.build.secrets) or any(self._of_headers()) or any(is_secret(name, value) for name, value in given)
        )

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
        if not is_timeout(self.timeout_s):
            raise UsageError(f"the timeout {self.timeout_s} is no time", hint="Give seconds: --timeout 60")
        _check_utf8(self.expect.body or "")
        if self.publish_address is not None and not _is_address(self.publish_address):
            raise UsageError(
                f"--publish-address {self.publish_address!r} is no IP address",
                hint="Give one of the engine's machine, or 0.0.0.0 for all of them.",
            )
        if self.keep and self.stop:
            raise UsageError("--keep leaves containers up and --stop stops them", hint="Leave one of them out.")
        if self.platform is not None and not is_platform(self.platform):
            raise UsageError(f"{self.platform!r} is no platform", hint="Write it as OS/ARCH: --platform linux/arm64")
        if not is_route(self.route):
            raise UsageError(
                f"the route {self.route!r} is no path", hint="Write it as it stands in a URL: --route /healthz"
            )
        if self.expect.body_pattern is not None:
            _check_utf8(self.expect.body_pattern)
            if fault := pattern_fault(self.expect.body_pattern):
                raise UsageError(
                    f"the body pattern {self.expect.body_pattern!r} is no regular expression: {fault}",
                    hint="Put a backslash before what is meant as it stands, or look for text: --expect-body TEXT",
                )


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
