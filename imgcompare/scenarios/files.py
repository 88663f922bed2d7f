"""Where the bundled files are, in a checkout and in a wheel."""

from __future__ import annotations

from pathlib import Path


def bundled_root() -> Path:
    """Return the folder that holds ``sample_app/`` and ``dockerfiles/``: ``bundled/`` in a wheel, else the checkout."""
    package = Path(__file__).resolve().parents[1]
    bundled = package / "bundled"  # force-included by pyproject.toml; a checkout or an editable install has none
    return bundled if bundled.is_dir() else package.parent
