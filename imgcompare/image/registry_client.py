"""A registry over HTTP: manifests and blobs, with tokens and redirects that never take a password elsewhere.

The protocol: https://github.com/opencontainers/distribution-spec/blob/main/spec.md, tokens:
https://distribution.github.io/distribution/spec/auth/token. A client of our own over requests, which is here anyway:
the package ``oras`` keeps a blob in a file before it hands it over, follows redirects by itself, and reads credentials
in its own way; what is needed here is two GET requests.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from types import TracebackType
from urllib.parse import urljoin, urlsplit

import msgspec
import requests
from requests.auth import AuthBase

from imgcompare import __version__
from imgcompare.errors import RegistryError, UsageError, reason_of
from imgcompare.image.registry_reference import Remote, is_loopback
from imgcompare.regex import regex
from imgcompare.text.printable import printable

Login = Callable[[str], tuple[str, str]]
"""Returns user name and password for a registry; a token has no user name, and both are empty where none is known."""

MANIFEST_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_TIMEOUT_S = (10, 60)
_CHUNK = 1 << 20
_MAX_REDIRECTS = 5
_MAX_MANIFEST = 8 << 20
_MAX_TOKEN = 1 << 20
_MAX_ERROR = 1 << 16
_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_CHALLENGE = regex(r'([a-z_]+)="([^"]*)"')


class _NoNetrc(AuthBase):
    """Says who we are by nothing but the headers that were given: requests would ask ~/.netrc."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


class _Token(msgspec.Struct):
    token: str = ""
    access_token: str = ""


class RegistryClient(AbstractContextManager["RegistryClient"]):
    """Reads one repository; close it when done."""

    def __init__(self, remote: Remote, login: Login) -> None:
        self._remote = remote
        self._login = login
        self._authorization = ""
        self._under_way: set[requests.Response] = set()
        self._aborted = False
        self._session = requests.Session()
        self._session.auth = _NoNetrc()
        self._session.headers.update(
            {"User-Agent": f"imgcompare/{__version__}", "Accept-Encoding": "identity", "Accept": "*/*"}
        )

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close every connection."""
        self._session.close()

    def abort(self) -> None:
        """Break off every blob under way, from any thread; whoever reads one gets a RegistryError."""
        self._aborted = True
        for response in tuple(self._under_way):
            with suppress(
                OSError, ValueError, AttributeError
            ):  # urllib3 can since 2.3; an older one runs into its timeout
                response.raw.shutdown()

    def manifest(self, reference: str) -> bytes:
        """A manifest or index by tag or digest, as it is. Raises RegistryError, UsageError where there is none."""
        headers = {"Accept": ", ".join(MANIFEST_TYPES)}
        with self._get(f"{self._remote.api}/manifests/{reference}", headers) as response:
            return self._bounded(response, _MAX_MANIFEST)

    def blob(self, digest: str) -> Iterator[bytes]:
        """A blob as it streams in; several may, each in a thread of its own. Raises RegistryError."""
        with self._get(f"{self._remote.api}/blobs/{digest}", {}) as response:
            self._under_way.add(response)
            try:
                self._go_on()
                for piece in response.iter_content(_CHUNK):
                    self._go_on()
                    yield piece
            except (requests.RequestException, OSError) as exc:
                raise self._failed(exc) from exc
            finally:
                self._under_way.discard(response)

    def _go_on(self) -> None:
        if self._aborted:
            raise RegistryError(f"{self._remote.name} was not read to its end.")

    def _get(self, url: str, headers: dict[str, str]) -> requests.Response:
        """Ask, with a token where one is demanded, and follow redirects to where the reply is."""
        response = self._ask(url, headers, self._authorization)
        if response.status_code == 401:
            challenge = response.headers.get("WWW-Authenticate", "")
            response.close()
            self._authorization = self._answer(challenge)
            response = self._ask(url, headers, self._authorization)
        for _ in range(_MAX_REDIRECTS):
            if response.status_code not in _REDIRECTS:
                break
            target = urljoin(url, response.headers.get("Location", ""))
            response.close()
            same = _origin(target) == _origin(url)
            self._refuse_unsafe(target)
            url, headers = target, headers if same else {}
            response = self._ask(url, headers, self._authorization if same else "")
        if response.status_code != 200:
            with response:
                raise self._refused(response)
        return response

    def _ask(self, url: str, headers: dict[str, str], authorization: str) -> requests.Response:
        given = {**headers, "Authorization": authorization} if authorization else headers
        try:
            return self._session.get(url, headers=given, stream=True, allow_redirects=False, timeout=_TIMEOUT_S)
        except (requests.RequestException, OSError, ValueError) as exc:
            raise self._failed(exc) from exc

    def _refuse_unsafe(self, url: str) -> None:
        """A redirect or a token service without encryption is only taken where the registry itself was asked so."""
        parts = urlsplit(url)
        if parts.scheme == "https" or (
            parts.scheme == "http" and self._remote.scheme == "http" and is_loopback(parts.netloc)
        ):
            return
        raise RegistryError(
            f"{self._remote.host} sends us to {printable(url, limit=200)}, which is not encrypted.",
            hint="Ask the registry's administrator; nothing was sent there.",
        )

    def _answer(self, challenge: str) -> str:
        """What to say to a challenge: the password itself, or a token that it, or nobody, is given."""
        scheme, _, rest = challenge.partition(" ")
        user, password = self._login(self._remote.host)
        basic = f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}" if user else ""
        if scheme.lower() == "basic" and basic:
            return basic
        told = dict(_CHALLENGE.findall(rest))
        if scheme.lower() != "bearer" or not told.get("realm"):
            raise self._unauthorized()
        realm = urljoin(self._remote.api, told["realm"])
        self._refuse_unsafe(realm)
        scope = told.get("scope") or f"repository:{self._remote.repository}:pull"
        query = {"service": told.get("service", ""), "scope": scope}
        identity = password if not user else ""
        with self._token(realm, query, basic, identity) as response:
            if response.status_code != 200:
                raise self._unauthorized()
            try:
                reply = msgspec.json.decode(self._bounded(response, _MAX_TOKEN), type=_Token)
            except (msgspec.MsgspecError, RecursionError) as exc:
                raise RegistryError(f"{self._remote.host} gave no token, but something else.") from exc
        return f"Bearer {reply.token or reply.access_token}"

    def _token(self, realm: str, query: dict[str, str], basic: str, identity: str) -> requests.Response:
        """Ask for a token; what `docker login` got in a browser is exchanged for one."""
        try:
            if identity:
                form = {**query, "grant_type": "refresh_token", "refresh_token": identity, "client_id": "imgcompare"}
                return self._session.post(realm, data=form, stream=True, allow_redirects=False, timeout=_TIMEOUT_S)
            headers = {"Authorization": basic} if basic else {}
            return self._session.get(
                realm, params=query, headers=headers, stream=True, allow_redirects=False, timeout=_TIMEOUT_S
            )
        except (requests.RequestException, OSError, ValueError) as exc:
            raise self._failed(exc) from exc

    def _bounded(self, response: requests.Response, limit: int) -> bytes:
        content = bytearray()
        try:
            for piece in response.iter_content(_CHUNK):
                content += piece
                if len(content) > limit:
                    raise RegistryError(f"{self._remote.host} sends more than {limit >> 20} MiB as a document.")
        except (requests.RequestException, OSError) as exc:
            raise self._failed(exc) from exc
        return bytes(content)

    def _failed(self, exc: Exception) -> RegistryError:
        return RegistryError(
            f"{self._remote.host} cannot be asked for {self._remote.name}: {printable(reason_of(exc), limit=300)}",
            hint="Is the registry's name right, and can this machine reach it?",
        )

    def _unauthorized(self) -> UsageError:
        return UsageError(
            f"{self._remote.host} does not let us read {self._remote.repository}",
            hint=f"docker login {'' if self._remote.host == 'docker.io' else self._remote.host}".rstrip(),
        )

    def _refused(self, response: requests.Response) -> RegistryError | UsageError:
        if response.status_code in (401, 403):
            return self._unauthorized()
        if response.status_code == 404:
            return UsageError(f"there is no image {self._remote.name}", hint="Look at its name and tag.")
        said = printable(next(response.iter_content(_MAX_ERROR), b"").decode("utf-8", "replace"), limit=200)
        return RegistryError(f"{self._remote.host} answered {response.status_code}: {said}", hint="Try again later.")


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc
