"""Libraries that are not loaded: what is said of them, by the files of the image and its stages."""

from __future__ import annotations

import pytest

from tests.support.cases import Example, File, Files, Row, elf, package

SLIM = "FROM python:3.11-slim\nWORKDIR /srv\nCOPY . .\nEXPOSE 8000\n"
TWO = f"FROM python:3.11 AS builder\nRUN make\n{SLIM}COPY --from=builder /made /made\n"
PYTHONS = 'CMD ["python", "shop.py"]'
LIBRARIES = "/usr/lib/x86_64-linux-gnu"
VENV = "/opt/venv"
IN_VENV = f"{VENV}/lib/python3.11/site-packages"
ENVIRONMENT: Files = {
    f"{VENV}/pyvenv.cfg": "version = 3.11.2\n",
    f"{VENV}/bin/python": File(link="/usr/local/bin/python3.11"),
    f"{VENV}/bin/serve": f"#!{VENV}/bin/python\n",
}


NOT_OPENED = "cannot open shared object file: No such file or directory"


def apt(name: str) -> str:
    """The line that installs a Debian package."""
    return f"RUN apt-get update && apt-get install -y --no-install-recommends {name} && rm -rf /var/lib/apt/lists/*"


def traced(error: str, *files: str) -> str:
    """A traceback through these files."""
    frames = "".join(f'  File "{file}", line 1, in <module>\n' for file in files or ("/srv/shop.py",))
    return f"Traceback (most recent call last):\n{frames}{error}"


def lacks(name: str) -> str:
    """What the loader says."""
    return traced(f"ImportError: {name}: cannot open shared object file: No such file or directory")


def loads(program: str, name: str) -> str:
    """What the loader says of a program."""
    return f"{program}: error while loading shared libraries: {name}: {NOT_OPENED}"


def musl(name: str, by: str = "/srv/serve") -> str:
    """What Alpine's loader says."""
    return f"Error loading shared library {name}: No such file or directory (needed by {by})"


ALPINE: Files = {"/sbin/apk": elf(), "/usr/bin/apt-get": File(link="/nowhere"), "/lib/ld-musl-x86_64.so.1": elf()}
START: Files = {
    "/start.sh": "#!/bin/sh\npython /srv/migrate.py\nimport-shop\npython -m celery worker\nexec python /srv/shop.py\n"
}
BY_SCRIPT = f'{SLIM}CMD ["/start.sh"]\n'
MIGRATE, SHOP = "/srv/migrate.py", "/srv/shop.py"


def unknown(module: str, *files: str) -> str:
    """A traceback that a module is not found."""
    return traced(f"ModuleNotFoundError: No module named '{module}'", *files)


NO_FLASK = traced("ModuleNotFoundError: No module named 'flask'", f"{VENV}/bin/serve")

ROWS = {
    "nowhere": Row(
        lambda: Example(f"{SLIM}{PYTHONS}\n").exits(1, lacks("libpq.so.5")),
        "missing-shared-library",
        "The library libpq.so.5 is in no layer of this image.",
        (apt("libpq5"),),
    ),
    "nowhere, and nobody knows its package": Row(
        lambda: Example(f"{SLIM}{PYTHONS}\n").exits(1, lacks("libshop.so.1")), "missing-shared-library", "in no layer"
    ),
    "of a stage's Debian package": Row(
        lambda: Example(
            f"{TWO}{PYTHONS}\n",
            stages={
                "builder": {
                    f"{LIBRARIES}/libshop.so.1": elf(),
                    "/var/lib/dpkg/info/libshop1:amd64.list": f"{LIBRARIES}/libshop.so.1\n",
                }
            },
        ).exits(1, lacks("libshop.so.1")),
        "missing-shared-library",
        "of the Debian package libshop1",
        (apt("libshop1"),),
    ),
    "made in a stage": Row(
        lambda: Example(f"{TWO}{PYTHONS}\n", stages={"builder": {"/usr/local/lib/libshop.so.1": elf()}}).exits(
            1, lacks("libshop.so.1")
        ),
        "missing-shared-library",
        "stage builder has it: /usr/local/lib/libshop.so.1",
        ("COPY --from=builder /usr/local/lib/libshop.so.1 /usr/local/lib/libshop.so.1", "RUN ldconfig"),
    ),
    "in folders whose names are not UTF-8": Row(
        lambda: Example(
            f"{TWO}{PYTHONS}\n",
            stages={
                "builder": {
                    "/opt/caf\udce9/libshop.so.1": elf(),
                    "/var/lib/dpkg/info/caf:amd64.list": b"/opt/caf\xe8/libshop.so.1\n",
                }
            },
        ).exits(1, lacks("libshop.so.1")),
        "missing-shared-library",
        r"stage builder has it: /opt/caf\xe9/libshop.so.1",
    ),
    "where the loader does not look": Row(
        lambda: Example(f"{SLIM}{PYTHONS}\n", {"/opt/lib/libshop.so.1": elf()}).exits(1, lacks("libshop.so.1")),
        "missing-shared-library",
        "in /opt/lib, where the loader does not look",
        ("ENV LD_LIBRARY_PATH=/opt/lib",),
    ),
    "of a program": Row(
        lambda: Example(f'{SLIM}CMD ["./serve"]\n').exits(
            127,
            "./serve: error while loading shared libraries: libpq.so.5: cannot open shared object file: No such file "
            "or directory",
        ),
        "missing-shared-library",
        "libpq.so.5",
        (apt("libpq5"),),
    ),
    "of Alpine": Row(
        lambda: Example(f"{SLIM}{PYTHONS}\n").exits(1, lacks("libc.musl-x86_64.so.1")),
        "wrong-libc",
        "built for Alpine's C library",
    ),
    "on Alpine": Row(
        lambda: Example(f"FROM python:3.11-alpine\n{PYTHONS}\n").exits(
            1, traced("ImportError: Error relocating /srv/x.so: __memcpy_chk: symbol not found")
        ),
        "wrong-libc",
        "this image's (musl) has no __memcpy_chk",
    ),
    "too new": Row(
        lambda: Example(
            f"FROM python:3.11-trixie AS builder\nRUN make\nFROM python:3.11-slim-bookworm\n{PYTHONS}\n",
            stages={
                "builder": {
                    "/made/x.so": elf(),
                    "/etc/os-release": 'VERSION_CODENAME=trixie\nPRETTY_NAME="Debian GNU/Linux 13 (trixie)"\n',
                }
            },
        ).exits(1, traced("ImportError: /lib/libc.so.6: version `GLIBC_2.38' not found (required by /srv/x.so)")),
        "glibc-mismatch",
        "x.so comes from stage builder, which is Debian GNU/Linux 13",
        ("FROM python:3.11-slim-trixie",),
    ),
    "dealt with": Row(
        lambda: Example(f"{SLIM}{PYTHONS}\n").exits(1, lacks("libpq.so.5") + "\nthe shop is closed"),
        "exits-at-once",
        "the shop is closed",
    ),
    # Several at once
    "two libraries, of two programs": Row(
        lambda: Example(BY_SCRIPT, START).exits(127, f"{loads('a', 'libpq.so.5')}\n{loads('b', 'libGL.so.1')}"),
        "missing-shared-library",
        "Libraries that programs need are not found: libpq.so.5 and libGL.so.1.",
        (apt("libpq5 libgl1"),),
    ),
    "two libraries, and words between them": Row(
        lambda: Example(BY_SCRIPT, START).exits(
            127, f"{loads('a', 'libpq.so.5')}\nthe shop opens\n{loads('b', 'libGL.so.1')}"
        ),
        "missing-shared-library",
        "not found: libpq.so.5 and libGL.so.1.\n" + loads("a", "libpq.so.5"),
        (apt("libpq5 libgl1"),),
    ),
    "one library, twice": Row(
        lambda: Example(BY_SCRIPT, START).exits(127, f"{loads('a', 'libpq.so.5')}\n{loads('b', 'libpq.so.5')}"),
        "missing-shared-library",
        "The library libpq.so.5 is in no layer of this image.",
        (apt("libpq5"),),
    ),
    "three libraries, each to be had in another way": Row(
        lambda: Example(
            f'{TWO}CMD ["/start.sh"]\n',
            START | {"/opt/lib/libtill.so.1": elf()},
            stages={"builder": {"/usr/local/lib/libshop.so.1": elf()}},
        ).exits(127, "\n".join(loads("a", name) for name in ("libtill.so.1", "libpq.so.5", "libshop.so.1"))),
        "missing-shared-library",
        "not found: libtill.so.1, libpq.so.5 and libshop.so.1.",
        (
            "ENV LD_LIBRARY_PATH=/opt/lib",
            apt("libpq5"),
            "COPY --from=builder /usr/local/lib/libshop.so.1 /usr/local/lib/libshop.so.1",
            "RUN ldconfig",
        ),
    ),
    "two libraries in folders where the loader does not look": Row(
        lambda: Example(BY_SCRIPT, START | {"/opt/a/liba.so.1": elf(), "/opt/b/libb.so.1": elf()}).exits(
            127, f"{loads('a', 'liba.so.1')}\n{loads('b', 'libb.so.1')}"
        ),
        "missing-shared-library",
        "this image has it: /opt/b/libb.so.1",
        ("ENV LD_LIBRARY_PATH=/opt/a:/opt/b",),
    ),
    "two libraries, of one of which nobody knows the package": Row(
        lambda: Example(BY_SCRIPT, START).exits(127, f"{loads('a', 'libpq.so.5')}\n{loads('b', 'libshop.so.1')}"),
        "missing-shared-library",
        "not found: libpq.so.5 and libshop.so.1.",
        (apt("libpq5"),),
    ),
    "a library of a script that ended before": Row(
        lambda: Example(BY_SCRIPT, START).exits(
            1,
            traced("ImportError: libpq.so.5: cannot open shared object file: No such file or directory", MIGRATE)
            + "\n"
            + lacks("libGL.so.1"),
        ),
        "missing-shared-library",
        "not found: libpq.so.5 and libGL.so.1.",
        (apt("libpq5 libgl1"),),
    ),
    "a library that was done without": Row(
        lambda: Example(BY_SCRIPT, START).exits(1, f"{lacks('libpq.so.5')}\nno database\n{lacks('libGL.so.1')}"),
        "missing-shared-library",
        "The library libGL.so.1 is in no layer of this image.",
        (apt("libgl1"),),
    ),
    "all that a program misses, on Alpine": Row(
        lambda: Example('FROM python:3.11-alpine\nCMD ["/srv/serve"]\n', ALPINE | {"/srv/serve": elf()}).exits(
            127,
            f"{musl('libpq.so.5')}\n{musl('libxml2.so.2')}\nError relocating /srv/serve: PQconnectdb: symbol not found",
        ),
        "missing-shared-library",
        "not found: libpq.so.5 and libxml2.so.2.",
        ("RUN apk add --no-cache libpq libxml2",),
    ),
    "of a module, on Alpine": Row(
        lambda: Example(f"FROM python:3.11-alpine\n{PYTHONS}\n", ALPINE).exits(
            1, traced(f"ImportError: {musl('libpq.so.5', '/srv/x.so')}")
        ),
        "missing-shared-library",
        "The library libpq.so.5 is in no layer of this image.",
        ("RUN apk add --no-cache libpq",),
    ),
    "made for Debian, on Alpine": Row(
        lambda: Example(f"FROM python:3.11-alpine\n{PYTHONS}\n", ALPINE).exits(
            127,
            f"{musl('ld-linux-x86-64.so.2')}\n{musl('libpq.so.5')}\nError relocating /srv/serve: x: symbol not found",
        ),
        "wrong-libc",
        "built for glibc: it needs ld-linux-x86-64.so.2",
    ),
    "Debian's program, by Alpine's loader": Row(
        lambda: Example(
            f"{SLIM}CMD /lib/ld-musl-x86_64.so.1 /usr/bin/apt\n", {f"{LIBRARIES}/libapt-pkg.so.6.0": elf()}
        ).exits(
            127,
            f"{musl('libapt-pkg.so.6.0', '/usr/bin/apt')}\n{musl('libshop.so.1', '/usr/bin/apt')}\n"
            "Error relocating /usr/bin/apt: __printf_chk: symbol not found",
        ),
        "wrong-libc",
        "this image's (musl) has no __printf_chk",
    ),
    "two modules, of two programs": Row(
        lambda: Example(BY_SCRIPT, START).exits(1, f"{unknown('psycopg2', MIGRATE)}\n{unknown('flask', SHOP)}"),
        "missing-python-module",
        "Python does not find psycopg2 and flask.\nModuleNotFoundError: No module named 'psycopg2'\nModuleNotFound",
        ("RUN pip install --no-cache-dir psycopg2-binary flask",),
    ),
    "three modules, of a script, a program and a module": Row(
        lambda: Example(BY_SCRIPT, START).exits(
            1,
            f"{unknown('yaml', '/usr/local/bin/import-shop')}\n/usr/local/bin/python: No module named celery\n"
            f"{unknown('redis', '<frozen runpy>', '/srv/jobs.py')}\n{unknown('flask', SHOP)}",
        ),
        "missing-python-module",
        "Python does not find yaml, celery, redis and flask.",
        ("RUN pip install --no-cache-dir PyYAML celery redis flask",),
    ),
    "one module, of two programs": Row(
        lambda: Example(BY_SCRIPT, START).exits(1, f"{unknown('flask', MIGRATE)}\n{unknown('flask', SHOP)}"),
        "missing-python-module",
        "Python does not find flask: it is in no layer of this image.",
        ("RUN pip install --no-cache-dir flask",),
    ),
    "a module in the place of which another was tried": Row(
        lambda: Example(BY_SCRIPT, START).exits(
            1,
            f"{unknown('ujson', MIGRATE)}\n\nDuring handling of the above exception, another exception occurred:\n\n"
            f"{unknown('simplejson', SHOP)}",
        ),
        "missing-python-module",
        "Python does not find simplejson: it is in no layer of this image.",
        ("RUN pip install --no-cache-dir simplejson",),
    ),
    "a module that was done without, as a log says": Row(
        lambda: Example(BY_SCRIPT, START).exits(
            1, f"{unknown('psycopg2', MIGRATE)}\nWARNING: nothing to migrate\n{unknown('flask', SHOP)}"
        ),
        "missing-python-module",
        "Python does not find flask: it is in no layer of this image.",
        ("RUN pip install --no-cache-dir flask",),
    ),
    "a module that the program itself did without": Row(
        lambda: Example(BY_SCRIPT, START).exits(1, f"{unknown('ujson', SHOP)}\n{unknown('flask', SHOP)}"),
        "missing-python-module",
        "Python does not find flask: it is in no layer of this image.",
        ("RUN pip install --no-cache-dir flask",),
    ),
    "a module that a part of the program did without": Row(
        lambda: Example(BY_SCRIPT, START).exits(1, f"{unknown('ujson', '/srv/tools.py')}\n{unknown('flask', SHOP)}"),
        "missing-python-module",
        "Python does not find flask: it is in no layer of this image.",
        ("RUN pip install --no-cache-dir flask",),
    ),
    "a module, and another that is there for somebody else": Row(
        lambda: Example(BY_SCRIPT, START | ENVIRONMENT | package("psycopg2", site=IN_VENV)).exits(
            1, f"{unknown('psycopg2', MIGRATE)}\n{unknown('flask', SHOP)}"
        ),
        "missing-python-module",
        "Python does not find flask: it is in no layer of this image.",
        ("RUN pip install --no-cache-dir flask",),
    ),
    # Packages are installed for the Python that runs.
    "into an environment without pip": Row(
        lambda: Example(
            f'{SLIM}ENV PATH={VENV}/bin:$PATH\nCMD ["serve"]\n', ENVIRONMENT | package("pip", "24.0")
        ).exits(1, NO_FLASK),
        "missing-python-module",
        "Python does not find flask",
        (f"RUN pip --python {VENV}/bin/python install --no-cache-dir flask",),
    ),
    "into an environment with pip": Row(
        lambda: Example(
            f'{SLIM}CMD ["{VENV}/bin/serve"]\n', ENVIRONMENT | {f"{VENV}/bin/pip": f"#!{VENV}/bin/python\n"}
        ).exits(1, NO_FLASK),
        "missing-python-module",
        "Python does not find flask",
        (f"RUN {VENV}/bin/pip install --no-cache-dir flask",),
    ),
    "into an environment with pip that PATH begins with": Row(
        lambda: Example(
            f'{SLIM}ENV PATH={VENV}/bin:$PATH\nCMD ["serve"]\n',
            ENVIRONMENT | {f"{VENV}/bin/pip": f"#!{VENV}/bin/python\n"},
        ).exits(1, NO_FLASK),
        "missing-python-module",
        "Python does not find flask",
        ("RUN pip install --no-cache-dir flask",),
    ),
    "into an environment that the traceback names": Row(
        lambda: Example(
            f'{SLIM}CMD ["run-shop"]\n', ENVIRONMENT | package("pip", "24.0") | package("gunicorn", site=IN_VENV)
        ).exits(1, traced("ModuleNotFoundError: No module named 'flask'", f"{IN_VENV}/gunicorn/util.py")),
        "missing-python-module",
        "Python does not find flask",
        (f"RUN pip --python {VENV}/bin/python install --no-cache-dir flask",),
    ),
    "into an environment, and pip is too old for that": Row(
        lambda: Example(
            f'{SLIM}ENV PATH={VENV}/bin:$PATH\nCMD ["serve"]\n', ENVIRONMENT | package("pip", "20.3")
        ).exits(1, NO_FLASK),
        "missing-python-module",
        "Python does not find flask",
    ),
    "an older version, into an environment": Row(
        lambda: Example(
            f'{SLIM}ENV PATH={VENV}/bin:$PATH\nCMD ["serve"]\n',
            ENVIRONMENT | package("pip", "24.0") | package("werkzeug", "3.0.1", site=IN_VENV),
        ).exits(
            1,
            traced(
                f"ImportError: cannot import name 'url_quote' from 'werkzeug.urls' ({IN_VENV}/werkzeug/urls.py)",
                f"{IN_VENV}/flask/app.py",
            ),
        ),
        "incompatible-packages",
        "which the installed werkzeug 3.0.1 does not have",
        (f'RUN pip --python {VENV}/bin/python install --no-cache-dir "werkzeug<3"',),
    ),
    "of the distribution's Python": Row(
        lambda: Example(
            'FROM debian:12\nCMD ["python3", "/srv/shop.py"]\n',
            {
                "/usr/bin/python3": elf(),
                "/usr/bin/pip": "#!/usr/bin/python3\n",
                "/usr/lib/python3.11/os.py": "",
                "/usr/lib/python3.11/EXTERNALLY-MANAGED": "",
            },
        ).exits(1, traced("ModuleNotFoundError: No module named 'flask'")),
        "missing-python-module",
        "Python does not find flask",
    ),
}


@pytest.mark.parametrize("name", ROWS)
def test_a_library_that_is_not_loaded(name: str) -> None:
    """The cause, its proof, and the very lines that mend it; none where it would be a guess."""
    ROWS[name].check()


def test_what_has_no_known_package_is_named_beside_what_is_mended() -> None:
    """A fix for one of two libraries does not pass for one of both."""
    failure = Example(BY_SCRIPT, START).exits(127, f"{loads('a', 'libpq.so.5')}\n{loads('b', 'libshop.so.1')}")
    assert (failure.hint or "").endswith("What brings libshop.so.1 is not known here.")
    failure = Example(BY_SCRIPT, START).exits(127, f"{loads('a', 'libpq.so.5')}\n{loads('b', 'libGL.so.1')}")
    assert "not known" not in (failure.hint or "")
