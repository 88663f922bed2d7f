"""The man page is what ``--help`` prints, and roff reads it without a complaint."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from imgcompare.cli.main import cli

_PAGE = Path(__file__).parents[2] / "docs" / "imgcompare.1"
_MACROS = {".TH", ".SH", ".SS", ".PP", ".TP", ".nf", ".fi"}


def test_the_page_is_the_help() -> None:
    """docs/imgcompare.1 is made from click's own help; ``UPDATE_DOCS=1`` writes it anew."""
    command = [sys.executable, "-m", "tests.support.man_page"]
    page = subprocess.run(command, cwd=_PAGE.parents[1], capture_output=True, text=True, check=True).stdout
    if os.environ.get("UPDATE_DOCS"):
        _PAGE.write_text(page, encoding="ascii")
    assert _PAGE.read_text(encoding="ascii") == page


def test_every_command_has_its_section() -> None:
    """Groups and what is in them, and each option of the longest one."""
    page = _PAGE.read_text(encoding="ascii")
    sections = re.findall(r'^\.SS "imgcompare (.+)"$', page, flags=re.MULTILINE)
    named = {name for section in sections for name in [section.replace("\\-", "-")]}
    groups = {name: command.commands for name, command in cli.commands.items() if hasattr(command, "commands")}
    assert named == {*cli.commands, *(f"{name} {sub}" for name, subs in groups.items() for sub in subs)}
    options = {option for param in cli.commands["run"].params for option in param.opts if option.startswith("--")}
    assert {option for option in options if option.replace("-", "\\-") not in page} == set()


def test_roff_reads_it() -> None:
    """Each line is text or a macro of the man pages; where groff is, it warns of nothing and loses no command."""
    page = _PAGE.read_text(encoding="ascii")
    assert {line.split()[0] for line in page.splitlines() if line[:1] in {".", "'"}} == _MACROS
    if groff := shutil.which("groff"):
        done = subprocess.run(
            [groff, "-man", "-Tutf8", "-ww", "-P-cbou", _PAGE],  # without bold and underlined
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=True,
        )
        assert done.stderr == ""
        assert all(f"imgcompare {name}" in done.stdout for name in cli.commands)
