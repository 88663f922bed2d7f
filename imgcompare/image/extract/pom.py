"""Maven's pom.xml: only what names the project, read without entities and never beyond it."""

from __future__ import annotations

from contextlib import suppress
from xml.parsers import expat

_WANTED = frozenset(("groupId", "artifactId", "version"))


class _Stop(Exception):  # noqa: N818 - no error: all is known
    pass


def project_of(document: bytes) -> dict[str, str]:
    """Return ``groupId``, ``artifactId`` and ``version`` of a project, those of its parent where it has none itself.

    What is said by a property (``${revision}``) is left out, and of what is no XML what stands before the fault.
    """
    path: list[str] = []
    texts: dict[tuple[str, ...], str] = {}

    def start(name: str, _attributes: object) -> None:
        path.append(name.rpartition(":")[2])
        if len(path) > 64:
            raise _Stop

    def end(_name: str) -> None:
        path.pop()

    def text(data: str) -> None:
        at = tuple(path[1:])
        if len(path) in (2, 3) and at[-1] in _WANTED and at[:-1] in ((), ("parent",)):
            texts[at] = texts.get(at, "") + data

    def refuse(*_told: object) -> None:
        raise _Stop

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, text
    parser.EntityDeclHandler = refuse
    with suppress(expat.ExpatError, _Stop, ValueError, LookupError):
        parser.Parse(document, True)
    found = {key: texts.get((key,), "").strip() or texts.get(("parent", key), "").strip() for key in _WANTED}
    found["artifactId"] = texts.get(("artifactId",), "").strip()
    return {key: value for key, value in found.items() if value and "${" not in value}
