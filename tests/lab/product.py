"""The product in the laboratory: its configuration, its command line, and its daemon as Contoso runs it.

Owns: how the installed command is run inside the namespaces; the daemon runs as the user of the service unit.
"""

import json
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

from documents import published

from .files import put
from .laboratory import AUTHORITY_FILE, CERTIFICATES, LOOPBACK, Lab
from .namespaces import InnerProcess, LabError
from .postfix_host import DEFAULT_LAYOUT, PostfixHost
from .settling import settle
from .waiting import DEADLINE, wait_for

COMMAND = Path(sys.executable).parent / "domain-secure"  #: of the environment that runs us
SEVERAL = Path(__file__).with_name("several_commands.py")
USER = "domain-secure"
CONFIGURATION = Path("/etc/domain-secure/domain-secure.toml")
STATE = Path("/run/lab/domain-secure")
LOG = Path("/var/log/domain-secure.log")

RELOADED = "Postfix reads the new configuration"

_QUIET = """\
[selfproof]
enabled = false
"""
_TRUST = f"""\
[trust]
ca_file = "{AUTHORITY_FILE}"
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where one edge of Contoso keeps what is ours, as seen inside; each has a place of its own."""

    configuration: Path = CONFIGURATION
    state: Path = STATE
    log: Path = LOG
    notify: Path = Path("/run/lab/notify")
    metrics_port: int = 9797

    def settings(self, host: PostfixHost) -> str:
        """Return what the configuration says of the place."""
        paths = f'[paths]\nstate = "{self.state}"\n'
        if host.layout == DEFAULT_LAYOUT:
            return paths
        listen = f"{LOOPBACK}:{self.metrics_port}"
        return (
            f'{paths}[postfix]\nconfig_directory = "{host.layout.configuration}"\n'
            f'[metrics]\nlisten = "{listen}"\n'
        )


class Product:
    """``domain-secure`` beside Contoso's Postfix, or beside the one of another edge of Contoso's."""

    def __init__(self, lab: Lab, host: PostfixHost | None = None, place: Place = Place()) -> None:
        self.lab = lab
        self.host = host or lab.contoso
        self.place = place
        self._process: InnerProcess | None = None
        self._prepare()

    def configure(self, text: str = "", *, trust: str = "") -> None:
        """Write the configuration: *text*, the laboratory's paths, and more lines for the table *trust*.

        A daemon that runs comes to know of it some time later: see reconfigure().  Canary messages are for
        the tests that are about them: they make Postfix start processes that hold the tables of that moment
        for up to ten seconds.
        """
        quiet = "" if "[selfproof]" in text else _QUIET
        self.write(f"{text}\n{quiet}{self.place.settings(self.host)}\n{_TRUST}{trust}\n")

    def reconfigure(self, text: str = "", *, trust: str = "") -> None:
        """Write the configuration as configure() does, and wait until the daemon has it in force."""
        self.configure(text, trust=trust)
        self.settle()

    def change(self, *arguments: str | Path) -> None:
        """Run a command that changes the configuration, and wait until the daemon has it in force."""
        self.command(*arguments)
        self.settle()

    def settle(self) -> None:
        """Wait until the daemon has in force what is on disk now, Postfix's tables included."""
        settle(self.reload, self.log)

    def text(self) -> str:
        """Return the configuration file."""
        return self.lab.namespaces.outside(self.place.configuration).read_text()

    def write(self, text: str) -> None:
        """Put another configuration file in place of this one."""
        put(self.lab.namespaces.outside(self.place.configuration), text.encode())

    def install(self, partner: str) -> None:
        """Do what an administrator does at first: list a partner, import its certificate, attach, serve."""
        with self.host.reloaded():
            done = self.commands(
                ("receive", "add", partner),
                ("send", "add", partner),
                ("partner", "cert", "add", partner, CERTIFICATES / f"{partner}.pem"),
                ("generate",),
                ("attach", "--config-dir", self.host.layout.configuration),
            )
            _must_be_reloaded(done)
        self.serve()

    def commands(self, *several: Sequence[str | Path]) -> CompletedProcess[str]:
        """Run several command lines as root in one process; raises LabError when one of them fails."""
        lines = [["--config", self.place.configuration, *arguments] for arguments in several]
        return self.lab.namespaces.run(
            sys.executable, "-P", SEVERAL, standard_input=json.dumps(lines, default=str)
        )

    def command(self, *arguments: str | Path, check: bool = True) -> CompletedProcess[str]:
        """Run the command line as root; raises LabError when *check* is set and it fails."""
        done = self.lab.namespaces.run(COMMAND, "--config", self.place.configuration, *arguments, check=check)
        if "--json" in arguments:
            published(done.stdout)
        return done

    def attach(self, *options: str) -> CompletedProcess[str]:
        """Connect Contoso's Postfix, in which no session is open and something is to be changed."""
        return self._reloading("attach", *options)

    def detach(self, *options: str) -> CompletedProcess[str]:
        """Undo attach()."""
        return self._reloading("detach", *options)

    def serve(self, descriptors: int | None = None, *, variables: Mapping[str, str] | None = None) -> None:
        """Start the daemon, and wait until it says that it is ready and how it fares with Postfix's log.

        It may have so many file *descriptors*, or as many as this process, and further *variables*.
        """
        limit = [] if descriptors is None else ["prlimit", f"--nofile={descriptors}:{descriptors}"]
        before = len(self.log())
        # The service unit does the same before each start.
        sockets = self.host.layout.queue / "domain-secure"
        self.lab.namespaces.run("install", "-d", "-o", USER, "-g", "postfix", "-m", "2750", sockets)
        address = self.lab.namespaces.outside(self.place.notify)
        address.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(str(address))
            address.chmod(0o666)
            manager.setblocking(False)
            self._process = self.lab.namespaces.start(
                *limit,
                *self._as_user,
                COMMAND,
                "--config",
                self.place.configuration,
                "serve",
                output=self.lab.namespaces.outside(self.place.log),
                variables={**(variables or {}), "NOTIFY_SOCKET": str(self.place.notify)},
            )
            wait_for(lambda: self._is_ready(manager), "the daemon to be ready", context=self.log)
        # What Postfix logs from here on is counted.
        wait_for(
            # Or somebody has killed it already.
            lambda: (
                not self.is_running
                or any(word in self.log()[before:] for word in (" log-followed ", " log-not-followed "))
            ),
            "the daemon to look at Postfix's log",
            context=self.log,
        )

    def stop(self) -> int:
        """Stop the daemon as a service manager does, and return its exit status."""
        return self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Kill the daemon with no chance to tidy up."""
        self._end(signal.SIGKILL)

    def send_signal(self, number: int) -> None:
        """Send the daemon a signal."""
        self._running.signal(number)

    def stand_still(self) -> None:
        """Stop the daemon in whatever it does, and wait until it has."""
        self.send_signal(signal.SIGSTOP)
        status = Path(f"/proc/{self.pid}/stat")
        wait_for(lambda: status.read_text().rpartition(")")[2].split()[0] == "T", "the daemon to stand still")

    def go_on(self) -> None:
        """Let it go on."""
        self.send_signal(signal.SIGCONT)

    def reload(self) -> None:
        """Send SIGHUP; for what it leads to see settle()."""
        self._running.signal(signal.SIGHUP)

    @property
    def is_running(self) -> bool:
        """Tell whether the daemon that was started last has not ended."""
        return self._process is not None and self._process.is_running

    @property
    def pid(self) -> int:
        """Return the daemon's process id, as the host counts."""
        return self._running.pid

    def log(self) -> str:
        """Return what the daemon printed."""
        path = self.lab.namespaces.outside(self.place.log)
        return path.read_text(errors="replace") if path.exists() else ""

    def wait_for_log(self, text: str, *, after: int = 0) -> None:
        """Wait until the daemon has printed *text*, past the first *after* characters of its log."""
        wait_for(lambda: text in self.log()[after:], f"{text!r} in the daemon's log", context=self.log)

    def metrics(self) -> dict[str, float]:
        """Return every sample of the metrics page, keyed as it is written there."""
        samples = {}
        for line in self.exposition().splitlines():
            if line and not line.startswith("#"):
                key, _, value = line.rpartition(" ")
                samples[key] = float(value)
        return samples

    def exposition(self) -> str:
        """Return the metrics page."""
        return self._get("/metrics")

    def page(self) -> str:
        """Return the status page."""
        return self._get("/")

    def health(self) -> dict[str, Any]:
        """Return the health document."""
        document: dict[str, Any] = json.loads(self._get("/healthz"))
        return document

    def _reloading(self, command: str, *options: str) -> CompletedProcess[str]:
        with self.host.reloaded():
            done = self.command(command, "--config-dir", self.host.layout.configuration, *options)
            _must_be_reloaded(done)
        return done

    @property
    def _running(self) -> InnerProcess:
        if self._process is None:
            raise LabError("the daemon was not started")
        return self._process

    def _end(self, number: signal.Signals) -> int:
        self._running.signal(number)
        status = self._running.wait(DEADLINE)
        self._process = None
        return status

    def _is_ready(self, manager: socket.socket) -> bool:
        if not self._running.is_running:
            raise LabError(f"the daemon ended at once:\n{self.log()}")
        try:
            return b"READY=1" in manager.recv(4096).splitlines()
        except BlockingIOError:
            return False

    def _get(self, path: str) -> str:
        with closing(HTTPConnection(LOOPBACK, self.place.metrics_port, timeout=DEADLINE)) as connection:
            with self.lab.namespaces.network():
                connection.connect()
            connection.request("GET", path)
            return connection.getresponse().read().decode()

    def _prepare(self) -> None:
        """Make what an installation makes: user, folders, an empty configuration."""
        run, outside = self.lab.namespaces.run, self.lab.namespaces.outside
        if run("id", USER, check=False).returncode != 0:
            run(
                "useradd",
                "--system",
                "--user-group",
                "--no-create-home",
                "--shell",
                "/usr/sbin/nologin",
                USER,
            )
        outside(self.place.configuration.parent).mkdir(exist_ok=True)
        run("install", "-d", "-o", USER, "-g", USER, "-m", "755", self.place.state)
        self.configure()
        self._as_user = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--init-groups"]
        if run(*self._as_user, COMMAND, "--version", check=False).returncode != 0:
            # The checkout lies below somebody's closed home folder: let the daemon read, not write, there.
            self._as_user += ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]


def _must_be_reloaded(done: CompletedProcess[str]) -> None:
    if RELOADED not in done.stdout:
        raise LabError(f"nothing was changed, or Postfix does not run: {done.stdout}")
