"""Pure: a folder without ``__init__.py`` that Python takes for the module that was meant (a namespace package)."""

from __future__ import annotations

from posixpath import join, normpath

from imgcompare.diagnosis.evidence import Case
from imgcompare.diagnosis.image_files import is_own
from imgcompare.model import Failure


def namespace(case: Case, module: str) -> str:
    """The folder that Python takes for a module, as it does where there is no such file; "" where it does not."""
    path = f"{_starts_in(case).rstrip('/')}/{module.replace('.', '/')}"
    if case.view is None or not case.view.has_folder(path):
        return ""
    if any(not is_own(place) for place in case.view.modules(module)):  # a module comes before such a folder
        return ""
    return "" if case.view.file(f"{path}.py") or case.view.file(f"{path}/__init__.py") else path


def _starts_in(case: Case) -> str:
    """Where a server looks for modules first: the working directory, or what its option names."""
    words = case.command.words
    for at, word in enumerate(words):
        option, equals, value = word.partition("=")
        if option in {"--chdir", "--app-dir"}:
            return normpath(join(case.working_dir, value if equals else "".join(words[at + 1 : at + 2])))
    return case.working_dir


def folder_for_module(case: Case, line: str, module: str, folder: str) -> Failure:
    """The module that is meant lies a folder deeper than where Python looks for it."""
    name = module.rpartition(".")[2]
    inner = f"{folder}/{name}.py"
    there = case.view is not None and case.view.file(inner) is not None
    fix = (f"WORKDIR {folder}",) if there and module == name and _starts_in(case) == case.working_dir else ()
    return case.found(
        "application-not-found",
        f"The module {module} is no file here: Python takes the folder {folder} for it, an empty module.",
        (line, case.ended(), f"the image's WORKDIR: {case.working_dir}", f"this image has {inner}" if there else ""),
        hint="Above CMD: programs start in this folder, and find the module in it."
        if fix
        else f"Name the module in that folder ({module}.{name}), or start where it lies."
        if there
        else f"There is no {inner}: see what COPY takes and where it puts it.",
        fix=fix,
    )
