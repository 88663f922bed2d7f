"""From one stage to two: what the last stage keeps, in which order, and when a virtual environment must not be made."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from imgcompare.remedy.environment import environment_refusal, may_be_bare, starts_tools
from imgcompare.remedy.multi_stage import Refusal, write_multi_stage
from imgcompare.remedy.needs import Need
from imgcompare.remedy.probe import Distribution
from imgcompare.remedy.shape import Shape
from tests.support.cases import PYTHON, SITE, File, folder, package
from tests.support.cases import Files as Written
from tests.support.shrinking import PROBE, files, shape

PLAIN = """\
# A shop
FROM python:3.11

ENV PORT=80
WORKDIR /app
# what it needs
COPY requirements.txt .
RUN pip install -r requirements.txt
COPY . .
CMD ["python", "shop.py"]
"""
INSTALLED = {8: package("flask", "3.0")}


def written(
    taken: Shape, *needs: Need, in_place: bool = False, bare: bool = False, base: str = "python:3.11-slim"
) -> str:
    """The Dockerfile that is written."""
    text = write_multi_stage(taken, base, files(), needs, in_place=in_place, bare=bare)
    assert isinstance(text, str)
    return text


def last(text: str) -> str:
    """The last stage of a Dockerfile."""
    return text[text.rindex("FROM ") :]


def test_an_environment_that_the_last_stage_takes_whole() -> None:
    """The original's lines and comments in their places; what only installs is left in the builder."""
    assert (
        written(shape(PLAIN, INSTALLED), Need("libpq5", "libpq.so.5"))
        == """\
# A shop
FROM python:3.11 AS builder

ENV PORT=80
WORKDIR /app
# what it needs
COPY requirements.txt .

# A virtual environment: all packages in one folder, which the last stage takes whole.
RUN python -m venv /opt/venv
ENV VIRTUAL_ENV=/opt/venv PATH=/opt/venv/bin:$PATH

RUN pip install -r requirements.txt

# What only installs is not taken along.
RUN pip uninstall --yes setuptools pip

# What runs: the packages without the tools that built them.
FROM python:3.11-slim

# What the packages and the application need of the system: libpq5 (libpq.so.5)
RUN apt-get update \\
    && apt-get install -y --no-install-recommends libpq5 \\
    && rm -rf /var/lib/apt/lists/*

ENV PORT=80
WORKDIR /app
# what it needs
COPY requirements.txt .

COPY --from=builder /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH
COPY . .
CMD ["python", "shop.py"]
"""
    )


def test_an_environment_without_a_pip_of_its_own() -> None:
    """The base's pip installs into it: nothing is unpacked only to be taken out again."""
    found = written(shape(PLAIN, INSTALLED), bare=True)
    assert (
        """\
# A virtual environment: all packages in one folder, which the last stage takes whole.
# Pip installs into it from outside, and is not in it.
RUN python -m venv --without-pip /opt/venv
ENV VIRTUAL_ENV=/opt/venv PIP_PYTHON=/opt/venv/bin/python PATH=/opt/venv/bin:$PATH

RUN pip install -r requirements.txt

# What runs"""
        in found
    )
    assert "PIP_PYTHON" not in last(found)


@pytest.mark.parametrize(
    ("run", "pip", "may"),
    [
        ("pip install -r requirements.txt", "23.0.1", True),
        ("apt-get update && apt-get install -y gcc && pip3 install flask", "22.3", True),
        ("pip install -r requirements.txt", "22.2.2", False),
        ("pip install -r requirements.txt", None, False),
        ("python -m pip install flask", "23.0.1", False),
        ("pip install --upgrade pip setuptools && pip install flask", "23.0.1", False),
        ("pip install --upgrade pip && pip install flask", "23.0.1", True),
        ("pip install --no-build-isolation flask", "23.0.1", False),
        ("uv pip install flask", "23.0.1", False),
        ("sh setup.sh", "23.0.1", False),
        ("if true; then pip install flask; fi", "23.0.1", False),
    ],
)
def test_when_the_bases_pip_can_install_into_it(run: str, pip: str | None, may: bool) -> None:
    """It must know how, since 22.3, and be what installs; else the environment has its own."""
    base = {**PYTHON, **(package("pip", pip) if pip else {})}
    text = PLAIN.replace("pip install -r requirements.txt", run)
    assert may_be_bare(shape(text, INSTALLED, base)) == may


def test_what_installs_is_brought_up_before_there_is_an_environment() -> None:
    """In it pip would come along with all that it is: it is its own business which one it is."""
    text = PLAIN.replace("RUN pip", "RUN pip install --upgrade pip\nRUN pip install poetry\nRUN pip")
    found = written(shape(text, {10: INSTALLED[8]}))
    assert found.index("install --upgrade pip") < found.index("install poetry") < found.index("-m venv")
    assert "upgrade" not in last(found)


def test_what_an_installation_writes_beside_the_packages() -> None:
    """A list that it exported lies among the application's files; what the base has and caches are none of these."""
    run = "poetry export -o requirements.txt && pip install -r requirements.txt"
    beside: Written = {
        "/app/requirements.txt": "flask",
        "/app/__pycache__/x.pyc": "x",
        "/app/.venv/pyvenv.cfg": "x",
        "/app/.venv/lib/x": "x",
        "/root/.cache/pip/x": "x",
        "/usr/local/share/x": "x",
    }
    text = PLAIN.replace("pip install -r requirements.txt", run)
    layers: dict[int, Written] = {5: {"/app": folder()}, 8: INSTALLED[8] | beside}
    copies = [line for line in last(written(shape(text, layers))).splitlines() if "--from" in line]
    assert copies == [
        "COPY --from=builder /opt/venv /opt/venv",
        "COPY --from=builder /app/requirements.txt /app/requirements.txt",
    ]
    many: Written = {f"/app/build/{number}": "x" for number in range(11)}
    layers[8] = INSTALLED[8] | many
    assert "/app/build" not in last(written(shape(text, layers)))


def test_an_environment_whose_packages_ask_for_setuptools() -> None:
    """It is made with one, as before."""
    asking = replace(PROBE, setuptools=("x.py",))
    assert not may_be_bare(shape(PLAIN, INSTALLED, {**PYTHON, **package("pip", "23.0.1")}, asking))


@pytest.mark.parametrize(
    ("run", "kept"),
    [
        ("RUN apt-get update && apt-get install -y gcc libpq-dev", ""),
        ("RUN apt-get update && apt-get install -y gcc curl && rm -rf /var/lib/apt/lists/*", "apt-get install -y curl"),
        ("RUN apt-get update && apt-get install -y ghostscript", "apt-get install -y ghostscript"),
        ("RUN useradd -m web && chown web /app", "useradd -m web && chown web /app"),
        ("RUN pip install gunicorn && python manage.py migrate", "python manage.py migrate"),
        ("RUN mkdir /data; pip install x; sed -i s/a/b/ y", "mkdir /data; \\\n    sed -i s/a/b/ y"),
        ("RUN cd /app && pip install x", ""),
        ('RUN ["pip", "install", "x"]', ""),
        ("RUN if true; then useradd web; fi", "if true; then useradd web; fi"),
    ],
)
def test_what_of_a_run_the_last_stage_keeps(run: str, kept: str) -> None:
    """Nothing that installs Python packages or builds; all else in its order, its joints as they were."""
    text = PLAIN.replace("COPY . .", f"COPY . .\n{run}")
    layers: dict[int, Written] = {**INSTALLED, 10: package("x") if "pip" in run else {"/marker": ""}}
    stage = last(written(shape(text, layers)))
    behind = stage[stage.index("COPY . .") :]
    assert (kept in behind) if kept else ("RUN" not in behind)
    assert "gcc" not in stage
    assert "pip install" not in stage


def test_apt_keeps_its_options_and_leaves_no_lists() -> None:
    """Without Recommends fonts would be gone, and no reply would tell."""
    run = "RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y -o Dpkg::Use-Pty=0 gcc ghostscript"
    stage = last(written(shape(PLAIN.replace("COPY . .", f"{run}\nCOPY . ."), INSTALLED)))
    assert "DEBIAN_FRONTEND=noninteractive apt-get install -y -o Dpkg::Use-Pty=0 ghostscript" in stage
    assert "&& rm -rf /var/lib/apt/lists/*" in stage


def test_a_script_that_installs_is_known_by_what_it_wrote() -> None:
    """Words do not tell that ``sh setup.sh`` is pip; the layer does. One that writes elsewhere is kept."""
    text = PLAIN.replace("pip install -r requirements.txt", "sh setup.sh")
    assert "setup.sh" not in last(written(shape(text, INSTALLED)))
    refused = write_multi_stage(shape(text, {8: {"/srv/x": ""}}), "python:3.11-slim", files(), (), in_place=False)
    assert isinstance(refused, Refusal)


def test_a_tool_is_installed_before_the_environment() -> None:
    """Poetry in the environment would come along with all that it needs."""
    text = PLAIN.replace("pip install -r requirements.txt", "pip install poetry && poetry install --no-root")
    found = written(shape(text, INSTALLED))
    assert found.index("RUN pip install poetry") < found.index("-m venv") < found.index("RUN poetry install --no-root")


def test_what_asks_for_setuptools_keeps_it() -> None:
    """A package that imports pkg_resources, or requires pip, would break without."""
    asking = replace(
        PROBE,
        setuptools=("/x/flask/__init__.py",),
        distributions={"flask": Distribution("3.0", SITE, ("pip",), ("flask",))},
    )
    assert "pip uninstall" not in written(shape(PLAIN, INSTALLED, probe=asking))
    pipenv = {**PROBE.distributions, "pipenv": Distribution("1", SITE, ("setuptools",), ("pipenv",))}
    tooled = replace(PROBE, distributions=pipenv)
    assert "pip uninstall --yes setuptools pip" in written(shape(PLAIN, INSTALLED, probe=tooled))


@pytest.mark.parametrize(
    "line",
    [
        "RUN pip install --user gunicorn",
        "RUN /usr/local/bin/pip install gunicorn",
        "ENV PYTHONPATH=/usr/local/lib/python3.11/site-packages",
        "ENV PATH=/bin:/usr/bin",
        "RUN pip install -e .",
        "RUN python -m venv /venv",
        'CMD ["/usr/local/bin/gunicorn", "shop"]',
        "CMD poetry run shop",
        "CMD supervisord -n",
        'CMD ["bash", "-lc", "gunicorn shop"]',
    ],
)
def test_when_no_environment_is_made(line: str) -> None:
    """What an environment would change, or would not be found from."""
    assert environment_refusal(shape(f"{PLAIN}{line}\n", INSTALLED))


@pytest.mark.parametrize(
    "line", ["RUN pip install gunicorn", "ENV PATH=/app/bin:$PATH", 'CMD ["gunicorn", "-b", ":80", "shop"]', "USER web"]
)
def test_when_an_environment_is_made(line: str) -> None:
    """The near misses of what forbids it."""
    assert environment_refusal(shape(f"{PLAIN}{line}\n", INSTALLED)) == ""


@pytest.mark.parametrize(
    ("changes", "made"),
    [
        ({"programs": {"su": "/usr/bin/su"}}, False),
        ({"programs": {"gosu": "/usr/bin/gosu"}}, True),
        ({"paths": {"/usr/local": "/app/shop.py"}}, False),
        ({"paths": {"/usr/local/bin": "/app/start.sh"}}, False),
        ({"paths": {"/usr/local/share/shop": "/app/shop.py"}}, True),
    ],
)
def test_what_its_files_name_may_forbid_an_environment(changes: dict[str, Any], made: bool) -> None:
    """What begins with the system's PATH finds none; who asks where Python is installed is told another place."""
    assert (environment_refusal(shape(PLAIN, INSTALLED, probe=replace(PROBE, **changes))) == "") is made


@pytest.mark.parametrize(("path", "made"), [(f"{SITE}/flask/page.html", False), ("/app/page.html", True)])
def test_what_is_copied_among_the_packages_forbids_an_environment(path: str, made: bool) -> None:
    """The package that reads it would lie elsewhere."""
    line = PLAIN.count("\n") + 1
    text = f"{PLAIN}COPY page.html /there/\n"
    assert (environment_refusal(shape(text, {**INSTALLED, line: {path: "x"}})) == "") is made


@pytest.mark.parametrize(("name", "builder"), [("web", "builder"), ("Builder", "packages")])
def test_a_name_stays_with_what_runs(name: str, builder: str) -> None:
    """Who builds with --target gets the small image, and not its builder."""
    found = written(shape(PLAIN.replace("FROM python:3.11", f"FROM python:3.11 as {name}"), INSTALLED))
    assert f"FROM python:3.11 AS {builder}\n" in found
    assert f"FROM python:3.11-slim as {name}\n" in last(found)
    assert f"COPY --from={builder} /opt/venv /opt/venv" in last(found)


def test_what_is_compiled_is_copied_in_place() -> None:
    """Sources are compiled and thrown away in the builder; the loader's cache and users are the last stage's."""
    run = "RUN useradd web && git clone x /src && cd /src && make install && rm -rf /src && ldconfig"
    layers: dict[int, Written] = {8: INSTALLED[8], 9: {"/usr/local/lib/libx.so": b"x", "/etc/ld.so.cache": b"x"}}
    taken = shape(PLAIN.replace("COPY . .", f"{run}\nCOPY . ."), layers)
    assert environment_refusal(taken) == "something is compiled beside the packages"
    found = last(written(taken, in_place=True))
    assert "COPY --from=builder /usr/local/lib/libx.so /usr/local/lib/libx.so" in found
    assert "RUN useradd web" in found
    assert "ldconfig" in found
    assert not any(word in found for word in ("git", "make", "rm -rf /src"))


@pytest.mark.parametrize(
    ("run", "stays"),
    [
        ("gcc -o /usr/local/bin/x /src/x.c && rm -r /src", False),
        ("gcc -o /usr/local/bin/x /src/x.c\nRUN rm -r /src", True),
        ("rm -r /src\nRUN gcc -o /usr/local/bin/x x.c && rm -r /x", True),
        ("gcc -o /usr/local/bin/x /src/x.c", True),
    ],
)
def test_sources_that_the_builder_throws_away(run: str, stays: bool) -> None:
    """They are not brought a second time, where nothing would delete them; what another RUN deletes has to be there."""
    text = PLAIN.replace("COPY . .", f"COPY x.c /src/\nRUN {run}\nCOPY . .")
    gone: Written = {"/src/.wh.x.c": b""} if "/src/x.c && rm" in run or "rm -r /src" in run else {}
    layers: dict[int, Written] = {8: INSTALLED[8], 9: {"/src/x.c": b"x"}, 10: {"/usr/local/bin/x": b"x", **gone}}
    assert ("COPY x.c /src/" in last(written(shape(text, layers), in_place=True))) == stays


@pytest.mark.parametrize(
    ("run", "compiles"),
    [
        ("gcc -o /usr/local/bin/x x.c", True),
        ("cd x && ./configure && make", True),
        ("go build -o /app/x .", True),
        ("cargo build --release", True),
        ("go version", False),
        ("python make.py", False),
        ("apt-get install -y gcc make", False),
    ],
)
def test_which_runs_compile(run: str, compiles: bool) -> None:
    """By the programs that they start, not by what they speak of."""
    taken = shape(PLAIN.replace("COPY . .", f"RUN {run}\nCOPY . ."), INSTALLED)
    assert (environment_refusal(taken) == "something is compiled beside the packages") == compiles


def test_packages_of_a_user_are_copied_in_place_and_stay_theirs() -> None:
    """``pip --user`` writes into a home: the same place in the last stage, and the same owner."""
    site = "/home/web/.local/lib/python3.11/site-packages"
    layers: dict[int, Written] = {
        8: {f"{site}/flask/__init__.py": File("x", uid=0), "/home/web/.local/bin/flask": File("#!x", uid=0)}
    }
    text = PLAIN.replace("RUN pip install -r", "USER web\nRUN pip install --user -r")
    layers = {9: layers[8]}
    found = written(shape(text, layers), Need("curl", "curl"), in_place=True)
    assert "pip uninstall" not in found  # web may not do that
    assert last(found).index("apt-get install") < last(found).index("USER web")
    assert f"COPY --from=builder {site} {site}" in last(found)
    assert "COPY --from=builder /home/web/.local/bin/flask /home/web/.local/bin/flask" in last(found)
    assert "-m venv" not in found


@pytest.mark.parametrize(
    ("command", "programs", "starts"),
    [
        ('["poetry", "run", "shop"]', {}, True),
        ('["./start.sh"]', {"uv": "/usr/local/bin/uv"}, True),
        ('["shop"]', {"git": "/usr/bin/git"}, False),
    ],
)
def test_in_place_a_tool_comes_along_only_where_it_is_started(
    command: str, programs: dict[str, str], starts: bool
) -> None:
    """By the command, or by what that starts; a lock that it leaves beside never does."""
    text = PLAIN.replace("RUN pip", "RUN pip install uv\nRUN uv pip").replace('["python", "shop.py"]', command)
    layers: dict[int, Written] = {
        8: {"/usr/local/bin/uv": "x"},
        9: {**package("flask", "3.0"), "/usr/local/.lock": ""},
    }
    taken = shape(text, layers, probe=replace(PROBE, programs=programs))
    assert starts_tools(taken) == starts
    found = last(written(taken, in_place=True))
    assert ("/usr/local/bin/uv" in found, ".lock" in found) == (starts, False)


def test_in_place_an_upgraded_installer_takes_the_bases_place() -> None:
    """Two versions of setuptools in one folder would be neither."""
    base: Written = {**PYTHON, **package("setuptools", "66"), **package("pip", "23")}
    upgraded: Written = {**package("setuptools", "84"), f"{SITE}/.wh.setuptools-66.dist-info": ""}
    taken = shape(PLAIN, {8: upgraded}, base)
    text = write_multi_stage(taken, "python:3.11-slim", files(base), (), in_place=True)
    assert isinstance(text, str)
    stage = last(text)
    assert stage.index("RUN pip uninstall --yes setuptools\n") < stage.index("COPY --from=builder")
    assert "RUN pip uninstall --yes pip\n" in text[: text.rindex("FROM ")]


def test_in_place_what_the_layer_wrote_beside_packages_comes_along() -> None:
    """A script in bin and data of its own; caches and what apt keeps do not."""
    layers: dict[int, Written] = {
        8: {
            **package("flask", "3.0"),
            "/usr/local/bin/flask": "#!x",
            "/usr/local/share/jupyter/a": "x",
            "/usr/local/share/jupyter/b/c": "x",
            "/root/.cache/pip/x": "x",
            "/var/lib/apt/lists/x": "x",
            "/tmp/x": "x",
        }
    }
    stage = last(written(shape(PLAIN, layers), in_place=True))
    copies = [line for line in stage.splitlines() if line.startswith("COPY --from")]
    assert copies == [
        f"COPY --from=builder {SITE} {SITE}",
        "COPY --from=builder /usr/local/share/jupyter /usr/local/share/jupyter",
        "COPY --from=builder /usr/local/bin/flask /usr/local/bin/",
    ]


def test_the_text_keeps_its_line_ends_its_stage_and_its_arguments() -> None:
    """CRLF stays CRLF, what runs keeps the stage's name, and ARGs before FROM serve both stages."""
    text = "ARG V=3.11\nFROM --platform=linux/amd64 python:${V} AS base  \nRUN pip install x\nCMD x".replace(
        "\n", "\r\n"
    )
    found = written(shape(text, {3: package("x")}), base="python:${V}-slim")
    assert "\n" not in found.replace("\r\n", "")
    assert "FROM --platform=linux/amd64 python:${V} AS builder\r\n" in found
    assert "FROM --platform=linux/amd64 python:${V}-slim AS base\r\n" in found
    assert "COPY --from=builder /opt/venv /opt/venv" in found
    assert found.startswith("ARG V=3.11\r\n")
