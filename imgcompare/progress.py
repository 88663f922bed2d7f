"""What a run tells while it works: the protocol, one view for a terminal and one that prints plain lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from imgcompare.model import Stage


class Progress(Protocol):
    """Receives what happens, from any thread. Everything goes to stderr; stdout belongs to the report."""

    def stage(self, subject: str, stage: Stage, detail: str = "") -> None:
        """Say where ``subject`` (a variant, or a base image being pulled) is now, and at which step or byte."""

    def finished(self, subject: str, outcome: str, *, ok: bool) -> None:
        """Say how ``subject`` ended, in a few words."""

    def note(self, text: str) -> None:
        """Say something once that the user should know."""
