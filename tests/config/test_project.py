"""What the project's file may say, and what is said of a mistake in it."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from imgcompare.config.project import Origin, Project, Value, read_project
from imgcompare.config.toml_file import ConfigFile
from imgcompare.config.variants import VariantSpec
from imgcompare.errors import UsageError
from tests.support.schemas import CONFIG_SCHEMA


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: shop/."""
    (tmp_path / "shop").mkdir()
    monkeypatch.chdir(tmp_path / "shop")
    return tmp_path / "shop"


def read(text: str, prefix: tuple[str, ...] = ()) -> Project:
    """Read a file of that text in the current folder."""
    file = ConfigFile(Path("imgcompare.toml"), tomllib.loads(text), text, prefix)
    project = read_project(file, {"TOKEN": "secret"})
    CONFIG_SCHEMA.validate(file.table)  # what is accepted is valid
    return project


def at(value: object, line: int) -> Value:
    """A value of that line."""
    return Value(value, Origin("file", f"imgcompare.toml:{line}"))


def test_one_comparison_needs_no_table_of_its_own() -> None:
    """Variants as on the command line, in an array; the comparison is named after its folder."""
    project = read(
        'route = "/healthz"\nvariants = ["Dockerfile", "slim=docker/slim.Dockerfile:prod", "image:shop:1.4"]\n'
    )
    assert project.shared == {"route": at("/healthz", 1)}
    assert project.comparisons == {
        "shop": {
            "route": at("/healthz", 1),
            "variants.Dockerfile": at(VariantSpec(name="Dockerfile", dockerfile=Path("Dockerfile")), 2),
            "variants.slim": at(VariantSpec(name="slim", dockerfile=Path("docker/slim.Dockerfile"), target="prod"), 2),
            "variants.shop-1.4": at(VariantSpec(name="shop-1.4", image="shop:1.4"), 2),
        }
    }


def test_variants_can_be_a_table() -> None:
    """Each form of a variant, as text or as a table, keeps its own line."""
    project = read(
        'name = "cart"\n[variants]\na = "Dockerfile:dev"\nb = "image:shop:1.4"\n'
        'c = { dockerfile = "../C", target = "x" }\n'
        '[variants.d]\nimage = "shop"\nexpected_failure = "wrong-port"\n'
    )
    assert project.comparisons["cart"] == {
        "variants.a": at(VariantSpec(name="a", dockerfile=Path("Dockerfile"), target="dev"), 3),
        "variants.b": at(VariantSpec(name="b", image="shop:1.4"), 4),
        "variants.c": at(VariantSpec(name="c", dockerfile=Path("../C"), target="x"), 5),
        "variants.d": at(VariantSpec(name="d", image="shop", expected_failure="wrong-port"), 6),
    }


def test_several_comparisons_share_what_stands_at_the_top() -> None:
    """Their own settings go before the shared ones; tables such as env are joined entry by entry."""
    project = read(
        'timeout = 5\nenv = { A = "shared", B = "shared" }\n'
        '[comparisons.web]\ncontext = "web"\nvariants = ["web/Dockerfile"]\nenv = { B = "own", N = 3 }\n'
        '[comparisons.api]\nvariants = ["api/Dockerfile"]\ntimeout = 7.5\nenv = ["TOKEN", "UNSET", "C=x=y"]\n'
    )
    assert project.comparisons["web"] == {
        "timeout": at(5.0, 1),
        "env.A": at("shared", 2),
        "env.B": at("own", 6),
        "env.N": at("3", 6),
        "context": at(Path("web"), 4),
        "variants.Dockerfile": at(VariantSpec(name="Dockerfile", dockerfile=Path("web/Dockerfile")), 5),
    }
    api = project.comparisons["api"]
    assert api["timeout"] == at(7.5, 9)
    assert api["env.TOKEN"] == Value("secret", Origin("file", "imgcompare.toml:10"), hidden=True)
    assert api["env.C"] == at("x=y", 10)
    assert "env.UNSET" not in api


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("[gates]\nmax_sise = 1", "imgcompare.toml:2: unknown key 'max_sise' in [gates]", "Did you mean 'max_size'? "),
        (
            '[gates]\nmax_size = "12 apples"',
            "imgcompare.toml:2: --max-size '12 apples' is no number of bytes",
            "Accepted forms: --max-size 500000, 500kB, 1.5MB or 2MiB.",
        ),
        ("[gates]\nmax_layers = {}", "imgcompare.toml:2: max_layers = {} is not accepted", "what --max-layers takes"),
        (
            "[gates]\nmust_work = false",
            "imgcompare.toml:2: must_work = false is not accepted",
            "true or variants' names",
        ),
        (
            '[gates]\nmax_size = ["1MB", "2MB"]',
            "imgcompare.toml:2: --max-size is given twice for all variants",
            "--max-size VARIANT=LIMIT",
        ),
        ("gates = 5", "imgcompare.toml:1: gates = 5 is not accepted", "It must be a table: [gates]."),
        ('\nrout = "/"', "imgcompare.toml:2: unknown key 'rout'", "Did you mean 'route'? Keys here: "),
        ('max_size = "1MB"', "imgcompare.toml:1: unknown key 'max_size'", "It is a limit: put it into [gates]."),
        (
            '[comparisons.a]\nvariants = ["Dockerfile"]\nmax_layers = 3',
            "imgcompare.toml:3: unknown key 'max_layers' in [comparisons.a]",
            "It is a limit: put it into [comparisons.a.gates].",
        ),
        ("container-port = 1", "imgcompare.toml:1: unknown key 'container-port'", "Did you mean 'container_port'? "),
        ("[tool.imgcompare]", "imgcompare.toml:1: unknown key 'tool'", "stand at the top"),
        ("keep = true", "imgcompare.toml:1: unknown key 'keep'", "Keys here: "),
        (
            '[comparisons.a]\nvariants = ["D"]\nbasline = "x"',
            "imgcompare.toml:3: unknown key 'basline' in [comparisons.a]",
            "Did you mean 'baseline'? ",
        ),
        (
            '[variants.a]\ndockerfle = "D"',
            "imgcompare.toml:2: unknown key 'dockerfle' in [variants.a]",
            "Did you mean 'dockerfile'? Keys here: dockerfile, expected_failure, image, target.",
        ),
        (
            'timeout = "soon"',
            'imgcompare.toml:1: timeout = "soon" is not accepted',
            "It must be seconds from 0.1 to 3600.",
        ),
        ("timeout = nan", "imgcompare.toml:1: timeout = NaN is not accepted", "It must be seconds from 0.1 to 3600."),
        ("timeout = true", "imgcompare.toml:1: timeout = true is not accepted", "It must be seconds from 0.1 to 3600."),
        (
            "route = 5",
            "imgcompare.toml:1: route = 5 is not accepted",
            "It must be a path as it stands in a URL, such as /healthz, or an array",
        ),
        (
            'platform = "arm64"',
            'imgcompare.toml:1: platform = "arm64" is not accepted',
            "It must be a platform such as linux/amd64.",
        ),
        ('route = "a b"', "imgcompare.toml:1: the route 'a b' is no path", "PATH STATUS LOCATION"),
        (
            "container_port = 0",
            "imgcompare.toml:1: container_port = 0 is not accepted",
            "It must be a port from 1 to 65535.",
        ),
        ("expect_status = 99", "imgcompare.toml:1: expect_status = 99 is not accepted", "from 100 to 599"),
        (
            'expect_body_pattern = "("',
            'imgcompare.toml:1: expect_body_pattern = "(" is not accepted',
            "regular expression",
        ),
        ('pull = "yes"', 'imgcompare.toml:1: pull = "yes" is not accepted', "It must be true or false."),
        (
            'builder = "kaniko"',
            'imgcompare.toml:1: builder = "kaniko" is not accepted',
            "one of auto, buildkit, classic",
        ),
        ("env = 5", "imgcompare.toml:1: env = 5 is not accepted", "It must be a table such as"),
        ("env = { A = 1.5 }", 'imgcompare.toml:1: env = {"A": 1.5} is not accepted', "It must be a table such as"),
        ('env = ["=x"]', 'imgcompare.toml:1: env = ["=x"] is not accepted', "It must be a table such as"),
        ("route = 2024-01-01", 'imgcompare.toml:1: route = "2024-01-01" is not accepted', "It must be"),
        ("variants = 5", "imgcompare.toml:1: variants = 5 is not accepted", "It must be a table of variants"),
        ("[variants]\na = 5", "imgcompare.toml:2: a = 5 is not accepted", "It must be a table: [variants.a]."),
        ("[variants.a]\nimage = 5", "imgcompare.toml:2: image = 5 is not accepted", "It must be text."),
        (
            "[variants.a]\ntarget = 'x'",
            "imgcompare.toml:1: the variant 'a' needs a Dockerfile or an image",
            "dockerfile = ",
        ),
        ('[variants]\n"a b" = "D"', "imgcompare.toml:2: a variant: 'a b' cannot be a name", "letters, digits"),
        ('variants = ["a=D", "a=E"]', "imgcompare.toml:1: two variants are named 'a'", "Give each a name"),
        ('variants = ["a="]', "imgcompare.toml:1: variant 'a=' names no Dockerfile", "NAME=DOCKERFILE"),
        ("variants = []", "imgcompare.toml:1: the comparison 'shop' has no variants", "For example: variants"),
        ("[variants]\n", "imgcompare.toml:1: the comparison 'shop' has no variants", "For example: variants"),
        (
            "[variants]\na = 'D'\nroute = 5",
            "imgcompare.toml:3: 'route' is among the variants",
            "stand above [variants]",
        ),
        (
            'variants = ["D"]\nbaseline = "slim"',
            "imgcompare.toml:2: the baseline 'slim' is no variant of 'shop'",
            "Its variants are: D.",
        ),
        ("[comparisons]", "imgcompare.toml:1: 'comparisons' holds no comparison", "[comparisons.NAME]"),
        ("comparisons = 5", "imgcompare.toml:1: comparisons = 5 is not accepted", "It must be a table: [comparisons]."),
        ("[comparisons.a]", "imgcompare.toml:1: the comparison 'a' has no variants", "For example: variants"),
        ('[comparisons."a/b"]', "imgcompare.toml:1: a comparison: 'a/b' cannot be a name", "letters, digits"),
        (
            'variants = ["D"]\n[comparisons.a]\nvariants = ["D"]',
            "imgcompare.toml:1: 'variants' is of one comparison, and this file has several",
            "Put it into [comparisons.NAME]",
        ),
        ('"\\u001b[31m" = 1', "imgcompare.toml:1: unknown key '\\x1b[31m'", "Keys here: "),
    ],
)
def test_a_mistake_is_named_with_its_line_and_what_is_accepted(text: str, message: str, hint: str) -> None:
    """File, line, key and value; then the accepted form, or the key that may have been meant."""
    with pytest.raises(UsageError) as caught:
        read(text)
    assert caught.value.message.startswith(message)
    assert hint in (caught.value.hint or "")


def test_the_tables_of_a_pyproject_go_by_their_whole_name() -> None:
    """Messages name tables as they are written in that file."""
    text = '[project]\nname = "x"\n[tool.imgcompare.variants.a]\ndockerfle = "D"\n'
    table = tomllib.loads(text)["tool"]["imgcompare"]
    file = ConfigFile(Path("pyproject.toml"), table, text, ("tool", "imgcompare"))
    with pytest.raises(UsageError) as caught:
        read_project(file, {})
    assert caught.value.message == "pyproject.toml:4: unknown key 'dockerfle' in [tool.imgcompare.variants.a]"
