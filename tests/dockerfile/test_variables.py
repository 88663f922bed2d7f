"""Variables in FROM have the values that the builder gives them."""

from __future__ import annotations

import pytest

from imgcompare.dockerfile.variables import NO_PLATFORM, Platforms, argument_values, expand

ARGUMENTS = (
    ("V", "3.11"),
    ("REGISTRY", '""'),
    ("EMPTY", ""),
    ("UNSET", None),
    ("DERIVED", '"python:${V}-slim"'),
    ("SPACED", '"a b"'),
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("python:$V", "python:3.11"),
        ("python:${V}-slim", "python:3.11-slim"),
        ("${REGISTRY}python", "python"),
        ("${UNSET:-python:3}", "python:3"),
        ("${UNSET-python:3}", "python:3"),
        ("${EMPTY:-python:3}", "python:3"),
        ("x${EMPTY-python:3}", "x"),
        ("python${V:+:$V}", "python:3.11"),
        ("python${UNSET:+:$V}", "python"),
        ("python${EMPTY:+:x}", "python"),
        ("x${EMPTY+y}", "xy"),
        ("python:${UNSET:-${V:-2}}", "python:3.11"),
        ("python:${V:-$UNSET}", "python:3.11"),
        ("python:${V:?which}", "python:3.11"),
        ("$DERIVED", "python:3.11-slim"),
        ("$SPACED", "a b"),
        ('"python:$V"', "python:3.11"),
        ('"it\'s:$V"', "it's:3.11"),
        ("'python:$V'", "python:$V"),
        (r"python\$V", "python$V"),
        ("cost$", "cost$"),
        ("$UNSET", None),
        ("python:${UNSET:?which}", None),
        ("python:${UNSET:-$UNSET}", None),
        ("python:${V%.*}", "python:3"),
        ("python:${V%%[.]*}", "python:3.11"),
        ("python:${V%%1*}", "python:3."),
        ("python:${V%1*}", "python:3.1"),
        ("python:${V#*.}", "python:11"),
        ("python:${V##*1}", "python:"),
        ("python:${V#3\\.}", "python:11"),
        ("python:${V#v}", "python:3.11"),
        ("python:${V/./-}", "python:3-11"),
        ("python:${V/1/2}", "python:3.21"),
        ("python:${V//1/2}", "python:3.22"),
        ("python:${V//?1/x}", "python:3x1"),
        ("${UNSET#v}", None),
        ("python:${V:#3}", None),
        ("python:${V", None),
        ("python:${}", None),
        ("'python", None),
    ],
)
def test_expansion(text: str, expected: str | None) -> None:
    """Variables expand as the builder expands them; None where it would refuse or a value is missing."""
    assert expand(text, argument_values(ARGUMENTS, {}, NO_PLATFORM, "\\"), "\\") == expected


def test_only_declared_arguments_have_values() -> None:
    """As in the builder, --build-arg gives a value only to an ARG, the platform's own ones aside."""
    given = {"V": "3.12", "OTHER": "x", "TARGETOS": "plan9"}
    assert argument_values(ARGUMENTS[:1], given, Platforms("linux/arm/v7"), "\\") == {
        "TARGETPLATFORM": "linux/arm/v7",
        "TARGETOS": "plan9",
        "TARGETARCH": "arm",
        "TARGETVARIANT": "v7",
        "V": "3.12",
    }
    assert argument_values(ARGUMENTS[3:4], {}, NO_PLATFORM, "\\") == {}


def test_platforms_have_values_without_being_asked_for() -> None:
    """The builder's own platform is the target where no other is; both can be known, and neither."""
    built_on = argument_values((), {}, Platforms(build="linux/amd64"), "\\")
    assert (built_on["TARGETARCH"], built_on["BUILDARCH"], built_on["BUILDOS"]) == ("amd64", "amd64", "linux")
    crossed = argument_values((), {}, Platforms("linux/arm64", "linux/amd64"), "\\")
    assert (crossed["TARGETPLATFORM"], crossed["BUILDPLATFORM"]) == ("linux/arm64", "linux/amd64")
    assert argument_values((), {}, NO_PLATFORM, "\\") == {}
