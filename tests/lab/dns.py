"""The name server of the laboratory: unbound with records that a test may change at any time.

Its files lie where the AppArmor profile of Debian's package expects them.  Sources: unbound.conf(5),
unbound-control(8).
"""

from .namespaces import InnerProcess, Namespaces
from .waiting import wait_for

PROGRAMS = ("unbound", "unbound-control")

_CONFIGURATION_FILE = "/etc/unbound/unbound.conf"
_CONFIGURATION = """\
server:
  interface: 127.0.0.1
  username: ""
  chroot: ""
  directory: "/etc/unbound"
  pidfile: "/run/unbound.pid"
  do-daemonize: no
  use-syslog: no
  logfile: ""
  module-config: "iterator"
  local-zone: "." static
remote-control:
  control-enable: yes
  control-interface: "/run/unbound.ctl"
  control-use-cert: no
"""


class DnsServer:
    """A name server that knows what it was told and answers NXDOMAIN to everything else."""

    def __init__(self, namespaces: Namespaces) -> None:
        self._namespaces = namespaces
        self._process: InnerProcess | None = None

    def start(self) -> None:
        """Start the server, make it the resolver of the namespaces, and wait until it answers."""
        self._namespaces.outside(_CONFIGURATION_FILE).write_text(_CONFIGURATION)
        resolver = self._namespaces.outside("/etc/resolv.conf")
        resolver.unlink(missing_ok=True)
        resolver.write_text("nameserver 127.0.0.1\n")
        self._process = self._namespaces.start("unbound", "-d", "-c", _CONFIGURATION_FILE)
        wait_for(
            lambda: self._control("status", check=False) == 0,
            "unbound",
            context=lambda: (
                self._namespaces.run("unbound-checkconf", _CONFIGURATION_FILE, check=False).stderr
            ),
        )

    def add(self, *records: str) -> None:
        """Add records in presentation format, such as ``contoso.test. MX 10 mail.contoso.test.``."""
        self._control("local_datas", standard_input="\n".join(records) + "\n")

    def remove(self, *names: str) -> None:
        """Forget all records of the *names*."""
        self._control("local_datas_remove", standard_input="\n".join(names) + "\n")

    def replace(self, name: str, *records: str) -> None:
        """Exchange all records of *name* for the *records*."""
        self.remove(name)
        self.add(*records)

    def _control(self, command: str, *, check: bool = True, standard_input: str | None = None) -> int:
        result = self._namespaces.run(
            "unbound-control", "-c", _CONFIGURATION_FILE, command, check=check, standard_input=standard_input
        )
        return result.returncode
