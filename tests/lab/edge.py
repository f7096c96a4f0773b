"""Edges of a fleet in the laboratory: real daemons, most of them without a Postfix of their own.

Owns: the configuration of one node, its command line and its daemon.
"""

import json
import os
import signal
import sys
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from subprocess import CompletedProcess

from documents import published

from .etcd import Access
from .files import put
from .namespaces import InnerProcess, Namespaces
from .settling import settle
from .waiting import DEADLINE, wait_for

COMMAND = Path(sys.executable).parent / "domain-secure"

_FILE = """\
{shared}
{store}
[outbound]
tables = {tables}
[inbound]
probe = false
[postfix]
config_directory = "{postfix}"
[metrics]
listen = "127.0.0.1:{port}"
[paths]
state = "{folder}/state"
[milter]
socket = "unix:{folder}/milter"
[policy_service]
socket = "unix:{folder}/policy"
"""


class Edge:
    """One node; its files are below *folder*, outside the private folders of the *namespaces*."""

    def __init__(
        self,
        namespaces: Namespaces,
        folder: Path,
        access: Access,
        port: int,
        *,
        password: str | None = None,
        postfix: Path | None = None,
        shared: str = "",
    ) -> None:
        self.namespaces = namespaces
        self.name = folder.name
        self.folder = folder
        self.port = port
        self.file = folder / "domain-secure.toml"
        folder.mkdir()
        secret = {}
        if password is not None:
            (folder / "password").write_text(f"{password}\n")
            secret = {"username": self.name, "password_file": str(folder / "password")}
        self.file.write_text(
            _FILE.format(
                shared=shared,
                store=access.settings(self.name, **secret),
                tables="true" if postfix else "false",
                postfix=postfix or "/etc/no-postfix",
                port=port,
                folder=folder,
            )
        )
        self._process: InnerProcess | None = None

    def command(self, *arguments: str | Path, check: bool = True) -> CompletedProcess[str]:
        """Run the command line; raises LabError when *check* is set and it fails."""
        done = self.namespaces.run(COMMAND, "--config", self.file, *arguments, check=check)
        if "--json" in arguments:
            published(done.stdout)
        return done

    def write(self, text: str) -> None:
        """Put another configuration file in place of this one."""
        put(self.file, text.encode())

    def settle(self) -> None:
        """Wait until the daemon has in force what is on disk now."""
        settle(lambda: os.kill(self.pid, signal.SIGHUP), self.log)

    def start_command(self, *arguments: str) -> InnerProcess:
        """Start the command line and return it running."""
        return self.namespaces.start(
            COMMAND, "--config", self.file, *arguments, output=self.folder / "command.log"
        )

    def serve(self) -> None:
        """Start the daemon, and wait until it has started."""
        self.begin()
        self.wait_until_started()

    def begin(self) -> None:
        """Start the daemon."""
        (self.folder / "log").unlink(missing_ok=True)
        self._process = self.namespaces.start(
            COMMAND, "--config", self.file, "serve", output=self.folder / "log"
        )

    def wait_until_started(self) -> None:
        """Wait until the daemon says so."""
        self.wait_for_log(" started version=")

    def stop(self) -> None:
        """Stop the daemon as a service manager does."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Kill the daemon with no chance to tidy up."""
        self._end(signal.SIGKILL)

    @property
    def pid(self) -> int:
        """Return the daemon's process id, as the host counts."""
        assert self._process is not None
        return self._process.pid

    def log(self) -> str:
        """Return what the daemon printed."""
        path = self.folder / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def wait_for_log(self, text: str) -> None:
        """Wait until the daemon has printed *text*."""
        wait_for(lambda: text in self.log(), f"{text!r} in the log of {self.name}", context=self.log)

    def page(self, path: str) -> bytes:
        """Return what the daemon answers over HTTP."""
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)) as connection:
            with self.namespaces.network():
                connection.connect()
            connection.request("GET", path)
            return connection.getresponse().read()

    def metric(self, name: str) -> float | None:
        """Return one sample without labels; None where there is none."""
        lines = self.page("/metrics").decode().splitlines()
        return next((float(line.split()[1]) for line in lines if line.startswith(f"{name} ")), None)

    @property
    def enforced(self) -> int:
        """Return the revision that decides about mail, as the daemon says."""
        return int(self.metric("domain_secure_fleet_applied_revision") or 0)

    def wait_until_enforcing(self, revision: int) -> None:
        """Wait until the daemon enforces a revision or a later one."""
        wait_for(
            lambda: self.enforced >= revision,
            f"{self.name} to enforce {revision}",
            context=self.log,
        )

    def listed(self) -> list[str]:
        """Return the receive list as this node holds it."""
        domains: list[str] = json.loads(self.command("receive", "list", "--json").stdout)["domains"]
        return domains

    def revision(self) -> int:
        """Return the number of the revision this node holds."""
        number: int = json.loads(self.command("receive", "list", "--json").stdout)["revision"]
        return number

    def _end(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.signal(number)
        self._process.wait(DEADLINE)
        self._process = None
