"""Pure: a first CI job for a project's comparisons, on GitHub Actions or GitLab CI; many are shared among machines."""

from __future__ import annotations

from imgcompare import __version__

GITHUB = "github"
GITLAB = "gitlab"
FILES = {GITHUB: ".github/workflows/imgcompare.yml", GITLAB: ".gitlab/imgcompare.gitlab-ci.yml"}
"""Where each is written."""

_MOST_MACHINES = 4
_GITHUB_HEAD = """\
# Compares the images of imgcompare.toml on every pull request.
name: imgcompare
on:
  pull_request:
  push:
    branches: [main, master]
permissions:
  contents: read
  pull-requests: write # for the comment
concurrency: # a newer push to a pull request makes the run of the one before needless
  group: ${{ github.workflow }}-${{ github.ref }}
  cancel-in-progress: ${{ github.event_name == 'pull_request' }}

jobs:
"""
_GITHUB_COMMENT = """\
      # One comment on the pull request, kept up to date; on a push there is none to make.
      - run: imgcompare comment {report}
        if: ${{{{ !cancelled() }}}}
        env:
          GITHUB_TOKEN: ${{{{ github.token }}}}
"""
_GITHUB_STEPS = """\
    runs-on: ubuntu-latest
    timeout-minutes: 60
{strategy}    steps:
      - uses: actions/checkout@11d5960a326750d5838078e36cf38b85af677262 # v4.4.0
      - uses: actions/setup-python@a26af69be951a213d495a4c3e4e4022e16d87065 # v5.6.0
        with:
          python-version: "3.12"
      - run: pip install docker-imgcompare==@VERSION@
"""
_GITHUB_ONE = f"""\
  compare:
{_GITHUB_STEPS.format(strategy="")}\
      # Annotations, and the report as the job's summary.
      - run: imgcompare run --all --format github -o report.json -o report.html
{_GITHUB_COMMENT.format(report="report.json")}\
      - uses: actions/upload-artifact@ea165f8d65b6e75b540449e92b4886f43607fa02 # v4.6.2
        if: ${{{{ !cancelled() }}}}
        with:
          name: imgcompare
          path: report.*
"""
_GITHUB_STRATEGY = """\
    strategy:
      fail-fast: false
      matrix:
        shard: [{shards}]
"""
_GITHUB_MANY = """\
  compare:
{steps}\
      - run: imgcompare run --all --shard ${{{{ matrix.shard }}}}/{count} -o shard-${{{{ matrix.shard }}}}.json
      - uses: actions/upload-artifact@ea165f8d65b6e75b540449e92b4886f43607fa02 # v4.6.2
        if: ${{{{ !cancelled() }}}}
        with:
          name: imgcompare-${{{{ matrix.shard }}}}
          path: shard-*.json

  report:
    needs: compare
    if: ${{{{ !cancelled() }}}}
{merge_steps}\
      - uses: actions/download-artifact@d3f86a106a0bac45b974a628896c90dbdf5c8093 # v4.3.0
        with:
          pattern: imgcompare-*
          merge-multiple: true
      # Fails where a shard is missing or did not pass; annotations, and the report as the job's summary.
      - run: imgcompare merge shard-*.json --format github -o report.json -o report.html
{comment}\
      - uses: actions/upload-artifact@ea165f8d65b6e75b540449e92b4886f43607fa02 # v4.6.2
        if: ${{{{ !cancelled() }}}}
        with:
          name: imgcompare
          path: report.*
"""
_GITLAB_HEAD = """\
# Compares the images of imgcompare.toml on every merge request. Take it up in .gitlab-ci.yml:
#   include: [{ local: .gitlab/imgcompare.gitlab-ci.yml }]
# `imgcompare setup` starts an engine in the job itself, for which the runner's containers have to be privileged. On a
# runner that hands its jobs Docker's socket, or one with the shell executor, leave that line out. For a comment on the
# merge request add `imgcompare comment report.json`, and a token that may write it as the variable GITLAB_TOKEN.
"""
_GITLAB_JOB = """\
imgcompare:
  image: python:3.12-bookworm
  rules:
    - if: $CI_PIPELINE_SOURCE == "merge_request_event"
    - if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH
{parallel}  before_script:
    - pip install docker-imgcompare==@VERSION@
    - imgcompare setup --yes
  script:
    - {script}
  artifacts:
    when: always
    paths: [{paths}]
{reports}"""
_GITLAB_REPORTS = """\
    reports:
      junit: report.xml
      metrics: report.prom
"""
_GITLAB_MERGE = """\

imgcompare-report:
  image: python:3.12-bookworm
  needs: [imgcompare]
  rules:
    - if: $CI_PIPELINE_SOURCE == "merge_request_event"
      when: always
    - if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH
      when: always
  script:
    - pip install docker-imgcompare==@VERSION@
    - imgcompare merge shard-*.json -o report.json -o report.html -o report.xml -o report.prom
  artifacts:
    when: always
    paths: [report.json, report.html]
"""


def write_job(forge: str, comparisons: int) -> str:
    """Return the text of the file for a forge, with a machine for each comparison up to a few."""
    machines = min(comparisons, _MOST_MACHINES)
    text = _github(machines) if forge == GITHUB else _gitlab(machines)
    return text.replace("@VERSION@", __version__)


def _github(machines: int) -> str:
    if machines < 2:
        return _GITHUB_HEAD + _GITHUB_ONE
    strategy = _GITHUB_STRATEGY.format(shards=", ".join(map(str, range(1, machines + 1))))
    return _GITHUB_HEAD + _GITHUB_MANY.format(
        steps=_GITHUB_STEPS.format(strategy=strategy),
        merge_steps=_GITHUB_STEPS.format(strategy=""),
        comment=_GITHUB_COMMENT.format(report="report.json"),
        count=machines,
    )


def _gitlab(machines: int) -> str:
    if machines < 2:
        script = "imgcompare run --all -o report.json -o report.html -o report.xml -o report.prom"
        job = _GITLAB_JOB.format(parallel="", script=script, paths="report.json, report.html", reports=_GITLAB_REPORTS)
        return _GITLAB_HEAD + job
    # GitLab tells each of parallel jobs its number and how many there are.
    script = "imgcompare run --all --shard $CI_NODE_INDEX/$CI_NODE_TOTAL -o shard-$CI_NODE_INDEX.json"
    job = _GITLAB_JOB.format(parallel=f"  parallel: {machines}\n", script=script, paths="shard-*.json", reports="")
    return _GITLAB_HEAD + job + _GITLAB_MERGE + _GITLAB_REPORTS
