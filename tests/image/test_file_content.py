"""A file's content is found again wherever the image is, and only that content."""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import zstandard
from blake3 import blake3

from imgcompare.image.file_content import content_in_layer, content_in_path
from imgcompare.image.layer_index import FileEntry
from imgcompare.image.open_file import open_image

if TYPE_CHECKING:
    from tests.support.images import Make

CONTENT = b"print()\n"


@pytest.mark.parametrize("form", ["legacy", "oci", "containerd", "podman"])
def test_it_is_found_in_every_form(make: Make, tmp_path: Path, form: str) -> None:
    """A tar, the same packed, and unpacked into a folder."""
    data: bytes = getattr(make, form)(make.layers())
    (tmp_path / "plain.tar").write_bytes(data)
    (tmp_path / "a.tar.gz").write_bytes(gzip.compress(data))
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        archive.extractall(tmp_path / "folder", filter="fully_trusted")  # noqa: S202 - we made it
    entry = next(e for e in open_image(tmp_path / "plain.tar").layers[1].entries if e.path == "app/app.py")
    for path in sorted(tmp_path.iterdir()):
        assert content_in_path(path, entry) == CONTENT


def test_another_file_of_that_name_is_not_taken(make: Make) -> None:
    """The digest decides, also where folders on the way were links; a packed layer is unpacked."""
    entry = FileEntry("usr/lib/a", "0", 0, 0, 0, 8, 1024, "", blake3(CONTENT).digest(16))
    layer = make.tar([("lib/a", b"another\n"), ("lib/b", CONTENT), ("a", CONTENT[:-1]), ("lib/a", CONTENT)])
    assert content_in_layer([layer], entry) == CONTENT
    assert content_in_layer([zstandard.ZstdCompressor().compress(layer)], entry) == CONTENT
    assert content_in_layer([make.tar([("lib/a", b"another\n")])], entry) is None
    assert content_in_layer([b'{"no": "tar"}'], entry) is None
