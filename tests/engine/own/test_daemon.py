"""The own engine's files and limits, without starting one."""

from __future__ import annotations

from pathlib import Path

import pytest

from imgcompare.engine.own import daemon
from imgcompare.errors import NoEngineError


def test_a_state_folder_too_deep_for_a_socket_is_said_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel's limit of 107 bytes shows as a clear error before anything is made."""
    deep = tmp_path / ("d" * 120)
    monkeypatch.setenv("XDG_STATE_HOME", str(deep))
    with pytest.raises(NoEngineError, match="at most 107 work") as caught:
        daemon.start(print)
    assert caught.value.hint == "Set XDG_STATE_HOME to a folder with a shorter path."
    assert not deep.exists()


def test_status_and_stop_of_an_engine_that_never_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asking changes nothing on disk, and stopping says that there was none."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    status = daemon.status()
    assert (status.running, status.pid, status.version, status.preferred) == (False, None, None, False)
    assert status.endpoint == f"unix://{tmp_path}/imgcompare/engine/docker.sock"
    assert daemon.stop(print) is False
    assert list(tmp_path.iterdir()) == []


def test_the_preference_is_kept_and_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What setup chose lasts beyond its process, in a folder for its owner alone."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    daemon.set_preferred(True)
    assert daemon.status().preferred
    assert (tmp_path / "imgcompare/engine").stat().st_mode & 0o777 == 0o700
    daemon.set_preferred(False)
    assert not daemon.status().preferred


def test_mount_points_below_the_folder_are_found_last_first() -> None:
    """Escaped spaces are read, the deepest is unmounted first, and a neighbour of a similar name stays mounted."""
    mounts = (
        b"/dev/vda /s/my\\040engine/data ext4 rw 0 0\n"
        b"overlay /s/my\\040engine/data/overlay2/x/merged overlay rw 0 0\n"
        b"/dev/vda /s/my\\040engine2/data ext4 rw 0 0\n"
    )
    assert daemon.mount_points(mounts, Path("/s/my engine")) == [
        Path("/s/my engine/data/overlay2/x/merged"),
        Path("/s/my engine/data"),
    ]
