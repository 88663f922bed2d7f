"""Images made in memory, one archive for each format that engines write."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

import pytest
import zstandard

Entries: TypeAlias = Iterable[tuple[str, bytes] | tarfile.TarInfo]


class Make:
    """Builders of tars, images and archives."""

    def tar(self, entries: Entries, *, form: int = tarfile.GNU_FORMAT) -> bytes:
        """A tar of files given as (name, content); a TarInfo is an entry without a payload."""
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w", format=form) as archive:
            for entry in entries:
                if isinstance(entry, tarfile.TarInfo):
                    archive.addfile(entry)
                else:
                    info = tarfile.TarInfo(entry[0])
                    info.size = len(entry[1])
                    archive.addfile(info, io.BytesIO(entry[1]))
        return buffer.getvalue()

    def special(self, name: str, kind: bytes, link: str = "") -> tarfile.TarInfo:
        """A directory, link or device."""
        info = tarfile.TarInfo(name)
        info.type, info.linkname = kind, link
        return info

    def layers(self) -> list[bytes]:
        """A base of two files and a link, and an upper layer of one file and two whiteouts."""
        base: list[tuple[str, bytes] | tarfile.TarInfo] = [
            self.special("etc", tarfile.DIRTYPE),
            ("etc/os-release", b"ID=debian\n"),
            ("usr/bin/python3.11", b"\x7fELF" * 3000),
            self.special("usr/bin/python3", tarfile.SYMTYPE, "python3.11"),
        ]
        return [self.tar(base), self.tar([("app/app.py", b"print()\n"), ("etc/.wh.x", b""), ("app/.wh..wh..opq", b"")])]

    def config(self, layers: list[bytes], **fields: Any) -> bytes:
        """The config of an image of these layers."""
        document = {
            "architecture": "amd64",
            "os": "linux",
            "config": {"User": "app", "ExposedPorts": {"8000/tcp": {}}, "Env": ["A=b"]},
            "rootfs": {"type": "layers", "diff_ids": [self.digest(layer) for layer in layers]},
            "history": [
                {"created_by": "/bin/sh -c #(nop) ADD file:0123 in / "},
                {"created_by": '/bin/sh -c #(nop)  CMD ["python3"]', "empty_layer": True},
                {"created_by": "COPY app /app # buildkit", "comment": "buildkit.dockerfile.v0"},
            ],
        }
        return json.dumps(document | fields).encode()

    def digest(self, data: bytes) -> str:
        """The digest of some bytes."""
        return "sha256:" + hashlib.sha256(data).hexdigest()

    def legacy(self, layers: list[bytes], config: bytes | None = None, tag: str = "shop:1") -> bytes:
        """Docker before 25: ``<id>/layer.tar``, a link where a layer repeats, manifest.json last."""
        config = config or self.config(layers)
        name = f"{self.digest(config)[7:]}.json"
        entries: list[tuple[str, bytes] | tarfile.TarInfo] = [(name, config)]
        paths: dict[bytes, str] = {}
        named = []
        for position, layer in enumerate(layers):
            identifier = hashlib.sha256(b"v1 %d" % position).hexdigest()
            path = f"{identifier}/layer.tar"
            entries += [self.special(identifier, tarfile.DIRTYPE), (f"{identifier}/VERSION", b"1.0")]
            entries.append((f"{identifier}/json", b'{"id": 1}'))
            if layer in paths:
                entries.append(self.special(path, tarfile.SYMTYPE, "../" + paths[layer]))
            else:
                entries.append((path, layer))
            paths.setdefault(layer, path)
            named.append(path)
        manifest = [{"Config": name, "RepoTags": [tag], "Layers": named}]
        return self.tar([*entries, ("manifest.json", json.dumps(manifest).encode()), ("repositories", b"{}")])

    def blobs(self, *contents: bytes) -> list[tuple[str, bytes]]:
        """The contents as files of an OCI layout."""
        return [(f"blobs/sha256/{self.digest(content)[7:]}", content) for content in contents]

    def descriptor(self, content: bytes, **fields: Any) -> dict[str, Any]:
        """The reference to a blob."""
        return {"digest": self.digest(content), "size": len(content), **fields}

    def manifest(self, config: bytes, blobs: list[bytes]) -> bytes:
        """An OCI manifest."""
        layers = [self.descriptor(blob) for blob in blobs]
        return json.dumps({"schemaVersion": 2, "config": self.descriptor(config), "layers": layers}).encode()

    def index(self, *rows: dict[str, Any]) -> bytes:
        """An OCI index."""
        return json.dumps({"schemaVersion": 2, "manifests": rows}).encode()

    def oci(self, layers: list[bytes], tag: str = "shop:1") -> bytes:
        """Docker 25 and later, classic store: an OCI layout and manifest.json, layers uncompressed."""
        config = self.config(layers)
        manifest = self.manifest(config, layers)
        name = {"io.containerd.image.name": f"docker.io/library/{tag}", "org.opencontainers.image.ref.name": "1"}
        saved = [
            {
                "Config": self.blobs(config)[0][0],
                "RepoTags": [tag],
                "Layers": [path for path, _ in self.blobs(*layers)],
            }
        ]
        return self.tar(
            [
                *dict(self.blobs(config, manifest, *layers)).items(),
                ("index.json", self.index(self.descriptor(manifest, annotations=name))),
                ("manifest.json", json.dumps(saved).encode()),
                ("oci-layout", b'{"imageLayoutVersion": "1.0.0"}'),
            ]
        )

    def containerd(self, layers: list[bytes], codec: str = "gzip", tag: str = "shop:1") -> bytes:
        """The containerd store: packed blobs, a nested index with a platform that is absent and an attestation."""
        zstd = zstandard.ZstdCompressor().compress
        packed = [gzip.compress(layer, mtime=0) if codec == "gzip" else zstd(layer) for layer in layers]
        config = self.config(layers)
        manifest = self.manifest(config, packed)
        statement = b'{"_type": "https://in-toto.io/Statement/v0.1"}'
        claims = json.dumps({"os": "unknown", "architecture": "unknown", "rootfs": {"diff_ids": []}}).encode()
        attestation = self.manifest(claims, [statement])
        nested = self.index(
            self.descriptor(b"absent", platform={"os": "linux", "architecture": "arm64"}),
            self.descriptor(manifest, platform={"os": "linux", "architecture": "amd64"}),
            self.descriptor(attestation, annotations={"vnd.docker.reference.type": "attestation-manifest"}),
        )
        name = {"io.containerd.image.name": f"docker.io/library/{tag}"}
        top = self.index(self.descriptor(nested, annotations=name))
        return self.tar(
            [*self.blobs(*packed, config, manifest, statement, claims, attestation, nested), ("index.json", top)]
        )

    def podman(self, layers: list[bytes], tag: str = "shop:1") -> bytes:
        """Podman's docker-archive: ``<digest>.tar``, links to it, and localhost in the name."""
        config = self.config(layers)
        files = {f"{self.digest(layer)[7:]}.tar": layer for layer in layers}
        links = [self.special(f"{index}/layer.tar", tarfile.SYMTYPE, f"../{name}") for index, name in enumerate(files)]
        saved = [
            {
                "Config": f"{self.digest(config)[7:]}.json",
                "RepoTags": [f"localhost/{tag}"],
                "Layers": [f"{self.digest(layer)[7:]}.tar" for layer in layers],
            }
        ]
        return self.tar(
            [
                *files.items(),
                *links,
                (f"{self.digest(config)[7:]}.json", config),
                ("manifest.json", json.dumps(saved).encode()),
            ]
        )

    def chunks(self, data: bytes, size: int) -> Iterator[bytes]:
        """The data as it would arrive."""
        for start in range(0, len(data), size):
            yield data[start : start + size]


@pytest.fixture(scope="session")
def make() -> Make:
    """The builders."""
    return Make()
