"""Builds that fail: what is said of the step, by the end of its log, the Dockerfile and the stages."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from imgcompare.model import Failure
from tests.support.cases import SITE, Example, Files, Row, package

SLIM = "FROM python:3.11-slim\n"
EXIT = 'process "/bin/sh -c {0}" did not complete successfully: exit code: {1}'
APT = "Reading package lists...\nBuilding dependency tree...\n"
CLEAN = " && rm -rf /var/lib/apt/lists/*"
REPLACED = f"""{APT}Package python-pip is not available, but is referred to by another package.
This may mean that the package is missing, has been obsoleted, or
is only available from another source
However the following packages replace it:
  python3-pip

E: Package 'python-pip' has no installation candidate"""
PIPS_TAIL = """error: command '/usr/bin/gcc' failed with exit code 1
[end of output]
note: This error originates from a subprocess, and is likely not a problem with pip.
ERROR: Failed building wheel for {0}
Failed to build {0}
error: failed-wheel-build-for-install
× Failed to build installable wheels for some pyproject.toml based projects
╰─> {0}"""


def told(
    step: str, log: str, *, above: str = "", base: str = SLIM, code: int = 1, context: tuple[str, ...] = ()
) -> Callable[[], Failure]:
    """What is said of a RUN that failed, ``above`` it these lines, with these files in the build context."""
    example = Example(f"{base}{above}RUN {step}\nCMD python app.py\n", context=context)
    return lambda: example.build_fails(f"[2/2] RUN {step}", EXIT.format(step, code), log)


def copied(line: str, message: str, *, b: Files | None = None, context: tuple[str, ...] = ()) -> Callable[[], Failure]:
    """What is said of a COPY that failed, below a stage ``b`` with these files."""
    head = "FROM python:3.11 AS b\nRUN pip install flask\n"
    example = Example(f"{head}{SLIM}{line}\nCMD python app.py\n", stages={"b": b or {}}, context=context)
    return lambda: example.build_fails(f"[2/2] {line}", message)


ROWS = {
    # apt-get
    "no package lists": Row(
        told("apt-get install -y curl", f"{APT}E: Unable to locate package curl", code=100),
        "package-not-found",
        "apt-get has no package lists to look for curl in",
        (f"RUN apt-get update && apt-get install -y curl{CLEAN}",),
    ),
    "no package lists any more": Row(
        told(
            "apt-get install -y curl",
            f"{APT}E: Unable to locate package curl",
            above=f"RUN apt-get update && apt-get install -y git{CLEAN}\n",
            code=100,
        ),
        "package-not-found",
        "apt-get has no package lists",
        (f"RUN apt-get update && apt-get install -y curl{CLEAN}",),
    ),
    "package lists of a step above, and no such package": Row(
        told(
            "apt-get install -y libfoo1",
            f"{APT}E: Unable to locate package libfoo1",
            above="RUN apt-get update\n",
            code=100,
        ),
        "package-not-found",
        "apt-get finds no package libfoo1 in this release of the distribution.",
    ),
    "a package that another replaces": Row(
        told("apt-get install -y git python-pip", REPLACED, above="RUN apt-get update\n", code=100),
        "package-not-found",
        "python3-pip replaces it",
        ("RUN apt-get install -y git python3-pip",),
    ),
    "a package that another replaces, in one step": Row(
        told(f"apt-get update && apt-get install -y python-pip{CLEAN}", REPLACED, code=100),
        "package-not-found",
        "python3-pip replaces it",
        (f"RUN apt-get update && apt-get install -y python3-pip{CLEAN}",),
    ),
    "a package that another replaces, by lists that no step above fetched": Row(
        lambda: Example("FROM python:3.11-slim\nRUN apt-get install -y python-pip\n").build_fails(
            "RUN apt-get install -y python-pip", "exit code: 100", REPLACED
        ),
        "package-not-found",
        "python3-pip replaces it",
        ("RUN apt-get install -y python3-pip",),
    ),
    "a package that two replace": Row(
        told(
            "apt-get update && apt-get install -y python",
            REPLACED.replace("python-pip", "python").replace("  python3-pip\n", "  python2-minimal\n  python3\n"),
            code=100,
        ),
        "package-not-found",
        "python2-minimal and python3 replace it",
    ),
    "a name that several packages have": Row(
        told(
            f"apt-get update && apt-get install -y netcat{CLEAN}",
            f"{APT}Package netcat is a virtual package provided by:\n  netcat-openbsd 1.219-1\n"
            "  netcat-traditional 1.10-47\n\nE: Package 'netcat' has no installation candidate",
            code=100,
        ),
        "package-not-found",
        "netcat-openbsd and netcat-traditional bring it",
        (f"RUN apt-get update && apt-get install -y netcat-openbsd{CLEAN}",),
    ),
    "several packages that there are none of": Row(
        told(
            "apt-get update && apt-get install -y libfoo1 libbar2",
            f"{APT}E: Unable to locate package libfoo1\nE: Unable to locate package libbar2",
            code=100,
        ),
        "package-not-found",
        "apt-get finds no package libfoo1 and no libbar2",
    ),
    "nobody to say yes": Row(
        told("apt-get update && apt-get install git", "Do you want to continue? [Y/n] Abort.", code=1),
        "build-failed",
        "nobody answers while an image is built",
        ("RUN apt-get update && apt-get install -y git",),
    ),
    "an old release": Row(
        told(
            "apt-get update",
            "Err:4 http://deb.example.org/debian buster Release\n  404  Not Found [IP: 192.0.2.1 80]\n"
            "E: The repository 'http://deb.example.org/debian buster Release' does not have a Release file.",
            base="FROM python:3.7-slim-buster\n",
            code=100,
        ),
        "base-end-of-life",
        "The package lists of buster are gone from the mirror",
        ("FROM python:3.7-slim-bookworm",),
    ),
    "another mirror without a release": Row(
        told(
            "apt-get update",
            "404 Not Found\nE: The repository 'http://example/php bookworm Release' does not have a Release file.",
            code=100,
        ),
        "build-failed",
        "exit code: 100",
    ),
    # pip
    "no such version": Row(
        told(
            "pip install flask==99.0",
            "ERROR: Could not find a version that satisfies the requirement flask==99.0 (from versions: 0.1, 3.1.2)\n"
            "ERROR: No matching distribution found for flask==99.0",
        ),
        "package-not-found",
        "pip finds no flask==99.0 for this Python and machine, but other versions",
    ),
    "no such project": Row(
        told(
            "pip install flaskk",
            "ERROR: Could not find a version that satisfies the requirement flaskk (from versions: none)\n"
            "ERROR: No matching distribution found for flaskk",
        ),
        "package-not-found",
        "pip finds no package flaskk",
    ),
    "for another Python": Row(
        told(
            "pip install django==6.0",
            "ERROR: Ignored the following versions that require a different python version: 6.0 Requires-Python >=3.12"
            "\n"
            "ERROR: Could not find a version that satisfies the requirement django==6.0 (from versions: 5.2)\n"
            "ERROR: No matching distribution found for django==6.0",
        ),
        "package-not-found",
        "django==6.0 is for another Python than this stage's",
    ),
    "no network": Row(
        told(
            "pip install flask",
            "WARNING: Retrying after connection broken by 'NewConnectionError: Failed to establish a new connection: "
            "[Errno -3] Temporary failure in name resolution'\n"
            "ERROR: Could not find a version that satisfies the requirement flask (from versions: none)\n"
            "ERROR: No matching distribution found for flask",
        ),
        "build-failed",
        "The step did not reach what it wanted to download from",
    ),
    "no network, by git": Row(
        told(
            "git clone https://example.com/shop.git",
            "Cloning into 'shop'...\nfatal: unable to access 'https://example.com/shop.git/': Could not resolve host: "
            "example.com",
            code=128,
        ),
        "build-failed",
        "The step did not reach what it wanted to download from",
    ),
    "no network, by uv": Row(
        told(
            "uv sync", "error: Request failed after 3 retries\n  cause: dns error\n  cause: error resolving DNS", code=2
        ),
        "build-failed",
        "The step did not reach what it wanted to download from",
    ),
    "another Python, by pipenv": Row(
        told("pipenv install", "Warning: Python 3.13 was not found on your system...\nYou can specify versions"),
        "build-failed",
        "The project asks for Python 3.13, and this stage has another.",
        ("FROM python:3.13-slim",),
    ),
    "another Python, by poetry": Row(
        told(
            "poetry install", "The currently activated Python version 3.11.2 is not supported by the project (^3.12)."
        ),
        "build-failed",
        "The project asks for Python ^3.12",
    ),
    "no requirements file": Row(
        told(
            "pip install -r requirements.txt",
            "ERROR: Could not open requirements file: [Errno 2] No such file or directory: 'requirements.txt'",
        ),
        "build-failed",
        "pip does not find the requirements file",
    ),
    "the distribution's Python": Row(
        told(
            "pip3 install flask",
            "error: externally-managed-environment\nhint: See PEP 668 for the detailed specification.",
            base="FROM debian:12\n",
        ),
        "build-failed",
        "This Python belongs to the distribution",
        ("ENV PIP_BREAK_SYSTEM_PACKAGES=1",),
    ),
    "uv, past a stand-in": Row(
        told("uv pip install --system flask", "error: The interpreter at `/usr` is externally managed, and indicates"),
        "build-failed",
        "uv --system passes by /usr/local, which is a virtual environment in a stand-in",
    ),
    "uv, on the distribution's Python": Row(
        told(
            "uv pip install --system flask",
            "error: The interpreter at `/usr` is externally managed, and indicates the following:",
            base="FROM debian:12\n",
        ),
        "build-failed",
        "This Python belongs to the distribution",
        ("ENV UV_BREAK_SYSTEM_PACKAGES=1",),
    ),
    "requirements that are copied too late": Row(
        told(
            "pip install -r requirements.txt",
            "ERROR: Could not open requirements file: [Errno 2] No such file or directory: 'requirements.txt'",
            context=("app.py", "requirements.txt"),
        ),
        "build-failed",
        "it was not copied, or to another folder",
        ("COPY requirements.txt ./",),
    ),
    "requirements in a folder": Row(
        told(
            "pip install -r /srv/requirements.txt",
            "ERROR: Could not open requirements file: [Errno 2] No such file or directory: '/srv/requirements.txt'",
            context=("app.py", "shop/requirements.txt"),
        ),
        "build-failed",
        "the build context has shop/requirements.txt",
        ("COPY shop/requirements.txt /srv/requirements.txt",),
    ),
    "a project's README": Row(
        told(
            "poetry install --without dev",
            "Error: The current project could not be installed: Readme path `/app/README.md` does not exist.",
            context=("README.md", "docs/README.md", "pyproject.toml"),
        ),
        "build-failed",
        "That step needs /app/README.md, which is not there: it was not copied",
        ("COPY README.md /app/README.md",),
    ),
    "a project's package": Row(
        told(
            "poetry install",
            "Installing the current project: shop (0.1.0)\n\n/app/shop does not contain any element",
            context=("pyproject.toml", "shop/__init__.py"),
        ),
        "build-failed",
        "That step needs /app/shop, which is not there",
        ("COPY shop /app/shop",),
    ),
    "a project's package by its name": Row(
        told(
            "pip install .",
            "ValueError: No file/folder found for package shop",
            context=("app/pyproject.toml", "app/shop/__init__.py", "shop/x"),
        ),
        "build-failed",
        "That step needs shop, which is not there",
        ("COPY app/shop ./shop",),
    ),
    "a project's README in a folder": Row(
        told(
            "uv sync --frozen",
            "    OSError: Readme file does not exist: README.md",
            context=("README.md", "shop/README.md", "shop/pyproject.toml"),
        ),
        "build-failed",
        "That step needs README.md, which is not there",
        ("COPY shop/README.md ./",),
    ),
    "a lock file": Row(
        told(
            "uv sync --frozen",
            "error: Unable to find lockfile at `uv.lock`, but `--frozen` was provided. To create a lockfile, run",
            context=("uv.lock", "pyproject.toml"),
        ),
        "build-failed",
        "That step needs uv.lock",
        ("COPY uv.lock ./",),
    ),
    "a lock file of pipenv": Row(
        told(
            "pipenv install --system --deploy",
            "ERROR: Pipfile.lock not found! You need to run $ pipenv lock before you can",
            context=("Pipfile", "Pipfile.lock"),
        ),
        "build-failed",
        "That step needs Pipfile.lock",
        ("COPY Pipfile.lock ./",),
    ),
    "a lock file that nobody made": Row(
        told(
            "pipenv install --system --deploy",
            "ERROR: Pipfile.lock not found! You need to run $ pipenv lock before you can",
            context=("Pipfile",),
        ),
        "build-failed",
        "That step needs Pipfile.lock, which is not there.",
    ),
    "one of two projects": Row(
        told(
            "poetry install",
            "Poetry could not find a pyproject.toml file in /app or its parents",
            context=("a/pyproject.toml", "b/pyproject.toml"),
        ),
        "build-failed",
        "That step needs pyproject.toml, which is not there.",
    ),
    "requirements in two folders": Row(
        told(
            "pip install -r requirements.txt",
            "ERROR: Could not open requirements file: [Errno 2] No such file or directory: 'requirements.txt'",
            context=("a/requirements.txt", "b/requirements.txt"),
        ),
        "build-failed",
        "pip does not find the requirements file",
    ),
    "requirements by nearly their name": Row(
        told(
            "pip install -r requirement.txt",
            "ERROR: Could not open requirements file: [Errno 2] No such file or directory: 'requirement.txt'",
            context=("app.py", "requirements.txt"),
        ),
        "build-failed",
        "the build context has requirements.txt",
        ("RUN pip install -r requirements.txt",),
    ),
    "an argument that only FROM sees": Row(
        told(
            "pip install flask==${FLASK}",
            "ERROR: Invalid requirement: 'flask=='",
            base="ARG FLASK=3.1.2\n" + SLIM,
        ),
        "variable-not-set",
        "ARG FLASK stands above the first FROM, for FROM alone",
        ("ARG FLASK",),
    ),
    "a version that only FROM sees": Row(
        told(
            "pip install flask==$FLASK",
            "ERROR: Could not find a version that satisfies the requirement flask== (from versions: 3.1.2)\n"
            "ERROR: No matching distribution found for flask==",
            base="ARG FLASK=3.1.2\n" + SLIM,
        ),
        "variable-not-set",
        "ARG FLASK stands above the first FROM, for FROM alone",
        ("ARG FLASK",),
    ),
    "an argument that the stage asks for": Row(
        told(
            "pip install flask==${FLASK}x",
            "ERROR: Invalid requirement: 'flask==3.1.2x'",
            base="ARG FLASK=3.1.2\n" + SLIM,
            above="ARG FLASK\n",
        ),
        "build-failed",
        "Invalid requirement",
    ),
    # Compilers
    "no compiler, as setuptools says it now": Row(
        told(
            "pip install psutil", "error: [Errno 2] No such file or directory: 'x86_64-linux-gnu-gcc'\n[end of output]"
        ),
        "missing-build-tool",
        "this stage has no gcc",
        ("FROM python:3.11",),
    ),
    "no compiler": Row(
        told("pip install uwsgi", "error: command 'gcc' failed: No such file or directory"),
        "missing-build-tool",
        "this stage has no gcc",
        ("FROM python:3.11",),
    ),
    "no compiler, by its whole name": Row(
        told("pip install x", "error: command '/usr/bin/x86_64-linux-gnu-gcc' failed: No such file or directory"),
        "missing-build-tool",
        "this stage has no gcc",
        ("FROM python:3.11",),
    ),
    "no pg_config": Row(
        told("pip install psycopg2", "Error: pg_config executable not found."),
        "missing-build-tool",
        "this stage has no pg_config",
        ("FROM python:3.11",),
    ),
    "no header": Row(
        told(
            "pip install psycopg2",
            "./psycopg/psycopg.h:36:10: fatal error: libpq-fe.h: No such file or directory\n"
            "   36 | #include <libpq-fe.h>\ncompilation terminated.\n" + PIPS_TAIL.format("psycopg2"),
            base="FROM python:3.11\n",
        ),
        "missing-build-tool",
        "this stage lacks the header libpq-fe.h, which Debian's package libpq-dev brings",
        ("RUN apt-get update && apt-get install -y --no-install-recommends libpq-dev && rm -rf /var/lib/apt/lists/*",),
    ),
    "no header, in a folder": Row(
        told(
            "pip install x",
            "x.c:1:10: fatal error: openssl/opensslv.h: No such file or directory\n" + PIPS_TAIL.format("x"),
            base="FROM debian:12\n",
        ),
        "missing-build-tool",
        "it is of the package x",
        ("RUN apt-get update && apt-get install -y --no-install-recommends libssl-dev && rm -rf /var/lib/apt/lists/*",),
    ),
    "no header, on Alpine": Row(
        told(
            "pip install x",
            "x.c:1:10: fatal error: ffi.h: No such file or directory\n" + PIPS_TAIL.format("x"),
            base="FROM python:3.11-alpine\n",
        ),
        "missing-build-tool",
        "this stage lacks the header ffi.h",
    ),
    "no header that anybody knows": Row(
        told("pip install x", "x.c:1:10: fatal error: shop.h: No such file or directory\n" + PIPS_TAIL.format("x")),
        "missing-build-tool",
        "this stage lacks the header shop.h.",
    ),
    "no headers of Python's": Row(
        told(
            "pip install x",
            "x.c:1:10: fatal error: Python.h: No such file or directory\n" + PIPS_TAIL.format("x"),
            base="FROM debian:12\n",
        ),
        "missing-build-tool",
        "Python.h, which Debian's package python3-dev brings",
        (f"RUN apt-get update && apt-get install -y --no-install-recommends python3-dev{CLEAN}",),
    ),
    "no library to link": Row(
        told(
            "pip install x",
            "/usr/bin/ld: cannot find -lpq: No such file or directory\ncollect2: error: ld returned 1 exit status\n"
            + PIPS_TAIL.format("x"),
        ),
        "missing-build-tool",
        "this stage lacks the library pq",
        ("RUN apt-get update && apt-get install -y --no-install-recommends libpq-dev && rm -rf /var/lib/apt/lists/*",),
    ),
    "code that does not compile": Row(
        told(
            "pip install greenlet==0.4.17",
            "src/greenlet/greenlet.c:611:14: error: 'PyThreadState' has no member named 'frame'\n"
            "src/greenlet/greenlet.c:612:14: error: another\n" + PIPS_TAIL.format("greenlet"),
        ),
        "build-failed",
        "src/greenlet/greenlet.c:611:14: error: 'PyThreadState' has no member named 'frame'",
    ),
    "Cython's code that does not compile": Row(
        told(
            "pip install gevent==21.12.0",
            "Collecting gevent==21.12.0\nsrc/gevent/libev/corecext.pyx:60:26: undeclared name not builtin: long\n"
            "Cython.Compiler.Errors.CompileError: src/gevent/libev/corecext.pyx\n[end of output]\n"
            "╰─> See above for output.",
        ),
        "build-failed",
        "A package has to be compiled, and its code does not compile here.\nsrc/gevent/libev/corecext.pyx:60:26:",
    ),
    "a setup that fails": Row(
        told(
            "pip install -r requirements.txt",
            "Collecting PyYAML==5.4.1\n  Getting requirements to build wheel: finished with status 'error'\n"
            "  error: subprocess-exited-with-error\n      self.run_setup()\n      AttributeError: cython_sources\n"
            "      [end of output]\nnote: This error originates from a subprocess, and is likely not pip",
        ),
        "build-failed",
        "PyYAML has to be built, and its own setup fails here.",
    ),
    # Programs
    "no git": Row(
        told("git clone https://example.com/x", "/bin/sh: 1: git: not found", code=127),
        "command-not-found",
        "The step calls git",
        ("RUN apt-get update && apt-get install -y --no-install-recommends git && rm -rf /var/lib/apt/lists/*",),
    ),
    "no poetry": Row(
        told("poetry install", "/bin/sh: 1: poetry: not found", code=127),
        "command-not-found",
        "The step calls poetry",
        ("RUN pip install --no-cache-dir poetry",),
    ),
    "source in a shell that has none": Row(
        told("source /opt/venv/bin/activate", "/bin/sh: 1: source: not found", code=127),
        "command-not-found",
        "The step calls source",
        ("RUN . /opt/venv/bin/activate",),
    ),
    "source in the middle of a step": Row(
        told("python -m venv v && source v/bin/activate && pip install x", "/bin/sh: 1: source: not found", code=127),
        "command-not-found",
        "The step calls source",
        ("RUN python -m venv v && . v/bin/activate && pip install x",),
    ),
    "below USER": Row(
        told("mkdir /data", "mkdir: cannot create directory '/data': Permission denied", above="USER 1000\n"),
        "permission-denied",
        "The step runs as 1000, who may not do that.",
        ("USER root", "RUN mkdir /data", "USER 1000"),
    ),
    "a script of the context without its bit": Row(
        told("./setup.sh", "/bin/sh: 1: ./setup.sh: Permission denied", code=126, context=("setup.sh",)),
        "permission-denied",
        "./setup.sh is not marked as executable, so it cannot be started.",
        ("RUN chmod 755 ./setup.sh",),
    ),
    "a script without its bit": Row(
        told("./setup.sh", "/bin/sh: 1: ./setup.sh: Permission denied", code=126),
        "permission-denied",
        "./setup.sh is not marked as executable",
    ),
    "for another machine": Row(
        told("true", "exec /bin/sh: exec format error", code=255), "wrong-architecture", "another kind of processor"
    ),
    "nothing that is known": Row(told("./setup.sh", "the shop is closed"), "build-failed", "the shop is closed"),
    # COPY
    "not in the context": Row(
        copied(
            "COPY requirements.txt .",
            'failed to calculate checksum of ref x::y: "/requirements.txt": not found',
        ),
        "copy-source-missing",
        "COPY names requirements.txt, which is not in the build context.",
    ),
    "in a folder of the context": Row(
        copied(
            "COPY --chown=1000 app.py /srv/",
            'failed to calculate checksum of ref x::y: "/app.py": not found',
            context=("README", "src/app.py"),
        ),
        "copy-source-missing",
        "which is not in the build context: that has src/app.py.",
        ("COPY --chown=1000 src/app.py /srv/",),
    ),
    "in two folders of the context": Row(
        copied(
            "COPY app.py /srv/",
            'failed to calculate checksum of ref x::y: "/app.py": not found',
            context=("a/app.py", "b/app.py"),
        ),
        "copy-source-missing",
        "COPY names app.py, which is not in the build context.",
    ),
    "one of two not in the context": Row(
        copied("COPY app.py shop.py /srv/", 'failed to calculate checksum of ref x::y: "/shop.py": not found'),
        "copy-source-missing",
        "COPY names shop.py, which is not in the build context.",
    ),
    "above the context": Row(
        copied("COPY ../secret /secret", 'failed to calculate checksum of ref x::y: "/secret": not found'),
        "copy-source-missing",
        "COPY names ../secret, which is above the build context.",
    ),
    "not in a stage": Row(
        copied(
            "COPY --from=b /srv/dist /srv",
            "lstat /var/lib/docker/overlay2/8f/merged/srv/dist: no such file or directory",
            b={},
        ),
        "copy-source-missing",
        "COPY names /srv/dist, which is not in stage b.",
    ),
    "packages of another Python than the stage's": Row(
        copied(
            "COPY --from=b /usr/local/lib/python3.9/site-packages/ /usr/local/lib/python3.9/site-packages/",
            "lstat /var/lib/docker/overlay2/8f/merged/usr/local/lib/python3.9/site-packages: no such file or directory",
            b=package("flask"),
        ),
        "copy-source-missing",
        f"which is not in stage b: its Python packages are in {SITE}.",
        (f"COPY --from=b {SITE}/ {SITE}/",),
    ),
    "packages of another Python, by the classic builder": Row(
        copied(
            "COPY --from=b /usr/local/lib/python3.9/site-packages /usr/local/lib/python3.9/site-packages",
            "COPY failed: stat usr/local/lib/python3.9/site-packages: file does not exist",
            b=package("flask"),
        ),
        "copy-source-missing",
        "COPY names /usr/local/lib/python3.9/site-packages, which is not in stage b",
        (f"COPY --from=b {SITE} {SITE}",),
    ),
    "packages of another Python, to a folder of their own": Row(
        copied(
            "COPY --from=b /usr/local/lib/python3.9/site-packages /deps",
            '"/usr/local/lib/python3.9/site-packages": not found',
            b=package("flask"),
        ),
        "copy-source-missing",
        "its Python packages are in",
        (f"COPY --from=b {SITE} /deps",),
    ),
}


@pytest.mark.parametrize(
    ("lines", "files", "hint"),
    [
        ("COPY requirements.txt .\nCOPY . .", ("mist/requirements.txt", "mist/app.py", "README"), "mist"),
        ("COPY app.py .\nCOPY req*.txt .", ("a b/req.txt", "a b/app.py", "x/app.py"), "'a b'"),
        ("COPY src/ .\nCOPY app.py .", ("web/api/src/x.py", "web/api/app.py"), "web/api"),
        ("COPY app.py .\nCOPY . .", ("a/app.py", "b/app.py"), ""),
        ("COPY app.py .", ("a/app.py",), ""),
        ("COPY app.py .\nCOPY more.txt .", ("a/app.py",), ""),
        ("COPY ../app.py .\nCOPY . .", ("a/app.py",), ""),
    ],
)
def test_the_folder_that_has_all_that_is_copied_is_proposed(lines: str, files: tuple[str, ...], hint: str) -> None:
    """Where one folder below the context has it all, that context was meant; one file alone proves little."""
    line = lines.partition("\n")[0]
    name = line.split()[1]
    example = Example(f"{SLIM}{lines}\nCMD python app.py\n", context=files)
    found = example.build_fails(f"[2/2] {line}", f'failed to calculate checksum of ref x::y: "/{name}": not found')
    assert found.code == "copy-source-missing"
    assert found.hint
    told = re.search(r"in the folder that has all that is copied: --build-context (.*)", found.hint)
    assert (told[1] if told else "") == hint


@pytest.mark.parametrize(("own", "hint"), [("web", "--build-context web"), (".", ""), ("docs", "")])
def test_the_dockerfile_s_own_folder_comes_first(own: str, hint: str) -> None:
    """`run web/Dockerfile` in a monorepo: what it copies lies beside it, be it one file, and be others alike."""
    files = ("web/app.py", "api/app.py", "docs/x")
    example = Example(f"{SLIM}COPY app.py .\nCMD python app.py\n", context=files, dockerfile_folder=own)
    found = example.build_fails("[2/2] COPY app.py .", 'failed to calculate checksum of ref x::y: "/app.py": not found')
    assert found.code == "copy-source-missing"
    assert found.hint
    assert found.hint.endswith(hint)
    assert ("--build-context" in found.hint) == bool(hint)


@pytest.mark.parametrize("name", ROWS)
def test_a_build_that_fails(name: str) -> None:
    """The cause, its proof, and the very lines that mend it; none where it would be a guess."""
    ROWS[name].check()
