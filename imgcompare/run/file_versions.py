"""What a path leads to in two images, its content read once more from where each image is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from imgcompare.analysis.diff_content import MAX_BYTES, ContentDifference, Version, compare_content
from imgcompare.analysis.diff_images import LoadedImage
from imgcompare.analysis.filesystem import merge
from imgcompare.analysis.symlinks import Links
from imgcompare.console.progress import Progress
from imgcompare.engine.interface import Engine
from imgcompare.errors import UsageError
from imgcompare.image.file_content import content_in_archive, content_in_layer, content_in_path
from imgcompare.image.layer_index import FileEntry
from imgcompare.image.oci import ImageConfig, decode
from imgcompare.image.overlay2 import LayerStoreError
from imgcompare.image.registry_reference import Remote
from imgcompare.image.tarheader import REGULAR, normalised
from imgcompare.run.image_arguments import ArchiveFile, Subject
from imgcompare.run.load_images import subjects_of
from imgcompare.run.opening import Connection, working_engine
from imgcompare.text.printable import printable
from imgcompare.text.redact import secret_values


def compare_files(
    texts: Sequence[str],
    loaded: Sequence[LoadedImage],
    paths: Sequence[str],
    project: Path,
    connection: Connection,
    progress: Progress,
    *,
    platform: str | None = None,
    remote: bool = False,
) -> tuple[ContentDifference, ...]:
    """Tell how each path's content differs between two images that were loaded from these texts.

    Raises UsageError for a path that is a file in neither, and for an image that cannot be read once more.
    """
    if not paths:
        return ()
    subjects = subjects_of(texts, project, progress, remote=remote)
    reader = _Reader(connection, progress, platform)
    links = [Links(merge(one.archived.layers)) for one in loaded]
    secrets = secret_values(*(_environment(one) for one in loaded))
    found = []
    for path in dict.fromkeys(map(normalised, paths)):
        before, after = _versions(path, subjects, loaded, links, reader)
        found.append(compare_content(path, before, after, secrets))
    return tuple(found)


def _versions(
    path: str, subjects: Sequence[Subject], loaded: Sequence[LoadedImage], links: Sequence[Links], reader: _Reader
) -> Iterator[Version | None]:
    """The path in both images; the content is read only where it is to be shown."""
    entries = [_file(path, one, link) for one, link in zip(loaded, links, strict=True)]
    if entries == [None, None]:
        raise UsageError(
            f"neither image has a file {printable(f'/{path}', limit=200)!r}",
            hint=f"See which differ: imgcompare diff {printable(loaded[0].name)} {printable(loaded[1].name)} --files",
        )
    told = {(entry.size, entry.digest) for entry in entries if entry}
    shown = all(entry.size <= MAX_BYTES for entry in entries if entry) and (None in entries or len(told) > 1)
    for entry, subject, one in zip(entries, subjects, loaded, strict=True):
        content = reader.read(subject, one, entry) if entry and shown else None
        yield Version(size=entry.size, digest=entry.digest, content=content) if entry else None


def _file(path: str, loaded: LoadedImage, links: Links) -> FileEntry | None:
    entry = links.file(path)
    if entry is not None and entry.kind != REGULAR:
        raise UsageError(
            f"{printable(path, limit=200)!r} is no file in {printable(loaded.name, limit=60)}",
            hint="Name a file in it.",
        )
    return entry


def _environment(loaded: LoadedImage) -> dict[str, str]:
    settings = decode(loaded.archived.config, ImageConfig, "the image's config").config
    pairs = (variable.partition("=") for variable in (settings.env or () if settings else ()))
    return {name: value for name, _, value in pairs}


class _Reader:
    """Reads a file's content from wherever an image is."""

    def __init__(self, connection: Connection, progress: Progress, platform: str | None) -> None:
        self._connection = connection
        self._progress = progress
        self._platform = platform

    def read(self, subject: Subject, loaded: LoadedImage, entry: FileEntry) -> bytes:
        """The content, held to its digest. Raises UsageError where the image is not what it was any more."""
        if not entry.size:
            return b""
        match subject:
            case ArchiveFile(path):
                if not (path.is_file() or path.is_dir()):
                    raise UsageError(
                        f"{printable(loaded.name, limit=60)} can be read only once, and --content needs it twice",
                        hint="Write it to a file first.",
                    )
                content = content_in_path(path, entry)
            case Remote():
                content = self._from_registry(subject, loaded, entry)
            case _:
                with working_engine(self._connection, self._progress) as engine:
                    content = _from_engine(engine, loaded, entry)
        if content is None:
            raise UsageError(
                f"{printable(loaded.name, limit=60)} has changed meanwhile: its {printable(entry.path)} is gone",
                hint="Compare once more.",
            )
        return content

    def _from_registry(self, remote: Remote, loaded: LoadedImage, entry: FileEntry) -> bytes | None:
        from imgcompare.engine.client.docker_config import login, mirrors  # noqa: PLC0415 - files need no HTTP
        from imgcompare.image.registry import layer_chunks  # noqa: PLC0415

        number = _layer_of(loaded, entry)
        with layer_chunks(remote, login, number, platform=self._platform, mirrors=mirrors()) as chunks:
            return content_in_layer(chunks, entry)


def _from_engine(engine: Engine, loaded: LoadedImage, entry: FileEntry) -> bytes | None:
    """From the engine's own files where we may read them, else from an export."""
    diff_ids = [layer.diff_id for layer in loaded.archived.layers]
    if store := engine.layer_store():
        try:
            return content_in_layer(store.layer(diff_ids[: _layer_of(loaded, entry) + 1]), entry)
        except LayerStoreError:
            pass  # another image store has the same bytes elsewhere
    found = engine.image(loaded.image.reference)
    return content_in_archive(engine.export([found.image]), entry) if found else None


def _layer_of(loaded: LoadedImage, entry: FileEntry) -> int:
    """Which layer has the entry."""
    layers = loaded.archived.layers
    return next(at for at, layer in enumerate(layers) if any(one is entry for one in layer.entries))
