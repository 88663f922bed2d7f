"""Packages that lie in folders of their own: Node's, conda's, Ruby's, PHP's and .NET's.

Formats: https://docs.npmjs.com/cli/configuring-npm/package-json, conda-meta
(https://docs.conda.io/projects/conda/en/stable/dev-guide/specs), gems' ``specifications``, composer's
``installed.json`` and https://github.com/dotnet/cli/blob/rel/1.0.0/Documentation/specs/runtime-configuration-file.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from posixpath import basename, dirname

import msgspec

from imgcompare.analysis.debian import Documents
from imgcompare.analysis.ecosystems.found import Distribution, Found, purl
from imgcompare.image.extract.kinds import CondaPackage, NodePackage, decode
from imgcompare.image.tarheader import normalised
from imgcompare.regex import regex

_GEM = {
    key: regex(rf"""^\s*\w+\.{key}\s*=\s*(?:Gem::Version\.new\(?)?["']([^"'#]+)["']""", re.MULTILINE)
    for key in ("name", "version")
}


def node(documents: Documents, _distribution: Distribution) -> Iterator[Found]:
    """Every package.json with a name and a version: installed packages, and the application's own."""
    for path in sorted(path for path in documents if path.endswith("package.json")):
        if isinstance(told := decode(documents[path]), NodePackage):
            scope, _, name = told.name.rpartition("/")
            folder = dirname(path)
            yield Found(
                type="npm",
                name=told.name,
                version=told.version,
                purl=purl("npm", name, told.version, namespace=scope),
                location=folder,
                files=(path,),
                # What lies around the application's own package.json is the application.
                folder=folder if "node_modules/" in f"{folder}/" else None,
            )


def conda(documents: Documents, _distribution: Distribution) -> Iterator[Found]:
    """Every package that conda has installed in an environment."""
    for path in sorted(path for path in documents if "conda-meta/" in path):
        if isinstance(told := decode(documents[path]), CondaPackage):
            environment = dirname(dirname(path))
            yield Found(
                type="conda",
                name=told.name,
                version=told.version,
                purl=purl("conda", told.name, told.version, qualifiers={"build": told.build}),
                location=environment,
                files=(path, *(normalised(f"{environment}/{file}") for file in told.files if len(file) < 4096)),
            )


def ruby(documents: Documents, _distribution: Distribution) -> Iterator[Found]:
    """Every gem by its specification; those that came with Ruby itself have no folder of their own."""
    for path in sorted(path for path in documents if path.endswith(".gemspec")):
        text = documents[path].decode("utf-8", "replace")
        name, version = (match[1] if (match := _GEM[key].search(text)) else "" for key in ("name", "version"))
        if name and version:
            home = path[: path.index("/specifications/")]
            folder = f"{home}/gems/{basename(path).removesuffix('.gemspec')}"
            yield Found(
                type="gem",
                name=name,
                version=version,
                purl=purl("gem", name, version),
                location=path,
                files=(path,),
                folder=folder,
            )


class _Composed(msgspec.Struct, rename={"install_path": "install-path"}):
    name: str = ""
    version: str = ""
    install_path: str | None = None


class _Installed(msgspec.Struct):
    packages: list[_Composed] = []


def php(documents: Documents, _distribution: Distribution) -> Iterator[Found]:
    """Every package that composer has installed."""
    for path in sorted(path for path in documents if path.endswith("composer/installed.json")):
        try:
            told = msgspec.json.decode(documents[path], type=list[_Composed] | _Installed)
        except (msgspec.MsgspecError, RecursionError):
            continue
        folder = dirname(path)
        for one in told if isinstance(told, list) else told.packages:
            if one.name and one.version:
                vendor, _, name = one.name.rpartition("/")
                place = one.install_path or f"../{one.name}"
                yield Found(
                    type="composer",
                    name=one.name,
                    version=one.version,
                    purl=purl("composer", name, one.version, namespace=vendor),
                    location=path,
                    folder=normalised(f"{folder}/{place}") if len(place) < 4096 and not place.startswith("/") else None,
                )


class _Library(msgspec.Struct):
    type: str = ""


class _Assets(msgspec.Struct, rename={"runtime_targets": "runtimeTargets"}):
    runtime: dict[str, msgspec.Raw] = {}
    native: dict[str, msgspec.Raw] = {}
    resources: dict[str, msgspec.Raw] = {}
    runtime_targets: dict[str, msgspec.Raw] = {}


class _Deps(msgspec.Struct):
    libraries: dict[str, _Library] = {}
    targets: dict[str, dict[str, _Assets]] = {}


def dotnet(documents: Documents, _distribution: Distribution) -> Iterator[Found]:
    """Every package of NuGet that a program's ``deps.json`` says it loads something of."""
    for path in sorted(path for path in documents if path.endswith(".deps.json")):
        try:
            told = msgspec.json.decode(documents[path], type=_Deps)
        except (msgspec.MsgspecError, RecursionError):
            continue
        folder = dirname(path)
        for key, library in told.libraries.items():
            name, _, version = key.partition("/")
            assets = [target[key] for target in told.targets.values() if key in target]
            files = [_placed(asset) for one in assets for asset in (*one.runtime, *one.native)]
            files += ["/".join(asset.split("/")[-2:]) for one in assets for asset in one.resources]
            files += [asset for one in assets for asset in one.runtime_targets]
            if library.type == "package" and name and version and files:
                yield Found(
                    type="nuget",
                    name=name,
                    version=version,
                    purl=purl("nuget", name, version),
                    location=path,
                    files=tuple(normalised(f"{folder}/{file}") for file in files if len(file) < 4096),
                )


def _placed(asset: str) -> str:
    """Where a program has what lies in ``lib/net8.0/`` of its package: beside itself."""
    return basename(asset)
