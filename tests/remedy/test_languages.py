"""What runs beside Python: sources of other languages and compiled programs count where something starts them."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import pytest

from imgcompare.remedy import languages
from imgcompare.remedy.probe import Probe
from tests.remedy.test_inside import look

STARTS = "import subprocess\nsubprocess.run([{!r}, 'x'])\n"
SOURCES = {
    "perl by its name": ("perl", "tool.pl", 'print `tac /etc/hosts`; system "nl", "x";'),
    "perl's own quotes": ("perl", "lib/My/Tool.pm", "my $x = qx{tac x}; my $y = qx(nl x);"),
    "a shell within": ("perl", "tool.pl", "system(\"sh -c 'tac x | nl'\");"),
    "by the first line": ("{app}/bin/tool", "bin/tool", "#!/usr/bin/env perl\nsystem('tac x'); system('nl', 'x');\n"),
    "a makefile": ("{app}/bin/make", "Makefile", "x:\n\t@tac x | \\\n\t  nl\n# y: sum\n"),
    "a package's scripts": ("{app}/bin/npm", "package.json", '{"scripts": {"start": "tac x | nl"}}'),
    "with a version": ("{app}/bin/perl5.99", "tool.pl", "system('tac'); system('nl');"),
}


def seen_with(folder: Path, files: dict[str, str], starts: str) -> Probe:
    """A look at an application that starts a program, with these files beside."""
    app = folder / "app"
    for name, text in {**files, "app.py": STARTS.format(starts.replace("{app}", str(app)))}.items():
        (app / name).parent.mkdir(parents=True, exist_ok=True)
        (app / name).write_text(text)
        (app / name).chmod(0o755)
    return look(app, folder / "site-packages", ["python3", "app.py"])


@pytest.mark.parametrize("name", SOURCES)
def test_sources_of_what_is_started(tmp_path: Path, name: str) -> None:
    """Their texts name what they start and open, and the proof is told that no more is known of them."""
    starts, file, text = SOURCES[name]
    files = {starts.replace("{app}/", ""): "#!/bin/sh\n", file: text}
    found = seen_with(tmp_path, files, starts)
    assert {"tac", "nl"} <= found.programs.keys()
    assert found.foreign == (str(tmp_path / "app" / file),)


def test_sources_that_nothing_runs(tmp_path: Path) -> None:
    """A web page's scripts are none of the application's programs."""
    found = seen_with(tmp_path, {"static/app.js": "run('tac x')", "tool.pl": "system('nl')"}, "ls")
    assert (found.programs.keys() & {"tac", "nl"}, found.foreign) == (set(), ())


def test_a_compiled_program_of_its_own(tmp_path: Path) -> None:
    """What stands by itself in it may be started, in its sources, too; not what is part of a sentence."""
    program = Path(shutil.which("true") or "/bin/true").read_bytes()
    (tmp_path / "app").mkdir()
    tool = tmp_path / "app" / "tool"
    tool.write_bytes(program + b"\0tac --version\0nl\0cannot tsort it\0")
    tool.chmod(0o755)
    found = seen_with(tmp_path, {"tool.c": 'system("factor 9");'}, "{app}/tool")
    assert {"tac", "nl", "factor"} <= found.programs.keys()
    assert "tsort" not in found.programs
    assert found.foreign == (str(tmp_path / "app" / "tool.c"), str(tool))


@pytest.mark.parametrize("made", [True, False])
def test_an_environments_python_is_none_of_its_own(tmp_path: Path, *, made: bool) -> None:
    """An environment in the application's folder begins its programs with a path to it, be it a copy or a link."""
    program = Path(shutil.which("true") or "/bin/true").read_bytes() + b"\0tac --version\0"
    bin_folder = tmp_path / "app" / ".venv" / "bin"
    bin_folder.mkdir(parents=True)
    (tmp_path / "python3").write_bytes(program)
    (tmp_path / "python3").chmod(0o755)
    if made:
        (bin_folder.parent / "pyvenv.cfg").write_text("home = /usr/bin\n")
        shutil.copy(tmp_path / "python3", bin_folder / "tool")
    else:
        (bin_folder / "tool").symlink_to(tmp_path / "python3")
    found = seen_with(tmp_path, {}, "{app}/.venv/bin/tool")
    assert (f"{bin_folder}/tool" in found.programs, "tac" in found.programs, found.foreign) == (True, False, ())


def test_classes(tmp_path: Path) -> None:
    """Constants of classes, also of those in an archive; a damaged archive has none."""
    data = b"\xca\xfe\xba\xbe\0\0\0\x3d\x01\0\x05patch\x01\0\x09--version\x01\0\x01x\x01\0\x0aNo such one"
    with zipfile.ZipFile(tmp_path / "shop.jar", "w") as jar:
        jar.writestr("shop/Shop.class", data)
        jar.writestr("git.txt", "git")
    (tmp_path / "Shop.class").write_bytes(data)
    (tmp_path / "bad.jar").write_bytes(data)
    assert list(languages.compiled_texts(str(tmp_path / "shop.jar"))) == ["patch"]
    assert list(languages.compiled_texts(str(tmp_path / "Shop.class"))) == ["patch"]
    assert list(languages.compiled_texts(str(tmp_path / "bad.jar"))) == []


def test_perls_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first of that name where Perl looks, and none that is nowhere."""
    for name in ("base/IO/File.pm", "all/IO/File.pm", "all/JSON/PP.pm", "all/Error.pm"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("1;\n")
    monkeypatch.setattr(languages, "_PERLS_FOLDERS", (f"{tmp_path}/base", f"{tmp_path}/al*"))
    source = "use strict; use IO::File; # use Error;\n  eval { require JSON::PP };\nuse My::Own;\nuse v5.36;\n"
    assert list(languages.perls_modules(source)) == [f"{tmp_path}/base/IO/File.pm", f"{tmp_path}/all/JSON/PP.pm"]


@pytest.mark.parametrize(
    ("path", "first", "runner"),
    [
        ("/app/x.mjs", "", "node"),
        ("/app/x.php", "<?php", "php-fpm"),
        ("/app/x.rb", "", "ruby"),
        ("/app/bin/x", "#!/usr/bin/env -S ruby3.1 -w", "ruby"),
        ("/app/x.jar", "", "java"),
        ("/app/x.rs", "", "a program of its own"),
        ("/app/x.cpp", "", "a program of its own"),
    ],
)
def test_who_runs_a_file(path: str, first: str, runner: str) -> None:
    """By its name, or by its first line; with whatever version."""
    assert runner in languages.runners(path, first)


@pytest.mark.parametrize(("path", "first"), [("/app/x.py", ""), ("/app/x.sh", "#!/bin/sh"), ("/app/x.html", "")])
def test_whom_others_read(path: str, first: str) -> None:
    """Python's own and shell's are read with what is known of them."""
    assert not languages.runners(path, first)
