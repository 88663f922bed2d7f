"""What an image's config and layers say of it, without looking into a file."""

from __future__ import annotations

from imgcompare.image.archive import ArchivedImage
from imgcompare.image.oci import ImageConfig, decode
from imgcompare.model import Image, Layer
from imgcompare.regex import regex
from imgcompare.text.printable import printable


def describe(archived: ArchivedImage) -> Image:
    """The report's view of an image: its layers with the instruction that made each, sizes, user and ports.

    What it is called where it came from is the caller's to add. Raises ImageFormatError when the config is no image's.
    """
    config = decode(archived.config, ImageConfig, "the image's config")
    made = [row.created_by or "" for row in config.history or () if not row.empty_layer]
    made += [""] * (len(archived.layers) - len(made))
    layers = tuple(
        Layer(
            diff_id=layer.diff_id,
            created_by=instruction(created_by),
            uncompressed_size=layer.uncompressed_size,
            file_count=layer.file_count,
            compressed_size=layer.compressed_size,
        )
        for layer, created_by in zip(archived.layers, made, strict=False)
    )
    settings = config.config
    return Image(
        image_id=archived.image_id,
        reference="",
        os=printable(config.os, limit=40),
        architecture=printable(config.architecture, limit=40),
        uncompressed_size=sum(layer.uncompressed_size for layer in layers),
        layer_count=len(layers),
        history_count=len(config.history or ()),
        layers=layers,
        user=printable(settings.user or "", limit=100) if settings else "",
        exposed_ports=tuple(printable(p, limit=40) for p in (settings.exposed_ports or {})) if settings else (),
        compressed_size=sum({layer.diff_id: layer.compressed_size for layer in archived.layers}.values()),
        compressed_size_exact=all(layer.compressed_size_exact for layer in archived.layers),
    )


_LIMIT = 300


# Enough for what is shown, and a bound on the work.
_READ = 8192


_NOP = regex(r"(?:\S*sh(?: -\w+| pipefail)* )?#\(nop\)\s*")


_SHELL = regex(r"(?<!\S)(?:/\S*/)?\w*sh(?: -\w+| pipefail)* -\w*c(?:\s+|$)")


_ARGUMENTS = regex(r"\|([0-9]{1,4}) ")


_ARGUMENT_NAME = regex(r"(?<!\S)([A-Za-z_]\w*)=")


def instruction(created_by: str) -> str:
    """Tidy a history row: the builder's shell and marks removed, build arguments reduced to their names.

    Printable, at most 300 characters. The forms are those of the classic builder (``/bin/sh -c #(nop)  CMD …``) and of
    BuildKit (``RUN /bin/sh -c … # buildkit``), each with ``|N NAME=value …`` where build arguments were in scope.
    """
    text = created_by[:_READ].strip().removesuffix("# buildkit").rstrip()
    if nop := _NOP.match(text):
        return printable(text[nop.end() :], limit=_LIMIT)
    command = text.removeprefix("RUN ").lstrip()
    names: list[str] = []
    if arguments := _ARGUMENTS.match(command):
        names, command = _without_values(command[arguments.end() :], int(arguments[1]))
    elif shell := _SHELL.match(command):
        command = command[shell.end() :]
    elif not text.startswith("RUN "):
        return printable(text, limit=_LIMIT)
    told = f"  (ARG {', '.join(names)})" if names else ""
    return printable(f"RUN {command}{told}", limit=_LIMIT)


def _without_values(text: str, count: int) -> tuple[list[str], str]:
    """Split ``A=x B=y /bin/sh -c command`` into the names and the command: no value, which may be a secret, remains.

    Values are written unquoted and may hold anything, so the command begins at the first shell after all the names.
    """
    starts = list(_ARGUMENT_NAME.finditer(text))[:count]
    shell = _SHELL.search(text, starts[-1].end() if starts else 0)
    return [start[1] for start in starts], text[shell.end() :] if shell else ""
