"""The category of caches, kind by kind: each path has one, and they add up to the category."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgcompare.analysis.breakdown import Categories, breakdown
from imgcompare.analysis.caches import caches
from tests.analysis.test_breakdown import inventory, layer

KINDS = {
    "var/lib/apt/lists/mirror.example_debian_Packages": "package_lists",
    "var/cache/apk/APKINDEX.x.tar.gz": "package_lists",
    "var/cache/apt/archives/curl.deb": "download_caches",
    "root/.cache/pip/http/a": "download_caches",
    "home/me/.cache/uv/wheels/x/__pycache__/a.pyc": "download_caches",
    "root/.npm/_cacache/x": "download_caches",
    "root/go/pkg/mod/x": "download_caches",
    "root/.m2/repository/x.jar": "download_caches",
    "app/.git/objects/pack/x": "version_control",
    "app/__pycache__/app.cpython-311.pyc": "bytecode",
    "usr/lib/python3.11/test/__pycache__/test_os.pyc": "bytecode",
    "usr/lib/python3.11/test/test_os.py": "tests",
    "opt/venv/lib/python3.11/site-packages/numpy/core/tests/test_a.py": "tests",
    "var/log/dpkg.log": "logs",
    "tmp/x": "temporary",
    "var/tmp/x": "temporary",
    "usr/share/doc/curl/copyright": "documentation",
    "usr/share/locale/de/LC_MESSAGES/x.mo": "documentation",
    "app/.mypy_cache/x": "other_caches",
    "root/.cache/huggingface/x": "other_caches",
    "var/cache/ldconfig/aux-cache": "other_caches",
    "var/lib/apt/lists/.wh.x": "package_lists",
}


@pytest.mark.parametrize(("path", "kind"), KINDS.items())
def test_each_path_has_its_kind(path: str, kind: str) -> None:
    """What package managers keep, what tools wrote, and what is only read by people."""
    assert caches([layer((path, 512))], Categories(inventory())) == {kind: 512}


@given(st.lists(st.tuples(st.sampled_from([*KINDS, "app/a.py", "usr/bin/x"]), st.integers(0, 10**9)), max_size=20))
def test_the_kinds_add_up_to_the_category(entries: list[tuple[str, int]]) -> None:
    """To the byte, a layer that is listed twice counting twice; what is no cache is not in it."""
    layers, categories = [layer(*entries)] * 2, Categories(inventory())
    contents = breakdown(layers, categories, base_layer_count=None)[1]
    assert sum(caches(layers, categories).values()) == contents["caches"]
