"""What a user means by an IMAGE: a variant of the newest report, an archive or folder, a Dockerfile, or a reference."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from imgcompare.config.variants import VariantSpec, parse_variants
from imgcompare.dockerfile.parser import parse
from imgcompare.errors import UsageError
from imgcompare.image.open_file import may_be_image
from imgcompare.image.registry_reference import Remote, parse_remote
from imgcompare.model import Document, Report, Variant
from imgcompare.regex import regex
from imgcompare.text.printable import printable

FORMS = (
    "An IMAGE is a variant of this folder's newest report, a file of `docker save` or an OCI layout (FILE#NAME where "
    "it has several images, - for stdin), a Dockerfile, registry:REFERENCE, or a reference on the engine."
)
_IMAGE_PREFIX = "image:"
REGISTRY_PREFIX = "registry:"
_STDIN = "-"
_MAX_DOCKERFILE = 1 << 20  # characters; what has no FROM until then is none
# https://pkg.go.dev/github.com/distribution/reference: a host may be in capitals, a repository may not.
_REFERENCE = regex(
    r"(?:[A-Za-z0-9.-]+(?::[0-9]+)?/)?[a-z0-9]+(?:[._/-]+[a-z0-9]+)*(?::[\w][\w.-]{0,127})?(?:@sha256:[0-9a-f]{64})?"
    r"|sha256:[0-9a-f]{64}",
    re.ASCII,
)
_FILE_LIKE = regex(r"[./~].*|.*(?:\.tar(?:\.\w+)?|\.tgz|\.Dockerfile)", re.DOTALL)


class ArchiveFile(Struct, frozen=True):
    """An image in a file or folder; ``name`` says which of several."""

    path: Path
    name: str | None


Subject = Variant | ArchiveFile | VariantSpec | Remote


def variants_by_name(document: Document) -> dict[str, Variant]:
    """Return a document's variants by name; in a collection that is ``COMPARISON/VARIANT``."""
    if isinstance(document, Report):
        return {variant.name: variant for variant in document.variants}
    return {f"{report.scenario}/{v.name}": v for report in document.comparisons for v in report.variants}


def find_subjects(
    texts: Sequence[str], variants: Mapping[str, Variant], *, remote: bool = False
) -> tuple[Subject, ...]:
    """Find out what each text means; a name in ``variants``, those of the newest report, comes before what is on disk.

    With ``remote`` a reference is meant to be in a registry, not on the engine.

    Raises UsageError for what is nothing of that; whether the engine has a reference is not asked.
    """
    found = [_find(text, variants, remote=remote) for text in texts]
    dockerfiles = [text for text, subject in zip(texts, found, strict=True) if subject is None]
    specs = dict(zip(dockerfiles, parse_variants(dockerfiles), strict=True))
    return tuple(specs[text] if subject is None else subject for text, subject in zip(texts, found, strict=True))


def _find(text: str, variants: Mapping[str, Variant], *, remote: bool) -> Subject | None:
    """What a text means; None for a Dockerfile."""
    if text.startswith(REGISTRY_PREFIX):
        return parse_remote(text.removeprefix(REGISTRY_PREFIX))
    if text in variants:
        return variants[text]
    if text.startswith(_IMAGE_PREFIX):
        (spec,) = parse_variants((text,))
        return VariantSpec(name=text, image=spec.image)
    if not text:
        raise UsageError("an IMAGE has no name", hint=FORMS)
    if text == _STDIN:
        return ArchiveFile(Path("/dev/stdin"), None)
    if (file := _on_disk(text)) is not None:
        return file
    if _is_dockerfile(text):
        return None
    _refuse_misspelled(text, variants)
    if _FILE_LIKE.fullmatch(text):
        raise UsageError(f"there is no file {printable(text, limit=200)!r}", hint=FORMS)
    if not _REFERENCE.fullmatch(text):
        raise UsageError(f"{printable(text, limit=200)!r} is neither a file nor an image's reference", hint=FORMS)
    return parse_remote(text) if remote else VariantSpec(name=f"{_IMAGE_PREFIX}{text}", image=text)


def _refuse_misspelled(text: str, variants: Mapping[str, Variant]) -> None:
    """A plain name that is nearly a variant's is hardly meant for an image on the engine."""
    close = difflib.get_close_matches(text, variants, n=1)
    if close and not set(text) & set(":/@"):
        raise UsageError(
            f"there is no variant {text!r} in the newest report: did you mean {close[0]!r}?",
            hint=f"Its variants are {', '.join(variants)}; an image on the engine is image:{text}.",
        )


def _on_disk(text: str) -> ArchiveFile | None:
    """The archive or folder of that path, or before the ``#``. Raises UsageError for a file that is nothing we read."""
    path, hash_, name = text.rpartition("#")
    try:
        if Path(text).exists():
            path, name = text, ""
        elif not hash_ or not Path(path).exists():
            return None
        if name or may_be_image(Path(path)):
            return ArchiveFile(Path(path), name or None)
    except (OSError, ValueError) as exc:
        reason = printable(getattr(exc, "strerror", None) or str(exc), limit=200)
        raise UsageError(f"{printable(text, limit=200)!r} cannot be read: {reason}", hint=FORMS) from exc
    # A folder may be named like an image on the engine; with a path's looks it is meant as a folder.
    if Path(path).is_dir():
        return ArchiveFile(Path(path), None) if "/" in path or not _REFERENCE.fullmatch(path) else None
    if not _is_dockerfile(path):
        raise UsageError(f"{printable(path, limit=200)} is neither an image's archive nor a Dockerfile", hint=FORMS)
    return None


def _is_dockerfile(text: str) -> bool:
    """Whether it names a file, and perhaps a stage after a colon, that reads as a Dockerfile."""
    try:
        path = next(path for path in (Path(text), Path(text.rpartition(":")[0])) if path.is_file())
        with path.open(encoding="utf-8", errors="replace") as file:
            parse(file.read(_MAX_DOCKERFILE), str(path))
    except (StopIteration, OSError, ValueError, UsageError):
        return False
    return True
