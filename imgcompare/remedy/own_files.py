"""Pure: whether a candidate has the application's files as they are in the original, and the users that own them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from imgcompare.analysis.breakdown import Category
from imgcompare.analysis.savings import DOWNLOADS
from imgcompare.dockerfile.shell import flags_of, split_commands
from imgcompare.image.layer_index import FileEntry
from imgcompare.image.tarheader import DIRECTORY, REGULAR, SYMLINK
from imgcompare.regex import regex
from imgcompare.remedy.pair import Comparison
from imgcompare.remedy.steps import Purpose, purpose_of
from imgcompare.remedy.subject import Files, Subject

_DPKG = "var/lib/dpkg/status"
_OWN = frozenset((Category.APPLICATION, Category.OTHER, Category.LANGUAGE_PACKAGES, Category.RUNTIME))
# What packages' own scripts make, and no package lists; links of theirs beside it.
_BY_PACKAGES = regex(
    r"etc/(?:alternatives/|ca-certificates|ssl/certs/(?:[^/]+\.\d+|ca-certificates\.crt)|rc.\.d|systemd|ld\.so\.cache"
    r"|mailcap|shells|environment)|var/lib/(?:apt|dpkg|systemd|pam|ucf|ghostscript)/"
    r"|usr/share/(?:mime/|info/|fonts/(?:.*/)?(?:\.uuid|fonts\.\w+)$|(?:icons|applications)/(?:.*/)?[^/]+\.cache$"
    r"|glib-2\.0/)|usr/lib/python3/|usr/lib/[^/]+-linux-gnu/(?:.*/)?[^/]+\.cache$"
)
_LINKS_BY_PACKAGES = regex(r"etc/fonts/conf\.d/|usr/lib/[^/]+-linux-gnu/")
_OF_CERTIFICATES = "/usr/share/ca-certificates/"
_ACCOUNTS = regex(r"etc/(?:(?:passwd|shadow|group|gshadow|subuid|subgid)-?|\.pwd\.lock)|run/adduser")
_OWN_VAR = regex(r"var/(?:www|opt|data)\b|var/(?:lib|spool)/(?!apt\b|dpkg\b)[^/]+")
# A cache that is no download's holds what the application would otherwise have to fetch: models, browsers.
_KEPT_CACHE = regex(r"(?:.*/)?\.cache/(?!fontconfig\b|matplotlib\b|mesa_shader_cache\b)[^/]+/")
# What tools that only install keep for themselves: settings, locks, the folder of environments with none in it.
_OF_TOOLS = regex(
    r"(?:root|home/[^/]+)/\.(?:config|local/(?:share|state))/(?:(?:pypoetry|pip|uv|pdm|pipenv|virtualenv)\b|virtualenvs$)|usr/local/\.lock$"
)
_PASSES_OVER = regex(r"\|\||;|(?<!\|)\|(?!\|)|\$\(|`|\bif\b")
_FIRST_ADDED_UID, _NOBODY = 500, 65534


def own_files(compared: Comparison) -> tuple[int, list[str]]:
    """How many files are the application's, and what became of which.

    Those that COPY brought must be the same, the others must be there and as they were: for what, folders too, was made
    to be written to. A RUN whose shell passes over a failure may write something else on another base.
    """
    original, candidate = compared.original, compared.candidate.files
    mine, theirs = original.files.root, candidate.root
    filled = {path.rpartition("/")[0] for path in mine.entries}
    count, differences = 0, list[str]()
    for path, layer in mine.layer_of.items():
        entry, found = mine.entries[path], theirs.entries.get(path)
        if layer < original.base_count or not _is_own(original, path, layer):
            continue
        count += entry.kind != DIRECTORY
        if found is None and path in filled:
            continue  # it is as good as what is in it
        if found is None:
            if not any(candidate.has(place) for place in compared.places(f"/{path}")):
                differences.append(f"/{path} is missing")
        elif entry.kind != DIRECTORY and entry.digest != found.digest and _must_be_same(original, layer, entry, found):
            differences.append(f"/{path} has another content")
        elif entry.link != found.link and SYMLINK in (entry.kind, found.kind):
            differences.append(f"/{path} leads elsewhere")
        elif compared.user is None and _has_less(entry, found):
            differences.append(f"/{path} has another owner or fewer rights")
    more = (*_undone(compared), *_rights_undone(compared), *_lost_capabilities(compared))
    return count, list(dict.fromkeys((*differences, *more)))


def _undone(compared: Comparison) -> Iterator[str]:
    """What a RUN changed or deleted, and is as it was before: a script that also installs may have done that.

    Files of packages are among them: settings of theirs are changed in place.
    """
    original, theirs = compared.original, compared.candidate.files.root.entries
    mine = original.files.root.entries
    for lost in original.files.root.superseded:
        path = lost.entry.path
        if (
            lost.by_layer < original.base_count
            or lost.by_layer == lost.layer
            or _is_nobodys(original, path, lost.by_layer)
        ):
            continue
        now, found = mine.get(path), theirs.get(path)
        if (
            found is None
            or found.kind != REGULAR
            or not original.image.layers[lost.by_layer].created_by.startswith("RUN")
        ):
            continue
        if now is None and lost.layer >= original.base_count:
            yield f"/{path} is there, which the original deletes"
        elif now is not None and now.digest != found.digest == lost.entry.digest:
            yield f"/{path} is as it was before the original changes it"


def _rights_undone(compared: Comparison) -> Iterator[str]:
    """What the base brought and a RUN made another's, or gave more rights, and is as it was before."""
    if compared.user is not None:
        return
    original, theirs = compared.original, compared.candidate.files.root.entries
    mine, before = original.files.root, original.base.root.entries
    for path, layer in mine.layer_of.items():
        if layer < original.base_count or path not in before or path not in theirs or _by_apt_alone(original, layer):
            continue
        entry, was, found = mine.entries[path], before[path], theirs[path]
        only_rights = (entry.kind, entry.digest) == (was.kind, was.digest) and (
            (entry.mode, entry.uid, entry.gid) != (was.mode, was.uid, was.gid)
        )
        if only_rights and _has_less(entry, found) and original.categories.of(path) is not Category.PYTHON_PACKAGES:
            yield f"/{path} has another owner or fewer rights"


def _lost_capabilities(compared: Comparison) -> Iterator[str]:
    """Programs that may do what only root may, and are there without leave."""
    original, candidate = compared.original.probe, compared.candidate.probe
    for path, rights in (original.capabilities if original and candidate else {}).items():
        there = [place for place in compared.places(path) if compared.candidate.files.has(place)]
        if candidate and there and all(candidate.capabilities.get(place) != rights for place in there):
            yield f"{path} has lost its capabilities"


def _by_apt_alone(original: Subject, layer: int) -> bool:
    """Whether apt was at work in a RUN whose words tell all that it does, or nothing but bytes were copied."""
    run = original.image.layers[layer].created_by.startswith("RUN")
    return not run or (_DPKG in original.archived.layers[layer].documents and not _is_hidden(original, layer))


def _is_nobodys(original: Subject, path: str, by_layer: int) -> bool:
    """Whether a file is of no account, or apt's to change in a RUN whose words tell all that it does."""
    if _ACCOUNTS.fullmatch(path) or _BY_PACKAGES.match(path) or path.startswith("var/"):
        return True
    if original.categories.of(path) in {Category.CACHES, Category.PYTHON_PACKAGES}:
        return True
    by_apt = _DPKG in original.archived.layers[by_layer].documents
    return by_apt and not _is_hidden(original, by_layer)


def lost_users(compared: Comparison) -> tuple[int, list[str]]:
    """How many users the Dockerfile added, and which of them are not there or in fewer groups.

    Those of packages are packages' matter.
    """
    original = compared.original
    known, theirs, added = _users(original.base), _users(compared.candidate.files), list[str]()
    for index in range(original.base_count, len(original.archived.layers)):
        of_packages = _by_apt_alone(original, index)
        now = _users(Files(original.archived.layers[index : index + 1]))
        added += [
            name for name, uid in now.items() if name not in known and (uid >= _FIRST_ADDED_UID or not of_packages)
        ]
        known |= now
    added = [name for name in added if known[name] != _NOBODY]
    lost = [f"the user {name} is missing" for name in added if name not in theirs]
    return len(added), [*lost, *_lost_members(compared)]


def _lost_members(compared: Comparison) -> Iterator[str]:
    original, candidate = compared.original.probe, compared.candidate.probe
    for group, members in (original.groups if original and candidate else {}).items():
        there = candidate.groups.get(group) if candidate else None
        if there is None and members:
            yield f"the group {group} is missing"
        for member in members:
            if there is not None and member not in there:
                yield f"the user {member} is not in the group {group}"


def _users(files: Files) -> dict[str, int]:
    lines = files.documents.get("etc/passwd", b"").decode("utf-8", "replace").splitlines()
    fields = (line.split(":") for line in lines)
    return {one[0]: int(one[2]) for one in fields if len(one) > 2 and one[2].isdecimal()}


def _has_less(entry: FileEntry, found: FileEntry) -> bool:
    """Whether it is root's now or no more, or somebody may do less with it; users' numbers differ between bases."""
    lost = 0 if SYMLINK in (entry.kind, found.kind) else entry.mode & ~found.mode & 0o7777
    return (entry.uid == 0) != (found.uid == 0) or lost != 0


def _must_be_same(original: Subject, layer: int, entry: FileEntry, found: FileEntry) -> bool:
    """What was copied; and what a RUN wrote that may have failed unseen, if it is longer or shorter now.

    Of the same length, it is taken for a time or a number that each build makes anew.
    """
    if original.image.layers[layer].created_by.startswith(("COPY", "ADD")):
        return True
    return entry.size != found.size and _PASSES_OVER.search(_run_of(original, layer)) is not None


def _run_of(original: Subject, layer: int) -> str:
    """A layer's RUN as it is written, without flags; what is told of the layer may be cut short."""
    told = original.image.layers[layer]
    for one in (one for stage in original.built.stages for one in stage.instructions):
        if one.keyword == "RUN" and one.line == told.dockerfile_line:
            return one.text[len(flags_of(one)) :]
    return told.created_by.removeprefix("RUN ")


def _is_own(original: Subject, path: str, layer: int) -> bool:
    """Whether a file is the application's, or one of the system's that neither a package nor apt's hooks brought.

    What a RUN with apt in it wrote there, apt writes again; a file in /etc that a script wrote, nobody does.
    """
    category = original.categories.of(path)
    by_apt = _DPKG in original.archived.layers[layer].documents
    if by_apt and original.files.root.entries[path].kind == DIRECTORY and not _is_hidden(original, layer):
        return False
    if category is Category.RUNTIME and original.files.inventory.of_system(path):
        return False  # Node of Debian's packages, which are compared as packages
    if _ACCOUNTS.fullmatch(path):
        return False  # of these the users are compared
    if category in _OWN:
        return not _OF_TOOLS.match(path)
    if category is Category.CACHES:
        return _KEPT_CACHE.match(path) is not None and not DOWNLOADS.match(path)
    if category is not Category.SYSTEM_PACKAGES or original.files.inventory.of_system(path):
        return False
    if path.startswith("var/") and not _OWN_VAR.match(path):
        return False
    if not by_apt:
        return True
    return _is_hidden(original, layer) and not _is_made_by_packages(original.files.root.entries[path])


def _is_made_by_packages(entry: FileEntry) -> bool:
    """Whether it is of what packages make when they are installed, and do not list."""
    by_links = entry.link.startswith(("/etc/alternatives/", _OF_CERTIFICATES))
    return by_links or any(
        pattern.match(entry.path) is not None
        for pattern in (_BY_PACKAGES, *((_LINKS_BY_PACKAGES,) if entry.kind == SYMLINK else ()))
    )


def _is_hidden(original: Subject, layer: int) -> bool:
    """Whether apt was at work in a RUN whose words do not tell all that it does: another stage may not run it."""
    return _hides(_run_of(original, layer))


@lru_cache(64)  # asked of each file
def _hides(run: str) -> bool:
    found = frozenset(map(purpose_of, split_commands(run) or ()))
    return Purpose.APT not in found or (Purpose.OTHER in found and not found & {Purpose.INSTALL, Purpose.TOOL})
