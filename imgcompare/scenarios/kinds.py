"""What a scenario is: plain values, so that naming one costs nothing but this module."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct


class ScenarioVariant(Struct, frozen=True, kw_only=True):
    """One way a scenario makes the image: its Dockerfile, the stage to stop at (None: the last), and what to expect.

    ``about`` says in a few words what it shows. ``expected_failure`` is the code of the failure that it must show,
    None where it must work; ``hardened`` runs it with restrictions too.
    """

    name: str
    about: str
    dockerfile: Path
    target: str | None = None
    expected_failure: str | None = None
    hardened: bool = False


class Scenario(Struct, frozen=True, kw_only=True):
    """A named set of variants of one app, what a good reply is, and the name of the variant others are compared with.

    ``lessons`` are what a reader takes home, a sentence or two each. Without ``expect_body`` the variants' bodies are
    compared with each other. ``timeout_s`` bounds the wait for the first reply; ``compose`` is the
    file of what they need beside themselves.
    """

    name: str
    description: str
    context: Path
    variants: tuple[ScenarioVariant, ...]
    baseline: str
    lessons: tuple[str, ...] = ()
    route: str = "/"
    expect_body: str | None = None
    timeout_s: float = 60.0
    compose: Path | None = None
