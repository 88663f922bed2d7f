"""What a shell completes beyond commands and options: files, variants, saved runs, codes, comparisons.

It runs while somebody waits for the Tab key: whatever cannot be read completes nothing, and nothing is ever said.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import click
from click.shell_completion import CompletionItem

# Shells then complete paths their own way.
_FILES = CompletionItem("", type="file")


def complete_dockerfiles(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete a path, after ``NAME=`` too: bash takes that for a word of its own, other shells do not."""
    name, equals, path = incomplete.partition("=")
    if not name or not equals:
        return [_FILES]
    return [CompletionItem(f"{name}={found}") for found in _paths(path)]


def complete_images(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete a variant of the newest report, or the path of a Dockerfile or an archive."""
    return [_FILES, *_starting(_variants(), incomplete)]


def complete_variants(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete a variant of the newest report."""
    return _starting(_variants(), incomplete)


def complete_saved(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete a saved run, or the path of a report."""
    from imgcompare.reports.store import saved_runs  # noqa: PLC0415 - only for shell completion, as all below

    return [_FILES, *_starting((path.stem for path in saved_runs(Path.cwd())), incomplete)]


def complete_codes(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the code of a failure or warning."""
    from imgcompare.diagnosis.explanations import EXPLANATIONS  # noqa: PLC0415

    return [
        CompletionItem(code, help=each.summary) for code, each in EXPLANATIONS.items() if code.startswith(incomplete)
    ]


def complete_comparisons(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete a comparison of imgcompare.toml."""
    from imgcompare.config.toml_file import find_config  # noqa: PLC0415
    from imgcompare.errors import ImgcompareError  # noqa: PLC0415

    with suppress(ImgcompareError):
        file = find_config(Path.cwd())
        comparisons = file.table.get("comparisons") if file else None
        return _starting(comparisons if isinstance(comparisons, dict) else (), incomplete)
    return []


def complete_scenarios(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete a bundled scenario."""
    from imgcompare.scenarios import EVERY, SCENARIOS  # noqa: PLC0415

    told = {name: each.description for name, each in SCENARIOS.items()} | {EVERY: "every one of them"}
    return [CompletionItem(name, help=text) for name, text in told.items() if name.startswith(incomplete)]


def _starting(names: Iterable[str], incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(name) for name in dict.fromkeys(names) if name.startswith(incomplete)]


def _variants() -> Iterator[str]:
    from imgcompare.errors import ImgcompareError  # noqa: PLC0415
    from imgcompare.reports import store  # noqa: PLC0415

    with suppress(ImgcompareError):
        path = store.find(Path.cwd(), None)
        for report in store.reports_of(store.load(path)) if path else ():
            yield from (variant.name for variant in report.variants)


def _paths(start: str) -> list[str]:
    """The paths that begin so, folders with a slash behind them."""
    folder, slash, name = start.rpartition("/")
    try:
        found = sorted(Path(folder + slash).iterdir())
    except OSError:
        return []
    return [f"{folder}{slash}{path.name}{'/' * path.is_dir()}" for path in found if path.name.startswith(name)]
