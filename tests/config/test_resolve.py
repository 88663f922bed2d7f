"""Which comparisons run, with which settings: flags before environment, environment before file, file before all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from imgcompare.comparison.limits import Limit
from imgcompare.config.model import Config
from imgcompare.config.project import Origin, Value
from imgcompare.config.resolve import resolve
from imgcompare.config.toml_file import ConfigFile, find_config
from imgcompare.config.variants import VariantSpec
from imgcompare.errors import UsageError
from imgcompare.model import Expectation, Shard
from imgcompare.reports.collection import collect
from imgcompare.text.as_json import as_json
from tests.support.reports import report

FLEET = """\
timeout = 5
[gates]
max_layers = 9
[comparisons.web]
context = "web"
variants = ["web/Dockerfile", "slim=web/slim.Dockerfile"]
[comparisons.api]
variants = ["api/Dockerfile"]
gates = { max_layers = 3 }
[comparisons.cron]
variants = ["api/Dockerfile"]
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with some Dockerfiles."""
    for name in ("Dockerfile", "slim.Dockerfile", "web/Dockerfile", "web/slim.Dockerfile", "api/Dockerfile"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("FROM scratch\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def project(text: str) -> ConfigFile | None:
    """The current folder's file, of that text."""
    Path("imgcompare.toml").write_text(text)
    return find_config(Path())


def flags(**options: Any) -> dict[str, Value]:
    """Options of the command line."""
    return {name: Value(value, Origin("flag", f"--{name}")) for name, value in options.items()}


def configs(text: str, environ: dict[str, str] | None = None, **options: Any) -> list[Config]:
    """What runs with such a file and such options."""
    return [each.config for each in resolve(flags(**options), project(text), environ or {}).comparisons]


def test_a_flag_goes_before_the_file_and_the_file_before_the_default() -> None:
    """Settings are taken one by one; entries of a table too."""
    text = (
        'name = "shop"\nroute = "/file"\ntimeout = 5\nexpect_body = "file"\nenv = { A = "file", B = "file" }\n'
        'variants = ["Dockerfile", "slim.Dockerfile"]\nbaseline = "slim"\n'
        'gates = { max_layers = 9, max_size = "1GB" }\n'
    )
    (config,) = configs(
        text, {"C": "outside"}, route="/flag", expect_status=204, env=("B=flag", "C"), max_layers=("slim=3",), keep=True
    )
    assert config == Config(
        scenario="shop",
        context=Path(),
        variants=(
            VariantSpec(name="Dockerfile", dockerfile=Path("Dockerfile")),
            VariantSpec(name="slim", dockerfile=Path("slim.Dockerfile")),
        ),
        baseline="slim",
        route="/flag",
        timeout_s=5.0,
        expect=Expectation(status=204, body="file"),
        env={"A": "file", "B": "flag", "C": "outside"},
        keep=True,
        limits=(
            Limit(option="max-size", measure="uncompressed_size", value=1e9, text="1GB"),
            Limit(option="max-layers", measure="layer_count", value=9, text="9"),
            Limit(option="max-layers", measure="layer_count", value=3, variant="slim", text="slim=3"),
        ),
    )


@pytest.mark.parametrize(
    ("given", "limits"),
    [
        ({}, {"": 9e8, "slim": 3e8}),
        ({"max_size": ("slim=1MB",)}, {"": 9e8, "slim": 1e6}),
        ({"max_size": ("1GB",)}, {"": 1e9, "slim": 3e8}),
        ({"max_size": ("Dockerfile=5MB", "slim=1MB")}, {"": 9e8, "Dockerfile": 5e6, "slim": 1e6}),
    ],
)
def test_a_limit_stands_in_place_of_that_for_the_same_variant(given: dict[str, Any], limits: dict[str, float]) -> None:
    """To tighten one variant in CI does not let all others grow; what each limit is from stays known."""
    text = 'variants = ["Dockerfile", "slim.Dockerfile"]\ngates = { max_size = ["900MB", "slim=300MB"] }\n'
    (resolved,) = resolve(flags(**given), project(text), {}).comparisons
    assert {limit.variant or "": limit.value for limit in resolved.config.limits} == limits
    by_flag = {text.rpartition("=")[0] for text in given.get("max_size", ())}
    shown = {key.removeprefix("gates.max_size").lstrip("."): value for key, value in resolved.values.items()}
    assert {name: shown[name].origin.source for name in limits} == {
        name: "flag" if name in by_flag else "file" for name in limits
    }


NAMED = """\
[comparisons.web]
variants = ["web/Dockerfile", "slim=web/slim.Dockerfile"]
[comparisons.api]
variants = ["api/Dockerfile"]
"""


@pytest.mark.parametrize(
    ("top", "given"), [("", {"max_size": ("slim=1MB",)}), ('[gates]\nmax_size = "slim=1MB"\n', {})]
)
def test_a_limit_for_several_comparisons_is_for_those_that_have_the_variant(top: str, given: dict[str, Any]) -> None:
    """Also where another machine runs these; one that none of them has is refused, for it would hold nothing."""
    web, api = configs(top + NAMED, all_=True, **given)
    assert [[limit.variant for limit in each.limits] for each in (web, api)] == [["slim"], []]
    (alone,) = configs(top + NAMED, all_=True, shard="1/2", **given)
    assert (alone.scenario, alone.limits) == ("api", ())
    (cut,) = configs(top + NAMED, comparison=("api",))
    assert cut.limits == ()
    with pytest.raises(UsageError, match="--max-size slim: there is no such variant"):
        configs(NAMED, comparison=("api",), max_size=("slim=1MB",))
    with pytest.raises(UsageError, match="--max-size slm: there is no such variant"):
        configs(NAMED, all_=True, max_size=("slm=1MB",))


def test_a_limit_of_one_comparison_names_a_variant_of_its_own() -> None:
    """That another comparison has it is no excuse."""
    with pytest.raises(UsageError, match=r"imgcompare\.toml:5: --max-size slim: there is no such variant"):
        configs(NAMED + 'gates = { max_size = "slim=1MB" }\n', all_=True)


def test_a_limit_for_several_scenarios_is_for_those_that_have_the_variant() -> None:
    """As it is for the comparisons of a file."""
    chosen = resolve(flags(scenario=("default", "slim-to-slim"), max_size=("mended=1MB",)), None, {}).comparisons
    assert [[limit.variant for limit in each.config.limits] for each in chosen] == [[], ["mended"]]


def test_what_a_comparison_limits_goes_before_what_is_said_for_all() -> None:
    """Each limit by itself here, too; bytes and a percentage for one variant are one entry."""
    text = (
        '[gates]\nmax_wasted = ["5MB", "2%"]\nmust_work = true\n[comparisons.web]\n'
        'variants = ["Dockerfile", "slim.Dockerfile"]\ngates = { max_wasted = "slim=1%", must_work = "slim" }\n'
        '[comparisons.api]\nvariants = ["Dockerfile"]\ngates = { max_wasted = "1MB" }\n'
    )
    web, api = ([(x.measure, x.variant, x.value) for x in each.limits] for each in configs(text, all_=True))
    assert web == [
        ("wasted_bytes", None, 5e6),
        ("wasted_ratio", None, 0.02),
        ("wasted_ratio", "slim", 0.01),
        ("works", None, 1),
        ("works", "slim", 1),
    ]
    assert api == [("wasted_bytes", None, 1e6), ("works", None, 1)]


def test_where_each_value_came_from_is_known() -> None:
    """The flag, the variable or the line; values from outside the file may be secrets."""
    given = flags(env=("B=x",)) | {"route": Value("/env", Origin("environment", "IMGCOMPARE_ROUTE"))}
    (resolved,) = resolve(
        given, project('env = { A = "1" }\nroute = "/file"\nvariants = ["Dockerfile"]'), {}
    ).comparisons
    origins = {key: (value.origin.source, value.origin.where, value.hidden) for key, value in resolved.values.items()}
    assert origins == {
        "env.A": ("file", "imgcompare.toml:1", False),
        "route": ("environment", "IMGCOMPARE_ROUTE", False),
        "variants.Dockerfile": ("file", "imgcompare.toml:3", False),
        "env.B": ("flag", "--env", True),
    }


def test_variants_of_the_command_line_take_only_what_the_file_says_of_all() -> None:
    """The check and the context hold for them too; the file's baseline and limits are of its own variants."""
    text = 'route = "/x"\ncontext = "web"\nbaseline = "slim"\nvariants = ["slim.Dockerfile"]\n'
    text += 'gates = { max_size = "slim=1MB" }'
    (config,) = configs(text, variants=("new=Dockerfile",))
    assert config == Config(
        scenario="run",
        context=Path("web"),
        variants=(VariantSpec(name="new", dockerfile=Path("Dockerfile")),),
        route="/x",
    )


def test_the_file_of_a_folder_above_has_paths_of_its_own_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever in the repository a command is given, the same files are meant."""
    (folder / ".git").mkdir()
    project('variants = ["web/Dockerfile"]')
    monkeypatch.chdir(folder / "api")
    (resolved,) = resolve({}, find_config(Path()), {}).comparisons
    assert resolved.config.context == folder
    assert resolved.config.variants[0].dockerfile == folder / "web/Dockerfile"


def test_comparisons_are_chosen_by_name_or_all_of_them() -> None:
    """They run in the file's order; several make a collection, and all of them do even if all is one."""
    by_name = resolve(flags(comparison=("cron", "web")), project(FLEET), {})
    assert [each.config.scenario for each in by_name.comparisons] == ["web", "cron"]
    assert by_name.together
    assert not resolve(flags(comparison=("api",)), project(FLEET), {}).together
    every = resolve(flags(all_=True), project(FLEET), {})
    assert [each.config.limits[0].value for each in every.comparisons] == [9, 3, 9]
    assert [each.config.timeout_s for each in every.comparisons] == [5, 5, 5]
    assert (every.together, every.shard) == (True, None)
    alone = project('name = "shop"\nvariants = ["Dockerfile"]')
    assert not resolve({}, alone, {}).together
    assert resolve(flags(all_=True), alone, {}).together


def test_a_shard_is_a_share_of_all_and_knows_them_all() -> None:
    """Sorted, the comparisons are api, cron and web."""
    taken = resolve(flags(all_=True, shard="1/2"), project(FLEET), {})
    assert [each.config.scenario for each in taken.comparisons] == ["web", "api"]
    assert taken.shard == Shard(index=1, count=2, comparisons=("web", "api", "cron"))
    nothing = resolve(flags(all_=True, shard="4/4"), project(FLEET), {})
    assert (nothing.comparisons, nothing.together) == ((), True)


def test_a_report_with_times_shares_out_by_them_once_it_is_there(folder: Path) -> None:
    """Before the first run there is none, and the file that will have it is named in the job all the same."""
    times = folder / "times.json"
    first = resolve(flags(all_=True, shard="1/2", times=times), project(FLEET), {})
    assert (len(first.comparisons), first.shard and first.shard.seconds) == (2, {})
    took = {"web": 4.0, "api": 9.0, "cron": 3.0, "gone": 60.0}
    ran = collect([report(scenario=name, duration_s=took_s) for name, took_s in took.items()], created="")
    times.write_bytes(as_json(ran))
    shares = [resolve(flags(all_=True, shard=f"{n}/2", times=times), project(FLEET), {}) for n in (1, 2)]
    assert [[each.config.scenario for each in one.comparisons] for one in shares] == [["api"], ["web", "cron"]]
    assert shares[0].shard is not None
    assert shares[0].shard.seconds == {"web": 4.0, "api": 9.0, "cron": 3.0}


def test_without_file_and_variants_the_bundled_comparison_runs() -> None:
    """A file without any comparison is no reason to run another one."""
    (bundled,) = resolve(flags(route="/healthz"), None, {}).comparisons
    assert (bundled.config.scenario, bundled.config.route) == ("default", "/healthz")
    with pytest.raises(UsageError, match=r"imgcompare\.toml names no variants to compare"):
        configs('route = "/x"')


def test_only_scenarios_leave_out_what_has_no_base_image() -> None:
    """The main job without its base images is broken, and says how to get them; it is never left out silently."""
    (bundled,) = resolve(flags(), None, {}).comparisons
    (scenario,) = resolve(flags(scenario=("base-images",)), None, {}).comparisons
    assert (bundled.config.skip_unavailable, scenario.config.skip_unavailable) == (False, True)


@pytest.mark.parametrize(
    ("text", "options", "message", "hint"),
    [
        (FLEET, {}, "imgcompare.toml has 3 comparisons: web, api, cron", "imgcompare run --all"),
        (
            FLEET,
            {"comparison": ("wbe",)},
            "has no comparison 'wbe'",
            "Did you mean 'web'? Comparisons: web, api, cron.",
        ),
        (FLEET, {"comparison": ("web",), "all_": True}, "exclude each other", "Leave one"),
        (FLEET, {"shard": "1/2"}, "--shard is a share of all comparisons", "--all --shard 1/2"),
        (FLEET, {"all_": True, "times": Path("times.json")}, "--times shares comparisons out", "--shard 1/3"),
        (FLEET, {"all_": True, "shard": "0/3"}, "--shard '0/3' is no share", "--shard 1/3"),
        (FLEET, {"all_": True, "variants": ("Dockerfile",)}, "--all is for the comparisons of a file", "Leave one"),
        ('variants = ["none.Dockerfile"]', {}, "imgcompare.toml:1: there is no Dockerfile none.Dockerfile", "relative"),
        ('context = "x"\nvariants = ["Dockerfile"]', {}, "imgcompare.toml:1: the context x is no folder", "relative"),
        (
            'variants = ["Dockerfile"]\n[gates]\nmax_size = "slim=1MB"',
            {},
            "imgcompare.toml:3: --max-size slim: there is no such variant",
            "The variants are: Dockerfile.",
        ),
    ],
)
def test_what_cannot_be_run_is_said_before_anything_is(
    text: str, options: dict[str, Any], message: str, hint: str
) -> None:
    """Each error says what there is, and what to write."""
    with pytest.raises(UsageError) as caught:
        configs(text, **options)
    assert message in caught.value.message
    assert hint in (caught.value.hint or "")


@pytest.mark.parametrize(
    "options",
    [
        {"route": ("",)},
        {"route": ("/", "")},
        {"expect_body": ""},
        {"expect_body_pattern": ""},
        {"network": ""},
        {"against": ""},
        {"cache_from": ("",)},
        {"build_context": ("",)},
    ],
    ids=str,
)
def test_an_empty_text_is_no_value(options: dict[str, Any]) -> None:
    """``--expect-body "$UNSET"`` would take any body for good, ``--build-context ""`` this folder: both are refused."""
    (name,) = options
    with pytest.raises(UsageError, match=f"--{name} is given an empty text"):
        configs('variants = ["Dockerfile"]', **options)


def test_an_empty_body_is_a_request_s_and_an_empty_name_every_variant_s() -> None:
    """``--request-body ""`` sends none, and ``--must-work`` alone is for all of them."""
    (config,) = configs('variants = ["Dockerfile"]', request_body="", must_work=("",))
    assert config.asking.body == b""
    assert [limit.variant for limit in config.limits] == [None]


@pytest.mark.parametrize("options", [{"all_": True}, {"comparison": ("a",)}, {"shard": "1/2"}])
def test_choosing_among_comparisons_needs_a_file(options: dict[str, Any]) -> None:
    """The error says how to get one."""
    with pytest.raises(UsageError, match="there is none here or above") as caught:
        resolve(flags(**options), None, {})
    assert "imgcompare init" in (caught.value.hint or "")


def test_what_growth_is_measured_from_is_named_in_the_file(folder: Path) -> None:
    """A baseline file is relative to the project's; variants of the command line are not held against it."""
    text = 'variants = ["Dockerfile"]\nagainst = "ci/../b.json"\ngates = { max_growth = "2%" }\n'
    (config,) = configs(text)
    assert (config.against, config.limits[0].measure) == ("b.json", "growth_ratio")
    assert configs(text, against="shop:1")[0].against == "shop:1"
    assert configs(text, variants=("slim.Dockerfile",))[0].against is None
    assert configs(text.replace("ci/../b.json", "image:shop:1.4"))[0].against == "image:shop:1.4"
    with pytest.raises(UsageError, match="toml:2: --max-growth needs something that growth is measured from"):
        configs('variants = ["Dockerfile"]\ngates = { max_growth = "2%" }\n')
