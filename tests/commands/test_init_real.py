"""A project that never heard of imgcompare: `init`, then `run --all`, and everything works at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.support.projects import Project

APP = """\
from http.server import BaseHTTPRequestHandler, HTTPServer


class Hello(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path in ("/", "/healthz") else 404)
        self.end_headers()
        self.wfile.write(b"hello")


HTTPServer(("0.0.0.0", 5000), Hello).serve_forever()
"""
FULL = "FROM python:3.11-slim\nWORKDIR /srv\nCOPY . .\nRUN head -c 2000000 /dev/zero > /waste\nEXPOSE 5000\n"
CHECKED = "HEALTHCHECK CMD python -c \"import urllib.request as r; r.urlopen('http://localhost:5000/healthz')\"\n"
SLIM = (
    "FROM python:3.11-slim AS builder\nCOPY src /src\nRUN python -m compileall -q /src\n"
    "FROM python:3.11-slim\nCOPY --from=builder /src /srv/src\nEXPOSE 5000\n"
)


def test_a_foreign_project_is_compared_at_once(project: Project) -> None:
    """The context, the route and the ports are found, and a second run builds nothing anew."""
    project.write(
        {
            "src/main.py": APP,
            "Dockerfile": FULL + CHECKED + 'CMD ["python", "src/main.py"]\n',
            "docker/slim.Dockerfile": SLIM + 'CMD ["python", "/srv/src/main.py"]\n',
            ".dockerignore": "home\n",
        }
    )
    assert project("init", "--ci", "github").code == 0
    first = project("run", "--all", "--json", "-q")
    assert first.code == 0, first.stdout + first.stderr
    (report,) = first.report["comparisons"]
    assert [(v["name"], v["verdict"], v["check"]["status_code"]) for v in report["variants"]] == [
        ("Dockerfile", "works", 200),
        ("slim", "works", 200),
    ]
    assert all(v["check"]["url"].endswith("/healthz") for v in report["variants"])
    again = project("run", "--json", "-q")
    assert [v["image"]["image_id"] for v in again.report["variants"]] == [
        v["image"]["image_id"] for v in report["variants"]
    ]
    (project.folder / "imgcompare.toml").write_text(
        (project.folder / "imgcompare.toml").read_text().replace('# max_size = ["250MB"', 'max_size = ["1MB"')
    )
    limited = project("run", "-q")
    assert limited.code == 1
    assert "250MB" not in limited.stdout
