"""Programs that tests need and a bare machine lacks, from the distribution's packages."""

from __future__ import annotations

import subprocess

from imgcompare.engine.own import host


def installed(program: str, package: str) -> str:
    """The path of a program, its package installed where it is not there."""
    found = host.find_program(program)
    if found is None:
        environ = {"DEBIAN_FRONTEND": "noninteractive"}
        for arguments in (["update", "-qq"], ["install", "--yes", "-qq", "--no-install-recommends", package]):
            subprocess.run(host.as_root(["apt-get", *arguments], environ), check=True, stdin=subprocess.DEVNULL)
        found = host.require_program(program)
    return found
