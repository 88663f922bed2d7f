"""What the commands of a RUN are for, by their words."""

from __future__ import annotations

import pytest

from imgcompare.dockerfile.shell import Command
from imgcompare.remedy.steps import Purpose, apt_install, purpose_of


@pytest.mark.parametrize(
    ("text", "purpose"),
    [
        ("pip install -r requirements.txt", Purpose.INSTALL),
        ("pip3 install --no-cache-dir flask", Purpose.INSTALL),
        ("python -m pip install .", Purpose.INSTALL),
        ("python3.11 -m venv /venv", Purpose.INSTALL),
        ("pip install --upgrade pip", Purpose.TOOL),
        ("pip install --upgrade pip setuptools", Purpose.INSTALL),
        ("pip install poetry poetry-plugin-export", Purpose.TOOL),
        ("pip install poetry==1.8", Purpose.TOOL),
        ("pip install -U pip pipenv", Purpose.TOOL),
        ("pip install poetry flask", Purpose.INSTALL),
        ("poetry config virtualenvs.create false", Purpose.TOOL),
        ("poetry install --only main", Purpose.INSTALL),
        ("pipenv install --system", Purpose.INSTALL),
        ("uv sync --frozen", Purpose.INSTALL),
        ("uv pip install --system .", Purpose.INSTALL),
        ("curl -sSL https://install.python-poetry.org | python3 -", Purpose.TOOL),
        ("python setup.py install", Purpose.INSTALL),
        ("python manage.py migrate", Purpose.OTHER),
        ("poetry run flask init-db", Purpose.OTHER),
        ("apt-get update", Purpose.APT),
        ("DEBIAN_FRONTEND=noninteractive apt install -y gcc", Purpose.APT),
        ("rm -rf /var/lib/apt/lists/*", Purpose.CLEAN),
        ("rm -rf /root/.cache /tmp/*", Purpose.CLEAN),
        ("rm -rf /root/.cache /app/tests", Purpose.OTHER),
        ("pip cache purge", Purpose.CLEAN),
        ("useradd -m app", Purpose.OTHER),
        ("cd /app", Purpose.NOTHING),
        ("echo ok", Purpose.NOTHING),
        ("echo ok > /etc/motd", Purpose.OTHER),
    ],
)
def test_purposes(text: str, purpose: Purpose) -> None:
    """Each rule with its near miss: a word more or a redirection makes another thing of it."""
    assert purpose_of(Command(text)) is purpose


def test_what_apt_installs_by_name() -> None:
    """Options and values of options are no packages, and build tools are told from the rest."""
    packages = "gcc libpq-dev curl=7.88 git python3-pip"
    found = apt_install(Command(f"apt-get install -y --no-install-recommends -t bookworm {packages}"))
    assert found is not None
    assert found.packages == tuple(packages.split())
    assert found.kept == ("curl=7.88",)
    assert not found.recommends
    assert found.words[-2:] == ("-t", "bookworm")


@pytest.mark.parametrize("text", ["apt-get install -y $PACKAGES", "apt-get install ./x.deb", "apt-get update"])
def test_what_is_no_list_of_names(text: str) -> None:
    """A variable, a file, or another command: nothing is said to be known."""
    assert apt_install(Command(text)) is None
