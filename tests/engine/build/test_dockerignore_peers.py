"""The ignore rules against what moby's matcher, its reader and BuildKit's tests hold to be right, as facts of ours.

Written anew from the inputs and right values in patternmatcher_test.go and ignorefile_test.go of moby/patternmatcher,
in dockerfile_dockerignore_test.go and dockerfile_check_test.go of moby/buildkit. Names as a walk finds them: none ends
in a slash, and the root itself is never asked about.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from imgcompare.engine.build.dockerignore import NO_MATCH, IgnoreRules, parse_rules
from imgcompare.engine.build.walk import Selection, walk
from imgcompare.errors import UsageError

WHEEL = "dist/proxy.py-2.4.0rc3.dev36+g08acad9-py3-none-any.whl"

# One pattern: the names that it leaves out, and those that it does not speak of.
PATTERNMATCHER = {
    "**": ("file dir/file fileutils.go", ""),
    "**/": ("file dir/file", ""),
    "**/**": ("dir/file", ""),
    "dir/**": ("dir/file dir/dir2/file", "dir"),
    "**/dir": ("dir dir/file", ""),
    "**/dir2/*": ("dir/dir2/file", "dir/dir2"),
    "**/dir2/**": ("dir/dir2/dir3/file", "dir/dir2"),
    "**file": ("file dir/file dir/dir/file", ""),
    "**/file": ("dir/file dir/dir/file", ""),
    "**/file*": ("dir/dir/file dir/dir/file.txt", ""),
    "**/file*txt": ("dir/dir/file.txt", "dir/dir/file.tx"),
    "**/file*.txt": ("dir/dir/file.txt", "dir/dir/filetxt"),
    "**/file*.txt*": ("dir/dir/file.txt", ""),
    "**/**/*.txt": ("dir/dir/file.txt file.txt", ""),
    "**/**/*.txt2": ("", "dir/dir/file.txt"),
    "**/*.txt": ("file.txt", ""),
    "a**/*.txt": ("a/file.txt a/dir/file.txt a/dir/dir/file.txt", ""),
    "a/*.txt": ("a/file.txt", "a/dir/file.txt"),
    "a/*.txt**": ("a/file.txt", ""),
    "a[b-d]e": ("ace", "ae aae"),
    "a[^b-d]e": ("aze", "ace"),
    ".*": (".foo", "foo"),
    "abc.def": ("abc.def", "abcdef abcZdef"),
    "abc?def": ("abcZdef", "abcdef"),
    "a\\\\": ("a\\", "a"),
    "**/foo/bar": ("foo/bar dir/foo/bar dir/dir2/foo/bar", "foo"),
    "abc/**": ("abc/def abc/def/ghi", "abc"),
    "**/.foo": (".foo", "bar.foo"),
    "a(b)c/def": ("a(b)c/def", "a(b)c/xyz abc/def"),
    "a.|)$(}+{bc": ("a.|)$(}+{bc", "a"),
    WHEEL: (WHEEL, WHEEL.replace("+", "")),
    "dist/*.whl": (WHEEL, "dist"),
    "*.go": ("fileutils.go", "docs/README.md"),
    # what Go's own matcher of file names is held to
    "abc": ("abc", "abcd"),
    "*": ("abc", ""),
    "*c": ("abc", "abd"),
    "a*": ("a abc ab/c", "b"),
    "a*/b": ("abc/b", "a/c/b"),
    "a*b*c*d*e*/f": ("axbxcxdxe/f axbxcxdxexxx/f", "axbxcxdxe/xxx/f axbxcxdxexxx/fff"),
    "a*b?c*x": ("abxbbxdbxebxczzx", "abxbbxdbxebxczzy"),
    "ab[c]": ("abc", ""),
    "ab[b-d]": ("abc", ""),
    "ab[e-g]": ("", "abc"),
    "ab[^c]": ("", "abc"),
    "ab[^b-d]": ("", "abc"),
    "ab[^e-g]": ("abc", ""),
    "a\\*b": ("a*b", "ab"),
    "a?b": ("a☺b", "a/b"),
    "a[^a]b": ("a☺b", ""),
    "a???b": ("", "a☺b"),
    "a[^a][^a][^a]b": ("", "a☺b"),
    "[a-ζ]*": ("α", ""),
    "*[a-ζ]": ("", "A"),
    "a*b": ("", "a/b"),
    "[\\]a]": ("]", ""),
    "[\\-]": ("-", ""),
    "[x\\-]": ("x -", "z"),
    "[\\-x]": ("x -", "a"),
    "*x": ("xxx", ""),
}
MALFORMED = [
    *("[]a]", "[-]", "[x-]", "[-x]", "\\", "[a-b-c]", "[", "[^", "[^bc", "a[", "!", "! "),
    "[Local-Only]/",  # a range that runs backwards: it passes moby's first look, and fails when it is asked
]

# Several lines: what is left out, and what is sent.
LINES = {
    "!fileutils.go\n*.go": ("fileutils.go", ""),
    "*.go\n!fileutils.go": ("other.go", "fileutils.go"),
    "docs\n!docs/README.md": ("docs/x", "docs/README.md"),
    "docs/\n!docs/README.md": ("docs/x", "docs/README.md"),
    "docs/*\n!docs/README.md": ("docs/x", "docs/README.md docs"),
    "docs\n  !docs/README.md": ("docs/x", "docs/README.md"),
    "docs\n!docs/README.md  ": ("docs/x", "docs/README.md"),
    "**\n!util/docker/web": ("util util/docker", "util/docker/web/foo"),
    "**\n!util/docker/web\nutil/docker/web/foo": ("util/docker/web/foo", "util/docker/web/bar"),
    f"**\n!{WHEEL}": ("dist", WHEEL),
    "**\n!dist/*.whl": ("dist", WHEEL),
    "docs\nconfig\n\n": ("docs config", "x"),
    "": ("", "any/path/there"),
    # the reader of ignore files
    "test1\n/test2\n/a/file/here\n\nlastfile\n# this is a comment": (
        "test1 test2 a/file/here lastfile",
        "a a/file this",
    ),
    "**\n! /inverted/abs/path": ("inverted", "inverted/abs/path"),
    # where a lint of BuildKit's says that a COPY names what is ignored
    "\nDockerfile\n": ("Dockerfile", "foobar"),
    "\n**\n!Dockerfile\n": ("foobar", "Dockerfile"),
    "\nfoobar\n": ("foobar", "Dockerfile"),
    "\n*/tmp/*\n": ("a/tmp/x", "tmp/helloworld.txt forever/helloworld.txt"),
    # a folder that nothing left out cannot be taken back: the matcher asks only what would change something
    "**/*.pyc\n!app": ("x.pyc app/x.pyc app/sub/x.pyc", "app app/x.py"),
    "*\n**/*.pyc\n!app": ("lib", "app app/x.pyc"),
    "app\n!app\n**/*.pyc": ("app/x.pyc x.pyc", "app app/x.py"),
    "**/*.pyc\n!app/**": ("x.pyc", "app/x.pyc app/sub/x.pyc"),
    "**/*.pyc\n!app/x.pyc": ("app/y.pyc", "app/x.pyc"),
    "a\n!a/x\na": ("a/y", "a/x"),
    # a blank that a slash was between
    "a /": ("a a/x", "b"),
    "/ a": ("a", "b"),
    "*\n!a /": ("b", "a"),
    "*\n! / a": ("a b", " a"),
    "/ /": ("", "a"),
    "/ /b": ("", "b a/b"),
    # a “!” that comes to be the first character only when the path is cleaned
    "*\n/!a": ("b !a", "a"),
    "*\n./!a": ("b !a", "a"),
    "*\n!!a": ("a", "!a"),
}
# A “!” of which nothing is left: the clients refuse it, and so the build.
KEEPS_NOTHING = ["!/", "!//", "! /", "/!", "!/ /"]


def left_out(rules: IgnoreRules, name: str) -> bool:
    """Whether a walk that comes by all folders above leaves the name out."""
    match = NO_MATCH
    for end in (*(at for at, character in enumerate(name) if character == "/"), len(name)):
        match = rules.match(name[:end], match)
    return match.named


def names(told: str) -> list[str]:
    """The names of a row; one alone may begin with a blank."""
    return [told] if told.startswith(" ") else told.split(" ") if told else []


@pytest.mark.parametrize("lines", PATTERNMATCHER | LINES)
def test_as_mobys_matcher(lines: str) -> None:
    """A name is left out where moby's matcher, asked as BuildKit's clients ask it, says so, and nowhere else."""
    inside, outside = (PATTERNMATCHER | LINES)[lines]
    rules = parse_rules(lines, ".dockerignore")
    assert [name for name in names(inside) if not left_out(rules, name)] == []
    assert [name for name in names(outside) if left_out(rules, name)] == []


@pytest.mark.parametrize("line", MALFORMED + KEEPS_NOTHING)
def test_what_moby_refuses(line: str) -> None:
    """A pattern that fails a build with docker is told before anything is built."""
    with pytest.raises(UsageError, match=r"^x, line 1: bad pattern"):
        parse_rules(line, "x")


@pytest.mark.parametrize(
    ("lines", "sent"),
    [
        ("\nba*\nDockerfile\n!bay\n.dockerignore\n", ["bay", "foo"]),
        ("\nbar\n", [".dockerignore", "Dockerfile", "bay", "baz", "foo"]),
        ("\nfoo\n", [".dockerignore", "Dockerfile", "bar", "bay", "baz"]),
        ("**/*.pyc\n!bay\n*\n!foo\n", ["foo"]),
    ],
)
def test_as_buildkits_folder(lines: str, sent: list[str], tmp_path: Path) -> None:
    """BuildKit's own folder of five files arrives with those that its tests look for, and without the others."""
    for name in ("Dockerfile", "foo", "bar", "baz", "bay", ".dockerignore"):
        (tmp_path / name).write_text(name)
    found = walk(str(tmp_path), Selection(parse_rules(lines, ".dockerignore")))
    assert [entry.name for entry in found] == sent
