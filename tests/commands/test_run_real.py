"""`imgcompare run` on the real engine: what a user sees when all goes well, and numbers that others can confirm."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import socket
import tarfile
import tempfile
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any

import docker
import pytest

from imgcompare.engine.interface import RUN_LABEL, VARIANT_LABEL

if TYPE_CHECKING:
    from tests.support.projects import Project, Result

BASE = "python:3.11-slim"
OWN_IMAGE = "imgcompare-test/shop:1.4"
SERVE = 'EXPOSE 8000\nCMD ["python", "/app.py"]\n'
FILES = {
    "plain.Dockerfile": f"FROM {BASE}\nCOPY app.py /\nRUN head -c 3000000 /dev/zero > /waste\n{SERVE}",
    "multi.Dockerfile": (
        f"FROM {BASE} AS builder\nCOPY app.py /src/\nRUN python -m compileall -q /src\n"
        'FROM builder AS test\nCMD ["false"]\n'
        f"FROM {BASE} AS prod\nCOPY --from=builder /src/app.py /app.py\nUSER 1000\n{SERVE}"
    ),
}
TOLD = (
    f"FROM {BASE}\nARG PLANET\nRUN echo $PLANET > /planet\nCOPY app.py /\n"
    'EXPOSE 8000\nCMD ["python", "/app.py", "told"]\n'
)


@pytest.fixture(scope="module")
def three(lasting_project: Project, client: docker.DockerClient) -> Iterator[Result]:
    """A Dockerfile, a stage and an existing image of the user's own, compared with each other."""
    lasting_project.write(FILES)
    before = _tags(client)
    first = lasting_project("run", "a=plain.Dockerfile", "b=multi.Dockerfile:prod", "-q")
    assert first.code == 0, first.stderr
    (tag,) = (tag for tag in _tags(client) - before if tag.startswith("imgcompare/run-") and tag.endswith(":a"))
    assert client.images.get(tag).tag(OWN_IMAGE)
    try:
        yield lasting_project(
            "run", "a=plain.Dockerfile", "b=multi.Dockerfile:prod", f"c=image:{OWN_IMAGE}", "--json", "--baseline", "c"
        )
    finally:
        client.images.remove(OWN_IMAGE)


def test_three_kinds_of_variants_are_compared(three: Result) -> None:
    """A Dockerfile, one of its stages and an existing image are built or taken, run, checked and compared."""
    assert three.code == 0
    assert three.report["passed"] is True
    assert [v["name"] for v in three.report["variants"]] == ["a", "b", "c"]
    assert {v["verdict"] for v in three.report["variants"]} == {"works"}
    assert {v["check"]["status_code"] for v in three.report["variants"]} == {200}
    assert {v["check"]["body_excerpt"] for v in three.report["variants"]} == {"hello"}
    assert three.report["comparison"]["same_response"] is True
    a, b, c = (three.variant(name) for name in "abc")
    assert (a["source"]["dockerfile"], a["source"]["target"]) == ("plain.Dockerfile", None)
    assert (b["source"]["dockerfile"], b["source"]["target"]) == ("multi.Dockerfile", "prod")
    assert (c["source"]["dockerfile"], c["source"]["image"], c["build"]) == (None, OWN_IMAGE, None)
    assert a["image"]["image_id"] == c["image"]["image_id"] != b["image"]["image_id"]
    assert b["image"]["user"] == "1000"
    assert all(v["run"]["container_port"] == 8000 and v["run"]["memory_bytes"] > 1 << 20 for v in (a, b, c))


def test_the_baseline_is_the_one_that_was_named(three: Result) -> None:
    """--baseline decides what the others are held against; the smallest image that works is found whatever it is."""
    a, b, c = (three.variant(name)["image"] for name in "abc")
    rows = {row["variant"]: row for row in three.report["comparison"]["rows"]}
    assert three.report["baseline"] == "c"
    assert three.report["comparison"]["smallest_working"] == "b"
    assert rows["b"]["uncompressed_delta"] == b["uncompressed_size"] - c["uncompressed_size"] < -2_900_000
    assert rows["a"]["uncompressed_ratio"] == a["uncompressed_size"] / c["uncompressed_size"] == 1.0


def test_progress_is_on_stderr_and_stdout_is_the_report_alone(three: Result) -> None:
    """`imgcompare run --json | jq` works while a person sees on stderr what happens."""
    assert three.stdout.endswith("}\n")
    assert json.loads(three.stdout) == three.report
    for name in "abc":
        assert re.search(rf"^{name}: check: waiting for / on port \d+$", three.stderr, re.MULTILINE)
        assert re.search(rf"^{name}: ✓ ", three.stderr, re.MULTILINE)


def test_finished_steps_come_from_the_cache(three: Result) -> None:
    """A second run builds nothing anew, and says so."""
    for name in "ab":
        build = three.variant(name)["build"]
        assert build["cached_step_count"] == build["step_count"] > 0


@pytest.mark.parametrize("name", ["a", "b", "c"])
def test_sizes_are_those_of_the_layers_that_the_engine_saves(
    three: Result, client: docker.DockerClient, name: str
) -> None:
    """uncompressed_size is the sum of the layer tars in `docker save`, each the one its diff_id hashes; layer_count is
    RootFS.Layers of `docker image inspect`.
    """
    image = three.variant(name)["image"]
    inspected = client.images.get(image["reference"])
    layers = _saved_layers(client, image["reference"])
    assert [layer["diff_id"] for layer in image["layers"]] == [diff_id for diff_id, _ in layers]
    assert [layer["uncompressed_size"] for layer in image["layers"]] == [size for _, size in layers]
    assert image["uncompressed_size"] == sum(size for _, size in layers)
    assert image["layer_count"] == len(inspected.attrs["RootFS"]["Layers"])
    assert image["history_count"] == len(inspected.history())


def test_the_table_goes_to_stdout_and_says_what_is_saved(project: Project) -> None:
    """Without --json it is a table for people, with the smallest working image and what it saves below."""
    project.write(FILES)
    result = project("run", "a=plain.Dockerfile", "b=multi.Dockerfile:prod", "--quiet")
    assert result.code == 0
    assert result.stderr == ""
    assert re.search(r"^a +\S+ MB .* works$", result.stdout, re.MULTILINE)
    assert re.search(r"b is the smallest image that works", result.stdout)
    assert "3.0 MB" in result.stdout


@pytest.mark.parametrize(("arguments", "start"), [(["--json"], "{"), ([], "imgcompare · run")])
def test_a_report_can_go_to_a_file(project: Project, arguments: list[str], start: str) -> None:
    """-o writes the report to a file, whole, and stdout shows the table."""
    result = project("run", *project.stages("works"), "-o", "out.txt", *arguments)
    assert result.code == 0
    assert result.stdout.startswith("imgcompare · run")
    assert (project.folder / "out.txt").read_text().startswith(start)
    assert {path.name for path in project.folder.iterdir()} == {
        ".imgcompare",
        "Dockerfile",
        "app.py",
        "home",
        "out.txt",
    }


def test_containers_kept_answer_until_they_are_cleaned(project: Project, client: docker.DockerClient) -> None:
    """--keep leaves the working containers up and prints their URLs; `clean` removes them, and the images."""
    result = project("run", *project.stages("works", "exits"), "--keep")
    assert result.code == 1
    (url,) = re.findall(r"http://\S+?(?=[,.]? )", re.search(r"Still up: .*", result.stdout)[0])  # type: ignore[index]
    assert _get(url) == b"hello"
    (container,) = client.containers.list(all=True, filters={"label": f"{VARIANT_LABEL}=works"})
    assert container.labels[RUN_LABEL] in str(container.name)
    assert project("clean").stderr == "Removed 1 container(s) and 2 image(s).\n"
    with pytest.raises(OSError, match="refused"):
        _get(url)
    assert project.ledgers() == []


def test_a_json_report_of_kept_containers_is_json_alone(project: Project) -> None:
    """The URLs of what is kept are in the JSON's own fields; no note is added to stdout."""
    result = project("run", *project.stages("works"), "--keep", "--json")
    assert result.code == 0
    assert _get(result.variant("works")["check"]["url"]) == b"hello"
    assert "1 container(s)" in project("clean").stderr


def test_fixed_host_ports_are_counted_up(project: Project) -> None:
    """--host-port N publishes the first variant on N, the next on N+1, as in the tutorials."""
    port = _two_free_ports()
    result = project("run", *project.stages("works", "starts_late"), "--host-port", str(port), "--json")
    assert result.code == 0, result.stderr
    assert [v["run"]["host_port"] for v in result.report["variants"]] == [port, port + 1]


def test_environment_and_build_arguments_reach_the_app(project: Project) -> None:
    """--env and --build-arg take KEY=VALUE, and a bare KEY from the environment; the report holds names only."""
    project.write({"Dockerfile": TOLD})
    arguments = ("run", "Dockerfile", "--json", "--env", "GREETING", "--build-arg", "PLANET=Pluto=9")
    result = project(*arguments, GREETING="grüß dich")
    assert result.code == 0, result.stderr
    assert result.variant("Dockerfile")["check"]["body_excerpt"] == "grüß dich, Pluto=9"
    assert result.variant("Dockerfile")["source"]["build_args"] == ["PLANET"]


KEY = "-----BEGIN PRIVATE KEY-----\nMIIEvAIBADANBgkq\nhkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----"
LEAKS = (
    f"FROM {BASE}\nARG BUILD_PASS\nARG USE_AUTH\nRUN echo building with $BUILD_PASS $USE_AUTH\nCOPY app.py /\n"
    'EXPOSE 8000\nCMD ["sh", "-c", "echo \\"$SIGNING_KEY\\"; echo $DATABASE_URL hunt3r; exit 3"]\n'
)


@pytest.mark.parametrize("builder", ["buildkit", "classic"])
def test_what_was_given_in_secret_is_nowhere(project: Project, builder: str) -> None:
    """Not in the report nor the log of the run, whatever echoes it; digests, dates and names stay what they are."""
    project.write({"Dockerfile": LEAKS, "fine.Dockerfile": f"FROM {BASE}\nCOPY app.py /\n{SERVE}"})
    (project.folder / "there.json").touch(mode=0o644)
    result = project(
        *("run", "Dockerfile", "works=fine.Dockerfile", "--json", "-o", "new.json", "--format", "markdown"),
        *("-o", "there.json", "--builder", builder, "--no-cache"),
        *("--build-arg", "BUILD_PASS=hunter1", "--build-arg", "USE_AUTH=1", "-e", "AUTH=no", "-e", "AUTH_TYPE=works"),
        *("-e", f"SIGNING_KEY={KEY}", "-e", "DATABASE_URL=postgres://u:hunt3r@h/db", "-e", "REQUIRE_AUTH=0"),
    )
    assert result.code == 1, result.stderr
    (saved,) = project.saved()
    written = (project.folder / "new.json").read_text()
    for text in (result.stdout, result.stderr, json.dumps(saved), written, (project.folder / "there.json").read_text()):
        assert not re.search("hunter1|hunt3r|MIIEv|hkiG9", text)
    assert "•••" in str(saved["variants"][0]["failure"]["evidence"])
    assert saved["variants"][1]["verdict"] == "works"
    assert re.fullmatch(r"20\d\d-[\d-]{5}T[\d:]{8}Z", saved["created"])
    assert (project.folder / "new.json").stat().st_mode & 0o777 == 0o600
    assert (project.folder / "there.json").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("builder", ["buildkit", "classic"])
def test_either_builder_can_be_asked_for(project: Project, builder: str) -> None:
    """--builder chooses, and the report names what was used; with --no-cache every step is built anew."""
    project.write({"Dockerfile": TOLD})
    arguments = ("run", "Dockerfile", "--json", "--builder", builder, "--build-arg", "PLANET=x", "--no-cache")
    result = project(*arguments)
    assert result.code == 0, result.stderr
    assert result.report["engine"]["builder"] == {"buildkit": "BuildKit"}.get(builder, builder)
    build = result.variant("Dockerfile")["build"]
    assert build["cached_step_count"] == 0 < build["step_count"]
    assert any("> /planet" in step["name"] for step in build["steps"])


def test_images_are_kept_for_the_next_run_unless_told_otherwise(project: Project, client: docker.DockerClient) -> None:
    """A run leaves its images under its own tags; with --rm-images it leaves none, and `clean` has nothing to do."""
    (stage,) = project.stages("works")
    name = f"kept-{uuid.uuid4().hex}"
    assert project("run", f"{name}={stage}", "--rm-images", "-q").code == 0
    assert [tag for tag in _tags(client) if name in tag] == []
    assert project.ledgers() == []
    assert project("run", f"{name}={stage}", "-q").code == 0
    (tag,) = (tag for tag in _tags(client) if name in tag)
    assert re.fullmatch(rf"imgcompare/run-[0-9a-f]{{8}}:{name}", tag)
    assert "1 image(s)" in project("clean").stderr
    assert [tag for tag in _tags(client) if name in tag] == []


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--expect-body", "ell"], 0, ""),
        (["--expect-body", "goodbye"], 1, "The body “hello” does not contain “goodbye”."),
        (["--expect-body-pattern", "^h.*o$"], 0, ""),
        (["--expect-body-pattern", "^[0-9]+$"], 1, "The body “hello” does not match the pattern “^[0-9]+$”."),
        (["--expect-status", "404"], 1, "The reply has status 200, expected 404."),
    ],
)
def test_what_a_good_reply_is_can_be_declared(project: Project, arguments: list[str], code: int, message: str) -> None:
    """--expect-status, --expect-body and --expect-body-pattern decide; what differs is said with both values."""
    result = project("run", *project.stages("works"), "--json", *arguments)
    failure = result.variant("works")["failure"]
    assert result.code == code
    assert (failure["message"] if failure else "") == message


def test_another_route_is_checked(project: Project) -> None:
    """--route names the route, in the request, the report and the progress."""
    result = project("run", *project.stages("works"), "--json", "--route", "/healthz?deep=1")
    assert result.variant("works")["check"]["url"].endswith("/healthz?deep=1")
    assert "waiting for /healthz?deep=1 on" in result.stderr


def test_bodies_that_differ_make_a_variant_broken_unless_declared(project: Project) -> None:
    """A smaller image that answers something else is no replacement: both bodies are shown."""
    arguments = project.stages("works", "raw")
    result = project("run", *arguments, "--json")
    failure = result.variant("raw")["failure"]
    assert result.code == 1
    assert failure["code"] == "different-response"
    assert failure["evidence"][0] == "works: hello"
    assert result.report["comparison"]["same_response"] is False
    assert project("run", *arguments, "--json", "--expect-body-pattern", ".").code == 0


def test_json_replies_are_compared_as_json(project: Project) -> None:
    """Key order and white space do not make a reply another one; another value does."""
    result = project("run", *project.stages("packed_json", "loose_json", "other_json"), "--json")
    assert {v["name"]: v["verdict"] for v in result.report["variants"]} == {
        "packed_json": "works",
        "loose_json": "works",
        "other_json": "broken",
    }
    assert result.variant("other_json")["failure"]["code"] == "different-response"
    checks = [result.variant(name)["check"] for name in ("packed_json", "loose_json")]
    assert checks[0]["body_json_sha256"] == checks[1]["body_json_sha256"]
    assert checks[0]["body_sha256"] != checks[1]["body_sha256"]
    assert project("run", *project.stages("packed_json", "loose_json"), "-q").code == 0


def test_the_progress_does_not_call_a_variant_working_before_it_was_compared(project: Project) -> None:
    """What a line on stderr says of a variant still holds in the report."""
    result = project("run", *project.stages("works", "raw"))
    assert result.code == 1
    assert not re.search(r"^raw: ✓ works", result.stderr, re.MULTILINE)


def test_as_many_variants_at_a_time_as_were_asked_for(project: Project) -> None:
    """With --jobs 1 a variant is built only once the one before it is finished."""
    project.write(FILES)
    done = project("run", *(f"{name}=plain.Dockerfile" for name in "abc"), "--jobs", "1")
    assert done.code == 0, done.stderr
    order = [line[0] for line in done.stderr.splitlines() if re.match(r"[abc]: ", line)]
    assert order == sorted(order)
    assert set(order) == set("abc")


def test_a_dead_stdout_ends_a_run_quietly(project: Project) -> None:
    """`imgcompare run | true` is no error of ours, and leaves nothing."""
    running = project.start("run", *project.stages("works"), "--json")
    assert running.process.stdout is not None
    running.process.stdout.close()
    running.wait_for("✓")
    assert running.process.wait(60) in {0, 1}


def _get(url: str) -> bytes:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=10) as reply:
        return bytes(reply.read())


def _tags(client: docker.DockerClient) -> set[str]:
    return {tag for image in client.api.images() for tag in image["RepoTags"] or () if not tag.startswith("<none>")}


def _two_free_ports() -> int:
    """A port that is free now with the next one, below those the kernel gives out by itself."""
    for port in range(21000 + os.getpid() % 5000, 32000, 2):
        with suppress(OSError), ExitStack() as stack:
            for each in (port, port + 1):
                stack.enter_context(socket.create_server(("127.0.0.1", each)))
            return port
    pytest.fail("no two ports are free")


def _saved_layers(client: docker.DockerClient, reference: str) -> list[tuple[str, int]]:
    """The digest and the length of each layer's tar in what `docker save` writes."""
    with tempfile.TemporaryFile() as file:
        for chunk in client.images.get(reference).save():
            file.write(chunk)
        file.seek(0)
        with tarfile.open(fileobj=file) as archive:
            manifest: list[dict[str, Any]] = json.loads(_content(archive, "manifest.json"))
            layers = [_content(archive, name) for name in manifest[0]["Layers"]]
    plain = [gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data for data in layers]
    return [(f"sha256:{hashlib.sha256(data).hexdigest()}", len(data)) for data in plain]


def _content(archive: tarfile.TarFile, name: str) -> bytes:
    member = archive.extractfile(name)
    assert member is not None
    return member.read()


def test_whose_container_it_was_and_when_makes_no_difference(project: Project) -> None:
    """A host name, an address, a clock: two containers of one image reply the same but for that, which is told."""
    stages = project.stages("names_itself", "tells_time")
    for stage, but_for in zip(stages, ["own name or address", "from one request to the next"], strict=True):
        result = project("run", f"a={stage}", f"b={stage}", f"c={stage}", "--jobs", "1", "--json")
        assert result.code == 0, result.stdout
        assert result.report["comparison"]["same_response"] is True
        assert result.variant("a")["check"]["same_but_for"] == ""
        assert but_for in result.variant("c")["check"]["same_but_for"]
    assert "c replies the same but for what changes from one request to the next." in project("report").stdout
