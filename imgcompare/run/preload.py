"""What a run needs later, imported while it waits for its engine: what comes before would wait for these imports.

They are half of all. What is needed meanwhile by another thread is waited for by that one alone, as ever.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from importlib import import_module
from threading import Thread

from imgcompare.console.signals import leave_signals_to_the_main_thread

# While the engine tells what it is.
_TO_BUILD = ("imgcompare.engine.transport.http2", "imgcompare.engine.build.solve")
# While it makes the first container: what asks that, what measures its image, and what makes the report of it all.
_ONCE_BUILT = (
    "imgcompare.run.trial",
    "imgcompare.run.measure",
    "imgcompare.run.report",
    "imgcompare.diagnosis.cautions",
)
# How long a thread that has an answer of the engine waits for one that imports: usually it is ten times that.
_TURN_S = 0.0005
_USUAL_TURN_S = sys.getswitchinterval()


@cache
def preload_to_build() -> None:
    """Begin to import, once, what builds."""
    Thread(target=_load_to_build, daemon=True, name="imgcompare-preload").start()


def preload_once_built() -> None:
    """Import what is needed from the first image on."""
    _load(_ONCE_BUILT)


def _load_to_build() -> None:
    leave_signals_to_the_main_thread()
    with suppress(ImportError):  # which is told where it is needed
        _load(_TO_BUILD)


def _load(modules: Iterable[str]) -> None:
    sys.setswitchinterval(_TURN_S)
    try:
        for name in modules:
            import_module(name)
    finally:
        sys.setswitchinterval(_USUAL_TURN_S)
