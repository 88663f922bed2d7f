"""``python -m benchmarks.measure REFERENCE…``: measure images as a run does once they are built, and nothing else."""

from __future__ import annotations

import sys
from pathlib import Path

from imgcompare.building import BuiltVariant
from imgcompare.config import Config, VariantSpec
from imgcompare.image.cache import default_cache
from imgcompare.ledger import Ledger
from imgcompare.measuring import measure_images
from imgcompare.plan import make_plan
from imgcompare.progress import QuietProgress
from imgcompare.session import Connection, connected
from imgcompare.workbench import Workbench


def main(references: list[str]) -> None:
    """Print each image's name and sizes; their sum of categories is checked, so that it cannot have been skipped."""
    specs = tuple(VariantSpec(name=f"v{index}", image=name) for index, name in enumerate(references))
    plan = make_plan(Config(scenario="bench", context=Path(), variants=specs), "bench")
    with connected(Connection(), print) as engine:
        ledger = Ledger(Path.cwd() / "ledger", "bench", engine="", endpoint="")
        bench = Workbench(
            engine=engine,
            progress=QuietProgress(),
            ledger=ledger,
            cache=default_cache(),
            save=lambda _report: None,
            created="",
        )
        built = {}
        for spec in specs:
            image = engine.image(spec.image or "")
            assert image is not None
            built[spec.name] = BuiltVariant(image=image, build=None, stand_ins=())
        for name, measured in measure_images(plan, built.items(), bench).items():
            assert sum(measured.contents.values()) == measured.uncompressed_size
            assert measured.packages.debian
            print(name, measured.uncompressed_size, measured.compressed_size)
        ledger.close(left=False)


if __name__ == "__main__":
    main(sys.argv[1:])
