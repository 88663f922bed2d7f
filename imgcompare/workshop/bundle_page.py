"""What a bundle holds, for a terminal."""

from __future__ import annotations

from pathlib import Path

from imgcompare.console.style import Style
from imgcompare.render.page import Page
from imgcompare.text.printable import printable
from imgcompare.text.units import format_bytes
from imgcompare.workshop.bundle_file import Contents, PackedImage


def shown(path: Path, contents: Contents, style: Style) -> str:
    """Return the page: images and where they are from, packages with their sizes, and what is not in it."""
    page = Page(style)
    size = format_bytes(path.stat().st_size)
    page.say(f"{printable(str(path))} · {size} · made {printable(contents.created, limit=40)}", "strong")
    unpacked = sum(member.size_bytes for member in contents.members if member not in contents.wheels)
    page.gap()
    page.say(f"Images, {format_bytes(unpacked)} unpacked", "strong")
    for image in contents.images:
        page.say(_told(image), lead="  ", hang=4)
    page.gap()
    page.say(f"{len(contents.wheels)} packages for pip, from the package index that made them", "strong")
    for wheel in contents.wheels:
        page.say(f"{printable(wheel.name.partition('/')[2])} ({format_bytes(wheel.size_bytes)})", lead="  ", hang=4)
    for name in contents.left_out:
        page.gap()
        page.say(
            f"Not in it: {printable(name)}, which the engine neither had nor could pull. What needs it is skipped."
        )
    page.gap()
    page.say("Load it: imgcompare setup --bundle FILE")
    return page.text()


def _told(image: PackedImage) -> str:
    origin = (
        f"a stand-in for {image.stand_in}, made from the distribution's packages" if image.stand_in else "as pulled"
    )
    return printable(f"{image.reference} ({image.os}/{image.architecture}), {origin}", limit=300)
