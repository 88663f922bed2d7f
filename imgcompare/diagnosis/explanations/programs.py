"""Codes of programs and libraries that do not run in the image they are in."""

from __future__ import annotations

from imgcompare.diagnosis.explanations.entry import Explanation

_APT = "RUN apt-get update && apt-get install -y --no-install-recommends libpq5 && rm -rf /var/lib/apt/lists/*"

PROGRAMS = (
    Explanation(
        code="executable-not-found",
        summary="the program of CMD or ENTRYPOINT is not in the image, or not on PATH",
        looks=('exec: "gunicorn": executable file not found in $PATH',),
        why="pip puts a package into site-packages, and its command beside Python: /usr/local/bin/gunicorn. A "
        "last stage that copies only site-packages has the package without its command. In a virtual "
        "environment both are in one folder, whose bin must be on PATH.",
        before=("COPY --from=builder /usr/local/lib/python3.11/site-packages /usr/local/lib/python3.11/site-packages",),
        after=(
            "COPY --from=builder /usr/local/lib/python3.11/site-packages /usr/local/lib/python3.11/site-packages",
            "COPY --from=builder /usr/local/bin/gunicorn /usr/local/bin/gunicorn",
            "# or, without copying commands:",
            'CMD ["python", "-m", "gunicorn", "app:app"]',
        ),
        see=("docker run --rm --entrypoint sh IMAGE -c 'echo $PATH; which gunicorn'",),
    ),
    Explanation(
        code="single-string-exec",
        summary="CMD or ENTRYPOINT is a list with several words in one string, or with quotes within a word",
        looks=(
            'exec: "flask run --host=0.0.0.0": executable file not found in $PATH',
            "Error: No such option '--host 0.0.0.0'. Did you mean '--host'?",
        ),
        why="In the form with brackets every string is one word of the command, and the first is the program. "
        "With one string in it, the engine looks for a program whose name is the whole line, spaces and all; an "
        "option and its value in one string are one argument, which no program knows. No shell takes quotes away "
        "either: those within a word are part of it.",
        before=('CMD ["flask run --host=0.0.0.0"]', 'CMD ["flask", "run", "--host 0.0.0.0"]'),
        after=('CMD ["flask", "run", "--host=0.0.0.0"]',),
        see=("docker image inspect --format '{{json .Config.Cmd}}' IMAGE",),
    ),
    Explanation(
        code="mixed-command-forms",
        summary="CMD or ENTRYPOINT is a list with a shell's words in it, or a line where a list was meant",
        looks=(
            "Error: '$PORT' is not a valid port number.",
            'exec: "cd": executable file not found in $PATH',
            "/bin/sh: 1: [python,: not found",
        ),
        why="A command has one of two forms. A list in JSON is started as it stands: no shell reads it, so &&, cd and "
        "$PORT are ordinary words. Anything else is a line for /bin/sh, which puts variables in. A list with "
        "single quotes is no JSON, and therefore a line. ENTRYPOINT as a line does not get the words of CMD, and CMD "
        "as a line below an ENTRYPOINT that is a list hands that program the words /bin/sh -c.",
        before=('CMD ["gunicorn", "--bind=0.0.0.0:$PORT", "app:app"]', "CMD ['python', 'app.py']"),
        after=("CMD exec gunicorn --bind=0.0.0.0:$PORT app:app", 'CMD ["python", "app.py"]'),
        see=("docker image inspect --format '{{json .Config.Entrypoint}} {{json .Config.Cmd}}' IMAGE",),
    ),
    Explanation(
        code="no-command",
        summary="the image says of no program that it is to be run, or ENTRYPOINT is given none to start",
        looks=("docker: Error response from daemon: No command specified.", "The program came to its end by itself"),
        why="An image from scratch has neither CMD nor ENTRYPOINT. And one that sets ENTRYPOINT does not inherit the "
        'CMD of the image it stands on: an entrypoint script that ends in exec "$@" then has nothing to start, and '
        "ends.",
        before=('ENTRYPOINT ["/start.sh"]', '# start.sh ends in: exec "$@"'),
        after=('ENTRYPOINT ["/start.sh"]', 'CMD ["gunicorn", "--bind=0.0.0.0:5000", "app:app"]'),
        see=("docker image inspect --format '{{json .Config.Entrypoint}} {{json .Config.Cmd}}' IMAGE",),
    ),
    Explanation(
        code="script-cannot-run",
        summary="the first line of a script names no interpreter, or one that is missing",
        looks=("exec /app/start.sh: no such file or directory", "exec /app/start.sh: exec format error"),
        why="The kernel reads a script's first line to learn what runs it: #!/bin/sh. Saved on Windows, the line "
        "ends in an invisible carriage return, and the kernel looks for a program with that in its name. The "
        "same goes for a byte order mark before the line, which some editors write. A slim image may also lack "
        "the one that is named (/bin/bash on Alpine), and without such a line there is no program to ask at all.",
        before=("COPY start.sh /app/",),
        after=(
            "COPY start.sh /app/",
            "RUN sed -i 's/\\r$//' /app/start.sh",
            "# and for good, in .gitattributes: *.sh text eol=lf",
        ),
        see=("docker run --rm --entrypoint sh IMAGE -c 'head -1 /app/start.sh | od -c'",),
    ),
    Explanation(
        code="permission-denied",
        summary="a program that is not executable, or files that the image's USER may not touch",
        looks=(
            'exec: "/app/start.sh": permission denied',
            "PermissionError: [Errno 13] Permission denied: '/app/data.db'",
        ),
        why="COPY makes root the owner of what it copies and keeps the file's mode. A script without the "
        "executable bit cannot be started by anybody, and an app that runs as another USER cannot write into "
        "folders that are root's. Give that user the one folder it has to write; `chown -R` on everything "
        "stores all of it a second time.",
        before=("COPY . /app", "USER 10001"),
        after=("COPY . /app", "RUN chmod 755 /app/start.sh && mkdir /app/data && chown 10001 /app/data", "USER 10001"),
        see=("docker run --rm --entrypoint sh IMAGE -c 'id; ls -la /app'",),
    ),
    Explanation(
        code="unknown-user",
        summary="USER names somebody that the image does not know",
        looks=("unable to find user app: no matching entries in passwd file",),
        why="Users live in the image's /etc/passwd. One that was made in the builder, or in an image before, is "
        "not in the last stage. USER with a number needs no entry.",
        before=("FROM python:3.11-slim", "USER app"),
        after=("FROM python:3.11-slim", "RUN useradd --uid 10001 --no-create-home app", "USER app"),
        see=("docker run --rm --user root --entrypoint cat IMAGE /etc/passwd",),
    ),
    Explanation(
        code="missing-shared-library",
        summary="a library of the system is not in the image, or not where the loader looks",
        looks=(
            "ImportError: libpq.so.5: cannot open shared object file: No such file or directory",
            "Error loading shared library libpq.so.5: No such file or directory (needed by /app/serve)",
        ),
        why="Some Python packages are only the front of a library of the system: psycopg2 of PostgreSQL's libpq. "
        "The full Python image has many such libraries, the slim one lacks them, and pip does not install them. "
        "Take the library's package into the last stage; the one with -dev in its name is for compiling only.",
        before=("FROM python:3.11-slim", "COPY --from=builder /opt/venv /opt/venv"),
        after=("FROM python:3.11-slim", _APT, "COPY --from=builder /opt/venv /opt/venv"),
        see=("docker run --rm --entrypoint sh IMAGE -c 'ldd /opt/venv/lib/python3*/site-packages/psycopg2/*.so'",),
    ),
    Explanation(
        code="glibc-mismatch",
        summary="something was compiled against a newer C or C++ library than the image has",
        looks=("version `GLIBC_2.38' not found (required by /app/fast.so)",),
        why="What is compiled runs on a C library as old as the one it was built with, or newer, never on an "
        "older one. A builder on a newer distribution than the last stage makes exactly that mistake. "
        "python:3.11 names no distribution, so one stage may be a year older than the other.",
        before=("FROM python:3.11-trixie AS builder", "…", "FROM python:3.11-slim-bookworm"),
        after=("FROM python:3.11-bookworm AS builder", "…", "FROM python:3.11-slim-bookworm"),
        see=("docker run --rm --entrypoint sh IMAGE -c 'ldd --version | head -1; cat /etc/os-release'",),
    ),
    Explanation(
        code="wrong-libc",
        summary="something was built for musl and run on glibc, or the reverse",
        looks=(
            "Error relocating /app/fast.so: __printf_chk: symbol not found",
            "exec /usr/local/bin/start-app: no such file or directory",
        ),
        why="Alpine has another C library (musl) than Debian and most others (glibc), and programs built for one "
        "do not run on the other. Copying a virtual environment or a compiled program from a Debian builder "
        "into an Alpine image, or back, mixes the two.",
        before=("FROM python:3.11 AS builder", "…", "FROM python:3.11-alpine"),
        after=("FROM python:3.11-alpine AS builder", "…", "FROM python:3.11-alpine"),
        see=("docker run --rm --entrypoint sh IMAGE -c 'ls /lib/ld-musl* /lib64/ld-linux*'",),
    ),
    Explanation(
        code="wrong-architecture",
        summary="a program or image for another kind of processor",
        looks=("exec /usr/local/bin/start-app: exec format error",),
        why="Programs are made for one kind of processor. A file downloaded for Arm does not run on Intel, nor "
        "does an image that was built on an Apple laptop on most servers. Let the download follow the "
        "machine, or build for the platform that will run it.",
        before=("RUN curl -fo /usr/local/bin/tini https://…/tini-arm64",),
        after=("ARG TARGETARCH", "RUN curl -fo /usr/local/bin/tini https://…/tini-${TARGETARCH}"),
        see=(
            "docker image inspect --format '{{.Os}}/{{.Architecture}}' IMAGE",
            "docker version --format '{{.Server.Arch}}'",
        ),
    ),
)
