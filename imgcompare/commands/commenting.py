"""What a comment says: a Markdown file as it is, or a saved report rendered."""

from __future__ import annotations

import sys
from pathlib import Path

from imgcompare import store
from imgcompare.errors import UsageError
from imgcompare.render import Style, render

_BODY_LIMIT_BYTES = 4 << 20  # as many as the longest comment that any forge takes


def text_of(saved: str | None, body_file: Path | None, project: Path) -> str:
    """Return the comment's Markdown. Raises UsageError for what cannot be read."""
    if body_file is not None:
        if saved is not None:
            raise UsageError(
                f"both a report ({saved}) and --body-file {body_file} were given", hint="Give one of them."
            )
        return _read(body_file)
    path = store.find(project, saved)
    if path is None:
        raise UsageError("nothing was run here yet", hint="imgcompare run saves a report; or name one: -o report.json")
    return render(store.load(path), "markdown", Style(width=100, color=False, ascii_only=False))


def _read(path: Path) -> str:
    try:
        if str(path) == "-":
            data = sys.stdin.buffer.read(_BODY_LIMIT_BYTES + 1)
        else:
            with path.open("rb") as file:
                data = file.read(_BODY_LIMIT_BYTES + 1)
        if len(data) > _BODY_LIMIT_BYTES:
            raise UsageError(f"{path} is longer than a comment can be ({_BODY_LIMIT_BYTES >> 20} MiB)")
        return data.decode()
    except OSError as exc:
        raise UsageError(f"cannot read {path}: {exc.strerror}") from exc
    except UnicodeDecodeError as exc:
        raise UsageError(f"{path} is not UTF-8: {exc.reason} at byte {exc.start}") from exc
