"""What runs beside a variant, if anything does."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from imgcompare.model import Companion, Failure
    from imgcompare.run.plan import Plan, PlannedVariant
    from imgcompare.run.resources import Workbench


class Beside(Protocol):
    """The companions of one variant, under way."""

    def ready(self) -> tuple[tuple[Companion, ...], Failure | None]:
        """Wait until they serve; what failed, if one did."""

    def fallen(self) -> Failure | None:
        """A companion that has ended badly meanwhile, without which nothing can be said of the variant."""

    def keep(self) -> None:
        """Leave them up."""


class _Nothing:
    """Of most variants."""

    def ready(self) -> tuple[tuple[Companion, ...], Failure | None]:
        return (), None

    def fallen(self) -> Failure | None:
        return None

    def keep(self) -> None:
        pass


def beside(plan: Plan, variant: PlannedVariant, bench: Workbench) -> AbstractContextManager[Beside]:
    """Begin to start a variant's companions; they are gone on every way out, unless they are kept."""
    if not variant.group:
        return nullcontext(_Nothing())
    from imgcompare.run.companions import companions  # noqa: PLC0415 - only where something runs beside

    return companions(plan, variant, bench)
