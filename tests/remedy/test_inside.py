"""The look inside, run here by this Python as in containers, with the texts of all its files."""

from __future__ import annotations

import ast
import json
import mimetypes
import os
import subprocess
import sys
from importlib import resources
from pathlib import Path

import msgspec
import pytest

from imgcompare.remedy import interpreter, mentions
from imgcompare.remedy.probe import Probe

INSIDE = resources.files("imgcompare.remedy").joinpath("inside.py").read_text(encoding="utf-8")
ELF = resources.files("imgcompare.analysis").joinpath("elf.py").read_text(encoding="utf-8")
SOURCES = resources.files("imgcompare.remedy").joinpath("sources.py").read_text(encoding="utf-8")
IMPORTING = resources.files("imgcompare.remedy").joinpath("importing.py").read_text(encoding="utf-8")
INTERPRETER = resources.files("imgcompare.remedy").joinpath("interpreter.py").read_text(encoding="utf-8")
LANGUAGES = resources.files("imgcompare.remedy").joinpath("languages.py").read_text(encoding="utf-8")
MENTIONS = resources.files("imgcompare.remedy").joinpath("mentions.py").read_text(encoding="utf-8")
MODULES = {
    "plain.py": "",
    "package/__init__.py": "",
    "package/inner.py": "import package",
    "package/__main__.py": "raise SystemExit('run')",
    "package/tests/test_x.py": "raise Exception('not asked')",
    "broken.py": "import not_there",
    "asks.py": "input()",
    "ends.py": "import os; os._exit(3)",
    "leaves.py": "import sys; sys.exit(1)",
    "after.py": "",
    "waits.py": "import time; time.sleep(60)",
    "opens.py": "import ctypes, ctypes.util; ctypes.CDLL(ctypes.util.find_library('sqlite3'))",
    "order_a.py": "import builtins; builtins.imgcompare_first = True",
    "order_b.py": "import builtins\nif hasattr(builtins, 'imgcompare_first'): raise RuntimeError('second')",
    "starts.py": "import subprocess\ndef f(binary='expand', mode='w'):\n    subprocess.Popen([binary, '-'])\n",
    "versioneer.py": "import subprocess\nsubprocess.run(['fold'])\n",
    "no-module.py": "raise Exception",
    "thing-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: My_Thing\nVersion: 1.0\n"
    "Requires-Dist: flask>=2\nRequires-Dist: pytest; extra == 'dev'\n"
    "Requires-Dist: redis; python_version > '3.0' and extra == 'Cache'\n"
    "Requires-Dist: zipp; python_version < '3.0'\n"
    "Requires-Dist: six; python_version < '3.0' or sys_platform == 'linux'\n",
    "other-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: other\nVersion: 1.0\n"
    "Requires-Dist: my.thing[cache,other]>=1\nRequires-Dist: my-thing[dev]; extra == 'dev'\n",
    "thing-1.0.dist-info/RECORD": "plain.py,,\npackage/__init__.py,,\n../../../bin/thing,,\n",
}
APP = {
    "lazy.py": """\
import asyncio, ctypes, os, subprocess
if __name__ != "__main__":
    raise SystemExit("not here")
GIT = "bzip2"
ENTRY = os.getenv("ENTRY", "head")
for name in ("wkhtml-not-there", "tail"):
    subprocess.run(name)
ZONES = "/etc/passwd"
FONT = "DejaVuSans.ttf"
def prepared(command=["xz", "-d"]):
    return subprocess.run(command)
async def asked():
    await asyncio.create_subprocess_exec("find", "/")
    await asyncio.create_subprocess_shell("env A=1 sort | uniq")
    subprocess.run(["sh", "-c", "exec cut -d: f"])
    subprocess.run([GIT])
    subprocess.Popen(args=["sh", "backup.sh"])
def loaded():
    import decimal, sqlite3, not_there.at_all
    ctypes.CDLL("libmagic.so.1")
    ctypes.util.find_library("sqlite3")
""",
    "crontab": "# * * * * * comm\n*/5 * * * * root  tsort /x\n0 1 * * * FOO=1 nl /y\n",
    "web.conf": "[program:web]\ncommand=/usr/bin/env paste -d, x\n",
    "backup.sh": "# /etc/shells\nset -e\ntac /etc/group\n",
    "settings.conf": "home=/etc/hosts # /etc/hostname\n; /etc/fstab\n",
    "settings.json": '{"tool": "nproc", "kind": "groups of", "uname": 1}\n',
    "tools.ini": "tool = pinky ; no\nother: logname\n",
    "Procfile": "web: shop\nworker: env -i factor 9\n",
    "README.md": "Look at /etc/os-release",
    "shop.py": "import subprocess, os\nsubprocess.run(['git', 'log'])\nos.system('ls -l')\nsubprocess.run(command)\n",
    "run.sh": "#!/bin/sh\nset -e\nif true; then tar xf x; fi\nexec cat\n",
    "unused.sh": "#!/bin/sh\ngzip x\n",
}


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Probe:
    """One look at modules that are written down above."""
    root = tmp_path_factory.mktemp("inside")
    site = root / "lib" / "site-packages"
    for base, files in ((site, MODULES), (root / "app", APP)):
        for name, text in files.items():
            (base / name).parent.mkdir(parents=True, exist_ok=True)
            (base / name).write_text(text)
    for script in ("run.sh", "unused.sh"):
        (root / "app" / script).chmod(0o755)
    return look(root / "app", site, ["./run.sh"])


def look(folder: Path, site: Path, command: list[str], home: Path = Path("/")) -> Probe:
    """Run it; only what is in ``site`` counts, for this Python's own packages are many."""
    request = {
        "command": command,
        "healthcheck": ["curl-is-not-there http://x"],
        "env": ["PATH=/bin", "SHELLS=/etc/shells", "PAGER=more -d"],
        "roots": [str(folder)],
        "skip": [],
        "time_s": 1.0,
        "deadline_s": 60.0,
        "own_s": 10.0,
        "library_folders": ["/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu"],
    }
    done = subprocess.run(
        [
            sys.executable,
            "-S",
            "-c",
            INSIDE,
            ELF,
            SOURCES,
            LANGUAGES,
            MENTIONS,
            INTERPRETER,
            IMPORTING,
            json.dumps(request),
        ],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(site), "HOME": str(home)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
        timeout=120,
    )
    return msgspec.json.decode(done.stdout, type=Probe)


def test_what_can_be_imported(seen: Probe) -> None:
    """One process for all: a module that exits, ends the process, waits or asks holds no other up."""
    assert {name for name, why in seen.modules.items() if not why} == {
        *("plain", "package", "package.inner", "after", "opens", "order_a", "order_b", "starts", "versioneer"),
    }


def test_why_others_cannot(seen: Probe) -> None:
    """Standard input is closed, exits are caught, and what takes too long is not called broken."""
    assert seen.modules["broken"] == "ModuleNotFoundError: No module named 'not_there'"
    assert seen.modules["asks"].startswith("EOFError")
    assert seen.modules["leaves"].startswith("SystemExit")
    assert seen.modules["ends"] == "it ends the process"
    assert seen.modules["waits"].startswith("?")


def test_which_libraries_are_loaded(seen: Probe) -> None:
    """By an import that opens them itself, which no ELF file tells, and not by what only names them."""
    assert {Path(path).name.partition(".")[0]: by for path, by in seen.loaded.items() if "libsqlite" in path} == {
        "libsqlite3": "opens"
    }


def test_what_is_not_asked_for(seen: Probe) -> None:
    """``__main__`` would run, tests are nobody's at run time, and a name with a hyphen is no module's."""
    assert not {name for name in seen.modules if "__main__" in name or "tests" in name or "-" in name}


def test_one_that_another_import_breaks_is_tried_alone(seen: Probe) -> None:
    """``order_b`` fails behind ``order_a`` and works by itself."""
    assert seen.modules["order_b"] == ""


def test_distributions(seen: Probe) -> None:
    """Names are normalised; what an extra requires counts where somebody asks for it; another Python's needs do not."""
    thing = seen.distributions["my-thing"]
    assert (thing.version, thing.requires, thing.modules) == ("1.0", ("flask", "redis", "six"), ("package", "plain"))


def test_programs_that_are_started_by_name(seen: Probe) -> None:
    """Of the command's script and of subprocess; not of a script that nobody starts, nor a variable."""
    assert seen.programs.keys() >= {"git", "ls", "tar", "cat"}
    assert "gzip" not in seen.programs
    assert "command" not in seen.programs


def test_the_applications_own_modules(seen: Probe) -> None:
    """Those of the working folder; here an import starts what is not there, and says so."""
    assert set(seen.own_modules) == {"shop", "lazy"}


def test_programs_that_are_started_in_other_ways(seen: Probe) -> None:
    """By asyncio, behind a shell, by a name or a parameter that is set elsewhere, by a script that is started."""
    assert seen.programs.keys() >= {"bzip2", "xz", "find", "sort", "uniq", "cut", "tac"}
    assert seen.programs.keys() >= {"head", "tail", "paste", "tsort", "nl"}
    assert "comm" not in seen.programs


def test_programs_that_settings_name(seen: Probe) -> None:
    """Some module starts what is set elsewhere: a value of one word, a variable, a process; no key and no sentence."""
    assert seen.programs.keys() >= {"nproc", "logname", "more", "env"}
    assert not seen.programs.keys() & {"groups", "uname", "pinky"}


def test_programs_of_scripts_that_nothing_names(seen: Probe) -> None:
    """Somebody may start them: they are told with the script."""
    assert {name: Path(by).name for name, by in seen.script_programs.items()} == {"gzip": "unused.sh"}


def test_whether_python_runs(seen: Probe, tmp_path: Path) -> None:
    """Else sources of other languages are read: their texts name what they start."""
    (tmp_path / "server.js").write_text('exec("tar --version"); // `sum`\nrun("see /etc/hosts")\n')
    (tmp_path / "lib").mkdir()
    found = look(tmp_path, tmp_path / "lib", ["cat", "server.js"])
    assert not found.runs_python
    assert ("tar" in found.programs, found.paths.get("/etc/hosts")) == (True, str(tmp_path / "server.js"))
    assert not seen.runs_python


def test_programs_that_packages_start(seen: Probe) -> None:
    """With one of their modules; what only builds or tests them is left out."""
    assert seen.package_programs == {"expand": "starts.py"}


def test_what_the_applications_files_name(seen: Probe) -> None:
    """Paths that are there, but in comments and in what is for readers; libraries and fonts."""
    named = {path: Path(by).name for path, by in seen.paths.items() if path.startswith("/etc/")}
    assert named == {"/etc/passwd": "lazy.py", "/etc/group": "backup.sh", "/etc/hosts": "settings.conf"} | {
        "/etc/shells": "ENV SHELLS",
    } | {path: "mimetypes" for path in mimetypes.knownfiles if os.path.lexists(path)} | (
        {"/etc/services": "the standard library"} if os.path.lexists("/etc/services") else {}
    )
    assert (seen.libraries, seen.fonts) == (("libmagic.so.1", "libsqlite3.so."), ("DejaVuSans.ttf",))


def test_what_is_imported_within_a_function(seen: Probe) -> None:
    """It is tried as well, and what is not there is told."""
    assert seen.imported["sqlite3"] == ""
    assert "decimal" not in seen.imported  # every Python has it
    assert seen.imported["not_there.at_all"].startswith("ModuleNotFoundError")


# Commands and files beside them; {venv} is an environment whose Python is another than the first on PATH.
STARTED_BY_ITS_OWN = {
    "by its path": (["venv/bin/python", "shop.py"], {}),
    "by a program of the environment": (["./serve"], {"serve": "#!{venv}/bin/python\n"}),
    "by env, with an option": (["./serve"], {"serve": "#!/usr/bin/env -S {venv}/bin/python -u\n"}),
    "by a shell": (["sh", "-c", "exec ./serve --all"], {"serve": "#!{venv}/bin/python\n"}),
    "by another program": (["env", "A=1", "{venv}/bin/python", "shop.py"], {}),
    "by a script": (["./start.sh"], {"start.sh": "#!/bin/sh\nset -e\nexec {venv}/bin/python shop.py\n"}),
    "by a script of a script": (
        ["./start.sh"],
        {"start.sh": "#!/bin/sh\nexec ./run.sh\n", "run.sh": "#!/bin/bash\n{venv}/bin/python shop.py\n"},
    ),
    "by a script that activates it": (
        ["./start.sh"],
        {"start.sh": "#!/bin/sh\n. {venv}/bin/activate\nexec python shop.py\n"},
    ),
    "by a shell that activates it": (["sh", "-c", ". venv/bin/activate && exec python shop.py"], {}),
    "by a variable": (["./start.sh"], {"start.sh": '#!/bin/sh\nexec "$HOME/bin/python" shop.py\n'}),
    "in the end": (
        ["./start.sh"],
        {"start.sh": "#!/bin/sh\npython3 before.py\nexec {venv}/bin/python shop.py\n"},
    ),
    "by a path too long for a first line": (
        ["./serve"],
        {"serve": "#!/bin/sh\n'''exec' \"{venv}/bin/python\" \"$0\" \"$@\"\n' '''\nimport sys\n"},
    ),
}
# As poetry, uv and others do it: what stands behind ``run`` is started in an environment that they find.
RUNNER = '#!/bin/sh\nwhile [ "$1" != run ]; do shift; done\nshift\nexec {venv}/bin/"$@"\n'
STARTED_BY_ITS_OWN |= {
    "by a tool": (["./poetry", "run", "shop", "--all"], {"poetry": RUNNER}),
    "by a tool in a folder": (["./poetry", "-C", "/app", "run", "shop"], {"poetry": RUNNER}),
    "by a tool's module": (["sh", "-c", "./mine -m pdm run shop"], {"mine": RUNNER}),
    "by a tool in a script": (["./start.sh"], {"start.sh": "#!/bin/sh\nexec ./uv run shop\n", "uv": RUNNER}),
}
STARTED_BY_THE_FIRST = {
    "behind a tool that installs": (["sh", "-c", "./poetry install && exec python3 shop.py run"], {"poetry": RUNNER}),
    "by its name": (["python3", "shop.py"], {}),
    "with the other as an argument": (["python3", "shop.py", "{venv}/bin/python"], {}),
    "by a script that only speaks of the other": (
        ["./start.sh"],
        {"start.sh": "#!/bin/sh\n# {venv}/bin/python shop.py\nexec python3 shop.py\n"},
    ),
    "by a script that is done with the other": (
        ["./start.sh"],
        {"start.sh": "#!/bin/sh\n{venv}/bin/python before.py\nexec python3 shop.py\n"},
    ),
    "by what a script is given": (
        ["./start.sh", "python3", "shop.py"],
        {"start.sh": '#!/bin/sh\n{venv}/bin/python before.py\nexec "$@"\n'},
    ),
    "with the other's words in a file that is no script": (["./data"], {"data": "{venv}/bin/python shop.py\n"}),
    "by no Python": (["cat"], {}),
}


@pytest.mark.parametrize("name", STARTED_BY_ITS_OWN | STARTED_BY_THE_FIRST)
def test_which_python_is_asked(tmp_path: Path, name: str) -> None:
    """The one that the command's program really uses: another has other packages, and proves nothing."""
    command, beside = (STARTED_BY_ITS_OWN | STARTED_BY_THE_FIRST)[name]
    venv = tmp_path / "venv"
    (venv / "bin").mkdir(parents=True)
    (venv / "bin" / "python").symlink_to(sys.executable)
    (venv / "bin" / "activate").write_text("PATH=...\n")
    (venv / "pyvenv.cfg").write_text(f"home = {Path(sys.executable).resolve().parent}\n")
    for file, text in beside.items():
        (tmp_path / file).write_text(text.replace("{venv}", str(venv)))
        (tmp_path / file).chmod(0o755)
    seen = look(tmp_path, tmp_path / "site-packages", [word.replace("{venv}", str(venv)) for word in command], venv)
    assert (seen.executable == str(venv / "bin" / "python")) == (name in STARTED_BY_ITS_OWN)


# A command, and what its tool is asked, that says nothing.
ASKED = {
    "poetry run gunicorn -b :8000": "run python",
    "poetry -C /app run flask run": "-C /app run python",
    "uv --directory /app run --frozen --project=web --active x": "--directory /app run --project=web --active python",
    "uv run --project web --no-dev gunicorn": "run --project web python",
    "hatch run prod:serve": "run prod:python",
    "exec pipenv run python app.py": "run python",
}


@pytest.mark.parametrize("command", ASKED)
def test_a_tool_that_does_not_say_what_it_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    """It is asked with what chooses its environment, and another Python is not taken for the one it would start."""
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    for name in ("poetry", "uv", "hatch", "pipenv"):
        (tmp_path / name).write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/asked\necho hello\n')
        (tmp_path / name).chmod(0o755)
    with pytest.raises(LookupError):
        interpreter.of_command(["sh", "-c", command], mentions)
    assert (tmp_path / "asked").read_text() == f"{ASKED[command]} -c import sys; print(sys.executable)\n"


@pytest.mark.parametrize("file", ["secrets.py", "secrets/__init__.py"])
@pytest.mark.parametrize("place", ["app", "site-packages"])
def test_what_stands_in_the_place_of_the_standard_librarys(tmp_path: Path, place: str, file: str) -> None:
    """It is imported, and not what the look itself has imported already: for the application it comes first."""
    for folder in ("app", "site-packages", f"{place}/{Path(file).parent}"):
        (tmp_path / folder).mkdir(exist_ok=True)
    (tmp_path / place / file).write_text("import not_there\n")
    (tmp_path / place / "asks.py").write_text("import secrets\n")
    seen = look(tmp_path / "app", tmp_path / "site-packages", ["python"])
    found = seen.own_modules if place == "app" else seen.modules
    assert found == dict.fromkeys(("asks", "secrets"), "ModuleNotFoundError: No module named 'not_there'")


def test_who_needs_setuptools(tmp_path: Path) -> None:
    """Who is prepared for its absence does not."""
    need = {
        "pkg_resources": "import pkg_resources",
        "setup_asked": "from setuptools import setup",
        "later": "def f():\n    import setuptools",
        "other_error": "try:\n    import pkg_resources\nexcept ValueError:\n    pass",
    }
    need_not = {
        "prepared": "try:\n    import pkg_resources\nexcept ImportError:\n    pkg_resources = None",
        "own": "from .setuptools import x",
        "text": "'import pkg_resources'",
        "other_name": "import setuptools_scm",
        "setup.py": "import setuptools",
    }
    site, app = tmp_path / "site-packages", tmp_path / "app"
    site.mkdir()
    app.mkdir()
    for name, source in (need | need_not).items():
        (site / name).with_suffix(".py").write_text(source)
    assert {Path(path).stem for path in look(app, site, []).setuptools} == need.keys()


def test_it_stands_alone() -> None:
    """Nothing of ours is in a container, and Python may be as old as 3.7."""
    for text in (INSIDE, ELF, SOURCES, LANGUAGES, MENTIONS, INTERPRETER, IMPORTING):
        tree = ast.parse(text, feature_version=(3, 7))
        imported = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        imported |= {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
        assert {name.partition(".")[0] for name in imported} <= sys.stdlib_module_names
