"""A candidate against the original: each thing that is compared, with what is no difference."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from imgcompare.model import Check, Expectation, Proof, Source, Variant, Verdict
from imgcompare.remedy.needs import runtime_needs
from imgcompare.remedy.probe import Distribution, Probe
from imgcompare.remedy.proof import Comparison, prove, with_replies
from imgcompare.remedy.subject import Subject
from tests.support.cases import PYTHON, SITE, File, elf, folder
from tests.support.cases import Files as Written
from tests.support.shrinking import PROBE, packages, subject

TEXT = "FROM python:3.11\nWORKDIR /app\nCOPY . .\nRUN pip install flask\nUSER web\nCMD shop\n"
APP: dict[int, Written] = {3: {"/app/shop.py": "x"}, 4: {f"{SITE}/flask/__init__.py": "x"}}
VENV = "/opt/venv/lib/python3.11/site-packages"


def probe(**changes: Any) -> Probe:
    """What was seen, with changes."""
    return structs.replace(PROBE, **changes)


def failed(original: Subject, candidate: Subject, *, without_tools: bool = False) -> dict[str, tuple[str, ...]]:
    """What differs, by what was compared."""
    proof = prove(Comparison(original, candidate, (), without_tools))
    assert proof.passed == (not any(not one.passed for one in proof.findings))
    return {one.name: one.differences for one in proof.findings if not one.passed}


def seen(probe_: Probe | None, text: str = TEXT, written: dict[int, Written] = APP, base: Written = PYTHON) -> Subject:
    """An image in which that was seen."""
    return subject(text, written, base, probe_)


def test_the_same_image_is_proved() -> None:
    """Nothing differs from itself."""
    assert failed(seen(PROBE), seen(PROBE)) == {}


def test_a_module_that_cannot_be_imported_any_more() -> None:
    """Told with why; what failed in the original, too, is no difference, nor what took too long."""
    before = probe(modules={"a": "", "b": "ImportError: x", "c": ""}, own_modules={"shop": ""})
    after = probe(modules={"a": "ImportError: libpq.so.5", "b": "ImportError: y", "c": "?"}, own_modules={})
    assert failed(seen(before), seen(after)) == {
        "imports": ("a: ImportError: libpq.so.5", "shop: it is missing"),
    }


def test_a_library_is_compared_never_judged() -> None:
    """One that is found no more; those that a wheel bundles are found in neither."""
    module = f"{SITE}/x.so"
    before = probe(elf={module: {"libpq.so.5": "/lib/libpq.so.5", "libown.so": ""}})
    after = probe(elf={module: {"libpq.so.5": "", "libown.so": ""}})
    written: dict[int, Written] = {**APP, 4: {f"{SITE}/x.so": elf()}}
    assert failed(seen(before, written=written), seen(after, written=written)) == {
        "libraries": (f"{module} needs libpq.so.5",),
    }


def test_an_optional_extension_that_was_not_built() -> None:
    """Imports pass without it; the set of compiled modules does not. It may lie in an environment."""
    before = probe(elf={f"{SITE}/fast.so": {"libc.so.6": "/lib/libc.so.6"}})
    original = seen(before, written={**APP, 4: {f"{SITE}/fast.so": elf()}})
    assert failed(original, seen(PROBE, written={3: APP[3]})) == {"extensions": (f"{SITE}/fast.so is missing",)}
    moved = probe(prefix="/opt/venv", elf={f"{VENV}/fast.so": {"libc.so.6": "/lib/libc.so.6"}})
    assert failed(original, seen(moved, written={3: APP[3], 4: {f"{VENV}/fast.so": elf()}})) == {}


def test_a_distribution_in_another_version() -> None:
    """Pins stay. Installers may go, but setuptools only where nobody asks for it."""
    before = {"flask": Distribution("3.0", SITE, (), ()), "pip": Distribution("23", SITE, (), ())}
    after = {"flask": Distribution("3.1", SITE, (), ())}
    assert failed(seen(probe(distributions=before)), seen(probe(distributions=after))) == {
        "distributions": ("flask 3.0 became 3.1",),
    }
    asked = {"setuptools": Distribution("66", SITE, (), ())}
    assert failed(seen(probe(distributions=asked)), seen(probe(distributions={}))) == {}
    assert failed(seen(probe(distributions=asked, setuptools=("x.py",))), seen(probe(distributions={})))


def test_a_tool_goes_with_what_only_it_needs() -> None:
    """What the application needs of the same packages must stay; and without leave nothing may go."""
    tools = {
        "poetry": Distribution("1.8", SITE, ("requests", "cleo"), ("poetry",)),
        "cleo": Distribution("2", SITE, (), ("cleo",)),
        "requests": Distribution("2", SITE, (), ("requests",)),
        "shop": Distribution("1", SITE, ("requests",), ("shop",)),
    }
    modules = {"poetry": "", "cleo": "", "requests": ""}
    before = seen(probe(distributions=tools, modules=modules))
    kept = {name: tools[name] for name in ("requests", "shop")}
    after = seen(probe(distributions=kept, modules={"requests": ""}))
    assert failed(before, after, without_tools=True) == {}
    assert failed(before, after).keys() == {"distributions", "imports"}
    fewer = seen(probe(distributions={"shop": tools["shop"]}, modules={}))
    assert failed(before, fewer, without_tools=True).keys() == {"distributions", "imports"}


def test_the_applications_files_are_the_same() -> None:
    """What COPY brought has the same content, what else was made is there; caches may go."""
    text = TEXT.replace("RUN pip install flask", "RUN python manage.py migrate")
    written: dict[int, Written] = {3: {"/app/shop.py": "x", "/app/__pycache__/shop.pyc": "x"}, 4: {"/app/db": "one"}}
    original = subject(text, written)
    assert failed(original, subject(text, {3: {"/app/shop.py": "x"}, 4: {"/app/db": "two"}})) == {}
    assert failed(original, subject(text, {3: {"/app/shop.py": "y"}})) == {
        "files": ("/app/shop.py has another content", "/app/db is missing"),
    }


def test_a_file_of_the_system_that_no_package_brought() -> None:
    """A script wrote it into /etc: it must be there. What came with apt, apt brings again."""
    by_script: dict[int, Written] = {3: APP[3], 4: {**APP[4], "/etc/shop.conf": "x", "/usr/bin/tool": elf()}}
    assert failed(seen(PROBE, written=by_script), seen(PROBE)) == {
        "files": ("/etc/shop.conf is missing", "/usr/bin/tool is missing"),
    }
    by_apt: dict[int, Written] = {3: APP[3], 4: {**APP[4], **packages(), "/etc/alternatives/x": "x"}}
    assert failed(seen(PROBE, written=by_apt), seen(PROBE)) == {}


def test_a_runtime_of_a_package_is_the_packages_matter() -> None:
    """Node of Debian's package is held to by its package; one that was copied must be there as the application is."""
    listed: Written = {**packages("nodejs"), "/var/lib/dpkg/info/nodejs.list": "/usr/bin/node\n"}
    by_apt: dict[int, Written] = {3: APP[3], 4: {**APP[4], **listed, "/usr/bin/node": elf()}}
    assert failed(seen(PROBE, written=by_apt), seen(PROBE, written={3: APP[3], 4: {**APP[4], **listed}})) == {}
    copied: dict[int, Written] = {3: APP[3], 4: {**APP[4], "/usr/local/bin/node": elf()}}
    assert failed(seen(PROBE, written=copied), seen(PROBE)) == {"files": ("/usr/local/bin/node is missing",)}


def test_data_that_a_distribution_installed_elsewhere() -> None:
    """Nobody imports it: it may lie in an environment's own share, and must lie somewhere."""
    information = "flask-3.0.dist-info"
    record = "flask/__init__.py,,\n../../../share/flask/x,,\nflask/__pycache__/__init__.cpython-311.pyc,,\n"
    metadata = "Name: flask\nVersion: 3.0\n"

    def installed(site: str, share: str) -> dict[int, Written]:
        found: Written = {
            f"{site}/{information}/RECORD": record,
            f"{site}/{information}/METADATA": metadata,
            f"{site}/flask/__init__.py": "x",
        }
        return {3: APP[3], 4: {**found, share: "x"} if share else found}

    original = seen(PROBE, written=installed(SITE, "/usr/local/share/flask/x"))
    moved = probe(prefix="/opt/venv")
    assert failed(original, seen(moved, written=installed(VENV, "/opt/venv/share/flask/x"))) == {}
    assert failed(original, seen(moved, written=installed(VENV, ""))) == {
        "package files": ("/usr/local/share/flask/x is missing",),
    }


def test_who_owns_files_and_whether_they_run() -> None:
    """A chown or chmod that was lost would be missed when somebody writes; users' numbers differ between bases."""

    def written(uid: int, mode: int) -> dict[int, Written]:
        return {3: {"/app/data": folder(uid=uid), "/app/run.sh": File("x", uid=uid, mode=mode)}}

    original = seen(PROBE, written=written(1000, 0o755))
    assert failed(original, seen(PROBE, written=written(999, 0o755))) == {}
    assert failed(original, seen(PROBE, written=written(0, 0o755)))["files"] == (
        "/app/data has another owner or is not executable any more",
        "/app/run.sh has another owner or is not executable any more",
    )
    assert len(failed(original, seen(PROBE, written=written(1000, 0o644)))["files"]) == 1


def test_packages_that_are_not_for_building_stay() -> None:
    """Ghostscript's fonts are asked for by no library; a compiler may go."""
    depends = {"ghostscript": "libgs10", "gcc": "cpp"}
    base = {**PYTHON, **packages("libc6")}
    apt = packages("libc6", "ghostscript", "libgs10", "gcc", "cpp", depends=depends, sections={"gcc": "devel"})
    fewer = packages("libc6", "ghostscript")
    original = seen(PROBE, written={**APP, 4: apt}, base=base)
    assert failed(original, seen(PROBE, written={**APP, 4: fewer}, base=base)) == {"packages": ("libgs10",)}


def test_settings_stay() -> None:
    """The command, the user, the environment; PATH may have more in it, and not less."""
    more = TEXT.replace("USER web\n", "USER web\nENV PATH=/opt/venv/bin:$PATH\n")
    assert failed(seen(PROBE), seen(PROBE, more)) == {}
    other = TEXT.replace("CMD shop", "ENV MODE=test\nCMD other").replace("USER web\n", "")
    assert failed(seen(PROBE, TEXT.replace("USER", "ENV MODE=live\nUSER")), seen(PROBE, other)).keys() == {"settings"}


def test_another_python_or_distribution() -> None:
    """Looked at in both images, and not assumed from a tag."""
    other = {**PYTHON, "/etc/os-release": "ID=debian\nVERSION_ID=11\n"}
    assert failed(seen(PROBE), seen(probe(python="3.11.9"), base=other)).keys() == {"distribution", "python"}


def test_what_could_not_be_looked_into_is_not_proved() -> None:
    """Without a look inside there is no proof, whatever the files say."""
    proof = prove(Comparison(seen(PROBE), seen(None)))
    assert not proof.passed
    assert proof.unproved == ("What can be imported could not be seen: it has no Python.",)


@pytest.mark.parametrize(
    ("after", "passed"), [(("200", "a"), True), (("200", "b"), False), (("500", "a"), False), (None, False)]
)
def test_replies_on_every_route(after: tuple[str, str] | None, passed: bool) -> None:
    """A route beside the first counts, and what it replied with in the original, be it an error."""

    def variant(more: tuple[str, str] | None) -> Variant:
        check = Check(passed=True, url="http://x/", expected=Expectation(), status_code=200, body_sha256="a")
        second = Check(passed=True, url="http://x/b", expected=Expectation())
        if more:
            second = structs.replace(second, status_code=int(more[0]), body_sha256=more[1])
        return Variant(name="v", source=Source(), verdict=Verdict.WORKS, check=check, more_checks=(second,))

    proof = with_replies(Proof(passed=True, findings=()), variant(("200", "a")), variant(after))
    assert proof.passed is passed


@pytest.mark.parametrize(
    ("changes", "passed"),
    [
        ({"body_sha256": "b"}, False),
        ({"body_sha256": "b", "same_but_for": "the container's name"}, True),
        ({"body_sha256": "b", "expected": Expectation(body="hello")}, True),
        ({"body_sha256": "b", "expected": Expectation(body="hello"), "passed": False}, False),
    ],
)
def test_a_body_that_no_image_decides(changes: dict[str, Any], passed: bool) -> None:
    """The container's name in it is no difference, nor what moves where somebody said what a good body has."""
    check = Check(passed=True, url="http://x/", expected=Expectation(), status_code=200, body_sha256="a")
    before = Variant(name="v", source=Source(), verdict=Verdict.WORKS, check=check)
    after = structs.replace(before, check=structs.replace(check, **changes))
    assert with_replies(Proof(passed=True, findings=()), before, after).passed is passed


def test_needs_are_found_by_what_files_and_commands_need() -> None:
    """The owner of a library or a program; dpkg may know it below /lib or /usr/lib, and the base may have it."""
    lists: Written = {
        "/var/lib/dpkg/info/libpq5.list": "/usr/lib/x86_64-linux-gnu/libpq.so.5\n",
        "/var/lib/dpkg/info/libssl3.list": "/lib/x86_64-linux-gnu/libssl.so.3\n",
        "/var/lib/dpkg/info/git.list": "/usr/bin/git\n",
        "/usr/lib/x86_64-linux-gnu/libpq.so.5": elf(),
        "/lib/x86_64-linux-gnu/libssl.so.3": elf(),
        "/usr/bin/git": elf(),
        **packages("libpq5", "libssl3", "git", "libc6"),
    }
    folder = "x86_64-linux-gnu"
    looked = probe(
        elf={
            f"{SITE}/x.so": {
                "libpq.so.5": f"/lib/{folder}/libpq.so.5",
                "libssl.so.3": f"/usr/lib/{folder}/libssl.so.3",
            },
            f"/usr/lib/{folder}/libpq.so.5": {"libldap.so": "/usr/lib/libldap.so"},
            f"{SITE}/y.so": {"libown.so": f"{SITE}/y.libs/libown.so", "liblost.so": ""},
        },
        programs={"git": "/usr/bin/git", "flask": "/usr/local/bin/flask"},
    )
    original = seen(looked, base={**PYTHON, **lists})
    assert [(need.package, need.what) for need in runtime_needs(original, {"libssl3"})] == [
        ("git", "git"),
        ("libpq5", "libpq.so.5"),
    ]
