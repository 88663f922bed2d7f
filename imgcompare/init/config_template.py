"""Pure: the first ``imgcompare.toml`` of a project, written from what its Dockerfiles tell of themselves."""

from __future__ import annotations

import json
from collections.abc import Container, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import NamedTuple

from msgspec import Struct, field
from msgspec.structs import replace

from imgcompare.config.variants import fit_name, parse_variants
from imgcompare.errors import UsageError
from imgcompare.init.discover import FoundDockerfile, FoundService
from imgcompare.init.measured import Measured
from imgcompare.regex import regex
from imgcompare.text.units import format_bytes

_HEAD = """\
# What is compared here, and what has to hold: imgcompare run
# What would run, and where each setting comes from: imgcompare config
# Paths are relative to this file. All keys: docs/config.md of imgcompare.
"""
_CHECK = """\
# expect_status = 200
# expect_body = "ok"      # text in a good reply; without it, all variants must reply like the baseline
# timeout = 60            # seconds to wait for the first reply
"""
_GATES = """\
# Limits: where one is not kept, the run fails (exit code 1). One that names a variant takes the general one's place.
[gates]
# max_size = {size}
# min_saving = "50%"
# max_layers = 20
"""
_BARE_KEY = regex(r"[A-Za-z0-9_-]+")


class Draft(Struct, frozen=True):
    """A comparison to be written: the Dockerfiles of one build context, by the names of the variants.

    ``measured`` is what was measured of some of them.
    """

    name: str
    context: str
    dockerfiles: Mapping[str, FoundDockerfile]
    service: FoundService | None = None
    measured: Mapping[str, Measured] = field(default_factory=dict)

    @property
    def route(self) -> str | None:
        """The route of their HEALTHCHECKs, where those that have one agree."""
        routes = {each.route for each in self.dockerfiles.values() if each.route}
        return routes.pop() if len(routes) == 1 else None

    @property
    def port(self) -> int | None:
        """The port to name, where EXPOSE does not say it for each of them and something else does for all."""
        if not self.unclear:
            return None
        ports = {
            each.port or (each.exposed[0] if len(each.exposed) == 1 else None) for each in self.dockerfiles.values()
        }
        return ports.pop() if len(ports) == 1 else None

    @property
    def unclear(self) -> tuple[str, ...]:
        """The Dockerfiles without exactly one EXPOSE."""
        return tuple(each.path for each in self.dockerfiles.values() if len(each.exposed) != 1)

    @property
    def limit(self) -> Limit | None:
        """How much the smallest image may add to its base: a tenth more than now, in whole megabytes."""
        if not self.measured:
            return None
        name, now = min(self.measured.items(), key=lambda each: each[1].uncompressed_size)
        return Limit(name, -(-now.own_size * 11 // 10_000_000), now.own_size)


class Limit(NamedTuple):
    """A limit for what a variant adds to its base image, and what it adds now."""

    variant: str
    megabytes: int
    now_bytes: int

    def setting(self) -> str:
        """Return it as a key of a table of gates."""
        return f"max_own_size = {_text(f'{self.variant}={self.megabytes}MB')}"

    def __str__(self) -> str:
        return f"{self.variant} may add {self.megabytes} MB to its base image; {format_bytes(self.now_bytes)} now"


def draft(found: Sequence[FoundDockerfile], project: str, service: FoundService | None = None) -> tuple[Draft, ...]:
    """Group Dockerfiles by their build context, and name everything; the project's own folder goes by ``project``.

    That of a ``service`` has the context that its compose file says, and so have those which would have the same.
    """
    if service:
        found = [replace(each, context=service.context) if each.path == service.dockerfile else each for each in found]
    contexts = dict.fromkeys(each.context for each in found)
    tails = [context.rpartition("/")[2] for context in contexts]
    names: dict[str, str] = {}
    for context, tail in zip(contexts, tails, strict=True):
        plain = project if context == "." else tail if tails.count(tail) == 1 else context
        names[context] = _unused(_fit(plain), list(names.values()))
    return tuple(
        Draft(
            names[context],
            context,
            _variants([each for each in found if each.context == context]),
            service if service and service.context == context else None,
        )
        for context in contexts
    )


def write(drafts: Sequence[Draft], schema: str | None = None) -> str:
    """Return the file's text: one comparison at the top, several in tables of their own.

    ``schema`` is a file beside it, which editors with Taplo then read
    (https://taplo.tamasfe.dev/configuration/directives.html).
    """
    return f"#:schema ./{schema}\n{_written(drafts)}" if schema else _written(drafts)


def _written(drafts: Sequence[Draft]) -> str:
    if len(drafts) == 1:
        (only,) = drafts
        gates = _GATES.format(size=f'["250MB", "{list(only.dockerfiles)[-1]}=120MB"]')
        if only.limit:
            gates = gates.replace("[gates]\n", f"[gates]\n{only.limit.setting()}   # {only.limit}\n")
        return "\n".join((_HEAD, f"{_settings(only)}{_CHECK}{_baseline(only)}", f"[variants]\n{_table(only)}", gates))
    gates = _GATES.format(size='"250MB"')
    head = _HEAD.replace("imgcompare run\n", "imgcompare run --all\n")
    return "\n".join((head, f"# For all comparisons:\n{_CHECK}", gates, *map(_comparison, drafts)))


def _comparison(one: Draft) -> str:
    table = f"comparisons.{_key(one.name)}"
    gates = f"gates = {{ {one.limit.setting()} }}   # {one.limit}\n" if one.limit else ""
    return f"[{table}]\n{_settings(one)}{_baseline(one)}{gates}\n[{table}.variants]\n{_table(one)}"


def _settings(one: Draft) -> str:
    lines = [] if one.context == "." else [f"context = {_text(one.context)}"]
    if one.service:
        needs = f", each beside its own {', '.join(one.service.needs)}" if one.service.needs else ""
        lines.append(f"compose = {_text(one.service.file)}   # every variant runs as its service{needs}")
        lines.append(f"service = {_text(one.service.name)}")
    lines.append(
        f"route = {_text(one.route)}   # asked for by HEALTHCHECK"
        if one.route
        else '# route = "/healthz"      # what is asked for; without it, /'
    )
    if one.service:
        lines.append("# container_port = 8000   # without it, the one that the service publishes, or that of EXPOSE")
    elif one.port:
        lines.append(f"container_port = {one.port}")
    else:
        why = f"; not clear for {', '.join(one.unclear)}" if one.unclear else ""
        lines.append(f"# container_port = 8000   # without it, the port of EXPOSE{why}")
    return "".join(f"{line}\n" for line in lines)


def _baseline(one: Draft) -> str:
    name = next(iter(one.dockerfiles))
    return f"# baseline = {_text(name)}   # what the others are compared with; without it, the first\n"


def _table(one: Draft) -> str:
    lines = [f"{_key(name)} = {_dockerfile(each.path, _target(one, each))}\n" for name, each in one.dockerfiles.items()]
    taken = set(one.dockerfiles)
    for each in one.dockerfiles.values():
        for stage in each.stages:
            name = _unused(_fit(stage), taken)
            taken.add(name)
            lines.append(f"# {_key(name)} = {_dockerfile(each.path, stage)}   # a stage before the last\n")
    return "".join(lines)


def _target(one: Draft, found: FoundDockerfile) -> str | None:
    """The stage that the compose file says."""
    return one.service.target if one.service and one.service.dockerfile == found.path else None


def _dockerfile(path: str, target: str | None = None) -> str:
    """A variant as text, or as a table where its path would be read in another way."""
    if ":" in path:
        return f"{{ dockerfile = {_text(path)}" + (f", target = {_text(target)} }}" if target else " }")
    return _text(f"{path}:{target}" if target else path)


def _variants(dockerfiles: Sequence[FoundDockerfile]) -> dict[str, FoundDockerfile]:
    """Name Dockerfiles as the command line would, and what it cannot name by their paths."""
    variants: dict[str, FoundDockerfile] = {}
    try:
        specs = parse_variants([each.path for each in dockerfiles])
        pairs = zip(dockerfiles, specs, strict=True)
        names = [spec.name if Path(each.path) == spec.dockerfile else "" for each, spec in pairs]
    except UsageError:
        names = [""] * len(dockerfiles)
    for each, name in zip(dockerfiles, names, strict=True):
        variants[_unused(name or _fit(each.path), variants)] = each
    return variants


def _fit(text: str) -> str:
    """The text as a name can be."""
    return fit_name(text) or "app"


def _unused(name: str, taken: Container[str]) -> str:
    names = (f"{name}-{number}" if number > 1 else name for number in count(1))
    return next(each for each in names if each not in taken)


def _key(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) else _text(name)


def _text(text: str) -> str:
    """A string of TOML: printable text is written as JSON writes it (https://toml.io/en/v1.0.0#string)."""
    return json.dumps(text, ensure_ascii=False)
