"""Commands that the runner of a CI job takes from whatever a job prints, made harmless.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands, which Gitea and Forgejo obey too;
https://learn.microsoft.com/azure/devops/pipelines/scripts/logging-commands; TeamCity's service messages.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from imgcompare.regex import regex

_RUNNERS = ("GITHUB_ACTIONS", "TF_BUILD", "TEAMCITY_VERSION")
# A line that begins with "::", after colours and spaces; the older "##[…]" and the others' "##name[…]" anywhere.
_COMMAND = regex(r"^((?:\s|\x1b\[[0-9;]*m)*:)(?=:)|(##)(?=(?:vso|teamcity)?\[)", re.MULTILINE)
_IN_JSON = regex(r"##(?=(?:vso|teamcity)?\[)")


def defuse(text: str) -> str:
    """Put a space into whatever a runner would obey."""
    return _COMMAND.sub(lambda match: f"{match[0]} ", text) if "::" in text or "##" in text else text


def defuse_json(text: str) -> str:
    """The same for JSON, whose lines begin with no colon: as an escape, which keeps what it says."""
    return _IN_JSON.sub(r"#\\u0023", text)


def runner_listens(environ: Mapping[str, str]) -> bool:
    """Whether what is printed goes to a CI runner that looks for commands in it."""
    return any(environ.get(name) for name in _RUNNERS)
