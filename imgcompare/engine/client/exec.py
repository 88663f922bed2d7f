"""A command run in a container beside its program, as the engine runs a HEALTHCHECK; output and time are bounded.

The API: https://docs.docker.com/reference/api/engine/version/v1.47/#tag/Exec
"""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING
from urllib.parse import quote

from imgcompare.engine.client.logs import demultiplex
from imgcompare.engine.interface import Captured, Executed
from imgcompare.errors import EngineLostError, EngineRefusedError
from imgcompare.regex import regex
from imgcompare.text.printable import printable_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imgcompare.engine.client.api import Api

_OUTPUT_BYTES = 4 << 10
_OUTPUT_LINES = 12
_CHUNK_BYTES = 64 << 10
_NOT_FOUND = 127
_POLL_S = 0.02
# Some engines answer with an error what others write into the output: the program is missing or cannot run.
_CANNOT_RUN = regex(r"OCI runtime|executable file not found|no such file or directory|permission denied", re.I)


def execute(api: Api, container: str, command: Sequence[str], timeout_s: float) -> Executed:
    """Run a command as the container's user, with its environment and in its folder.

    One that takes too long is left to itself: it ends with its container. Raises EngineError.
    """
    asked = {"Cmd": list(command), "AttachStdout": True, "AttachStderr": True}
    created = api.call("POST", f"/containers/{quote(container, safe='')}/exec", body=asked)
    path = f"/exec/{quote(str(created['Id']), safe='')}"
    deadline = time.monotonic() + timeout_s
    try:
        data, ended = _output(api, f"{path}/start", deadline)
    except EngineRefusedError as exc:
        if not _CANNOT_RUN.search(exc.text):
            raise
        return Executed(_NOT_FOUND, tuple(printable_lines(exc.text)))
    output = tuple(printable_lines(demultiplex(data).decode(errors="replace"))[-_OUTPUT_LINES:])
    return Executed(_exit_code(api, path, deadline) if ended else None, output)


def capture(api: Api, container: str, command: Sequence[str], timeout_s: float, limit_bytes: int) -> Captured:
    """Run a command as ``execute`` does, and take all that it writes to standard output. Raises EngineError."""
    asked = {"Cmd": list(command), "AttachStdout": True, "AttachStderr": False}
    created = api.call("POST", f"/containers/{quote(container, safe='')}/exec", body=asked)
    path = f"/exec/{quote(str(created['Id']), safe='')}"
    deadline = time.monotonic() + timeout_s
    try:
        data, ended = _output(api, f"{path}/start", deadline, limit_bytes, _CHUNK_BYTES)
    except EngineRefusedError as exc:
        if not _CANNOT_RUN.search(exc.text):
            raise
        return Captured(_NOT_FOUND)
    return Captured(_exit_code(api, path, deadline) if ended else None, demultiplex(data))


def _output(
    api: Api, path: str, deadline: float, limit_bytes: int = _OUTPUT_BYTES, chunk_bytes: int = 1
) -> tuple[bytes, bool]:
    """What the command writes, up to a limit, and whether it was read to its end or to that limit.

    A byte at a time: only so is the deadline looked at when output comes in drips.
    """
    data = bytearray()
    try:
        for piece in api.stream(
            "POST",
            path,
            params={},
            body=json.dumps({"Detach": False, "Tty": False}).encode(),
            headers={"Content-Type": "application/json"},
            silence_s=max(deadline - time.monotonic(), _POLL_S),
            chunk_bytes=chunk_bytes,
        ):
            data += piece
            if len(data) >= limit_bytes:
                break
            if time.monotonic() > deadline:
                return bytes(data), False
    except EngineLostError:
        api.get("/info")  # raises when the engine is what was lost, and not the command's end
        return bytes(data), False
    return bytes(data), True


def _exit_code(api: Api, path: str, deadline: float) -> int | None:
    """Its exit code, which comes a moment after the end of its output; None when it does not end in time."""
    while True:
        found = api.get(f"{path}/json")
        if not found.get("Running") and found.get("ExitCode") is not None:
            return int(found["ExitCode"])
        if time.monotonic() > deadline:
            return None
        time.sleep(_POLL_S)
