"""Finding the project's file, reading it with limits, and the line of every key."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgcompare.config.toml_file import LIMIT_BYTES, find_config, key_lines
from imgcompare.errors import UsageError

TEXT = '''\
# a comment
route = "/healthz"
env = { A = "x", "B.C" = "y" }

[variants]
slim = "Dockerfile.slim"  # [not.a.table]
note = """
[neither]
this = "one"
"""
list = [
  "a", # ]
  "b",
]
dotted.key = 1

[comparisons.shop.variants."a b"]
target = 'x'
[[many]]
n = 1
'''


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, empty."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_key_has_the_line_on_which_it_begins() -> None:
    """Comments, strings and arrays over several lines, quoted, dotted and inline keys do not mislead."""
    assert key_lines(TEXT) == {
        ("route",): 2,
        ("env",): 3,
        ("env", "A"): 3,
        ("env", "B.C"): 3,
        ("variants",): 5,
        ("variants", "slim"): 6,
        ("variants", "note"): 7,
        ("variants", "list"): 11,
        ("variants", "dotted"): 15,
        ("variants", "dotted", "key"): 15,
        ("comparisons",): 17,
        ("comparisons", "shop"): 17,
        ("comparisons", "shop", "variants"): 17,
        ("comparisons", "shop", "variants", "a b"): 17,
        ("comparisons", "shop", "variants", "a b", "target"): 18,
        ("many",): 19,
        ("many", "n"): 20,
    }


@given(st.text(max_size=200))
def test_any_text_has_lines(text: str) -> None:
    """Finding lines never fails, whatever the text."""
    key_lines(text)


def test_the_nearest_file_up_to_the_root_of_the_repository_is_taken(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file above the repository, or one outside of any, is somebody else's."""
    inner = folder / "repo" / "src" / "deep"
    inner.mkdir(parents=True)
    (folder / "imgcompare.toml").write_text("")
    monkeypatch.chdir(inner)
    assert find_config(Path()) is None
    (folder / "repo" / ".git").write_text("gitdir: elsewhere\n")
    assert find_config(Path()) is None
    (folder / "repo" / "imgcompare.toml").write_text('route = "/a"')
    found = find_config(Path())
    assert found
    assert (found.table, found.folder) == ({"route": "/a"}, folder / "repo")
    (inner / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    assert find_config(Path()) == found
    (inner / "pyproject.toml").write_text("[tool.imgcompare]\nroute = '/b'\n")
    found = find_config(Path())
    assert found
    assert (found.table, found.folder, found.place(("route",))) == ({"route": "/b"}, Path(), "pyproject.toml:2")
    (inner / "imgcompare.toml").write_text("route = '/c'")
    found = find_config(Path())
    assert found
    assert found.table == {"route": "/c"}


def test_a_damaged_pyproject_of_others_is_not_our_concern(folder: Path) -> None:
    """A file that does not name imgcompare is not even parsed."""
    (folder / "pyproject.toml").write_text("[project\n")
    assert find_config(Path()) is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            b'a = 1\n\nroute "/"\n',
            "imgcompare.toml:3: this is no TOML: Expected '=' after a key in a key/value pair (column 7)",
        ),
        (b"a = 1\na = 2\n", "imgcompare.toml:2: this is no TOML: Cannot overwrite a value (column 6)"),
        (b"[a]\n[b]\n[a]\n", "imgcompare.toml:3: this is no TOML: Cannot declare ('a',) twice (column 3)"),
        (b'a = "x', "imgcompare.toml:1: this is no TOML: Unterminated string"),
        (b"a = 1\nb = '\xff'\n", "imgcompare.toml:2: this is not UTF-8"),
        (b"a = " + b"[" * 20_000, "imgcompare.toml is nested too deeply"),
        (b"a = " + b"[" * 100 + b"]" * 100, "imgcompare.toml is nested too deeply"),
        (b"a = " + b"{b = " * 100 + b"1" + b"}" * 100, "imgcompare.toml is nested too deeply"),
        (b"[" + b"a." * 3000 + b"b]", "imgcompare.toml is nested too deeply"),
        (b"a." * 3000 + b"b = 1", "imgcompare.toml is nested too deeply"),
        (b"#" * (LIMIT_BYTES + 1), "imgcompare.toml is larger than settings can be (256 KiB)"),
    ],
)
def test_a_damaged_file_is_named_with_the_line(folder: Path, content: bytes, message: str) -> None:
    """What cannot be read as TOML says where, and is never taken for no file."""
    (folder / "imgcompare.toml").write_bytes(content)
    with pytest.raises(UsageError) as caught:
        find_config(Path())
    assert caught.value.message == message
    assert caught.value.hint


def test_what_is_no_file_is_refused(folder: Path) -> None:
    """A folder, a pipe, a link to nothing or a missing name: the error says which, and nothing blocks."""
    (folder / "imgcompare.toml").mkdir()
    os.mkfifo("pipe.toml")
    Path("dangling.toml").symlink_to("nowhere")
    for named, message in (
        (None, "imgcompare.toml is not a file"),
        ("pipe.toml", "pipe.toml is not a file"),
        ("dangling.toml", "cannot read dangling.toml: No such file or directory"),
        ("none.toml", "cannot read none.toml: No such file or directory"),
    ):
        with pytest.raises(UsageError) as caught:
            find_config(Path(), Path(named) if named else None)
        assert caught.value.message == message


def test_a_named_pyproject_must_have_our_table(folder: Path) -> None:
    """With --config, a file without settings is a mistake."""
    (folder / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    with pytest.raises(UsageError, match=r"pyproject.toml has no \[tool.imgcompare\]"):
        find_config(Path(), Path("pyproject.toml"))


def test_line_ends_and_marks_of_other_systems_are_read(folder: Path) -> None:
    """CRLF and a byte order mark change neither values nor lines."""
    (folder / "imgcompare.toml").write_bytes(b'\xef\xbb\xbf# x\r\nroute = "/"\r\n')
    found = find_config(Path())
    assert found
    assert (found.table, found.place(("route",))) == ({"route": "/"}, "imgcompare.toml:2")
