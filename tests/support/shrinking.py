"""An image as ``imgcompare shrink`` knows it, from a Dockerfile, what each line wrote, and what was seen inside."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from imgcompare.dockerfile.document import Document
from imgcompare.dockerfile.parser import parse
from imgcompare.image.archive import ArchivedImage
from imgcompare.model import Image, Layer
from imgcompare.remedy.probe import Distribution, Probe, Seen
from imgcompare.remedy.shape import Shape
from imgcompare.remedy.subject import Files, Subject
from imgcompare.run.build import BuiltVariant
from tests.support.cases import PYTHON, SITE, layer, settings
from tests.support.cases import Files as Written

PROBE = Probe(
    python="3.11.2",
    executable="/usr/local/bin/python3",
    prefix="/usr/local",
    folders=(SITE,),
    distributions={"flask": Distribution("3.0", SITE, (), ("flask",))},
    elf={},
    setuptools=(),
    programs={},
    modules={"flask": ""},
    own_modules={},
)


def packages(*names: str, depends: Mapping[str, str] = {}, sections: Mapping[str, str] = {}) -> Written:
    """Dpkg's own files for these packages."""
    status = "".join(
        f"Package: {name}\nStatus: install ok installed\nVersion: 1\nArchitecture: amd64\n"
        f"Section: {sections.get(name, 'libs')}\n" + (f"Depends: {depends[name]}\n" if name in depends else "") + "\n"
        for name in names
    )
    return {"/var/lib/dpkg/status": status}


def subject(
    text: str,
    written: Mapping[int, Written],
    base: Written = PYTHON,
    probe: Probe | None = PROBE,
    name: str = "original",
) -> Subject:
    """The image that a Dockerfile of one stage makes, of which each line in ``written`` made a layer."""
    parsed = parse(text, "Dockerfile")
    instructions = {one.line: one for one in parsed.stages[-1].instructions}
    told = [Layer(diff_id="sha256:base", created_by="", uncompressed_size=0, file_count=0, base=True)]
    layers = [replace(layer(base), diff_id="sha256:base")]
    for line, files in written.items():
        one = instructions[line]
        told.append(
            Layer(
                diff_id=f"sha256:{line}",
                created_by=f"{one.keyword} {one.text}",
                uncompressed_size=0,
                file_count=0,
                dockerfile_line=line,
            )
        )
        layers.append(replace(layer(files), diff_id=f"sha256:{line}"))
    engine_image = settings(parsed.stages[-1:], "python")
    built = BuiltVariant(
        image=replace(engine_image, diff_ids=tuple(one.diff_id for one in told)),
        build=None,
        stand_ins=(),
        base_diff_ids=("sha256:base",),
    )
    image = Image(
        image_id="sha256:0",
        reference=name,
        os="linux",
        architecture="amd64",
        uncompressed_size=0,
        layer_count=len(told),
        history_count=len(told),
        layers=tuple(told),
        user="",
        exposed_ports=(),
    )
    archived = ArchivedImage(config=b"{}", image_id="sha256:0", layers=tuple(layers))
    return Subject(name, built, archived, image, Seen(probe, "" if probe else "it has no Python"))


def shape(text: str, written: Mapping[int, Written], base: Written = PYTHON, probe: Probe | None = PROBE) -> Shape:
    """A Dockerfile taken apart, beside the image it made."""
    document = Document(text)
    return Shape(document, document.stages[-1], subject(text, written, base, probe))


def files(base: Written = PYTHON) -> Files:
    """What a last stage stands on."""
    return Files((layer(base),))
