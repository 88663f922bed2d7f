"""The tree of an image's bytes: what it is made of, that nothing is lost, and that it stays small."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from imgcompare.analysis.breakdown import Categories
from imgcompare.analysis.packages import Inventory, Owner
from imgcompare.analysis.size_tree import MAX_DEPTH, MAX_PARTS, grow
from imgcompare.image.layer_index import FileEntry, LayerIndex
from imgcompare.model import Packages, Part, PartKind

OWNED = Inventory(
    packages=Packages(),
    debian_paths={"usr/bin/curl": Owner("curl", "web"), "usr/lib/libcurl.so.4": Owner("libcurl4", "libs")},
    python_paths={"opt/venv/lib/python3.11/site-packages/flask/app.py": "flask"},
    environments=frozenset(),
)


def layer(*entries: tuple[str, int], closing: int = 0) -> LayerIndex:
    """A layer of entries given by their path and all bytes they take, and its closing blocks."""
    return LayerIndex(
        diff_id="",
        uncompressed_size=sum(stored for _, stored in entries) + closing,
        file_count=len(entries),
        compressed_size=0,
        compressed_size_exact=False,
        entries=tuple(FileEntry(path, "0", 0o644, 0, 0, 0, stored, "", b"") for path, stored in entries),
        documents={},
    )


def grown(*layers: LayerIndex) -> tuple[Part, ...]:
    """The tree of layers with OWNED's packages."""
    return grow(layers, Categories(OWNED), OWNED)


def told(part: Part, depth: int = 0) -> Iterator[str]:
    """A part and all beneath it, one line each."""
    yield f"{'  ' * depth}{part.kind} {part.name} {part.size_bytes} {part.entry_count}"
    for child in part.parts:
        yield from told(child, depth + 1)


def every(parts: tuple[Part, ...], depth: int = 1) -> Iterator[tuple[Part, int]]:
    """Every part, with its depth."""
    for part in parts:
        yield part, depth
        yield from every(part.parts, depth + 1)


def leaves(parts: tuple[Part, ...]) -> int:
    """The bytes of all leaves."""
    return sum(part.size_bytes for part, _ in every(parts) if not part.parts)


def test_layers_categories_packages_folders_and_files() -> None:
    """Each level in turn, largest first; a package's files are beneath it, what nobody owns is by folder."""
    image = grown(
        layer(("usr/bin/curl", 300), ("usr/lib/libcurl.so.4", 700), ("usr/bin", 512), ("etc/passwd", 90), closing=1024),
        layer(
            ("app", 512),
            ("app/run.py", 40),
            ("app/static/a.css", 20),
            ("app/static/b.css", 30),
            ("opt/venv/lib/python3.11/site-packages/flask/app.py", 100),
        ),
    )
    assert [line for part in image for line in told(part)] == [
        "layer 1 2626 4",
        "  category system_packages 1602 4",
        "    package libcurl4 700 1",
        "      file usr/lib/libcurl.so.4 700 1",
        "    file usr/bin 512 1",
        "    package curl 300 1",
        "      file usr/bin/curl 300 1",
        "    file etc/passwd 90 1",
        "  category other 1024 0",
        "    end  1024 0",
        "layer 2 702 5",
        "  category application 602 4",
        "    file app 512 1",
        "    folder app/static 50 2",
        "      file b.css 30 1",
        "      file a.css 20 1",
        "    file app/run.py 40 1",
        "  category python_packages 100 1",
        "    package flask 100 1",
        "      file opt/venv/lib/python3.11/site-packages/flask/app.py 100 1",
    ]


def test_many_small_files_are_put_together() -> None:
    """What is under a hundredth of its folder is one part that says how many it stands for."""
    image = grown(layer(("app/model.bin", 1_000_000), *((f"app/{n}.py", 512) for n in range(500))))
    assert list(told(image[0])) == [
        "layer 1 1256000 501",
        "  category application 1256000 501",
        "    file app/model.bin 1000000 1",
        *(f"    file app/{n}.py 512 1" for n in (0, 1, 10, 100, 101, 102, 103)),
        "    rest  252416 493",
    ]


def test_a_small_layer_is_told_as_fully_beside_a_great_one() -> None:
    """The application's files are all there, whatever the base image weighs: layers have equal shares of the parts."""
    base = layer(*((f"usr/share/{a}/{b}/{c}", 512 << a) for a in range(20) for b in range(10) for c in range(10)))
    application = layer(*((f"app/{n}.py", 512) for n in range(9)))
    image = grown(base, application)
    assert sum(part.kind == PartKind.FILE for part, _ in every(image[1:])) == 9
    assert sum(1 for _ in every(image)) <= MAX_PARTS


def test_names_are_printable_and_bounded() -> None:
    """A name from a layer carries no escape sequence, no undecodable byte and no novel into the report."""
    image = grown(layer(("app/\x1b[31m\udcff\u202eevil", 512), ("app/" + "x" * 5000, 512)))
    names = [part.name for part, _ in every(image)]
    assert "evil" in "".join(names)
    assert max(map(len, names)) == 200
    assert msgspec.json.decode(msgspec.json.encode(image), type=tuple[Part, ...]) == image


def test_nesting_ends() -> None:
    """Folders within folders, each with a file of its own, end at a depth that every JSON reader knows to handle."""
    entries = [("a/" * depth + "f", 1 << (100 - depth)) for depth in range(1, 90)]
    assert max(depth for _, depth in every(grown(layer(*entries)))) == MAX_DEPTH + 1


NAMES = st.sampled_from(
    ["usr", "lib", "bin", "curl", "site-packages", "app", ".wh.x", ".", "x.a", "\n", "libcurl.so.4"]
)
ENTRIES = st.lists(st.tuples(st.lists(NAMES, max_size=5).map("/".join), st.integers(512, 1 << 40)), max_size=30)
LAYERS = st.lists(st.builds(lambda entries, closing: layer(*entries, closing=closing), ENTRIES, st.integers(0, 4096)))


@given(LAYERS)
def test_every_byte_is_in_exactly_one_leaf(layers: list[LayerIndex]) -> None:
    """Whatever the layers: leaves add up to the image's size, parts to what they are of, categories to the contents."""
    image = grown(*layers)
    assert [part.size_bytes for part in image] == [layer.uncompressed_size for layer in layers]
    assert leaves(image) == sum(layer.uncompressed_size for layer in layers)
    for part, _ in every(image):
        assert not part.parts or sum(child.size_bytes for child in part.parts) == part.size_bytes
        counts = [child.entry_count for child in part.parts]
        assert not part.parts or sum(counts) == part.entry_count
    categories = Categories(OWNED)
    for part, index in zip(image, layers, strict=True):
        assert {child.name: child.size_bytes for child in part.parts} == {
            str(name): count for name, count in categories.sums(index).items() if count
        }
