"""A path unit of ours and its service, as systemd(1) runs them, for a product in the laboratory.

Owns: reading the two units, and running their commands as root while the daemon runs as its user.
"""

import shlex
import subprocess
import threading
from pathlib import Path
from typing import Self

from .product import Product

_UNITS = Path(__file__).parents[2] / "systemd"
_STATE = "/var/lib/domain-secure"  #: in the units
_POLL_SECONDS = 0.01


class PathUnit:
    """Root's unit that waits for a file of the daemon's; *product* has the file in its own state folder."""

    def __init__(self, product: Product, name: str = "domain-secure-generate") -> None:
        self.runs = 0  #: of the service, begun so far
        self._product = product
        (place,) = self._values(name, "path", "PathExists")
        self._file = product.lab.namespaces.outside(place)
        self._commands = [
            shlex.split(command)
            for key in ("ExecStartPre", "ExecStart", "ExecStartPost")
            for command in self._values(name, "service", key)
        ]
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="path unit", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _values(self, name: str, kind: str, key: str) -> list[str]:
        lines = (_UNITS / f"{name}.{kind}").read_text().splitlines()
        values = [line.partition("=")[2] for line in lines if line.startswith(f"{key}=")]
        return [value.replace(_STATE, str(self._product.place.state)) for value in values]

    def _run(self) -> None:
        while not self._over.wait(_POLL_SECONDS):
            if self._file.exists():
                self.runs += 1
                self._serve()

    def _serve(self) -> None:
        for command in self._commands:
            if Path(command[0].lstrip("-")).name == "sleep":
                # Not for longer than anybody needs the unit.
                self._over.wait(float(command[1]))
            elif self._one(command).returncode != 0 and not command[0].startswith("-"):
                return

    def _one(self, command: list[str]) -> "subprocess.CompletedProcess[str]":
        if command[0] == "domain-secure":
            return self._product.command(*command[1:], check=False)
        return self._product.lab.namespaces.run(*command, check=False)
