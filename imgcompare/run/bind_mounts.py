"""What a service's bind mounts have to do with a failure: files that are only there, and writing where nobody may."""

from __future__ import annotations

import os
from collections.abc import Iterator
from posixpath import join

from msgspec import Struct
from msgspec.structs import replace

from imgcompare.config.model import Config
from imgcompare.model import Failure, Stage, Variant, Verdict
from imgcompare.regex import regex
from imgcompare.services.composed import Composed
from imgcompare.text.printable import printable

_MODULE = regex(r"No module named '(\w+)")
_NOWHERE = "layer of this image"  # as the diagnosis says of what it has looked for in all files
_PATH = regex(r"/[\w./-]*\w")
_NO_FILE = regex(r"[Nn]o such file|can't open file|not found")
_READ_ONLY = regex(r"Read-only file system(?:: '([^']+)')?")


class _Bind(Struct, frozen=True):
    source: str
    target: str
    read_only: bool


def tell_of_bind_mounts(config: Config, variant: Variant) -> Variant:
    """Return a broken variant with what it is told of the compose file's bind mounts, where they are why."""
    failure, composed = variant.failure, config.compose
    ran = failure is not None and failure.stage in {Stage.RUN, Stage.CHECK} and variant.verdict is Verdict.BROKEN
    if failure is None or composed is None or not ran:
        return variant
    binds = tuple(_binds(composed))
    if composed.unmounted:
        bind = next((each for each in binds if _has_what_is_missing(each, failure)), None)
        return replace(variant, failure=_left_out(failure, composed, bind)) if bind else variant
    bind = next((each for each in binds if not each.read_only and _is_written_to(each, failure)), None)
    if bind is None or config.options.read_only:
        return variant
    # It may write there as the compose file has it: nothing is known of the image by this.
    return replace(variant, verdict=Verdict.NOT_CHECKED, failure=_shown_read_only(failure, bind))


def _binds(composed: Composed) -> Iterator[_Bind]:
    service = composed.resolved["services"][composed.service]
    for volume in service.get("volumes") or ():
        if volume.get("type") == "bind":
            target = str(volume["target"]).rstrip("/") or "/"
            yield _Bind(str(volume["source"]), target, bool(volume.get("read_only")))


def _has_what_is_missing(bind: _Bind, failure: Failure) -> bool:
    """Whether a folder of the user's has the module or the file that the container does not find."""
    lines = (failure.message, *failure.evidence)
    modules = [module for line in lines for module in _MODULE.findall(line) if _NOWHERE in failure.message]
    paths = [path for line in lines if _NO_FILE.search(line) for path in _PATH.findall(line)]
    files = [path.removeprefix(bind.target).strip("/") for path in paths if path.startswith(f"{bind.target}/")]
    names = (*modules, *(f"{module}.py" for module in modules), *files)
    return any(os.path.lexists(join(bind.source, name)) for name in names)


def _is_written_to(bind: _Bind, failure: Failure) -> bool:
    """Whether the app died of writing there; a path that is relative counts from a folder that nobody told."""
    match = next((match for line in reversed(failure.evidence) if (match := _READ_ONLY.search(line))), None)
    path = match[1] if match else None
    return match is not None and (not path or not path.startswith("/") or f"{path}/".startswith(f"{bind.target}/"))


def _left_out(failure: Failure, composed: Composed, bind: _Bind) -> Failure:
    target = printable(bind.target, limit=120)
    return replace(
        failure,
        hint=f"{composed.file.name} mounts a folder with it at {target}, which was left out: COPY it into the image, "
        "which without it is none to ship; or have it, too: --bind-mounts",
        evidence=(*failure.evidence, f"the bind mount at {target} has it, the image has not"),
        fix=(),
        edits=(),
    )


def _shown_read_only(failure: Failure, bind: _Bind) -> Failure:
    source, target = printable(bind.source, limit=120), printable(bind.target, limit=120)
    return replace(
        failure,
        hint=f"--bind-mounts shows {target} read-only, and the app writes there: --volume {source}:{target}:rw",
        fix=(),
        edits=(),
    )
