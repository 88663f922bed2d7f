"""What every ecosystem tells of a package, and the package URL that names it anywhere."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct
from packageurl import PackageURL

from imgcompare.analysis.debian import Documents


class Distribution(Struct, frozen=True):
    """The Linux distribution of an image, as its os-release tells: ``debian`` and ``12``."""

    name: str = ""
    version: str = ""

    @property
    def qualifier(self) -> str:
        """The value of a package URL's ``distro``, "" where nothing is told."""
        return f"{self.name}-{self.version}" if self.name and self.version else self.name


class Found(Struct, frozen=True, kw_only=True):
    """A package: ``type`` is its package URL's, ``location`` the path of what tells it or of its folder.

    ``files`` are paths of its own. ``folder`` is one that is its own with all in it, but for what lies in the folder
    of another package. ``section`` is what its distribution says it is for.
    """

    type: str
    name: str
    version: str
    purl: str
    location: str
    files: tuple[str, ...] = ()
    folder: str | None = None
    section: str = ""


def distribution_of(documents: Documents) -> Distribution:
    """Return the distribution that os-release names."""
    document = documents.get("etc/os-release") or documents.get("usr/lib/os-release") or b""
    rows = (line.partition("=") for line in document.decode("utf-8", "replace").splitlines())
    told = {key.strip(): value.strip().strip("\"'") for key, _, value in rows}
    return Distribution(told.get("ID", ""), told.get("VERSION_ID", ""))


def purl(
    kind: str, name: str, version: str, *, namespace: str = "", qualifiers: Mapping[str, str] | None = None
) -> str:
    """Return the package URL (https://github.com/package-url/purl-spec), "" for what can have none."""
    try:
        told = {key: value for key, value in (qualifiers or {}).items() if value}
        return PackageURL(kind, namespace or None, name, version or None, told or None).to_string()
    except ValueError:
        return ""
