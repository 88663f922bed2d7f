"""What Dockerfiles tell of themselves."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from imgcompare.init.discover import FoundDockerfile, find_dockerfiles


def found(root: Path, files: dict[str, str]) -> dict[str, FoundDockerfile]:
    """Write files, and return the Dockerfiles found by their paths."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return {each.path: each for each in find_dockerfiles(root)}


def one(root: Path, text: str) -> FoundDockerfile:
    """What one Dockerfile tells."""
    return found(root, {"Dockerfile": text})["Dockerfile"]


def test_dockerfiles_are_known_by_their_names(tmp_path: Path) -> None:
    """Those nearest to the folder come first; templates, ignore files, hidden and foreign folders are passed over."""
    names = [
        "a/Dockerfile",
        "Dockerfile",
        "Containerfile",
        "dockerfile.slim",
        "Dockerfile_old",
        "Dockerfile-Flask",
        "Dockerfile2",
        "docker/x.Dockerfile",
        "b/c/d/e/f/Dockerfile",
    ]
    other = [
        *(
            "Dockerfiles",
            "Dockerfile.j2",
            "Dockerfile.dockerignore",
            "x.Dockerfile.md",
            "MyDockerfile",
            "docker-compose.yml",
        ),
        *("node_modules/x/Dockerfile", ".git/Dockerfile", ".venv/Dockerfile", "vendor/Dockerfile"),
        "b/c/d/e/f/g/Dockerfile",
    ]
    paths = list(found(tmp_path, dict.fromkeys([*names, *other], "FROM scratch\n")))
    assert paths == [
        "Containerfile",
        "Dockerfile",
        "Dockerfile-Flask",
        "Dockerfile2",
        "Dockerfile_old",
        "dockerfile.slim",
        "a/Dockerfile",
        "docker/x.Dockerfile",
        "b/c/d/e/f/Dockerfile",
    ]


def test_what_is_no_dockerfile_is_passed_over(tmp_path: Path) -> None:
    """Files that do not read as one, that cannot be read, or whose name cannot be written down."""
    (tmp_path / "Dockerfile.loop").symlink_to("Dockerfile.loop")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/Dockerfile").mkdir()
    (tmp_path / "Dockerfile.bytes").write_bytes(b"FROM \xff\n")
    (tmp_path / os.fsdecode(b"Dockerfile.\xff")).write_text("FROM scratch")
    (tmp_path / "Dockerfile.a\nb").write_text("FROM scratch")
    assert found(tmp_path, {"Dockerfile.empty": "", "Dockerfile.headless": "RUN x\n"}) == {}


def test_a_pipe_of_that_name_is_not_waited_for(tmp_path: Path) -> None:
    """Only files are read."""
    os.mkfifo(tmp_path / "Dockerfile")
    assert find_dockerfiles(tmp_path) == ()


def test_the_context_is_the_nearest_folder_that_has_what_is_copied(tmp_path: Path) -> None:
    """Sources of other stages and of the network say nothing about it."""
    contexts = {
        path: each.context
        for path, each in found(
            tmp_path,
            {
                "app.py": "",
                "web/app.py": "",
                "web/Dockerfile": "FROM a AS b\nCOPY app.py /\nFROM a\nCOPY --from=b /x /y\nADD https://x.org/z /z\n",
                "web/deploy/Dockerfile": "FROM a\nCOPY --chown=1 *.py deploy /x/\n",
                "docker/Dockerfile": 'FROM a\nCOPY ["web/app.py", "app.py", "/x/"]\n',
                "docker/all.Dockerfile": "FROM a\nCOPY . .\n",
                "api/Dockerfile": "FROM a\nCOPY . .\nCOPY $FILE /\nCOPY <<EOF /x\nEOF\n",
                "api/main.py": "",
                "lost/Dockerfile": "FROM a\nCOPY nowhere.txt ../../etc /\n",
            },
        ).items()
    }
    assert contexts == {
        "web/Dockerfile": "web",
        "web/deploy/Dockerfile": "web",
        "docker/Dockerfile": ".",
        "docker/all.Dockerfile": ".",
        "api/Dockerfile": "api",
        "lost/Dockerfile": "lost",
    }


def test_stages_ports_and_route_are_those_of_the_last_stage(tmp_path: Path) -> None:
    """What it stands on counts too, and other stages do not."""
    text = (
        "FROM a AS base\nEXPOSE 8000/tcp 9000/udp\n"
        'FROM b AS builder\nEXPOSE 1\nCMD ["x", "--port", "2"]\n'
        "FROM base AS prod\nHEALTHCHECK CMD curl -f http://localhost:8000/healthz?x=1 || exit 1\n"
        "CMD gunicorn -b 0.0.0.0:8000 app\n"
    )
    assert one(tmp_path, text) == FoundDockerfile(
        path="Dockerfile", context=".", stages=("base", "builder"), exposed=(8000,), port=8000, route="/healthz?x=1"
    )


@pytest.mark.parametrize(
    ("instructions", "port", "route"),
    [
        ("CMD flask run --host=0.0.0.0 --port=5001", 5001, None),
        ('CMD ["gunicorn", "--bind", "0.0.0.0:8080", "app:app"]', 8080, None),
        ('ENTRYPOINT ["uvicorn", "app:app"]\nCMD ["--port", "80"]', 80, None),
        ("CMD waitress-serve --listen=*:8041 app:app", 8041, None),
        ("CMD gunicorn app", None, None),
        ("CMD x --port 99999", None, None),
        ("HEALTHCHECK CMD wget -qO- 'http://127.0.0.1/ping'", None, "/ping"),
        ('HEALTHCHECK --interval=5s CMD ["curl", "http://localhost:81/"]', 81, "/"),
        ("HEALTHCHECK CMD curl http://localhost:82", 82, None),
        ("HEALTHCHECK CMD curl http://example.com:83/x", None, None),
        ("HEALTHCHECK NONE", None, None),
        ("HEALTHCHECK CMD python -c \"import urllib.request as r; r.urlopen('http://localhost:84/up')\"", 84, "/up"),
    ],
)
def test_a_port_or_route_is_taken_only_where_it_is_written(
    tmp_path: Path, instructions: str, port: int | None, route: str | None
) -> None:
    """HEALTHCHECK and the command's own options prove them; nothing else is believed."""
    told = one(tmp_path, f"FROM a\n{instructions}\n")
    assert (told.port, told.route) == (port, route)


def test_a_large_tree_is_read_whole(tmp_path: Path) -> None:
    """Nothing is left out in silence."""
    assert len(found(tmp_path, {f"{number}/Dockerfile": "FROM scratch\n" for number in range(205)})) == 205
