"""What real builders write into an image's history leads back to the Dockerfile, and its layers tell whether rightly.

Each instruction that makes a layer puts a file ``STAGE-LINE`` into /made, so that the image itself knows the truth.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from imgcompare.analysis.layer_origin import origins
from imgcompare.config.model import Config
from imgcompare.config.variants import VariantSpec
from imgcompare.console.progress import QuietProgress
from imgcompare.engine.client.engine import SdkEngine
from imgcompare.engine.interface import Endpoint
from imgcompare.image.archive import read_archive
from imgcompare.image.cache import ImageCache
from imgcompare.image.oci import ImageConfig, decode
from imgcompare.run.base_layers import base_layer_count
from imgcompare.run.blueprints import draw_blueprints
from imgcompare.run.build import BuiltVariant, build_variant, provide_bases
from imgcompare.run.ledger import Ledger
from imgcompare.run.plan import make_plan
from imgcompare.run.resources import Workbench

if TYPE_CHECKING:
    from tests.support.engines import OtherEngine

# Whichever of these tests comes first may have root filesystems to make.
pytestmark = pytest.mark.timeout(900)

_MADE = re.compile(r"made/(\w+-\d+)")

BASE = """\
FROM scratch
COPY busybox /bin/sh
COPY busybox /bin/busybox
ENV PATH=/bin
ONBUILD RUN busybox mkdir /made
"""
DOCKERFILE = """\
ARG BASE
FROM $BASE AS base
ARG A=1 B=2
ENV X=1 Y="$A b"
RUN busybox touch \\
  # so
  /made/base-5
SHELL ["/bin/busybox", "sh", "-ec"]
RUN busybox   touch "/made/base-9"
ONBUILD RUN busybox touch /made/base-10
ONBUILD COPY file /made/base-11


FROM base AS prod
WORKDIR /
WORKDIR /made
COPY file Dockerfile /made/prod-17/
COPY --from=base /made/base-5 /made/prod-18
ADD file /made/prod-19
RUN ["/bin/busybox", "touch", "/made/prod-20"]
RUN true
HEALTHCHECK --interval=5s CMD echo ok
EXPOSE 5000 5001
VOLUME /data
USER nobody
STOPSIGNAL SIGINT
LABEL a=b c="d e"
MAINTAINER me
ENTRYPOINT echo hi
CMD ["x", "y"]
FROM prod
COPY file /made/2-32
"""
MADE = ["base-5", "base-9", "base-10", "base-11", "prod-17", "prod-18", "prod-19", "prod-20", "2-32"]
HEREDOCS = """\
FROM scratch AS base
COPY --chmod=0755 busybox /bin/sh
COPY --chmod=0755 --link busybox /bin/busybox
RUN --mount=type=cache,target=/cache <<END
/bin/busybox mkdir /made
/bin/busybox touch /made/base-4
END
RUN /bin/busybox cat <<END > /made/base-8
FROM nothing
END
COPY <<A <<B /made/base-11/
RUN a
A
b
B
WORKDIR /made/base-16
"""


@dataclass(frozen=True)
class Traced:
    """An image's layers: each one's ``STAGE-LINE`` as its files tell, and as its history and the Dockerfile tell."""

    base_layer_count: int | None
    told: tuple[str | None, ...]
    found: tuple[str | None, ...]


class Bench:
    """A project folder and an engine to build it on."""

    def __init__(self, url: str, folder: Path, busybox: bytes) -> None:
        self.folder = folder
        self.bench = Workbench(
            engine=SdkEngine(Endpoint(url=url, source="the test")),
            progress=QuietProgress(),
            ledger=Ledger(folder / "ledger", "run", engine="e", endpoint=url),
            cache=ImageCache(None),
            save=lambda _: None,
            created="2026-01-31T12:00:00Z",
        )
        self.tags: list[str] = []
        (folder / "file").write_text("file")
        (folder / "busybox").write_bytes(busybox)
        (folder / "busybox").chmod(0o755)

    def build(self, text: str, builder: str, base: str = "") -> BuiltVariant:
        """Build a Dockerfile as a run does, under a new tag; without a text, ``base`` is an image to compare."""
        path = self.folder / "Dockerfile"
        path.write_text(text)
        spec = VariantSpec(name="v", dockerfile=path) if text else VariantSpec(name="v", image=base)
        config = Config(
            scenario=f"origin-{len(self.tags)}",
            context=self.folder,
            variants=(spec,),
            builder=builder,
            build_args={"BASE": base},
        )
        plan = make_plan(config, "run")
        blueprints = draw_blueprints(plan)
        self.tags.append(plan.variants[0].tag)
        with ThreadPoolExecutor(1) as pool:
            bases = provide_bases(plan, blueprints, self.bench, pool)
        built, _ = build_variant(plan, blueprints[0], bases, self.bench)
        assert isinstance(built, BuiltVariant), built
        return built

    def trace(self, built: BuiltVariant) -> Traced:
        """Read the image, and let both its files and its history tell where each layer is from."""
        key, count = built.image.image, base_layer_count(built)
        archived = read_archive(self.bench.engine.export([key])).find(key)
        history = decode(archived.config, ImageConfig, "config").history or ()
        found = origins(history, built.stages, count)
        names = [[match[1] for e in layer.entries if (match := _MADE.match(e.path))] for layer in archived.layers]
        told = tuple(name[0] if name else None for name in names)
        return Traced(count, told, tuple(f"{origin.stage}-{origin.line}" if origin else None for origin in found))

    def check(self, builder: str) -> None:
        """Build on a base with triggers; each layer is from where its file says, the others from nowhere."""
        base = self.build(BASE, builder)
        traced = self.trace(self.build(DOCKERFILE, builder, base=self.tags[-1]))
        assert traced.base_layer_count == len(base.image.diff_ids) == 2
        assert [name for name in traced.told if name] == MADE
        # Some builders make layers that hold no file: of WORKDIR (line 16), and of a RUN that does nothing (line 21).
        silent = [found for told, found in zip(traced.told, traced.found, strict=True) if told is None and found]
        assert set(silent) <= {"prod-16", "prod-21"}
        assert [found for found in traced.found if found not in silent] == [None] * 3 + MADE

    def close(self) -> None:
        """Remove the images, the upper ones first, and end the connection."""
        for tag in reversed(self.tags):
            if tag:
                self.bench.engine.remove_image(tag)
        self.bench.ledger.close(left=False)
        self.bench.engine.close()


@pytest.fixture
def here(engine_url: str, busybox: bytes, tmp_path: Path) -> Iterator[Bench]:
    """A bench on the engine that all tests use."""
    with closing(Bench(engine_url, tmp_path, busybox)) as bench:
        yield bench


@pytest.fixture
def elsewhere(other_engine: OtherEngine, busybox: bytes, tmp_path: Path) -> Iterator[Bench]:
    """A bench on each other engine."""
    with closing(Bench(other_engine.url, tmp_path, busybox)) as bench:
        yield bench


@pytest.mark.parametrize("builder", ["buildkit", "classic"])
def test_every_layer_has_its_line(here: Bench, builder: str) -> None:
    """Of both builders: stages below the last, triggers, every kind of instruction; the base's layers have none."""
    here.check(builder)


def test_every_layer_has_its_line_on_other_engines(elsewhere: Bench) -> None:
    """On every engine and store, with the builder it has."""
    elsewhere.check("auto")


@pytest.mark.parametrize("other_engine", ["docker 26", "docker of Debian testing, containerd store"], indirect=True)
def test_heredocs(elsewhere: Bench) -> None:
    """Where the builder knows heredocs, they move no line."""
    traced = elsewhere.trace(elsewhere.build(HEREDOCS, "buildkit"))
    assert (traced.base_layer_count, traced.found[:2]) == (0, ("base-2", "base-3"))
    assert traced.found[2:] == traced.told[2:] == ("base-4", "base-8", "base-11", "base-16")


@pytest.mark.parametrize("builder", ["buildkit", "classic"])
def test_a_base_alone_is_all_base(here: Bench, builder: str) -> None:
    """A Dockerfile that adds nothing has no layer of its own; of an image that is only named, nobody says the base."""
    here.build("FROM scratch\nCOPY file /\nCOPY file /again\n", builder)
    tag = here.tags[-1]
    assert here.trace(here.build("ARG BASE\nFROM $BASE\n", builder, base=tag)) == Traced(2, (None,) * 2, (None,) * 2)
    assert here.trace(here.build("", builder, base=tag)) == Traced(None, (None,) * 2, (None,) * 2)
