"""``python -m benchmarks.measure REFERENCE…``: measure images as a run does once they are built, and nothing else."""

from __future__ import annotations

import sys
from pathlib import Path

from imgcompare.config.model import Config
from imgcompare.config.variants import VariantSpec
from imgcompare.console.progress import QuietProgress
from imgcompare.image.cache import default_cache
from imgcompare.run.build import BuiltVariant
from imgcompare.run.ledger import Ledger
from imgcompare.run.measure import measure_images
from imgcompare.run.opening import Connection, connected
from imgcompare.run.plan import make_plan
from imgcompare.run.resources import Workbench


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
        for name, measured in measure_images(plan, built.items(), bench).all().items():
            assert sum(measured.contents.values()) == measured.uncompressed_size
            assert measured.packages.debian
            print(name, measured.uncompressed_size, measured.compressed_size)
        ledger.close(left=False)


if __name__ == "__main__":
    main(sys.argv[1:])
