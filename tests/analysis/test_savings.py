"""What an image could be without: by layer and kind, told from what is of use."""

from __future__ import annotations

from imgcompare.analysis.breakdown import Categories
from imgcompare.analysis.filesystem import merge
from imgcompare.analysis.packages import find_packages
from imgcompare.analysis.savings import find_savings
from imgcompare.model import Saving, SavingKind
from tests.support.cases import SITE, Files, layer

BIG = b"x" * 150_000
SMALL = b"x" * 1_000


def savings(*layers: tuple[str, Files], base: int | None = None) -> list[tuple[SavingKind, int | None]]:
    """The kinds and layers of what could be saved."""
    return [(one.kind, one.layer) for one in found(*layers, base=base)]


def found(*layers: tuple[str, Files], base: int | None = None) -> tuple[Saving, ...]:
    """What could be saved of layers, each given with what made it."""
    read = [layer(files) for _, files in layers]
    root = merge(read)
    categories = Categories(find_packages(read, root), "/app")
    return find_savings(read, root, categories, base, [made for made, _ in layers])


def test_each_kind_is_found_in_the_layer_that_brought_it() -> None:
    """Lists, download caches, tools: never one word for all of them."""
    assert savings(
        ("RUN apt-get", {"/var/lib/apt/lists/a": BIG + BIG + BIG, "/usr/include/x.h": BIG + BIG}),
        ("RUN pip", {"/root/.cache/pip/http/x": BIG, "/tmp/other": BIG, f"{SITE}/flask/__init__.py": BIG}),
    ) == [(SavingKind.PACKAGE_LISTS, 1), (SavingKind.BUILD_TOOLS, 1), (SavingKind.DOWNLOAD_CACHES, 2)]


def test_little_is_not_worth_a_word() -> None:
    """Less than 100 kB."""
    assert savings(("RUN apt-get", {"/var/lib/apt/lists/a": SMALL})) == []


def test_an_environment_of_poetry_is_no_download_cache() -> None:
    """It lies below .cache, and the application runs from there."""
    path = "/root/.cache/pypoetry/virtualenvs/app/lib/python3.11/site-packages/flask.py"
    assert savings(("RUN poetry install", {path: BIG})) == []
    assert savings(("RUN poetry install", {"/root/.cache/pypoetry/artifacts/x.whl": BIG}))


def test_of_the_base_only_its_build_tools_are_told() -> None:
    """They are no layer's that the Dockerfile could tidy: a slim base has none."""
    base: Files = {"/usr/include/x.h": BIG, "/var/lib/apt/lists/a": BIG}
    assert savings(("FROM", base), ("RUN x", {"/app/x": BIG}), base=1) == [(SavingKind.FULL_BASE, None)]


def test_what_a_later_layer_takes_away_or_owns_anew() -> None:
    """The layer that did it is named; what the base had is not the Dockerfile's to save."""
    copied: Files = {"/app/x": BIG}
    layers: list[tuple[str, Files]] = [
        ("FROM", {"/a": BIG}),
        ("COPY . /app", copied),
        ("RUN chown", {**copied, "/a": BIG}),
    ]
    assert savings(*layers, base=1) == [(SavingKind.DELETED_LATER, 3)]


def test_what_was_copied_though_nobody_wants_it() -> None:
    """A repository and an environment, by the lines that .dockerignore needs; from a stage it was meant so."""
    files: Files = {"/app/.git/x": BIG + BIG, "/app/sub/.venv/y": BIG, "/app/gitlike/z": BIG}
    (saving,) = found(("COPY . .", files))
    assert (saving.kind, saving.folders) == (SavingKind.UNWANTED_FILES, (".git", ".venv"))
    assert savings(("COPY --from=builder /app /app", files)) == []


def test_what_is_of_use_is_only_told() -> None:
    """Bytecode, tests and documentation have kinds of their own."""
    kinds = savings(
        (
            "RUN pip",
            {
                f"{SITE}/flask/__pycache__/a.pyc": BIG,
                f"{SITE}/flask/tests/test_a.py": BIG,
                "/usr/share/doc/x/changelog": BIG,
            },
        )
    )
    assert {kind for kind, _ in kinds} == {SavingKind.BYTECODE, SavingKind.TESTS, SavingKind.DOCUMENTATION}
