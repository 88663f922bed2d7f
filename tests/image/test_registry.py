"""Images read from registries: guarded or not, with blobs elsewhere, of several platforms, damaged or foreign."""

from __future__ import annotations

import gzip
import json
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import zstandard
from msgspec.structs import replace

from imgcompare.errors import ImageFormatError, ImgcompareError, RegistryError, UsageError
from imgcompare.image import registry_reference
from imgcompare.image.archive import ArchivedImage
from imgcompare.image.cache import ImageCache
from imgcompare.image.file_content import content_in_layer
from imgcompare.image.registry import layer_chunks, read_remote
from imgcompare.image.registry_reference import mirrored, parse_remote
from tests.support.images import Make
from tests.support.registry import OCI, PASSWORD, USER, FakeRegistry, serving


def known(_host: str) -> tuple[str, str]:
    """A login that knows the password."""
    return USER, PASSWORD


def unknown(_host: str) -> tuple[str, str]:
    """A login that knows none."""
    return "", ""


@pytest.fixture
def registry(make: Make) -> Iterator[FakeRegistry]:
    """A registry with an image for two platforms, whose layers are packed with gzip."""
    layers = make.layers()
    registry = FakeRegistry()
    rows = []
    for architecture in ("amd64", "arm64"):
        config = make.config(layers, architecture=architecture)
        row = registry.image(config, [gzip.compress(layer, mtime=0) for layer in layers], architecture)
        rows.append({**row, "platform": {"os": "linux", "architecture": architecture}})
    claims = registry.image(b'{"rootfs": {"diff_ids": []}}', [])
    rows.append({**claims, "annotations": {"vnd.docker.reference.type": "attestation-manifest"}})
    registry.put(json.dumps({"schemaVersion": 2, "manifests": rows}).encode(), f"{OCI}.index.v1+json", "1.4")
    with serving(registry):
        yield registry


def read(
    registry: FakeRegistry, tail: str = ":1.4", platform: str | None = "linux/amd64", **login: object
) -> ArchivedImage:
    """Read the image without a cache."""
    remote = parse_remote(f"{registry.name}/shop/app{tail}")
    return read_remote(remote, login.get("login", known), ImageCache(None), platform=platform)  # type: ignore[arg-type]


@pytest.mark.parametrize("platform", ["linux/amd64", "linux/arm64"])
def test_an_index_leads_to_the_platform_s_image(registry: FakeRegistry, make: Make, platform: str) -> None:
    """Sizes, layers and identity are those of an archive, the compressed ones exact."""
    image = read(registry, platform=platform)
    config = make.config(make.layers(), architecture=platform.partition("/")[2])
    assert (image.image_id, image.config) == (make.digest(config), config)
    assert [layer.diff_id for layer in image.layers] == [make.digest(layer) for layer in make.layers()]
    assert [layer.compressed_size for layer in image.layers] == [len(gzip.compress(x, mtime=0)) for x in make.layers()]
    assert all(layer.compressed_size_exact for layer in image.layers)


def test_one_file_is_read_out_of_its_layer(registry: FakeRegistry) -> None:
    """Only the one blob is asked for once more, with the password where that is wanted."""
    registry.guard = "token"
    entry = next(e for e in read(registry).layers[1].entries if e.path == "app/app.py")
    registry.asked.clear()
    remote = parse_remote(f"{registry.name}/shop/app:1.4")
    with layer_chunks(remote, known, 1, platform="linux/amd64") as chunks:
        assert content_in_layer(chunks, entry) == b"print()\n"
    assert sum("/blobs/" in path for _, path, _ in registry.asked) == 1


def test_a_digest_goes_before_a_tag(registry: FakeRegistry, make: Make) -> None:
    """And what it names must have it."""
    wanted = make.digest(registry.contents["arm64"])
    assert json.loads(read(registry, f":1.4@{wanted}", None).config)["architecture"] == "arm64"
    registry.contents[wanted] += b" "
    with pytest.raises(RegistryError, match="something else than sha256:"):
        read(registry, f"@{wanted}", None)


def test_a_platform_that_is_not_there(registry: FakeRegistry) -> None:
    """Those that are there are named."""
    with pytest.raises(UsageError, match="not there for linux/s390x; it is for linux/amd64, linux/arm64"):
        read(registry, platform="linux/s390x")


@pytest.mark.parametrize("redirect", [False, True])
@pytest.mark.parametrize("guard", ["", "basic", "token"])
def test_a_password_goes_to_its_registry_alone(registry: FakeRegistry, guard: str, redirect: bool) -> None:
    """Whether it is asked for itself or for a token; where blobs lie elsewhere, neither goes there."""
    registry.guard, registry.redirect = guard, redirect
    assert len(read(registry).layers) == 2
    asked_elsewhere = [who for where, _, who in registry.asked if where == "store"]
    assert len(asked_elsewhere) == (3 if redirect else 0)
    assert not any(asked_elsewhere)
    assert any(who for where, _, who in registry.asked if where == "registry") == bool(guard)


@pytest.mark.parametrize("guard", ["basic", "token"])
def test_a_registry_that_does_not_let_us_in(registry: FakeRegistry, guard: str) -> None:
    """Says how to log in, and nothing is read from ~/.netrc."""
    registry.guard = guard
    with pytest.raises(UsageError, match=r"does not let us read shop/app") as caught:
        read(registry, login=unknown)
    assert caught.value.hint == f"docker login 127.0.0.1:{registry.port}"


def test_a_netrc_is_not_asked(registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What other programs log in with is not ours to send."""
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login other password other\n", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    read(registry)
    assert {who for _, _, who in registry.asked} == {""}


def test_layers_that_are_known_are_not_fetched(registry: FakeRegistry, tmp_path: Path) -> None:
    """The second time only the manifests and the config are."""
    cache = ImageCache(tmp_path)
    remote = parse_remote(f"{registry.name}/shop/app:1.4")
    first = read_remote(remote, known, cache, platform="linux/amd64")
    registry.asked.clear()
    assert read_remote(remote, known, cache, platform="linux/amd64") == first
    assert sum("/blobs/" in path for _, path, _ in registry.asked) == 1


def test_layers_of_zstd(registry: FakeRegistry, make: Make) -> None:
    """Are read as they are; their size as gzip would have it is estimated, as everywhere."""
    layers = make.layers()
    packed = [zstandard.ZstdCompressor().compress(layer) for layer in layers]
    registry.image(make.config(layers), packed, "zstd", "zstd")
    image = read(registry, ":zstd", None)
    assert [layer.diff_id for layer in image.layers] == [make.digest(layer) for layer in layers]
    assert not image.layers[0].compressed_size_exact


def test_bytes_after_a_layer_s_end(registry: FakeRegistry, make: Make) -> None:
    """EStargz keeps a member of its own behind the tar; it counts, and is no fault."""
    layer = make.layers()[0]
    whole = layer + b"footer".ljust(512, b"\1")
    registry.image(make.config([whole]), [gzip.compress(layer) + gzip.compress(whole[len(layer) :])], "stargz")
    assert read(registry, ":stargz", None).layers[0].uncompressed_size == len(whole)


def test_a_damaged_layer_is_not_waited_for_by_the_others(registry: FakeRegistry, make: Make) -> None:
    """Layers are read side by side: where one is none, the others under way are broken off, also one that stalls."""
    base = make.layers()[0]
    packed = gzip.compress(base, mtime=0)
    manifest = registry.image(make.config([base, b"other"]), [packed, gzip.compress(b"no tar", mtime=0)], "two")
    registry.stalled = make.digest(packed)
    began = time.monotonic()
    try:
        with pytest.raises(ImageFormatError, match=r"Layer 2 .* is not what"):
            read(registry, f"@{manifest['digest']}", None)
    finally:
        registry.go_on.set()
    assert time.monotonic() - began < 30  # a connection that says nothing is given up after 60 s


def test_of_a_large_image_it_is_told_how_much_has_come(registry: FakeRegistry, make: Make) -> None:
    """Of all layers together, against what the manifest says of them; of a small one nothing."""
    noise = [random.Random(seed).randbytes(9 << 20) for seed in range(2)]
    layers = [make.tar([("a", content)]) for content in noise]
    packed = [gzip.compress(layer, 1, mtime=0) for layer in layers]
    registry.image(make.config(layers), packed, "large")
    told: list[tuple[int, int]] = []
    for tag in ("large", "1.4"):
        remote = parse_remote(f"{registry.name}/shop/app:{tag}")
        read_remote(remote, known, ImageCache(None), platform=None, told=lambda *said: told.append(said))
    assert [done >> 23 for done, _ in told] == [1, 2]
    assert {total for _, total in told} == {sum(map(len, packed))}


def test_what_is_damaged_on_the_way(registry: FakeRegistry) -> None:
    """Is never shown as the image."""
    registry.damage = True
    with pytest.raises(ImgcompareError, match=r"something else than|damaged|not what"):
        read(registry)


def test_docker_hub_s_images_come_from_a_mirror(registry: FakeRegistry) -> None:
    """From the first that has them, with that mirror's own login; what happened is told."""
    hub = parse_remote("shop/app:1.4")
    asked: list[str] = []
    told: list[str] = []
    registry.guard = "basic"

    def login(host: str) -> tuple[str, str]:
        asked.append(host)
        return known(host)

    with serving(FakeRegistry()) as empty:
        mirrors = (f"{empty.name}/with/a/path", "http://not-encrypted.example", empty.name, f"{registry.name}/")
        cache = ImageCache(None)
        image = read_remote(hub, login, cache, platform="linux/amd64", mirrors=mirrors, note=told.append)
        with layer_chunks(hub, login, 0, platform="linux/amd64", mirrors=mirrors) as chunks:
            assert content_in_layer(chunks, next(one for one in image.layers[0].entries if one.size))
    assert len(image.layers) == 2
    assert set(asked) == {f"127.0.0.1:{registry.port}"}
    assert [line.partition(": ")[0] for line in told] == [
        f"The mirror 127.0.0.1:{empty.port} does not help with docker.io/shop/app:1.4",
        f"docker.io/shop/app:1.4 was read from the mirror 127.0.0.1:{registry.port}.",
    ]


def test_a_mirror_that_is_damaged_is_no_reason_to_fail(
    registry: FakeRegistry, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Docker Hub itself is asked in the end, for what the mirror had not."""
    damaged = FakeRegistry(damage=True, contents=registry.contents, types=registry.types)
    monkeypatch.setitem(registry_reference._HUB_HOSTS, "docker.io", f"127.0.0.1:{registry.port}")
    hub = replace(parse_remote("shop/app:1.4"), scheme="http")
    with serving(damaged):
        image = read_remote(hub, unknown, ImageCache(None), platform="linux/amd64", mirrors=(damaged.name,))
    assert image.config == make.config(make.layers(), architecture="amd64")
    assert damaged.asked
    assert registry.asked


def test_only_docker_hub_has_mirrors(registry: FakeRegistry) -> None:
    """As with the engine: what another registry has is asked of that registry alone."""
    assert mirrored(parse_remote("ghcr.io/shop/app"), (registry.name,)) == ()
    (found,) = mirrored(parse_remote("python:3.12"), ("https://mirror.example:5000",))
    assert found.api == "https://mirror.example:5000/v2/library/python"


@pytest.mark.parametrize(
    ("tail", "told"), [(":absent", "there is no image 127"), (":chart", "is no image, but application/vnd.cncf.helm")]
)
def test_what_is_no_image(registry: FakeRegistry, tail: str, told: str) -> None:
    """A name that is not there, and something else that registries hold."""
    chart = {"config": registry.put(b"{}", "application/vnd.cncf.helm.config.v1+json"), "layers": []}
    registry.put(json.dumps(chart).encode(), f"{OCI}.manifest.v1+json", "chart")
    with pytest.raises(UsageError, match=told):
        read(registry, tail)


def test_nobody_there() -> None:
    """A registry that does not answer is named, with what was asked of it."""
    with pytest.raises(RegistryError, match=r"127\.0\.0\.1:9 cannot be asked for 127\.0\.0\.1:9/shop:1"):
        read_remote(parse_remote("http://127.0.0.1:9/shop:1"), unknown, ImageCache(None), platform=None)


@pytest.mark.parametrize("location", ["http://registry.example/x", "file:///etc/passwd", "ftp://127.0.0.1/x"])
def test_redirects_without_encryption_are_not_followed(registry: FakeRegistry, location: str) -> None:
    """Nothing is sent there, and the reply names where it would have been."""
    registry.redirect_to = location
    with pytest.raises(RegistryError, match=f"sends us to {location}, which is not encrypted"):
        read(registry)


def test_redirects_in_a_circle(registry: FakeRegistry) -> None:
    """End after a few."""
    registry.redirect_to = f"{registry.name}/v2/shop/app/blobs/x"
    with pytest.raises(RegistryError, match="answered 307"):
        read(registry)
    assert len(registry.asked) < 12


@pytest.mark.parametrize(
    ("text", "api", "name"),
    [
        ("python:3.11-slim", "https://registry-1.docker.io/v2/library/python", "docker.io/library/python:3.11-slim"),
        ("shop/app", "https://registry-1.docker.io/v2/shop/app", "docker.io/shop/app:latest"),
        ("docker.io/python", "https://registry-1.docker.io/v2/library/python", "docker.io/library/python:latest"),
        ("ghcr.io/a/b/c:1", "https://ghcr.io/v2/a/b/c", "ghcr.io/a/b/c:1"),
        ("localhost/app", "https://localhost/v2/app", "localhost/app:latest"),
        ("host:5000/app:1", "https://host:5000/v2/app", "host:5000/app:1"),
        ("http://localhost:5000/app", "http://localhost:5000/v2/app", "localhost:5000/app:latest"),
        ("http://[::1]:5000/app", "http://[::1]:5000/v2/app", "[::1]:5000/app:latest"),
        (f"a/b:1@sha256:{'a' * 64}", "https://registry-1.docker.io/v2/a/b", f"docker.io/a/b@sha256:{'a' * 64}"),
    ],
)
def test_names_of_images_in_registries(text: str, api: str, name: str) -> None:
    """As Docker reads them; Docker Hub's registry has another name than its images."""
    remote = parse_remote(text)
    assert (remote.api, remote.name) == (api, name)


@pytest.mark.parametrize(
    "text", ["", "Shop", "a/../b", "a b", "http://ghcr.io/a:1", "ftp://x/y", "x" * 2000, "a@sha256:1"]
)
def test_names_that_are_none(text: str) -> None:
    """And registries elsewhere that would be asked without encryption."""
    with pytest.raises(UsageError):
        parse_remote(text)
