"""Applications on Debian's own Python: where all packages are apt's they are tidied; others keep that Python."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest

from imgcompare.dockerfile.variables import NO_PLATFORM
from imgcompare.remedy.desk import Desk
from imgcompare.remedy.drafts import find_drafts
from imgcompare.remedy.environment import may_be_bare
from imgcompare.remedy.multi_stage import write_multi_stage, write_without_tools
from imgcompare.remedy.needs import Need, apts_python, not_brought
from imgcompare.remedy.shape import Shape
from imgcompare.remedy.tidy import write_tidy
from tests.support.cases import DEBIAN, elf, package
from tests.support.cases import Files as Written
from tests.support.shrinking import files, packages, shape

APT = "RUN apt-get update && apt-get install -y python3 python3-flask"
LISTED = "/usr/lib/python3/dist-packages/flask/__init__.py"
# What apt writes, and what the packages' own scripts make of it: bytecode that dpkg does not list.
BY_APT: Written = {
    **packages("python3", "python3-flask"),
    "/usr/bin/python3": elf(),
    LISTED: "",
    "/usr/lib/python3/dist-packages/flask/__pycache__/__init__.cpython-311.pyc": b"x",
    "/usr/lib/python3/dist-packages/__pycache__/six.cpython-311.pyc": b"x",
    "/var/lib/dpkg/info/python3-flask.list": f"{LISTED}\n",
    "/var/lib/apt/lists/a": b"x" * 200_000,
}
BY_PIP = package("redis", site="/usr/local/lib/python3.11/dist-packages")


def of_apt(run: str = APT, base: str = "debian:12-slim") -> Shape:
    """An application of apt's packages alone."""
    text = f'FROM {base}\nWORKDIR /srv\n{run}\nCOPY . .\nCMD ["python3", "shop.py"]\n'
    return shape(text, {3: BY_APT}, DEBIAN)


def drafted(taken: Shape) -> tuple[list[str], list[str]]:
    """The candidates that are written, by name, and why others are not."""
    desk = SimpleNamespace(
        plan=SimpleNamespace(config=SimpleNamespace(non_root=False, build_args={})),
        platforms=NO_PLATFORM,
        variables=lambda _document: {},
        base_files=lambda _reference: files(DEBIAN),
    )
    refused: list[str] = []
    written: list[str] = []
    for draft, needs in find_drafts(taken, cast("Desk", desk), refused):
        ways = [draft, *filter(None, [draft.otherwise])]
        written += [way.name for way in ways if way.write(needs) is not None][:1]
    return written, refused


RUNS = [APT, f"{APT} && useradd web", f"{APT} && sh setup.sh"]


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("base", ["debian:12-slim", "registry.example/debian:bookworm-slim"])
def test_an_application_of_apts_packages_alone_is_only_tidied(run: str, base: str) -> None:
    """Nothing could be left behind in a builder: bytecode that apt's packages compile is nobody's installation."""
    taken = of_apt(run, base)
    written, refused = drafted(taken)
    assert taken.installers == ()
    assert written == ["tidy"]
    assert "multi-stage: its Python packages are apt's, which belong where they run" in refused


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize(("base", "names"), [("debian:12", ["tidy", "slim"]), ("ubuntu:24.04", ["tidy"])])
def test_debian_has_a_slim_base_for_it(run: str, base: str, names: list[str]) -> None:
    """Without documents and translations; of Ubuntu there is no smaller one."""
    assert drafted(of_apt(run, base))[0] == names


@pytest.mark.parametrize("base", ["debian:12-slim", "ubuntu:24.04"])
def test_what_only_builds_goes_where_nothing_is_built(base: str) -> None:
    """The packages by name, with what they recommend; a program that is for running stays."""
    taken = of_apt("RUN apt-get update && apt-get install -y python3-flask python3-dev build-essential curl", base)
    written = write_without_tools(taken, base, ())
    lists = "rm -rf /var/lib/apt/lists/*"
    run = f"RUN apt-get update \\\n    && apt-get install -y python3-flask curl \\\n    && {lists}"
    assert written == f'FROM {base}\nWORKDIR /srv\n{run}\nCOPY . .\nCMD ["python3", "shop.py"]\n'
    assert write_without_tools(of_apt(), base, ()) is None


@pytest.mark.parametrize(
    ("named", "needed"),
    [((), ["python3"]), (("python3",), []), (("python3-flask",), [])],
)
def test_apts_python_where_only_its_pip_was_asked_for(named: tuple[str, ...], needed: list[str]) -> None:
    """It came along with what builds, and the environment's Python is a link to it."""
    status = packages(
        "python3",
        "python3-minimal",
        "python3-flask",
        depends={"python3": "python3-minimal", "python3-flask": "python3"},
    )
    listed: Written = {"/usr/bin/python3": elf(), "/var/lib/dpkg/info/python3-minimal.list": "/usr/bin/python3\n"}
    original = shape("FROM debian:12\nRUN x\nCMD x\n", {2: {**status, **listed}}, DEBIAN).original
    assert [need.package for need in apts_python(original, (), named)] == needed
    assert apts_python(original, ("python3-minimal",), ()) == ()
    needs = (Need("python3-minimal", "python3"), Need("libpq5", "libpq.so.5"))
    assert not_brought(needs, original, named) == (needs[1:] if named else needs)


def test_an_environment_that_apts_pip_installs_into() -> None:
    """Python's venv is there without apt's python3-venv, and pip without a copy of it."""
    pip: Written = {
        "/usr/bin/pip3": "#!/usr/bin/python3\n",
        **package("pip", "23.0.1", "/usr/lib/python3/dist-packages"),
    }
    run = "RUN apt-get update && apt-get install -y python3-pip && pip3 install --break-system-packages redis"
    text = f'FROM debian:12\n{run}\nCMD ["python3", "shop.py"]\n'
    taken = shape(text, {2: BY_APT | BY_PIP | pip}, DEBIAN)
    assert may_be_bare(taken)
    written = write_multi_stage(taken, "debian:12-slim", files(DEBIAN), (), in_place=False, bare=True)
    assert isinstance(written, str)
    assert "RUN python3 -m venv --without-pip /opt/venv" in written
    assert "python3-pip" not in written.split("# What runs:")[1]


def test_a_run_that_cannot_be_parted_is_left() -> None:
    """What apt does within a condition is no installation of pip's either."""
    taken = of_apt("RUN if true; then apt-get update && apt-get install -y python3-flask; fi")
    assert taken.installers == ()
    assert drafted(taken)[0] == []


def test_tidied_it_stays_on_its_base_and_keeps_every_package() -> None:
    """Package lists go, and nothing else."""
    assert str(write_tidy(of_apt())) == str(of_apt().document).replace(
        APT, f"{APT} \\\n    && rm -rf /var/lib/apt/lists/*"
    )


@pytest.mark.parametrize("together", [True, False])
def test_with_packages_of_pips_the_last_stage_has_apts_python(together: bool) -> None:
    """The near miss: pip's packages can be left to a builder, whose environment is made once apt has brought Python."""
    apt, pip = "apt-get update && apt-get install -y python3 python3-venv", "pip install --break-system-packages redis"
    run = f"RUN {apt} && {pip}" if together else f"RUN {apt}\nRUN {pip}"
    text = f'FROM debian:12-slim\n{run}\nCOPY . .\nCMD ["python3", "shop.py"]\n'
    taken = shape(text, {2: BY_APT | BY_PIP} if together else {2: BY_APT, 3: BY_PIP}, DEBIAN)
    written = write_multi_stage(taken, "debian:12-slim", files(DEBIAN), (), in_place=False)
    assert isinstance(written, str)
    builder, last = written.split("# What runs:")
    assert (
        builder.index("install -y python3 ")
        < builder.index("python3 -m venv /opt/venv")
        < builder.index("install --br")
    )
    assert "python3 -m venv" in builder
    assert "apt-get install -y python3" in last
    assert "COPY --from=builder /opt/venv /opt/venv" in last
    assert "redis" not in last
