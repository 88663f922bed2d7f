"""A pattern held against a reply, in a process of its own: matching can take for ever, and stops for no signal.

RE2 would be linear, but knows neither look-ahead nor back-references: patterns that people have would no longer do.
"""

from __future__ import annotations

import json
import subprocess
import sys

from imgcompare.errors import UsageError
from imgcompare.text.printable import printable

_LIMIT_S = 2
_PATIENCE_S = 60
# The limit is one of computing time, so that a busy machine changes nothing; the kernel kills what goes beyond it.
_SEARCH = """
import json, re, resource, sys
limit_s, pattern, text = json.load(sys.stdin)
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
resource.setrlimit(resource.RLIMIT_CPU, (limit_s, limit_s + 1))
sys.exit(0 if re.search(pattern, text) else 3)
"""
_FOUND, _NOT_FOUND = 0, 3


def is_found(pattern: str, text: str) -> bool:
    """Whether a regular expression is found in a text. Raises UsageError where that takes more than two seconds."""
    command = [sys.executable, "-I", "-S", "-c", _SEARCH]
    try:
        done = subprocess.run(
            command,
            input=json.dumps([_LIMIT_S, pattern, text]),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
            timeout=_PATIENCE_S,
            check=False,
        )
        code = done.returncode
    except subprocess.TimeoutExpired:
        code = -1
    if code not in {_FOUND, _NOT_FOUND}:
        raise UsageError(
            f"looking for the body pattern {printable(pattern, limit=200)!r} in a reply takes more than {_LIMIT_S} s",
            hint="Write it without a repetition within a repetition: a+ for (a+)+.",
        )
    return code == _FOUND
