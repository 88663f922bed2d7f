"""Pure: how an image in a registry is named, as Docker reads it.

https://github.com/distribution/reference/blob/main/reference.go
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from urllib.parse import urlsplit

import msgspec
from msgspec.structs import replace

from imgcompare.errors import UsageError
from imgcompare.regex import regex
from imgcompare.text.printable import printable

_HUB_HOSTS = {"docker.io": "registry-1.docker.io", "index.docker.io": "registry-1.docker.io"}
_REFERENCE = regex(
    r"(?P<scheme>https?://)?(?:(?P<host>[A-Za-z0-9.-]+(?::[0-9]{1,5})?|\[[0-9a-fA-F:]+\](?::[0-9]{1,5})?)/)?"
    r"(?P<path>[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*)"
    r"(?::(?P<tag>[\w][\w.-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?",
    re.ASCII,
)


_MIRROR = regex(r"(?P<scheme>https?)://(?P<host>(?:[A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?)/?", re.ASCII)


class Remote(msgspec.Struct, frozen=True, kw_only=True):
    """An image in a registry; ``host`` is what its credentials are known by, ``digest`` goes before ``tag``."""

    host: str
    repository: str
    tag: str
    digest: str = ""
    scheme: str = "https"

    @property
    def api(self) -> str:
        """The address of the repository; Docker Hub's registry has another name than its images."""
        return f"{self.scheme}://{_HUB_HOSTS.get(self.host, self.host)}/v2/{self.repository}"

    @property
    def name(self) -> str:
        """The reference as engines know it."""
        tail = f"@{self.digest}" if self.digest else f":{self.tag}"
        return f"{self.host}/{self.repository}{tail}"


def parse_remote(text: str) -> Remote:
    """Read ``[http://][HOST/]REPOSITORY[:TAG][@DIGEST]`` as Docker does. Raises UsageError.

    Only what says ``http://`` is asked without encryption, and only of this machine itself.
    """
    match = _REFERENCE.fullmatch(text) if len(text) <= 1000 else None
    if match is None:
        raise UsageError(
            f"{printable(text, limit=200)!r} is no image in a registry",
            hint="Write registry:HOST/REPOSITORY:TAG, with @sha256:… to name its digest.",
        )
    host, path, scheme = match["host"] or "", match["path"], (match["scheme"] or "https://")[:-3]
    if match["scheme"] is None and host not in ("", "localhost") and host.islower() and not {".", ":"} & set(host):
        host, path = "", f"{host}/{path}"
    if host in ("", "index.docker.io"):
        host = "docker.io"
    if host == "docker.io" and "/" not in path:
        path = f"library/{path}"
    if scheme == "http" and not is_loopback(host):
        raise UsageError(
            f"{printable(host, limit=100)} would be asked without encryption",
            hint="Only a registry on this machine may be; leave http:// out.",
        )
    return Remote(host=host, repository=path, tag=match["tag"] or "latest", digest=match["digest"] or "", scheme=scheme)


def mirrored(remote: Remote, mirrors: Sequence[str]) -> tuple[Remote, ...]:
    """The same image in each mirror of Docker Hub (``https://HOST``); of another registry's image there is none.

    As the engine has it: https://docs.docker.com/docker-hub/image-library/mirror/. What is no address of a host alone
    is passed over, and so is what would be asked without encryption and is not this machine.
    """
    if remote.host != "docker.io":
        return ()
    found = []
    for mirror in mirrors:
        match = _MIRROR.fullmatch(mirror)
        if match and (match["scheme"] == "https" or is_loopback(match["host"])):
            found.append(replace(remote, host=match["host"], scheme=match["scheme"]))
    return tuple(found)


def is_loopback(host: str) -> bool:
    """Whether a host, perhaps with a port, is this machine itself."""
    name = urlsplit(f"//{host}").hostname or ""
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
