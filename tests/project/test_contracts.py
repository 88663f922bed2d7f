"""The contracts on who may import whom can fail: each is broken by one import that it is there to keep out."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONTRACTS = {
    contract["id"]: str(contract["name"])
    for contract in tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
}
FORBIDDEN = {
    "floors": ("model.py", "imgcompare.run.plan"),
    "engine": ("engine/interface.py", "imgcompare.engine.client.api"),
    "render": ("render/registry.py", "imgcompare.render.pages.diff"),
    "docker": ("reports/store.py", "docker"),
    "click": ("run/plan.py", "click"),
    "rich": ("reports/store.py", "rich"),
    "html": ("render/page.py", "jinja2"),
    "pure": ("text/units.py", "time"),
}
"""By the contract: a module, and what it must not import."""


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What import-linter says of a copy of the package with all of these imports."""
    folder = tmp_path_factory.mktemp("copy")
    shutil.copytree(ROOT / "imgcompare", folder / "imgcompare", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    for name, module in FORBIDDEN.values():
        path = folder / "imgcompare" / name
        path.write_text(path.read_text(encoding="utf-8") + f"\nimport {module}\n", encoding="utf-8")
    program = str(Path(sys.executable).with_name("lint-imports"))
    done = subprocess.run([program, "--no-logo", "--no-cache"], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    return " ".join(done.stdout.split())  # long names are wrapped


@pytest.mark.parametrize("contract", CONTRACTS)
def test_each_contract_can_fail(said: str, contract: str) -> None:
    """A contract that is kept whatever is imported protects nothing; a new one needs an import that breaks it."""
    assert f"{CONTRACTS[contract]} BROKEN" in said
    assert FORBIDDEN[contract][1] in said
