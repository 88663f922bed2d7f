"""Reports to render, made in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from imgcompare.console.style import Style
from imgcompare.model import (
    Build,
    Check,
    Document,
    Expectation,
    Failure,
    Image,
    Report,
    Run,
    Source,
    Stage,
    Variant,
    Verdict,
)
from imgcompare.render import registry
from imgcompare.render.registry import RenderContext
from imgcompare.reports.history import PastRun
from tests.support.reports import report


def render(
    document: Document,
    format: str,
    style: Style,
    notes: tuple[str, ...] = (),
    past: Sequence[PastRun] = (),
    **page: Any,
) -> str:
    """Render as the commands do; ``page`` is what else a RenderContext holds, such as folder and repository."""
    return registry.render(document, format, RenderContext(style, notes, lambda: past, **page))


MakeVariant = Callable[..., Variant]
MakeReport = Callable[..., Report]


@pytest.fixture(scope="session")
def make_variant() -> MakeVariant:
    """A function that makes a working variant of a name, a size in bytes, and whatever else is to differ."""
    return _variant


@pytest.fixture(scope="session")
def make_report() -> MakeReport:
    """A function that makes a report of variants; the first is the baseline unless named."""
    return report


@pytest.fixture(scope="session")
def single() -> Variant:
    """The single-stage variant of the default comparison."""
    return _variant("single-stage", 957_200_000, layers=7, build=(3.1, 0, 6), ready=0.41, memory=41_200_000)


@pytest.fixture(scope="session")
def multi() -> Variant:
    """The multi-stage variant of the default comparison."""
    return _variant("multi-stage", 199_400_000, layers=6, build=(2.2, 9, 9), ready=0.52, memory=38_900_000)


@pytest.fixture(scope="session")
def tutorial() -> Variant:
    """A variant that is the smallest and does not work."""
    failure = Failure(
        stage=Stage.RUN,
        code="exits-at-once",
        message="The container exited with code 1 before its route answered.",
        hint="COPY --from=builder /usr/local/lib/python3.11/site-packages /usr/local/lib/python3.11/site-packages",
        evidence=("Traceback (most recent call last):", "ModuleNotFoundError: No module named 'flask'"),
    )
    made = _variant("tutorial", 150_100_000, layers=5, build=(72.4, 2, 8), ready=None, memory=None)
    return replace(made, verdict=Verdict.BROKEN, check=None, failure=failure)


def _variant(
    name: str,
    uncompressed_size: int = 100_000_000,
    *,
    layers: int = 6,
    build: tuple[float, int, int] = (2.2, 0, 9),
    ready: float | None = 0.52,
    memory: int | None = 38_900_000,
    **changes: Any,
) -> Variant:
    image = Image(
        image_id="sha256:" + "a" * 64,
        reference=f"imgcompare/default:{len(name)}",
        os="linux",
        architecture="amd64",
        uncompressed_size=uncompressed_size,
        layer_count=layers,
        history_count=layers + 3,
        layers=(),
        user="app",
        exposed_ports=("5000/tcp",),
    )
    made = Variant(
        name=name,
        source=Source(dockerfile=f"dockerfiles/default/{name}.Dockerfile"),
        verdict=Verdict.WORKS,
        image=image,
        build=Build(duration_s=build[0], cached_step_count=build[1], step_count=build[2]),
        run=Run(container_port=5000, host_port=49153, ready_after_s=ready, memory_bytes=memory),
        check=Check(
            passed=True,
            url="http://127.0.0.1:49153/",
            expected=Expectation(),
            status_code=200,
            response_time_s=0.004,
            body_excerpt="Hello, Docker!",
            body_sha256="b" * 64,
        ),
    )
    return replace(made, **changes)
