"""Reading exported archives: every format gives the same image, and nothing incomplete or forged passes."""

from __future__ import annotations

import gzip
import io
import json
import random
import tarfile
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from imgcompare.analysis.analyse import analyse
from imgcompare.analysis.describe import describe, instruction
from imgcompare.errors import ImageFormatError, UsageError
from imgcompare.image import decompress
from imgcompare.image.archive import Archive, ArchivedImage, read_archive

if TYPE_CHECKING:
    from tests.support.images import Make

FORMATS = ("legacy", "oci", "gzip", "zstd", "podman")


def archive(make: Make, form: str, layers: list[bytes] | None = None) -> bytes:
    """The sample image as one engine exports it."""
    layers = layers or make.layers()
    if form in ("gzip", "zstd"):
        return make.containerd(layers, form)
    data: bytes = getattr(make, form)(layers)
    return data


def refused(data: bytes) -> str:
    """The message with which an archive is refused."""
    with pytest.raises(ImageFormatError) as caught:
        read_archive([data])
    return caught.value.message


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("size", [333, 512, 1 << 20])
def test_every_format_gives_the_same_image(make: Make, form: str, size: int) -> None:
    """Digests, sizes and file counts are those of the image, whichever engine wrote the archive."""
    base, upper = make.layers()
    image = read_archive(make.chunks(archive(make, form), size)).find("shop:1")
    assert image.config == make.config([base, upper])
    assert image.image_id == make.digest(image.config)
    assert [layer.diff_id for layer in image.layers] == [make.digest(base), make.digest(upper)]
    assert [layer.uncompressed_size for layer in image.layers] == [len(base), len(upper)]
    assert [layer.file_count for layer in image.layers] == [3, 1]
    for layer, data in zip(image.layers, (base, upper), strict=True):
        assert layer.compressed_size_exact == (form == "gzip")
        assert abs(layer.compressed_size - len(gzip.compress(data))) <= (0 if form == "gzip" else 64)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("key", ["shop:1", "docker.io/library/shop:1", "localhost/shop:1"])
def test_a_reference_is_found_as_any_engine_writes_it(make: Make, form: str, key: str) -> None:
    """Docker shortens references, containerd and podman do not: all forms lead to the image."""
    assert read_archive([archive(make, form)]).find(key).layers


def test_engine_digests_lead_to_the_image(make: Make) -> None:
    """The config's digest (classic store), a manifest's and an index's (containerd store) are all keys."""
    packed = [gzip.compress(layer) for layer in make.layers()]
    config = make.config(make.layers())
    manifest = make.manifest(config, packed)
    nested = make.index(make.descriptor(manifest))
    data = make.tar(
        [*make.blobs(config, manifest, nested, *packed), ("index.json", make.index(make.descriptor(nested)))]
    )
    read = read_archive([data])
    for key in (config, manifest, nested):
        assert read.find(make.digest(key)).image_id == make.digest(config)
        assert read.find(f"shop@{make.digest(key)}").image_id == make.digest(config)
        assert read.find(make.digest(key)[7:]).image_id == make.digest(config)
    with pytest.raises(ImageFormatError, match="no image other"):
        read.find("other")


def test_the_platform_asked_for_is_preferred(make: Make) -> None:
    """An index with several complete platforms gives the one asked for, however it is spelled, else the first."""
    layers = make.layers()
    configs = [make.config(layers), make.config(layers, architecture="arm64", variant="v8")]
    manifests = [make.manifest(config, layers) for config in configs]
    nested = make.index(*map(make.descriptor, manifests))
    blobs = make.blobs(*configs, *manifests, nested, *layers)
    read = read_archive([make.tar([*blobs, ("index.json", make.index(make.descriptor(nested)))])])
    found = [
        read.find(make.digest(nested), platform=platform).image_id
        for platform in (None, "linux/amd64", "linux/amd64/v3", "linux/arm64", "linux/arm64/v8", "linux/aarch64")
    ]
    amd64, arm64 = map(make.digest, configs)
    assert found == [amd64, amd64, amd64, arm64, arm64, arm64]
    with pytest.raises(UsageError, match=r"2 images: \S+ \(linux/amd64\); \S+ \(linux/arm64/v8\)\."):
        read.find(make.digest(nested), platform="linux/s390x")
    assert [image.image_id for image in read.images] == [amd64, arm64]


def test_a_repeated_layer_counts_twice(make: Make) -> None:
    """Docker exports a repeated layer as a link; the image has it twice all the same, and a registry holds it once."""
    layer = make.tar([("a", b"a")])
    image = read_archive([make.legacy([layer, layer])]).find("shop:1")
    assert describe(image).uncompressed_size == 2 * len(layer)
    once = describe(read_archive([make.legacy([layer])]).find("shop:1"))
    assert describe(image).compressed_size == once.compressed_size


def test_empty_layers_are_layers(make: Make) -> None:
    """A tar without entries, and one without even its closing blocks, are what some builders write."""
    image = read_archive([make.legacy([bytes(1024), make.tar([("a", b"")])[:512]])]).find("shop:1")
    assert [(layer.uncompressed_size, layer.file_count) for layer in image.layers] == [(1024, 0), (512, 1)]


@pytest.mark.parametrize("pack", ["members", "frames", "skippable"])
def test_seekable_compression_is_read_whole(make: Make, pack: str) -> None:
    """Gzip of many members (eStargz) and zstd of many or skippable frames (zstd:chunked) are one layer."""
    layer = make.tar([("a", random.Random(1).randbytes(300_000)), ("b", b"b" * 300_000)])
    parts = list(make.chunks(layer, 700))
    if pack == "members":
        packed = b"".join(map(gzip.compress, parts))
    else:
        packed = b"".join(zstandard.ZstdCompressor(write_content_size=False).compress(part) for part in parts)
    if pack == "skippable":
        packed += b"\x50\x2a\x4d\x18" + (5).to_bytes(4, "little") + b"table"
    config = make.config([layer])
    manifest = make.manifest(config, [packed])
    index = make.index(make.descriptor(manifest))
    data = make.tar([*make.blobs(packed, config, manifest), ("index.json", index)])
    for size in (1000, 1 << 20):
        (image,) = read_archive(make.chunks(data, size)).images
        assert image.layers[0].uncompressed_size == len(layer)
        assert (image.layers[0].compressed_size == len(packed)) == image.layers[0].compressed_size_exact
        assert image.layers[0].compressed_size_exact == (pack == "members")


def _layout(make: Make, *rows: dict[str, Any], blobs: Sequence[bytes]) -> Archive:
    """An OCI layout of these rows and blobs."""
    return read_archive([make.tar([*dict(make.blobs(*blobs)).items(), ("index.json", make.index(*rows))])])


def test_bytes_after_a_layers_end_are_counted(make: Make) -> None:
    """As eStargz leaves them: the digest covers them, so does the size; of the entries they change nothing."""
    plain = make.tar([("a", b"a" * 1000)])
    for rest in (b"x", b"footer" * 300, bytes(10240) + b"x"):
        layer = plain + rest
        (image,) = read_archive([make.legacy([layer])]).images
        assert image.layers[0].uncompressed_size == len(layer)
        assert [entry.path for entry in image.layers[0].entries] == ["a"]
        assert sum(part.size_bytes for part in analyse(image, None).tree) == len(layer)


def test_bytes_after_a_packed_layers_end_are_counted(make: Make) -> None:
    """Packed as eStargz packs: a gzip member for each part, one behind the tar's end, an empty one after all."""
    plain, rest = make.tar([("a", b"a" * 1000)]), b"footer" * 300
    packed = b"".join(gzip.compress(part, mtime=0) for part in (plain[:512], plain[512:], rest, b""))
    config = make.config([plain + rest])
    manifest = make.manifest(config, [packed])
    archive = _layout(make, make.descriptor(manifest), blobs=[packed, config, manifest])
    (layer,) = archive.only().layers
    assert (layer.diff_id, layer.uncompressed_size) == (make.digest(plain + rest), len(plain + rest))
    assert (layer.compressed_size, layer.compressed_size_exact) == (len(packed), True)
    assert [entry.path for entry in layer.entries] == ["a"]


def test_a_sparse_file_has_its_real_size_and_the_layer_s_bytes_stay_exact(make: Make) -> None:
    """Shown as large as a container sees it; sums of layers, and what deleting it saves, count what is stored."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        info = tarfile.TarInfo("GNUSparseFile.0/disk.img")
        info.size = 1024
        info.pax_headers = {
            "GNU.sparse.major": "1",
            "GNU.sparse.minor": "0",
            "GNU.sparse.name": "var/disk.img",
            "GNU.sparse.realsize": str(1 << 30),
        }
        archive.addfile(info, io.BytesIO(b"1\n0\n512\n".ljust(512, b"\0") + b"x" * 512))
    layer = buffer.getvalue()
    (image,) = read_archive([make.legacy([layer])]).images
    told = analyse(image, None)
    assert [(one.path, one.size_bytes) for one in told.largest_files] == [("var/disk.img", 1 << 30)]
    assert sum(part.size_bytes for part in told.tree) == told.uncompressed_size == len(layer)
    gone = make.tar([("var/.wh.disk.img", b"")])
    (image,) = read_archive([make.legacy([layer, gone])]).images
    assert 1024 <= (analyse(image, None).wasted_bytes or 0) <= len(layer)


def test_signatures_and_artifacts_beside_an_image_are_named(make: Make) -> None:
    """A layout may hold a signature (with an image's config), an artifact, a chart: the image is read all the same."""
    layers = make.layers()
    config = make.config(layers)
    manifest, claims = make.manifest(config, layers), b'{"critical": {}}'
    signed = {
        "architecture": "",
        "os": "",
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": [make.digest(claims)]},
    }
    signature_config = json.dumps(signed).encode()
    simple = "application/vnd.dev.cosign.simplesigning.v1+json"
    signature = json.dumps(
        {"config": make.descriptor(signature_config), "layers": [make.descriptor(claims, mediaType=simple)]}
    ).encode()
    empty = make.descriptor(b"{}", mediaType="application/vnd.oci.empty.v1+json")
    artifact = json.dumps({"artifactType": "application/vnd.sbom", "config": empty, "layers": [empty]}).encode()
    chart_config = make.descriptor(b'{"name": "shop"}', mediaType="application/vnd.cncf.helm.config.v1+json")
    chart = json.dumps({"config": chart_config, "layers": [make.descriptor(claims)]}).encode()
    named = {"org.opencontainers.image.ref.name": "sha256-0.sig"}
    rows = [make.descriptor(manifest), make.descriptor(signature, annotations=named)]
    rows += [make.descriptor(artifact), make.descriptor(chart)]
    blobs = [
        *layers,
        config,
        manifest,
        claims,
        signature_config,
        signature,
        b"{}",
        artifact,
        b'{"name": "shop"}',
        chart,
    ]
    read = _layout(make, *rows, blobs=blobs)
    image = read.only()
    assert image.image_id == make.digest(config)
    assert read.beside(image) == (
        f"It also has sha256-0.sig:latest, which is no image but {simple}; "
        f"{make.digest(artifact)}, which is no image but application/vnd.sbom; "
        f"{make.digest(chart)}, which is no image but application/vnd.cncf.helm.config.v1+json."
    )
    with pytest.raises(ImageFormatError, match=r"sha256-0\.sig is no image, but application/vnd\.dev\.cosign"):
        read.find("sha256-0.sig")
    with pytest.raises(ImageFormatError, match=r"names no image, but application/vnd\.sbom"):
        _layout(make, make.descriptor(artifact), blobs=[b"{}", artifact])


def test_images_of_one_name_are_told_apart(make: Make) -> None:
    """Where a layout gives two images one name, each has its digest and platform, and none is taken at random."""
    layers = make.layers()
    configs = [make.config(layers), make.config(layers, config={}), make.config(layers, architecture="arm64")]
    manifests = [make.manifest(config, layers) for config in configs]
    latest = {"org.opencontainers.image.ref.name": "latest"}
    rows = [make.descriptor(manifest, annotations=latest) for manifest in manifests]
    read = _layout(make, *rows, blobs=[*layers, *configs, *manifests])
    with pytest.raises(UsageError, match=r"has 3 images: sha256:\w+ \(linux/amd64\); sha256:\w+ \(linux/amd64\); "):
        read.only()
    with pytest.raises(UsageError, match=r"has 2 images: "):
        read.find("latest", platform="linux/amd64")
    assert read.only(platform="linux/arm64").image_id == make.digest(configs[2])
    assert read.find(make.digest(manifests[1])).image_id == make.digest(configs[1])
    two = _layout(make, rows[0], rows[2], blobs=[*layers, *configs, *manifests])
    assert two.only().image_id == make.digest(configs[0])  # one image for two platforms, as far as names tell
    assert two.beside(two.only()).endswith("(linux/arm64).")


@pytest.mark.parametrize("form", FORMATS)
def test_truncation_at_any_block_is_an_error(make: Make, form: str) -> None:
    """No prefix of an archive passes for the archive."""
    data = archive(make, form)
    content = len(data.rstrip(b"\0"))
    for end in range(0, content + 512, 512):
        refused(data[:end])


@pytest.mark.parametrize("form", FORMATS)
def test_a_flipped_bit_never_changes_a_figure(make: Make, form: str) -> None:
    """A damaged archive is refused, or the damage was in what no figure comes from."""
    data = archive(make, form)
    whole = read_archive([data]).find("shop:1")
    chance = random.Random(form)
    for _ in range(400):
        damaged = bytearray(data)
        damaged[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        with suppress(ImageFormatError):
            assert read_archive([bytes(damaged)]).find("shop:1") == whole


@pytest.mark.parametrize("form", FORMATS)
def test_each_missing_blob_is_named(make: Make, form: str) -> None:
    """Without the blob of its lower layer the archive is refused, and the message says what is missing."""
    base = make.layers()[0]
    data = archive(make, form)
    packed = {"gzip": gzip.compress(base, mtime=0), "zstd": zstandard.ZstdCompressor().compress(base)}
    blob = packed.get(form, base)
    at = data.index(blob) - 512
    cut = data[:at] + data[at + 512 + len(blob) + -len(blob) % 512 :]
    assert "missing" in refused(cut)


def test_what_no_image_needs_may_be_damaged(make: Make) -> None:
    """A blob that is not what its name says, and one whose packing is damaged, are no reason not to read the image."""
    extra = [("blobs/sha256/" + "0" * 64, b"forged"), ("junk", gzip.compress(b"a" * 999)[:-9])]
    (image,) = read_archive([oci(make, extra=extra)]).images
    assert [entry.path for entry in image.layers[0].entries] == ["a"]


def oci(make: Make, **changes: Any) -> bytes:
    """An OCI archive of one layer in which a document is replaced."""
    layer = changes.get("layer", make.tar([("a", b"a")]))
    config = changes.get("config", make.config([layer]))
    manifest = changes.get("manifest", make.manifest(config, [layer]))
    index = changes.get("index", make.index(make.descriptor(manifest)))
    extra = changes.get("extra", [])
    return make.tar([*make.blobs(layer, config, manifest), ("index.json", index), *extra])


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"index": b"null"}, "index.json"),
        ({"index": b"[]"}, "index.json"),
        ({"index": b"{}"}, "names no image"),
        ({"index": b'{"manifests": [{"digest": "../../etc/passwd"}]}'}, "no sha256 digest"),
        ({"index": b'{"manifests": [{"digest": "sha256:ABC"}]}'}, "no sha256 digest"),
        ({"index": b'{"manifests": [null]}'}, "index.json"),
        ({"index": b'{"manifests":' + b"[" * 200_000}, "index.json"),
        ({"index": b'{"other":' + b'{"a":' * 200_000}, "nested too deep"),
        ({"index": b'{"manifests": [], "x": "' + b"x" * (9 << 20) + b'"}'}, "too large"),
        ({"index": b'{"manifests": ' + b"9" * 5000 + b"}"}, "index.json"),
        ({"index": b"\xff\xfe"}, "no JSON"),
        ({"manifest": b"null"}, "manifest"),
        ({"config": b"[]"}, "config"),
        ({"config": b'{"os": "linux", "architecture": "amd64", "rootfs": {"diff_ids": null}}'}, "lists 0 layers"),
        ({"layer": b"no tar"}, "is no tar"),
        ({"layer": gzip.compress(b"no tar")}, "is no tar"),
        ({"extra": [("index.json", b"{}")]}, "two different files"),
    ],
)
def test_hostile_documents_are_refused(make: Make, changes: dict[str, Any], problem: str) -> None:
    """Null, deep, huge and malformed documents and digests that are paths end in an error that names the place."""
    assert problem in refused(oci(make, **changes))


def test_manifest_json_is_checked_too(make: Make) -> None:
    """Null rows, foreign paths, circular links and other digests than the config's are refused."""
    layer = make.tar([("a", b"a")])
    config = make.config([layer])
    name = f"{make.digest(config)[7:]}.json"
    loop = [make.special("x", b"2", "y"), make.special("y", b"2", "x")]
    for rows, problem in (
        (b"null", "manifest.json"),
        (b"[null]", "manifest.json"),
        (b"[]", "names no image"),
        (json.dumps([{"Config": "../../etc/passwd", "Layers": []}]).encode(), "missing"),
        (json.dumps([{"Config": name, "Layers": ["x"]}]).encode(), "missing"),
        (json.dumps([{"Config": name, "Layers": []}]).encode(), "lists 1 layers"),
        (json.dumps([{"Config": name, "Layers": ["other.bin"]}]).encode(), "not sha256:"),
    ):
        other = ("other.bin", make.tar([("b", b"")]))
        assert problem in refused(make.tar([(name, config), other, *loop, ("manifest.json", rows)]))
    assert "neither" in refused(make.tar([("hello", b"world")]))


def test_an_index_that_fans_out_ends(make: Make) -> None:
    """Indexes that name each other many times over are cut off, not followed for ever."""
    level = make.index({"digest": make.digest(b"absent")})
    blobs = [level]
    for _ in range(6):
        level = make.index(*[make.descriptor(level)] * 50)
        blobs.append(level)
    top = make.index(make.descriptor(level))
    assert "more than" in refused(make.tar([*make.blobs(*blobs), ("index.json", top)]))


@pytest.mark.parametrize("codec", ["gzip", "zstd"])
def test_bombs_and_damage_in_compressed_blobs(make: Make, codec: str) -> None:
    """Damaged compressed data is refused wherever it is cut or changed."""
    layer = make.tar([("a", random.Random(1).randbytes(20_000))])
    packed = gzip.compress(layer) if codec == "gzip" else zstandard.ZstdCompressor().compress(layer)
    config = make.config([layer])
    for bad in (packed[:-9], packed[: len(packed) // 2], packed + b"garbage", packed[:100] + b"\0" * 50 + packed[150:]):
        manifest = make.manifest(config, [bad])
        refused(oci(make, layer=bad, config=config, manifest=manifest))


def test_a_zstd_window_is_bounded(make: Make) -> None:
    """A frame that asks for two gigabytes of window is refused before they are allocated."""
    frame = b"\x28\xb5\x2f\xfd\x00" + bytes((21 << 3,)) + b"\x01\x00\x00"
    assert "compressed blob" in refused(make.tar([("blob", frame)]))


def test_a_zstd_bomb_is_cut_off(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run-length blocks expand 40,000 times: past the allowance (lowered here) the blob is cut off by limit."""
    monkeypatch.setattr(decompress, "_FREE_OF_RATIO", 8 << 20)
    block = (128 << 10 << 3 | 1 << 1).to_bytes(3, "little") + b"\0"
    frame = b"\x28\xb5\x2f\xfd\x00" + bytes((7 << 3,)) + block * 900
    assert "cut off by limit" in refused(make.tar([("blob", frame)]))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_fuzzed_archives_raise_only_our_error(make: Make, data: st.DataObject) -> None:
    """Random damage to any format, and random documents, end in ImageFormatError or in an archive."""
    good = bytearray(archive(make, data.draw(st.sampled_from(FORMATS))))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(good) - 1))
        junk = data.draw(st.binary(min_size=1, max_size=40))
        good[place : place + len(junk)] = junk
    document = data.draw(
        st.recursive(
            st.none() | st.integers() | st.text(),
            lambda s: (
                st.lists(s)
                | st.dictionaries(
                    st.sampled_from(["manifests", "config", "layers", "digest", "size", "annotations"]), s
                )
            ),
        )
    )
    for candidate in (bytes(good), make.tar([("index.json", json.dumps(document).encode())])):
        with suppress(ImageFormatError):
            assert isinstance(read_archive([candidate]), Archive)


def test_describes_an_image_for_the_report(make: Make) -> None:
    """Layers carry the instruction that made them; empty history rows make no layer but are counted."""
    layers = make.layers()
    image = describe(read_archive([make.containerd(layers)]).find("shop:1"))
    assert [layer.created_by for layer in image.layers] == ["ADD file:0123 in /", "COPY app /app"]
    assert (image.layer_count, image.history_count, image.os, image.architecture) == (2, 3, "linux", "amd64")
    assert (image.user, image.exposed_ports) == ("app", ("8000/tcp",))
    assert image.uncompressed_size == sum(map(len, layers))
    assert image.compressed_size == sum(len(gzip.compress(layer)) for layer in layers)
    assert image.compressed_size_exact


@pytest.mark.parametrize("history", [None, [], [{"created_by": None}], [{"empty_layer": True, "created_by": "ENV"}]])
def test_history_may_be_missing(make: Make, history: list[Any] | None) -> None:
    """An image without history, or with less of it than layers, still has its layers."""
    layers = make.layers()
    image = read_archive([make.legacy(layers, make.config(layers, history=history))]).find("shop:1")
    described = describe(image)
    assert [layer.created_by for layer in described.layers] == ["", ""]
    assert described.compressed_size == sum(layer.compressed_size or 0 for layer in described.layers) > 0
    assert described.compressed_size_exact is False


def test_hostile_text_is_made_printable(make: Make) -> None:
    """Escapes and bidi characters of a config do not reach the report."""
    layers = [make.tar([("a", b"")])]
    config = make.config(
        layers, history=[{"created_by": "RUN \x1b[2Jecho \u202eevil"}], config={"User": "\x1b[31mroot"}
    )
    image: ArchivedImage = read_archive([make.legacy(layers, config)]).find("shop:1")
    assert describe(image).layers[0].created_by == "RUN echo evil"
    assert describe(image).user == "root"


@pytest.mark.parametrize(
    ("created_by", "expected"),
    [
        ('/bin/sh -c #(nop)  CMD ["python3"]', 'CMD ["python3"]'),
        ("/bin/sh -c #(nop) COPY dir:0123 in /app ", "COPY dir:0123 in /app"),
        ("/bin/sh -c pip install flask", "RUN pip install flask"),
        ("RUN /bin/sh -c pip install flask # buildkit", "RUN pip install flask"),
        ("RUN /bin/bash -o pipefail -c set -e; make # buildkit", "RUN set -e; make"),
        ("RUN pip install flask # buildkit", "RUN pip install flask"),
        ("COPY app.py . # buildkit", "COPY app.py ."),
        ("RUN |1 TOKEN=s3cret /bin/sh -c make # buildkit", "RUN make (ARG TOKEN)"),
        ("|2 A=hello world TOKEN=s3cret /bin/sh -c make all", "RUN make all (ARG A, TOKEN)"),
        ("|2 A=/bin/sh -c x B=s3cret /bin/sh -c make", "RUN make (ARG A, B)"),
        ("|1 TOKEN=s3cret unknown-shell", "RUN (ARG TOKEN)"),
        ("|0 /bin/sh -c make", "RUN make"),
        ("# debian.sh --arch 'amd64' out/ 'bookworm'", "# debian.sh --arch 'amd64' out/ 'bookworm'"),
        ("RUN /bin/sh -c a &&\t\\\n    b # buildkit", "RUN a && \\ b"),
        ("bazel build ...", "bazel build ..."),
        ("", ""),
    ],
)
def test_history_reads_like_the_dockerfile(created_by: str, expected: str) -> None:
    """Each builder's marks are removed, and no value of a build argument remains."""
    assert instruction(created_by) == expected


def test_long_history_is_cut() -> None:
    """A row of megabytes costs nothing and is shown in 300 characters."""
    for row in ("x" * 5_000_000, "|9 " + "A=" * 1_000_000, "/a" * 1_000_000, "RUN " + "/sh -x" * 1_000_000):
        assert len(instruction(row)) <= 300
