"""What a run wrote down outlives it, and says for certain whether the run does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from imgcompare.errors import UsageError
from imgcompare.run.ledger import CONTAINER, IMAGE, Ledger, Made, ended_runs


def ledger(folder: Path, run_id: str = "run") -> Ledger:
    """An open ledger on an engine of the test's own."""
    return Ledger(folder, run_id, engine="engine-1", endpoint="unix:///x")


def ended(folder: Path) -> dict[str, tuple[Made, ...]]:
    """What ended runs made, by run."""
    with ended_runs(folder) as runs:
        return {run.run_id: run.made for run in runs}


RUN = """
import sys
from pathlib import Path
from imgcompare.run.ledger import CONTAINER, Ledger
ledger = Ledger(Path(sys.argv[1]), "other", engine="engine-1", endpoint="unix:///x")
ledger.record(CONTAINER, "c1")
print("ready", flush=True)
sys.stdin.read()
"""


def test_a_living_run_is_not_ended_and_a_killed_one_is(tmp_path: Path) -> None:
    """Another process's ledger cannot be had while it lives, and can at once when it is killed, with all it wrote."""
    with subprocess.Popen(
        [sys.executable, "-c", RUN, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout
        assert other.stdout.readline() == b"ready\n"
        assert ended(tmp_path) == {}
        other.kill()
        other.wait()
        assert ended(tmp_path) == {"other": (Made(CONTAINER, "c1", "engine-1", "unix:///x"),)}


def test_our_own_open_ledger_is_not_ended(tmp_path: Path) -> None:
    """A run that looks for dead ones does not find itself."""
    ours = ledger(tmp_path)
    assert ended(tmp_path) == {}
    ours.close(left=True)
    assert ended(tmp_path) == {"run": ()}


def test_a_ledger_is_never_seen_before_it_is_locked(tmp_path: Path) -> None:
    """However often another run cleans up meanwhile, a run that begins keeps its ledger and everything in it."""
    stop = threading.Event()

    def keep_cleaning() -> None:
        while not stop.is_set():
            with ended_runs(tmp_path) as runs:
                for run in runs:
                    run.forget()

    cleaners = [threading.Thread(target=keep_cleaning) for _ in range(2)]
    for cleaner in cleaners:
        cleaner.start()
    try:
        for number in range(300):
            ours = ledger(tmp_path, f"run-{number}")
            ours.record(CONTAINER, "c1")
            assert len(ours.made()) == 1
            ours.close(left=False)
    finally:
        stop.set()
        for cleaner in cleaners:
            cleaner.join()


def test_two_cleaners_never_get_the_same_run(tmp_path: Path) -> None:
    """Ended runs are locked while somebody works on them, and free again afterwards."""
    ledger(tmp_path).close(left=True)
    with ended_runs(tmp_path) as runs:
        assert len(runs) == 1
        assert ended(tmp_path) == {}
    assert len(ended(tmp_path)) == 1


def test_a_run_that_left_nothing_leaves_no_ledger(tmp_path: Path) -> None:
    """The folder does not fill up with runs that ended well."""
    ours = ledger(tmp_path)
    ours.record(CONTAINER, "c1")
    ours.close(left=False)
    assert list(tmp_path.iterdir()) == []


def test_everything_recorded_is_read_back_in_order(tmp_path: Path) -> None:
    """Names with line ends and other languages stay one entry; what is kept is marked."""
    ours = ledger(tmp_path)
    ours.record(CONTAINER, "c\n1")
    ours.record(IMAGE, "bild-ü\u2028:1", kept=True)
    assert ours.made() == [
        Made(CONTAINER, "c\n1", "engine-1", "unix:///x"),
        Made(IMAGE, "bild-ü\u2028:1", "engine-1", "unix:///x", kept=True),
    ]
    ours.close(left=False)


def test_threads_do_not_mix_their_lines(tmp_path: Path) -> None:
    """Variants record at the same time; each line stays whole."""
    ours = ledger(tmp_path)

    def record(worker: int) -> None:
        for number in range(50):
            ours.record(CONTAINER, f"c-{worker}-{number}" + "x" * 2000)

    threads = [threading.Thread(target=record, args=(worker,)) for worker in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({made.name for made in ours.made()}) == 400
    ours.close(left=False)


WHOLE = json.dumps({"kind": CONTAINER, "name": "c1", "engine": "e", "endpoint": "x", "kept": False}).encode()


@pytest.mark.parametrize(
    "rest", [WHOLE[:length] for length in range(0, len(WHOLE), 7)] + [b"\xff", b"\0" * 512, b"[" * 100_000]
)
def test_a_half_written_last_line_costs_only_itself(tmp_path: Path, rest: bytes) -> None:
    """A run killed in the middle of a line, or a disk that lost its end, keeps all lines before."""
    (tmp_path / "run.jsonl").write_bytes(WHOLE + b"\n" + rest)
    assert ended(tmp_path) == {"run": (Made(CONTAINER, "c1", "e", "x"),)}


@pytest.mark.parametrize(
    "line",
    [
        b"null",
        b"[]",
        b"{}",
        b'{"kind": "container"}',
        b'{"kind": "container", "name": 5, "engine": "e", "endpoint": "x"}',
        b'{"kind": "container", "name": "c", "engine": "e", "endpoint": "x", "kept": "no"}',
    ],
)
def test_lines_of_another_shape_are_passed_over(tmp_path: Path, line: bytes) -> None:
    """Nothing is removed on the word of a line whose types are wrong."""
    (tmp_path / "run.jsonl").write_bytes(line + b"\n" + WHOLE + b"\n")
    assert ended(tmp_path) == {"run": (Made(CONTAINER, "c1", "e", "x"),)}


def test_a_line_of_a_later_version_still_names_its_object(tmp_path: Path) -> None:
    """A member added later does not make us forget what was made."""
    (tmp_path / "run.jsonl").write_bytes(WHOLE[:-1] + b', "later": 1}\n')
    assert ended(tmp_path) == {"run": (Made(CONTAINER, "c1", "e", "x"),)}


def test_forgetting_removes_the_ledger_and_may_be_done_twice(tmp_path: Path) -> None:
    """What is gone is gone."""
    ledger(tmp_path).close(left=True)
    with ended_runs(tmp_path) as runs:
        runs[0].forget()
        runs[0].forget()
    assert ended(tmp_path) == {}


def test_no_folder_means_no_runs(tmp_path: Path) -> None:
    """The first run of all finds nothing to clean."""
    assert ended(tmp_path / "missing") == {}


@pytest.mark.parametrize("name", ["file", "file/below", "n" * 300])
def test_a_folder_that_cannot_be_written_is_named_with_the_way_out(tmp_path: Path, name: str) -> None:
    """Without a ledger nothing may be made: the error comes first, and says which variable helps."""
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot write down what this run makes in") as caught:
        ledger(tmp_path / name)
    assert str(tmp_path / name) in caught.value.message
    assert "XDG_STATE_HOME" in (caught.value.hint or "")


FULL = """
import sys
from pathlib import Path
from imgcompare.errors import UsageError
from imgcompare.run.ledger import CONTAINER, Ledger
ledger = Ledger(Path(sys.argv[1]), "run", engine="engine-1", endpoint="unix:///x")
made = 0
try:
    while True:
        ledger.record(CONTAINER, "c" * 100)
        made += 1
except UsageError:
    print(made)
"""


def test_what_cannot_be_written_down_is_not_made(tmp_path: Path) -> None:
    """When the disk is full, or a line fits only in part, recording raises; what was recorded before is kept."""
    limited = ("sh", "-c", 'ulimit -f 1 && exec "$@"', "sh", sys.executable, "-c", FULL, str(tmp_path))
    done = subprocess.run(limited, stdout=subprocess.PIPE, text=True, check=True)
    assert len(ended(tmp_path)["run"]) == int(done.stdout) > 0


def test_what_a_run_has_removed_again_is_not_looked_for_by_the_next(tmp_path: Path) -> None:
    """Of a run whose images stay, the next one need not ask the engine for each container that is gone."""
    ours = ledger(tmp_path)
    ours.record(IMAGE, "image", kept=True)
    for name in ("gone", "again"):
        ours.record(CONTAINER, name)
        ours.removed(name)
    ours.record(CONTAINER, "again")
    assert {made.name for made in ours.made()} == {"image", "again"}
    ours.close(left=True)
    assert {made.name for made in ended(tmp_path)["run"]} == {"image", "again"}


def test_what_a_killed_run_had_removed_is_looked_for(tmp_path: Path) -> None:
    """That something is gone is written down at a run's end: of one that was killed all is looked for."""
    ours = ledger(tmp_path)
    ours.record(CONTAINER, "gone")
    ours.removed("gone")
    os.close(ours.lock)
    assert [made.name for made in ended(tmp_path)["run"]] == ["gone"]
