"""The programs that stand in front of Contoso's Postfix or behind it, as their packages have them.

Owns: how each is started on the ordinary paths of its package, which are private to the laboratory, and when
it is ready.  Must not know: the product, and what a test sets in the configuration.
"""

import signal
from collections.abc import Sequence
from pathlib import Path
from socket import create_connection

from .laboratory import LOOPBACK
from .namespaces import InnerProcess, Namespaces
from .waiting import DEADLINE, wait_for

PROGRAMS = ("rspamd", "opendkim", "amavisd", "amavisd-milter", "haproxy")


class Neighbour:
    """A program in the foreground, run by its *user*, or by root where it changes the user itself.

    *folders* are made, or hidden behind empty ones, for that user; *ports* of the loopback interface, or
    ADDRESS:PORT, are open once it is ready.
    """

    def __init__(
        self,
        namespaces: Namespaces,
        command: Sequence[str],
        *,
        user: str,
        folders: Sequence[str],
        ports: Sequence[str],
        is_root: bool = False,
    ) -> None:
        self._namespaces = namespaces
        self._name = command[0]
        as_user = () if is_root else ("setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups")
        self._command = (*as_user, *command)
        self._ports = ports
        self._process: InnerProcess | None = None
        self._output = Path("/var/log") / f"{Path(self._name).name}.output"
        for folder in folders:
            namespaces.run("mkdir", "-p", folder)
            namespaces.run("mount", "-t", "tmpfs", "-o", "mode=755", "lab", folder)
            namespaces.run("chown", f"{user}:", folder)

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        self._process = self._namespaces.start(*self._command, output=self._namespaces.outside(self._output))
        wait_for(self._is_ready, f"the ports {' '.join(self._ports)}", context=self.output)

    def stop(self) -> None:
        """Stop it as a service manager does."""
        assert self._process is not None
        self._process.signal(signal.SIGTERM)
        self._process.wait(DEADLINE)
        self._process = None

    @property
    def pid(self) -> int:
        """Return its process id, as the host counts."""
        assert self._process is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Tell whether it was started and not stopped."""
        return self._process is not None

    def restart(self) -> None:
        """Start it anew, or for the first time."""
        if self._process is not None:
            self.stop()
        self.start()

    def output(self) -> str:
        """Return what it printed."""
        path = self._namespaces.outside(self._output)
        return path.read_text(errors="replace") if path.exists() else ""

    def _is_ready(self) -> bool:
        assert self._process is not None
        if not self._process.is_running:
            raise AssertionError(f"{self._name} ended\n{self.output()}")
        return all(map(self._is_open, self._ports))

    def _is_open(self, port: str) -> bool:
        address, _, number = port.rpartition(":")
        try:
            with self._namespaces.network():
                create_connection((address or LOOPBACK, int(number)), timeout=DEADLINE).close()
        except OSError:
            return False
        return True


def haproxy(namespaces: Namespaces, *ports: str) -> Neighbour:
    """Return HAProxy; its configuration is that of its package, below /etc/haproxy."""
    return Neighbour(
        namespaces,
        ("haproxy", "-W", "-db", "-f", "/etc/haproxy/haproxy.cfg"),
        user="haproxy",
        folders=("/run/haproxy", "/var/lib/haproxy"),
        ports=ports,
        is_root=True,
    )


def rspamd(namespaces: Namespaces) -> Neighbour:
    """Return rspamd with its milter; its configuration is that of its package, below /etc/rspamd."""
    return Neighbour(
        namespaces,
        ("rspamd", "-f", "-c", "/etc/rspamd/rspamd.conf"),
        user="_rspamd",
        folders=("/run/rspamd", "/var/lib/rspamd", "/var/log/rspamd"),
        ports=("11332",),
    )


def opendkim(namespaces: Namespaces) -> Neighbour:
    """Return OpenDKIM; its configuration is that of its package, /etc/opendkim.conf."""
    return Neighbour(
        namespaces,
        ("opendkim", "-f", "-x", "/etc/opendkim.conf"),
        user="opendkim",
        folders=("/run/opendkim",),
        ports=("8891",),
        is_root=True,
    )


_AMAVIS = """\
use strict;
$myhostname = "filter.contoso.test";
$enable_db = 0;
1;
"""
_AMAVIS_FOLDERS = [f"/var/lib/amavis/{name}" for name in ("db", "tmp", "virusmails")]


def amavis(namespaces: Namespaces) -> Neighbour:
    """Return amavis as its package has it, with a name of its own and without databases."""
    namespaces.outside("/etc/amavis/conf.d/05-node_id").write_text(_AMAVIS)
    made = Neighbour(
        namespaces,
        ("amavisd", "foreground"),
        user="amavis",
        folders=("/run/amavis", "/var/lib/amavis"),
        ports=("10024",),
    )
    namespaces.run("install", "-d", "-m", "750", "-o", "amavis", "-g", "amavis", *_AMAVIS_FOLDERS)
    return made


def amavisd_milter(namespaces: Namespaces) -> Neighbour:
    """Return the milter that asks amavis, at port 10029."""
    return Neighbour(
        namespaces,
        (
            *("amavisd-milter", "-f", "-s", "inet:10029@127.0.0.1", "-S", "/var/lib/amavis/amavisd.sock"),
            *("-w", "/var/lib/amavis/tmp", "-p", "/run/amavis/amavisd-milter.pid"),
        ),
        user="amavis",
        folders=(),
        ports=("10029",),
    )
