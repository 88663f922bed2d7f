"""Where an image's bytes went: every byte of every layer's tar in exactly one category.

Rules, the first that matches wins (1 to 4 are ``_ALWAYS``, 9 and 10 are ``_UNOWNED``, 13 and 14 are ``_ELSEWHERE``):

==  ==================  ===============================================================================================
 1  caches              whoever brought it: bytecode, download caches, package lists, documentation, manuals and
                        translations, tests inside Python packages, logs, temporary files, a copied ``.git``
 2  python_packages     ``site-packages`` and ``dist-packages``
 3  build_tools         headers, static libraries, compilers' own folders, Go's and Rust's toolchains
 4  runtime             what Node brings along: npm and corepack, of the official images
 5  python_packages     what a distribution's RECORD names elsewhere, as its commands in ``bin``
 6  build_tools         files of system packages for building: by Debian's section (devel, libdevel, vcs) or by name
 7  python_interpreter  files of the system packages of Python itself; ``runtime`` those of Node, Java, Ruby, PHP, .NET
 8  system_packages     files of all other packages of Debian, Alpine and RPM
 9  python_interpreter  Python that no package owns: ``lib/python3.X``, ``bin/python3``, ``libpython3.X.so``
10  runtime             Node, Java, Ruby, PHP and .NET that no package owns, where official images have them
11  application         the file that the command starts, where no package of a system or for running owns it
12  language_packages   ``node_modules``, gems, composer's packages, conda's files, jars, what deps.json names;
                        ``python_packages`` the rest of a virtual environment
13  application         the folder of what the command starts, the working folder, ``/app``, ``/srv``, ``/home`` …
14  system_packages     the system's own folders: databases of packages, what was made when they were installed
15  other               everything else
==  ==================  ===============================================================================================

An entry counts with all it takes in the tar: headers, payload and padding. Links and folders are what their path says,
whiteouts what they delete, and what upper layers overwrite or delete is what it was. A tar's closing blocks are
``other``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from enum import StrEnum

from imgcompare.analysis.filesystem import WHITEOUT, is_whiteout
from imgcompare.analysis.packages import Inventory, Owner
from imgcompare.image.layer_index import LayerIndex
from imgcompare.image.tarheader import normalised
from imgcompare.regex import regex


class Category(StrEnum):
    """What bytes are for, as it stands in a report."""

    BASE_IMAGE = "base_image"
    SYSTEM_PACKAGES = "system_packages"
    BUILD_TOOLS = "build_tools"
    PYTHON_INTERPRETER = "python_interpreter"
    PYTHON_PACKAGES = "python_packages"
    RUNTIME = "runtime"
    LANGUAGE_PACKAGES = "language_packages"
    APPLICATION = "application"
    CACHES = "caches"
    OTHER = "other"


_Rules = tuple[tuple[Category, "re.Pattern[str]"], ...]


def _rule(category: Category, *patterns: str) -> tuple[Category, re.Pattern[str]]:
    """A rule for paths as ``usr/bin/x/``: the slash at the end lets a folder's pattern match the folder itself too."""
    return category, regex("|".join(patterns), re.DOTALL)


_ALWAYS: _Rules = (
    _rule(
        Category.CACHES,
        r"(?:.*/)?(?:__pycache__|\.cache|\.git|\.npm|\.hypothesis|\.(?:pytest|mypy|ruff)_cache)/",
        # Where Go, Maven, Gradle, NuGet and composer keep what they have downloaded.
        r"(?:root|home/[^/]+)/(?:go/pkg/mod|\.m2/repository|\.gradle/caches|\.nuget/packages|\.composer/cache)/",
        r"go/pkg/mod/",
        # The group is atomic, so that a name made of many such folders is not tried from each of them.
        r"(?>(?:.*?/)?lib(?:64)?/python[\d.]+/)(?:.*/)?tests?/",
        r"(?:tmp|var/(?:tmp|cache|log|backups|lib/apt/lists))/",
        r"usr/(?:local/)?(?:share/)?(?:doc|doc-base|man|info|locale|lintian|bug|gtk-doc|help)/",
    ),
    _rule(Category.PYTHON_PACKAGES, r"(?:.*/)?(?:site|dist)-packages/", r"usr/share/python-wheels/"),
    _rule(
        Category.BUILD_TOOLS,
        r"usr/(?:local/)?include/",
        r"usr/(?:local/)?lib(?:exec)?/(?:gcc|llvm[^/]*)/",
        r"(?:usr/(?:local/)?|opt/[^/]+/)?lib(?:64|32)?/(?:.*\.l?a/$|(?:[^/]+/)?pkgconfig/)",
        r"usr/(?:local/)?share/(?:aclocal|pkgconfig|cmake)[^/]*/",
        r"(?:usr/local/(?:go|cargo|rustup)|root/\.(?:cargo|rustup))/",
    ),
    _rule(Category.RUNTIME, r"usr/local/lib/node_modules/(?:npm|corepack)/", r"opt/yarn-v[^/]*/"),
)
_UNOWNED: _Rules = (
    _rule(
        Category.PYTHON_INTERPRETER,
        r"(?:.*/)?lib(?:64)?/(?:python\d|libpython\d)",
        r"(?:.*/)?bin/(?:python|pydoc|idle|2to3)[\d.]*(?:-\d[\d.]*)?(?:-config)?/$",
    ),
    _rule(
        Category.RUNTIME,
        r"usr/local/bin/(?:node|nodejs|npm|npx|corepack|yarn|yarnpkg)/$",
        r"(?:opt/java|opt/(?:jdk|jre|openjdk)[^/]*|usr/lib/jvm|usr/local/openjdk-[^/]*|usr/java)/",
        r"usr/local/(?:lib/ruby/(?!gems/[^/]+/gems/)|bin/(?:ruby|gem|bundle|bundler|irb|erb|rake|rdoc|ri|racc|rbs)/$)",
        r"usr/local/(?:lib/(?:lib)?ruby\.so|lib/php/|etc/php|bin/(?:php|phpize|pear|pecl|peardev|phpdbg|docker-php)[^/]*/$)",
        r"usr/(?:share|lib|lib64)/dotnet/",
    ),
)
_INSTALLED: _Rules = (
    _rule(
        Category.LANGUAGE_PACKAGES,
        r"(?:.*/)?node_modules/",
        r"(?:.*/)?gems/[^/]+-\d[^/]*/",
    ),
)
_LANGUAGES = frozenset(("npm", "gem", "composer", "nuget", "conda", "maven"))
_ENVIRONMENT_PARTS = ("bin", "include", "lib", "lib64", "share", "pyvenv.cfg")
# Where these are environments, as in our stand-ins, they hold more than Python.
_PREFIXES = frozenset(("usr", "usr/local"))
_ELSEWHERE: _Rules = (
    _rule(
        Category.APPLICATION,
        r"(?:app|apps|application|code|src|project|service|workspace|srv|home|opt|usr/src|var/(?:www|task))/",
    ),
    _rule(
        Category.SYSTEM_PACKAGES,
        r"(?:bin|sbin|lib(?:32|64|x32)?|etc|boot|var/lib)/",
        r"usr/(?:s?bin|lib(?:32|64|x32|exec)?|share|games)/",
    ),
)

_MOST_WORDS = 50
_LONGEST_WORD = 500
_BUILD_SECTIONS = frozenset(("devel", "libdevel", "vcs"))
_BUILD_NAMES = regex(
    r".*-dev|.*-devel|build-base|g\+\+|musl-dev|build-essential|make|cmake|m4|bison|flex|patch|libtool|dpkg-dev|libdpkg-perl|pkg-?conf.*|mercurial.*"
    r"|(?:autoconf|automake|binutils|cargo|clang|cpp|g\+\+|gcc|gdb|gfortran|git|golang|llvm|rustc|subversion)(?:-.*)?"
    # What only compilers and version control pull in. gcc-12-base is there for libgcc and libstdc++.
    r"|lib(?:asan|cc1-|hwasan|isl|itm|lsan|mpc|mpfr|tsan|ubsan)\d+|liberror-perl"
)
_INSTALLER_NAMES = regex(r"python3-(?:pip|setuptools|wheel|venv|virtualenv)(?:-whl)?|pipx?|virtualenv")
_RUNTIME_NAMES = regex(r"gcc-\d+-base")
_PYTHON_NAMES = regex(
    r"(?:lib)?python\d[\d.]*(?:-(?:minimal|stdlib|distutils|lib2to3|venv|tk|libs|pyc|pycache-pyc0))?|pyc|platform-python"
)
_LANGUAGE_RUNTIMES = regex(
    r"nodejs(?:-current|-libs|\d+)?|libnode\d+|npm|(?:openjdk-?\d+|java-[\d.]+-openjdk|temurin-\d+)(?:-.*)?"
    r"|(?:lib)?ruby\d*(?:\.\d+)?(?:-libs)?|php\d*(?:\.\d+)?(?:-.*)?"
    r"|dotnet-?(?:runtime|host|hostfxr)-?.*|aspnetcore-runtime.*|dotnet\d+-runtime"
)
# What starts the application rather than being it.
_STARTERS = frozenset(("sh", "bash", "ash", "dash", "busybox", "env", "exec", "tini", "dumb-init", "gosu", "su-exec"))
_PROGRAM_FOLDERS = ("usr/local/sbin", "usr/local/bin", "usr/sbin", "usr/bin", "sbin", "bin")
_NO_APPLICATION = frozenset(
    (*_PROGRAM_FOLDERS, "", "usr", "usr/local", "usr/local/lib", "etc", "lib", "usr/lib", "var", "opt")
)


def breakdown(
    layers: Sequence[LayerIndex], categories: Categories, *, base_layer_count: int | None
) -> tuple[dict[str, int], dict[str, int]]:
    """The uncompressed bytes of an image's layers by category, once with its base apart and once without.

    The first is Image.breakdown: the lowest ``base_layer_count`` layers are ``base_image``, a key that is missing where
    that is None. The second is Image.contents: the base's bytes are what they are. Each has every other category, and
    adds up to the image's uncompressed size, a layer listed twice counting twice.
    """
    contents = dict.fromkeys((str(category) for category in Category if category != Category.BASE_IMAGE), 0)
    apart = dict(contents)
    base = base_layer_count or 0
    for index, layer in enumerate(layers):
        for category, count in categories.sums(layer).items():
            contents[category] += count
            if index >= base:
                apart[category] += count
    if base_layer_count is not None:
        below = sum(layer.uncompressed_size for layer in layers[:base_layer_count])
        apart = {str(Category.BASE_IMAGE): below, **apart}
    return apart, contents


class Categories:
    """Finds the category of paths; ``working_dir`` and ``command`` (its words) are the image's."""

    def __init__(self, inventory: Inventory, working_dir: str = "", command: Sequence[str] = ()) -> None:
        self._inventory = inventory
        self._known: dict[int, tuple[LayerIndex, list[Category]]] = {}
        self._packages: dict[Owner, Category] = {}
        self._folders = {
            f"{folder}/{part}": Category.PYTHON_PACKAGES
            for folder in inventory.environments - _PREFIXES
            for part in _ENVIRONMENT_PARTS
        }
        if folder := normalised(working_dir):
            self._folders.setdefault(folder, Category.APPLICATION)
        self._started = frozenset(_started(command, folder))
        for path in self._started:
            above = path.rpartition("/")[0]
            if above not in _NO_APPLICATION:
                self._folders.setdefault(above, Category.APPLICATION)

    def sums(self, layer: LayerIndex) -> Counter[str]:
        """A layer's bytes by category."""
        sums: Counter[str] = Counter()
        for entry, category in zip(layer.entries, self.of_layer(layer), strict=True):
            sums[category] += entry.stored
        sums[Category.OTHER] += layer.uncompressed_size - sums.total()
        return sums

    def of_layer(self, layer: LayerIndex) -> list[Category]:
        """The category of each of a layer's entries; worked out once."""
        if id(layer) not in self._known:  # the layer is kept too, so that no other can have its id
            self._known[id(layer)] = layer, [self.of(meant(entry.path)) for entry in layer.entries]
        return self._known[id(layer)][1]

    def of(self, path: str) -> Category:
        """The category of what lies at a path."""
        subject = f"{path}/"
        return (
            _first(_ALWAYS, subject)
            or self._owned(path)
            or _first(_UNOWNED, subject)
            or (Category.APPLICATION if path in self._started else None)
            or _first(_INSTALLED, subject)
            or self._of_language(path)
            or self._within(path)
            or _first(_ELSEWHERE, subject)
            or Category.OTHER
        )

    def _owned(self, path: str) -> Category | None:
        if path in self._inventory.python_paths:
            return Category.PYTHON_PACKAGES
        owner = self._inventory.of_system(path)
        if owner is None or owner.type not in ("deb", "apk", "rpm"):
            return None
        if (category := self._packages.get(owner)) is None:
            category = self._packages[owner] = _of_package(owner)
        return category

    def _of_language(self, path: str) -> Category | None:
        """What packages of other languages brought; a program of Go or Rust is one, and no package of it."""
        owner = self._inventory.of_system(path) or self._inventory.folders.of(path)
        return Category.LANGUAGE_PACKAGES if owner is not None and owner.type in _LANGUAGES else None

    def _within(self, path: str) -> Category | None:
        """The category that the folder or one of those above it has."""
        while path:
            if category := self._folders.get(path):
                return category
            path = path.rpartition("/")[0]
        return None


def is_for_building(name: str, section: str = "") -> bool:
    """Whether a Debian package is there to build others with, by its name and its section ("" where not known)."""
    if _RUNTIME_NAMES.fullmatch(name):
        return False
    return section in _BUILD_SECTIONS or _BUILD_NAMES.fullmatch(name) is not None


def is_for_installing(name: str) -> bool:
    """Whether a Debian package is there to install Python packages: pip brings a compiler along, by recommendation."""
    return _INSTALLER_NAMES.fullmatch(name) is not None


def _of_package(owner: Owner) -> Category:
    name, section = owner.name, owner.section.rpartition("/")[2]  # "contrib/devel" outside Debian's main part
    if is_for_building(name, section):
        return Category.BUILD_TOOLS
    if _PYTHON_NAMES.fullmatch(name):
        return Category.PYTHON_INTERPRETER
    return Category.RUNTIME if _LANGUAGE_RUNTIMES.fullmatch(name) else Category.SYSTEM_PACKAGES


def _started(command: Sequence[str], working_dir: str) -> Iterator[str]:
    """The paths that the words of a command may name: as they are, in the working folder, or where programs lie."""
    for word in command[:_MOST_WORDS]:
        if (
            not word
            or word[0] == "-"
            or word.rpartition("/")[2] in _STARTERS
            or len(word) > _LONGEST_WORD
            or any(letter in word for letter in " \n\t$")
        ):
            continue
        if word.startswith("/"):
            yield normalised(word)
            continue
        yield normalised(f"{working_dir}/{word}")
        if "/" not in word:
            yield from (f"{folder}/{word}" for folder in _PROGRAM_FOLDERS)


def _first(rules: _Rules, subject: str) -> Category | None:
    for category, pattern in rules:  # for each file of an image: a generator takes longer than most patterns
        if pattern.match(subject):
            return category
    return None


def meant(path: str) -> str:
    """The path that an entry is about: of a whiteout what it deletes, of an opaque one the folder it empties."""
    if WHITEOUT not in path or not is_whiteout(path):
        return path
    folder, _, name = path.rpartition("/")
    name = name.removeprefix(WHITEOUT)
    return folder if name.startswith(WHITEOUT) else f"{folder}/{name}" if folder else name
