"""The name server of the laboratory: unbound with records that a test may change at any time.

Its files lie where the AppArmor profile of Debian's package expects them.  Sources: unbound.conf(5),
unbound-control(8).
"""

import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from .namespaces import InnerProcess, Namespaces
from .signed_zone import SignedZone
from .waiting import DEADLINE, wait_for

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
  module-config: "validator iterator"
  local-zone: "." static
  {}
remote-control:
  control-enable: yes
  control-interface: "/run/unbound.ctl"
  control-use-cert: no
"""
_SIGNED = """\
server:
  trust-anchor: "{anchor}"
  local-zone: "{name}" transparent
auth-zone:
  name: "{name}"
  zonefile: "{file}"
  for-upstream: yes
  for-downstream: no
  fallback-enabled: no
"""


class DnsServer:
    """A name server that knows what it was told and answers NXDOMAIN to everything else."""

    def __init__(self, namespaces: Namespaces) -> None:
        self._namespaces = namespaces
        self._process: InnerProcess | None = None
        self._records: dict[str, list[str]] = {}  #: by name, for the next start
        self._signed = ""

    def start(self) -> None:
        """Start the server, make it the resolver of the namespaces, and wait until it answers."""
        # With its records from the first moment: who asks before it has them would keep that there are none.
        known = "".join(
            f"local-data: '{record}'\n" for records in self._records.values() for record in records
        )
        self._namespaces.outside(_CONFIGURATION_FILE).write_text(_CONFIGURATION.format(known) + self._signed)
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
        for record in records:
            self._records.setdefault(record.split(" ", 1)[0], []).append(record)
        self._load(records)

    def remove(self, *names: str) -> None:
        """Forget all records of the *names*."""
        for name in names:
            self._records.pop(name, None)
        self._control("local_datas_remove", standard_input="\n".join(names) + "\n")

    def replace(self, name: str, *records: str) -> None:
        """Exchange all records of *name* for the *records*."""
        self.remove(name)
        self.add(*records)

    def stop(self) -> None:
        """Stop the server; whoever asks it gets no answer."""
        assert self._process is not None
        self._process.signal(signal.SIGTERM)
        self._process.wait(DEADLINE)

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Let the server take questions and answer none of them while the block runs."""
        assert self._process is not None
        self._process.signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.signal(signal.SIGCONT)

    @contextmanager
    def lying(self, name: str, *records: str) -> Iterator[None]:
        """Let it say this of a domain and what is below it, unsigned, while the block runs."""
        truth = self._records, self._signed
        kept = {owner: told for owner, told in self._records.items() if not f".{owner}".endswith(f".{name}.")}
        self._records, self._signed = kept, ""
        for record in records:
            self._records.setdefault(record.split(" ", 1)[0], []).append(record)
        self._start_again()
        try:
            yield
        finally:
            self._records, self._signed = truth
            self._start_again()

    def _start_again(self) -> None:
        self.stop()
        self.start()

    def sign(self, name: str, *records: str) -> None:
        """Make a domain a zone of its own that is signed and validated, with these *records* alone."""
        zone = SignedZone.of(name, records)
        file = f"/etc/unbound/{name}.zone"
        self._namespaces.outside(file).write_text(zone.text)
        self._signed += _SIGNED.format(anchor=zone.trust_anchor, name=name, file=file)
        for owner in [owner for owner in self._records if f".{owner}".endswith(f".{name}.")]:
            del self._records[owner]
        self._start_again()

    def _load(self, records: Iterable[str]) -> None:
        self._control("local_datas", standard_input="".join(f"{record}\n" for record in records))

    def _control(self, command: str, *, check: bool = True, standard_input: str | None = None) -> int:
        result = self._namespaces.run(
            "unbound-control", "-c", _CONFIGURATION_FILE, command, check=check, standard_input=standard_input
        )
        return result.returncode
