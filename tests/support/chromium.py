"""A headless Chromium driven by its own DevTools protocol: for tests that must see what a page shows."""

from __future__ import annotations

import base64
import itertools
import json
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

BINARY = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    "--disable-extensions",
    "--hide-scrollbars",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--remote-debugging-port=0",
    "--remote-allow-origins=*",
)


class Chromium:
    """Open one page; `requests` collects the address of everything that it asks for."""

    def __init__(self, width: int = 1280, height: int = 800) -> None:
        if BINARY is None:
            raise RuntimeError("no chromium on this machine")
        self._home = tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True)
        size = f"--window-size={width},{height}"
        command = [BINARY, *FLAGS, size, f"--user-data-dir={self._home.name}", "about:blank"]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._ids = itertools.count(1)
        self.requests: list[str] = []
        self.problems: list[str] = []
        self._socket = self._attach()
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.call(f"{domain}.enable")
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.call("Emulation.setDeviceMetricsOverride", **metrics)

    def __enter__(self) -> Chromium:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
        self._process.terminate()
        self._process.wait(10)
        self._home.cleanup()

    def _attach(self) -> ClientConnection:
        """Connect to the first page once Chromium has written which port it listens at."""
        port_file = Path(self._home.name, "DevToolsActivePort")
        port, _ = wait_for(lambda: port_file.exists() and port_file.read_text().split()).__iter__()
        browser = connect(f"ws://127.0.0.1:{port}{_}", max_size=None, proxy=None)
        browser.send(json.dumps({"id": 0, "method": "Target.getTargets"}))
        targets = json.loads(browser.recv())["result"]["targetInfos"]
        page = next(each["targetId"] for each in targets if each["type"] == "page")
        browser.close()
        return connect(f"ws://127.0.0.1:{port}/devtools/page/{page}", max_size=None, proxy=None)

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Call a DevTools method and return its result; events that come by are collected."""
        number = next(self._ids)
        self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            message = json.loads(self._socket.recv(timeout=30))
            if message.get("id") == number:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']}")
                return message["result"]
            self._note(message)

    def _note(self, message: dict[str, Any]) -> None:
        method, params = message.get("method"), message.get("params", {})
        if method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif method == "Network.webSocketCreated":
            self.requests.append(params["url"])
        elif method == "Runtime.exceptionThrown":
            self.problems.append(params["exceptionDetails"]["text"])
        elif method == "Log.entryAdded" and params["entry"]["level"] == "error":
            self.problems.append(params["entry"]["text"])

    def open(self, address: str) -> None:
        """Go to a page."""
        self.call("Page.navigate", url=address)

    def evaluate(self, script: str) -> Any:
        """Return the value of a script in the page."""
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        return result["result"].get("value")

    def text(self) -> str:
        """Return the words that the page shows."""
        return self.evaluate("document.body ? document.body.innerText : ''") or ""

    def picture(self) -> bytes:
        """Return a PNG of what the page shows now."""
        return base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])


def wait_for(condition: Any, *, seconds: float = 30.0, step_s: float = 0.1) -> Any:
    """Return the condition's value as soon as it is true; raise TimeoutError when it never is."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(step_s)
    raise TimeoutError(f"not true within {seconds} s")
