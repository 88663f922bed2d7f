"""The ignore patterns, by the behaviours that moby/patternmatcher and docs.docker.com promise."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imgcompare.engine.build.dockerignore import NO_MATCH, IgnoreRules, parse_rules
from imgcompare.errors import UsageError


def ignored(rules: IgnoreRules, name: str) -> bool:
    """Match ``name`` after each folder above it, as a walk does."""
    match = NO_MATCH
    parts = name.split("/")
    for depth in range(1, len(parts) + 1):
        match = rules.match("/".join(parts[:depth]), match)
    return match.named


# pattern, names it ignores, names it leaves alone
ONE_PATTERN = [
    # plain names: at the root only, and everything below a folder
    ("notes", ["notes", "notes/a", "notes/a/b"], ["notes.txt", "x/notes", "note"]),
    ("src/app", ["src/app", "src/app/x"], ["src", "src/apple", "app"]),
    ("a.c", ["a.c"], ["abc", "a.cc"]),
    ("v(1)+{x}|y^$.whl", ["v(1)+{x}|y^$.whl"], ["v1"]),
    # a star stays in its folder
    ("*", ["x", "x/y", ".hidden"], []),
    ("*.pyc", ["m.pyc", ".pyc", "d.pyc/inside"], ["d/m.pyc", "m.py"]),
    ("*/temp*", ["a/temp", "a/temporary.txt", "a/temp/x"], ["temp", "a/b/temp"]),
    ("*/*/temp*", ["a/b/temp"], ["a/temp", "a/b/c/temp"]),
    ("a*b*c", ["abc", "a1b2c"], ["a/b/c", "abcd"]),
    (".*", [".git", ".git/config"], ["git", "a/.git"]),
    # a question mark is one character, whatever its bytes
    ("temp?", ["tempa", "temp☺", "temp\udcff"], ["temp", "tempab", "temp/"]),
    ("a?b", ["axb"], ["a/b", "ab"]),
    # two stars cross folders, none too
    ("**", ["x", "x/y/z"], []),
    ("**/", ["x", "x/y"], []),
    ("**/**", ["x", "x/y"], []),
    ("***", ["x", "x/y"], []),
    ("docs/**", ["docs/a", "docs/a/b"], ["docs", "docsx"]),
    ("a**", ["a", "abc", "abc/d"], ["b/a"]),
    ("**/dir", ["dir", "x/dir", "x/y/dir", "dir/file"], ["xdir", "dirx"]),
    ("**/.cache", [".cache", "a/.cache"], ["x.cache"]),
    ("**/a/b", ["a/b", "x/a/b", "x/y/a/b"], ["xa/b"]),
    ("**/*.go", ["m.go", "a/m.go", "a/b/m.go"], ["m.god"]),
    ("**/**/*.txt", ["a.txt", "x/a.txt", "x/y/z/a.txt"], ["a.txt2"]),
    ("**/dir2/*", ["d/dir2/f", "dir2/f", "d/dir2/f/g"], ["dir2", "d/dir2"]),
    ("**/dir2/**", ["d/dir2/f", "d/dir2/e/f"], ["d/dir2", "dir2"]),
    ("a**/*.txt", ["a/f.txt", "a/b/c/f.txt", "ab/f.txt"], ["b/f.txt"]),
    ("a/**/z", ["a/z", "a/b/z", "a/b/c/z"], ["az", "a/bz"]),
    ("a/*.txt**", ["a/f.txt", "a/f.txt2"], ["a/b/f.txt"]),
    # two stars before or after plain text match in mid-word, with another wildcard they do not
    ("**file", ["file", "d/file", "profile", "d/profile"], ["files"]),
    ("**file*", ["file", "d/file1"], ["profile"]),
    # classes
    ("a[b-d]e", ["ace"], ["ae", "aae", "a-e"]),
    ("a[^b-d]e", ["aze", "a☺e"], ["ace"]),
    ("[a-ζ]*", ["α1"], ["Z"]),
    (r"[\]a]", ["]", "a"], ["b", "\\"]),
    (r"[\-x]", ["-", "x"], ["a"]),
    ("x[*?]", ["x*", "x?"], ["xy"]),
    ("x[.|&~[]y", ["x.y", "x|y", "x[y"], ["xay"]),
    ("a]", ["a]"], ["a"]),
    # escapes
    (r"a\*b", ["a*b"], ["axb", "ab"]),
    (r"\#notes", ["#notes"], ["notes"]),
    (r"\!important", ["!important"], ["important"]),
    (r"a\\", ["a\\"], ["a"]),
    (r"\d", ["d"], ["1"]),
    # cleaning
    ("/foo/bar", ["foo/bar"], ["foo"]),
    ("//foo", ["foo"], ["bar"]),
    ("./foo/", ["foo", "foo/x"], ["bar"]),
    ("a/../b", ["b"], ["a"]),
    ("a//./b", ["a/b"], ["a"]),
    ("  spaced name \t\r", ["spaced name"], ["spaced"]),
    (" # no comment", ["# no comment"], ["no comment"]),
    # what names nothing in a context
    (".", [], ["x"]),
    ("/", [], ["x"]),
    ("..", [], ["x"]),
    ("../x", [], ["x"]),
    ("# comment", [], ["# comment", "comment"]),
    ("\ufeffbom", ["bom"], []),
]


@pytest.mark.parametrize(("pattern", "inside", "outside"), ONE_PATTERN, ids=[ascii(row[0]) for row in ONE_PATTERN])
def test_one_pattern(pattern: str, inside: list[str], outside: list[str]) -> None:
    """A pattern ignores exactly the names the documentation says."""
    rules = parse_rules(pattern, ".dockerignore")
    assert [name for name in inside if not ignored(rules, name)] == []
    assert [name for name in outside if ignored(rules, name)] == []


@pytest.mark.parametrize(
    ("lines", "left_out", "sent"),
    [
        ("*.md\n!README.md", ["a.md"], ["README.md"]),
        ("!README.md\n*.md", ["README.md"], []),
        ("*.md\n!README*.md\nREADME-secret.md", ["README-secret.md", "x.md"], ["README.md"]),
        ("docs\n!docs/README.md", ["docs", "docs/x"], ["docs/README.md"]),
        ("docs/\n!docs/keep", ["docs/x"], ["docs/keep", "docs/keep/deep"]),
        ("**\n!util/web", ["util", "x"], ["util/web", "util/web/foo"]),
        ("**\n!util/web\nutil/web/foo", ["util/web/foo"], ["util/web/bar"]),
        ("*\n!**/*.py", ["a", "a/x.txt"], ["m.py", "a/b/m.py"]),
        ("a\n!a/x\na", ["a/y"], ["a/x"]),  # the third line changes nothing of a: BuildKit does not ask it
        ("*\n! /spaced/negation ", ["x"], ["spaced/negation"]),
        ("*\n!!bang", ["bang"], ["!bang"]),
        ("\n\n# all\n*\r\n!a\r\n", ["b"], ["a"]),
        ("", [], ["x"]),
    ],
)
def test_last_match_wins(lines: str, left_out: list[str], sent: list[str]) -> None:
    """With several patterns the last one that matches a name or a folder above it decides."""
    rules = parse_rules(lines, ".dockerignore")
    assert [name for name in left_out if not ignored(rules, name)] == []
    assert [name for name in sent if ignored(rules, name)] == []


@pytest.mark.parametrize(
    "pattern",
    ["[", "a[", "[^", "[^bc", "[]a]", "[-]", "[x-]", "[-x]", "[a-b-c]", "[z-a]", "\\", "a\\", "!", "! ", "[a\\"],
)
def test_bad_pattern_names_file_and_line(pattern: str) -> None:
    """A malformed pattern is the user's mistake: the message leads to its line."""
    with pytest.raises(UsageError, match=r"sub/\.dockerignore, line 3: bad pattern") as caught:
        parse_rules(f"# first\nok\n{pattern}\n", "sub/.dockerignore")
    assert caught.value.hint


def test_kept_name_is_literal_and_wins() -> None:
    """A name that must be sent is kept whatever the rules say, its special characters meaning themselves."""
    rules = parse_rules("**", "x").keeping("d/[x]*")
    assert not ignored(rules, "d/[x]*")
    assert ignored(rules, "d/xx")
    assert rules.may_keep_below("d", rules.match("d"))
    assert not rules.may_keep_below("e", rules.match("e"))


def test_folder_is_pruned_only_when_nothing_inside_can_come_back() -> None:
    """A big ignored folder is not walked for the sake of a negation that cannot reach into it."""
    rules = parse_rules("node_modules\nsrc\n!src/*.py\n!**/keep", "x")
    assert rules.may_keep_below("node_modules", rules.match("node_modules"))
    rules = parse_rules("!node_modules/x\nnode_modules\nsrc\n!src/*.py", "x")
    assert not rules.may_keep_below("node_modules", rules.match("node_modules"))
    assert rules.may_keep_below("src", rules.match("src"))


PIECES = st.sampled_from(["a", "b", "ab", "*", "?", "**", "[ab]", "[^a]", "a*", "**b", r"\a", "..", "."])
LINES = st.lists(
    st.builds(lambda bang, parts: bang + "/".join(parts), st.sampled_from(["", "!"]), st.lists(PIECES, min_size=1)),
    max_size=5,
)
NAMES = st.lists(st.sampled_from(["a", "b", "ab", "ba", "c"]), min_size=1, max_size=4).map("/".join)


@given(LINES, NAMES)
def test_pruning_never_loses_a_kept_name(lines: list[str], name: str) -> None:
    """Whatever is kept, no ignored folder above it may be skipped."""
    rules = parse_rules("\n".join(lines), "x")
    parts = name.split("/")
    match = NO_MATCH
    if ignored(rules, name):
        return
    for depth in range(1, len(parts)):
        folder = "/".join(parts[:depth])
        match = rules.match(folder, match)
        assert not match.named or rules.may_keep_below(folder, match)
