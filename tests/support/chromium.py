"""Debian's Chromium without a window, controlled over its DevTools protocol: no driver to install beside it."""

from __future__ import annotations

import base64
import itertools
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

PROGRAM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
)


class PageError(AssertionError):
    """A script failed on the page, or what was waited for did not come."""


class Browser:
    """One tab. `frame`, where a method takes it, is part of the address of the frame to work in; empty: the page itself."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.numbers = itertools.count(1)
        self.contexts: dict[int, dict[str, Any]] = {}
        self.problems: list[str] = []
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        number = next(self.numbers)
        self.socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            told = json.loads(self.socket.recv(timeout=60))
            if told.get("id") == number:
                if "error" in told:
                    raise PageError(f"{method}: {told['error']['message']}")
                return told["result"]
            self._note(told)

    def _note(self, event: dict[str, Any]) -> None:
        name, values = event.get("method"), event.get("params", {})
        if name == "Runtime.executionContextCreated":
            self.contexts[values["context"]["id"]] = values["context"]
        elif name == "Runtime.executionContextDestroyed":
            self.contexts.pop(values["executionContextId"], None)
        elif name == "Runtime.executionContextsCleared":
            self.contexts.clear()
        elif name == "Runtime.exceptionThrown":
            self.problems.append(values["exceptionDetails"].get("exception", {}).get("description", "exception"))
        elif name == "Log.entryAdded" and values["entry"]["level"] == "error":
            self.problems.append(f"{values['entry']['text']} {values['entry'].get('url', '')}")

    def window(self, width: int, height: int, *, dark: bool = False) -> None:
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def open(self, url: str) -> None:
        """Go there and wait until the page is loaded, wherever it leads."""
        self.call("Page.navigate", url=url)
        self.settled()

    def settled(self, frame: str = "") -> None:
        self.wait("document.readyState === 'complete' && location.href !== 'about:blank'", frame=frame)

    def run(self, script: str, frame: str = "") -> Any:
        """The value of an expression (a promise is awaited)."""
        where = {"contextId": self._context(frame)} if frame else {}
        result = self.call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True, userGesture=True, **where
        )
        if "exceptionDetails" in result:
            details = result["exceptionDetails"]
            raise PageError(details.get("exception", {}).get("description") or details["text"])
        return result["result"].get("value")

    def wait(self, condition: str, seconds: float = 20, frame: str = "") -> Any:
        """Wait until an expression is true; returns its value."""
        deadline = time.monotonic() + seconds
        last: object = None
        while time.monotonic() < deadline:
            try:
                if value := self.run(condition, frame):
                    return value
            except PageError as error:  # the page is just changing
                last = error
            time.sleep(0.1)
        raise PageError(f"{condition} never came true at {self.run('location.href')}: {last}; {self.problems[-3:]}")

    def click(self, selector: str, text: str = "", frame: str = "") -> None:
        """Click the first element that the selector finds, with this text in it, once it is there."""
        found = f"[...document.querySelectorAll({json.dumps(selector)})].find(e => e.textContent.includes({json.dumps(text)}))"
        self.wait(f"Boolean({found})", frame=frame)
        self.run(f"{found}.click()", frame)

    def fill(self, selector: str, value: str, frame: str = "") -> None:
        """Type into a field as a script of the page would notice it."""
        field = f"document.querySelector({json.dumps(selector)})"
        self.wait(f"Boolean({field})", frame=frame)
        self.run(
            f"(() => {{ const f = {field}; Object.getOwnPropertyDescriptor(Object.getPrototypeOf(f), 'value').set.call(f, {json.dumps(value)});"
            " f.dispatchEvent(new Event('input', {bubbles: true})); f.dispatchEvent(new Event('change', {bubbles: true})); })()",
            frame,
        )

    def text(self, frame: str = "") -> str:
        return str(self.run("document.body.innerText", frame))

    def screenshot(self, file: Path) -> None:
        """The whole page (at most three windows high) as PNG."""
        size = self.call("Page.getLayoutMetrics")["cssLayoutViewport"]
        whole = self.call("Page.getLayoutMetrics")["cssContentSize"]["height"]
        clip = {
            "x": 0,
            "y": 0,
            "width": size["clientWidth"],
            "height": min(whole, 3 * size["clientHeight"]),
            "scale": 1,
        }
        data = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)["data"]
        file.write_bytes(base64.b64decode(data))

    def _context(self, frame: str) -> int:
        self.call("Runtime.evaluate", expression="1")  # reads what has happened meanwhile
        tree = self.call("Page.getFrameTree")["frameTree"]
        frames = [tree]
        for each in frames:
            frames += each.get("childFrames", [])
        wanted = {each["frame"]["id"] for each in frames[1:] if frame in each["frame"]["url"]}
        for number, context in reversed(self.contexts.items()):
            if context["auxData"].get("frameId") in wanted and context["auxData"].get("isDefault"):
                return number
        raise PageError(f"there is no frame {frame}")


@contextmanager
def chromium(folder: Path) -> Iterator[Browser]:
    """A browser with a profile of its own, gone afterwards."""
    assert PROGRAM
    command = [
        PROGRAM, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--no-proxy-server",
        "--disable-background-networking", "--remote-debugging-port=0", f"--user-data-dir={folder}", "about:blank",
    ]  # fmt: skip
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        with connect(_address(folder), max_size=None, proxy=None) as socket:
            yield Browser(socket)
    finally:
        process.terminate()
        process.wait(timeout=20)


def _address(folder: Path) -> str:
    """The tab's socket, once the browser has written its port."""
    import requests

    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        port = folder / "DevToolsActivePort"
        if port.exists() and port.read_text().strip():
            number = port.read_text().split()[0]
            session = requests.Session()
            session.trust_env = False
            tabs = session.get(f"http://127.0.0.1:{number}/json", timeout=20).json()
            pages = [tab["webSocketDebuggerUrl"] for tab in tabs if tab["type"] == "page"]
            if pages:
                return str(pages[0])
        time.sleep(0.1)
    raise PageError("Chromium did not start")
