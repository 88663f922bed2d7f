"""A registry made for tests: with a password or tokens, and blobs that lie on another host, as clouds have them."""

from __future__ import annotations

import hashlib
import json
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

OCI = "application/vnd.oci.image"
USER, PASSWORD, TOKEN = "shopper", "s3cret", "t0ken"


@dataclass
class FakeRegistry:
    """What it holds, how it is guarded (``""``, ``basic`` or ``token``), and who asked for what: host, path, who."""

    guard: str = ""
    redirect: bool = False
    redirect_to: str = ""
    contents: dict[str, bytes] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    port: int = 0
    store_port: int = 0
    damage: bool = False
    stalled: str = ""
    go_on: threading.Event = field(default_factory=threading.Event)

    @property
    def name(self) -> str:
        """How references name it: on this machine, without encryption."""
        return f"http://127.0.0.1:{self.port}"

    def put(self, content: bytes, media_type: str, tag: str = "") -> dict[str, Any]:
        """Keep a blob or manifest, and return the descriptor that names it."""
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        for key in (digest, tag):
            self.contents[key], self.types[key] = content, media_type
        return {"digest": digest, "size": len(content), "mediaType": media_type}

    def image(self, config: bytes, blobs: list[bytes], tag: str = "", kind: str = "gzip") -> dict[str, Any]:
        """Keep an image, and return its manifest's descriptor."""
        manifest = {
            "schemaVersion": 2,
            "config": self.put(config, f"{OCI}.config.v1+json"),
            "layers": [self.put(blob, f"{OCI}.layer.v1.tar+{kind}") for blob in blobs],
        }
        return self.put(json.dumps(manifest).encode(), f"{OCI}.manifest.v1+json", tag)


@contextmanager
def serving(registry: FakeRegistry) -> Iterator[FakeRegistry]:
    """Serve it, and its store of blobs on a port of its own."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            _reply(self, registry)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            _reply(self, registry)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    servers = [ThreadingHTTPServer(("127.0.0.1", 0), Handler) for _ in range(2)]
    registry.port, registry.store_port = (server.server_address[1] for server in servers)
    threads = [threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}) for server in servers]
    for thread in threads:
        thread.start()
    try:
        yield registry
    finally:
        for server, thread in zip(servers, threads, strict=True):
            server.shutdown()
            server.server_close()
            thread.join()


def _reply(handler: BaseHTTPRequestHandler, registry: FakeRegistry) -> None:
    path, who = urlsplit(handler.path).path, handler.headers.get("Authorization", "")
    port = handler.server.server_address[1]  # type: ignore[index]
    registry.asked.append((f"{'store' if port == registry.store_port else 'registry'}", path, who))
    basic = f"Basic {b64encode(f'{USER}:{PASSWORD}'.encode()).decode()}"
    if path == "/token":
        granted = who == basic and parse_qs(urlsplit(handler.path).query).get("scope") == ["repository:shop/app:pull"]
        return _send(handler, 200 if granted else 401, json.dumps({"token": TOKEN}).encode())
    if port == registry.port:
        wanted = {"": "", "basic": basic, "token": f"Bearer {TOKEN}"}[registry.guard]
        if who != wanted:
            realm = f'Bearer realm="{registry.name}/token",service="fake",scope="repository:shop/app:pull"'
            asks = {"WWW-Authenticate": 'Basic realm="fake"' if registry.guard == "basic" else realm}
            return _send(handler, 401, b"{}", asks)
        if registry.redirect_to and "/blobs/" in path:
            return _send(handler, 307, b"", {"Location": registry.redirect_to})
        if registry.redirect and "/blobs/" in path:
            return _send(handler, 307, b"", {"Location": f"http://127.0.0.1:{registry.store_port}{path}"})
    content = registry.contents.get(path.rpartition("/")[2])
    if content is None:
        return _send(handler, 404, b'{"errors": []}')
    if registry.damage and "/blobs/" in path:
        content = content[:-1] + bytes([content[-1] ^ 1])
    if registry.stalled and path.endswith(registry.stalled):
        return _stall(handler, registry, content)
    return _send(handler, 200, content, {"Content-Type": registry.types[path.rpartition("/")[2]]})


def _stall(handler: BaseHTTPRequestHandler, registry: FakeRegistry, content: bytes) -> None:
    """Send half of it, and no more until it may go on."""
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content[: len(content) // 2])
    handler.wfile.flush()
    registry.go_on.wait(60)


def _send(handler: BaseHTTPRequestHandler, status: int, content: bytes, headers: dict[str, str] | None = None) -> None:
    handler.send_response(status)
    for name, value in {**(headers or {}), "Content-Length": str(len(content))}.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(content)
