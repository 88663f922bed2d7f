"""Small reports made in memory, for tests of what is done with them."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from imgcompare.comparison.compare import compare, passed
from imgcompare.model import SCHEMA_VERSION, EngineInfo, Image, Report, Run, Source, Tool, Variant, Verdict

ENGINE = EngineInfo(
    name="Docker Engine",
    version="20.10.24",
    api_version="1.41",
    image_store="classic",
    storage_driver="overlay2",
    os="linux",
    architecture="amd64",
    builder="buildkit",
    endpoint="unix:///run/docker.sock",
    endpoint_source="well-known socket",
    private=True,
)


def variant(name: str, uncompressed_size: int = 400, /, **image: Any) -> Variant:
    """A variant that works, ready after 0.52 s, its image in 6 layers; ``image`` are other fields of the image."""
    made = Image(
        image_id="sha256:" + "a" * 64,
        reference=f"shop:{name}",
        os="linux",
        architecture="amd64",
        uncompressed_size=uncompressed_size,
        layer_count=6,
        history_count=9,
        layers=(),
        user="app",
        exposed_ports=(),
    )
    return Variant(
        name=name,
        source=Source(image=f"shop:{name}"),
        verdict=Verdict.WORKS,
        image=replace(made, **image),
        run=Run(container_port=5000, host_port=49153, ready_after_s=0.52),
    )


def report(*variants: Variant, baseline: str | None = None, **changes: Any) -> Report:
    """A report of variants, the first its baseline unless another is named; ``changes`` are other fields."""
    baseline = baseline or next((each.name for each in variants), "")
    made = Report(
        schema_version=SCHEMA_VERSION,
        tool=Tool(name="imgcompare", version="0.1.0"),
        created="2025-11-21T08:00:00Z",
        engine=ENGINE,
        scenario="default",
        baseline=baseline,
        variants=variants,
        comparison=compare(variants, baseline),
        gates=(),
        passed=passed(variants),
    )
    return replace(made, **changes)
