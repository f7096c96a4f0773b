"""A real browser, headless Chromium, that looks at pages inside the laboratory's network.

Owns: the process, and the few commands of the Chrome DevTools Protocol that tests need, over a pipe.
Must not know: what is on a page.
Source: the Chrome DevTools Protocol; `--remote-debugging-pipe` reads on descriptor 3 and writes on 4.
"""

import base64
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from .waiting import DEADLINE

PROGRAMS = ("chromium",)

_ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)
# Moves two descriptors to where Chromium expects them; by way of numbers that are neither.
_AT_3_AND_4 = """
import os, sys
for place, number in ((100, int(sys.argv[1])), (101, int(sys.argv[2]))):
    os.dup2(number, place)
os.dup2(100, 3)
os.dup2(101, 4)
os.execvp(sys.argv[3], sys.argv[3:])
"""


class Browser:
    """One browser with one tab; made inside ``Namespaces.network()`` it is in the laboratory's network.

    ``complaints`` gathers what the console says: blocked content, errors of scripts, and dialogs.
    """

    def __init__(self, folder: Path) -> None:
        reads_commands, self._commands = os.pipe()
        self._answers, writes_answers = os.pipe()
        ends = (reads_commands, writes_answers)
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-I", "-c", _AT_3_AND_4, *map(str, ends), *PROGRAMS),
                *(*_ARGUMENTS, f"--user-data-dir={folder}"),
            ],
            pass_fds=ends,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={"PATH": "/usr/bin:/bin", "HOME": str(folder), "LANG": "C.UTF-8"},
            start_new_session=True,
        )
        for end in ends:
            os.close(end)
        self.complaints: list[str] = []
        self._number = 0
        self._buffer = b""
        self._loaded: set[str] = set()  #: loaders: one for each navigation
        self._session: str | None = None
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Log", "Runtime"):
            self._call(f"{domain}.enable")
        self._call("Page.setLifecycleEventsEnabled", enabled=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._commands)
        os.close(self._answers)
        # Its own group: the processes that it made.
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(DEADLINE)

    def look_like(self, width: int, scheme: str) -> None:
        """Be as wide as so many pixels, with a person who likes it ``light`` or ``dark``."""
        self._call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=900,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self._call("Emulation.setEmulatedMedia", media="screen", features=features)

    def look_printed(self, width: int) -> None:
        """Show pages as they are printed, so many pixels wide, for somebody who likes it dark."""
        self.look_like(width, "dark")
        features = [{"name": "prefers-color-scheme", "value": "dark"}]
        self._call("Emulation.setEmulatedMedia", media="print", features=features)

    def scripts(self, *, allowed: bool) -> None:
        """Let pages run scripts, or not."""
        self._call("Emulation.setScriptExecutionDisabled", value=not allowed)

    def go(self, url: str) -> None:
        """Open a page and wait until it is loaded."""
        loader = self._call("Page.navigate", url=url)["loaderId"]
        while loader not in self._loaded:
            self._read()

    def evaluate(self, expression: str) -> Any:
        """Return the value of an expression of JavaScript on the page."""
        answer = self._call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        return answer["result"].get("value")

    def screenshot(self) -> bytes:
        """Return the whole page as PNG."""
        answer = self._call("Page.captureScreenshot", captureBeyondViewport=True)
        return base64.b64decode(answer["data"])

    def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                result: dict[str, Any] = answer["result"]
                return result

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            octets = os.read(self._answers, 65536)
            if not octets:
                raise RuntimeError("the browser has ended")
            self._buffer += octets
        line, _, self._buffer = self._buffer.partition(b"\0")
        message: dict[str, Any] = json.loads(line)
        if method := message.get("method"):
            event = message["params"]
            if method == "Page.lifecycleEvent" and event["name"] == "load":
                self._loaded.add(event["loaderId"])
            if method in {"Log.entryAdded", "Runtime.exceptionThrown", "Page.javascriptDialogOpening"}:
                self.complaints.append(json.dumps(event))
        return message
