"""Pure: several things of one kind that are missing, told as one cause with one fix.

An image whose command starts several programs may lack something for each, and a loader may name several libraries at
once. Whoever adds the one that was told last would build again for each of the others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from posixpath import basename, dirname

from imgcompare.diagnosis.evidence import Case
from imgcompare.diagnosis.traceback import LastError
from imgcompare.model import Failure
from imgcompare.regex import regex

# Lines that take any number of words at the place in the middle, and what stands between two of them.
_MERGED = (
    (regex(r"(RUN apt-get update && apt-get install -y --no-install-recommends )(.+?)( && rm -rf \S+)"), " "),
    (regex(r"(RUN apk add --no-cache )(.+)()"), " "),
    (regex(r"(RUN \S+(?: \S+)*? install --no-cache-dir )(.+)()"), " "),
    (regex(r"(ENV LD_LIBRARY_PATH=)(.+)()"), ":"),
)
_LAST = "RUN ldconfig"


def together(case: Case, failures: Sequence[Failure], message: str) -> Failure:
    """One failure of all of them, which have one code: everything that proves any, and the fixes of all in one."""
    ended = case.ended()
    proof = _once(line for failure in failures for line in failure.evidence if line != ended)
    return case.found(
        failures[0].code,
        message,
        (*proof, ended),
        hint=" ".join(_once(failure.hint for failure in failures if failure.hint and failure.fix))
        or (failures[-1].hint or ""),
        fix=tuple(_merged(line for failure in failures for line in failure.fix)),
    )


def listed(names: Sequence[str]) -> str:
    """Names as a sentence has them: ``a, b and c``."""
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def of_other_programs(case: Case) -> list[LastError]:
    """How other programs than the one that ended last have ended, the last first: each program once."""
    seen = {_program(case, case.last_error)}
    found = []
    for error in reversed(case.last_errors):
        program = _program(case, error)
        if program and program not in seen:
            seen.add(program)
            found.append(error)
    return found


def _program(case: Case, error: LastError | None) -> str:
    """Which program an error has ended: one of a bin folder, a module, or a script that the command or a script names.

    "" where the program may as well have gone on: a traceback that begins elsewhere was printed by who dealt with it.
    """
    if error is None:
        return ""
    if not error.files:
        return error.line
    first = next((file for file in error.files if not file.startswith("<frozen ")), "")
    texts = (" ".join(case.command.words), *(head.decode("utf-8", "replace") for head in case.evidence.heads.values()))
    named = any(re.search(rf"(?<![\w.-]){re.escape(basename(first))}(?![\w.-])", text) for text in texts)
    by_module = error.files[0].startswith("<frozen runpy")
    return first if by_module or named or basename(dirname(first)) in {"bin", "sbin"} else ""


def _once(lines: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(lines))


def _merged(lines: Iterable[str]) -> Iterator[str]:
    """The lines, each once, those that do one thing for several made one; what they all need comes last."""
    groups: dict[tuple[str, str, str], tuple[str, ...]] = {}
    for line in dict.fromkeys(lines):
        found = ((pattern.fullmatch(line), between) for pattern, between in _MERGED)
        match, between = next(((match, between) for match, between in found if match), (None, ""))
        key = (match[1], match[3], between) if match else (line, "", "")
        groups[key] = (*groups.get(key, ()), match[2]) if match else ()
    last = groups.pop((_LAST, "", ""), None)
    yield from (f"{start}{between.join(_once(words))}{end}" for (start, end, between), words in groups.items())
    if last is not None:
        yield _LAST
