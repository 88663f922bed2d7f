"""A candidate against the original: each thing that is compared, with what is no difference."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from imgcompare.model import Check, Expectation, Proof, Source, Variant, Verdict
from imgcompare.remedy.named import Named
from imgcompare.remedy.needs import runtime_needs
from imgcompare.remedy.pair import Comparison
from imgcompare.remedy.probe import Distribution, Probe
from imgcompare.remedy.proof import prove, with_replies
from imgcompare.remedy.subject import Subject
from tests.support.cases import PYTHON, SITE, File, elf, folder, link
from tests.support.cases import Files as Written
from tests.support.shrinking import PROBE, packages, subject

TEXT = "FROM python:3.11\nWORKDIR /app\nCOPY . .\nRUN pip install flask\nUSER web\nCMD shop\n"
APP: dict[int, Written] = {3: {"/app/shop.py": "x"}, 4: {f"{SITE}/flask/__init__.py": "x"}}
VENV = "/opt/venv/lib/python3.11/site-packages"


def probe(**changes: Any) -> Probe:
    """What was seen, with changes."""
    return replace(PROBE, **changes)


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


@pytest.mark.parametrize(
    ("there", "lost"),
    [
        ({}, ("libmagic.so.1, which importing magic loads, is missing",)),
        ({"/usr/lib/libmagic.so.1.0.9": b"x"}, ()),
        ({"/lib/x86_64-linux-gnu/libmagic.so.1": b"x"}, ()),
        ({"/usr/lib/libmagic.so.2": b"x"}, ("libmagic.so.1, which importing magic loads, is missing",)),
        ({"/opt/libmagic.so.1": b"x"}, ("libmagic.so.1, which importing magic loads, is missing",)),
    ],
)
def test_a_library_that_an_import_opens(there: Written, lost: tuple[str, ...]) -> None:
    """No ELF file tells of it; a Debian package has it, in whatever build of one version. Others are no business."""
    path = "/usr/lib/libmagic.so.1.0.0"
    before = probe(loaded={path: "magic", "/opt/libown.so": "x", f"{SITE}/libother.so": "y", "/lib/plug.so": "z"})
    debian: Written = packages("libmagic1") | {"/var/lib/dpkg/info/libmagic1.list": f"{path}\n/lib/plug.so\n"}
    original = seen(before, base=PYTHON | debian | {path: b"x", "/lib/plug.so": b"x"})
    assert failed(original, seen(PROBE, base=PYTHON | there)).get("named", ()) == lost
    assert [one.packages for one in Named(original).lost(original.files)] == []


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
        "poetry-plugin-export": Distribution("1.8", SITE, ("poetry",), ("poetry",)),
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
    assert (
        failed(
            seen(PROBE, written=by_apt),
            seen(PROBE, written={3: APP[3], 4: {**APP[4], **listed, "/usr/bin/node": elf()}}),
        )
        == {}
    )
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
    patched = installed(VENV, "/opt/venv/share/flask/x")
    patched[4][f"{VENV}/flask/__init__.py"] = "patched twice"
    patched[4][f"{VENV}/{information}/RECORD"] = f"{record}../../../bin/flask,,\n"
    assert failed(original, seen(moved, written=patched)) == {
        "package files": (f"{SITE}/flask/__init__.py has another content",),
    }


def test_who_owns_files_and_whether_they_run() -> None:
    """A chown or chmod that was lost would be missed when somebody writes; users' numbers differ between bases."""

    def written(uid: int, mode: int) -> dict[int, Written]:
        return {3: {"/app/data": folder(uid=uid), "/app/run.sh": File("x", uid=uid, mode=mode)}}

    original = seen(PROBE, written=written(1000, 0o755))
    assert failed(original, seen(PROBE, written=written(999, 0o755))) == {}
    assert failed(original, seen(PROBE, written=written(0, 0o755)))["files"] == (
        "/app/data has another owner or fewer rights",
        "/app/run.sh has another owner or fewer rights",
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


def test_a_package_of_another_source_or_without_its_files() -> None:
    """Debian's Node in the place of another's; translations, left out by slim images, where a package is just that."""
    base = {**PYTHON, **packages("libc6")}
    whole: tuple[str, ...] = ("/usr/share/node", "/usr/share/locale/de", "/usr/share/doc/x")

    def node(version: str, *files: str) -> Subject:
        status = packages("libc6", "nodejs")["/var/lib/dpkg/status"]
        assert isinstance(status, str)
        written: Written = {"/var/lib/dpkg/status": status.replace("Version: 1\n", f"Version: {version}\n")}
        listed: Written = {"/var/lib/dpkg/info/nodejs.list": "".join(f"{path}\n" for path in whole)}
        text = TEXT.replace("pip install flask", "apt-get install -y nodejs")
        return subject(text, {**APP, 4: {**APP[4], **written, **listed, **dict.fromkeys(files, "x")}}, base)

    def failed(original: Subject, candidate: Subject, *named: str) -> dict[str, tuple[str, ...]]:
        found = prove(Comparison(original, candidate, named)).findings
        return {one.name: one.differences for one in found if not one.passed}

    original = node("1:20.19.0-1nodesource1", *whole)
    assert failed(original, node("1:20.20.1-1nodesource1", *whole[:2])) == {}
    assert failed(original, node("1:18.13.0+dfsg1-1", *whole))["packages"][0].startswith("nodejs 1:20")
    assert failed(original, node("1:20.19.0-1nodesource1"), "nodejs") == {"packages": ("nodejs has 0 of its 2 files",)}
    assert failed(original, node("1:20.19.0-1nodesource1")) == {}  # nobody asked for it: it was recommended
    whole = ("/usr/bin/node", *whole[1:], "/usr/share/locale/fr")
    assert failed(node("1:20.19.0-1nodesource1", *whole), node("1:20.19.0-1nodesource1", whole[0]), "nodejs") == {}


FULL: Written = {
    **PYTHON,
    **packages("git", "libmagic1", "fonts-dejavu"),
    "/usr/bin/git": elf(),
    "/usr/lib/x86_64-linux-gnu/libmagic.so.1": elf(),
    "/usr/share/fonts/dejavu/DejaVuSans.ttf": "x",
    "/usr/share/file/magic.mgc": "x",
    "/var/lib/dpkg/info/git.list": "/usr/bin/git\n",
    "/var/lib/dpkg/info/libmagic1.list": "/usr/lib/x86_64-linux-gnu/libmagic.so.1\n/usr/share/file/magic.mgc\n",
    "/var/lib/dpkg/info/fonts-dejavu.list": "/usr/share/fonts/dejavu/DejaVuSans.ttf\n",
}


@pytest.mark.parametrize(
    ("named", "lost", "needed"),
    [
        ({"programs": {"git": "/usr/bin/git"}}, "the program git", "git"),
        (
            {"paths": {"/usr/share/file/magic.mgc": "/app/x.py"}},
            "/usr/share/file/magic.mgc, which /app/x.py",
            "libmagic1",
        ),
        ({"paths": {"/usr/share/file": "/app/x.conf"}}, "/usr/share/file, which /app/x.conf", "libmagic1"),
        ({"libraries": ("libmagic.so.1",)}, "libmagic.so.1, which is loaded by name,", "libmagic1"),
        ({"libraries": ("libmagic.so.",)}, "libmagic.so, which is loaded by name,", "libmagic1"),
        ({"fonts": ("DejaVuSans.ttf",)}, "DejaVuSans.ttf, which is loaded by name,", "fonts-dejavu"),
    ],
)
def test_what_only_the_applications_files_name(named: dict[str, Any], lost: str, needed: str) -> None:
    """No import and no reply asks for it; it is missing, and its package is known. Where it is, nothing differs."""
    original = seen(probe(**named), base=FULL)
    (told,) = failed(original, seen(PROBE, base=PYTHON))["named"]
    assert told.startswith(lost)
    assert failed(original, seen(probe(**named), base=FULL)) == {}
    assert needed in {package for one in Named(original).lost(seen(PROBE).files) for package in one.packages}


def test_what_is_named_and_no_difference() -> None:
    """What the original has not either, and headers that a script names; but not those that a module opens."""
    base: Written = {
        **PYTHON,
        **packages("libpq-dev", sections={"libpq-dev": "libdevel"}),
        "/usr/include/libpq.h": "",
        "/var/lib/dpkg/info/libpq-dev.list": "/usr/include/libpq.h\n",
    }
    named = probe(libraries=("libnone.so.1",), paths={"/usr/include/libpq.h": "/app/setup.sh"})
    assert failed(seen(named, base=base), seen(PROBE)) == {}
    opened = probe(paths={"/usr/include/libpq.h": "/app/shop.py"})
    assert failed(seen(opened, base=base), seen(PROBE)).keys() == {"named"}


def test_programs_that_only_packages_start() -> None:
    """Whether a package is ever asked for it is not known: it is named as not proved, and no difference."""
    starts = probe(package_programs={"git": "gnupg.py", "gcc": "x.py", "none": "y.py"})
    proof = prove(Comparison(seen(starts, base=FULL), seen(starts)))
    assert proof.passed
    assert proof.unproved == ("Not there, and started by packages: git (gnupg.py).",)
    assert prove(Comparison(seen(starts, base=FULL), seen(starts, base=FULL))).unproved == ()


def test_what_packages_start_is_needed_unless_it_is_for_building() -> None:
    """Gnupg for python-gnupg, but no git for whoever asks for a version; what is there already is not needed."""
    base: Written = {
        **FULL,
        **packages("git", "gpg"),
        "/usr/bin/gpg": elf(),
        "/var/lib/dpkg/info/gpg.list": "/usr/bin/gpg\n",
    }
    original = seen(probe(package_programs={"gpg": "gnupg.py", "git": "pandas.py", "none": "x.py"}), base=base)
    assert [(need.package, need.what) for need in runtime_needs(original, ())] == [("gpg", "gpg")]
    assert runtime_needs(original, ("gpg",)) == ()


def test_what_is_imported_within_a_function() -> None:
    """It must be as it was."""
    before = probe(imported={"tkinter": "", "none": "ModuleNotFoundError: x"})
    after = probe(imported={"tkinter": "ImportError: libtk8.6.so"})
    assert failed(seen(before), seen(after)) == {"imports": ("tkinter: ImportError: libtk8.6.so",)}


def test_pip_stays_where_it_is_started() -> None:
    """As a program or a module; it is no installer then."""
    have = {"pip": Distribution("23", SITE, (), ("pip",))}
    for named in ({"programs": {"pip3": "/usr/local/bin/pip3"}}, {"imported": {"pip.main": ""}}):
        original = seen(probe(distributions=have, **named), base={**PYTHON, "/usr/local/bin/pip3": ""})
        assert "distributions" in failed(original, seen(probe(distributions={}, **named)), without_tools=True)
    starts = {"programs": {"pipenv-not": "/usr/local/bin/pip"}}
    assert failed(seen(probe(distributions=have, **starts)), seen(probe(distributions={}, **starts))) == {}


def test_folders_and_users_that_a_script_made() -> None:
    """An empty folder is there to be written to, by all if it was; a user, to work as."""
    users = "root:x:0:0::/root:/bin/sh\nworker:x:1000:1000::/home/worker:/bin/sh\nredis:x:101:101::/:/bin/false\n"
    made: Written = {"/var/lib/shop": folder(0o777), "/opt/spool": folder(), "/app/in/x": "x"}
    original = seen(PROBE, written={3: APP[3], 4: {**APP[4], **made, "/etc/passwd": users}})
    assert failed(original, seen(PROBE)) == {
        "files": ("/var/lib/shop is missing", "/opt/spool is missing", "/app/in/x is missing"),
        "users": ("the user worker is missing", "the user redis is missing"),
    }
    less: Written = {**made, "/var/lib/shop": folder(0o755), "/etc/passwd": users}
    assert failed(original, seen(PROBE, written={3: APP[3], 4: {**APP[4], **less}})) == {
        "files": ("/var/lib/shop has another owner or fewer rights",),
    }


def test_users_that_a_package_adds_are_packages_matter() -> None:
    """Where apt alone was at work: a script may have added one of the system beside it."""
    users: Written = {"/etc/passwd": "root:x:0:0::/root:/bin/sh\nredis:x:101:101::/:/bin/false\n", **packages("redis")}
    for run, lost in (("apt-get update && apt-get install -y redis", 0), ("sh setup.sh", 1)):
        text = TEXT.replace("RUN pip install flask", f"RUN {run}")
        original = subject(text, {3: APP[3], 4: {**APP[4], **users}})
        candidate = subject(text, {3: APP[3], 4: {**APP[4], **packages("redis")}})
        assert failed(original, candidate) == ({"users": ("the user redis is missing",)} if lost else {})


def test_groups_that_users_are_in() -> None:
    """Who may read a device or a socket by his group cannot without."""
    before = probe(groups={"media": ("worker", "web"), "video": ("web",), "empty": ()})
    after = probe(groups={"media": ("web",)})
    assert failed(seen(before), seen(after)) == {
        "users": ("the user worker is not in the group media", "the group video is missing")
    }


def test_rights_and_capabilities_that_a_script_gave() -> None:
    """To files of the base, whose content is as it was; what a package's own scripts set is its matter."""
    text = TEXT.replace("RUN pip install flask", "RUN sh setup.sh")
    base: Written = {**PYTHON, "/usr/bin/env": File(b"x", mode=0o755), "/var/log/web": folder(0o755)}
    given: Written = {**APP[4], "/usr/bin/env": File(b"x", mode=0o4755), "/var/log/web": folder(0o777)}
    base |= {f"{SITE}/pip/__init__.py": File(b"", mode=0o600)}
    given |= {f"{SITE}/pip/__init__.py": File(b"", mode=0o644)}  # pip was upgraded: whoever installs decides that
    before = probe(capabilities={"/usr/bin/env": "01", "/usr/bin/gone": "01"})
    original = subject(text, {3: APP[3], 4: given}, base, before)
    assert failed(original, subject(text, {3: APP[3], 4: APP[4]}, base, before)) == {
        "files": (
            "/usr/bin/env has another owner or fewer rights",
            "/var/log/web has another owner or fewer rights",
        )
    }
    assert failed(original, subject(text, {3: APP[3], 4: given}, base)) == {
        "files": ("/usr/bin/env has lost its capabilities",)
    }


@pytest.mark.parametrize(
    ("now", "lost"),
    [("/app/bin/flask", False), ("/opt/venv/bin/flask", True)],
)
def test_a_program_of_that_name_is_the_same_one(now: str, lost: bool) -> None:
    """PATH decides which: an environment before all else would take the place of the application's own."""
    before, after = probe(programs={"flask": "/app/bin/flask"}), probe(prefix="/opt/venv", programs={"flask": now})
    found = list(Named(seen(before)).lost(seen(after).files, after))
    assert [one.short for one in found] == (["flask"] if lost else [])
    python = probe(programs={"python": "/usr/local/bin/python"})
    assert not list(
        Named(seen(python)).lost(
            seen(after).files, probe(prefix="/opt/venv", programs={"python": "/opt/venv/bin/python"})
        )
    )


def test_scripts_that_nothing_names_are_told() -> None:
    """Somebody may start them: what they call is not proved, and said so."""
    base: Written = {**PYTHON, "/usr/bin/git": elf()}
    original = seen(probe(script_programs={"git": "/app/hooks/a.sh"}), base=base)
    told = prove(Comparison(original, seen(PROBE))).unproved
    assert told == ("Not there, and started by scripts that nothing names: git (/app/hooks/a.sh).",)
    assert prove(Comparison(original, seen(PROBE, base=base))).unproved == ()


def test_what_runs_without_python_is_told() -> None:
    """Its own modules say nothing of what another language's program starts."""
    (told,) = prove(Comparison(seen(probe(runs_python=False)), seen(PROBE))).unproved
    assert "no Python" in told


def test_a_folder_that_is_named_has_what_packages_put_into_it() -> None:
    """Who lists it would find less; what every image has is not held to."""
    files_: Written = {
        "/usr/share/misc/magic": "x",
        "/usr/bin/file": elf(),
        "/var/lib/dpkg/info/file.list": "/usr/share/misc/magic\n/usr/bin/file\n",
        **packages("file"),
    }
    paths = {"/usr/share/misc": "/app/shop.py", "/usr/bin": "/app/shop.py"}
    original = seen(probe(paths=paths), base={**PYTHON, **files_})
    candidate = seen(PROBE, base={**PYTHON, "/usr/share/misc/other": "x"})
    (lost,) = Named(original).lost(candidate.files)
    assert (lost.what, lost.packages) == (
        "/usr/share/misc/magic in /usr/share/misc, which /app/shop.py names,",
        ("file",),
    )
    assert list(Named(original).lost(original.files)) == []


def test_what_a_script_changed_or_deleted() -> None:
    """It is as it was copied, or as a package brought it: the script that did it was left in the builder."""
    text = TEXT.replace("COPY . .", "COPY . .\nRUN sh setup.sh").replace("RUN pip install flask\n", "")
    copied: Written = {"/app/shop.py": "DEBUG = True", "/app/secret": "x", "/app/kept": "x"}
    base: Written = {
        **PYTHON,
        **packages("nginx"),
        "/etc/nginx.conf": "old",
        "/var/lib/dpkg/info/nginx.list": "/etc/nginx.conf\n",
    }
    gone: Written = {"/app/.wh.secret": ""}
    by_script: Written = {
        "/app/shop.py": "DEBUG = False",
        "/etc/nginx.conf": "new",
        "/etc/localtime": link("/x"),
        **gone,
    }
    original = subject(text, {3: copied, 4: by_script}, base)
    assert failed(original, subject(text, {3: copied, 4: by_script}, base)) == {}
    assert failed(original, subject(text, {3: copied, 4: {"/etc/localtime": link("/y")}}, base)) == {
        "files": (
            "/etc/localtime leads elsewhere",
            "/app/secret is there, which the original deletes",
            "/app/shop.py is as it was before the original changes it",
            "/etc/nginx.conf is as it was before the original changes it",
        ),
    }


def test_what_tools_keep_for_themselves() -> None:
    """Their settings, and the folder of environments in which there is none; an environment is packages' matter."""
    kept: Written = {
        "/root/.config/pypoetry/config.toml": "x",
        "/root/.local/share/virtualenvs": folder(),
        "/usr/local/.lock": "",
    }
    assert failed(seen(PROBE, written={3: APP[3], 4: {**APP[4], **kept}}), seen(PROBE)) == {}
    kept = {"/root/.local/share/virtualenvs/notes": "x", "/root/.local/share/virtualenvs2": folder()}
    assert failed(seen(PROBE, written={3: APP[3], 4: {**APP[4], **kept}}), seen(PROBE)).keys() == {"files"}


def test_caches_that_are_no_downloads_of_installers() -> None:
    """A model or a browser is fetched once, when the image is built."""
    kept: Written = {"/root/.cache/huggingface/model": "x", "/root/.cache/pip/x": "x", "/root/.npm/_cacache/x": "x"}
    kept |= {"/root/.cache/uv/environments-v2/job/bin/x": "x", "/root/.cache/uv/archive-v0/x": "x"}
    original = seen(PROBE, written={3: APP[3], 4: {**APP[4], **kept}})
    assert failed(original, seen(PROBE)) == {
        "files": ("/root/.cache/huggingface/model is missing", "/root/.cache/uv/environments-v2/job/bin/x is missing")
    }


@pytest.mark.parametrize(
    ("run", "was", "is_now", "differs"),
    [
        ('echo "$(git describe)" > VERSION', "v1.2", "v", True),
        ("git describe > VERSION || true", "v1.2", "", True),
        ("date > VERSION; true", "12:01", "12:02", False),
        ("git describe > VERSION && python x.py", "v1.2", "", False),
    ],
)
def test_what_a_run_wrote_that_may_have_failed_unseen(run: str, was: str, is_now: str, differs: bool) -> None:
    """Where its shell passes over a failure, what is longer or shorter now is another thing; a time is not."""
    text = TEXT.replace("RUN pip install flask", f"RUN {run}")
    original = subject(text, {3: APP[3], 4: {"/app/VERSION": was}})
    found = failed(original, subject(text, {3: APP[3], 4: {"/app/VERSION": is_now}}))
    assert found == ({"files": ("/app/VERSION has another content",)} if differs else {})


@pytest.mark.parametrize(
    ("run", "lost"),
    [
        ("sh setup.sh", True),
        ("apt-get update && apt-get install -y jq && sh setup.sh", True),
        ("apt-get update && apt-get install -y jq && pip install x && sh setup.sh", False),
        ("apt-get update && apt-get install -y jq", False),
    ],
)
def test_what_a_script_wrote_beside_apt(run: str, lost: bool) -> None:
    """Where words do not tell all that a RUN does, its files in /etc count, but not what packages' own scripts make."""
    text = TEXT.replace("RUN pip install flask", f"RUN {run}")
    made: Written = {
        **APP[4],
        **packages("jq"),
        "/etc/web.conf": "x",
        "/etc/ssl/certs/a.0": link("a.pem"),
        "/etc/ssl/certs/a.pem": link("/usr/share/ca-certificates/mozilla/a.crt"),
        "/etc/ssl/certs/corp.pem": link("/usr/local/share/ca-certificates/corp.crt"),
        "/usr/lib/locale/locale-archive": "x",
        "/usr/share/fonts/own.ttf": "x",
        "/usr/share/fonts/.uuid": "x",
        "/etc/alternatives/jq": link("/usr/bin/jq"),
        "/usr/bin/jq-link": link("/etc/alternatives/jq"),
        "/var/lib/dpkg/triggers/x": "x",
    }
    if not lost:
        made["/usr/local/share/fonts"] = folder()
    base = {**PYTHON, **packages()}
    found = failed(
        subject(text, {3: APP[3], 4: made}, base), subject(text, {3: APP[3], 4: {**APP[4], **packages("jq")}}, base)
    )
    own = ("/etc/web.conf", "/etc/ssl/certs/corp.pem", "/usr/lib/locale/locale-archive", "/usr/share/fonts/own.ttf")
    assert found == ({"files": tuple(f"{path} is missing" for path in own)} if lost else {})


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
            second = replace(second, status_code=int(more[0]), body_sha256=more[1])
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
    after = replace(before, check=replace(check, **changes))
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
