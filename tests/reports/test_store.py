"""Saved reports survive crashes, full disks and damage, and are found again."""

from __future__ import annotations

import os
import random
import shutil
import stat
import subprocess
import sys
import time
import types
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from imgcompare.errors import UsageError
from imgcompare.model import (
    SCHEMA_VERSION,
    Check,
    Comparison,
    ComparisonRow,
    EngineInfo,
    Expectation,
    Gate,
    Report,
    Source,
    Tool,
    Variant,
    Verdict,
)
from imgcompare.reports import files, store
from imgcompare.reports.collection import collect

TEXT = {"name", "version", "api_version", "image_store", "storage_driver", "os", "architecture", "builder", "endpoint"}
REPORT = Report(
    schema_version=SCHEMA_VERSION,
    tool=Tool(name="imgcompare", version="1"),
    created="2025-01-02T03:04:05Z",
    engine=EngineInfo(**dict.fromkeys(TEXT, "x"), endpoint_source="a flag", private=False),
    scenario="default",
    baseline="a",
    variants=(
        Variant(
            name="a",
            source=Source(dockerfile="Dockerfile"),
            verdict=Verdict.WORKS,
            check=Check(passed=True, url="http://127.0.0.1:1/", expected=Expectation(), body_excerpt="Grüße “✓”"),
        ),
    ),
    comparison=Comparison(same_response=True, smallest_working=None, rows=(ComparisonRow(variant="a"),)),
    gates=(),
    passed=True,
)
DATA = msgspec.json.encode(REPORT)


@cache
def values(hint: Any) -> st.SearchStrategy[Any]:
    """Any value of a type of the model, structs field by field."""
    if isinstance(hint, types.UnionType):
        return st.one_of(*map(values, get_args(hint)))
    if get_origin(hint) is tuple:
        return st.lists(values(get_args(hint)[0]), max_size=2).map(tuple)
    if get_origin(hint) is dict:
        return st.dictionaries(*map(values, get_args(hint)), max_size=2)
    if issubclass(hint, msgspec.Struct):
        # Deferred, for a struct may hold others of its kind.
        fields = st.deferred(
            lambda: st.fixed_dictionaries({name: values(field) for name, field in get_type_hints(hint).items()})
        )
        return fields.map(lambda given_: hint(**given_))
    if issubclass(hint, StrEnum):
        return st.sampled_from(hint)
    simple: dict[type, st.SearchStrategy[Any]] = {
        str: st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
        int: st.integers(0, 2**63 - 1),
        float: st.floats(allow_nan=False, allow_infinity=False),
        bool: st.booleans(),
        type(None): st.none(),
    }
    return simple[hint]


reports = values(Report).map(lambda report: replace(report, schema_version=SCHEMA_VERSION))


def damaged(**changes: object) -> bytes:
    """The report's JSON with some members replaced."""
    return msgspec.json.encode(msgspec.to_builtins(REPORT) | changes)


@given(report=reports)
def test_what_is_saved_is_what_is_loaded(report: Report, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Every report comes back equal, whatever texts and numbers it holds."""
    folder = tmp_path_factory.getbasetemp()
    assert store.load(store.save(report, folder, "run")) == report


def test_what_is_saved_a_variant_at_a_time_is_what_it_was(tmp_path: Path) -> None:
    """Whatever its names hold."""
    odd = [replace(variant, name=name) for variant in REPORT.variants for name in ('"variants":[]', "größe")]
    for variants in ((), tuple(odd)):
        report = replace(REPORT, variants=variants, scenario='"variants":[')
        assert store.load(store.save(report, tmp_path, "run")) == report


def test_a_collection_is_loaded_as_one(tmp_path: Path) -> None:
    """Several comparisons saved together come back together."""
    collection = collect([REPORT, REPORT], created="2025-01-02T03:04:05Z")
    assert store.load(store.save(collection, tmp_path, "run")) == collection
    assert store.reports_of(collection) == (REPORT, REPORT)


def test_a_report_cut_at_any_byte_is_refused_and_left_alone(tmp_path: Path) -> None:
    """A truncated report never loads as another one; the error names the file; the file keeps its bytes."""
    path = tmp_path / "cut.json"
    for length in range(len(DATA)):
        path.write_bytes(DATA[:length])
        with pytest.raises(UsageError) as caught:
            store.load(path)
        assert str(path) in caught.value.message
        assert caught.value.hint
        assert path.read_bytes() == DATA[:length]
    path.write_bytes(DATA)
    assert store.load(path) == REPORT


@given(data=st.data())
def test_a_report_with_any_byte_changed_loads_or_is_refused(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Damage inside the file is an error with the file's name, or harmless; never anything else."""
    position = data.draw(st.integers(0, len(DATA) - 1))
    changed = bytearray(DATA)
    changed[position] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "changed.json"
    path.write_bytes(changed)
    try:
        store.load(path)
    except UsageError as error:
        complaint = error.message
    else:
        complaint = ""
    assert not complaint or str(path) in complaint


@pytest.mark.parametrize("version", [2, 99, 2**62, 0, -1])
def test_a_report_of_another_version_is_not_guessed_at(tmp_path: Path, version: int) -> None:
    """The message has both versions, even when nothing else in the file is as we know it; the file stays."""
    path = tmp_path / "new.json"
    path.write_bytes(b'{"schema_version": %d, "variants": "of another shape"}' % version)
    before = path.read_bytes()
    with pytest.raises(UsageError, match=f"has schema_version {version}; this imgcompare reads 1 to {SCHEMA_VERSION}"):
        store.load(path)
    assert path.read_bytes() == before


def test_members_added_later_are_passed_over(tmp_path: Path) -> None:
    """A report of the same version with more in it, also deep inside, is read."""
    path = tmp_path / "more.json"
    path.write_bytes(damaged(later={"a": [1, None]}, tool={"name": "imgcompare", "version": "1", "commit": "x"}))
    assert store.load(path) == REPORT


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"[]",
        b'"report"',
        b"{}",
        b"\xff\xfe",
        b"\0" * 100,
        DATA + b"x",
        DATA + DATA,
        b'{"schema_version": "1"}',
        b'{"schema_version": 1.5}',
        b'{"schema_version": null}',
        b'{"schema_version": ' + b"9" * 10_000 + b"}",
        b'{"schema_version": 1}',
        b'{"schema_version": 1, "later": ' + b"[" * 1_000_000 + b"}",
        b'{"schema_version": 1, "later": ' + b'{"a":' * 1_000_000 + b"}",
        b"[" * 1_000_000,
        DATA.replace("ü".encode(), b"\xff"),
        DATA.replace("ü".encode(), rb"\ud800"),
        damaged(variants=None),
        damaged(variants={"a": 1}),
        damaged(passed="true"),
        damaged(engine=[]),
        damaged(comparison={}),
        damaged(scenario=1),
        DATA.replace(b'"works"', b'"wonderful"'),
        DATA.replace(b'"private":false', b'"private":0'),
    ],
    ids=range(27),
)
def test_damaged_and_hostile_files_are_named(tmp_path: Path, data: bytes) -> None:
    """Wrong types, missing members, other encodings, endless numbers and bottomless nesting are one kind of error."""
    path = tmp_path / "bad.json"
    path.write_bytes(data)
    with pytest.raises(UsageError, match="is no whole report") as caught:
        store.load(path)
    assert str(path) in caught.value.message
    assert path.read_bytes() == data


def test_a_file_larger_than_any_report_is_not_read(tmp_path: Path) -> None:
    """Size is looked at before a byte is read."""
    path = tmp_path / "huge.json"
    with path.open("wb") as file:
        file.truncate(files.REPORT_LIMIT_BYTES + 1)
    with pytest.raises(UsageError, match="larger than a report can be"):
        store.load(path)


@pytest.mark.parametrize("name", ["missing.json", "missing/report.json", "n" * 300, "."])
def test_a_path_that_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    """Missing files, folders and impossible names say why."""
    with pytest.raises(UsageError, match="cannot read the report") as caught:
        store.load(tmp_path / name)
    assert str(tmp_path / name) in caught.value.message


def names(folder: Path) -> list[str]:
    """What is in a folder."""
    return sorted(path.name for path in folder.iterdir())


def test_a_report_is_its_owner_s_alone_and_nothing_else_is_left(tmp_path: Path) -> None:
    """Saving again replaces the file; no temporary file stays; others cannot read it."""
    for report in (REPORT, replace(REPORT, passed=False)):
        path = store.save(report, tmp_path, "run")
    assert store.load(path).passed is False
    assert names(tmp_path) == ["run.json"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


WRITER = """
import sys
from pathlib import Path
from imgcompare.reports.files import write_atomically
path = Path(sys.argv[1])
print("ready", flush=True)
while True:
    for letter in "ab":
        write_atomically(path, letter * 300_000)
"""


def test_a_writer_killed_at_any_moment_leaves_a_whole_file(tmp_path: Path) -> None:
    """After SIGKILL the file is the old one or the new one, and a dead writer's rest is no report."""
    project = tmp_path
    folder = store.prepare(project)
    path = folder / "20250101T000000000-aaaaaa.json"
    path.write_text("a" * 300_000, encoding="utf-8")
    for _ in range(12):
        with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE) as writer:
            assert writer.stdout
            assert writer.stdout.readline() == b"ready\n"
            time.sleep(random.uniform(0, 0.02))
            writer.kill()
        assert path.read_text(encoding="utf-8") in {"a" * 300_000, "b" * 300_000}
    (folder / ".imgcompare-dead0000").write_text("{", encoding="utf-8")
    assert store.find(project, None) == path
    with pytest.raises(UsageError):
        store.find(project, ".imgcompare")


OVERFLOW = """
import sys
from pathlib import Path
from imgcompare.errors import UsageError
from imgcompare.reports.files import write_atomically
path = Path(sys.argv[1])
write_atomically(path, "old")
try:
    write_atomically(path, "x" * 1_000_000)
except UsageError as exc:
    print(exc.message, path.read_text(), *sorted(p.name for p in path.parent.iterdir()), sep="|")
"""


def own_mounts() -> tuple[str, ...]:
    """The program that gives a process mounts of its own, as far as this machine allows it; empty where it does not."""
    unshare = shutil.which("unshare")
    if unshare is None:
        return ()
    command = (unshare, "-m") if os.geteuid() == 0 else (unshare, "-rm")
    probe = [*command, "mount", "-t", "tmpfs", "none", "/mnt"]
    return command if subprocess.run(probe, capture_output=True, check=False).returncode == 0 else ()


# What bounds the writes of a program below the folder $1, and what the error then says.
LIMITS: list[tuple[tuple[str, ...], str]] = [
    (("sh", "-c", 'ulimit -f 100 && shift && exec "$@"', "sh"), "File too large")
]
if own_mounts():
    full_disk = (*own_mounts(), "sh", "-c", 'mount -t tmpfs -o size=64k none "$1" && shift && exec "$@"', "sh")
    LIMITS.append((full_disk, "No space left on device"))


@pytest.mark.parametrize(("limit", "reason"), LIMITS, ids=[reason for _, reason in LIMITS])
def test_a_file_that_does_not_fit_keeps_the_old_one(tmp_path: Path, limit: tuple[str, ...], reason: str) -> None:
    """A write cut short, by a limit or a full disk, says why; the old file is whole and no rest is left."""
    path = tmp_path / "report.json"
    command = [*limit, str(tmp_path), sys.executable, "-c", OVERFLOW, str(path)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    assert done.stdout == f"cannot write {path}: {reason}|old|report.json\n"


def test_characters_without_utf8_are_written_as_escapes(tmp_path: Path) -> None:
    """Text that cannot be encoded does not cost the report."""
    files.write_atomically(tmp_path / "x", "a\udcffb")
    assert (tmp_path / "x").read_bytes() == rb"a\udcffb"


def test_a_device_is_written_to_and_never_replaced(tmp_path: Path) -> None:
    """``-o /dev/null`` (as root) must not put a file in the device's place; a pipe gets the text."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    files.check_writable(pipe)
    files.write_atomically(pipe, "text")
    assert os.read(reader, 100) == b"text"
    os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    files.check_writable(Path(os.devnull))
    files.write_atomically(Path(os.devnull), "text")
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)
    assert names(tmp_path) == ["pipe"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    """What a link points to is written, as every other program does it; links in a circle are just replaced."""
    (tmp_path / "there").mkdir()
    link, loop = tmp_path / "link", tmp_path / "loop"
    link.symlink_to("there/report.json")
    loop.symlink_to("loop")
    for path in (link, loop):
        files.check_writable(path)
        files.write_atomically(path, "text")
        assert path.read_text(encoding="utf-8") == "text"
    assert link.is_symlink()
    assert names(tmp_path / "there") == ["report.json"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (".", "it is a folder"),
        ("missing/report.json", "No such file or directory"),
        ("file/report.json", "Not a directory"),
        ("n" * 256, "File name too long"),
    ],
)
def test_what_cannot_be_written_is_found_before_building(tmp_path: Path, name: str, reason: str) -> None:
    """The path and the reason are in the message, both when asked before and when written to all the same."""
    (tmp_path / "file").touch()
    for attempt in (files.check_writable, lambda path: files.write_atomically(path, "x")):
        with pytest.raises(UsageError) as caught:
            attempt(tmp_path / name)
        assert caught.value.message.startswith(f"cannot write {tmp_path / name}: ")
    with pytest.raises(UsageError, match=reason):
        files.check_writable(tmp_path / name)
    assert names(tmp_path) == ["file"]


def test_asking_leaves_nothing_behind(tmp_path: Path) -> None:
    """A path that could be written is not made, and a file that is there is not touched."""
    files.check_writable(tmp_path / "new")
    (tmp_path / "old").write_text("old", encoding="utf-8")
    files.check_writable(tmp_path / "old")
    assert names(tmp_path) == ["old"]
    assert (tmp_path / "old").read_text(encoding="utf-8") == "old"


def test_a_report_read_and_written_again_is_the_same_text(tmp_path: Path) -> None:
    """Merged shards are what one run writes, to the byte: a limit of 250 MB does not become 250000000.0."""
    gates = (
        Gate(name="uncompressed_size", subject="a", limit=250_000_000, actual=1_000, passed=True),
        Gate(name="saving_ratio", subject="b", limit=0.5, actual=1.0, passed=True, at_least=True),
    )
    path = store.save(replace(REPORT, gates=gates), tmp_path, "20250101T000000000-aaaaaa")
    assert b'"limit":250000000,"actual":1000,' in path.read_bytes()
    assert msgspec.json.encode(store.load(path)) == path.read_bytes()


def test_the_folder_of_saved_runs_ignores_itself(tmp_path: Path) -> None:
    """Saved runs do not show up in the project's version control; asking twice changes nothing."""
    assert store.prepare(tmp_path) == store.prepare(tmp_path) == tmp_path / ".imgcompare" / "runs"
    assert "\n*\n" in (tmp_path / ".imgcompare" / ".gitignore").read_text(encoding="utf-8")


def test_a_project_that_cannot_be_written_says_so_and_how_else(tmp_path: Path) -> None:
    """The error comes before building and names the way around it."""
    (tmp_path / ".imgcompare").touch()
    with pytest.raises(UsageError, match="cannot save the report in") as caught:
        store.prepare(tmp_path)
    assert "-o report.json" in (caught.value.hint or "")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project, entered, with three saved runs."""
    monkeypatch.chdir(tmp_path)
    folder = store.prepare(tmp_path)
    for run_id in ("20250101T000000000-aaaaaa", "20250102T000000000-bbbbbb", "20250102T000000000-cccccc"):
        store.save(REPORT, folder, run_id)
    return tmp_path


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (None, "20250102T000000000-cccccc"),
        ("20250101T000000000-aaaaaa", "20250101T000000000-aaaaaa"),
        ("20250101", "20250101T000000000-aaaaaa"),
        ("20250102T000000000-b", "20250102T000000000-bbbbbb"),
    ],
)
def test_saved_runs_are_found_by_name_and_beginning(project: Path, wanted: str | None, found: str) -> None:
    """Without a name it is the newest, by the time in its name and not by the file's."""
    os.utime(store.runs_folder(project) / "20250101T000000000-aaaaaa.json")
    path = store.find(project, wanted)
    assert path
    assert path.stem == found


def test_a_file_is_found_before_a_run_of_that_name(project: Path) -> None:
    """A path is what it says, here and anywhere."""
    Path("20250101").write_bytes(DATA)
    assert store.find(project, "20250101") == Path("20250101")
    assert store.find(project, str(project / "20250101")) == project / "20250101"


@pytest.mark.parametrize("name", ["zz-report", "notes", "20250101T000000000-aaaaaa-copy", "99991231", "99991231T0-x"])
def test_only_what_is_named_like_a_run_is_one(project: Path, name: str) -> None:
    """A file that somebody put beside the runs is not the newest, and does not make a run's name ambiguous."""
    folder = store.runs_folder(project)
    store.save(REPORT, folder, name)
    newest = store.find(project, None)
    assert newest
    assert newest.stem == "20250102T000000000-cccccc"
    assert store.find(project, "20250101T000000000-aaaaaa") == folder / "20250101T000000000-aaaaaa.json"
    with pytest.raises(UsageError, match="is neither a file nor a saved run"):
        store.find(project, "99991231")


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("20250102", "names several saved runs"),
        ("", "names several saved runs"),
        ("1999", "is neither a file nor a saved run"),
        ("*", "is neither a file nor a saved run"),
        ("../runs/20250101T000000000-aaaaaa", "is neither a file nor a saved run"),
        ("n" * 300, "is neither a file nor a saved run"),
        (".", "names several|is neither"),
    ],
)
def test_what_is_not_found_lists_what_there_is(project: Path, wanted: str, message: str) -> None:
    """Several and none are told apart, with names to choose from."""
    with pytest.raises(UsageError, match=message) as caught:
        store.find(project, wanted)
    assert "20250102T000000000-cccccc" in (caught.value.hint or "")


def test_nothing_saved_is_none_unless_something_was_named(tmp_path: Path) -> None:
    """A fresh folder has no newest report, which is no error; a name that is not there is one."""
    assert store.find(tmp_path, None) is None
    with pytest.raises(UsageError) as caught:
        store.find(tmp_path, "20250101")
    assert caught.value.hint == "Saved runs here: none."


@pytest.mark.parametrize(
    ("umask", "before", "after"), [(0o022, None, 0o644), (0o077, None, 0o600), (0o022, 0o640, 0o640)]
)
def test_a_file_has_the_mode_that_others_would_have(tmp_path: Path, umask: int, before: int | None, after: int) -> None:
    """By the umask where it is new, so that a web server or another CI step can read it; else as it was."""
    path = tmp_path / "report.html"
    if before is not None:
        path.write_text("old")
        path.chmod(before)
    previous = os.umask(umask)
    try:
        files.write_atomically(path, "new")
    finally:
        os.umask(previous)
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("new", after)
    assert list(tmp_path.iterdir()) == [path]
