"""The machine's own package sources, so that a base image can be made from where its packages come anyway.

Formats: sources.list(5), https://manpages.debian.org/bookworm/apt/sources.list.5.en.html, both its styles.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from imgcompare.regex import regex

# One source: deb822 field names (in lower case) to values, several lines in one value kept as they are.
Source = dict[str, str]

# The one-line style's option names that deb822 spells otherwise.
_OPTIONS = {"arch": "architectures", "lang": "languages", "target": "targets"}
_ONE_LINE = regex(r"^deb\s+(?:\[(?P<options>[^\]]*)\]\s*)?(?P<uri>\S+)\s+(?P<suite>\S+)(?:\s+(?P<components>.*))?$")


def parse_one_line(text: str) -> list[Source]:
    """Return the binary sources of a ``*.list`` file."""
    sources = []
    for line in text.splitlines():
        match = _ONE_LINE.match(line.partition("#")[0].strip())
        if match is None:
            continue
        source = {"uris": match["uri"], "suites": match["suite"], "components": match["components"] or ""}
        for option in (match["options"] or "").split():
            name, _, value = option.partition("=")
            source[_OPTIONS.get(name.lower(), name.lower())] = value.replace(",", " ")
        sources.append(source)
    return sources


def parse_deb822(text: str) -> list[Source]:
    """Return the enabled binary sources of a ``*.sources`` file."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    sources = []
    for stanza in re.split(r"\n\s*\n", "\n".join(lines)):
        source: dict[str, str] = {}
        name = ""
        for line in stanza.splitlines():
            if line[:1] in (" ", "\t"):
                source[name] = f"{source.get(name, '')}\n{line}"
            elif ":" in line:
                name, _, value = line.partition(":")
                name = name.strip().lower()
                source[name] = value.strip()
        enabled = source.pop("enabled", "yes").lower() not in ("no", "false", "0")
        if "deb" in source.pop("types", "").split() and enabled:
            sources.append(source)
    return sources


def of_distribution(sources: Iterable[Source], distribution: str, codename: str) -> list[Source]:
    """Return those of ``sources`` that are the distribution's own release: its suites only, component main.

    Other parties publish suites of the same name, so sources signed with the distribution's keyring (or with no keyring
    of their own) go first; only where there is none, as behind a mirror that signs anew, all of that suite are taken.
    """
    wanted = (codename, f"{codename}-updates", f"{codename}-security", f"{codename}/updates")
    found = []
    for source in sources:
        suites = [suite for suite in source.get("suites", "").split() if suite in wanted]
        reachable = not source.get("uris", "").startswith("cdrom:")
        if suites and reachable and "main" in source.get("components", "").split():
            found.append({**source, "suites": " ".join(suites)})
    own = f"/usr/share/keyrings/{distribution}-archive-keyring"
    return [source for source in found if source.get("signed-by", own).startswith(own)] or found


def of_release(sources: Iterable[Source], codename: str, other: str) -> list[Source]:
    """Return the sources of one release as those of another of the same distribution."""

    def renamed(suite: str) -> str:
        return suite.replace(codename, other, 1).replace("/updates", "-security")

    return [{**source, "suites": " ".join(map(renamed, source["suites"].split()))} for source in sources]


def keyrings(sources: Iterable[Source]) -> list[Path]:
    """Return the key files that ``sources`` name, each once."""
    words = (word for source in sources for word in source.get("signed-by", "").split())
    return list(dict.fromkeys(Path(word) for word in words if word.startswith("/")))


def as_deb822(sources: Iterable[Source]) -> str:
    """Return ``sources`` as the text of one ``*.sources`` file."""
    stanzas = []
    for source in sources:
        fields = {"types": "deb", **source}
        stanzas.append("".join(f"{name.title()}: {value}\n" for name, value in fields.items() if value))
    return "\n".join(stanzas)


def read_machine(folder: Path = Path("/etc/apt")) -> list[Source]:
    """Return all binary sources the machine is configured with."""
    sources: list[Source] = []
    for path in [folder / "sources.list", *sorted((folder / "sources.list.d").glob("*"))]:
        if path.is_file() and path.suffix in (".list", ".sources"):
            text = path.read_text(encoding="utf-8", errors="replace")
            sources += parse_one_line(text) if path.suffix == ".list" else parse_deb822(text)
    return sources
