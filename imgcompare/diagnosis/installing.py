"""Pure: the line that installs a Python package for the interpreter that the image's command runs."""

from __future__ import annotations

from posixpath import dirname

from imgcompare.diagnosis.evidence import Case
from imgcompare.diagnosis.interpreter import Python, python_of

_FIRST_FOR_ANOTHER = (22, 3)  # of pip: https://pip.pypa.io/en/stable/news/#v22-3, the option --python


def install_lines(case: Case, requirement: str, python: Python | None = None) -> tuple[str, ...]:
    """One RUN, () where no pip is seen that could install for that interpreter."""
    view = case.view
    python = python or python_of(case)
    if view is None or python is None:
        return ()
    pip, own = case.program_path("pip"), f"{python.prefix}/bin/pip"
    arguments = f"install --no-cache-dir {requirement}"
    if view.file(f"{python.prefix}/lib/python{python.version}/EXTERNALLY-MANAGED") is not None:
        return ()  # the distribution's own: PEP 668
    if python.prefix not in view.environments:
        if pip is not None and (dirname(pip) == dirname(python.path) or pip == own):
            return (f"RUN pip {arguments}",)
        has_pip = any(one.name == "pip" and one.location.startswith(f"{python.prefix}/") for one in view.distributions)
        return (f"RUN {python.path} -m pip {arguments}",) if has_pip else ()
    if view.file(own) is not None:
        return (f"RUN pip {arguments}",) if pip == own else (f"RUN {own} {arguments}",)
    if pip is not None and _version(case) >= _FIRST_FOR_ANOTHER:
        return (f"RUN pip --python {python.prefix}/bin/python {arguments}",)
    return ()


def _version(case: Case) -> tuple[int, ...]:
    """The oldest version of pip that the image has."""
    versions = [one.version for one in (case.view.distributions if case.view else ()) if one.name == "pip"]
    numbers = [tuple(int(part) for part in version.split(".")[:2] if part.isdecimal()) for version in versions]
    return min(numbers, default=())
