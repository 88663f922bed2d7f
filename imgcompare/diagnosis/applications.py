"""Pure: a server or interpreter that did not find the application it was told to run, or cannot use it."""

from __future__ import annotations

import re
from posixpath import basename, dirname

from imgcompare.diagnosis.command import rewritten
from imgcompare.diagnosis.evidence import Case
from imgcompare.diagnosis.image_files import is_own
from imgcompare.diagnosis.namespaces import folder_for_module, namespace
from imgcompare.diagnosis.shadowing import own_files, told
from imgcompare.model import Failure
from imgcompare.regex import regex

_NO_MODULE = regex(
    r"Error: Could not locate a Flask application\."
    r"|Error: Could not import '(?P<flask>[\w.]+)'\."
    r"|.*Error loading ASGI app\. Could not import module \"(?P<asgi>[\w.]+)"
)
_NO_ATTRIBUTE = regex(
    r"(?:Error: )?Failed to find (?:attribute '(?P<wsgi>\w+)'|Flask application or factory) in "
    r"(?:module )?'(?P<module>[\w.]+)'"
    r"|.*Error loading ASGI app\. Attribute \"(?P<asgi>\w+)\" not found in module \"(?P<asgi_module>[\w.]+)"
    r"|\d+\. module '(?P<waitress_module>[\w.]+)' has no attribute '(?P<waitress>\w+)'$"
)
_NO_SCRIPT = regex(r"\S*python[\d.]*: can't open file '(?P<path>/[^']+)': \[Errno (?P<number>2|13)\]")
_NO_CALLABLE = regex(r"unable to find \"(?P<name>\w+)\" callable in file (?P<file>\S+)")
_FACTORY_CALLED = regex(r"(?P<name>\w+)\(\) takes 0 positional arguments but [123] (?:was|were) given")
_LAST_LINES = 8
_SEE_COPY = "See what the command names, WORKDIR, and what COPY takes and where it puts it."


def no_application(case: Case) -> Failure | None:
    """Why there is nothing to serve, by the last lines of what the server or Python said."""
    if found := _no_callable(case):
        return found
    silent = case.evidence.listeners is not None  # a server that is about to give up has said so already
    if not case.evidence.exit_code and not silent:
        return _factory(case)
    for pattern, explain in ((_NO_SCRIPT, _no_script), (_NO_ATTRIBUTE, _no_attribute), (_NO_MODULE, _no_module)):
        for line in reversed(case.evidence.errors[-_LAST_LINES:]):
            if match := pattern.match(line):
                return explain(case, line, match)
    return None


def _no_script(case: Case, line: str, match: re.Match[str]) -> Failure | None:
    """``python x.py``, and x.py is not there, or may not be read."""
    path = match["path"]
    if match["number"] == "13":
        return _unreadable(case, line, path)
    named = case.view.named(basename(path)) if case.view else []
    same = next((one for one in named if is_own(dirname(one)) and one != path), None)
    relative = any(word == basename(path) for word in case.command.words)
    fix = (f"WORKDIR {dirname(same)}",) if same and relative else ()
    return case.found(
        "application-not-found",
        f"The command starts {path}, and the image has no such file"
        + (f": {basename(path)} is in {dirname(same)}." if same else "."),
        (line, case.ended(), f"the image's WORKDIR: {case.working_dir}", f"this image has {same}" if same else ""),
        hint="Above CMD: programs start in this folder." if fix else _SEE_COPY,
        fix=fix,
    )


def _unreadable(case: Case, line: str, path: str) -> Failure | None:
    entry = case.view.file(path) if case.view else None
    if case.user == "root" or entry is None:
        return None
    folder = dirname(path)
    return case.found(
        "permission-denied",
        f"The program runs as {case.user} and may not read {path}.",
        (line, case.ended(), f"the image's USER: {case.user}", *case.modes(path, dirname(path))),
        hint="Above USER, in the step that copies it, or with the files' modes set right before they are copied.",
        fix=(f"RUN chmod -R a+rX {folder}",) if folder != "/" else (f"RUN chmod a+r {path}",),
    )


def _no_attribute(case: Case, line: str, match: re.Match[str]) -> Failure:
    """The module is found, and what should hold the app is not in it."""
    module = match["module"] or match["asgi_module"] or match["waitress_module"]
    name = match["wsgi"] or match["asgi"] or match["waitress"]
    if folder := namespace(case, module):
        return folder_for_module(case, line, module, folder)
    if "." not in module and case.view and any(not is_own(place) for place in case.view.modules(module)):
        for file in own_files(case, module):
            return told(case, module, file, line)
    what = f"has nothing named {name}" if name else "has no Flask application in it"
    return case.found(
        "application-not-found",
        f"The server found the module {module}, which {what}.",
        (line, case.ended()),
        hint="Name the variable that holds the app after the colon, or call the function that makes it"
        + ("." if name and "create" in name else f' ("{module}:create_app()").'),
    )


def _no_module(case: Case, line: str, match: re.Match[str]) -> Failure:
    named = next(filter(None, match.groups()), "")
    places = case.view.modules(named.partition(".")[0]) if case.view and named else []
    here = next((place for place in places if is_own(place) and _has(case, place, named)), None)
    setting = case.environment.get("FLASK_APP")
    proof = (
        line,
        case.ended(),
        f"the image's WORKDIR: {case.working_dir}",
        f"FLASK_APP={setting}" if setting else "FLASK_APP is not set" if "Flask" in line else "",
        f"this image has {named}: {here}" if here else "",
    )
    fix = _fix(case, here, "" if named else _flask_file(case))
    return case.found(
        "application-not-found",
        "The server does not find the application: "
        + (
            f"what it was told to serve is {named}."
            if named
            else f"nobody says where it is, and {case.working_dir} has no app.py or wsgi.py."
        ),
        proof,
        hint="Above CMD, in the last stage." if fix else _SEE_COPY,
        fix=fix,
    )


def _has(case: Case, place: str, module: str) -> bool:
    """Whether a folder has the whole of a dotted module."""
    path = f"{place.rstrip('/')}/{module.replace('.', '/')}"
    return bool(case.view and (case.view.file(f"{path}.py") or case.view.has_folder(path)))


def _fix(case: Case, here: str | None, file: str) -> tuple[str, ...]:
    if here and here != case.working_dir:
        return (f"WORKDIR {here}",)
    if not file:
        return ()
    folder = dirname(file)
    if case.view and case.view.file(f"{folder}/__init__.py") is None:
        return (f"WORKDIR {folder}",)
    module = file.removeprefix(case.working_dir.rstrip("/") + "/").removesuffix(".py").replace("/", ".")
    return (f"ENV FLASK_APP={module}",)


def _flask_file(case: Case) -> str:
    """The one wsgi.py, else the one app.py, that lies the least deep below the working directory; "" if none does."""
    below = f"{case.working_dir.rstrip('/')}/"
    named = [path for name in ("wsgi.py", "app.py") for path in (case.view.named(name) if case.view else [])]
    own = [path for path in named if path.startswith(below) and is_own(dirname(path))]
    highest = [path for path in own if path.count("/") == min(one.count("/") for one in own)]
    return highest[0] if len({dirname(path) for path in highest}) == 1 else ""


def _no_callable(case: Case) -> Failure | None:
    """What uWSGI says of a file without an app, before it goes on without one."""
    line = next((line for line in reversed(case.evidence.errors) if _NO_CALLABLE.match(line)), "")
    match = _NO_CALLABLE.match(line)
    if match is None or not (case.evidence.exit_code or (case.evidence.status_code or 0) >= 500):
        return None
    return case.found(
        "application-not-found",
        f"The server found {match['file']}, which has nothing named {match['name']}.",
        (line.strip(), case.ended()),
        hint="Name the variable that holds the app: --callable=app, or module = shop:app in its configuration.",
    )


def _factory(case: Case) -> Failure | None:
    """Gunicorn was given the function that makes the app in place of the app, and called it with a request."""
    error = case.last_error
    match = _FACTORY_CALLED.match(error.text) if error and error.kind == "TypeError" else None
    if error is None or match is None or case.evidence.status_code is None:
        return None
    ending = f":{match['name']}"
    word = next((word for word in case.command.words if word.endswith(ending)), None)
    if word is None:
        return None
    words = [f"{one}()" if one == word else one for one in case.command.words]
    image = case.evidence.image
    return case.found(
        "application-not-found",
        f"The server was given {match['name']}, which makes the app, in place of the app.",
        (error.line, case.ended(), f"the command names {word}"),
        hint=f"Instead of the image's own line: {match['name']}() is called once, and what it returns is served.",
        fix=rewritten(image, words) if image and not case.command.in_shell else (),
    )
