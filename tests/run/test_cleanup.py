"""Only what a run wrote down, and only what is still that run's, is ever removed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from imgcompare.engine.interface import (
    BuildFailed,
    BuildRequest,
    Built,
    Container,
    ContainerSpec,
    Endpoint,
    EngineImage,
    Member,
    Removal,
)
from imgcompare.errors import EngineError, EngineLostError
from imgcompare.model import EngineInfo
from imgcompare.run.cleanup import Cleaned, clean, reap_dead_runs, sweep
from imgcompare.run.ledger import CONTAINER, GROUP, IMAGE, Ledger, ended_runs

HERE = "unix:///here"
DIGEST = "sha256:" + "1" * 64


@dataclass
class FakeEngine:
    """Containers with the run their label names, images with their tags, in memory; removal as the protocol says it."""

    containers: dict[str, str] = field(default_factory=dict)
    groups: dict[str, str] = field(default_factory=dict)
    images: dict[str, set[str]] = field(default_factory=dict)
    in_use: set[str] = field(default_factory=set)
    upon: dict[str, str] = field(default_factory=dict)
    name: str = "engine-1"
    refuses: set[str] = field(default_factory=set)
    lost: bool = False
    asked: int = 0

    @property
    def endpoint(self) -> Endpoint:
        """Where it would listen."""
        return Endpoint(url=HERE, source="a test")

    def identity(self) -> str:
        """Its name."""
        return self.name

    def remove_container(self, name: str, run_id: str) -> bool:
        """Remove it if its label names that run."""
        self.asked += 1
        if self.lost:
            raise EngineLostError("it does not answer")
        if name in self.refuses:
            raise EngineError(f"cannot remove {name}")
        if self.containers.get(name) != run_id:
            return False
        del self.containers[name]
        return True

    def image(self, reference: str) -> EngineImage | None:
        """The image of that tag or digest."""
        for digest, tags in self.images.items():
            if reference == digest or reference in tags:
                return EngineImage(
                    image=digest,
                    os="linux",
                    architecture="amd64",
                    diff_ids=(),
                    exposed_ports=(),
                    labels={},
                    tags=tuple(sorted(tags)),
                )
        return None

    def built_upon(self, image: str, within_s: float) -> tuple[str, ...]:
        """What was made of it in time."""
        return tuple(upon for upon, parent in self.upon.items() if parent == image and upon in self.images)

    def remove_image(self, reference: str) -> Removal:
        """Remove a tag, and the image with its last one, unless that is in use."""
        found = self.image(reference)
        if found is None:
            return Removal.NOT_THERE
        if any(parent == found.image and upon in self.images for upon, parent in self.upon.items()):
            return Removal.IN_USE
        others = set(found.tags) - {reference}
        if found.image in self.in_use and not others:
            return Removal.IN_USE
        self.images[found.image].discard(reference)
        if not others:
            del self.images[found.image]
        return Removal.REMOVED

    def info(self) -> EngineInfo:
        """Not asked for."""
        raise NotImplementedError

    def pull(self, reference: str, platform: str | None, progress: Callable[[str], None]) -> None:
        """Not asked for."""
        raise NotImplementedError

    def build(self, request: BuildRequest, progress: Callable[[str], None]) -> Built | BuildFailed:
        """Not asked for."""
        raise NotImplementedError

    def container(self, spec: ContainerSpec) -> AbstractContextManager[Container]:
        """Not asked for."""
        raise NotImplementedError

    def attach(self, name: str) -> Container:
        """Not asked for."""
        raise NotImplementedError

    def add_network(self, name: str, labels: Mapping[str, str]) -> None:
        """Not asked for."""
        raise NotImplementedError

    def members(self, group: str) -> Sequence[Member]:
        """Not asked for."""
        raise NotImplementedError

    def remove_group(self, group: str, run_id: str) -> int:
        """Remove a group whose label names that run."""
        if self.groups.get(group) != run_id:
            return 0
        del self.groups[group]
        return 2

    def layer_store(self) -> None:
        """Nothing to read."""

    def export(self, images: Sequence[str]) -> Iterator[bytes]:
        """Not asked for."""
        raise NotImplementedError

    def cancel(self) -> None:
        """Not asked for."""
        raise NotImplementedError

    def close(self) -> None:
        """Not asked for."""
        raise NotImplementedError


Entry = tuple[str, str] | tuple[str, str, bool]


def begin(folder: Path, run_id: str, *made: Entry, engine: str = "engine-1", endpoint: str = HERE) -> Ledger:
    """A run under way that wrote these objects down."""
    ledger = Ledger(folder, run_id, engine=engine, endpoint=endpoint)
    for kind, name, *kept in made:
        ledger.record(kind, name, kept=bool(kept and kept[0]))
    return ledger


def end(folder: Path, run_id: str, *made: Entry, engine: str = "engine-1", endpoint: str = HERE) -> None:
    """A run whose process has ended, with its ledger left."""
    begin(folder, run_id, *made, engine=engine, endpoint=endpoint).close(left=True)


def remembered(folder: Path) -> list[str]:
    """The ended runs that are not forgotten."""
    with ended_runs(folder) as runs:
        return [run.run_id for run in runs]


@pytest.fixture
def ours(tmp_path: Path) -> Iterator[Ledger]:
    """The ledger of the run that does the cleaning."""
    ledger = begin(tmp_path, "ours")
    yield ledger
    ledger.close(left=False)


def test_a_killed_run_s_containers_are_removed_and_it_is_forgotten(tmp_path: Path, ours: Ledger) -> None:
    """The next run cleans up after one that was killed, counted once even if a container was written down twice."""
    end(tmp_path, "dead", (CONTAINER, "c1"), (CONTAINER, "c2"), (CONTAINER, "c1"))
    engine = FakeEngine(containers={"c1": "dead", "c2": "dead", "web": ""})
    assert reap_dead_runs(tmp_path, engine, ours) == 2
    assert engine.containers == {"web": ""}
    assert remembered(tmp_path) == []


def test_its_images_stay_and_are_remembered_by_the_next_run(tmp_path: Path, ours: Ledger) -> None:
    """Images make the next run fast; who removes the ledger takes over what it named, so that clean still knows."""
    end(tmp_path, "dead", (IMAGE, "imgcompare/x:a", True), (IMAGE, DIGEST))
    engine = FakeEngine(images={DIGEST: {"imgcompare/x:a"}})
    reap_dead_runs(tmp_path, engine, ours)
    assert engine.images == {DIGEST: {"imgcompare/x:a"}}
    assert [(made.kind, made.name, made.kept) for made in ours.made()] == [
        (IMAGE, "imgcompare/x:a", True),
        (IMAGE, DIGEST, True),
    ]


@pytest.mark.parametrize("reap", [True, False])
def test_a_living_run_is_left_alone(tmp_path: Path, ours: Ledger, reap: bool) -> None:
    """Neither the next run nor clean touches what a run under way has made, containers or images."""
    alive = begin(tmp_path, "alive", (CONTAINER, "c1"), (IMAGE, "imgcompare/x:a"))
    engine = FakeEngine(containers={"c1": "alive"}, images={DIGEST: {"imgcompare/x:a"}})
    if reap:
        assert reap_dead_runs(tmp_path, engine, ours) == 0
    else:
        assert clean(tmp_path, engine, images=True) == Cleaned(0, 0, {})
    assert engine.containers == {"c1": "alive"}
    assert engine.images == {DIGEST: {"imgcompare/x:a"}}
    alive.close(left=False)


@pytest.mark.parametrize("label", ["", "another-run"])
def test_a_container_of_the_name_without_the_run_s_label_is_somebody_else_s(
    tmp_path: Path, ours: Ledger, label: str
) -> None:
    """A name alone proves nothing: whoever took it meanwhile keeps the container."""
    end(tmp_path, "dead", (CONTAINER, "c1"))
    engine = FakeEngine(containers={"c1": label})
    assert reap_dead_runs(tmp_path, engine, ours) == 0
    assert engine.containers == {"c1": label}


def test_a_forged_label_gets_nothing_removed(tmp_path: Path, ours: Ledger) -> None:
    """A container that bears an ended run's label, but that no ledger names, stays: the label alone proves nothing."""
    end(tmp_path, "dead", (CONTAINER, "c1"))
    engine = FakeEngine(containers={"database": "dead"}, images={DIGEST: {"imgcompare/forged:a"}})
    assert reap_dead_runs(tmp_path, engine, ours) == 0
    assert clean(tmp_path, engine, images=True) == Cleaned(0, 0, {})
    assert engine.containers == {"database": "dead"}
    assert engine.images == {DIGEST: {"imgcompare/forged:a"}}


def test_what_was_made_on_another_engine_is_not_looked_for_here(tmp_path: Path, ours: Ledger) -> None:
    """The same names on this engine are not the other engine's; the ledger stays, and clean says where to go."""
    made: tuple[Entry, ...] = ((CONTAINER, "c1"), (IMAGE, "imgcompare/x:a"))
    end(tmp_path, "dead", *made, engine="engine-2", endpoint="unix:///there")
    engine = FakeEngine(containers={"c1": "dead"}, images={DIGEST: {"imgcompare/x:a"}})
    assert reap_dead_runs(tmp_path, engine, ours) == 0
    assert clean(tmp_path, engine, images=True) == Cleaned(0, 0, {"unix:///there": 2})
    assert engine.containers == {"c1": "dead"}
    assert engine.images == {DIGEST: {"imgcompare/x:a"}}
    assert remembered(tmp_path) == ["dead"]
    there = FakeEngine(containers={"c1": "dead"}, name="engine-2")
    assert clean(tmp_path, there, images=True).containers == 1
    assert remembered(tmp_path) == []


def test_kept_containers_are_removed_by_clean_alone(tmp_path: Path, ours: Ledger) -> None:
    """``--keep`` holds until the user says clean, through any number of later runs."""
    end(
        tmp_path, "kept", (CONTAINER, "c1"), (CONTAINER, "c1", True), (CONTAINER, "c2"), (IMAGE, "imgcompare/x:a", True)
    )
    engine = FakeEngine(containers={"c1": "kept", "c2": "kept"}, images={DIGEST: {"imgcompare/x:a"}})
    assert reap_dead_runs(tmp_path, engine, ours) == 1
    assert engine.containers == {"c1": "kept"}
    assert remembered(tmp_path) == ["kept"]
    assert clean(tmp_path, engine, images=True) == Cleaned(1, 1, {})
    assert (engine.containers, engine.images) == ({}, {})
    assert remembered(tmp_path) == []


def test_clean_can_leave_the_images(tmp_path: Path) -> None:
    """With --keep-images only containers go, and the images are still known to the next clean."""
    end(tmp_path, "dead", (CONTAINER, "c1"), (IMAGE, "imgcompare/x:a"))
    engine = FakeEngine(containers={"c1": "dead"}, images={DIGEST: {"imgcompare/x:a"}})
    assert clean(tmp_path, engine, images=False) == Cleaned(1, 0, {})
    assert clean(tmp_path, engine, images=True) == Cleaned(0, 1, {})
    assert engine.images == {}


def test_an_image_that_the_user_tagged_keeps_that_tag(tmp_path: Path) -> None:
    """Our tag goes; the image stays under the user's own, also when the ledger names its digest."""
    end(tmp_path, "dead", (IMAGE, "imgcompare/x:a"), (IMAGE, DIGEST))
    engine = FakeEngine(images={DIGEST: {"imgcompare/x:a", "shop:1.4"}})
    assert clean(tmp_path, engine, images=True).images == 1
    assert engine.images == {DIGEST: {"shop:1.4"}}


def test_an_image_that_lost_our_tag_is_removed_by_its_digest(tmp_path: Path) -> None:
    """When a later build took over the tag, what the earlier one made has no name any more and goes too."""
    newer = "sha256:" + "2" * 64
    end(tmp_path, "dead", (IMAGE, "imgcompare/x:a"), (IMAGE, DIGEST), (IMAGE, "imgcompare/x:a"), (IMAGE, newer))
    engine = FakeEngine(images={DIGEST: set(), newer: {"imgcompare/x:a"}})
    assert clean(tmp_path, engine, images=True).images == 2
    assert engine.images == {}


def test_an_image_in_use_stays(tmp_path: Path) -> None:
    """A container of the user's that runs our image keeps it."""
    end(tmp_path, "dead", (IMAGE, "imgcompare/x:a"), (IMAGE, DIGEST))
    engine = FakeEngine(images={DIGEST: {"imgcompare/x:a"}}, in_use={DIGEST})
    assert clean(tmp_path, engine, images=True).images == 0
    assert engine.images == {DIGEST: {"imgcompare/x:a"}}


def test_an_image_in_use_is_not_forgotten(tmp_path: Path) -> None:
    """Once the user's container is gone, the next clean removes the image after all."""
    end(tmp_path, "dead", (IMAGE, "imgcompare/x:a"), (IMAGE, DIGEST))
    engine = FakeEngine(images={DIGEST: {"imgcompare/x:a"}}, in_use={DIGEST})
    clean(tmp_path, engine, images=True)
    engine.in_use.clear()
    assert clean(tmp_path, engine, images=True).images == 1
    assert (engine.images, remembered(tmp_path)) == ({}, [])


def test_an_image_without_a_tag_that_is_in_use_is_not_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a killed builder's last step holds for long goes with a later clean."""
    monkeypatch.setattr("imgcompare.run.cleanup._PATIENCE_S", 0.1)
    end(tmp_path, "dead", (IMAGE, DIGEST))
    engine = FakeEngine(images={DIGEST: set()}, in_use={DIGEST})
    assert clean(tmp_path, engine, images=True).images == 0
    engine.in_use.clear()
    assert clean(tmp_path, engine, images=True).images == 1
    assert (engine.images, remembered(tmp_path)) == ({}, [])


def test_what_a_killed_builder_still_made_goes_with_what_it_was_made_upon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ended the step under way without its client, so no ledger has that image; one in use stays, and its parent."""
    monkeypatch.setattr("imgcompare.run.cleanup._PATIENCE_S", 0.1)
    late, taken = "sha256:" + "2" * 64, "sha256:" + "3" * 64
    end(tmp_path, "dead", (IMAGE, DIGEST))
    engine = FakeEngine(images={DIGEST: set(), late: set(), taken: set()}, upon={late: DIGEST, taken: DIGEST})
    engine.in_use.add(taken)
    assert clean(tmp_path, engine, images=True).images == 1
    assert (engine.images, remembered(tmp_path)) == ({DIGEST: set(), taken: set()}, ["dead"])
    engine.in_use.clear()
    assert clean(tmp_path, engine, images=True).images == 2
    assert (engine.images, remembered(tmp_path)) == ({}, [])


def test_a_tag_that_a_living_run_shares_stays(tmp_path: Path) -> None:
    """Runs of one project share their tags: clean must not take a tag away under a run that is building or using it."""
    end(tmp_path, "dead", (IMAGE, "imgcompare/x:a"), (IMAGE, "imgcompare/x:b"))
    alive = begin(tmp_path, "alive", (IMAGE, "imgcompare/x:a"))
    there = begin(tmp_path, "elsewhere", (IMAGE, "imgcompare/x:b"), engine="engine-2")
    engine = FakeEngine(images={DIGEST: {"imgcompare/x:a", "imgcompare/x:b"}})
    assert clean(tmp_path, engine, images=True).images == 1
    assert engine.images == {DIGEST: {"imgcompare/x:a"}}
    alive.close(left=True)
    there.close(left=False)
    assert clean(tmp_path, engine, images=True).images == 1
    assert (engine.images, remembered(tmp_path)) == ({}, [])


def test_clean_has_nothing_to_do_twice(tmp_path: Path) -> None:
    """A second clean finds nothing, and says so."""
    end(tmp_path, "dead", (CONTAINER, "c1"))
    engine = FakeEngine(containers={"c1": "dead"})
    assert clean(tmp_path, engine, images=True) == Cleaned(1, 0, {})
    assert clean(tmp_path, engine, images=True) == Cleaned(0, 0, {})
    assert clean(tmp_path / "missing", engine, images=True) == Cleaned(0, 0, {})


def test_what_the_engine_refuses_is_remembered(tmp_path: Path, ours: Ledger) -> None:
    """When removing fails the ledger stays for the next attempt."""
    end(tmp_path, "dead", (CONTAINER, "c1"))
    engine = FakeEngine(containers={"c1": "dead"}, refuses={"c1"})
    with pytest.raises(EngineError):
        reap_dead_runs(tmp_path, engine, ours)
    with pytest.raises(EngineError):
        clean(tmp_path, engine, images=True)
    assert remembered(tmp_path) == ["dead"]


def test_a_sweep_removes_this_run_s_containers_but_the_kept_ones(tmp_path: Path) -> None:
    """After a run was cut short, what it still has goes; kept images and other runs' containers are not looked at."""
    run = begin(
        tmp_path, "run", (CONTAINER, "c1"), (CONTAINER, "c2"), (CONTAINER, "c2", True), (IMAGE, "imgcompare/x:a", True)
    )
    engine = FakeEngine(containers={"c1": "run", "c2": "run", "c3": "other"}, images={DIGEST: {"imgcompare/x:a"}})
    assert sweep(engine, run) == []
    assert engine.containers == {"c2": "run", "c3": "other"}
    assert engine.images == {DIGEST: {"imgcompare/x:a"}}
    run.close(left=False)


def test_a_sweep_removes_the_tags_that_are_not_to_stay(tmp_path: Path) -> None:
    """``--rm-images``: the run's own tags go, after the containers that use them."""
    run = begin(tmp_path, "run", (IMAGE, "imgcompare/x:a"), (IMAGE, DIGEST), (CONTAINER, "c1"))
    engine = FakeEngine(containers={"c1": "run"}, images={DIGEST: {"imgcompare/x:a"}})
    assert sweep(engine, run) == []
    assert (engine.containers, engine.images) == ({}, {})
    run.close(left=False)


def test_a_tag_whose_image_another_run_still_uses_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Runs of one app share its image: its container, soon gone, is no reason to leave ours; one that stays is told."""
    monkeypatch.setattr("imgcompare.run.cleanup._PATIENCE_S", 0.1)
    run = begin(tmp_path, "run", (IMAGE, "imgcompare/x:a"))
    engine = FakeEngine(images={DIGEST: {"imgcompare/x:a"}}, in_use={DIGEST})
    assert sweep(engine, run) == ["imgcompare/x:a"]
    monkeypatch.setattr("imgcompare.run.cleanup._PATIENCE_S", 10)
    threading.Timer(0.1, engine.in_use.clear).start()
    assert (sweep(engine, run), engine.images) == ([], {})
    run.close(left=False)


def test_a_sweep_asks_a_lost_engine_once(tmp_path: Path) -> None:
    """A frozen engine takes its whole time-out for each answer: after the first, everything is said to stay."""
    run = begin(tmp_path, "run", (IMAGE, "imgcompare/x:a"), (CONTAINER, "c1"), (CONTAINER, "c2"))
    engine = FakeEngine(containers={"c1": "run", "c2": "run"}, lost=True)
    assert sweep(engine, run) == ["c1", "c2", "imgcompare/x:a"]
    assert engine.asked == 1
    run.close(left=False)


def test_a_sweep_leaves_out_what_is_gone(tmp_path: Path) -> None:
    """A container that its own worker removed is neither looked for nor called left when the engine is lost."""
    run = begin(tmp_path, "run", (CONTAINER, "c1"), (CONTAINER, "c2"))
    run.removed("c1")
    assert sweep(FakeEngine(lost=True), run) == ["c2"]
    run.close(left=False)


def test_a_sweep_goes_on_after_a_refusal_and_says_what_stayed(tmp_path: Path) -> None:
    """One container that cannot be removed does not keep the others, and is named."""
    run = begin(tmp_path, "run", (CONTAINER, "c1"), (CONTAINER, "c2"))
    engine = FakeEngine(containers={"c1": "run", "c2": "run"}, refuses={"c1"})
    assert sweep(engine, run) == ["c1"]
    assert engine.containers == {"c1": "run"}
    run.close(left=False)


def test_a_group_goes_with_its_run_and_no_other(tmp_path: Path, ours: Ledger) -> None:
    """Companions, their network and volumes are removed by the run's label; a kept group stays until it is cleaned."""
    engine = FakeEngine(containers={"c1": "dead"}, groups={"g1": "dead", "g2": "another", "g3": "kept"})
    end(tmp_path, "dead", (CONTAINER, "c1"), (GROUP, "g1"), (GROUP, "g2"))
    end(tmp_path, "kept", (GROUP, "g3"), (GROUP, "g3", True))
    assert reap_dead_runs(tmp_path, engine, ours) == 3
    assert engine.groups == {"g2": "another", "g3": "kept"}
    assert remembered(tmp_path) == ["kept"]
    assert clean(tmp_path, engine, images=False).containers == 2
    assert engine.groups == {"g2": "another"}
    ours.record(GROUP, "g2")
    assert sweep(engine, ours) == []
    assert engine.groups == {"g2": "another"}
