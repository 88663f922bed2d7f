"""The efficiency score, against the dive program on the same images."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imgcompare.analysis.dive_efficiency import efficiency
from imgcompare.image.archive import read_archive

Entry: TypeAlias = tuple[str, bytes] | tarfile.TarInfo
DIVE = Path(sys.executable).with_name("dive")
MIB = bytes(1 << 20)


def dives(archive: bytes) -> float:
    """What dive says of an archive."""
    with tempfile.TemporaryDirectory() as work:
        saved, told = Path(work) / "image.tar", Path(work) / "told.json"
        saved.write_bytes(archive)
        command: list[str | Path] = [DIVE, "--source", "docker-archive", "--json", told, saved]
        subprocess.run(command, check=True, capture_output=True, cwd=work, env={"HOME": work})
        score: float = json.loads(told.read_bytes())["image"]["efficiencyScore"]
    return score


def ours(archive: bytes) -> float:
    """What we say of it."""
    return efficiency(read_archive([archive]).images[0].layers)


def image(make: Any, layers: Sequence[Sequence[Entry]]) -> bytes:
    """An archive of layers; none equals another, because dive takes a layer's second place in an archive for empty."""
    tars = [make.tar([*entries, (f"layer-{position}", b"")]) for position, entries in enumerate(layers)]
    archive: bytes = make.legacy(tars, make.config(tars, history=[]))
    return archive


def folder(name: str) -> tarfile.TarInfo:
    """A folder."""
    info = tarfile.TarInfo(name)
    info.type = tarfile.DIRTYPE
    return info


def link(name: str, target: str) -> tarfile.TarInfo:
    """A hard link."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname = tarfile.LNKTYPE, target
    return info


BASE: list[Entry] = [folder("d"), ("d/a", MIB), ("d/b", MIB * 2), ("c", MIB)]


@pytest.mark.parametrize(
    ("uppers", "score"),
    [
        pytest.param([], 1, id="one layer"),
        pytest.param([BASE], 1 / 2, id="every file once more"),
        pytest.param([[("c", b"")]], 3 / 4, id="a file emptied"),
        pytest.param([[(".wh.c", b"")]], 3 / 4, id="a file deleted"),
        pytest.param([[(".wh.d", b"")]], 1, id="a folder deleted, which dive does not count"),
        pytest.param(
            [[("d/e", MIB)], [(".wh.d", b"")]], 5 / 5, id="a folder deleted that was named by its content only"
        ),
        pytest.param([[("d/.wh..wh..opq", b""), ("d/a", MIB)]], 4 / 5, id="an opaque folder"),
        pytest.param([[("c", MIB), ("c", MIB)]], 4 / 5, id="a name twice in a layer"),
        pytest.param([[link("e", "c"), ("f", MIB)]], 1, id="a hard link"),
        pytest.param(
            [[(".wh.gone", b""), ("c", MIB)]], (4 * len(MIB) - 1) / (4 * len(MIB)), id="a whiteout of nothing"
        ),
        pytest.param([[("c/d", MIB)]], 1, id="a folder in a file's place"),
        pytest.param([[(".wh..wh.aufs", b""), (".wh..wh.orph", b"")]], 1, id="what aufs left behind"),
    ],
)
def test_scores(make: Any, uppers: Sequence[Sequence[Entry]], score: float) -> None:
    """The score of each shape is what dive's source says it is."""
    archive = image(make, [BASE, *uppers])
    assert ours(archive) == pytest.approx(score)
    assert ours(archive) == pytest.approx(dives(archive), rel=1e-6)


def test_an_image_without_bytes_is_efficient(make: Any) -> None:
    """Nothing is wasted where there is nothing."""
    assert ours(make.oci([make.tar([])])) == 1


PATHS = st.lists(st.sampled_from("abc"), min_size=1, max_size=3)
FILES = st.tuples(PATHS.map("/".join), st.integers(0, 9).map(lambda size: bytes(size * 1000)))
FOLDERS = st.builds(folder, PATHS.map("/".join))
WHITEOUTS = st.tuples(PATHS.map(lambda names: "/".join([*names[:-1], f".wh.{names[-1]}"])), st.just(b""))
OPAQUES = st.tuples(PATHS.map(lambda names: "/".join([*names, ".wh..wh..opq"])), st.just(b""))
LAYERS = st.lists(st.lists(st.one_of(FILES, FOLDERS, WHITEOUTS, OPAQUES), max_size=8), min_size=1, max_size=4)


@given(layers=LAYERS)
@settings(max_examples=40, deadline=None)
def test_any_layers_score_as_dive_scores_them(make: Any, layers: list[list[Entry]]) -> None:
    """Whatever the layers are, the two scores are the same."""
    archive = image(make, layers)
    assert ours(archive) == pytest.approx(dives(archive), rel=1e-6)
