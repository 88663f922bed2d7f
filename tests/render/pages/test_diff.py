"""The page about two images, as it looks."""

from __future__ import annotations

import unicodedata

import pytest
from msgspec.structs import replace
from rich.cells import cell_len

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
from imgcompare.model import Change, Layer
from imgcompare.render.pages.diff import render


def layer(created_by: str, size: int, **origin: object) -> Layer:
    """A layer; its content is its instruction's and size's own."""
    made = Layer(diff_id=f"{created_by} {size}", created_by=created_by, uncompressed_size=size, file_count=1)
    return replace(made, **origin)


def package(name: str, kind: PackageChangeKind, versions: tuple[str | None, str | None], *sizes: int) -> PackageChange:
    """A package's change."""
    before, after = versions
    return PackageChange(
        name=name, kind=kind, before_version=before, after_version=after, before_bytes=sizes[0], after_bytes=sizes[1]
    )


def changes(
    *,
    debian: tuple[PackageChange, ...] = (),
    python: tuple[PackageChange, ...] = (),
    compared: tuple[str, ...] = ("deb", "pypi"),
    not_compared: tuple[str, ...] = (),
) -> PackageChanges:
    """The changes of two ecosystems."""
    every = (*(replace(one, type="deb") for one in debian), *(replace(one, type="pypi") for one in python))
    return PackageChanges(debian=debian, python=python, all=every, compared=compared, not_compared=not_compared)


def files(path: str, kind: ChangeKind, removed: int, added: int, count: int) -> FileChange:
    """A row of files."""
    return FileChange(path=path, kind=kind, removed_bytes=removed, added_bytes=added, files=count)


BASE = layer("", 133_000_000, base=True)
TOOLS = layer(
    "RUN apt-get install -y --no-install-recommends build-essential git && rm -rf /var/lib/apt/lists/*", 579_200_000
)
OLD = Side(
    name="single-stage",
    reference="imgcompare/default:single-stage",
    image_id="sha256:" + "a" * 64,
    platform="linux/amd64",
    uncompressed_size=813_800_000,
    compressed_size=362_700_000,
    compressed_size_exact=False,
    layer_count=3,
    file_count=13_650,
)
NEW = replace(
    OLD,
    name="multi-stage",
    image_id="sha256:" + "b" * 64,
    uncompressed_size=228_800_000,
    compressed_size=78_100_000,
    compressed_size_exact=True,
    file_count=9_492,
)


@pytest.fixture
def found() -> ImageDifference:
    """A difference with a bit of everything."""
    return ImageDifference(
        before=OLD,
        after=NEW,
        uncompressed_delta=-585_000_000,
        compressed_delta=-284_600_000,
        reasons=(
            Change(category="build_tools", delta_bytes=-402_000_000),
            Change(category="system_packages", delta_bytes=-184_000_000),
            Change(category="application", delta_bytes=1_000),
        ),
        layers=(
            LayerPair(before=BASE, after=BASE, shared=True),
            LayerPair(before=TOOLS, after=None, shared=False),
            LayerPair(
                before=layer("COPY . /app", 14_000),
                after=layer("COPY . /app", 15_000, stage="final", dockerfile_line=9),
                shared=False,
            ),
            LayerPair(before=None, after=layer("COPY /opt/venv /opt/venv", 8_000_000), shared=False),
        ),
        packages=changes(
            debian=(
                package("gcc-12", PackageChangeKind.REMOVED, ("12.2.0-14", None), 69_300_000, 0),
                package("libssl3", PackageChangeKind.VERSION, ("3.0.11-1", "3.0.15-1"), 5_700_000, 5_900_000),
                package("libpq5", PackageChangeKind.ADDED, (None, "15.8-0"), 0, 120_000),
            ),
            python=(package("flask", PackageChangeKind.RESIZED, ("3.1.3", "3.1.3"), 700_000, 699_974),),
        ),
        files=FileChanges(
            min_bytes=6_000_000,
            rows=(
                files("usr/lib/gcc/", ChangeKind.REMOVED, 124_700_000, 0, 1_182),
                files("opt/venv/", ChangeKind.ADDED, 0, 8_000_000, 870),
                files("/", ChangeKind.MIXED, 1_700_000, 200_000, 12),
                files("etc/shadow", ChangeKind.METADATA, 0, 0, 1),
            ),
        ),
        config=(
            SettingChange(setting="user", kind=SettingChangeKind.ADDED, after="app"),
            SettingChange(
                setting="cmd",
                kind=SettingChangeKind.CHANGED,
                before='["python", "-m", "app"]',
                after='["gunicorn", "--workers=2", "app:app"]',
            ),
            SettingChange(setting="env", name="PATH", kind=SettingChangeKind.CHANGED),
            SettingChange(setting="env", name="PORT", kind=SettingChangeKind.ADDED),
        ),
    )


def page(found: ImageDifference, width: int, *, rows: int | None = 8, ascii_only: bool = False) -> str:
    """The page at a width."""
    return render(found, Style(width=width, color=False, ascii_only=ascii_only), rows=rows)


def test_60_columns(found: ImageDifference) -> None:
    """At 60 columns every section keeps its table; long instructions are cut."""
    assert (
        page(found, 60)
        == """\
imgcompare diff · single-stage → multi-stage

          single-stage   multi-stage     Change
Unpacked      813.8 MB      228.8 MB  −585.0 MB  −72 %
Pull        ≈ 362.7 MB       78.1 MB  −284.6 MB  −78 %
Layers               3             3          0
Files           13,650         9,492     −4,158
Image     aaaaaaaaaaaa  bbbbbbbbbbbb

multi-stage is 585.0 MB (72 %) smaller than single-stage.
  build tools −402.0 MB · system packages −184.0 MB

Layers  lowest one shared, 133.0 MB
  single-stage  multi-stage  From           Instruction
=     133.0 MB     133.0 MB  base           (no history)
−     579.2 MB            –                 RUN apt-get ins…
~        14 kB        15 kB  final, line 9  COPY . /app
+            –       8.0 MB                 COPY /opt/venv …

Debian packages
−69.0 MB: 1 removed, 1 added, 1 of another version
− 69.3 MB  gcc-12   12.2.0-14
~ +200 kB  libssl3  3.0.11-1 → 3.0.15-1
+  120 kB  libpq5   15.8-0

Python packages  −26 B: 1 of another size

Files
−126.4 MB, +8.2 MB; what moves less than 6.0 MB by folder
   Removed   Added  Files  Path
− 124.7 MB       –  1,182  /usr/lib/gcc/
+        –  8.0 MB    870  /opt/venv/
~   1.7 MB  200 kB     12  /
~        –       –      1  /etc/shadow  (mode or owner)
−466.8 MB  the rest of −585.0 MB: tar headers, padding,
  hidden files

Config
+ user  app
~ cmd   ["python", "-m", "app"] → ["gunicorn",
        "--workers=2", "app:app"]
~ env   PATH changed, PORT added

All of it: --packages, --files or --all.
"""
    )


def test_80_columns(found: ImageDifference) -> None:
    """At 80 columns every title and what there is to say of it is one line."""
    assert (
        page(found, 80)
        == """\
imgcompare diff · single-stage → multi-stage

          single-stage   multi-stage     Change
Unpacked      813.8 MB      228.8 MB  −585.0 MB  −72 %
Pull        ≈ 362.7 MB       78.1 MB  −284.6 MB  −78 %
Layers               3             3          0
Files           13,650         9,492     −4,158
Image     aaaaaaaaaaaa  bbbbbbbbbbbb

multi-stage is 585.0 MB (72 %) smaller than single-stage.
  build tools −402.0 MB · system packages −184.0 MB

Layers  lowest one shared, 133.0 MB
  single-stage  multi-stage  From           Instruction
=     133.0 MB     133.0 MB  base           (no history)
−     579.2 MB            –                 RUN apt-get install -y --no-install…
~        14 kB        15 kB  final, line 9  COPY . /app
+            –       8.0 MB                 COPY /opt/venv /opt/venv

Debian packages  −69.0 MB: 1 removed, 1 added, 1 of another version
− 69.3 MB  gcc-12   12.2.0-14
~ +200 kB  libssl3  3.0.11-1 → 3.0.15-1
+  120 kB  libpq5   15.8-0

Python packages  −26 B: 1 of another size

Files  −126.4 MB, +8.2 MB; what moves less than 6.0 MB by folder
   Removed   Added  Files  Path
− 124.7 MB       –  1,182  /usr/lib/gcc/
+        –  8.0 MB    870  /opt/venv/
~   1.7 MB  200 kB     12  /
~        –       –      1  /etc/shadow  (mode or owner)
−466.8 MB  the rest of −585.0 MB: tar headers, padding, hidden files

Config
+ user  app
~ cmd   ["python", "-m", "app"] → ["gunicorn", "--workers=2", "app:app"]
~ env   PATH changed, PORT added

All of it: --packages, --files or --all.
"""
    )


def test_120_columns(found: ImageDifference) -> None:
    """What is long takes the room there is; the rest stays as it is."""
    narrow, wide = (page(found, width).splitlines() for width in (80, 120))
    longer = [line for line, short in zip(wide, narrow, strict=True) if line != short]
    assert [line[:19] + line[44:] for line in longer] == [
        "−     579.2 MB     RUN apt-get install -y --no-install-recommends build-essential git && rm -r…"
    ]


def test_ascii(found: ImageDifference) -> None:
    """Where only ASCII arrives, marks, bars and signs have their nearest spelling."""
    text = page(found, 80, ascii_only=True)
    assert text.isascii()
    assert "- 69.3 MB  gcc-12   12.2.0-14\n~ +200 kB  libssl3  3.0.11-1 -> 3.0.15-1\n" in text


def test_in_full(found: ImageDifference) -> None:
    """Without a bound nothing is left out, and nothing says so; with a small one the rest is summed up."""
    full = page(found, 80, rows=None)
    assert "~ −26 B  flask  3.1.3" in full
    assert "All of it" not in full
    few = page(found, 80, rows=1)
    assert "− 69.3 MB  gcc-12  12.2.0-14\n… and 2 more packages, +320 kB\n" in few
    assert "\n… and 3 more rows, −1.7 MB, +8.2 MB\n" in few
    assert "+ user  app\n… and 2 more settings\n" in few


@pytest.mark.parametrize("width", [20, 33, 50, 60, 80, 100, 200])
@pytest.mark.parametrize("ascii_only", [False, True])
def test_no_line_is_wider_than_the_page(found: ImageDifference, width: int, *, ascii_only: bool) -> None:
    """Also with hostile and wide names; no control or bidi character passes."""
    evil = "\x1b[31mevil\u202e[red]应用程序" * 8
    changed = replace(
        found,
        before=replace(OLD, name=evil, platform=evil),
        layers=(LayerPair(before=layer(evil, 1, stage=evil), after=None, shared=False),),
        packages=changes(
            debian=(package(evil, PackageChangeKind.VERSION, (evil, evil), 1, 2),),
            python=(package(evil, PackageChangeKind.ADDED, (None, evil), 0, 2),),
        ),
        files=FileChanges(min_bytes=0, rows=(files(evil, ChangeKind.CHANGED, 1, 2, 1),)),
        config=(
            SettingChange(setting="label", name=evil, kind=SettingChangeKind.REMOVED, before=evil),
            SettingChange(setting="env", name=evil, kind=SettingChangeKind.ADDED),
        ),
    )
    for shown in (found, changed):
        lines = page(shown, width, ascii_only=ascii_only).splitlines()
        assert [line for line in lines if cell_len(line) > width] == []
        assert not [c for line in lines for c in line if unicodedata.category(c) in {"Cc", "Cf", "Cs"}]


def test_nothing_to_tell(found: ImageDifference) -> None:
    """Images that differ in nothing, and sections nobody asked for."""
    same = replace(
        found,
        after=replace(OLD, name="again"),
        uncompressed_delta=0,
        reasons=(),
        layers=(LayerPair(before=BASE, after=BASE, shared=True),),
        packages=changes(),
        files=FileChanges(min_bytes=0, rows=()),
        config=None,
    )
    alpine = replace(same, packages=changes(compared=("apk", "npm"), not_compared=("pacman",)))
    assert page(alpine, 80).split("\n\n")[4:7] == [
        "Alpine packages  no difference",
        "Node packages  no difference",
        "pacman packages  not compared",
    ]
    assert page(replace(same, packages=changes(compared=())), 80).split("\n\n")[4] == "Packages  none in either"
    assert page(same, 80).split("\n\n")[2:] == [
        "single-stage and again are the same image.",
        "Layers  all shared\n  single-stage     again  From  Instruction\n=     133.0 MB  133.0 MB  base  (no history)",
        "Debian packages  no difference",
        "Python packages  no difference",
        "Files  no difference in content, mode or owner\n",
    ]


def test_what_the_histories_say_differently(found: ImageDifference) -> None:
    """Each row of one image alone, with what made no layer told; equal ones are counted."""
    pairs = (
        HistoryPair(before="COPY a /", after="COPY a /", empty_layer=False),
        HistoryPair(before="ENV A=1", after=None, empty_layer=True),
        HistoryPair(before=None, after="RUN b", empty_layer=False),
    )
    shown = page(replace(found, history=pairs), 80)
    assert "History  1 of 3 rows the same\n− ENV A=1  (no layer)\n+ RUN b\n" in shown
    assert "History" not in page(replace(found, history=pairs[:1]), 80)


def test_growth_and_saving_of_two_images_are_one_number(found: ImageDifference) -> None:
    """What is −72 % one way is +256 % the other: the sentence about the greater says both."""
    back = replace(found, before=found.after, after=found.before, uncompressed_delta=585_000_000)
    assert (
        "single-stage is 585.0 MB (256 %) larger than multi-stage, which is 72 % smaller than single-stage.\n"
        in page(back, 120)
    )
    assert "\nmulti-stage is 585.0 MB (72 %) smaller than single-stage.\n" in page(found, 120)
