"""What ``imgcompare init`` does: look for Dockerfiles, write the files, say what is next."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from msgspec.structs import replace

from imgcompare.config.project import read_project
from imgcompare.config.schema import config_schema
from imgcompare.config.toml_file import FILE_NAME, PYPROJECT, find_config
from imgcompare.errors import UsageError
from imgcompare.init.ci_templates import FILES, GITLAB, write_job
from imgcompare.init.compose import find_service
from imgcompare.init.config_template import Draft, draft, write
from imgcompare.init.discover import find_dockerfiles
from imgcompare.init.measured import Measured, key_of, measured_in
from imgcompare.reports.files import check_writable, write_atomically

SCHEMA_NAME = "imgcompare.schema.json"


def start_project(folder: Path, forge: str | None, *, schema: bool = False, force: bool) -> Iterator[str]:
    """Write the files, after everything was looked at, and yield what to tell. Raises UsageError.

    ``schema`` is whether the file names its own schema, which is then written beside it.
    """
    settings, job = folder / FILE_NAME, folder / FILES[forge] if forge else None
    drafts, remark = _drafts(folder)
    # A CI job can be added to a project that has its settings.
    kept = find_config(folder) if job and not force and not schema else None
    written = [] if kept else [settings, *([folder / SCHEMA_NAME] if schema else [])]
    for path in (*written, *([job] if job else [])):
        _refuse(path, force=force)
    count = len(read_project(kept, os.environ).comparisons) if kept else len(drafts)
    if kept:
        yield f"{kept.name} stays as it is."
    else:
        check_writable(settings)
        if schema:
            write_atomically(folder / SCHEMA_NAME, json.dumps(config_schema(), indent=2, ensure_ascii=False) + "\n")
        write_atomically(settings, write(drafts, schema=SCHEMA_NAME if schema else None))
        yield from _told(settings, drafts)
        if remark:
            yield remark
        if schema:
            yield f"Wrote {folder / SCHEMA_NAME}, for editors."
    if job and forge:
        _make_folder(job.parent)
        write_atomically(job, write_job(forge, count))
        yield f"Wrote {job}."
        if forge == GITLAB:
            yield f"Take it up in .gitlab-ci.yml: include: [{{ local: {FILES[forge]} }}]"
    where = "" if folder == Path() else f"cd {folder} && "
    then = ", and commit these files: the job does the same for every pull request" if job else ""
    yield f"Next: {where}imgcompare run{' --all' if count > 1 else ''}{then}"


def _drafts(folder: Path) -> tuple[tuple[Draft, ...], str]:
    """What is to be written, and why the compose file has no part in it."""
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder", hint="Name the project's folder: imgcompare init PATH")
    found = find_dockerfiles(folder)
    if not found:
        raise UsageError(
            f"there is no Dockerfile in {folder.absolute()} or below",
            hint="Name the project's folder, imgcompare init PATH, or try a bundled comparison: imgcompare run",
        )
    service = find_service(folder, os.environ)
    drafts = draft(found, folder.absolute().name, None if isinstance(service, str) else service)
    if measured := measured_in(folder):
        drafts = tuple(replace(each, measured=_measured(folder, each, measured)) for each in drafts)
    return drafts, service if isinstance(service, str) else ""


def _measured(folder: Path, one: Draft, measured: Mapping[tuple[str, str], Measured]) -> dict[str, Measured]:
    keys = {name: key_of(folder, found) for name, found in one.dockerfiles.items()}
    return {name: measured[key] for name, key in keys.items() if key in measured}


def _refuse(path: Path, *, force: bool) -> None:
    if force:
        return
    if os.path.lexists(path):
        raise UsageError(f"{path} is there already; nothing was written", hint="--force writes over it.")
    other = path.with_name(PYPROJECT)
    if path.name == FILE_NAME and (found := find_config(path.parent)) and found.path == other:
        raise UsageError(
            f"{other} has [tool.imgcompare] already; nothing was written",
            hint=f"--force writes {FILE_NAME} all the same, which then is the one that counts.",
        )


def _told(settings: Path, drafts: Sequence[Draft]) -> Iterator[str]:
    variants = sum(len(each.dockerfiles) for each in drafts)
    several = f"{len(drafts)} comparisons with " if len(drafts) > 1 else ""
    yield f"Wrote {settings}: {several}{variants} variant{'s' if variants > 1 else ''}."
    for each in drafts:
        shown = ", ".join(f"{name} ({found.path})" for name, found in each.dockerfiles.items())
        yield f"{each.name}: {shown}"
        if each.limit:
            yield f"{each.name}: {each.limit}."
        if each.service:
            yield f"{each.name}: runs as the service {each.service.name} of {each.service.file}."
        elif each.unclear and not each.port:
            yield f"{each.name}: set container_port, for the port of {', '.join(each.unclear)} is not clear."


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise UsageError(f"cannot make {folder}: {exc.strerror}", hint="Make it, or name another folder.") from exc
