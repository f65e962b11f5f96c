"""Headless Chromium over its debugging pipe: open a page, hear what it says and asks for, measure it, photograph it."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
]

FAULTS = ("Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled")


@dataclass
class Browser:
    """One tab of a running Chromium.

    Attributes:
        requests: addresses that the page asked for.
        faults: what it wrote to its console, exceptions and violations included.
    """

    to: int
    back: int
    session: str = ""
    requests: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    _number: int = 0
    _rest: bytes = b""
    _loaded: bool = False

    def call(self, method: str, **parameters: Any) -> Any:
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        while True:
            heard = self._next()
            if heard.get("id") == self._number:
                assert "error" not in heard, (method, heard)
                return heard["result"]

    def open(self, page: Path, width: int) -> None:
        """Load a page in a window of this width and wait until all of it is there."""
        self.requests.clear()
        self.faults.clear()
        self._loaded = False
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        self.prefer("light")
        self.call("Page.navigate", url=page.as_uri())
        while not self._loaded:
            self._next()

    def prefer(self, scheme: str) -> None:
        """Have the reader prefer light or dark pages, also for a page that is open."""
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def value(self, script: str) -> Any:
        """What a script gives."""
        return self.call("Runtime.evaluate", expression=script, returnByValue=True)["result"]["value"]

    def photograph(self, file: Path) -> None:
        """Keep a picture of the whole page."""
        told = self.call("Page.captureScreenshot", captureBeyondViewport=True)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(base64.b64decode(told["data"]))

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            part = os.read(self.back, 1 << 20)
            assert part, "Chromium ended"
            self._rest += part
        text, self._rest = self._rest.split(b"\0", 1)
        heard: dict[str, Any] = json.loads(text)
        if heard.get("method") == "Network.requestWillBeSent":
            self.requests.append(heard["params"]["request"]["url"])
        elif heard.get("method") == "Page.loadEventFired":
            self._loaded = True
        elif heard.get("method") in FAULTS:
            self.faults.append(json.dumps(heard["params"])[:2000])
        return heard


@contextmanager
def browser(profile: Path) -> Iterator[Browser]:
    """Start Chromium with a fresh profile; it ends with the block."""
    assert CHROMIUM, "Chromium is not installed"
    theirs_in, to = os.pipe()
    back, theirs_out = os.pipe()

    def wire() -> None:
        first, second = os.dup(theirs_in), os.dup(theirs_out)
        os.dup2(first, 3)
        os.dup2(second, 4)

    process = subprocess.Popen(
        [CHROMIUM, *FLAGS, f"--user-data-dir={profile}"],
        preexec_fn=wire,
        close_fds=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    for end in (theirs_in, theirs_out):
        os.close(end)
    try:
        tab = Browser(to, back)
        target = tab.call("Target.createTarget", url="about:blank")["targetId"]
        session = tab.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        tab.session = session
        for domain in ("Page", "Network", "Log", "Runtime"):
            tab.call(f"{domain}.enable")
        yield tab
    finally:
        for end in (to, back):
            os.close(end)
        process.terminate()
        process.wait(20)
