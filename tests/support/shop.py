"""A project whose variants run on the fake engine, from its Config to its Outcome."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from imgcompare.config.model import Config
from imgcompare.config.variants import VariantSpec
from imgcompare.console.progress import Progress, QuietProgress
from imgcompare.console.signals import interruptible
from imgcompare.model import Report, Stage, Variant
from imgcompare.run.blueprints import draw_blueprints
from imgcompare.run.ledger import CONTAINER, ended_runs
from imgcompare.run.opening import Connection, ledgers_folder, opened
from imgcompare.run.pipeline import Outcome, run_comparison
from imgcompare.run.plan import make_plan
from tests.support.fake_engine import App, FakeEngine

BASE = "base:1"
RUN_ID = "20260131T120000000-abcdef"


class Told(QuietProgress):
    """Progress that is kept."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.outcomes: dict[str, tuple[str, bool]] = {}
        self.stages: list[tuple[str, Stage]] = []

    def note(self, text: str) -> None:
        """Keep it."""
        self.notes.append(text)

    warn = note

    def finished(self, subject: str, outcome: str, *, ok: bool) -> None:
        """Keep how it ended."""
        self.outcomes[subject] = outcome, ok

    def stage(self, subject: str, stage: Stage, detail: str = "") -> None:
        """Keep where it is."""
        self.stages.append((subject, stage))


class Shop:
    """A folder, an engine, and all that a run told and saved."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.told = Told()
        self.saved: list[Report] = []
        self.engine = FakeEngine({"works": App(), "ends": App(log=("no users are known",), exit_code=3)})
        self.engine.add_base(BASE)
        (folder / "app.py").write_text("print()\n")

    def dockerfile(self, name: str, text: str = "", *, cmd: str = "works", base: str = BASE) -> VariantSpec:
        """Write a Dockerfile with a layer of its own, whatever else it is to hold, and a CMD."""
        path = self.folder / f"{name}.Dockerfile"
        path.write_text(f'FROM {base}\nCOPY app.py /{name}/\nEXPOSE 5000\n{text}\nCMD ["{cmd}"]\n')
        return VariantSpec(name=name, dockerfile=path)

    def config(self, *specs: VariantSpec, **options: Any) -> Config:
        """A comparison of variants; three that work where none are given."""
        specs = specs or tuple(self.dockerfile(name) for name in "abc")
        return Config(scenario="shop", context=self.folder, variants=specs, **{"timeout_s": 20.0, **options})

    def run(self, config: Config | None = None, run_id: str = RUN_ID) -> Outcome:
        """Run a comparison to its end."""
        plan = make_plan(config or self.config(), run_id)
        blueprints = draw_blueprints(plan)
        with opened(plan, self.engine, self.told, save=self.saved.append) as bench:
            return run_comparison(plan, blueprints, bench)

    def open_as_the_engine(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let whole commands find this engine, with signals caught as they are on a real one."""

        @contextmanager
        def found(_connection: Connection, progress: Progress) -> Iterator[FakeEngine]:
            with interruptible(progress.stopping), closing(self.engine):
                yield self.engine

        for module in ("session", "several"):
            monkeypatch.setattr(f"imgcompare.run.{module}.working_engine", found)

    def left(self) -> list[str]:
        """The containers that are left of runs."""
        return list(self.engine.containers)

    def written_down(self) -> set[str]:
        """What the ledgers of ended runs say of containers."""
        with ended_runs(ledgers_folder()) as runs:
            return {made.name for run in runs for made in run.made if made.kind == CONTAINER}


def by_name(report: Report) -> dict[str, Variant]:
    """The variants of a report."""
    return {variant.name: variant for variant in report.variants}


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """The project, with state and cache folders of its own; what a lost engine left running is ended."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "project").mkdir()
    shop = Shop(tmp_path / "project")
    yield shop
    shop.engine.shut_down()
