"""The page in a real browser: it holds what the report holds, needs nothing else, and nothing in it comes alive."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import pytest
from msgspec.structs import replace

from imgcompare.console.style import Style
from imgcompare.diagnosis.explanations import EXPLANATIONS
from imgcompare.model import (
    AfterChange,
    Against,
    AgainstRow,
    Caution,
    Collection,
    Document,
    Edit,
    EditAction,
    Entry,
    Failure,
    Gate,
    Hardened,
    Image,
    Layer,
    PackageCounts,
    Packages,
    Part,
    PartKind,
    PythonPackage,
    Report,
    Stage,
    Variant,
    Verdict,
)
from imgcompare.reports.collection import collect
from tests.support.browser import Browser, started
from tests.support.rendered import MakeReport, MakeVariant, render

STYLE = Style(width=100, color=False, ascii_only=False)
EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)>'\"`{{7*7}}&lt;<!--\u202e\x1b[31m"


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Debian's chromium, for all tests here."""
    with started(tmp_path_factory.mktemp("browser") / "profile") as browser:
        yield browser


def part(name: str, kind: PartKind, *parts: Part, size: int = 0, entries: int = 1) -> Part:
    """A part that is as large as what is in it."""
    return Part(
        name=name,
        kind=kind,
        size_bytes=size or sum(each.size_bytes for each in parts),
        entry_count=sum(each.entry_count for each in parts) or entries,
        parts=parts,
    )


def explained(variant: Variant, name: str = "flask") -> Variant:
    """The variant with layers, contents, packages and a tree of its bytes."""
    image = cast("Image", variant.image)
    half = image.uncompressed_size // 2
    rest = image.uncompressed_size - half
    file = part(f"usr/lib/{name}.so", PartKind.FILE, size=half)
    tree = (
        part("1", PartKind.LAYER, part("system_packages", PartKind.CATEGORY, part(name, PartKind.PACKAGE, file))),
        part(
            "2", PartKind.LAYER, part("application", PartKind.CATEGORY, part("", PartKind.REST, size=rest, entries=9))
        ),
    )
    layers = tuple(
        Layer(diff_id="sha256:" + "c" * 64, created_by=f"RUN {name} {n}", uncompressed_size=size, file_count=n)
        for n, size in enumerate((half, rest), 1)
    )
    packages = Packages(python=(PythonPackage(name=name, version="3.1", installed_bytes=half, location="/usr/lib"),))
    contents = {"system_packages": half, "application": rest}
    return replace(variant, image=replace(image, layers=layers, tree=tree, contents=contents, packages=packages))


@pytest.fixture
def report(make_report: MakeReport, single: Variant, multi: Variant, tutorial: Variant) -> Report:
    """Two that work, one that does not, whose Dockerfile is known and how it is mended."""
    assert tutorial.failure
    line = Edit(action=EditAction.INSERT_AFTER, stage="1", line=2, instruction="FROM", lines=("COPY <all> /",))
    source = replace(tutorial.source, lines=("# Ship <less>.", "FROM slim", 'CMD ["flask"]'))
    broken = replace(tutorial, source=source, failure=replace(tutorial.failure, edits=(line,)))
    return make_report(explained(single), explained(multi), explained(broken))


def show(browser: Browser, document: Document, folder: Path, **how: Any) -> None:
    """Render a document and open it; a page that complains of anything, or asks for anything, has failed."""
    path = folder / "page.html"
    path.write_text(render(document, "html", STYLE), encoding="utf-8")
    browser.open(path, **how)
    assert browser.complaints() == []
    assert browser.requests() == []


def text(browser: Browser, selector: str) -> str:
    """The visible text of the first element that a selector finds."""
    return str(browser.script(f"document.querySelector({selector!r}).innerText"))


def test_the_verdict_comes_first(browser: Browser, report: Report, tmp_path: Path) -> None:
    """The one heading of the first level is the answer, and the first thing to read after the title."""
    show(browser, report, tmp_path)
    assert browser.script("[...document.querySelectorAll('h1')].map((e) => e.innerText.replace(/\\s+/g, ' '))") == [
        "✗ Not passed: multi-stage is the smallest image that works: 757.8 MB (79 %) less than single-stage; "
        "tutorial is smaller still, but broken."
    ]
    assert browser.script("[...document.querySelectorAll('h2')].map((e) => e.innerText)") == [
        "Sizes",
        "Dockerfiles",
        "What is broken",
        "What changed",
        "Where the bytes went",
        "Layers",
        "Time",
        "Packages",
        "Facts",
    ]


def test_everything_is_there_without_scripts(report: Report) -> None:
    """The markup alone has the sizes, the evidence, the instructions and the table of bytes by layer."""
    page = re.sub(r"<script.*?</script>", "", render(report, "html", STYLE), flags=re.DOTALL)
    for told in (
        "957.2 MB",
        "ModuleNotFoundError: No module named &#39;flask&#39;",
        "RUN flask 2",
        "multi-stage: bytes by layer and category",
        "build 3.1\xa0s",
        "−757.8 MB",
    ):
        assert told in page


def test_the_chart_adds_up_to_the_report(browser: Browser, report: Report, tmp_path: Path) -> None:
    """In each panel the first column is the image, and each next one as many bytes, to the byte."""
    show(browser, report, tmp_path)
    columns = browser.script("""[...document.querySelectorAll('.cells')].map((cells) => {
        const sums = {};
        for (const {style, dataset} of cells.children)
            sums[style.left] = (sums[style.left] || 0) + Number(dataset.bytes);
        return Object.values(sums);
    })""")
    assert columns == [[957_200_000] * 4, [199_400_000] * 4]


def test_the_chart_is_used_by_keyboard(browser: Browser, report: Report, tmp_path: Path) -> None:
    """Arrows move within it, Enter looks into a part, Escape steps back; the address keeps the place."""
    show(browser, report, tmp_path)
    where = "document.activeElement.getAttribute('aria-label')"
    browser.script("document.querySelector('.cells button[tabindex=\"0\"]').focus()")
    assert browser.script(where) == "single-stage 957.2 MB: image, 100 % of the image, 10 files and folders"
    browser.press("ArrowRight")
    browser.press("ArrowDown")
    assert browser.script(where) == "2: RUN flask 2 478.6 MB: layer, 50 % of the image, 9 files and folders"
    browser.press("ArrowUp")
    browser.press("ArrowRight")
    browser.press("Enter")
    assert browser.script(where) == "system packages 478.6 MB: category, 50 % of the image"
    assert text(browser, ".crumbs") == "single-stage › 1: RUN flask 1 › system packages"
    assert browser.script("location.hash") == "#c1-bytes=0.0.0/1"
    browser.press("ArrowRight")
    browser.press("ArrowRight")
    assert browser.script(where) == "/usr/lib/flask.so 478.6 MB: file, 50 % of the image"
    browser.press("Escape")
    assert text(browser, ".crumbs") == "single-stage › 1: RUN flask 1"


def test_an_address_leads_to_a_part(browser: Browser, report: Report, tmp_path: Path) -> None:
    """What was looked at can be sent to others; an address of another report's leads nowhere and breaks nothing."""
    show(browser, report, tmp_path, fragment="#c1-bytes=2.1/0.0.0")
    crumbs = "[...document.querySelectorAll('.crumbs')].map((e) => e.innerText)"
    assert browser.script(crumbs) == ["tutorial › 2: RUN flask 2", "single-stage › 1: RUN flask 1 › system packages"]
    show(browser, report, tmp_path, fragment="#c1-bytes=9.1/0.7.-1.x")
    assert browser.script(crumbs) == ["single-stage", "single-stage"]


def test_the_chart_is_arranged_by_content(browser: Browser, report: Report, tmp_path: Path) -> None:
    """Without the layers, the same category and package of several is one; no byte is lost where one tells less."""
    image = cast("Image", report.variants[0].image)
    told, untold = image.tree[0], part("2", PartKind.LAYER, part("system_packages", PartKind.CATEGORY, size=7))
    tree = (told, untold, told)
    image = replace(image, tree=tree, uncompressed_size=sum(each.size_bytes for each in tree))
    report = replace(report, variants=(replace(report.variants[0], image=image),))
    show(browser, report, tmp_path)
    browser.script(
        "(() => { const s = document.querySelector('.arrange'); s.value = 'content'; "
        "s.dispatchEvent(new Event('change')); })()"
    )
    cells = browser.script(
        "[...document.querySelectorAll('.cells > *')].map((e) => [e.innerText, Number(e.dataset.bytes)])"
    )
    assert cells == [
        ["single-stage\n957.2 MB", 957_200_007],
        ["system packages\n957.2 MB", 957_200_007],
        ["flask\n957.2 MB", 957_200_000],
        ["/usr/lib/flask.so\n957.2 MB", 957_200_000],
        ["", 7],
    ]
    assert browser.script("location.hash") == "#c1-bytes=content:0"


def test_a_table_is_sorted_by_a_column(browser: Browser, report: Report, tmp_path: Path) -> None:
    """Sizes by their bytes whatever their unit, names by the alphabet; a second time the other way round."""
    files = tuple(
        PythonPackage(name=name, version="1", installed_bytes=size, location="/")
        for name, size in [("b", 900_000), ("a", 2_000_000), ("c", 30)]
    )
    image = replace(cast("Image", report.variants[0].image), packages=Packages(python=files))
    show(browser, replace(report, variants=(replace(report.variants[0], image=image),)), tmp_path)
    table = "document.querySelector('[aria-labelledby=c1-packages] table')"
    names = f"[...{table}.tBodies[0].rows].map((row) => row.cells[0].innerText).join('')"
    found = [browser.script(names)]
    for head in (3, 3, 0, 0):
        browser.script(f"{table}.tHead.rows[0].cells[{head}].querySelector('button').click()")
        found.append(browser.script(names))
    assert found == ["abc", "abc", "cba", "abc", "cba"]


def test_links_unfold_what_they_lead_to(browser: Browser, report: Report, tmp_path: Path) -> None:
    """In a collection of many, those that passed are folded; a link to one, or into it, opens it."""
    passed = replace(report, passed=True)
    show(browser, collect((passed,) * 3, created=""), tmp_path)
    opened = "[...document.querySelectorAll('.comparison > details')].map((e) => e.open)"
    assert browser.script(opened) == [False, False, False]
    browser.script("document.querySelector('a[href=\"#c2\"]').click()")
    assert browser.script("new Promise((done) => setTimeout(() => done(" + opened + ")))") == [False, True, False]
    show(browser, collect((passed,) * 3, created=""), tmp_path, fragment="#c3-layers")
    assert browser.script(opened) == [False, False, True]
    assert browser.script("document.querySelectorAll('.cells').length") == 2


@pytest.mark.parametrize(("width", "dark"), [(320, False), (390, True), (1280, False), (1920, True)])
def test_the_page_fits_every_width(browser: Browser, report: Report, tmp_path: Path, width: int, dark: bool) -> None:
    """From a phone to a projector nothing makes the page itself scroll sideways."""
    show(browser, report, tmp_path, width=width, dark=dark)
    assert browser.script("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("dark", [False, True])
def test_all_text_stands_out(browser: Browser, report: Report, tmp_path: Path, dark: bool) -> None:
    """Every text has the contrast of WCAG 2.2 AA, 4.5 to 1, in light and dark, on cells of every colour too."""
    show(browser, report, tmp_path, dark=dark)
    low = browser.script("""(() => {
        const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
        const rgb = (color) => {
            canvas.clearRect(0, 0, 1, 1);
            canvas.fillStyle = color;
            canvas.fillRect(0, 0, 1, 1);
            return [...canvas.getImageData(0, 0, 1, 1).data];
        };
        const light = (color) => rgb(color).slice(0, 3)
            .map((c) => c / 255).map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
            .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
        const behind = (e) => {
            for (; e; e = e.parentElement) {
                const color = getComputedStyle(e).backgroundColor;
                if (rgb(color)[3] === 255) return color;
            }
            throw new Error('nothing behind');
        };
        const texts = [...document.querySelectorAll('body *')].filter((e) =>
            e.checkVisibility() && [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()));
        if (texts.length < 50) throw new Error('too little text');
        return texts.map((e) => {
            const style = getComputedStyle(e);
            const [a, b] = [light(e instanceof SVGElement ? style.fill : style.color), light(behind(e))];
            return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), e.outerHTML.slice(0, 80)];
        }).filter(([ratio]) => ratio < 4.5);
    })()""")
    assert low == []


def test_hostile_names_stay_text(
    browser: Browser, make_report: MakeReport, make_variant: MakeVariant, tmp_path: Path
) -> None:
    """Markup, ends of scripts, template syntax and bidi characters in all of a report's texts are shown, no more."""
    evil = replace(
        explained(make_variant(EVIL, 100), EVIL),
        failure=Failure(
            stage=Stage.RUN, code=EVIL, message=EVIL, hint="javascript:alert(3)", evidence=(EVIL,), fix=(EVIL,)
        ),
        warnings=(Caution(code=EVIL, message=EVIL),),
        verdict=Verdict.BROKEN,
    )
    report = make_report(
        evil,
        replace(evil, name="x" * 10_000),
        scenario=EVIL,
        description=EVIL,
        notes=(EVIL,),
        gates=(Gate(name=EVIL, subject=EVIL, limit=1, actual=2, passed=False),),
        against=Against(source=EVIL, rows=(AgainstRow(variant=EVIL, entry=Entry.NEW),), notes=(EVIL,)),
    )
    for document in (report, collect((report, report), created=EVIL)):
        show(browser, document, tmp_path, width=390)
        assert browser.script("document.scripts.length") == (3 if document is not report else 2)
        assert browser.script("document.images.length") == 0
        assert browser.script("document.documentElement.scrollWidth") <= 390
        shown = str(browser.script("document.body.innerText"))
        assert "<script>alert(1)</script><img src=x onerror=alert(2)>" in shown
        assert "{{7*7}}" in shown
        assert not re.search("[\u202e\x1b]", shown)


def test_nothing_but_our_own_script_runs(browser: Browser, report: Report, tmp_path: Path) -> None:
    """Would markup get into the page after all, its policy keeps scripts, styles and requests in it from working."""
    path = tmp_path / "page.html"
    inside = '<script>document.title = "taken"</script><p style="color: red" id="styled">x</p><img src="http://127.0.0.1:9/x">'
    path.write_text(render(report, "html", STYLE).replace("<main", f"{inside}<main"), encoding="utf-8")
    browser.open(path)
    assert browser.script("document.title") == "imgcompare · default"
    assert browser.script("getComputedStyle(document.getElementById('styled')).color") != "rgb(255, 0, 0)"
    assert len([said for said in browser.complaints() if "Content Security Policy" in said]) >= 3


def test_a_collection_leads_to_its_comparisons(browser: Browser, report: Report, tmp_path: Path) -> None:
    """A table of all on top, each a link to its section; ids do not clash, and each has charts of its own."""
    passed = replace(report, scenario="other", passed=True, variants=report.variants[:2])
    collection: Collection = collect((report, passed), created="2025-11-21T08:00:00Z")
    show(browser, replace(collection, missing=("gone",)), tmp_path)
    assert "1 of 3 comparisons passed; not: default; not run: gone." in text(browser, "h1")
    assert "gone\t–\t–\t–\t✗ did not run" in text(browser, "main table")
    links = browser.script(
        "[...document.querySelectorAll('main table')[0].querySelectorAll('a')].map((a) => [a.innerText, a.hash])"
    )
    assert links == [["default", "#c1"], ["other", "#c2"]]
    assert browser.script("document.querySelector('#c2 .cells') !== null")
    ids = browser.script("[...document.querySelectorAll('[id]')].map((e) => e.id)")
    assert len(set(ids)) == len(ids)


def test_what_is_wrong_stands_above_everything_else(browser: Browser, report: Report, tmp_path: Path) -> None:
    """Why the mark is a cross need not be looked for: what is broken, and every limit that is not kept."""
    over = [
        Gate(name="layer_count", subject=f"v{number}", limit=3, actual=4 + number, passed=False) for number in range(6)
    ]
    kept = Gate(name="layer_count", subject="slim", limit=9, actual=4, passed=True)
    show(browser, replace(report, gates=(*over, kept)), tmp_path)
    assert text(browser, "header .wrong").split("\n") == [
        "tutorial is broken: exits-at-once",
        "v0: Layers 4 (limit ≤ 3)",
        "v1: Layers 5 (limit ≤ 3)",
        "v2: Layers 6 (limit ≤ 3)",
        "v3: Layers 7 (limit ≤ 3)",
        "and 2 more",
    ]
    show(browser, replace(report, gates=(kept,), variants=report.variants[:2]), tmp_path)
    assert browser.script("document.querySelector('.wrong')") is None


def test_of_several_comparisons_those_are_printed_whole_that_failed(
    browser: Browser, report: Report, tmp_path: Path
) -> None:
    """A fleet on paper is its overview and what is wrong, and of these what was folded away, too."""
    passed = replace(report, passed=True, variants=report.variants[:2])
    others = (replace(passed, scenario=name) for name in ("web", "api"))
    show(browser, collect((report, *others), created="2025-11-21T08:00:00Z"), tmp_path)
    browser.call("Emulation.setEmulatedMedia", media="print")
    browser.script("void dispatchEvent(new Event('beforeprint'))")
    seen = "[...document.querySelectorAll('table')].filter((e) => e.checkVisibility({contentVisibilityAuto: true}))"
    at = browser.script(f"{seen}.map((e) => e.closest('section.comparison')?.id ?? 'overview')")
    browser.call("Emulation.setEmulatedMedia", media="")
    assert set(at) == {"overview", "c1"}
    assert browser.script("document.querySelectorAll('#c1 details:not([open])').length") == 0


def test_levels_of_headings_are_not_skipped(browser: Browser, report: Report, tmp_path: Path) -> None:
    """Screen readers go by headings: each is at most one level below the one before."""
    for document in (report, collect((report,), created="")):
        show(browser, document, tmp_path)
        levels = browser.script("[...document.querySelectorAll('h1, h2, h3, h4, h5')].map((e) => Number(e.tagName[1]))")
        assert levels[0] == 1
        assert all(below - above <= 1 for above, below in pairwise(levels))


def test_gates_and_a_stored_baseline(browser: Browser, report: Report, tmp_path: Path) -> None:
    """Each limit with what was measured, each variant with what changed since."""
    row = AgainstRow(
        variant="multi-stage",
        entry=Entry.BOTH,
        uncompressed_before=198_000_000,
        uncompressed_delta=1_400_000,
        packages=PackageCounts(added=("jinja2 3.1",), changed=("flask 3.0 → 3.1",)),
    )
    gate = Gate(name="uncompressed_size", subject="single-stage", limit=120_000_000, actual=957_200_000, passed=False)
    report = replace(
        report, gates=(gate,), against=Against(source="baseline.json", rows=(row,), notes=("Other engine.",))
    )
    show(browser, report, tmp_path)
    assert "957.2 MB\t≤ 120.0 MB\t✗ 837.2\xa0MB over" in text(browser, "[aria-labelledby='c1-gates'] table")
    assert "multi-stage\t198.0 MB\t+1.4 MB" in text(browser, "[aria-labelledby='c1-against'] table")
    assert "Other engine." in text(browser, "[aria-labelledby='c1-against']")


def test_a_change_and_a_hardened_run(browser: Browser, report: Report, tmp_path: Path) -> None:
    """What a change costs is a table; what breaks under restrictions is told with its evidence."""
    broken = Failure(stage=Stage.RUN, code="exits-at-once", message="It ended.", evidence=("Read-only file system",))
    variant = replace(
        report.variants[1],
        after_change=AfterChange(
            changed_file="app.py", duration_s=2, step_count=9, rebuilt_steps=("[8/9] COPY . .",), pull_size=12_000
        ),
        hardened=Hardened(works=False, restrictions=("read-only",), broken_by="read-only", failure=broken),
    )
    show(browser, replace(report, variants=(report.variants[0], variant)), tmp_path)
    assert "multi-stage\tapp.py\t1/9 steps\t2.0 s\t≈ 12 kB" in text(browser, "[aria-labelledby='c1-after'] table")
    assert "[8/9] COPY . ." in str(browser.script("document.querySelector('[aria-labelledby=c1-after]').textContent"))
    told = text(browser, "[aria-labelledby='c1-warnings']")
    assert "multi-stage, hardened: exits-at-once" in told
    assert "Read-only file system" in told
    assert "broken by read-only" in text(browser, "[aria-labelledby='c1-facts'] table")


def test_the_theme_can_be_chosen(browser: Browser, report: Report, tmp_path: Path) -> None:
    """The system's choice holds until the button is pressed."""
    show(browser, report, tmp_path, dark=True)
    background = "getComputedStyle(document.body).backgroundColor"
    dark = browser.script(background)
    browser.script("document.getElementById('theme').click()")
    assert browser.script(background) == "rgb(255, 255, 255)" != dark


def test_dockerfiles_are_marked(browser: Browser, report: Report, tmp_path: Path) -> None:
    """Line by line, what mends it where it belongs, and whatever is in them stays text."""
    show(browser, report, tmp_path)
    lines = browser.script("[...document.querySelectorAll('.lines li')].map((e) => [e.className, e.innerText.trim()])")
    assert [(kind, told.split("\n")) for kind, told in lines] == [
        ("comment", ["1", "# Ship <less>."]),
        ("plain", ["2", "FROM slim"]),
        ("mends", ["+", "COPY <all> /", "this mends it"]),
        ("plain", ["3", 'CMD ["flask"]']),
    ]


def test_what_a_code_means_is_on_the_page(browser: Browser, report: Report, tmp_path: Path) -> None:
    """Nobody in a class has to type a command to read on."""
    show(browser, report, tmp_path)
    browser.script("document.querySelector('details.explained > summary').click()")
    told = text(browser, "details.explained")
    assert report.variants[2].failure
    known = EXPLANATIONS[report.variants[2].failure.code]
    assert known.why.replace("`", "")[:40] in told
    assert known.after[-1] in told


def test_a_projector_shows_one_thing_at_a_time(browser: Browser, report: Report, tmp_path: Path) -> None:
    """Arrow keys and Page Down, as presenters send them; Escape shows all; without scripts all is there anyway."""
    path = tmp_path / "page.html"
    path.write_text(render(report, "html", STYLE, projector=True), encoding="utf-8")
    browser.open(path, width=1280, height=720)
    assert browser.complaints() == []
    seen = """[...document.querySelectorAll('header.page h1, main section h2')]
        .filter((e) => e.checkVisibility()).map((e) => e.tagName + e.innerText.slice(0, 11))"""
    assert len(browser.script(seen)) == 1
    assert browser.script(seen)[0].startswith("H1")
    for key, title in (("ArrowRight", "H2Sizes"), ("PageDown", "H2Dockerfiles"), ("ArrowLeft", "H2Sizes")):
        browser.press(key)
        assert browser.script(seen) == [title]
    assert text(browser, ".place").startswith("2 / ")
    assert float(browser.script("parseFloat(getComputedStyle(document.body).fontSize)")) >= 20
    assert browser.script("document.documentElement.scrollWidth") <= 1280
    browser.press("Escape")
    assert len(browser.script(seen)) > 5
    browser.press("Escape")
    assert browser.script(seen) == ["H2Sizes"]


def test_several_on_a_projector_keep_their_titles_apart(browser: Browser, report: Report, tmp_path: Path) -> None:
    """Each screen is of one comparison, under its own title; what there is to learn comes before all of them."""
    one = replace(report, notes=("Copy what `pip <b>` installed.",))
    path = tmp_path / "page.html"
    path.write_text(render(collect((one, one), created=""), "html", STYLE, projector=True), encoding="utf-8")
    browser.open(path, width=1280, height=720)
    titles = "[...document.querySelectorAll('h2')].filter((e) => e.checkVisibility()).map((e) => e.innerText.trim())"
    browser.press("ArrowRight")
    assert browser.script(titles) == ["What to learn"]
    assert text(browser, ".lessons li") == "Copy what pip <b> installed."
    assert text(browser, ".lessons code") == "pip <b>"
    browser.press("ArrowRight")
    assert browser.script(titles) == ["Comparisons"]
    browser.press("ArrowRight")
    assert len(browser.script(titles)) == 1


def test_a_page_that_loads_itself_again_says_so(report: Report) -> None:
    """For a scoreboard that grows; no other page does."""
    assert '<meta http-equiv="refresh" content="5">' in render(report, "html", STYLE, reload_s=5)
    assert "refresh" not in render(report, "html", STYLE)


def test_what_is_broken_is_hatched(browser: Browser, report: Report, tmp_path: Path) -> None:
    """All of its bar, and of no other's, and the legend says what that means: a colour alone tells few."""
    show(browser, report, tmp_path)
    bars = """[...document.querySelectorAll('.size')].map((row) => {
        const spans = [...row.querySelectorAll('svg.stack rect:not(.hatch)')].map((e) => e.getBoundingClientRect());
        const hatch = row.querySelector('rect.hatch');
        return hatch && Math.abs(hatch.getBoundingClientRect().right - spans.at(-1).right) < 1;
    })"""
    assert browser.script(bars) == [None, None, True]
    assert "does not work" in text(browser, ".legend")


@pytest.mark.parametrize("width", [1366, 1920])
def test_no_cell_is_cut_on_a_desk(
    browser: Browser, make_report: MakeReport, make_variant: MakeVariant, tmp_path: Path, width: int
) -> None:
    """However many variants and however long their paths: every table is as wide as its place, or wraps."""
    long = "/home/somebody/projects/a-shop-with-a-long-name/services/storefront/docker/{}.Dockerfile"
    variants = [
        replace(v, source=replace(v.source, dockerfile=long.format(v.name)), expected_failure=None if n else "unknown")
        for n, v in enumerate(explained(make_variant(f"packages-not-copied-{n}", 10**8 + n)) for n in range(9))
    ]
    show(browser, make_report(*variants), tmp_path, width=width)
    browser.script("document.querySelectorAll('details').forEach((e) => { e.open = true; })")
    cut = (
        "[...document.querySelectorAll('.scroll')].filter((e) => e.scrollWidth > e.clientWidth).map((e) => e.ariaLabel)"
    )
    assert browser.script(cut) == []
    packages = text(browser, "[aria-labelledby='c1-packages'] tbody tr").split("\t")
    assert packages == ["flask", "3.1", "Python", "≤ 50.0 MB", "all 9"]


def test_names_are_not_broken_on_a_phone(browser: Browser, report: Report, tmp_path: Path) -> None:
    """A name that does not fit goes to the next line whole; the browser would break it at its hyphen."""
    show(browser, report, tmp_path, width=390)
    browser.script("document.querySelectorAll('details').forEach((e) => { e.open = true; })")
    broken = """[...document.querySelectorAll('.unbroken')].filter(
        (e) => e.checkVisibility() && e.offsetHeight > 1.7 * parseFloat(getComputedStyle(e).fontSize)
    ).map((e) => e.innerText)"""
    assert browser.script("document.querySelectorAll('.unbroken').length") > 9
    assert browser.script(broken) == []


def test_the_fix_comes_before_what_to_do_with_it(make_report: MakeReport, single: Variant, tutorial: Variant) -> None:
    """'Into the last stage, above CMD' speaks of the lines of the fix, which have to be read by then."""
    assert tutorial.failure
    failure = replace(tutorial.failure, fix=("COPY --from=builder /opt /opt",), hint="Into the last stage, above CMD.")
    page = render(make_report(single, replace(tutorial, failure=failure)), "html", STYLE)
    assert page.index('<span class="tag">Fix</span>') < page.index('<span class="tag">Next</span>')


def test_on_a_phone_neither_names_nor_columns_are_cut(
    browser: Browser, make_report: MakeReport, single: Variant, tutorial: Variant, tmp_path: Path
) -> None:
    """A code and a date go to the next line whole; of several comparisons each is a card."""
    assert tutorial.failure
    declared = replace(tutorial, expected_failure=tutorial.failure.code)
    one = make_report(single, declared)
    show(browser, collect([one, replace(one, scenario="other")], created=one.created), tmp_path, width=390)
    broken = """[...document.querySelectorAll('.who .unbroken, .meta .unbroken')].filter(
        (e) => e.checkVisibility() && e.offsetHeight > 1.7 * parseFloat(getComputedStyle(e).fontSize)
    ).map((e) => e.innerText)"""
    assert browser.script(broken) == []
    assert tutorial.failure.code in browser.script(
        "[...document.querySelectorAll('.who .unbroken')].map((e) => e.innerText).join()"
    )
    cards = "(() => { const e = document.querySelector('.scroll'); return e.scrollWidth <= e.clientWidth; })()"
    assert browser.script(cards)
