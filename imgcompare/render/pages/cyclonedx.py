"""An image's packages as a CycloneDX document (https://cyclonedx.org/docs/1.6/json), by its own library."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from itertools import count

from cyclonedx.model import Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from imgcompare import __version__
from imgcompare.model import Image, Package


def render(image: Image, created: object) -> str:
    """Return the document; ``created`` is its time, a datetime with a zone."""
    subject = Component(
        type=ComponentType.CONTAINER, name=image.reference or image.image_id, version=image.image_id, bom_ref="image"
    )
    packages = image.packages.listed
    parts = [*_distributions(packages), *map(_component, count(1), packages)]
    bom = Bom(components=parts)
    bom.serial_number = uuid.uuid5(uuid.NAMESPACE_URL, image.image_id)
    bom.metadata.timestamp = created  # type: ignore[assignment]
    bom.metadata.component = subject
    bom.register_dependency(subject, parts)
    bom.metadata.tools.components.add(Component(type=ComponentType.APPLICATION, name="imgcompare", version=__version__))
    return JsonV1Dot6(bom).output_as_string(indent=2) + "\n"


def _component(number: int, package: Package) -> Component:
    properties = {
        "imgcompare:type": package.type,
        "imgcompare:installed_bytes": str(package.installed_bytes),
        "imgcompare:location": package.location,
        "imgcompare:interpreter": package.interpreter or "",
    }
    return Component(
        type=ComponentType.LIBRARY,
        name=package.name,
        version=package.version or None,
        bom_ref=f"package-{number}",
        purl=PackageURL.from_string(package.purl) if package.purl else None,
        properties=(Property(name=name, value=value) for name, value in properties.items() if value),
    )


def _distributions(packages: Iterable[Package]) -> Iterable[Component]:
    """The Linux distribution that the system's packages are of, which scanners ask for."""
    qualifiers = (PackageURL.from_string(one.purl).qualifiers for one in packages if "distro=" in one.purl)
    told = {str(found["distro"]) for found in qualifiers if isinstance(found, dict)}
    for distribution in sorted(told):
        name, _, version = distribution.partition("-")
        yield Component(
            type=ComponentType.OPERATING_SYSTEM, name=name, version=version or None, bom_ref=f"os-{distribution}"
        )
