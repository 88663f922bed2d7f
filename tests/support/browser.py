"""A real browser for the tests: Debian's chromium, driven over a pipe (https://chromedevtools.github.io/devtools-protocol/)."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from tests.support.programs import installed

_PROGRAM = "chromium"
# Where there is no sandbox to be had (root, containers), the pages are our own.
_FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage")
_OFFLINE = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-rules=MAP * ~NOTFOUND",
)


# The browser reads commands from descriptor 3 and answers on 4, wherever the pipes are now.
_LAUNCH = """
import fcntl, os, sys
reading, writing = (fcntl.fcntl(int(number), fcntl.F_DUPFD, 10) for number in sys.argv[1:3])
os.dup2(reading, 3)
os.dup2(writing, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""


class Browser:
    """A browser with one page at a time; ``open`` starts a new one."""

    def __init__(self, reading: IO[bytes], writing: IO[bytes]) -> None:
        self._reading = reading
        self._writing = writing
        self._buffer = b""
        self._count = 0
        self._session = ""
        self._events: list[dict[str, Any]] = []

    def open(self, path: Path, *, width: int = 1280, height: int = 900, fragment: str = "", dark: bool = False) -> None:
        """Show a file and wait until it is loaded; what pages before said is forgotten."""
        target = self.call("Target.createTarget", url="about:blank", session="")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True, session="")["sessionId"]
        self._events = []
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.call("Page.navigate", url=path.as_uri() + fragment)
        self.wait("Page.loadEventFired")

    def call(self, method: str, session: str | None = None, **parameters: object) -> dict[str, Any]:
        """Call a method of the protocol. Raises RuntimeError for what the browser refuses."""
        self._count += 1
        number = self._count
        message = {"id": number, "method": method, "params": parameters}
        if self._session if session is None else session:
            message["sessionId"] = self._session
        self._writing.write(json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                result: dict[str, Any] = answer["result"]
                return result
            self._events.append(answer)

    def wait(self, event: str) -> None:
        """Wait for an event of the page."""
        while not any(each.get("method") == event for each in self._events):
            self._events.append(self._next())

    def script(self, source: str) -> Any:
        """The value of an expression in the page; promises are waited for. Raises RuntimeError for what it throws."""
        answer = self.call("Runtime.evaluate", expression=source, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"])
        return answer["result"].get("value")

    def press(self, key: str) -> None:
        """Press a key and let it go, as a user does."""
        text = {"Enter": "\r"}.get(key)
        for kind in ("keyDown", "keyUp"):
            extra = {"text": text} if text and kind == "keyDown" else {}
            code = {"Enter": 13, "Escape": 27, "Tab": 9}.get(key, 0)
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, **extra)

    def complaints(self) -> list[str]:
        """What the page's console, its policy and its scripts complained of, and dialogs it opened."""
        self.call("Runtime.evaluate", expression="0")  # what was said before is here by now
        found = []
        for event in self._events:
            method, told = event.get("method"), event.get("params", {})
            if method == "Log.entryAdded":
                found.append(told["entry"]["text"])
            elif method in {"Runtime.exceptionThrown", "Page.javascriptDialogOpening", "Runtime.consoleAPICalled"}:
                found.append(json.dumps(told))
        return found

    def requests(self) -> list[str]:
        """The URLs that the page asked for, but its own and those that hold their data themselves."""
        urls = [e["params"]["request"]["url"] for e in self._events if e.get("method") == "Network.requestWillBeSent"]
        return [url for url in urls[1:] if not url.startswith("data:")]

    def picture(self, path: Path, *, whole: bool = True) -> None:
        """Save a picture of the page."""
        how: dict[str, Any] = {"clip": self._whole(), "captureBeyondViewport": True} if whole else {}
        taken = self.call("Page.captureScreenshot", **how)
        path.write_bytes(base64.b64decode(taken["data"]))

    def pdf(self, path: Path) -> None:
        """Save the page as it prints."""
        path.write_bytes(base64.b64decode(self.call("Page.printToPDF", printBackground=True)["data"]))

    def _whole(self) -> dict[str, float]:
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        return {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            chunk = self._reading.read(1 << 16)
            if not chunk:
                raise RuntimeError("the browser is gone")
            self._buffer += chunk
        message, _, self._buffer = self._buffer.partition(b"\0")
        found: dict[str, Any] = json.loads(message)
        return found


@contextmanager
def started(profile: Path) -> Iterator[Browser]:
    """Start a browser, with a profile of its own, that reaches no network; it is installed where there is none."""
    program = installed(_PROGRAM, _PROGRAM)
    commands_read, commands_write = os.pipe()
    answers_read, answers_write = os.pipe()
    argv = [sys.executable, "-c", _LAUNCH, str(commands_read), str(answers_write), program, *_FLAGS, *_OFFLINE]
    argv += ["--remote-debugging-pipe", f"--user-data-dir={profile}"]
    with (
        (profile.parent / "browser.log").open("wb") as log,
        subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=(commands_read, answers_write)
        ) as process,
    ):
        os.close(commands_read)
        os.close(answers_write)
        try:
            with os.fdopen(answers_read, "rb", buffering=0) as answers, os.fdopen(commands_write, "wb", 0) as commands:
                browser = Browser(answers, commands)
                yield browser
                browser.call("Browser.close", session="")
        finally:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
