"""What runs beside each variant, and how each runs: from a compose file, or ``--with``, ``--volume``, ``--network``.

A compose file is read by Compose; what a flag or the project's file says goes before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from msgspec.structs import replace

from imgcompare.config.build_options import BUILD_NETWORKS
from imgcompare.config.model import Config
from imgcompare.config.project import Values
from imgcompare.engine.options import Mount
from imgcompare.errors import UsageError
from imgcompare.regex import regex
from imgcompare.services.file_names import file_in

NONE = "none"
"""What leaves a compose file aside that would be found."""
_VOLUME = "[NAME:]/PATH (fresh for each variant), or FOLDER:/PATH[:rw] (read-only without :rw)"
_SERVICE_NAME = regex(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def with_services(config: Config, values: Values, environ: Mapping[str, str], folder: Path | None) -> Config:
    """Return the comparison with what its variants need beside themselves.

    ``folder`` is where a compose file is looked for that nobody named; None looks nowhere. Raises UsageError.
    """
    told = {key: values[key].value for key in ("with", "volumes") if key in values}
    network = values["network"].value if "network" in values else None
    options = replace(
        config.options,
        mounts=tuple(map(_mount, told.get("volumes", ()))),
        network=network if network and network not in BUILD_NETWORKS else "",
    )
    config = replace(config, options=options, companions=_companions(told.get("with", ())))
    named = values["compose"].value if "compose" in values else None
    own = config.companions or options.network
    file = file_in(folder) if named is None and folder is not None and not own else None
    if named == NONE or (named is None and file is None):
        return config
    if own:
        raise UsageError(
            "--compose brings companions and a network of its own",
            hint="Leave --with and --network out; services that are missing can stand in the compose file.",
        )
    from imgcompare.config.composed import found, named_service  # noqa: PLC0415 - only where there is such a file

    return found(config, file, values, environ) if file else named_service(config, str(named), values, environ)


def _companions(texts: Sequence[str]) -> tuple[tuple[str, str, Mapping[str, str]], ...]:
    """Read ``NAME=IMAGE[,KEY=VALUE…]``."""
    found: dict[str, tuple[str, str, Mapping[str, str]]] = {}
    for text in texts:
        name, equals, rest = text.partition("=")
        image, *pairs = rest.split(",")
        env = dict(pair.partition("=")[::2] for pair in pairs)
        if not (equals and _SERVICE_NAME.fullmatch(name) and image) or not all("=" in pair for pair in pairs):
            raise UsageError(
                f"--with {text!r} names no companion",
                hint="Write NAME=IMAGE, with its environment if need be: --with db=postgres:16,POSTGRES_PASSWORD=x",
            )
        if name in found:
            raise UsageError(f"two companions are called {name!r}", hint="Give each a name of its own.")
        found[name] = (name, image, env)
    return tuple(found.values())


def _mount(text: str) -> Mount:
    source, target, mode = _parts(text)
    if not target.startswith("/") or mode not in {"", "ro", "rw"}:
        raise UsageError(f"--volume {text!r} is none", hint=f"Write {_VOLUME}.")
    if not source or not ("/" in source or source in {".", ".."}):
        return Mount(target, read_only=mode == "ro")
    folder = Path(source).absolute()
    if not folder.exists():
        raise UsageError(f"--volume {text!r}: there is no {source}", hint=f"Write {_VOLUME}.")
    return Mount(target, "bind", str(folder), read_only=mode != "rw")


def _parts(text: str) -> Iterable[str]:
    parts = text.split(":")
    match parts:
        case [target]:
            return "", target, ""
        case [source, target]:
            return source, target, ""
        case [source, target, mode]:
            return source, target, mode
    return "", "", ""
