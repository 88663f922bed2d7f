"""imgcompare proves that the smaller image still works, with numbers that mean the same on every engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from imgcompare.api.calls import compare, inspect

__version__ = "0.1.0"
__all__ = ["__version__", "compare", "inspect"]


def __getattr__(name: str) -> object:
    """Load what programs call when they ask for it: the command line must not pay for it."""
    if name in {"compare", "inspect"}:
        from imgcompare.api import calls  # noqa: PLC0415

        return getattr(calls, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
