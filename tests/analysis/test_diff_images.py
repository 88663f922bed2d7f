"""What is different between two images: layers and packages, pair by pair."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from imgcompare.analysis.diff_history import pair_history
from imgcompare.analysis.diff_images import PackageChangeKind, package_changes, pair_layers
from imgcompare.model import DebianPackage, Layer, PythonPackage
from tests.support.images import Make


def stack(*layers: str) -> tuple[Layer, ...]:
    """Layers of ``content:instruction``."""
    return tuple(
        Layer(diff_id=content, created_by=instruction, uncompressed_size=1, file_count=1)
        for content, _, instruction in (layer.partition(":") for layer in layers)
    )


def paired(before: tuple[Layer, ...], after: tuple[Layer, ...]) -> list[str]:
    """The pairs, one text each: shared ones with "=", others with what either side has."""
    return [
        ("=" if pair.shared else "") + "/".join(layer.diff_id if layer else "" for layer in (pair.before, pair.after))
        for pair in pair_layers(before, after)
    ]


def test_layers_are_shared_from_the_lowest_up_only() -> None:
    """The same layer above a different one is the same content, but engines hold it twice."""
    before = stack("base:FROM", "a:RUN a", "c:COPY c")
    assert paired(before, stack("base:FROM", "b:RUN b", "c:COPY c")) == ["=base/base", "a/", "/b", "c/c"]
    assert paired(before, before) == ["=base/base", "=a/a", "=c/c"]
    assert paired(before, ()) == ["base/", "a/", "c/"]


def test_layers_of_one_instruction_stand_side_by_side() -> None:
    """A step whose result changed is one row; what only one of them has stands alone."""
    before = stack("a1:COPY app", "x:RUN apt", "p1:RUN pip")
    assert paired(before, stack("a2:COPY app", "p2:RUN pip", "v:COPY venv")) == ["a1/a2", "x/", "p1/p2", "/v"]


def test_content_counts_more_than_the_instruction() -> None:
    """What two instructions made alike is one row, and layers without history are never taken for each other."""
    assert paired(stack("x:RUN one", "same:COPY a"), stack("same:COPY b")) == ["x/", "same/same"]
    assert paired(stack("a:"), stack("b:")) == ["a/", "/b"]


@given(*[st.lists(st.sampled_from(["a:A", "b:B", "c:A", "d:"]), max_size=8)] * 2)
def test_every_layer_is_told_once(before: list[str], after: list[str]) -> None:
    """Whatever the stacks, each side's layers are all there, in their order."""
    pairs = pair_layers(stack(*before), stack(*after))
    assert tuple(pair.before for pair in pairs if pair.before) == stack(*before)
    assert tuple(pair.after for pair in pairs if pair.after) == stack(*after)


def debian(name: str, version: str, installed_bytes: int = 100) -> DebianPackage:
    """A package."""
    return DebianPackage(name=name, version=version, installed_bytes=installed_bytes)


def test_packages_are_sorted_by_what_they_move() -> None:
    """Added, removed, of another version or size: the greatest change first; what is the same is not told."""
    before = [debian("same", "1"), debian("gone", "1", 900), debian("grown", "2", 100), debian("newer", "1", 10)]
    after = [debian("same", "1"), debian("come", "3", 500), debian("grown", "2", 160), debian("newer", "2", 15)]
    assert [
        (row.name, row.kind, row.before_version, row.after_version, row.delta_bytes)
        for row in package_changes(before, after)
    ] == [
        ("gone", PackageChangeKind.REMOVED, "1", None, -900),
        ("come", PackageChangeKind.ADDED, None, "3", 500),
        ("grown", PackageChangeKind.RESIZED, "2", "2", 60),
        ("newer", PackageChangeKind.VERSION, "1", "2", 5),
    ]


def test_packages_of_one_name_are_held_together_by_version() -> None:
    """What moved to another environment is the same package; of several, only the one that is another is told."""

    def at(location: str, version: str) -> PythonPackage:
        return PythonPackage(name="pip", version=version, installed_bytes=7, location=location)

    assert package_changes([at("/usr", "23")], [at("/venv", "23")]) == ()
    (row,) = package_changes([at("/usr", "23"), at("/a", "24")], [at("/venv", "25"), at("/usr", "23")])
    assert (row.kind, row.before_version, row.after_version) == (PackageChangeKind.VERSION, "24", "25")
    (row,) = package_changes([at("/usr", "23")], [at("/usr", "23"), at("/venv", "23")])
    assert (row.kind, row.after_version) == (PackageChangeKind.ADDED, "23")


PACKAGES = st.lists(st.builds(debian, st.sampled_from("ab"), st.sampled_from("12"), st.integers(0, 3)), max_size=6)


@given(PACKAGES, PACKAGES)
def test_the_changes_add_up(before: list[DebianPackage], after: list[DebianPackage]) -> None:
    """However many of one name there are, the bytes of all changes are the difference of the totals."""
    moved = sum(row.delta_bytes for row in package_changes(before, after))
    assert moved == sum(p.installed_bytes for p in after) - sum(p.installed_bytes for p in before)
    assert package_changes(before, list(reversed(before))) == ()


def test_histories_stand_side_by_side(make: Make) -> None:
    """Rows without a layer too; of variables the names alone are told, for anything may be in their values."""
    layers = make.layers()
    old = make.config(layers, history=[{"created_by": "COPY a /"}, {"created_by": "ENV A=1", "empty_layer": True}])
    new = make.config(layers, history=[{"created_by": "COPY a /"}, {"created_by": "ENV A=2", "empty_layer": True}, {}])
    assert [(pair.before, pair.after, pair.empty_layer) for pair in pair_history(old, new)] == [
        ("COPY a /", "COPY a /", False),
        ("ENV A", None, True),
        (None, "ENV A", True),
        (None, "", False),
    ]
