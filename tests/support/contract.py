"""What every engine keeps to: the same tests for the fake and for a real one, so that what runs on the fake is true."""

from __future__ import annotations

import http.client
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest
from msgspec.structs import replace

from imgcompare.engine.build.context import open_context
from imgcompare.engine.interface import (
    RUN_LABEL,
    BuildFailed,
    BuildRequest,
    Built,
    Captured,
    Container,
    ContainerSpec,
    ContainerState,
    Engine,
    EngineImage,
    Executed,
    Removal,
)
from imgcompare.errors import BaseImageError, EngineError, EngineRefusedError, PortTakenError
from imgcompare.image.archive import read_archive
from tests.support.fake_engine import App

T = TypeVar("T")
BASE = "python:3.11-slim"
NOBODY = "127.0.0.1:9/nobody/nothing:1"
_PORT = 5000

SERVES = ("python3", "-m", "http.server", str(_PORT))
ENDS = ("sh", "-c", "echo one; sleep 0.1; echo two >&2; exit 3")
_WAITS = "import signal, time; signal.signal(signal.SIGTERM, {}); print('up', flush=True); time.sleep(99)"
HEARS = ("python3", "-c", _WAITS.format("lambda *_: exit()"))
DEAF = ("python3", "-c", _WAITS.format("signal.SIG_IGN"))
MISSING = ("imgcompare-none",)
ASKED = ("sh", "-c", "echo it; exit 4")
APPS = {
    " ".join(SERVES): App(commands={ASKED: Captured(4, b"it\n")}),
    " ".join(ENDS): App(log=("one", "two"), exit_code=3),
    " ".join(HEARS): App(silent=True, log=("up",)),
    " ".join(DEAF): App(silent=True, log=("up",), deaf=True),
    " ".join(MISSING): App(error='exec: "imgcompare-none": executable file not found in $PATH'),
}
"""What the fake is told of the programs that the real engine runs."""


@dataclass
class World:
    """An engine that has ``BASE``, and a folder; every tag and name made in it ends in ``mark``."""

    engine: Engine
    folder: Path
    mark: str

    def request(self, name: str, text: str, *, target: str | None = None) -> BuildRequest:
        """Ask for a Dockerfile's image under a tag of the name; beside it is a file ``app.py``."""
        (self.folder / "app.py").write_bytes(b"print()\n")
        path = self.folder / f"{name}.Dockerfile"
        path.write_text(text)
        return BuildRequest(context=open_context(self.folder, path), tag=self.tag(name), target=target)

    def build(self, name: str, text: str) -> EngineImage:
        """The image of a Dockerfile."""
        built = self.engine.build(self.request(name, text), _quiet)
        assert isinstance(built, Built), built
        image = self.engine.image(built.image)
        assert image is not None
        return image

    def running(self, *cmd: str) -> ContainerSpec:
        """A container of an image that runs a command."""
        words = ", ".join(f'"{word}"' for word in cmd)
        image = self.build("runs", f"FROM {BASE}\nCMD [{words}]\n")
        name = f"imgcompare-{uuid.uuid4().hex[:8]}-{self.mark}"
        return ContainerSpec(name=name, image=image.image, container_port=_PORT, labels={RUN_LABEL: self.mark})

    def tag(self, name: str) -> str:
        """A tag of ours."""
        return f"imgcompare-contract-{self.mark}:{name}"

    def clean(self) -> None:
        """Remove what was built."""
        for path in self.folder.glob("*.Dockerfile"):
            self.engine.remove_image(self.tag(path.stem))


class EngineContract:
    """The tests; a class below it gives the fixture ``world``."""

    def test_an_image_that_is_not_there_is_none(self, world: World) -> None:
        """Not having an image is an answer."""
        assert world.engine.image(world.tag("none")) is None
        assert world.engine.image("sha256:" + "0" * 64) is None

    def test_an_image_is_the_same_by_tag_and_digest_and_tells_its_settings(self, world: World) -> None:
        """The plan, the containers and the report take them from here."""
        text = f"FROM {BASE}\nEXPOSE 8000 5000/udp\nLABEL a=b\nENV C=d\nUSER nobody\nSTOPSIGNAL SIGINT\nCMD x y\n"
        image = world.build("settings", text)
        assert image == world.engine.image(world.tag("settings"))
        assert image.exposed_ports == ("5000/udp", "8000/tcp")
        assert image.labels["a"] == "b"
        assert image.env[-1] == "C=d"
        assert (image.user, image.stop_signal, image.cmd) == ("nobody", "SIGINT", ("/bin/sh", "-c", "x y"))
        assert world.tag("settings") in image.tags

    def test_a_build_puts_its_layers_on_the_base_and_is_cached(self, world: World) -> None:
        """A second build of the same is the same image, each of its steps from the cache."""
        request = world.request("twice", f"FROM {BASE}\nCOPY app.py /app/\nRUN echo {world.mark} > /ran\n")
        said: list[str] = []
        first, second = world.engine.build(request, said.append), world.engine.build(request, said.append)
        assert isinstance(first, Built)
        assert isinstance(second, Built)
        assert first.image == second.image
        assert (first.build.step_count, second.build.step_count) == (2, 2)
        assert not first.build.steps[1].cached
        assert second.build.cached_step_count == 2
        assert said
        image, base = world.engine.image(first.image), world.engine.image(BASE)
        assert image
        assert base
        assert image.diff_ids[: len(base.diff_ids)] == base.diff_ids
        assert len(image.diff_ids) == len(base.diff_ids) + 2

    def test_no_cache_builds_each_step_again(self, world: World) -> None:
        """``--no-cache`` is what it says."""
        request = world.request("again", f"FROM {BASE}\nRUN echo {world.mark} > /ran\n")
        world.engine.build(request, _quiet)
        again = world.engine.build(replace(request, no_cache=True), _quiet)
        assert isinstance(again, Built)
        assert again.build.cached_step_count == 0

    @pytest.mark.parametrize(
        ("instruction", "message", "step"),
        [
            ("RUN exit 7", "exited with code 7", "RUN exit 7"),
            ("COPY none.py /app/", "none.py", None),
        ],
    )
    def test_a_step_that_fails_is_a_value(self, world: World, instruction: str, message: str, step: str | None) -> None:
        """The builder's error names what failed, and nothing is tagged."""
        failed = world.engine.build(world.request("fails", f"FROM {BASE}\n{instruction}\n"), _quiet)
        assert isinstance(failed, BuildFailed)
        assert message in failed.message
        assert step is None or (failed.step or "").endswith(step)
        assert failed.missing_base is None
        assert world.engine.image(world.tag("fails")) is None

    def test_a_base_that_cannot_be_had_is_named(self, world: World) -> None:
        """Told from a step that fails: another base is what is needed."""
        failed = world.engine.build(world.request("baseless", f"FROM {NOBODY}\nRUN true\n"), _quiet)
        assert isinstance(failed, BuildFailed)
        assert failed.missing_base == NOBODY
        with pytest.raises(BaseImageError, match=f"cannot pull {NOBODY}"):
            world.engine.pull(NOBODY, None, _quiet)

    def test_a_target_stops_at_its_stage(self, world: World) -> None:
        """And a stage copies from another."""
        text = f"FROM {BASE} AS one\nCOPY app.py /one/\nFROM {BASE} AS two\nCOPY --from=one /one/app.py /two/\n"
        one = world.engine.build(world.request("one", text, target="one"), _quiet)
        assert isinstance(one, Built)
        two = world.build("two", text)
        assert one.image != two.image
        missing = world.engine.build(world.request("three", text, target="three"), _quiet)
        assert isinstance(missing, BuildFailed)
        assert "three" in missing.message

    def test_a_container_serves_and_is_gone_afterwards(self, world: World) -> None:
        """Created, started, published on loopback, measured, looked into; removed with the block."""
        spec = world.running(*SERVES)
        with world.engine.container(spec) as container:
            assert (container.name, container.kept) == (spec.name, False)
            assert container.state() == ContainerState(running=False)
            assert not container.lives()
            container.start()
            assert container.state() == ContainerState(running=True)
            at = container.published()
            assert at is not None
            assert at.host == "127.0.0.1"
            assert _until(lambda: _status(at.port)) == 200
            assert (container.memory_bytes() or 0) > 1 << 20
            assert _PORT in {listener.port for listener in container.listening() or ()}
            assert container.execute(ASKED, 10) == Executed(4, ("it",))
            assert container.capture(ASKED, 10, 1024) == Captured(4, b"it\n")
            assert container.head("/none") is None
        assert not world.engine.remove_container(spec.name, world.mark)

    def test_a_container_without_a_port_is_reached_by_nobody(self, world: World) -> None:
        """What listens inside can be looked at all the same: so a port is found that nobody named."""
        with world.engine.container(replace(world.running(*SERVES), container_port=None)) as container:
            container.start()
            listening = _until(lambda: container.listening() or None)
            assert _PORT in {listener.port for listener in listening}
            assert container.published() is None

    def test_a_container_that_ends_tells_why(self, world: World) -> None:
        """Exit code and log; it has no port and no memory any more."""
        with world.engine.container(world.running(*ENDS)) as container:
            container.start()
            assert _until_ended(container) == ContainerState(running=False, exit_code=3)
            assert container.log().lines == ("one", "two")
            assert container.log(1).lines == ("two",)
            assert container.published() is None
            assert container.memory_bytes() is None

    def test_a_program_that_is_not_there_is_a_state(self, world: World) -> None:
        """The image is to blame, not the engine: nothing raises."""
        with world.engine.container(world.running(*MISSING)) as container:
            container.start()
            state = container.state()
            assert not state.running
            assert state.exit_code
            assert "executable file not found" in state.error
            assert container.log() == ((), ())

    @pytest.mark.parametrize(("command", "killed"), [(HEARS, False), (DEAF, True)])
    def test_stopping_tells_who_had_to_be_killed(self, world: World, command: tuple[str, ...], killed: bool) -> None:
        """One that is deaf to its signal is killed when the grace is over."""
        with world.engine.container(world.running(*command)) as container:
            container.start()
            assert _until(lambda: container.log().lines or None) == ("up",)
            stopped = container.stop(1)
            assert not container.state().running
            assert stopped.killed is killed

    def test_a_kept_container_stays_for_its_run_alone(self, world: World) -> None:
        """Another run's id is no reason to remove it."""
        spec = world.running(*SERVES)
        with world.engine.container(spec) as container:
            container.start()
            container.keep()
        assert not world.engine.remove_container(spec.name, "another")
        assert world.engine.remove_container(spec.name, world.mark)
        assert not world.engine.remove_container(spec.name, world.mark)

    def test_what_goes_wrong_in_the_block_leaves_no_container(self, world: World) -> None:
        """Kept or not: it was to stay only if all went well."""
        spec = world.running(*SERVES)
        with pytest.raises(ZeroDivisionError), world.engine.container(spec) as container:  # noqa: PT012
            container.keep()
            raise ZeroDivisionError
        assert not world.engine.remove_container(spec.name, world.mark)

    def test_a_name_or_an_image_that_will_not_do_is_refused(self, world: World) -> None:
        """And what has the name already is left alone."""
        spec = world.running(*SERVES)
        with world.engine.container(spec):
            with pytest.raises(EngineRefusedError, match="in use") as caught, world.engine.container(spec):
                pass
            assert caught.value.status == 409
            assert world.engine.remove_container(spec.name, world.mark)
        other = replace(spec, image="sha256:" + "0" * 64)
        with pytest.raises(EngineRefusedError, match=r"(?i)no such image"), world.engine.container(other):
            pass

    def test_a_host_port_that_is_taken_is_told(self, world: World) -> None:
        """The port is named; the container that found none is gone."""
        spec = world.running(*SERVES)
        with world.engine.container(spec) as holder:
            holder.start()
            at = holder.published()
            assert at is not None
            second = replace(spec, name=f"{spec.name}-2", host_port=at.port)
            with (
                pytest.raises(PortTakenError, match=f"host port {at.port} is taken"),
                world.engine.container(second) as container,
            ):
                container.start()
        assert not world.engine.remove_container(second.name, world.mark)

    def test_an_export_has_every_image_once(self, world: World) -> None:
        """Found by the engine's own digest, with the layers that the engine lists."""
        one = world.build("first", f"FROM {BASE}\nCOPY app.py /one/\n")
        two = world.build("second", f"FROM {BASE}\nCOPY app.py /two/\n")
        archive = read_archive(world.engine.export([one.image, two.image]))
        for image in (one, two):
            found = archive.find(image.image)
            assert tuple(layer.diff_id for layer in found.layers) == image.diff_ids

    def test_an_image_in_use_stays(self, world: World) -> None:
        """Removing says whether there was something to remove, and never takes an image from a container."""
        spec = world.running(*SERVES)
        with world.engine.container(spec):
            assert world.engine.remove_image(spec.image) is Removal.IN_USE
        assert world.engine.remove_image(world.tag("runs")) is Removal.REMOVED
        assert world.engine.remove_image(world.tag("runs")) is Removal.NOT_THERE
        assert world.engine.image(spec.image) is None

    def test_after_cancel_only_what_cleans_up_is_answered(self, world: World) -> None:
        """Streams break off, nothing new is made, and the container under way still goes."""
        spec = world.running(*SERVES)
        request = world.request("late", f"FROM {BASE}\nRUN true\n")
        stream = world.engine.export([spec.image])
        with world.engine.container(spec) as container:
            container.start()
            next(stream)
            world.engine.cancel()
            with pytest.raises(EngineError, match="cancelled"):
                list(stream)
        for call in (
            lambda: world.engine.build(request, _quiet),
            lambda: world.engine.image(BASE),
            lambda: world.engine.container(spec).__enter__(),
        ):
            with pytest.raises(EngineError, match="cancelled"):
                call()
        assert not world.engine.remove_container(spec.name, world.mark)

    def test_what_it_says_of_itself(self, world: World) -> None:
        """A later run knows it again by its identity; the report tells what it is."""
        assert world.engine.identity() == world.engine.identity() != ""
        assert world.engine.endpoint.url
        info = world.engine.info()
        assert (info.os, bool(info.version), bool(info.storage_driver)) == ("linux", True, True)


def _quiet(_text: str) -> None:
    pass


def _status(port: int) -> int | None:
    """The status of a reply, None while there is none."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def _until_ended(container: Container) -> ContainerState:
    return _until(lambda: None if (state := container.state()).running else state)


def _until(look: Callable[[], T | None]) -> T:
    for _ in range(600):
        if (found := look()) is not None:
            return found
        time.sleep(0.05)
    pytest.fail("waited 30 s in vain")
