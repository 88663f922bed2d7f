"""An image's packages as an SPDX document (https://spdx.github.io/spdx-spec/v2.3), by its own library."""

from __future__ import annotations

import json
import uuid

from spdx_tools.spdx.jsonschema.document_converter import DocumentConverter
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
    converter = DocumentConverter()  # type: ignore[no-untyped-call]
    document = converter.convert(Document(information, [subject, *packages], relationships=relationships))
    for package in document["packages"]:
        for reference in package.get("externalRefs", ()):
            # The library writes the category as SPDX 2.2 had it; the schema of 2.3 knows it with a hyphen alone.
            reference["referenceCategory"] = reference["referenceCategory"].replace("_", "-")
    return json.dumps(document, indent=4) + "\n"


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
