"""Containers by name: found, and removed for certain, but never one that is not a run's own."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from imgcompare.engine.interface import RUN_LABEL
from imgcompare.errors import EngineError, EngineLostError, EngineRefusedError

if TYPE_CHECKING:
    from imgcompare.engine.client.api import Api

_REMOVE_WAIT_S = 15.0


def find(api: Api, name: str) -> dict[str, Any] | None:
    """Inspect the container of that name or id, also after ``cancel``; None when there is none."""
    try:
        return api.get(f"/containers/{quote(name, safe='')}/json", cleanup=True)
    except EngineRefusedError as exc:
        if exc.status == 404:
            return None
        raise


def remove_of_run(api: Api, name: str, run_id: str) -> bool:
    """Remove the container of that name if its label says that run made it; False when there is none such."""
    found = find(api, name)
    if found is None or ((found.get("Config") or {}).get("Labels") or {}).get(RUN_LABEL) != run_id:
        return False
    remove(api, name)
    return True


def remove(api: Api, name: str) -> None:
    """Remove a container by force with its anonymous volumes; one that is gone already is as good.

    What passes by itself is waited for: a removal under way (409), a busy file system (500), an engine that restarts.
    """
    deadline = time.monotonic() + _REMOVE_WAIT_S
    path = f"/containers/{quote(name, safe='')}"
    while True:
        try:
            api.call("DELETE", path, params={"force": "true", "v": "true"}, cleanup=True)
        except EngineRefusedError as exc:
            if exc.status == 404:
                return
            failure: EngineError = exc
        except EngineLostError as exc:
            failure = exc
        else:
            return
        if time.monotonic() > deadline:
            raise EngineError(
                f"the container {name} could not be removed: {failure.message}",
                hint=f"Once the engine answers: `imgcompare clean`, or `docker rm -f {name}`.",
            ) from failure
        time.sleep(0.2)
