"""The first imgcompare.toml, and the first CI job."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from imgcompare import __version__
from imgcompare.config.project import entries, read_project
from imgcompare.config.toml_file import ConfigFile
from imgcompare.init.ci_templates import write_job
from imgcompare.init.compose import find_service
from imgcompare.init.config_template import draft, write
from imgcompare.init.discover import FoundDockerfile, FoundService
from tests.support.schemas import CONFIG_SCHEMA

TEXT = """\
# What is compared here, and what has to hold: imgcompare run
# What would run, and where each setting comes from: imgcompare config
# Paths are relative to this file. All keys: docs/config.md of imgcompare.

route = "/healthz"   # asked for by HEALTHCHECK
# container_port = 8000   # without it, the port of EXPOSE
# expect_status = 200
# expect_body = "ok"      # text in a good reply; without it, all variants must reply like the baseline
# timeout = 60            # seconds to wait for the first reply
# baseline = "Dockerfile"   # what the others are compared with; without it, the first

[variants]
Dockerfile = "Dockerfile"
"slim.v2" = "docker/slim.v2.Dockerfile"
# builder = "docker/slim.v2.Dockerfile:builder"   # a stage before the last

# Limits: where one is not kept, the run fails (exit code 1). One that names a variant takes the general one's place.
[gates]
# max_size = ["250MB", "slim.v2=120MB"]
# min_saving = "50%"
# max_layers = 20
"""


def dockerfile(path: str, context: str = ".", **told: object) -> FoundDockerfile:
    """A Dockerfile with one port, but for ``told``."""
    return FoundDockerfile(**{"path": path, "context": context, "exposed": (8000,), **told})  # type: ignore[arg-type]


def uncommented(text: str) -> str:
    """The text with every key that is commented out put to use."""
    return "".join(line.removeprefix("# ") if " = " in line else line for line in text.splitlines(keepends=True))


def test_one_context_is_one_comparison() -> None:
    """Each key stands there with what it means, and what is certain is put to use."""
    found = [dockerfile("Dockerfile", route="/healthz"), dockerfile("docker/slim.v2.Dockerfile", stages=("builder",))]
    assert write(draft(found, "shop")) == TEXT


@pytest.mark.parametrize(
    ("folder", "name"), [("Ünïcode", "Unicode"), ("my app", "my-app"), ("商店", "app"), ("-x-", "x"), ("Ａ１", "A1")]
)
def test_a_folder_of_any_language_gives_a_name(folder: str, name: str) -> None:
    """Letters lose their accents, not themselves."""
    (found,) = draft([dockerfile(f"{folder}/Dockerfile", folder)], "shop")
    assert found.name == name


def test_several_contexts_are_several_comparisons() -> None:
    """Folders of one name go by their paths; a port that EXPOSE leaves open is set where it is proved."""
    found = [
        dockerfile("Dockerfile"),
        dockerfile("a/web/Dockerfile", "a/web", exposed=(), port=5000),
        dockerfile("b/web/Dockerfile", "b/web", exposed=(80, 443)),
        dockerfile("api/Dockerfile", "api", route="/x"),
        dockerfile("api/two/Dockerfile", "api", route="/y"),
    ]
    text = write(draft(found, "my shop"))
    assert tomllib.loads(text) == {
        "gates": {},
        "comparisons": {
            "my-shop": {"variants": {"Dockerfile": "Dockerfile"}},
            "a-web": {"context": "a/web", "container_port": 5000, "variants": {"Dockerfile": "a/web/Dockerfile"}},
            "b-web": {"context": "b/web", "variants": {"Dockerfile": "b/web/Dockerfile"}},
            "api": {"context": "api", "variants": {"api": "api/Dockerfile", "two": "api/two/Dockerfile"}},
        },
    }
    assert "without it, the port of EXPOSE; not clear for b/web/Dockerfile\n" in text


@pytest.mark.parametrize("contexts", [(".", "."), ("a", "b")])
def test_every_key_that_is_commented_out_can_be_put_to_use(contexts: tuple[str, str]) -> None:
    """Nothing in the file is a mistake once the # is gone."""
    found = [
        dockerfile("Dockerfile", contexts[0], stages=("builder", "test")),
        dockerfile("docker/slim.Dockerfile", contexts[1], stages=("builder",)),
    ]
    text = uncommented(write(draft(found, "shop")))
    CONFIG_SCHEMA.validate(tomllib.loads(text))
    project = read_project(ConfigFile(Path("imgcompare.toml"), tomllib.loads(text), text), {})
    assert sum(len(entries(values, "variants")) for values in project.comparisons.values()) == 5
    assert all("gates.max_size" in values and "expect_body" in values for values in project.comparisons.values())


printable = st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters="/"), min_size=1, max_size=20)


@given(st.lists(st.tuples(printable, printable), min_size=1, max_size=5, unique=True), printable)
def test_whatever_files_and_folders_are_called_the_file_reads_back(paths: list[tuple[str, str]], project: str) -> None:
    """Quotes, backslashes, '=', ':' and names of other scripts are data."""
    found = [dockerfile(f"{folder}/{name}", folder, stages=(name,)) for folder, name in paths]
    text = write(draft(found, project))
    CONFIG_SCHEMA.validate(tomllib.loads(text))
    read = read_project(ConfigFile(Path("imgcompare.toml"), tomllib.loads(text), text), {})
    variants = [value.value for values in read.comparisons.values() for value in entries(values, "variants").values()]
    assert sorted(str(each.dockerfile) for each in variants) == sorted(str(Path(each.path)) for each in found)


def test_a_job_runs_all_on_one_machine() -> None:
    """One comparison needs neither shares nor a merge."""
    assert "run: imgcompare run --all --format github -o report.json -o report.html\n" in write_job("github", 1)
    assert "- imgcompare run --all -o report.json -o report.html -o report.xml -o report.prom\n" in write_job(
        "gitlab", 1
    )
    assert "imgcompare merge" not in write_job("github", 1) + write_job("gitlab", 1)


@pytest.mark.parametrize("comparisons", [1, 9])
def test_a_job_stays_as_it_is(comparisons: int) -> None:
    """It installs the version that wrote it, and of two pushes to one pull request the newer one counts."""
    github, gitlab = write_job("github", comparisons), write_job("gitlab", comparisons)
    for text in (github, gitlab):
        assert set(re.findall(r"pip install (.*)", text)) == {f"docker-imgcompare=={__version__}"}
    assert yaml.safe_load(github)["concurrency"] == {
        "group": "${{ github.workflow }}-${{ github.ref }}",
        "cancel-in-progress": "${{ github.event_name == 'pull_request' }}",
    }
    *_, job = yaml.safe_load(gitlab).values()
    assert job["artifacts"]["reports"] == {"junit": "report.xml", "metrics": "report.prom"}


@pytest.mark.parametrize("comparisons", [1, 9])
def test_a_job_of_github_comments_with_the_token_of_the_job(comparisons: int) -> None:
    """Also after a run that failed, and with no more rights than that takes."""
    job = yaml.safe_load(write_job("github", comparisons))
    assert job["permissions"] == {"contents": "read", "pull-requests": "write"}
    *_, steps = (each["steps"] for each in job["jobs"].values())
    (comment,) = (step for step in steps if "imgcompare comment" in step.get("run", ""))
    assert comment == {
        "run": "imgcompare comment report.json",
        "if": "${{ !cancelled() }}",
        "env": {"GITHUB_TOKEN": "${{ github.token }}"},
    }
    written = steps.index(comment) - 1
    assert "-o report.json" in steps[written]["run"]


def test_many_comparisons_are_shared_among_a_few_machines() -> None:
    """Each takes its share, and a last job merges the reports even where a machine failed."""
    github, gitlab = write_job("github", 9), write_job("gitlab", 9)
    assert "shard: [1, 2, 3, 4]\n" in github
    assert "imgcompare run --all --shard ${{ matrix.shard }}/4 -o shard-${{ matrix.shard }}.json\n" in github
    assert "if: ${{ !cancelled() }}\n" in github
    assert "  parallel: 4\n" in gitlab
    assert "imgcompare run --all --shard $CI_NODE_INDEX/$CI_NODE_TOTAL -o shard-$CI_NODE_INDEX.json\n" in gitlab
    assert "when: always\n" in gitlab
    for text in (github, gitlab):
        assert "imgcompare merge shard-*.json" in text


def test_the_component_of_gitlab_takes_its_inputs_and_no_other() -> None:
    """What it interpolates is declared, and its files are where the artifacts are taken from."""
    text = (Path(__file__).parents[2] / "templates" / "imgcompare.yml").read_text(encoding="utf-8")
    head, body = yaml.safe_load_all(text)
    assert set(re.findall(r"\$\[\[ inputs\.(\w+) \]\]", text)) == set(head["spec"]["inputs"])
    (job,) = body.values()
    (run,) = (line for line in job["script"] if line.startswith("imgcompare run"))
    for file in (*job["artifacts"]["paths"], *job["artifacts"]["reports"].values()):
        assert f"-o {file}" in run


def test_a_compose_file_is_taken_up(tmp_path: Path) -> None:
    """The service's file, name, context and stage are written; what is written is what a run reads."""
    web = FoundDockerfile(path="web/Dockerfile", context="web", stages=("prod",))
    other = FoundDockerfile(path="tool/Dockerfile", context="tool", exposed=(80,))
    service = FoundService(
        file="compose.yaml", name="shop", dockerfile="web/Dockerfile", context="web", target="prod", needs=("db",)
    )
    text = write(draft([web, other], "project", service))
    read = tomllib.loads(text)["comparisons"]
    assert read["web"]["compose"] == "compose.yaml"
    assert read["web"]["service"] == "shop"
    assert read["web"]["variants"] == {"Dockerfile": "web/Dockerfile:prod"}
    assert "each beside its own db" in text
    assert "compose" not in read["tool"]
    (tmp_path / "web").mkdir()
    (tmp_path / "web/Dockerfile").write_text("FROM scratch AS prod\nFROM scratch\n")
    (tmp_path / "compose.yaml").write_text(
        "services:\n  shop: {build: {context: web, target: prod}, depends_on: [db]}\n  db: {image: x}\n"
    )
    assert find_service(tmp_path, os.environ) == service


def test_actions_are_named_by_commits_that_nobody_can_move() -> None:
    """With the version beside it, which is what tools that keep it up to date read."""
    used = re.findall(r"uses: (.*)", write_job("github", 1) + write_job("github", 9))
    assert len(used) > 5
    assert [one for one in used if not re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", one)] == []
