"""The difference of two images for a terminal: sizes, the reason, then layers, packages, files and config."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from imgcompare.analysis.diff_config import SettingChange, SettingChangeKind
from imgcompare.analysis.diff_files import Change as FileChange
from imgcompare.analysis.diff_files import ChangeKind
from imgcompare.analysis.diff_history import HistoryPair
from imgcompare.analysis.diff_images import (
    FileChanges,
    ImageDifference,
    LayerPair,
    PackageChange,
    PackageChangeKind,
    PackageChanges,
    Side,
)
from imgcompare.console.style import Style
from imgcompare.model import Layer
from imgcompare.render.cells.comparison import pull_size
from imgcompare.render.cells.facts import SHORT_ID, absolute, counted, origin, without
from imgcompare.render.cells.grid import NOTHING, Cell, Column, Grid, Tone
from imgcompare.render.cells.sentences import told_changes
from imgcompare.render.page import Page, Wide, section
from imgcompare.render.pages.diff_content import tell_content
from imgcompare.text.ecosystems import TITLES
from imgcompare.text.printable import printable
from imgcompare.text.units import MINUS, format_bytes, format_change, format_delta, format_percent

SUMMARY_ROWS = 8
_CHANGED = "~"
_MARKS = {
    ChangeKind.ADDED: "+",
    ChangeKind.REMOVED: MINUS,
    ChangeKind.CHANGED: _CHANGED,
    ChangeKind.METADATA: _CHANGED,
    ChangeKind.MIXED: _CHANGED,
}
_PACKAGE_MARKS = {PackageChangeKind.ADDED: "+", PackageChangeKind.REMOVED: MINUS}
_PACKAGE_WORDS = {
    PackageChangeKind.REMOVED: "removed",
    PackageChangeKind.ADDED: "added",
    PackageChangeKind.VERSION: "of another version",
    PackageChangeKind.RESIZED: "of another size",
}
_SETTING_MARKS = {SettingChangeKind.ADDED: "+", SettingChangeKind.REMOVED: MINUS, SettingChangeKind.CHANGED: _CHANGED}
_SETTINGS = {"working_dir": "workdir", "exposed_ports": "ports", "stop_signal": "stop signal"}
_T = TypeVar("_T")


def render(found: ImageDifference, style: Style, *, rows: int | None) -> str:
    """Return the page: no line is wider than ``style.width``; ``rows`` bounds each section, None does not."""
    page = Page(style)
    before, after = _name(found.before), _name(found.after)
    page.say(f"imgcompare diff · {before} → {after}", "strong")
    page.gap()
    page.table(_sizes(found))
    page.gap()
    page.say(_headline(found), "strong")
    if reasons := told_changes(found.reasons):
        page.say(reasons, lead="  ")
    listing = _Listing(page, rows)
    if found.layers is not None:
        listing.layers(found.layers, before, after)
    if found.history is not None:
        listing.history(found.history)
    if found.packages is not None:
        listing.ecosystems(found.packages)
    if found.files is not None:
        listing.files(found.files, found.uncompressed_delta)
    if found.config is not None:
        listing.config(found.config)
    for content in found.contents or ():
        tell_content(page, content)
    if listing.cut:
        page.gap()
        page.say("All of it: --packages, --files or --all.", "dim", hang=2)
    return page.text()


def _name(side: Side) -> str:
    return printable(side.name, limit=60) or "(no name)"


def _sizes(found: ImageDifference) -> Grid:
    before, after = found.before, found.after
    columns = (
        Column(key="what", title=""),
        Column(key="before", title=_name(before), right=True),
        Column(key="after", title=_name(after), right=True),
        Column(key="change", title="Change", right=True, rank=1),
        Column(key="ratio", title="", right=True, rank=2),
    )
    unpacked = before.uncompressed_size, after.uncompressed_size
    packed, layers = (before.compressed_size, after.compressed_size), (before.layer_count, after.layer_count)
    rows = [
        ("Unpacked", *map(format_bytes, unpacked), *_change(*unpacked)),
        (
            "Pull",
            pull_size(packed[0], before.compressed_size_exact),
            pull_size(packed[1], after.compressed_size_exact),
            *_change(*packed),
        ),
        ("Layers", *map(str, layers), _count(*layers), ""),
    ]
    if before.file_count is not None and after.file_count is not None:
        files = before.file_count, after.file_count
        rows.append(("Files", f"{files[0]:,}", f"{files[1]:,}", _count(*files), ""))
    if before.platform != after.platform:
        rows.append(("Platform", printable(before.platform, limit=40), printable(after.platform, limit=40), "", ""))
    rows.append(
        ("Image", before.image_id[len("sha256:") : SHORT_ID], after.image_id[len("sha256:") : SHORT_ID], "", "")
    )
    return Grid(columns, tuple(tuple(Cell(text=text) for text in row) for row in rows))


def _change(before: int | None, after: int | None) -> tuple[str, str]:
    if before is None or after is None:
        return "", ""
    return format_delta(after - before), format_change(after / before) if before and after != before else ""


def _count(before: int, after: int) -> str:
    delta = after - before
    return f"{MINUS if delta < 0 else '+' if delta else ''}{abs(delta):,}"


def _headline(found: ImageDifference) -> str:
    before, after, delta = _name(found.before), _name(found.after), found.uncompressed_delta
    if found.before.image_id == found.after.image_id:
        return f"{before} and {after} are the same image."
    if not delta:
        return f"{after} is as large as {before}."
    size = found.before.uncompressed_size
    if delta < 0 or not size:
        share = f" ({format_percent(delta / size)})" if size else ""
        return f"{after} is {format_bytes(abs(delta))}{share} {'smaller' if delta < 0 else 'larger'} than {before}."
    # The other way round the same bytes are another share, which is the one that a run of the two would tell.
    back = format_percent(delta / found.after.uncompressed_size)
    return (
        f"{after} is {format_bytes(delta)} ({format_percent(delta / size)}) larger than {before}, "
        f"which is {back} smaller than {after}."
    )


class _Listing:
    """The sections, each with at most ``rows`` rows; ``cut`` tells whether any had more."""

    def __init__(self, page: Page, rows: int | None) -> None:
        self._page = page
        self._rows = rows
        self.cut = False

    def layers(self, pairs: Sequence[LayerPair], before: str, after: str) -> None:
        """Add both images' layers, each instruction once; what they share from the lowest up is marked."""
        section(self._page, "Layers", _layer_grid(pairs, before, after), _shared(pairs))

    def packages(self, title: str, changes: Sequence[PackageChange]) -> None:
        """Add the packages of one kind that are not the same."""
        if not changes:
            self.nothing(title, "no difference")
            return
        columns = (
            Column(key="mark", title=""),
            Column(key="bytes", title="", right=True, joined=True),
            Column(key="name", title=""),
            Wide(key="version", title="", rank=1),
        )
        telling = changes if self._rows is None else [row for row in changes if not _is_noise(row)]
        self.cut |= len(telling) < len(changes)
        shown, rest = self._split(telling)
        rows = tuple(
            (
                Cell(text=_PACKAGE_MARKS.get(row.kind, _CHANGED)),
                Cell(text=_moved(row)),
                Cell(text=printable(row.name)),
                Cell(text=_versions(row), tone="dim"),
            )
            for row in shown
        )
        delta = format_delta(sum(row.delta_bytes for row in changes))
        section(self._page, title, Grid(columns, rows), f"  {delta}: {_kinds(row.kind for row in changes)}")
        self._rest(rest, "package", f", {format_delta(sum(row.delta_bytes for row in rest))}")

    def files(self, changes: FileChanges, delta: int) -> None:
        """Add the paths and folders that are not the same, and what else makes up ``delta``, unless it is little."""
        if not changes.rows:
            self.nothing("Files", "no difference in content, mode or owner")
            return
        columns = (
            Column(key="mark", title=""),
            Column(key="removed", title="Removed", right=True, joined=True),
            Column(key="added", title="Added", right=True),
            Column(key="files", title="Files", right=True, rank=1),
            Wide(key="path", title="Path", keep_end=True),
        )
        shown, rest = self._split(changes.rows)
        rows = tuple(_file_row(row) for row in shown)
        gone, come = sum(row.removed_bytes for row in changes.rows), sum(row.added_bytes for row in changes.rows)
        told = f"  {format_delta(-gone)}, {format_delta(come)}"
        if changes.min_bytes > 1:
            told += f"; what moves less than {format_bytes(changes.min_bytes)} by folder"
        section(self._page, "Files", Grid(columns, rows), told)
        beside = delta - (come - gone)
        gone, come = sum(row.removed_bytes for row in rest), sum(row.added_bytes for row in rest)
        self._rest(rest, "row", f", {format_delta(-gone)}, {format_delta(come)}")
        if abs(beside) * 100 >= abs(delta) > 0:
            told = f"the rest of {format_delta(delta)}: tar headers, padding, hidden files"
            self._page.say(f"{format_delta(beside)}  {told}", "dim", hang=2)

    def ecosystems(self, found: PackageChanges) -> None:
        """Add the packages of every ecosystem that was compared, and say which was not."""
        for kind in found.compared:
            self.packages(f"{TITLES.get(kind, kind)} packages", [one for one in found.all if one.type == kind])
        if not found.compared:
            self.nothing("Packages", "none in either")
        for manager in found.not_compared:
            self.nothing(f"{manager} packages", "not compared")

    def history(self, pairs: Sequence[HistoryPair]) -> None:
        """Add what the two histories say differently, instructions that made no layer included."""
        changed = [pair for pair in pairs if pair.before != pair.after]
        if not changed:
            return
        self._page.gap()
        empty = sum(pair.empty_layer for pair in changed)
        self._page.say(f"History  {len(pairs) - len(changed)} of {len(pairs)} rows the same", "strong")
        shown, rest = self._split(changed)
        for pair in shown:
            mark = "+" if pair.before is None else MINUS
            told = printable(pair.before or pair.after or "") or "(no instruction)"
            self._page.say(told + ("  (no layer)" if pair.empty_layer else ""), lead=f"{mark} ", hang=2)
        self._rest(rest, "row", f", {empty} without a layer" if empty else "")

    def config(self, changes: Sequence[SettingChange]) -> None:
        """Add how the settings differ."""
        lines = list(_setting_lines(changes))
        if not lines:
            self.nothing("Config", "no difference")
            return
        self._page.gap()
        self._page.say("Config", "strong")
        shown, rest = self._split(lines)
        width = min(max(len(name) for _, name, _ in shown), self._page.style.width // 3)
        for mark, name, told in shown:
            self._page.say(told, lead=f"{mark} {self._page.cut(name, width)}  ")
        self._rest(rest, "setting", "")

    def _split(self, rows: Sequence[_T]) -> tuple[Sequence[_T], Sequence[_T]]:
        """The rows to show, and the rest; one row more is shown rather than counted."""
        if self._rows is None or len(rows) <= self._rows + 1:
            return rows, ()
        self.cut = True
        return rows[: self._rows], rows[self._rows :]

    def _rest(self, rest: Sequence[object], noun: str, told: str) -> None:
        if rest:
            self._page.say(f"… and {counted(len(rest), f'more {noun}')}{told}", "dim", hang=2)

    def nothing(self, title: str, told: str) -> None:
        """Add a section with nothing in it, and why: no difference, nothing there, or not compared."""
        self._page.gap()
        if not self._page.title(title, f"  {told}"):
            self._page.say(f"{title}: {told}")


def _shared(pairs: Sequence[LayerPair]) -> str:
    shared = [pair.before.uncompressed_size for pair in pairs if pair.shared and pair.before]
    if len(shared) == len(pairs):
        return "  all shared"
    what = "lowest one" if len(shared) == 1 else f"lowest {len(shared)}"
    return f"  {what} shared, {format_bytes(sum(shared))}" if shared else "  none shared"


def _layer_grid(pairs: Sequence[LayerPair], before: str, after: str) -> Grid:
    columns = (
        Column(key="mark", title=""),
        Column(key="before", title=before, right=True, joined=True),
        Column(key="after", title=after, right=True),
        Column(key="from", title="From", rank=2),
        Wide(key="instruction", title="Instruction", rank=1),
    )
    rows = tuple(_layer_row(pair) for pair in pairs)
    return without(Grid(columns, rows), () if any(row[3].text for row in rows) else ("from",))


def _layer_row(pair: LayerPair) -> tuple[Cell, ...]:
    layer = pair.after or pair.before
    mark = _layer_mark(pair)
    tone: Tone = "dim" if mark == "=" else "plain"
    return (
        Cell(text=mark, tone=tone),
        Cell(text=_layer_size(pair.before), tone=tone),
        Cell(text=_layer_size(pair.after), tone=tone),
        Cell(text=origin(layer) if layer else "", tone="dim"),
        Cell(text=(printable(layer.created_by) if layer else "") or "(no history)", tone=tone),
    )


def _layer_mark(pair: LayerPair) -> str:
    if pair.before is None or pair.after is None:
        return "+" if pair.before is None else MINUS
    return "=" if pair.before.diff_id == pair.after.diff_id else _CHANGED


def _layer_size(layer: Layer | None) -> str:
    return format_bytes(layer.uncompressed_size) if layer else NOTHING


def _file_row(row: FileChange) -> tuple[Cell, ...]:
    return (
        Cell(text=_MARKS[row.kind]),
        Cell(text=format_bytes(row.removed_bytes) if row.removed_bytes else NOTHING),
        Cell(text=format_bytes(row.added_bytes) if row.added_bytes else NOTHING),
        Cell(text=f"{row.files:,}", tone="dim"),
        Cell(text=absolute(row.path) + ("  (mode or owner)" if row.kind is ChangeKind.METADATA else "")),
    )


def _versions(row: PackageChange) -> str:
    before, after = (printable(version or "", limit=80) for version in (row.before_version, row.after_version))
    return f"{before} → {after}" if row.kind is PackageChangeKind.VERSION else before or after


def _kinds(kinds: Iterable[PackageChangeKind]) -> str:
    """``310 removed, 2 added, 1 of another version``."""
    counts = Counter(kinds)
    return ", ".join(f"{counts[kind]:,} {words}" for kind, words in _PACKAGE_WORDS.items() if counts[kind])


def _setting_lines(changes: Sequence[SettingChange]) -> Iterator[tuple[str, str, str]]:
    """A mark, a name and a text for each setting; the environment's variables, whose values are not told, are one."""
    for change in changes:
        if change.setting != "env":
            name = printable(f"{_SETTINGS.get(change.setting, change.setting)} {change.name or ''}", limit=100)
            values = (printable(value) or '""' for value in (change.before, change.after) if value is not None)
            yield _SETTING_MARKS[change.kind], name, " → ".join(values)
    variables = [f"{printable(change.name or '')} {change.kind}" for change in changes if change.setting == "env"]
    if variables:
        yield _CHANGED, "env", ", ".join(variables)


def _moved(row: PackageChange) -> str:
    """The bytes of a package that came or went, which its mark tells apart, or by how many it changed."""
    whole = row.kind in _PACKAGE_MARKS
    return format_bytes(abs(row.delta_bytes)) if whole else format_delta(row.delta_bytes)


def _is_noise(row: PackageChange) -> bool:
    """The same version with nearly the same bytes: paths in its own records, bytecode or not."""
    return row.kind is PackageChangeKind.RESIZED and abs(row.delta_bytes) * 100 < row.before_bytes
