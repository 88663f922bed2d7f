"""A program that could not be started, or a script that is none: what is said of it, by what lies where it looks."""

from __future__ import annotations

import pytest

from tests.diagnosis.test_modules import CLOSED, COPY_UV, ENVIRONMENT, UV_STAGE, WITH_UV
from tests.support.cases import SITE, Example, File, Files, Row, elf, folder, link, package

SLIM = "FROM python:3.11-slim\nWORKDIR /web\nCOPY . .\nEXPOSE 8000\n"
BUILDER = "FROM python:3.11 AS builder\nRUN pip install gunicorn\n"
RUNC = "OCI runtime create failed: runc create failed: unable to start container process: "
GUNICORN: Files = {"/usr/local/bin/gunicorn": "#!/usr/local/bin/python3.11\n", **package("gunicorn")}
GLIBC, MUSL = "/lib64/ld-linux-x86-64.so.2", "/lib/ld-musl-x86_64.so.1"
NO_MARK = r"RUN sed -i '1s/^\xEF\xBB\xBF//"


def not_found(program: str) -> str:
    """What runc says of a name that is not on PATH."""
    return f'{RUNC}exec: "{program}": executable file not found in $PATH: unknown'


def starts(command: str, files: Files | None = None, *, before: str = "", **more: object) -> Example:
    """An image that starts this, its stage ``builder`` above."""
    return Example(f"{before}{SLIM}{command}\n", files or {}, **more)  # type: ignore[arg-type]


ROWS = {
    "in a stage": Row(
        lambda: starts(
            'COPY --from=builder /x /x\nCMD ["gunicorn", "shop:app"]', before=BUILDER, stages={"builder": GUNICORN}
        ).cannot_start(not_found("gunicorn")),
        "executable-not-found",
        "stage builder has it: /usr/local/bin/gunicorn",
        (
            f"COPY --from=builder {SITE} {SITE}",
            "COPY --from=builder /usr/local/bin/gunicorn /usr/local/bin/gunicorn",
        ),
    ),
    "in a stage, its packages copied": Row(
        lambda: starts(
            'COPY --from=builder /x /x\nCMD ["gunicorn", "shop:app"]',
            package("gunicorn"),
            before=BUILDER,
            stages={"builder": GUNICORN},
        ).cannot_start(not_found("gunicorn")),
        "executable-not-found",
        "in no layer of this image",
        ("COPY --from=builder /usr/local/bin/gunicorn /usr/local/bin/gunicorn",),
    ),
    "nowhere": Row(
        lambda: starts('CMD ["gunicorn", "shop:app"]').cannot_start(not_found("gunicorn")),
        "executable-not-found",
        "There is no program gunicorn",
        ("RUN pip install --no-cache-dir gunicorn",),
    ),
    "nowhere, and nobody knows what brings it": Row(
        lambda: starts('CMD ["serve-shop"]').cannot_start(not_found("serve-shop")),
        "executable-not-found",
        "There is no program serve-shop",
    ),
    "nowhere, by a shell": Row(
        lambda: starts("CMD exec serve-shop").exits(127, "/bin/sh: 1: exec: serve-shop: not found"),
        "executable-not-found",
        "There is no program serve-shop",
    ),
    "nowhere, by crun": Row(
        lambda: starts('CMD ["serve-shop"]').cannot_start("crun: executable file `serve-shop` not found in $PATH"),
        "executable-not-found",
        "There is no program serve-shop",
    ),
    "nowhere, before the files are read": Row(
        lambda: starts('CMD ["serve-shop"]', unread=True).cannot_start(not_found("serve-shop")),
        "executable-not-found",
        "is not on the image's PATH",
    ),
    "off PATH": Row(
        lambda: starts('CMD ["serve-shop"]', {"/opt/shop/bin/serve-shop": elf()}).cannot_start(not_found("serve-shop")),
        "executable-not-found",
        "in /opt/shop/bin, and PATH does not name that folder",
        ("ENV PATH=/opt/shop/bin:$PATH",),
    ),
    "in the home of another user": Row(
        lambda: starts(
            'RUN pip install --user gunicorn\nUSER www-data\nCMD ["gunicorn", "shop:app"]',
            {"/root/.local/bin/gunicorn": "#!/usr/local/bin/python3.11\n"},
        ).cannot_start(not_found("gunicorn")),
        "user-site-as-other-user",
        "the image runs as www-data, whose Python does not look into /root",
        ("RUN pip install gunicorn",),
    ),
    "in one's own home": Row(
        lambda: starts(
            'CMD ["gunicorn", "shop:app"]', {"/root/.local/bin/gunicorn": "#!/usr/local/bin/python3.11\n"}
        ).cannot_start(not_found("gunicorn")),
        "executable-not-found",
        "in /root/.local/bin, and PATH does not name that folder",
        ("ENV PATH=/root/.local/bin:$PATH",),
    ),
    "in the working directory": Row(
        lambda: starts('ENTRYPOINT ["start.sh"]', {"/web/start.sh": File("#!/bin/sh\n", 0o755)}).cannot_start(
            not_found("start.sh")
        ),
        "executable-not-found",
        "a program without a slash is looked for on PATH alone",
        ('ENTRYPOINT ["/web/start.sh"]',),
    ),
    "a path with nothing at it": Row(
        lambda: starts('ENTRYPOINT ["/start.sh"]', {"/web/start.sh": "#!/bin/sh\n"}).cannot_start(
            f'{RUNC}exec: "/start.sh": stat /start.sh: no such file or directory: unknown'
        ),
        "executable-not-found",
        "There is no /start.sh in the image: start.sh is in /web.",
    ),
    "no shell for a line": Row(
        lambda: Example("FROM scratch\nCMD /serve --port 8000\n", {"/serve": elf()}).cannot_start(
            f'{RUNC}exec: "/bin/sh": stat /bin/sh: no such file or directory: unknown'
        ),
        "executable-not-found",
        "CMD is a line for a shell",
        ('CMD ["/serve", "--port", "8000"]',),
    ),
    "one string": Row(
        lambda: starts('CMD ["flask run --port 8000"]').cannot_start(not_found("flask run --port 8000")),
        "single-string-exec",
        "a list with one string in it",
        ('CMD ["flask", "run", "--port", "8000"]',),
    ),
    "one string with a path in it": Row(
        lambda: starts('CMD ["python /web/app.py"]', {"/web/app.py": ""}).cannot_start(
            f'{RUNC}exec: "python /web/app.py": stat python /web/app.py: no such file or directory: unknown'
        ),
        "single-string-exec",
        "a list with one string in it",
        ('CMD ["python", "/web/app.py"]',),
    ),
    "Windows line ends": Row(
        lambda: starts('CMD ["./start.sh"]', {"/web/start.sh": File("#!/bin/sh\r\nexit\r\n", 0o755)}).exits(
            1, "exec ./start.sh: no such file or directory"
        ),
        "script-cannot-run",
        "/web/start.sh has Windows line ends",
        ("RUN sed -i 's/\\r$//' /web/start.sh",),
    ),
    "Windows line ends, read by a shell": Row(
        lambda: starts('CMD ["sh", "start.sh"]', {"/web/start.sh": "set -e\r\n"}).exits(
            2, "start.sh: 2: set: Illegal option -"
        ),
        "script-cannot-run",
        "/web/start.sh has Windows line ends",
        ("RUN sed -i 's/\\r$//' /web/start.sh",),
    ),
    "Windows line ends, and the program's name is eaten": Row(
        lambda: starts('CMD ["bash", "start.sh"]', {"/web/start.sh": "exec gunicorn\r\n", **GUNICORN}).exits(
            127, ": not found"
        ),
        "script-cannot-run",
        "Windows line ends",
        ("RUN sed -i 's/\\r$//' /web/start.sh",),
    ),
    "another interpreter": Row(
        lambda: starts('CMD ["./start"]', {"/web/start": File("#!/usr/bin/ruby\n", 0o755)}).exits(
            1, "exec ./start: no such file or directory"
        ),
        "script-cannot-run",
        "/web/start asks to be run by /usr/bin/ruby, which is missing from this image",
    ),
    "no first line": Row(
        lambda: starts('CMD ["./start.sh"]', {"/web/start.sh": File("exec python app.py\n", 0o755)}).exits(
            1, "exec ./start.sh: exec format error"
        ),
        "script-cannot-run",
        "a script without a first line",
        ("RUN sed -i '1i #!/bin/sh' /web/start.sh",),
    ),
    "no first line, of a Python program": Row(
        lambda: starts('CMD ["./serve.py"]', {"/web/serve.py": File("import os\n", 0o755)}).exits(
            1, "exec ./serve.py: exec format error"
        ),
        "script-cannot-run",
        "a script without a first line",
        ("RUN sed -i '1i #!/usr/bin/env python3' /web/serve.py",),
    ),
    "no first line, of a Python program that a shell then reads": Row(
        lambda: starts("CMD ./serve.py", {"/web/serve.py": File("import os\n", 0o755)}).exits(
            127, "./serve.py: 1: import: not found"
        ),
        "script-cannot-run",
        "is a Python program, and a shell reads it: it has no first line",
        ("RUN sed -i '1i #!/usr/bin/env python3' /web/serve.py",),
    ),
    "a Python program that a shell is given": Row(
        lambda: starts('CMD ["bash", "serve.py"]', {"/web/serve.py": "import os\n"}).exits(
            127, "serve.py: line 1: import: command not found"
        ),
        "script-cannot-run",
        "is a Python program, and a shell reads it.",
    ),
    "a byte order mark": Row(
        lambda: starts('CMD ["./start.sh"]', {"/web/start.sh": File("\ufeff#!/bin/sh\n", 0o755)}).exits(
            1, "exec ./start.sh: exec format error"
        ),
        "script-cannot-run",
        "the first bytes of /web/start.sh are EF BB BF",
        (f"{NO_MARK}' /web/start.sh",),
    ),
    "a byte order mark and Windows line ends": Row(
        lambda: starts('CMD ["./start.sh"]', {"/web/start.sh": File("\ufeff#!/bin/sh\r\n", 0o755)}).exits(
            1, "exec ./start.sh: exec format error"
        ),
        "script-cannot-run",
        "byte order mark",
        (f"{NO_MARK}; s/\\r$//' /web/start.sh",),
    ),
    "a byte order mark before a Python program that a shell then reads": Row(
        lambda: starts("CMD ./serve.py", {"/web/serve.py": File("\ufeff#!/usr/bin/python3\n", 0o755)}).exits(
            2, "./serve.py: 2: import: not found"
        ),
        "script-cannot-run",
        "byte order mark",
        (f"{NO_MARK}' /web/serve.py",),
    ),
    "UTF-16": Row(
        lambda: starts('CMD ["./start.sh"]', {"/web/start.sh": File("#!/bin/sh\n".encode("utf-16"), 0o755)}).exits(
            1, "exec ./start.sh: exec format error"
        ),
        "script-cannot-run",
        "the first bytes of /web/start.sh are FF FE",
    ),
    "a program for another machine": Row(
        lambda: starts('CMD ["./serve"]', {"/web/serve": File(elf("arm64"), 0o755)}).exits(
            1, "exec ./serve: exec format error"
        ),
        "wrong-architecture",
        "a program for arm64, and the image is for amd64",
    ),
    "an image for another machine": Row(
        lambda: starts('CMD ["./serve"]', {"/web/serve": File(elf("arm64"), 0o755)}, architecture="arm64").exits(
            1, "exec ./serve: exec format error"
        ),
        "wrong-architecture",
        "The image is for arm64, and the engine's machine is amd64",
    ),
    "an image for another machine, started by a script": Row(
        lambda: starts('CMD ["./start.sh"]', {"/web/start.sh": File("#!/bin/sh\n", 0o755)}, architecture="arm64").exits(
            1, "exec ./start.sh: exec format error"
        ),
        "wrong-architecture",
        "The image is for arm64",
    ),
    "an image for another machine, whose script has no first line": Row(
        lambda: starts('CMD ["./start.sh"]', {"/web/start.sh": File("exit 1\n", 0o755)}, architecture="arm64").exits(
            1, "exec ./start.sh: exec format error"
        ),
        "script-cannot-run",
        "without a first line",
        ("RUN sed -i '1i #!/bin/sh' /web/start.sh",),
    ),
    "a loader of the other C library": Row(
        lambda: starts('CMD ["./serve"]', {"/web/serve": File(elf(loader=MUSL), 0o755)}).exits(
            1, "exec ./serve: no such file or directory"
        ),
        "wrong-libc",
        "built for Alpine's C library (musl)",
    ),
    "no loader at all": Row(
        lambda: Example('FROM scratch\nCMD ["/serve"]\n', {"/serve": File(elf(loader=GLIBC), 0o755)}).exits(
            1, "exec /serve: no such file or directory"
        ),
        "missing-shared-library",
        "/serve is not a static program",
    ),
    "a folder": Row(
        lambda: starts('CMD ["/web/x"]', {"/web/x": folder()}).cannot_start(
            f'{RUNC}exec: "/web/x": is a directory: unknown'
        ),
        "permission-denied",
        "/web/x is a folder",
    ),
    "not executable": Row(
        lambda: starts('CMD ["./start.sh"]', {"/web/start.sh": "#!/bin/sh\n"}).cannot_start(
            f'{RUNC}exec: "./start.sh": permission denied: unknown'
        ),
        "permission-denied",
        "the mode of /web/start.sh is 0644",
        ("RUN chmod 755 /web/start.sh",),
    ),
    "executable for another user": Row(
        lambda: starts('USER 1000\nCMD ["./start.sh"]', {"/web/start.sh": File("#!/bin/sh\n", 0o700)}).exits(
            1, "exec ./start.sh: permission denied"
        ),
        "permission-denied",
        "The program runs as 1000, who may not start /web/start.sh.",
        ("RUN chmod a+rx /web/start.sh",),
    ),
    "in a folder that is closed to the user": Row(
        lambda: starts(
            'USER www-data\nCMD ["/root/start.sh"]',
            {"/root": folder(0o700), "/root/start.sh": File("#!/bin/sh\n", 0o755)},
        ).cannot_start(f'{RUNC}exec: "/root/start.sh": stat /root/start.sh: permission denied: unknown'),
        "permission-denied",
        "who may not enter /root, where /root/start.sh lies",
        ("RUN chmod a+x /root",),
    ),
    "an unknown user": Row(
        lambda: starts('USER shop\nCMD ["python", "app.py"]').cannot_start(
            "unable to find user shop: no matching entries in passwd file"
        ),
        "unknown-user",
        "its /etc/passwd has no such user",
        ("RUN useradd --uid 10001 shop",),
    ),
    "a user of a stage": Row(
        lambda: starts(
            'COPY --from=builder /x /x\nUSER shop\nCMD ["python", "app.py"]',
            before=BUILDER,
            stages={"builder": {"/etc/passwd": "shop:x:1234:1234::/home/shop:/bin/sh\n"}},
        ).cannot_start("unable to find user shop: no matching entries in passwd file"),
        "unknown-user",
        "stage builder has it in /etc/passwd",
        ("RUN useradd --uid 1234 shop",),
    ),
    "an environment that was moved": Row(
        lambda: Example(
            "FROM python:3.11 AS builder\nRUN python -m venv /build/env\nFROM python:3.11-slim\n"
            'COPY --from=builder /build/env /env\nCMD ["/env/bin/serve"]\n',
            {"/env/bin/serve": "#!/build/env/bin/python\n", "/env/pyvenv.cfg": ""},
            {"builder": {"/build/env/pyvenv.cfg": ""}},
        ).exits(1, "exec /env/bin/serve: no such file or directory"),
        "moved-virtualenv",
        "was made at /build/env and moved to /env",
        ("COPY --from=builder /build/env /build/env", "ENV PATH=/build/env/bin:$PATH"),
    ),
    "an environment whose Python was left behind": Row(
        lambda: Example(f'{WITH_UV}CMD ["gunicorn", "app:app"]\n', ENVIRONMENT, UV_STAGE).exits(
            1, "exec /app/.venv/bin/gunicorn: no such file or directory"
        ),
        "moved-virtualenv",
        "is run by /root/.local/share/uv/python/cpython-3.11/bin/python3.11, which was left behind",
        (COPY_UV,),
    ),
    "an environment whose Python was left behind, by a shell": Row(
        lambda: Example(f"{WITH_UV}CMD gunicorn app:app\n", ENVIRONMENT, UV_STAGE).exits(
            127, "/bin/sh: 1: gunicorn: not found"
        ),
        "moved-virtualenv",
        "left behind",
        (COPY_UV,),
    ),
    "an environment's Python itself": Row(
        lambda: Example(f'{WITH_UV}CMD ["/app/.venv/bin/python", "app.py"]\n', ENVIRONMENT, UV_STAGE).cannot_start(
            f'{RUNC}exec: "/app/.venv/bin/python": stat /app/.venv/bin/python: no such file or directory: unknown'
        ),
        "moved-virtualenv",
        "left behind",
        (COPY_UV,),
    ),
    "an environment of the distribution's Python": Row(
        lambda: Example(
            f'{WITH_UV}CMD ["gunicorn", "app:app"]\n', ENVIRONMENT | {"/app/.venv/bin/python": link("/usr/bin/python3")}
        ).exits(1, "exec /app/.venv/bin/gunicorn: no such file or directory"),
        "moved-virtualenv",
        "is run by /usr/bin/python3, which was left behind",
    ),
    "an environment whose Python is closed to the user": Row(
        lambda: Example(f'{WITH_UV}USER 1000\nCMD ["gunicorn", "app:app"]\n', CLOSED, UV_STAGE).exits(
            1, "exec /app/.venv/bin/gunicorn: permission denied"
        ),
        "permission-denied",
        "who may not enter /root: the Python of /app/.venv lies below it",
        ("RUN chmod a+x /root",),
    ),
    # Near misses: the words of a program that could not be started, and another cause.
    "words of a program": Row(
        lambda: starts('CMD ["python", "app.py"]', {"/web/app.py": ""}).exits(1, "stock.txt: 12: item: not found"),
        "exits-at-once",
        "item: not found",
    ),
    "a file that may not be written": Row(
        lambda: starts("CMD echo > /log", {"/log": ""}).exits(2, "/bin/sh: 1: cannot create /log: Permission denied"),
        "exits-at-once",
        "cannot create /log",
    ),
    "Unix line ends": Row(
        lambda: starts('CMD ["sh", "start.sh"]', {"/web/start.sh": "set -x y\n"}).exits(
            2, "start.sh: 2: set: Illegal option -"
        ),
        "exits-at-once",
        "Illegal option",
    ),
    "Windows line ends, and another complaint": Row(
        lambda: starts('CMD ["sh", "start.sh"]', {"/web/start.sh": "true\r\n"}).exits(1, "the shop is closed"),
        "exits-at-once",
        "the shop is closed",
    ),
    "a shell's own script that calls import": Row(
        lambda: starts("CMD ./start.sh", {"/web/start.sh": File("#!/bin/sh\nimport x\n", 0o755)}).exits(
            127, "./start.sh: 2: import: not found"
        ),
        "executable-not-found",
        "There is no program import",
    ),
}


@pytest.mark.parametrize("name", ROWS)
def test_a_program_that_does_not_start(name: str) -> None:
    """The cause, its proof, and the very lines that mend it; none where it would be a guess."""
    ROWS[name].check()
