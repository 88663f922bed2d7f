"""What a run needs only once images are built, imported while the engine makes the first containers of them.

Whatever comes before that would wait for these imports: they are a third of all.
"""

from __future__ import annotations

from importlib import import_module

# What asks a container, what measures images, and what makes the report of it all: in the order they are needed.
_MODULES = ("imgcompare.run.trial", "imgcompare.run.measure", "imgcompare.run.report")


def preload() -> None:
    """Import them; who needs one meanwhile waits for that one alone."""
    for name in _MODULES:
        import_module(name)
