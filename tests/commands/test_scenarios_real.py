"""The bundled scenarios on the real engine: each is as it declares, and teaches what it says, in numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from imgcompare.config.model import Config
from imgcompare.config.variants import VariantSpec
from imgcompare.console.progress import QuietProgress
from imgcompare.run.opening import Connection
from imgcompare.run.session import perform
from imgcompare.scenarios import SCENARIOS, Scenario

if TYPE_CHECKING:
    from tests.support.projects import Project, Result

pytestmark = pytest.mark.timeout(900)  # where nothing is cached, all scenarios are built in the first of these tests


@pytest.fixture(scope="module")
def everything(lasting_project: Project) -> Result:
    """``imgcompare run --scenario all --json``, once."""
    return lasting_project.start("run", "--scenario", "all", "--json").end()


@pytest.fixture(params=list(SCENARIOS.values()), ids=list(SCENARIOS))
def declared(request: pytest.FixtureRequest) -> Scenario:
    """Each scenario in turn."""
    found: Scenario = request.param
    return found


def report_of(everything: Result, name: str) -> dict[str, Any]:
    """The report of one scenario."""
    (found,) = (report for report in everything.report["comparisons"] if report["scenario"] == name)
    return dict(found)


def sizes(everything: Result, name: str) -> dict[str, int]:
    """The uncompressed sizes of a scenario's variants in bytes, of those that have an image."""
    variants = report_of(everything, name)["variants"]
    return {v["name"]: v["image"]["uncompressed_size"] for v in variants if v["image"]}


def variant_of(everything: Result, scenario: str, name: str) -> dict[str, Any]:
    """One variant of one scenario."""
    (found,) = (v for v in report_of(everything, scenario)["variants"] if v["name"] == name)
    return dict(found)


def test_all_scenarios_pass_as_one_collection(everything: Result) -> None:
    """Exit 0, every scenario in its order, and progress that says how far it is."""
    assert everything.code == 0, everything.stderr
    assert everything.report["passed"] is True
    assert [report["scenario"] for report in everything.report["comparisons"]] == list(SCENARIOS)
    assert f"targets (5 of {len(SCENARIOS)})" in everything.stderr
    assert "slim-to-slim: ✓ 2 work, 1 broken as declared" in everything.stderr


def test_every_variant_is_as_declared(everything: Result, declared: Scenario) -> None:
    """What must work does; what must break does so with the very code that is declared; the rest has a reason."""
    report = report_of(everything, declared.name)
    found, wanted = {}, {}
    for variant, said in zip(report["variants"], declared.variants, strict=True):
        if variant["skipped"]:
            continue
        found[variant["name"]] = (variant["verdict"], variant["failure"] and variant["failure"]["code"])
        wanted[said.name] = ("broken" if said.expected_failure else "works", said.expected_failure)
    assert found == wanted
    assert report["passed"] is True
    assert (report["description"], tuple(report["notes"])) == (declared.description, declared.lessons)
    assert report["baseline"] == declared.baseline


def test_only_alpine_may_be_left_out_and_says_why(everything: Result) -> None:
    """Where no registry answers there is no Alpine; every other base is there."""
    skipped = {v["name"]: v["skipped"] for r in everything.report["comparisons"] for v in r["variants"] if v["skipped"]}
    assert skipped.keys() <= {"alpine"}
    assert all("python:3.11-alpine" in reason and "--host URL" in reason for reason in skipped.values())


def test_slim_to_slim_saves_nothing(everything: Result) -> None:
    """The broken image is the smallest, the mended one is no smaller than the single stage, and the winner works."""
    size = sizes(everything, "slim-to-slim")
    assert size["tutorial"] < size["single"] <= size["mended"]
    assert report_of(everything, "slim-to-slim")["comparison"]["smallest_working"] == "single"


def test_full_to_slim_saves_nothing_against_slim_and_most_against_full(everything: Result) -> None:
    """The mended builds are within a few per cent of the single slim stage, and far below the full one."""
    size = sizes(everything, "full-to-slim")
    for mended in ("mended-venv", "mended-prefix"):
        assert 0.95 < size[mended] / size["single-slim"] < 1.05
        assert size[mended] / size["single-full"] < 0.4
    assert size["tutorial"] < min(size["mended-venv"], size["mended-prefix"])


def test_flask_run_warns_of_what_is_set_in_vain(everything: Result) -> None:
    """FLASK_ENV does nothing, and debug mode is on in just the variant that is started with ``python app.py``."""
    codes = {
        v["name"]: {warning["code"] for warning in v["warnings"]}
        for v in report_of(everything, "flask-run")["variants"]
        if v["verdict"] == "works"
    }
    assert {name for name, found in codes.items() if "debug-mode" in found} == {"python-app"}
    assert {name for name, found in codes.items() if "flask-env-ignored" in found} == {"single", "python-app"}


def test_targets_share_their_base(everything: Result) -> None:
    """Both stages stand on the same layers, production runs as somebody else than root, and the full image is huge."""
    size = sizes(everything, "targets")
    development, production = (variant_of(everything, "targets", name) for name in ("development", "production"))
    assert development["source"]["dockerfile"] == production["source"]["dockerfile"]
    assert (development["source"]["target"], production["source"]["target"]) == ("development", "production")
    assert size["production"] < 0.4 * size["full"]
    assert development["image"]["unique_bytes"] == production["image"]["unique_bytes"] == 0
    assert (development["image"]["user"], production["image"]["user"]) == ("", "10001")


def test_waitress_json_answers_the_same_from_a_third_of_the_size(everything: Result) -> None:
    """Only the port was wrong: on the right one both builds answer the same JSON."""
    report, size = report_of(everything, "waitress-json"), sizes(everything, "waitress-json")
    right, multi = (variant_of(everything, "waitress-json", name) for name in ("right-port", "multi-stage"))
    assert report["comparison"]["same_response"] is True
    assert right["check"]["body_json_sha256"] == multi["check"]["body_json_sha256"] is not None
    assert (right["run"]["container_port"], multi["run"]["container_port"]) == (8080, 8080)
    assert size["multi-stage"] < 0.4 * size["right-port"]


def test_base_images_differ_by_their_first_line(everything: Result) -> None:
    """The same Dockerfile on slim is a fraction of what it is on full."""
    size = sizes(everything, "base-images")
    assert size["slim"] < 0.4 * size["full"]


def test_the_saved_collection_reads_as_pages_and_passes(everything: Result, lasting_project: Project) -> None:
    """`imgcompare report` shows all of it again: each table, what broke as expected, and a closing line."""
    page = lasting_project("report", COLUMNS="200")
    count = len(SCENARIOS)
    broken = sum(v["failure"] is not None for report in everything.report["comparisons"] for v in report["variants"])
    assert (page.code, page.stderr) == (0, "")
    closing = page.stdout.splitlines()[-1]
    assert closing.startswith(f"{count} of {count} comparisons as declared. ")
    assert closing.endswith(f" {broken} are broken on purpose.")
    # A command that is there to be copied is never folded.
    assert max(len(line) for line in page.stdout.splitlines() if not line.lstrip().startswith("Mend  ")) <= 200
    for name, scenario in SCENARIOS.items():
        assert f"imgcompare · {name} · " in page.stdout
        for variant in scenario.variants:
            if variant.expected_failure:
                told = f"{variant.name} is broken (as expected: {variant.expected_failure})\n"
                assert f"\n✗ {told}" in page.stdout
    assert "  ✗ broken (as expected: missing-python-module)\n" in page.stdout
    assert "not as declared" not in page.stdout


def test_one_scenario_is_one_report(everything: Result, lasting_project: Project) -> None:
    """A name alone runs that comparison, from the cache, under tags of its own; options count as everywhere."""
    result = lasting_project("run", "--scenario", "slim-to-slim", "--json", "-q", "--baseline", "mended")
    assert (result.code, result.stderr) == (0, "")
    assert (result.report["scenario"], result.report["baseline"]) == ("slim-to-slim", "mended")
    assert all(v["build"]["cached_step_count"] == v["build"]["step_count"] for v in result.report["variants"])
    references = {v["image"]["reference"] for v in result.report["variants"]}
    assert references == {v["image"]["reference"] for v in report_of(everything, "slim-to-slim")["variants"]}
    assert all(reference.startswith("imgcompare/slim-to-slim-") for reference in references)


def test_an_expectation_of_one_s_own_goes_before_the_scenario_s(lasting_project: Project) -> None:
    """What the user asks to see is looked for, and then what must work does not."""
    result = lasting_project("run", "--scenario", "slim-to-slim", "--json", "-q", "--expect-body", "Goodbye")
    assert result.code == 1
    assert {v["name"]: v["failure"]["code"] for v in result.report["variants"]} == {
        "single": "wrong-response",
        "tutorial": "missing-python-module",
        "mended": "wrong-response",
    }


def test_what_is_declared_broken_and_works_fails_the_run(
    project: Project, engine_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A scenario that no longer shows what it declares is itself broken; so is one that breaks in another way."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    project.stages("works", "exits")
    dockerfile = project.folder / "Dockerfile"
    variants = tuple(
        VariantSpec(name=name, dockerfile=dockerfile, target=name, expected_failure="wrong-port")
        for name in ("works", "exits")
    )
    config = Config(scenario="declared", context=project.folder, variants=variants, rm_images=True)
    outcome = perform(config, Connection(host=engine_url), QuietProgress(), None)
    assert outcome.error is None
    assert [v.verdict for v in outcome.report.variants] == ["works", "broken"]
    assert outcome.report.passed is False


def test_the_list_is_what_can_be_run(project: Project) -> None:
    """Every name and code in the list, with the Dockerfiles to read; as JSON the same, for scripts."""
    text, listed = project("scenarios").stdout, json.loads(project("scenarios", "--json").stdout)
    assert [each["name"] for each in listed["scenarios"]] == list(SCENARIOS)
    for scenario in listed["scenarios"]:
        assert f"{scenario['name']}\n  {scenario['description']}" in text
        for variant in scenario["variants"]:
            assert Path(variant["dockerfile"]).is_file()
            assert f"  {variant['name']}" in text
            assert (variant["expected"] == "broken") == (variant["expected_failure"] is not None)
