"""Pure: whether an image is for the platform that was asked for, however either is spelled."""

from __future__ import annotations


def is_platform(platform: str, wanted: str) -> bool:
    """Whether an image for a platform is what was wanted; what a variant is by default need not be said."""
    return f"{_normal(platform)}/".startswith(f"{_normal(wanted)}/")


def _normal(platform: str) -> str:
    """As containerd writes it: https://pkg.go.dev/github.com/containerd/platforms#Normalize."""
    os, _, processor = platform.lower().partition("/")
    architecture, _, variant = processor.partition("/")
    architecture = {"x86_64": "amd64", "x86-64": "amd64", "aarch64": "arm64", "i386": "386"}.get(
        architecture, architecture
    )
    if (architecture, variant) in {("amd64", "v1"), ("arm64", "v8"), ("arm64", "8")}:
        variant = ""
    if (architecture, variant) == ("arm", ""):
        variant = "v7"
    return "/".join(part for part in (os, architecture, variant) if part)
