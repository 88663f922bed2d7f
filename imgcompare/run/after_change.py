"""What a change of the app costs: one file changed as it is sent, the image built again, and thrown away at the end.

Nothing on disk is copied or touched: the file's new end exists in the stream to the builder only.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from imgcompare.dockerfile.copy_sources import copied
from imgcompare.dockerfile.parser import StageInfo
from imgcompare.engine.interface import BuildFailed, EngineImage
from imgcompare.model import AfterChange, Stage
from imgcompare.regex import regex
from imgcompare.run.blueprints import Blueprint
from imgcompare.run.build import build_request, without_export
from imgcompare.run.ledger import IMAGE
from imgcompare.run.plan import Plan
from imgcompare.run.resources import Workbench
from imgcompare.text.printable import printable


class Rebuilt(Struct, frozen=True):
    """The image after a change, on the engine until the run ends, and what its build took."""

    image: EngineImage
    after: AfterChange


def rebuild(plan: Plan, blueprint: Blueprint, bench: Workbench) -> Rebuilt | str:
    """Build a variant again with one file changed, or say why that shows nothing. Raises what a build raises."""
    context, variant = blueprint.context, blueprint.variant
    if context is None:
        return "an existing image is not built"
    file = choose(context.files(), blueprint.needed, context.inside or "")
    if file is None:
        return "the build context holds no file"
    # Of its own for each variant and run: what another one has built already would cost nothing here.
    change = harmless(f"{plan.run_id} {variant.name}")
    request = build_request(plan, blueprint, replace(context, appended=(file, change)), variant.changed_tag)
    shown = printable(file, limit=200)
    request = replace(request, made=partial(bench.ledger.record, IMAGE))
    bench.ledger.record(IMAGE, variant.changed_tag)
    outcome = bench.engine.build(
        without_export(request),
        lambda text: bench.progress.stage(variant.name, Stage.BUILD, f"after a change of {shown}: {text}"),
    )
    if isinstance(outcome, BuildFailed):
        return f"with {shown} changed it cannot be built: {printable(outcome.message, limit=200)}"
    steps = tuple(step.name for step in outcome.build.steps if not step.cached)
    image = bench.engine.image(outcome.image)
    if image is None:
        return "the image that was built with the change is gone"
    if not steps:
        return f"no step takes {shown}, so a change of it changes nothing"
    after = AfterChange(
        changed_file=shown,
        duration_s=outcome.build.duration_s,
        step_count=outcome.build.step_count,
        rebuilt_steps=steps,
    )
    return Rebuilt(image, after)


_CODE = regex(r".*\.(?:js|mjs|cjs|ts|tsx|jsx|rb|go|java|kt|php|rs|c|cc|cpp|cs|ex|html|css)")


# What a change of the app leaves alone: what is installed, how it is built, what tests it, what describes it.
_NO_CODE = regex(
    r"(?:.*/)?(?:tests?/.*|test_.*|conftest\.py|setup\.py|noxfile\.py|requirements.*|constraints.*|pyproject\.toml"
    r"|Pipfile.*|.*\.lock|.*lock\.json|package\.json|\.[^/]*|(?:.*\.)?Dockerfile.*|README.*|LICEN[CS]E.*|Makefile)",
    re.IGNORECASE,
)


_FIRST_NAMES = ("app", "main", "wsgi", "asgi", "server", "views", "index")


_BITS = 64


def choose(files: Iterable[str], stages: Sequence[StageInfo], dockerfile: str) -> str | None:
    """The file of the context that a change of the app most likely changes; None where there is no file at all.

    Of those that ``stages`` copy: Python before other code before the rest, what is named like an app's main module
    before others, near the root before deep below it, then by name. Where none is copied, of all files.
    """
    there = [name for name in files if name != dockerfile]
    patterns = [pattern for stage in stages for pattern in copied(stage.instructions)]
    taken = [name for name in there if any(_takes(pattern, name) for pattern in patterns)]
    return min(taken or there, key=_rank, default=None)


def harmless(token: str) -> bytes:
    """White space that differs for each token: an end of a file that changes what it is and not what it does."""
    number = int.from_bytes(hashlib.sha256(token.encode()).digest()[: _BITS // 8], "big")
    return b"\n" + b"".join(b" " if number >> bit & 1 else b"\n" for bit in range(_BITS)) + b"\n"


def _takes(pattern: str, name: str) -> bool:
    """Whether a COPY source names a file, or a folder that it is in; ``*`` does not go beyond a ``/``."""
    wanted = [part for part in pattern.split("/") if part not in {"", "."}]
    parts = name.split("/")
    return len(parts) >= len(wanted) and all(map(fnmatchcase, parts, wanted))


def _rank(name: str) -> tuple[bool, int, int, int, str]:
    stem = name.rpartition("/")[2].partition(".")[0]
    kind = 0 if name.endswith(".py") else 1 if _CODE.fullmatch(name) else 2
    order = _FIRST_NAMES.index(stem) if stem in _FIRST_NAMES else len(_FIRST_NAMES) + (stem == "__init__")
    return _NO_CODE.fullmatch(name) is not None, kind, order, name.count("/"), name
