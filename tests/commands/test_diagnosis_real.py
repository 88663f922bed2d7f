"""Why images do not work, on the real engine: each code by a container that shows it, and by others that nearly do."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import docker
import pytest

from imgcompare.scenarios import bundled_root
from tests.support.projects import BASE, Project, Result

MISTAKES = bundled_root() / "dockerfiles" / "common-mistakes"
_TIMEOUT = ("--timeout", "12", "--jobs", "6")


def declared(dockerfile: Path) -> str | None:
    """The code that a Dockerfile's first line declares."""
    match = re.match(r"# Breaks as: ([a-z-]+)\n", dockerfile.read_text(encoding="utf-8"))
    return match[1] if match else None


CODES = {path.name.removesuffix(".Dockerfile"): declared(path) for path in sorted(MISTAKES.glob("*.Dockerfile"))}


@pytest.fixture(scope="module")
def mistakes(lasting_project: Project) -> Result:
    """One run of every common mistake."""
    files = [str(MISTAKES / f"{name}.Dockerfile") for name in CODES]
    context = str(bundled_root() / "sample_app")
    return lasting_project("run", *files, "--build-context", context, *_TIMEOUT, "--json")


@pytest.mark.parametrize("name", CODES)
def test_each_mistake_breaks_as_it_declares(mistakes: Result, name: str) -> None:
    """The code, a sentence, the proof, and the next step or the lines that mend it."""
    failure = mistakes.variant(name)["failure"]
    assert (failure or {}).get("code") == CODES[name]
    if failure:
        assert failure["evidence"]
        assert failure["hint"] or failure["fix"]


def test_no_stage_stays_on_the_engine(mistakes: Result, client: docker.DockerClient) -> None:
    """The stages that were looked into had a tag of their own, and it is gone."""
    assert mistakes.variant("packages-not-copied")["failure"]["fix"]
    tags = [tag for image in client.api.images() for tag in image["RepoTags"] or ()]
    assert [tag for tag in tags if tag.startswith("imgcompare/diagnosis-")] == []


MENDABLE = (
    *("commands-not-copied", "environment-moved", "library-not-copied", "loopback-only", "no-application"),
    *("not-executable", "not-writable", "one-string", "other-port", "other-python", "packages-not-copied"),
    *("unknown-user", "unpinned-packages", "user-install", "windows-line-ends"),
)


def test_these_mistakes_come_with_a_fix(mistakes: Result) -> None:
    """Where a few lines of a Dockerfile mend it, they are given, and their place; where they would be a guess, not.

    That they mend it is seen in ``test_mend_real``.
    """
    failures = {name: mistakes.variant(name)["failure"] for name in CODES if CODES[name]}
    assert tuple(name for name, failure in failures.items() if failure["fix"]) == MENDABLE
    assert tuple(name for name, failure in failures.items() if failure["edits"]) == MENDABLE


def python(code: str) -> str:
    """A CMD that runs this Python."""
    return f"EXPOSE 8000\nCMD {json.dumps(['python', '-u', '-c', code.replace('`', chr(39))])}"


LISTEN = "import socket, time; s = socket.create_server((%s)); print(%r); time.sleep(600)"
SERVE = 'EXPOSE 8000\nCMD ["python", "/app.py"]'
# Near misses: what looks like one of the codes, is something else, and must be told as that. Each: the code, words of
# the message or evidence, and the instructions after FROM.
NEAR: Mapping[str, tuple[str | None, str, str]] = {
    "handled-import": (
        "exits-at-once",
        "DATABASE_URL is not set",
        'RUN printf "import logging, sys\\ntry:\\n import uvloop\\nexcept ImportError:\\n logging.exception(0)\\n'
        'sys.exit(\\"DATABASE_URL is not set\\")" > /x.py\nEXPOSE 8000\nCMD ["python", "/x.py"]',
    ),
    "dealt-with-and-not-serving": (
        "never-listens",
        "nothing listens on any port",
        python(
            "import logging, time\ntry:\n import uvloop\nexcept ImportError:\n logging.exception(0)\ntime.sleep(600)"
        ),
    ),
    "variable-told-and-something-else": (
        "exits-at-once",
        "the shop is closed",
        'EXPOSE 8000\nCMD ["python", "-c", "import sys; sys.exit(str(sys.argv) + chr(10) + \'the shop is closed\')", '
        '"$HOME"]',
    ),
    "words-of-a-shell": (
        "exits-at-once",
        "item: not found",
        python("import sys; sys.exit(`stock.txt: 12: item: not found`)"),
    ),
    "own-module": (
        "application-not-found",
        "/srv/shop",
        "RUN mkdir -p /srv && touch /srv/shop.py\n" + python("import shop"),
    ),
    "vendored-module": (
        "missing-python-module",
        "no layer of this image",
        "RUN mkdir -p /usr/lib/x/vendor && touch /usr/lib/x/__init__.py /usr/lib/x/vendor/__init__.py"
        " /usr/lib/x/vendor/shop.py\n" + python("import shop"),
    ),
    "environment-not-used": (
        "virtualenv-not-used",
        "/opt/venv",
        "RUN python -m venv --without-pip /opt/venv && touch /opt/venv/lib/python3.11/site-packages/shop.py\n"
        + python("import shop"),
    ),
    "unreadable-module": (
        "unknown",
        "although it is in",
        "RUN cd /usr/local/lib/python3.11/site-packages && touch shop.py\nENV PYTHONNOUSERSITE=1\n"
        'EXPOSE 8000\nCMD ["python", "-S", "-c", "import shop"]',
    ),
    "user-install-as-that-user": (
        None,
        "",
        "COPY app.py /\nRUN python -m site --user-site && mkdir -p /root/.local/lib/python3.11/site-packages"
        " && mv /app.py /root/.local/lib/python3.11/site-packages/shop.py\n" + python("import shop"),
    ),
    "folder-as-program": ("permission-denied", "is a folder", 'RUN mkdir /app\nEXPOSE 8000\nCMD ["/app"]'),
    "no-first-line": (
        "script-cannot-run",
        "without a first line",
        'RUN echo "exec python /app.py" > /start && chmod 755 /start\nEXPOSE 8000\nCMD ["/start"]',
    ),
    "other-interpreter": (
        "script-cannot-run",
        "/usr/bin/ruby",
        'RUN echo "#!/usr/bin/ruby" > /start && chmod 755 /start\nEXPOSE 8000\nCMD ["/start"]',
    ),
    "name-with-a-space": (
        None,
        "",
        "COPY app.py /\nRUN cp /usr/local/bin/python '/usr/local/bin/my python'\nEXPOSE 8000\n"
        'CMD ["my python", "/app.py"]',
    ),
    "off-path": (
        "executable-not-found",
        "PATH does not name that folder",
        'RUN mkdir -p /opt/tools/bin && cp /bin/true /opt/tools/bin/serve-shop\nEXPOSE 8000\nCMD ["serve-shop"]',
    ),
    "by-a-shell": ("executable-not-found", "serve-shop", "EXPOSE 8000\nCMD exec serve-shop --port 8000"),
    "library-elsewhere": (
        "missing-shared-library",
        "where the loader does not look",
        "RUN mkdir /opt/lib && touch /opt/lib/libshop.so.1\n" + python("import ctypes; ctypes.CDLL(`libshop.so.1`)"),
    ),
    "circular-import": (
        "exits-at-once",
        "circular import",
        "RUN cd /usr/local/lib/python3.11/site-packages && echo 'from shop_b import b' > shop_a.py"
        " && echo 'from shop_a import a' > shop_b.py\n" + python("import shop_a"),
    ),
    "own-name": (
        "exits-at-once",
        "cannot import name",
        "RUN mkdir /srv/x && touch /srv/x/shop.py\nWORKDIR /srv/x\n" + python("from shop import app"),
    ),
    "denied-to-root": (
        "exits-at-once",
        "PermissionError",
        python("raise PermissionError(13, `Permission denied`, `/etc/passwd`)"),
    ),
    "as-if-killed": ("unknown", "(SIGKILL)", 'EXPOSE 8000\nCMD ["sh", "-c", "exit 137"]'),
    "another-user-by-number": (None, "", "COPY app.py /\nUSER 12345\n" + SERVE),
    "log-lies": (
        "never-listens",
        "a server takes connections there",
        python(LISTEN % ("``, 8000", "Running on http://127.0.0.1:8000")),
    ),
    "other-port-on-loopback": (
        "binds-loopback",
        "and on port 9000 instead of 8000",
        python(LISTEN % ("`127.0.0.1`, 9000", "up")),
    ),
    "also-on-loopback": (
        "wrong-port",
        "listens on port 9001",
        python("import socket; t = socket.create_server((`127.0.0.1`, 8001)); " + LISTEN % ("``, 9001", "up")),
    ),
    "not-the-bases-mirror": (
        "build-failed",
        "exited with code 100",
        "RUN echo '404 Not Found'; echo \"E: The repository 'http://packages.example/php bookworm Release' does not"
        ' have a Release file."; exit 100',
    ),
    "compiles-without-a-compiler": (
        "missing-build-tool",
        "pg_config",
        "RUN pip install --no-cache-dir --no-binary :all: psycopg2==2.9.10",
    ),
    "musl-loads-glibc": (
        "wrong-libc",
        "symbol not found",
        "RUN apt-get update && apt-get install -y --no-install-recommends musl\nEXPOSE 8000\n"
        'CMD ["sh", "-c", "exec /lib/ld-musl-*.so.1 /usr/bin/apt"]',
    ),
}


@pytest.fixture(scope="module")
def near(lasting_project: Project) -> Result:
    """One run of everything that looks like something else."""
    lasting_project.write({f"near/{name}.Dockerfile": f"FROM {BASE}\n{text}\n" for name, (_, _, text) in NEAR.items()})
    files = [f"near/{name}.Dockerfile" for name in NEAR]
    return lasting_project("run", *files, *_TIMEOUT, "--json", "--expect-body-pattern", ".*")


@pytest.mark.parametrize("name", NEAR)
def test_what_nearly_looks_like_it_is_not_taken_for_it(near: Result, name: str) -> None:
    """A confident wrong diagnosis is worse than none."""
    code, words, _ = NEAR[name]
    failure: dict[str, Any] | None = near.variant(name)["failure"]
    if code is None:
        assert failure is None
        return
    assert failure is not None
    text = "\n".join([failure["message"], *failure["evidence"]])
    assert failure["code"] == code, text
    assert words in text


@pytest.mark.parametrize("builder", ["buildkit", "classic"])
def test_a_stage_without_a_name_is_looked_into_too(project: Project, builder: str) -> None:
    """By its number, and with both builders."""
    project.write(
        {
            "Dockerfile": f"FROM {BASE}\nRUN touch /usr/local/lib/python3.11/site-packages/shop.py && mkdir /made\n"
            f"FROM {BASE}\nCOPY --from=0 /made /made\n{python('import shop')}\n"
        }
    )
    failure = project("run", "Dockerfile", "--builder", builder, "--json").variant("Dockerfile")["failure"]
    place = "/usr/local/lib/python3.11/site-packages"
    assert failure["code"] == "missing-python-module"
    assert failure["fix"] == [f"COPY --from=0 {place} {place}"]


def test_an_image_for_another_machine_is_told_from_a_program_for_one(project: Project) -> None:
    """The engine's machine counts: every program of the image is right for the image, and none can run here."""
    foreign, machine = ("amd64", 62) if os.uname().machine == "aarch64" else ("arm64", 183)
    program = project.folder / "serve"
    program.write_bytes(b"\x7fELF\x02\x01\x01" + bytes(9) + bytes([2, 0, machine, 0, 1, 0, 0, 0]) + bytes(4096))
    program.chmod(0o755)
    project.write({"Dockerfile": 'FROM scratch\nCOPY serve /serve\nEXPOSE 8000\nCMD ["/serve"]\n'})
    run = project("run", "Dockerfile", "--platform", f"linux/{foreign}", "--json")
    failure, here = run.variant("Dockerfile")["failure"], run.report["engine"]["architecture"]
    assert failure["code"] == "wrong-architecture"
    assert failure["message"] == f"The image is for {foreign}, and the engine's machine is {here}."
    assert failure["hint"] == f"Build it for this machine: --platform linux/{here}"
