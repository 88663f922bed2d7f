#!/usr/bin/env bash
# The action's first step: imgcompare from the action's own checkout, in a virtual environment of its own.
set -euo pipefail

venv="$RUNNER_TEMP/imgcompare/venv"
if [ -x "$venv/bin/imgcompare" ]; then
    exit 0 # an earlier use of the action in this job
fi
if ! "$INPUT_PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "::error title=imgcompare::It needs Python 3.11 or newer. Put actions/setup-python before it."
    exit 2
fi
"$INPUT_PYTHON" -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    -c "$GITHUB_ACTION_PATH/constraints.txt" "$GITHUB_ACTION_PATH"
