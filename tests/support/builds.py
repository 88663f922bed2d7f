"""Build contexts for tests: folders that are written and opened, and ones that are nowhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from imgcompare.engine.build.context import NEVER_SENT, BuildContext, open_context

THE_TAR = b"the tar"


class NoContext(BuildContext, frozen=True, kw_only=True):
    """A context that is nowhere, whose tar is ``THE_TAR``."""

    def stream(self, *, podman: bool = False) -> Iterator[bytes]:
        """Give the tar."""
        yield THE_TAR


def no_context(dockerfile: str = "FROM scratch\n", *, inside: str | None = "Dockerfile") -> BuildContext:
    """A context that is nowhere, with that Dockerfile."""
    return NoContext(
        root=Path("/nowhere"),
        name="Dockerfile",
        dockerfile_content=dockerfile.encode(),
        inside=inside,
        rules=NEVER_SENT,
    )


def written_context(folder: Path, files: Mapping[str, bytes | str], dockerfile: str = "Dockerfile") -> BuildContext:
    """Write the files into a folder, executable where they begin like programs, and open it as a context."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        if path.read_bytes()[:4] in {b"\x7fELF", b"#!/b"}:
            path.chmod(0o755)
    return open_context(folder, folder / dockerfile)
