"""Codes of builds, base images and engines."""

from __future__ import annotations

from imgcompare.diagnosis.explanations.entry import Explanation

BUILDING = (
    Explanation(
        code="base-end-of-life",
        summary="the base image's distribution is no longer on its mirrors",
        looks=(
            "E: The repository 'http://mirror.example/debian buster Release' does not have a Release file.",
            "  404  Not Found",
        ),
        why="When a distribution is no longer maintained, its packages are moved off the mirrors, and `apt-get "
        "update` finds nothing. There are no security fixes for it either, so the way out is a newer base, "
        "and not other mirrors.",
        before=("FROM python:3.8-slim-buster",),
        after=("FROM python:3.12-slim-bookworm",),
        see=("docker run --rm --entrypoint cat IMAGE /etc/os-release",),
    ),
    Explanation(
        code="missing-build-tool",
        summary="a package has to be compiled, and the stage lacks a compiler, a header or a library",
        looks=(
            "error: command 'gcc' failed: No such file or directory",
            "fatal error: libpq-fe.h: No such file or directory",
        ),
        why="pip downloads ready-made packages (wheels) where there are any for this Python and machine, and "
        "compiles the others. Slim images have no compiler. Compile in a stage on the full image, which has "
        "one, and copy only what was made; or take a package that comes ready-made (psycopg2-binary).",
        before=("FROM python:3.11-slim", "RUN pip install psycopg2"),
        after=(
            "FROM python:3.11 AS builder",
            "RUN python -m venv /opt/venv && /opt/venv/bin/pip install --no-cache-dir psycopg2",
            "FROM python:3.11-slim",
            "COPY --from=builder /opt/venv /opt/venv",
        ),
        see=("docker run --rm --entrypoint which python:3.11-slim gcc",),
    ),
    Explanation(
        code="copy-source-missing",
        summary="COPY names something that is not in the build context, or not in that stage",
        looks=('COPY requirements.txt .: "/requirements.txt" not found',),
        why="COPY takes files from the build context, the folder that the build is given (not the Dockerfile's "
        "own), or with --from from another stage. What .dockerignore names is not there, and a path of "
        "site-packages changes with the Python version.",
        before=("COPY ../requirements.txt .",),
        after=("COPY requirements.txt .", "# imgcompare run --build-context . docker/Dockerfile"),
        see=("cat .dockerignore", "docker build --target builder -t try . && docker run --rm try ls /"),
    ),
    Explanation(
        code="package-not-found",
        summary="pip or apt-get was asked for a package, or a version of one, that does not exist",
        looks=("ERROR: No matching distribution found for flask==99.0", "E: Unable to locate package curl"),
        why="pip: the name is misspelt, that version was never made, or not for this Python and machine; pip lists the "
        "versions it found. apt-get: images come without package lists, so `apt-get update` has to be run in the same "
        "step; and a package may have another name in this release of the distribution.",
        before=("RUN apt-get install -y curl",),
        after=("RUN apt-get update && apt-get install -y --no-install-recommends curl && rm -rf /var/lib/apt/lists/*",),
        see=("pip index versions flask", "docker run --rm IMAGE sh -c 'apt-get update && apt-cache search curl'"),
    ),
    Explanation(
        code="command-not-found",
        summary="a RUN step calls a program that its stage does not have",
        looks=("/bin/sh: 1: git: not found",),
        why="Slim images have little beside Python: no git, curl, wget or compiler. A program that only the build "
        "needs is best installed in a stage of its own, so that it is not in the last image. A shell's own words "
        "differ, too: /bin/sh of Debian knows `.` and not `source`.",
        before=("FROM python:3.11-slim", "RUN git clone https://example.org/shop.git"),
        after=(
            "FROM python:3.11 AS builder",
            "RUN git clone https://example.org/shop.git /shop",
            "FROM python:3.11-slim",
            "COPY --from=builder /shop /shop",
        ),
        see=("docker run --rm --entrypoint which python:3.11-slim git",),
    ),
    Explanation(
        code="build-failed",
        summary="a build step failed; its log's end is the evidence",
        looks=("RUN make … exited with code 2",),
        why="A step of the Dockerfile ended with an error. Its own last words stand in the evidence, after the "
        "step that said them. The steps before it are in the cache, so trying again begins there.",
        before=("RUN make",),
        after=("RUN apt-get update && apt-get install -y --no-install-recommends make && make",),
        see=("docker build --progress=plain .",),
    ),
    Explanation(
        code="image-unavailable",
        summary="an image is neither on the engine nor can it be pulled",
        looks=("The image python:3.11 is not on the engine and cannot be pulled.",),
        why="The registry cannot be reached, the name is wrong, or it wants a login. Where nobody said that there is "
        "no such image, that is no verdict on the Dockerfile: it was not checked. On machines without a "
        "registry, `imgcompare setup` makes stand-ins for the Python images from the distribution's packages.",
        before=("FROM pyton:3.11",),
        after=("FROM python:3.11", "# docker login REGISTRY, or: imgcompare setup"),
        see=("docker pull python:3.11",),
    ),
    Explanation(
        code="image-gone",
        summary="something else removed the image meanwhile",
        looks=("The engine no longer has the image sha256:…",),
        why="Between its build and its use somebody, or a clean-up job, removed the image from the engine.",
        after=("imgcompare run",),
        see=("docker image ls",),
    ),
    Explanation(
        code="host-port-taken",
        summary="the fixed host port is in use",
        looks=("Host port 5000 is taken by something else.",),
        why="--host-port asks for one port of this machine, and another program or container has it. (On macOS, "
        "AirPlay listens on 5000.) Without --host-port the engine picks free ones.",
        before=("imgcompare run --host-port 5000",),
        after=("imgcompare run",),
        see=("docker ps --format '{{.Names}} {{.Ports}}'",),
    ),
    Explanation(
        code="engine-error",
        summary="the engine refuses what the image asks for",
        looks=("… (the engine's answer 400 to POST /containers/create)",),
        why="The container engine does not take what the image asks for; its words are in the message.",
        after=("imgcompare doctor",),
        see=("docker image inspect IMAGE",),
    ),
    Explanation(
        code="engine-failed",
        summary="the engine could not do its part, which says nothing of the variant",
        looks=("The engine's disk is full: …",),
        why="A full disk, limits of its machine or a broken network kept the engine from building or running the "
        "variant. That is no verdict: the run ends with exit code 4, and what else was finished is in the report.",
        after=("imgcompare doctor",),
        see=("docker info", "docker system df"),
    ),
    Explanation(
        code="interrupted",
        summary="the run ended before this variant was finished",
        looks=("The run ended before this variant was finished.",),
        why="Somebody stopped the run (Ctrl-C), or the engine was lost. What was finished by then is in the report.",
        after=("imgcompare run",),
    ),
)
