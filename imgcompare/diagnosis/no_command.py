"""Pure: a script that starts what CMD names, in an image that has no CMD."""

from __future__ import annotations

from posixpath import basename

from imgcompare.diagnosis.command import is_shell, script_of, written
from imgcompare.diagnosis.evidence import Case
from imgcompare.dockerfile.copy_sources import json_words
from imgcompare.model import Failure
from imgcompare.regex import regex

_STARTS_ARGUMENTS = regex(rb'(?m)^[^#\n]*(?:\$@|"\$\{@\}"|\$\*)')
# What a base image runs when nobody says what to run: it ends at once where nobody types.
_INTERACTIVE = regex(r"(?:python|pypy)[\d.]*|i?node|irb|bash|sh|ash|dash")


def no_command(case: Case) -> Failure | None:
    """Why an ENTRYPOINT that does its work ends at once: nothing was left for it to start."""
    image = case.evidence.image
    if image is None or not image.entrypoint or image.cmd or case.evidence.exit_code is None:
        return None
    script = script_of(case.command, case.working_dir, case.environment)
    path = next((one for one in script if one in case.evidence.heads), "")
    if not path or not _STARTS_ARGUMENTS.search(case.evidence.heads[path]) or case.evidence.errors:
        return None
    dropped, source = _dropped(case)
    return case.found(
        "no-command",
        f"ENTRYPOINT takes the CMD of {source} away, so {basename(path)} is given nothing to start."
        if dropped
        else f"{basename(path)} starts what CMD names, and the image has no CMD.",
        (case.ended(), f"{path} starts its arguments ($@)", f"CMD of {source}: {' '.join(dropped)}" if dropped else ""),
        hint="Below ENTRYPOINT: an image that sets ENTRYPOINT does not inherit CMD."
        if dropped
        else 'Add what serves the app: CMD ["gunicorn", …]',
        fix=(written("CMD", dropped),) if dropped else (),
    )


def _dropped(case: Case) -> tuple[tuple[str, ...], str]:
    """The CMD of the stages below, or of the base, that would serve, and whose it is; () where there is none."""
    for stage in reversed(case.written[:-1]):
        for instruction in reversed(stage.instructions):
            if instruction.keyword == "CMD":
                words = json_words(instruction.text) or ["/bin/sh", "-c", instruction.text]
                return _serving(words), f"stage {stage.name or stage.index}"
    return _serving(case.base_command), case.base


def _serving(words: tuple[str, ...] | list[str]) -> tuple[str, ...]:
    interactive = len(words) == 1 and _INTERACTIVE.fullmatch(basename(words[0]))
    return () if interactive or (words and is_shell(words[0]) and len(words) < 3) else tuple(words)
