"""A folder of wheels that pip in the own engine's builds takes packages from, where no package index is in reach.

It is served on an address of the engine's bridge that nothing else is reached by (RFC 3927), the same at each start:
base images name it in variables of pip's. Nobody but this machine and the engine's containers can ask there.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import ProxyHandler, build_opener

from imgcompare.engine.own import processes
from imgcompare.engine.own.host import require_program, run, run_as_root
from imgcompare.errors import NoEngineError

PORT = 8377
_START_TIMEOUT_S = 20.0
_POLL_S = 0.05


def address(name: str) -> str:
    """Return the address that belongs to the bridge of this name, made from the digits that it ends in."""
    number = int(name[-4:], 16)
    return f"169.254.{1 + number // 256 % 160}.{1 + number % 254}"


def variables(name: str) -> dict[str, str]:
    """Return what has pip take packages from there, and from nowhere else."""
    host = address(name)
    return {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": f"http://{host}:{PORT}/", "PIP_TRUSTED_HOST": host}


def serve(name: str, folder: Path) -> None:
    """Have the folder served on the bridge of this name. Raises NoEngineError."""
    if _servers(folder):
        return
    host = address(name)
    ip = require_program("ip")
    links = json.loads(run([ip, "-j", "-4", "addr", "show", "dev", name], "reading the bridge's address"))
    if not any(one.get("local") == host for link in links for one in link.get("addr_info", [])):
        run_as_root([ip, "addr", "add", f"{host}/32", "dev", name], f"giving {name} the address {host}")
    # -I: nothing of the folder we are in is imported. A session of its own: Ctrl-C and the terminal's end pass it by.
    command = [sys.executable, "-I", "-m", "http.server", str(PORT), "--bind", host, "--directory", str(folder)]
    with open(os.devnull, "r+b") as nothing:  # noqa: PTH123 - a device
        subprocess.run(["setsid", "--fork", *command], stdin=nothing, stdout=nothing, stderr=nothing, check=True)
    _wait(f"http://{host}:{PORT}/")


def stop(folder: Path) -> bool:
    """End what serves the folder; False where it does not end."""
    return processes.terminate(lambda: _servers(folder), grace_s=5.0)


def _servers(folder: Path) -> list[int]:
    return processes.find(Path(sys.executable).name, "--directory", str(folder))


def _wait(url: str) -> None:
    opener = build_opener(ProxyHandler({}))  # the machine's proxy does not know this address
    started = time.monotonic()
    while True:
        try:
            with opener.open(url, timeout=2):
                return
        except OSError as exc:
            if time.monotonic() - started > _START_TIMEOUT_S:
                raise NoEngineError(f"the wheels are not served at {url}: {exc}") from exc
            time.sleep(_POLL_S)
