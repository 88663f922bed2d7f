"""What is built before it is known whether it is wanted, while there is nothing else to do.

The slim candidate beside the original, where its Dockerfile leaves nothing to be tidied and asks for no packages of the
system: then only FROM differs. All other candidates while the original is looked into. Nothing of it is relied upon:
what turns out to be another text is built anew, and what is the same comes from the builder's cache.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress

from msgspec.structs import replace

from imgcompare.config.variants import VariantSpec
from imgcompare.dockerfile.document import Document, DocumentStage
from imgcompare.dockerfile.edits import apply
from imgcompare.dockerfile.edits import replace as replaced
from imgcompare.errors import ImgcompareError
from imgcompare.regex import regex
from imgcompare.remedy.attempt import Desk, Draft, encoded
from imgcompare.remedy.bases import slim_base

# What may leave caches, or need libraries of the system: then the slim candidate has more lines than these.
_LEAVES = regex(r"\b(?:apt(?:-get)?|apk|dnf|yum|uv|poetry|pipenv|pdm|npm|yarn|pnpm|curl|wget|gcc|make)\b|<<")
_INSTALLS = regex(r"\bpip[\d.]*\s+install\b(?!.*--no-cache-dir)", re.DOTALL)


def slim_ahead(spec: VariantSpec, desk: Desk) -> None:
    """Build the slim candidate, if it is known what it will be and its base is there."""
    with suppress(ImgcompareError):
        document = Document.read(spec.dockerfile.read_bytes()) if spec.dockerfile else None
        if document and (text := on_slim_base(document, document.target(spec.target), desk.variables(document))):
            desk.build_if_bases_are_there(replace(spec, name="slim", text=encoded(text)))


def on_slim_base(document: Document, stage: DocumentStage, variables: Mapping[str, str]) -> str:
    """The Dockerfile with nothing but its base changed; "" where the slim candidate will have more in it."""
    runs = [one.text for one in stage.instructions if one.keyword == "RUN"]
    cached = not any(one.keyword == "ENV" and "PIP_NO_CACHE_DIR" in one.text for one in stage.instructions)
    slim = slim_base(stage.base, variables, document.escape)
    if slim is None or any(map(_LEAVES.search, runs)) or (cached and any(map(_INSTALLS.search, runs))):
        return ""
    begin = stage.instructions[0]
    source = document.source(begin).rstrip().replace(stage.base, slim, 1)
    return str(apply(document, [replaced(document, begin, *source.splitlines())]))


def build_ahead(draft: Draft, spec: VariantSpec, desk: Desk) -> None:
    """Have what can be written before the original was looked into in the builder's cache; mostly that is all of it."""
    with suppress(ImgcompareError):
        if text := draft.write(()):
            desk.build(replace(spec, name=draft.name, text=encoded(text)))
