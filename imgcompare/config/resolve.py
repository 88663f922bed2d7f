"""Which comparisons to run, and with which settings: flags before environment, environment before file, file before
default.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from imgcompare.check.asked import Asking, asking, parse_headers, parse_route
from imgcompare.comparison.limits import by_variant, check_limits, read_limits
from imgcompare.comparison.measures import OPTIONS
from imgcompare.config.build_options import BUILD_NETWORKS, read_build_options, split_contexts
from imgcompare.config.model import UNNAMED, Config
from imgcompare.config.project import (
    DEFAULT,
    VARIANTS,
    Project,
    Value,
    Values,
    entries,
    flatten,
    nearest,
    read_project,
)
from imgcompare.config.services import NONE, with_services
from imgcompare.config.settings import GATES, OF_BUILDS, OF_REQUESTS, OF_SERVICES, PAIRED, SETTINGS
from imgcompare.config.toml_file import ConfigFile
from imgcompare.config.variants import VariantSpec, parse_pairs, parse_variants
from imgcompare.errors import UsageError
from imgcompare.model import Expectation, Shard
from imgcompare.reports.shards import parse_shard, share
from imgcompare.reports.times import measured_times
from imgcompare.scenarios import EVERY, Scenario, scenarios

Given = Mapping[str, Value]
"""The options of ``run`` that were given, on the command line or in the environment, by the parameter's name."""
_MAIN = "default"
_EXPECT = "expect_"
_OF_A_FILE = {"comparison": "--comparison", "all_": "--all", "shard": "--shard"}


class Resolved(Struct, frozen=True):
    """One comparison to run, and the settings in it that somebody gave."""

    config: Config
    values: Values


class Selection(Struct, frozen=True):
    """The comparisons to run; ``together`` they make one Collection, of ``shard`` if the work is shared."""

    comparisons: tuple[Resolved, ...]
    together: bool = False
    shard: Shard | None = None


def resolve(given: Given, file: ConfigFile | None, environ: Mapping[str, str]) -> Selection:
    """Decide what to run: the variants that were given, else the file's comparisons, else the bundled one.

    Raises UsageError for settings that cannot be used, each with its place.
    """
    if _asked(given, "times") and not _asked(given, "shard"):
        raise UsageError("--times shares comparisons out", hint="Add which share is meant: --shard 1/3")
    over = _over(given, environ)
    if _asked(given, "scenario") and VARIANTS not in given:
        return _bundled(given, over, environ)
    project = read_project(file, environ) if file else None
    named = _asked(given, "compose")
    if named and named != NONE and VARIANTS not in given and (file is None or file.label):
        from imgcompare.config.compose_file import read_compose, variants_of  # noqa: PLC0415 - only where asked for

        # The service itself is what is compared: with nothing, or with what is asked for by --against.
        composed = read_compose(named, None, environ, mount=False)
        given, project = {**given, VARIANTS: Value(variants_of(composed), given["compose"].origin)}, None
    if VARIANTS in given:
        return Selection((_typed(given, project, over, environ),))
    if project is not None:
        names = _names(given, project)
        if (asked := _asked(given, "shard")) is None:
            together = len(names) > 1 or _asked(given, "all_") is not None
            return Selection(tuple(_configured(project, name, over, names, environ) for name in names), together)
        shard = _shard(asked, names, given)
        mine = share(names, shard.index, shard.count, shard.seconds)
        return Selection(tuple(_configured(project, name, over, names, environ) for name in mine), True, shard)
    return _bundled(given, over, environ)


def _shard(asked: str, names: tuple[str, ...], given: Given) -> Shard:
    """The share of the work; where a report with times is not there yet, as before the first run, it goes by number."""
    index, count = parse_shard(asked)
    report = _asked(given, "times")
    seconds = measured_times(report) if report and report.exists() else {}
    return Shard(index=index, count=count, comparisons=names, seconds={x: seconds[x] for x in names if x in seconds})


def _asked(given: Given, name: str) -> Any:
    """The value of an option that was given, if it is any: IMGCOMPARE_ALL=0 asks for nothing."""
    return (given[name].value or None) if name in given else None


def _over(given: Given, environ: Mapping[str, str]) -> Values:
    """What options say, by the settings' keys."""
    values: dict[str, Value] = {}
    for setting in SETTINGS:
        if (option := given.get(setting.parameter)) is None:
            continue
        if not setting.key.startswith(f"{GATES}.") and setting.key != "request_body":
            _check_not_empty(option)
        if setting.key == "route":
            values[setting.key] = replace(option, value=setting.kind.read(option.value))
            continue
        if setting.key in OF_REQUESTS:
            values[setting.key] = replace(option, hidden=True)
            continue
        if setting.key.startswith(f"{GATES}."):
            limits = by_variant(read_limits({setting.parameter.replace("_", "-"): option.value}))
            values |= flatten(setting, limits, option.origin, environ)
            continue
        if setting.parameter == "build_context":
            values |= _contexts(setting.key, option)
            continue
        if setting.key not in PAIRED:
            values[setting.key] = option
            continue
        pairs = parse_pairs(f"--{setting.parameter.replace('_', '-')}", option.value, environ)
        values |= {f"{setting.key}.{name}": Value(text, option.origin, hidden=True) for name, text in pairs.items()}
    return values


def _check_not_empty(option: Value) -> None:
    """Refuse an empty text, as the file does: a script's unset variable would otherwise ask for something else."""
    if "" in (option.value if isinstance(option.value, list | tuple) else (option.value,)):
        raise UsageError(f"{option.origin.where} is given an empty text", hint="Give it a value, or leave it out.")


def _contexts(key: str, option: Value) -> dict[str, Value]:
    """What ``--build-context`` says of one of its two settings: the folder, or the named contexts."""
    folders, named = split_contexts(option.value)
    if key != "context":
        return {f"{key}.{name}": Value(source, option.origin) for name, source in named.items()}
    if len(folders) > 1:
        raise UsageError(
            f"--build-context names two folders, {folders[0]} and {folders[1]}", hint="Further ones are NAME=DIR."
        )
    return {key: Value(Path(folders[0]), option.origin)} if folders else {}


def _names(given: Given, project: Project) -> tuple[str, ...]:
    """Which of the file's comparisons are wanted, in the file's order."""
    there = tuple(project.comparisons)
    asked = _asked(given, "comparison") or ()
    shown = project.file.name
    if not there:
        raise UsageError(
            f"{shown} names no variants to compare",
            hint='Add some, variants = ["Dockerfile", "slim=Dockerfile.slim"], or name them: imgcompare run A B',
        )
    if _asked(given, "all_"):
        if asked:
            raise UsageError("--comparison and --all exclude each other", hint="Leave one of them out.")
        return there
    if "shard" in given:
        raise UsageError(
            "--shard is a share of all comparisons", hint=f"Add --all: --all --shard {given['shard'].value}"
        )
    for name in asked:
        if name not in there:
            raise UsageError(
                f"{shown} has no comparison {name!r}", hint=f"{nearest(name, there)}Comparisons: {', '.join(there)}."
            )
    if not asked and len(there) > 1:
        raise UsageError(
            f"{shown} has {len(there)} comparisons: {', '.join(there)}",
            hint=f"Run one or more, `imgcompare run --comparison {there[0]}`, or all: `imgcompare run --all`",
        )
    return tuple(name for name in there if not asked or name in asked)


def _configured(
    project: Project, name: str, over: Values, names: Sequence[str], environ: Mapping[str, str]
) -> Resolved:
    """A comparison of the file, of those that were asked for."""
    there = {each: entries(values, VARIANTS).keys() for each, values in project.comparisons.items()}
    own = {key: value for key, value in project.comparisons[name].items() if project.shared.get(key) is not value}
    shared = _fitting(project.shared, there[name], there.values())
    values = {**shared, **own, **_fitting(over, there[name], [there[each] for each in names])}
    specs = {key: value.value for key, value in entries(values, VARIANTS).items()}
    for key, value in values.items():
        _refuse_missing(key, value)
        _refuse_limit(key, value, values, tuple(specs))
    base = Config(scenario=name, context=project.file.folder, variants=tuple(specs.values()))
    return Resolved(_config(base, values, environ), values)


def _fitting(values: Values, variants: Collection[str], all_variants: Iterable[Collection[str]]) -> Values:
    """Leave out limits, of those given for several comparisons, for a variant that only others of them have."""
    others = {name for each in all_variants for name in each}.difference(variants)
    return {key: value for key, value in values.items() if _limited(key) not in others}


def _limited(key: str) -> str:
    """Which variant a limit's key names: ``slim`` of ``gates.max_size.slim``; "" for all, and for any other key."""
    table, _, rest = key.partition(".")
    return rest.partition(".")[2] if table == GATES else ""


def _refuse_missing(key: str, value: Value) -> None:
    """What is wrong with a path of the file is said with its line."""
    if value.origin.source != "file":
        return
    where = f"{value.origin.where}: "
    hint = "Paths in a file are relative to its folder."
    if (name := key.removeprefix(f"{VARIANTS}.")) != key and name in {setting.key for setting in SETTINGS}:
        hint = f"{name!r} is here among the variants; as a setting it has to stand above them."
    if key == "context" and not value.value.is_dir():
        raise UsageError(f"{where}the context {value.value} is no folder", hint=hint)
    if isinstance(value.value, VariantSpec) and value.value.dockerfile and not value.value.dockerfile.is_file():
        raise UsageError(f"{where}there is no Dockerfile {value.value.dockerfile}", hint=hint)


def _refuse_limit(key: str, value: Value, values: Values, variants: Sequence[str]) -> None:
    """What is wrong with a limit of the file is said with its line, too."""
    if value.origin.source != "file" or not key.startswith(f"{GATES}."):
        return
    baseline = values["baseline"].value if "baseline" in values else variants[0]
    try:
        check_limits(value.value, variants, baseline, against="against" in values)
    except UsageError as exc:
        raise UsageError(f"{value.origin.where}: {exc.message}", hint=exc.hint) from exc


def _typed(given: Given, project: Project | None, over: Values, environ: Mapping[str, str]) -> Resolved:
    """The variants of the command line, with what a file says of them all; what it says of its own is left out."""
    if named := _asked(given, "scenario"):
        raise UsageError(
            f"--scenario {named[0]} and the variant {given[VARIANTS].value[0]!r} exclude each other",
            hint="A scenario has its own variants; leave one of the two out.",
        )
    for name, flag in (("comparison", "--comparison"), ("all_", "--all"), ("shard", "--shard")):
        if name in given:
            raise UsageError(
                f"{flag} is for the comparisons of a file, not for variants", hint="Leave one of them out."
            )
    told = project.shared if project else {}
    values = {**{key: value for key, value in told.items() if not _of_variants(key)}, **over}
    texts = given[VARIANTS].value
    specs = parse_variants(texts) if texts and isinstance(texts[0], str) else texts
    shown = {f"{VARIANTS}.{spec.name}": Value(spec, given[VARIANTS].origin) for spec in specs}
    base = Config(scenario=UNNAMED, context=Path(), variants=specs)
    return Resolved(_config(base, values, environ), {**shown, **values})


def _of_variants(key: str) -> bool:
    return key in {"baseline", "description", "against"} or key.startswith(f"{GATES}.")


def _bundled(given: Given, over: Values, environ: Mapping[str, str]) -> Selection:
    """The comparisons that need no project at all: the scenarios that were asked for, or the default one."""
    if "context" in over:
        raise UsageError(
            "--build-context needs variants to build", hint="imgcompare run --build-context DIR Dockerfile …"
        )
    named = _asked(given, "scenario") or ()
    for name, flag in _OF_A_FILE.items():
        if _asked(given, name):
            raise UsageError(
                f"{flag} is for the comparisons of a file, and "
                + ("not for scenarios" if named else "there is none here or above"),
                hint="`imgcompare init` writes one from your Dockerfiles; --config FILE names another.",
            )
    bundled = scenarios(named or (_MAIN,))
    there = [[variant.name for variant in each.variants] for each in bundled]
    found = tuple(
        _scenario(each, _fitting(over, mine, there), environ) for each, mine in zip(bundled, there, strict=True)
    )
    # Be it of one: what is written must not depend on how many scenarios there are.
    return Selection(found, together=len(found) > 1 or EVERY in named)


def _scenario(bundled: Scenario, over: Values, environ: Mapping[str, str]) -> Resolved:
    """A scenario, with what was given before what it says itself."""
    own_check = not over.keys() & {"route", "expect_status", "expect_body", "expect_body_pattern", *OF_REQUESTS}
    base = Config(
        scenario=bundled.name,
        description=bundled.description,
        notes=bundled.lessons,
        context=bundled.context,
        variants=tuple(
            VariantSpec(
                name=variant.name,
                dockerfile=variant.dockerfile,
                target=variant.target,
                expected_failure=variant.expected_failure,
                hardened=variant.hardened,
            )
            for variant in bundled.variants
        ),
        baseline=bundled.baseline,
        route=bundled.route,
        timeout_s=bundled.timeout_s,
        expect=Expectation(body=bundled.expect_body if own_check else None),
        # The main job is not left out: without its bases it fails, and says what to do.
        skip_unavailable=bundled.name != _MAIN,
    )
    shown = {f"{VARIANTS}.{spec.name}": Value(spec, DEFAULT) for spec in base.variants}
    if bundled.compose and "compose" not in over:
        over = {**over, "compose": Value(str(bundled.compose), DEFAULT)}
    return Resolved(_config(base, over, environ, alone=False), {**shown, **over})


def _config(base: Config, values: Values, environ: Mapping[str, str], *, alone: bool = True) -> Config:
    """Put the settings over a comparison's own; one that is not ``alone`` says itself what runs beside it."""
    fields: dict[str, Any] = {}
    for setting in SETTINGS:
        name = setting.field or setting.key
        if setting.key in OF_BUILDS or setting.key in OF_SERVICES or setting.key == "contexts":
            continue
        if setting.key in PAIRED:
            pairs = {key: value.value for key, value in entries(values, setting.key).items()}
            fields[name] = {**getattr(base, name), **pairs}
        elif setting.key in values and not setting.key.startswith(f"{GATES}."):
            fields[name] = values[setting.key].value
    fields["asking"] = _asking({name: fields.pop(name) for name in OF_REQUESTS if name in fields})
    route = fields.pop("route", ())
    routes = tuple(map(parse_route, (route,) if isinstance(route, str) else route))
    told = {key: values[key].value for key in OF_BUILDS if key in values}
    if told.get("network") not in (None, *BUILD_NETWORKS):  # it is one that containers join
        del told["network"]
    contexts = {name: value.value for name, value in entries(values, "contexts").items()}
    fields["build"] = read_build_options(told, contexts, environ)
    if "against" in fields:
        fields["against"] = str(fields["against"])
    expect = {name.removeprefix(_EXPECT): fields.pop(name) for name in list(fields) if name.startswith(_EXPECT)}
    if routes:
        fields |= {"route": routes[0].path, "more_routes": routes[1:]}
        said = {"status": routes[0].status, "location": routes[0].location}
        expect |= {name: value for name, value in said.items() if value is not None}
    order = list(OPTIONS)
    limits = [limit for key, value in values.items() if key.startswith(f"{GATES}.") for limit in value.value]
    fields["limits"] = tuple(sorted(limits, key=lambda limit: order.index(limit.option)))
    config = replace(base, **fields, expect=replace(base.expect, **expect))
    return with_services(config, values, environ, base.context if alone else None)


def _asking(given: Mapping[str, Any]) -> Asking:
    """How the route is asked. Raises UsageError for a body whose file cannot be read."""
    text = given.get("request_body", "")
    try:
        body = Path(text[1:]).read_bytes() if text.startswith("@") else text.encode("utf-8", "surrogateescape")
    except (OSError, ValueError) as exc:
        why = getattr(exc, "strerror", None) or exc
        raise UsageError(f"cannot read the request's body {text[1:]}: {why}", hint="Name a file: @FILE") from exc
    return asking(given.get("request_method"), parse_headers(given.get("request_header", ())), body)
