"""Lists of packages that other tools read: valid by the formats' own rules, and whole."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

import pytest

from imgcompare.model import Image, Package, Packages

NOW = datetime(2026, 11, 28, 17, 0, tzinfo=UTC)
PACKAGES = (
    Package(
        type="deb",
        name="curl",
        version="7.88.1-10+deb12u1",
        purl="pkg:deb/debian/curl@7.88.1-10%2Bdeb12u1?arch=amd64&distro=debian-12",
        installed_bytes=500,
        location="/var/lib/dpkg/status",
    ),
    Package(type="golang", name="m", version="", purl="pkg:golang/m", installed_bytes=9, location="/app/m"),
    Package(
        type="npm",
        name="@scope/a",
        version="1.0.0",
        purl="pkg:npm/%40scope/a@1.0.0",
        installed_bytes=70,
        location="/app/node_modules/@scope/a",
    ),
    Package(
        type="pypi",
        name="flask",
        version="3.1.0",
        purl="pkg:pypi/flask@3.1.0",
        installed_bytes=800,
        location="/opt/venv/lib/python3.12/site-packages",
        interpreter="python3.12",
    ),
    Package(type="pypi", name="flask", version="3.1.0", purl="pkg:pypi/flask@3.1.0", installed_bytes=7, location="/x"),
)


def image(*packages: Package) -> Image:
    """An image of some packages."""
    return Image(
        image_id=f"sha256:{'a' * 64}",
        reference="shop:1",
        os="linux",
        architecture="amd64",
        uncompressed_size=1,
        layer_count=0,
        history_count=0,
        layers=(),
        user="",
        exposed_ports=(),
        packages=Packages(all=packages),
    )


def rendered(form: str, *packages: Package) -> str:
    """An image of some packages in one of the formats, whose library is slow to import."""
    return str(import_module(f"imgcompare.render.pages.{form}").render(image(*packages), NOW))


@pytest.mark.parametrize("packages", [PACKAGES, ()])
def test_cyclonedx_is_valid(packages: tuple[Package, ...]) -> None:
    """By the official schema; each package with its bytes, the distribution for scanners, and the image itself."""
    from cyclonedx.schema import SchemaVersion  # noqa: PLC0415 - slow to import
    from cyclonedx.validation.json import JsonStrictValidator  # noqa: PLC0415

    text = rendered("cyclonedx", *packages)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    document = json.loads(text)
    assert document["metadata"]["component"]["name"] == "shop:1"
    components = document.get("components", [])
    assert [one["name"] for one in components if one["type"] == "operating-system"] == ["debian"] * bool(packages)
    libraries = [one for one in components if one["type"] == "library"]
    assert {one.get("purl") for one in libraries} == {one.purl for one in packages}
    told = [{row["name"]: row["value"] for row in one["properties"]} for one in libraries]
    assert sorted(int(one["imgcompare:installed_bytes"]) for one in told) == sorted(x.installed_bytes for x in packages)


@pytest.mark.parametrize("packages", [PACKAGES, ()])
def test_spdx_is_valid(packages: tuple[Package, ...], tmp_path: Path) -> None:
    """By its library's full validation of what was read back; every package is in the image, with its package URL."""
    from spdx_tools.spdx.parser.json import json_parser  # noqa: PLC0415 - slow to import
    from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document  # noqa: PLC0415

    (tmp_path / "image.spdx.json").write_text(rendered("spdx", *packages), encoding="utf-8")
    document = json_parser.parse_from_file(str(tmp_path / "image.spdx.json"))
    assert validate_full_spdx_document(document) == []
    told = [one.external_references[0].locator for one in document.packages if one.external_references]
    assert told == [one.purl for one in packages]
    assert len(document.relationships) == 1 + len(packages)


def test_spdx_names_categories_as_its_schema_does() -> None:
    """The library's own validation takes what https://github.com/spdx/spdx-spec/tree/v2.3/schemas has not."""
    references = [one.get("externalRefs", []) for one in json.loads(rendered("spdx", *PACKAGES))["packages"]]
    assert [one["referenceCategory"] for each in references for one in each] == ["PACKAGE-MANAGER"] * len(PACKAGES)


@pytest.mark.parametrize("form", ["cyclonedx", "spdx"])
def test_syft_reads_them(form: str, tmp_path: Path) -> None:
    """A second tool finds each package by type, name and version."""
    path = tmp_path / "image.json"
    path.write_text(rendered(form, *PACKAGES), encoding="utf-8")
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "SYFT_CHECK_FOR_APP_UPDATE": "false"}
    command = [str(Path(sys.executable).with_name("syft")), "convert", str(path), "--quiet", "--output", "json"]
    done = subprocess.run(command, env=environ, capture_output=True, check=True, timeout=120)
    found = {(row["type"], row["name"]) for row in json.loads(done.stdout)["artifacts"]}
    assert found >= {("deb", "curl"), ("npm", "@scope/a"), ("python", "flask"), ("go-module", "m")}
