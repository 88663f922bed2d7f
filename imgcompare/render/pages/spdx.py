"""An image's packages as an SPDX document (https://spdx.github.io/spdx-spec/v2.3), by its own library."""

from __future__ import annotations

import io
import uuid

from spdx_tools.spdx.model import (
    Actor,
    ActorType,
    CreationInfo,
    Document,
    ExternalPackageRef,
    ExternalPackageRefCategory,
    PackagePurpose,
    Relationship,
    RelationshipType,
    SpdxNoAssertion,
)
from spdx_tools.spdx.model import Package as SpdxPackage
from spdx_tools.spdx.writer.json import json_writer

from imgcompare import __version__
from imgcompare.model import Image, Package

_DOCUMENT, _IMAGE = "SPDXRef-DOCUMENT", "SPDXRef-Image"


def render(image: Image, created: object) -> str:
    """Return the document; ``created`` is its time, a datetime with a zone."""
    name = image.reference or image.image_id
    information = CreationInfo(
        spdx_version="SPDX-2.3",
        spdx_id=_DOCUMENT,
        name=name,
        document_namespace=f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, image.image_id)}",
        creators=[Actor(ActorType.TOOL, f"imgcompare-{__version__}")],
        created=created.replace(microsecond=0, tzinfo=None),  # type: ignore[attr-defined]
    )
    subject = SpdxPackage(
        _IMAGE,
        name,
        SpdxNoAssertion(),
        version=image.image_id,
        files_analyzed=False,
        primary_package_purpose=PackagePurpose.CONTAINER,
    )
    packages = [_package(number, package) for number, package in enumerate(image.packages.listed, 1)]
    relationships = [Relationship(_DOCUMENT, RelationshipType.DESCRIBES, _IMAGE)]
    relationships += [Relationship(_IMAGE, RelationshipType.CONTAINS, package.spdx_id) for package in packages]
    out = io.StringIO()
    document = Document(information, [subject, *packages], relationships=relationships)
    json_writer.write_document_to_stream(document, out, validate=False)
    return out.getvalue() + "\n"


def _package(number: int, package: Package) -> SpdxPackage:
    category = ExternalPackageRefCategory.PACKAGE_MANAGER
    told = f"installed_bytes: {package.installed_bytes}; location: {package.location}"
    return SpdxPackage(
        f"SPDXRef-Package-{number}",
        package.name,
        SpdxNoAssertion(),
        version=package.version or None,
        files_analyzed=False,
        comment=told + (f"; interpreter: {package.interpreter}" if package.interpreter else ""),
        external_references=[ExternalPackageRef(category, "purl", package.purl)] if package.purl else [],
    )
