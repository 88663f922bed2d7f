"""Pure: a package that had to be compiled and was not: no compiler, no header, no library, or code that is wrong.

After the compiler's own line pip, and what it calls, say at length that a subprocess failed: that line counts.
"""

from __future__ import annotations

import re

from imgcompare.diagnosis.evidence import Case
from imgcompare.diagnosis.failed_stage import its_from
from imgcompare.dockerfile.placing import Spot
from imgcompare.model import Failure
from imgcompare.regex import regex

_NO_COMPILER = regex(
    r"error: command '(?P<tool>[\w./+-]*(?:gcc|g\+\+|cc|c\+\+))' failed: No such file or directory"
    r"|error: \[Errno 2\] No such file or directory: '(?P<absent>[\w./+-]*(?:gcc|g\+\+|cc|c\+\+))'"
    r"|unable to execute '(?P<old>[\w./+-]+)': No such file or directory"
    r"|Error: (?P<pg>pg_config) executable not found"
    r"|(?P<mysql>mysql_config): not found|Can not find valid (?P<pkg>pkg-config) name"
    r"|can't find (?P<rust>Rust) compiler|^(?P<cargo>Cargo), the Rust package manager, is not installed"
)
_NO_HEADER = regex(r"fatal error: '?(?P<header>[\w./+-]+\.h(?:pp)?)'?(?:: No such file or directory| file not found)")
_NO_LIBRARY = regex(r"ld: cannot find -l(?P<library>[\w.+-]+)")
_WRONG_CODE = regex(
    r"^\s*\S+\.(?:c|cc|cpp|cxx|h|hpp|pyx|rs):\d+(?::\d+)?: (?:fatal )?error: "
    r"|^\s*\S+\.(?:pyx|pxd):\d+:\d+: (?!warning|note)\S"  # Cython's
)
_COLLECTING = regex(r"^\s*Collecting (?P<package>[\w.\[\]-]+)")
_EXCEPTION = regex(r"^\s*(?:[\w.]+\.)?[A-Z]\w*(?:Error|Exception)(?::|$)")
_PACKAGE = regex(
    r"(?:Failed building wheel for|Could not build wheels for) (?P<package>[\w.-]+)|^\s*╰─> (?P<listed>[\w.-]+)(?:,|$)"
)
_SLIM = regex(r"^((?:\S+/)?python:[\d.]+)-slim(?=-|$)")
_DEBIAN = regex(r"(?:^|/)(?:python|debian|ubuntu)(?::(?!.*alpine)|$)")
# Debian's packages of headers that Python packages often need, by the header's name or the folder it is in.
_BRINGS = {
    "Python.h": "python3-dev",
    "cairo.h": "libcairo2-dev",
    "curl/curl.h": "libcurl4-openssl-dev",
    "ffi.h": "libffi-dev",
    "ft2build.h": "libfreetype-dev",
    "geos_c.h": "libgeos-dev",
    "gmp.h": "libgmp-dev",
    "jpeglib.h": "libjpeg-dev",
    "krb5.h": "libkrb5-dev",
    "lber.h": "libldap2-dev",
    "ldap.h": "libldap2-dev",
    "libmemcached/memcached.h": "libmemcached-dev",
    "libpq-fe.h": "libpq-dev",
    "libxml/": "libxml2-dev",
    "libxslt/": "libxslt1-dev",
    "magic.h": "libmagic-dev",
    "mysql.h": "default-libmysqlclient-dev",
    "openssl/": "libssl-dev",
    "portaudio.h": "portaudio19-dev",
    "sasl/": "libsasl2-dev",
    "sasl.h": "libsasl2-dev",
    "snappy-c.h": "libsnappy-dev",
    "sql.h": "unixodbc-dev",
    "sqlite3.h": "libsqlite3-dev",
    "xmlsec/": "libxmlsec1-dev",
    "yaml.h": "libyaml-dev",
    "zlib.h": "zlib1g-dev",
}
_LIBRARIES = {
    "crypto": "libssl-dev",
    "ffi": "libffi-dev",
    "pq": "libpq-dev",
    "ssl": "libssl-dev",
    "xml2": "libxml2-dev",
    "xslt": "libxslt1-dev",
    "z": "zlib1g-dev",
}


def not_compiled(case: Case) -> Failure | None:
    """What the compiler missed or said, by its own line."""
    return _no_compiler(case) or _no_header(case) or _no_library(case) or _wrong_code(case) or _setup_failed(case)


def _no_compiler(case: Case) -> Failure | None:
    line, match = _line(case, _NO_COMPILER)
    if match is None:
        return None
    tool = re.sub(r"^[\w.]+-linux-\w+-", "", next(filter(None, match.groups())).rpartition("/")[2])
    full = _SLIM.sub(r"\1", case.base)
    certain = full != case.base and len(case.written) == 1 and tool not in {"Rust", "Cargo"}
    return case.found(
        "missing-build-tool",
        f"A package has to be compiled, and this stage has no {tool}.",
        (line, _step(case)),
        hint=(its_from(case) if certain else "")
        + "Compile in a stage with build tools, which the full Python image has, and copy what was made from there.",
        fix=(f"FROM {full}",) if certain else (),
    )


def _no_header(case: Case) -> Failure | None:
    line, match = _line(case, _NO_HEADER)
    if match is None:
        return None
    header = match["header"]
    package = _BRINGS.get(header) or next((one for start, one in _BRINGS.items() if header.startswith(start)), "")
    if (
        header == "Python.h" and "python" in case.base
    ):  # an image with a Python of its own, which the package is not for
        package = ""
    return _lacking(case, line, f"the header {header}", package)


def _no_library(case: Case) -> Failure | None:
    line, match = _line(case, _NO_LIBRARY)
    return (
        _lacking(case, line, f"the library {match['library']}", _LIBRARIES.get(match["library"], "")) if match else None
    )


def _lacking(case: Case, line: str, what: str, package: str) -> Failure:
    step = _step(case)
    brings = f", which Debian's package {package} brings" if package else ""
    install = (
        f"RUN apt-get update && apt-get install -y --no-install-recommends {package} && rm -rf /var/lib/apt/lists/*"
    )
    certain = bool(package) and _DEBIAN.search(case.base) is not None
    return case.found(
        "missing-build-tool",
        f"A package has to be compiled, and this stage lacks {what}{brings}.",
        (line, step, _compiled(case)),
        hint="Above that step; best in a stage of its own, if only the build needs it."
        if certain
        else "Install what brings it above that step, or take a version of the package with a wheel for this Python.",
        fix=(install,) if certain else (),
        spot=Spot(instruction=case.written_as("RUN", step.partition("RUN ")[2]), above=True) if certain else None,
    )


def _wrong_code(case: Case) -> Failure | None:
    """The compiler's first complaint: those that follow are mostly of the same."""
    line = next((one.strip() for one in case.evidence.log if _WRONG_CODE.match(one)), "")
    if not line:
        return None
    package = _compiled(case)
    return case.found(
        "build-failed",
        f"{package.rpartition(' ')[2] or 'A package'} has to be compiled, and its code does not compile here.",
        (line, _step(case)),
        hint="Take a version of it that is written for this Python, or has a wheel for it; or an older Python.",
    )


def _setup_failed(case: Case) -> Failure | None:
    """What a package's own setup ended with, above pip's words that a subprocess failed."""
    lines = case.evidence.log
    end = next((at for at, line in enumerate(lines) if line.strip() == "[end of output]"), None)
    line = next((one.strip() for one in reversed(lines[:end]) if _EXCEPTION.match(one)), "") if end else ""
    if not line:
        return None
    packages = [match["package"] for one in lines[:end] if (match := _COLLECTING.match(one))]
    return case.found(
        "build-failed",
        f"{packages[-1] if packages else 'A package'} has to be built, and its own setup fails here.",
        (line, _step(case)),
        hint="Take a version of it that is written for this Python, or has a wheel for it; or an older Python.",
    )


def _compiled(case: Case) -> str:
    """Which package it was, as pip tells it; "" where it does not."""
    _, match = _line(case, _PACKAGE)
    return f"it is of the package {match['package'] or match['listed']}" if match else ""


def _step(case: Case) -> str:
    return next((line for line in case.evidence.observed.evidence if line.startswith("step ")), "")


def _line(case: Case, pattern: re.Pattern[str]) -> tuple[str, re.Match[str] | None]:
    """The last log line that has it."""
    found = ((line.strip(), pattern.search(line)) for line in reversed(case.evidence.log))
    return next(((line, match) for line, match in found if match), ("", None))
