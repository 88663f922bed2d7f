"""The docker CLI's plugin: ``docker imgcompare …`` as ``imgcompare …`` (https://docs.docker.com/reference/cli/docker/plugin)."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from imgcompare import __version__
from imgcompare.errors import UsageError
from imgcompare.reports.files import write_atomically

_METADATA = {
    "SchemaVersion": "0.1.0",
    "Vendor": "imgcompare",
    "Version": __version__,
    "ShortDescription": "Prove that the smaller image still works",
}
_SCRIPT = """\
#!/bin/sh
# `docker imgcompare ...`, written by `imgcompare setup --docker-plugin`.
if [ "$1" = docker-cli-plugin-metadata ]; then
    printf '%s\\n' {metadata}
    exit
fi
# docker hands on everything that follows its own name: its options first, then the plugin's name.
while [ $# -gt 0 ]; do
    case $1 in
        imgcompare) shift; break ;;
        -c | --context) DOCKER_CONTEXT=$2; export DOCKER_CONTEXT; shift 2 ;;
        --context=*) DOCKER_CONTEXT=${{1#*=}}; export DOCKER_CONTEXT; shift ;;
        -H | --host) DOCKER_HOST=$2; export DOCKER_HOST; shift 2 ;;
        --host=*) DOCKER_HOST=${{1#*=}}; export DOCKER_HOST; shift ;;
        --config) DOCKER_CONFIG=$2; export DOCKER_CONFIG; shift 2 ;;
        --config=*) DOCKER_CONFIG=${{1#*=}}; export DOCKER_CONFIG; shift ;;
        *) echo "docker imgcompare takes --context, --host and --config of docker's options, not $1" >&2; exit 2 ;;
    esac
done
exec {python} -P -m imgcompare "$@"
"""


def install_plugin(environ: Mapping[str, str], home: Path) -> Path:
    """Write the plugin to where the docker CLI of this user finds it. Raises UsageError where it cannot be written."""
    folder = Path(environ.get("DOCKER_CONFIG") or home / ".docker") / "cli-plugins"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise UsageError(f"cannot make {folder}: {exc.strerror}", hint="DOCKER_CONFIG names another folder.") from exc
    file = folder / "docker-imgcompare"
    metadata = shlex.quote(json.dumps(_METADATA))
    write_atomically(file, _SCRIPT.format(metadata=metadata, python=shlex.quote(sys.executable)))
    file.chmod(0o755)
    return file
