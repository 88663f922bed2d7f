"""The documents say what the program does: help texts, commands and failure codes are compared with it."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator
from pathlib import Path

import click
import yaml

from imgcompare.cli.main import COMMANDS, cli
from imgcompare.config.settings import SETTINGS
from imgcompare.diagnosis.explanations import EXPLANATIONS
from tests.support import forked

_ROOT = Path(__file__).parents[2]
_COMMANDS = _ROOT / "docs" / "commands.md"


def _pages(name: str, command: click.Command) -> Iterator[str]:
    """What ``--help`` prints of a command and everything below it, in 100 columns."""
    yield f"## {name}\n\n```text\n{_help(name, columns=102)}```\n"
    if isinstance(command, click.Group):
        for sub in sorted(command.commands):
            yield from _pages(f"{name} {sub}", command.commands[sub])


def _help(command: str, columns: int) -> str:
    done = forked.run([*command.split()[1:], "--help"], _ROOT, {"COLUMNS": str(columns), "PYTHONWARNINGS": "error"})
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_help_text_stands_in_the_docs() -> None:
    """docs/commands.md is what ``--help`` prints; run with UPDATE_DOCS=1, this test writes it anew."""
    head = "# Commands\n\nWhat `--help` prints; `man imgcompare` shows it, too.\n\n"
    text = head + "\n".join(_pages("imgcompare", cli))
    if os.environ.get("UPDATE_DOCS"):
        _COMMANDS.write_text(text, encoding="utf-8")
    assert _COMMANDS.read_text(encoding="utf-8") == text


def test_the_readme_names_every_command_with_its_help() -> None:
    """The README's table of commands is the group's own list."""
    readme = (_ROOT / "README.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `imgcompare (\w+)` \| (.+) \|$", readme, flags=re.MULTILINE))
    assert rows == COMMANDS == {name: command.get_short_help_str(200) for name, command in cli.commands.items()}


def test_every_document_can_be_found() -> None:
    """The README, the site's first page and its navigation lead to each document, and to nothing that is not there."""
    documents = {path.name for path in (_ROOT / "docs").glob("*.md")}
    site = yaml.safe_load((_ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    pages = re.findall(r"[\w-]+\.md", str(site["nav"]))
    readme = re.findall(r"\]\(docs/([\w-]+\.md)", (_ROOT / "README.md").read_text(encoding="utf-8"))
    index = re.findall(r"\]\(([\w-]+\.md)", (_ROOT / "docs" / "index.md").read_text(encoding="utf-8"))
    assert sorted(pages) == sorted(documents)
    assert set(readme) == set(index) == documents - {"index.md"}


def test_no_command_s_help_is_cut_short_in_a_list() -> None:
    """In a terminal of 80 columns, each list of commands says of every one the whole sentence."""
    for command in ("imgcompare", *(f"imgcompare {name}" for name in cli.commands if _is_group(name))):
        listed = _help(command, columns=80).partition("Commands:")[2]
        assert listed
        assert "..." not in listed


def _is_group(name: str) -> bool:
    return isinstance(cli.commands[name], click.Group)


def test_every_code_is_explained() -> None:
    """Each code that the program can give has its explanation, and none is explained that cannot occur."""
    paths = (path for path in (_ROOT / "imgcompare").rglob("*.py") if path.parent.name != "explanations")
    assert {code for path in paths for code in _codes(path)} == set(EXPLANATIONS)


def test_every_code_is_documented() -> None:
    """The tables of docs/report.md say of each code what `imgcompare explain` does."""
    tables = (_ROOT / "docs" / "report.md").read_text(encoding="utf-8").partition("## Failure codes")[2]
    documented = dict(re.findall(r"^\| `([a-z-]+)` \| (.+) \|$", tables, flags=re.MULTILINE))
    assert documented == {code: one.summary for code, one in EXPLANATIONS.items()}


def test_every_key_of_the_project_file_is_documented() -> None:
    """docs/config.md has a row for each key that is accepted, naming its option, and no other."""
    text = (_ROOT / "docs" / "config.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \|(.*)\|$", text, flags=re.MULTILINE)
    documented = {key: re.findall(r"^ `(--[a-z-]+)`", cells.rpartition("|")[2]) for key, cells in rows}
    options = {param.name: max(param.opts, key=len) for param in cli.commands["run"].params}
    keys = {
        setting.key.rpartition(".")[2]: [options[setting.parameter]] if setting.parameter in options else []
        for setting in SETTINGS
        if setting.in_file
    }
    tables = ("variants", "gates", "comparisons")
    of_variants = ("dockerfile", "target", "image", "expected_failure")
    assert documented == keys | {key: [] for key in ("name", *tables, *of_variants)}


def _codes(path: Path) -> Iterator[str]:
    """The codes that a module can give: of each ``….found(CODE, …)`` and each ``….(code=CODE, …)``."""
    calls = (node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call))
    for call in calls:
        found = isinstance(call.func, ast.Attribute) and call.func.attr == "found"
        given = [keyword.value for keyword in call.keywords if keyword.arg == "code"]
        for expression in (*given, *(call.args[:1] if found else ())):
            values = (part.value for part in ast.walk(expression) if isinstance(part, ast.Constant))
            yield from (value for value in values if isinstance(value, str))
