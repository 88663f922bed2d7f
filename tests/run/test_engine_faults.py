"""A verdict is about the Dockerfile, or it is none: what the engine could not do breaks no variant."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from imgcompare.config.model import Config
from imgcompare.config.variants import VariantSpec
from imgcompare.console.progress import QuietProgress
from imgcompare.errors import BaseImageError, EngineFailedError, EngineRefusedError, UsageError
from imgcompare.image.cache import ImageCache
from imgcompare.model import Expectation, Stage, Verdict
from imgcompare.run.blueprints import draw_blueprints
from imgcompare.run.ledger import Ledger
from imgcompare.run.pipeline import Outcome, run_comparison
from imgcompare.run.plan import make_plan
from imgcompare.run.resources import Workbench
from tests.support.fake_engine import App, FakeEngine

BASE = "python:3.11-slim"
FULL = "write /var/lib/docker/overlay2/x: no space left on device"
LIMITS = "OCI runtime create failed: runc create failed: error setting rlimit type 7: operation not permitted"
APPS = {
    "serve": App(body=b"a" * 60),
    "also serve": App(body=b"a" * 60),
    "say nothing": App(exit_code=1),
    "say full": App(exit_code=1, log=("OSError: [Errno 28] No space left on device: '/app/cache'",)),
    "cannot start": App(error=LIMITS),
    "is not there": App(error='exec: "x": executable file not found in $PATH'),
}


@pytest.fixture
def compare(tmp_path: Path) -> Callable[..., Outcome]:
    """Compare a variant ``good`` with one whose program is named, on an engine prepared for it."""

    def run(
        program: str,
        prepare: Callable[[FakeEngine], None],
        make: type[FakeEngine] = FakeEngine,
        base: str = BASE,
        **more: Any,
    ) -> Outcome:
        engine = make(APPS)
        engine.add_base(BASE)
        prepare(engine)
        variants = []
        for name, command, below in (("good", "serve", BASE), ("other", program, base)):
            words = ", ".join(f'"{word}"' for word in command.split())
            path = tmp_path / f"{name}.Dockerfile"
            path.write_text(f"FROM {below}\nEXPOSE 5000\nCMD [{words}]\n")
            variants.append(VariantSpec(name=name, dockerfile=path))
        config = Config(scenario="run", context=tmp_path, variants=tuple(variants), timeout_s=5, **more)
        plan = make_plan(config, "faults")
        ledger = Ledger(tmp_path / "ledgers", "faults", engine=engine.identity(), endpoint="fake")
        bench = Workbench(
            engine=engine,
            progress=QuietProgress(),
            ledger=ledger,
            cache=ImageCache(tmp_path / "cache"),
            save=lambda _report: None,
            created="2026-01-01T00:00:00Z",
        )
        outcome = run_comparison(plan, draw_blueprints(plan), bench)
        assert engine.containers == {}
        return outcome

    return run


def failing(kind: str, subject: str, error: Exception) -> Callable[[FakeEngine], None]:
    """Prepare an engine that fails at a call."""
    return lambda engine: engine.fail(kind, subject, error)


def refusal(text: str, status: int = 500) -> EngineRefusedError:
    """An engine's answer."""
    return EngineRefusedError(f"{text} (the engine's answer {status})", status=status, text=text)


@pytest.mark.parametrize(
    ("program", "prepare", "stage"),
    [
        pytest.param("also serve", failing("build", "other", refusal(FULL)), Stage.BUILD, id="the disk, in a build"),
        pytest.param("also serve", failing("create", "other", refusal(FULL)), Stage.RUN, id="the disk, at creation"),
        pytest.param("say full", lambda _: None, Stage.RUN, id="the disk, by the app's words"),
        pytest.param("say nothing", failing("fill", "other", refusal(FULL)), Stage.RUN, id="the disk, without a word"),
        pytest.param("cannot start", lambda _: None, Stage.RUN, id="a limit"),
        pytest.param("also serve", failing("start", "other", refusal("network x not found", 404)), Stage.RUN, id="net"),
    ],
)
def test_what_the_engine_could_not_do_is_no_verdict(
    compare: Callable[..., Outcome], program: str, prepare: Callable[[FakeEngine], None], stage: Stage
) -> None:
    """The variant is not checked, the other one goes on, and the run ends as an engine failure, exit code 4."""
    outcome = compare(program, prepare)
    good, other = outcome.report.variants
    assert (good.verdict, other.verdict) == (Verdict.WORKS, Verdict.NOT_CHECKED)
    assert other.failure is not None
    assert (other.failure.code, other.failure.stage) == ("engine-failed", stage)
    assert outcome.error is not None
    assert outcome.error.exit_code == 4
    assert good.image is not None


@pytest.mark.parametrize(
    ("program", "prepare", "code"),
    [
        pytest.param("say nothing", lambda _: None, "unknown", id="a silent end on a disk with room"),
        pytest.param("is not there", lambda _: None, "executable-not-found", id="a program that is missing"),
        pytest.param(
            "also serve",
            failing("create", "other", refusal("No command specified", 400)),
            "engine-error",
            id="a request that cannot be",
        ),
    ],
)
def test_what_the_image_asks_for_is_its_own(
    compare: Callable[..., Outcome], program: str, prepare: Callable[[FakeEngine], None], code: str
) -> None:
    """Such a variant is broken, and the run is over as ever."""
    outcome = compare(program, prepare)
    _, other = outcome.report.variants
    assert (other.verdict, other.failure and other.failure.code) == (Verdict.BROKEN, code)
    assert outcome.error is None


def test_a_base_that_does_not_fit_on_the_disk_is_the_engines_failure(compare: Callable[..., Outcome]) -> None:
    """And no image that cannot be had."""

    def prepare(engine: FakeEngine) -> None:
        engine.tags.clear()
        engine.fail("pull", BASE, BaseImageError(f"cannot pull {BASE}: failed to register layer: {FULL}"))

    outcome = compare("also serve", prepare)
    assert isinstance(outcome.error, EngineFailedError)
    assert {variant.verdict for variant in outcome.report.variants} == {Verdict.NOT_CHECKED}


class Damaged(FakeEngine):
    """An engine that has lost a layer of the image that runs a program."""

    def export(self, images: Sequence[str]) -> Iterator[bytes]:
        """Refuse to export that image, together with others too."""
        if any((found := self._find(image)) and found.cmd == ("also", "serve") for image in images):
            raise refusal("layer does not exist")
        return super().export(images)


def deep(engine: FakeEngine) -> None:
    """Let the other image stand on a base of forty paths through two thousand folders each, none of which it has."""
    files: dict[str, Any] = {f"{number}/" + "a/" * 1990: b"" for number in range(40)}
    engine.add_base("deep:1", **files)


@pytest.mark.parametrize(
    ("make", "base", "prepare"),
    [
        pytest.param(FakeEngine, "deep:1", deep, id="what cannot be worked out"),
        pytest.param(Damaged, BASE, lambda _: None, id="what cannot be exported"),
    ],
)
def test_an_image_that_cannot_be_read_is_lost_alone(
    compare: Callable[..., Outcome], make: type[FakeEngine], base: str, prepare: Callable[[FakeEngine], None]
) -> None:
    """The other's sizes are there, its own verdict too; the run ends with exit code 4 and the name."""
    outcome = compare("also serve", prepare, make=make, base=base)
    good, other = outcome.report.variants
    assert (good.verdict, other.verdict) == (Verdict.WORKS, Verdict.WORKS)
    assert good.image is not None
    assert other.image is None
    assert outcome.error is not None
    assert outcome.error.exit_code == 4
    assert "the image of other cannot be read" in outcome.error.message
    assert other.not_measured == (f"its sizes: {outcome.error.message}",)


def test_a_pattern_that_takes_for_ever_is_the_users(
    compare: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No variant is broken by it, no container is left, and the exit code is that of wrong usage."""
    monkeypatch.setattr("imgcompare.check.pattern._LIMIT_S", 1)
    outcome = compare("also serve", lambda _: None, expect=Expectation(body_pattern="(.+)+#$"))
    assert {variant.verdict for variant in outcome.report.variants} == {Verdict.NOT_CHECKED}
    assert isinstance(outcome.error, UsageError)
    assert "takes more than 1 s" in outcome.error.message
