"""A command whose form or words are not those that were meant: what is said of it, and what is not taken for it."""

from __future__ import annotations

import pytest

from tests.support.cases import Example, File, Files, Row, package

SLIM = "FROM python:3.11-slim\nWORKDIR /web\nCOPY . .\nEXPOSE 8000\n"
USAGE = "Usage: flask run [OPTIONS]\nTry 'flask run --help' for help.\n"
STARTS = '#!/bin/sh\nset -e\nexec "$@"\n'
SHOP: Files = {"/web/shop.py": "", "/web/app.py": "", **package("flask"), **package("gunicorn")}
BOOT = """Traceback (most recent call last):
  File "<frozen importlib._bootstrap>", line 1142, in _find_and_load_unlocked
ModuleNotFoundError: No module named {0}
No module named {0}
[2026-11-28 13:58:49 +0000] [7] [INFO] Worker exiting (pid: 7)
[2026-11-28 13:58:49 +0000] [1] [ERROR] Shutting down: Master
[2026-11-28 13:58:49 +0000] [1] [ERROR] Reason: Worker failed to boot."""


def runs(command: str, files: Files | None = None) -> Example:
    """An image with this command."""
    return Example(f"{SLIM}{command}\n", SHOP if files is None else files)


ROWS = {
    "&& in a list": Row(
        lambda: runs('CMD ["python", "-V", "&&", "python", "app.py"]').exits(0, "Python 3.11.2"),
        "mixed-command-forms",
        "“&&” is taken for an argument of python",
        ("CMD python -V && exec python app.py",),
    ),
    "cd in a list": Row(
        lambda: runs('CMD ["cd", "/web", "&&", "python", "app.py"]').cannot_start(
            'exec: "cd": executable file not found in $PATH'
        ),
        "mixed-command-forms",
        "“cd” is taken for the name of a program",
        ("CMD cd /web && exec python app.py",),
    ),
    "an assignment in a list": Row(
        lambda: runs('CMD ["PORT=8000", "python", "app.py"]').cannot_start(
            'exec: "PORT=8000": executable file not found in $PATH'
        ),
        "mixed-command-forms",
        "“PORT=8000” is taken for the name of a program",
        ("ENV PORT=8000", 'CMD ["python", "app.py"]'),
    ),
    "a variable in a list": Row(
        lambda: runs('CMD ["gunicorn", "--bind=:$PORT", "shop:app"]').exits(
            1, "Error: '$PORT' is not a valid port number."
        ),
        "mixed-command-forms",
        "$PORT stays as it is written",
        ("ENV PORT=8000", 'CMD exec gunicorn "--bind=:$PORT" shop:app'),
    ),
    "single quotes": Row(
        lambda: runs("CMD ['python', 'app.py']").exits(127, "/bin/sh: 1: [python,: not found"),
        "mixed-command-forms",
        "was meant as a list, but is none in JSON",
        ('CMD ["python", "app.py"]',),
    ),
    "a line with words after it": Row(
        lambda: runs('ENTRYPOINT python\nCMD ["app.py"]').exits(0, ""),
        "mixed-command-forms",
        "what follows it (app.py) is not handed on",
        ('ENTRYPOINT ["python"]',),
    ),
    "a line for flask": Row(
        lambda: runs('ENTRYPOINT ["flask"]\nCMD run --host=0.0.0.0').exits(
            2, f"{USAGE}Error: No such command '/bin/sh'."
        ),
        "mixed-command-forms",
        "flask is handed “/bin/sh -c …” as its arguments",
        ('CMD ["run", "--host=0.0.0.0"]',),
    ),
    "a line for gunicorn, which does not name the shell": Row(
        lambda: runs('ENTRYPOINT ["gunicorn"]\nCMD shop:app --bind=:8000').exits(
            1, "Error: 'shop:app --bind=:8000' doesn't exist"
        ),
        "mixed-command-forms",
        "gunicorn is handed",
        ('CMD ["shop:app", "--bind=:8000"]',),
    ),
    "a line for Python": Row(
        lambda: runs('ENTRYPOINT ["python"]\nCMD app.py').exits(
            1, "SyntaxError: Non-UTF-8 code starting with '\\x84' in file /bin/sh on line 1"
        ),
        "mixed-command-forms",
        "python is handed",
        ('CMD ["app.py"]',),
    ),
    "a line for a module of Python": Row(
        lambda: runs('ENTRYPOINT ["python", "-m", "flask"]\nCMD run').exits(2, "Error: No such command '/bin/sh'."),
        "mixed-command-forms",
        "python is handed",
        ('CMD ["run"]',),
    ),
    "a line with a variable, for a program": Row(
        lambda: runs('ENTRYPOINT ["flask"]\nCMD run --port=$PORT').exits(2, "Error: No such command '/bin/sh'."),
        "mixed-command-forms",
        "flask is handed",
        ("ENTRYPOINT []", "CMD exec flask run --port=$PORT"),
    ),
    "a line that begins with an option": Row(
        lambda: runs('ENTRYPOINT ["gunicorn"]\nCMD --bind=:8000 shop:app').build_fails(
            "", "Dockerfile line 6: Unknown flag: bind"
        ),
        "mixed-command-forms",
        "CMD is a line that begins with an option",
        ('CMD ["--bind=:8000", "shop:app"]',),
    ),
    "an option and its value in one": Row(
        lambda: runs('CMD ["gunicorn", "--bind 0.0.0.0:8000", "shop:app"]').exits(3, BOOT.format("'--bind 0'")),
        "single-string-exec",
        "“--bind 0.0.0.0:8000” is handed on as a single argument",
        ('CMD ["gunicorn", "--bind", "0.0.0.0:8000", "shop:app"]',),
    ),
    "two options with their values in one": Row(
        lambda: runs('CMD ["flask", "run", "--host 0.0.0.0", "--port 8000"]').exits(
            2, f"{USAGE}Error: No such option '--host 0.0.0.0'. Did you mean '--host'?"
        ),
        "single-string-exec",
        "“--host 0.0.0.0”",
        ('CMD ["flask", "run", "--host", "0.0.0.0", "--port", "8000"]',),
    ),
    "a short option and its value in one": Row(
        lambda: runs('CMD ["flask", "run", "-h 0.0.0.0"]').exits(1, " * Debug mode: off\nName or service not known"),
        "single-string-exec",
        "“-h 0.0.0.0”",
        ('CMD ["flask", "run", "-h", "0.0.0.0"]',),
    ),
    "a module and its option in one": Row(
        lambda: runs('CMD ["python", "-m flask", "run"]').exits(1, "/usr/local/bin/python: No module named  flask"),
        "single-string-exec",
        "“-m flask”",
        ('CMD ["python", "-m", "flask", "run"]',),
    ),
    "a command of a program, in one": Row(
        lambda: runs('CMD ["flask", "run --host=0.0.0.0"]').exits(2, "Error: No such command 'run --host=0.0.0.0'."),
        "single-string-exec",
        "“run --host=0.0.0.0”",
        ('CMD ["flask", "run", "--host=0.0.0.0"]',),
    ),
    "in one, for ENTRYPOINT": Row(
        lambda: runs('ENTRYPOINT ["uvicorn"]\nCMD ["--host 0.0.0.0", "shop:app"]').exits(
            2, "Error: No such option '--host 0.0.0.0'. Did you mean '--host'?"
        ),
        "single-string-exec",
        "CMD has several words in one string",
        ('CMD ["--host", "0.0.0.0", "shop:app"]',),
    ),
    "quotes within a word": Row(
        lambda: runs('CMD ["gunicorn", "--bind=:8000", "\'shop:app\'"]').exits(3, BOOT.format('"\'shop"')),
        "single-string-exec",
        "'shop:app' is handed on with them",
        ('CMD ["gunicorn", "--bind=:8000", "shop:app"]',),
    ),
    "quotes around an option's value": Row(
        lambda: runs('CMD ["gunicorn", "--bind=\'0.0.0.0:8000\'", "shop:app"]').exits(
            1, 'Error: "8000\'" is not a valid port number.'
        ),
        "single-string-exec",
        "--bind='0.0.0.0:8000' is handed on with them",
        ('CMD ["gunicorn", "--bind=0.0.0.0:8000", "shop:app"]',),
    ),
    "quotes around a host": Row(
        lambda: runs('CMD ["flask", "run", "--host=\'0.0.0.0\'"]').exits(1, "Name or service not known"),
        "single-string-exec",
        "--host='0.0.0.0' is handed on with them",
        ('CMD ["flask", "run", "--host=0.0.0.0"]',),
    ),
    "the CMD of a stage below, taken away": Row(
        lambda: Example(
            'FROM python:3.11-slim AS base\nCMD ["python", "app.py"]\nFROM base\nENTRYPOINT ["/start.sh"]\n',
            {"/start.sh": File(STARTS, 0o755)},
        ).exits(0, ""),
        "no-command",
        "ENTRYPOINT takes the CMD of stage base away",
        ('CMD ["python", "app.py"]',),
    ),
    "the CMD of the base, taken away": Row(
        lambda: Example(
            'FROM shop/base:1\nENTRYPOINT ["/start.sh"]\n',
            {"/start.sh": File(STARTS, 0o755)},
            base_command=("serve", "--all"),
        ).exits(0, ""),
        "no-command",
        "CMD of shop/base:1: serve --all",
        ('CMD ["serve", "--all"]',),
    ),
    "no CMD for an entrypoint script": Row(
        lambda: runs('ENTRYPOINT ["/start.sh"]', {"/start.sh": File(STARTS, 0o755)}).exits(0, ""),
        "no-command",
        "start.sh starts what CMD names, and the image has no CMD",
    ),
    # Near misses.
    "a script that does its own work": Row(
        lambda: runs('ENTRYPOINT ["/start.sh"]', {"/start.sh": File("#!/bin/sh\ntrue\n", 0o755)}).exits(0, ""),
        "exits-at-once",
        "by itself (exit code 0)",
    ),
    "a line for an entrypoint script": Row(
        lambda: runs('ENTRYPOINT ["/start.sh"]\nCMD python app.py', {"/start.sh": File(STARTS, 0o755)}).exits(
            1, "the shop is closed"
        ),
        "exits-at-once",
        "the shop is closed",
    ),
    "a line for Python's own script": Row(
        lambda: runs('ENTRYPOINT ["python", "app.py"]\nCMD serve --all').exits(1, "the shop is closed"),
        "exits-at-once",
        "the shop is closed",
    ),
    "a blank in a word that means it": Row(
        lambda: runs('CMD ["gunicorn", "-b 0.0.0.0:8000", "shop:app"]').exits(1, "the shop is closed"),
        "exits-at-once",
        "the shop is closed",
    ),
    "code for Python": Row(
        lambda: runs('CMD ["python", "-c", "import sys; sys.exit(-1 - 1)"]').exits(1, "import sys; sys.exit(-1 - 1)"),
        "exits-at-once",
        "sys.exit",
    ),
    "a variable and another complaint": Row(
        lambda: runs('CMD ["python", "app.py", "$HOME"]').exits(1, "usage: $HOME\nthe shop is closed"),
        "exits-at-once",
        "the shop is closed",
    ),
}


@pytest.mark.parametrize("name", ROWS)
def test_a_command_that_was_meant_otherwise(name: str) -> None:
    """The cause, its proof, and the very lines that mend it; none where it would be a guess."""
    ROWS[name].check()
