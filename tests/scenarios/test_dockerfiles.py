"""The bundled Dockerfiles, linted and held to the rules that a reader relies on."""

from __future__ import annotations

import re
import subprocess
import sysconfig
from pathlib import Path

import pytest

from imgcompare.scenarios import SCENARIOS, bundled_root

HADOLINT = Path(sysconfig.get_path("scripts")) / "hadolint"
ROOT = bundled_root() / "dockerfiles"
DOCKERFILES = sorted(ROOT.rglob("*.Dockerfile"))


def instructions(dockerfile: Path) -> list[str]:
    """Return the instructions, one a line, without comments."""
    text = re.sub(r"^\s*#.*\n", "", dockerfile.read_text(), flags=re.MULTILINE)
    return [line for line in text.replace("\\\n", " ").splitlines() if line.strip()]


@pytest.fixture(params=DOCKERFILES, ids=lambda path: str(path.relative_to(ROOT)))
def dockerfile(request: pytest.FixtureRequest) -> Path:
    """Each bundled Dockerfile in turn."""
    path: Path = request.param
    return path


def test_every_file_is_a_dockerfile_we_look_at() -> None:
    """No file in dockerfiles/ but those of the apps escapes these tests by its name, and each is in a scenario."""
    files = {path for path in ROOT.rglob("*") if path.is_file() and "app" not in path.relative_to(ROOT).parts}
    used = {variant.dockerfile for each in SCENARIOS.values() for variant in each.variants}
    assert files == set(DOCKERFILES) == used != set()


def test_the_first_line_says_how_it_breaks() -> None:
    """Whoever reads a broken Dockerfile is told at its top: the code is the one that its scenario declares."""
    said = {path: re.findall(r"^# Breaks as: ([a-z-]+)$", path.read_text().partition("\n")[0]) for path in DOCKERFILES}
    variants = [variant for each in SCENARIOS.values() for variant in each.variants]
    declared = {
        variant.dockerfile: [variant.expected_failure] if variant.expected_failure else [] for variant in variants
    }
    assert said == declared


# What hadolint says of lines that are meant to be wrong.
# Debian keeps one version of a package: to pin libpq5 would break the build with its next update.
MEANT = {"unknown-user": ["DL3066"], "with-libpq": ["DL3008"]}


def test_hadolint_finds_nothing(dockerfile: Path) -> None:
    """Each is worth copying but for its one mistake: no warning, not even an informative one, and none silenced."""
    ignored = [f"--ignore={meant}" for meant in MEANT.get(dockerfile.name.removesuffix(".Dockerfile"), ())]
    done = subprocess.run(
        [str(HADOLINT), "--no-color", "--disable-ignore-pragma", *ignored, str(dockerfile)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_python_version_is_named_once(dockerfile: Path) -> None:
    """Another Python is one edit, and the stages cannot disagree; a path of site-packages has to name it again."""
    lines = [line for line in instructions(dockerfile) if "/site-packages" not in line]
    assert lines[0] == "ARG PYTHON_VERSION=3.11"
    assert len([line for line in lines if "3.11" in line]) == 1
    bases = [line.split()[1] for line in lines if line.startswith("FROM ")]
    stages = {line.split()[3] for line in lines if re.match(r"FROM \S+ AS ", line)}
    assert {base for base in bases if not base.startswith("python:${PYTHON_VERSION}")} <= stages


def test_builds_without_buildkit_and_without_a_frontend_image(dockerfile: Path) -> None:
    """The classic builder, and BuildKit where no registry answers, can build it."""
    assert "syntax=" not in dockerfile.read_text()
    assert [line for line in instructions(dockerfile) if re.search(r"--mount|--link|--chmod|<<", line)] == []


def test_listens_on_the_port_it_exposes_and_gets_signals_itself(dockerfile: Path) -> None:
    """EXPOSE is the app's default port, and the command is a list, so that no shell swallows SIGTERM."""
    lines = instructions(dockerfile)
    says_8080 = dockerfile.parent.name == "waitress-json" and dockerfile.name != "tutorial.Dockerfile"
    assert f"EXPOSE {8080 if says_8080 else 5000}" in lines
    assert lines[-1].startswith('CMD ["')
