"""etcd in the laboratory: servers with TLS on both sides, users and roles, as docs/fleet.md sets them up.

Owns: how they are started, found and killed.  Must not know: what the product keeps in them.
"""

import json
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from .certificates import Authority
from .namespaces import InnerProcess, Namespaces
from .waiting import DEADLINE, wait_for

PROGRAMS = ("etcd", "etcdctl")
HOST = "etcd.test"
PREFIX = "/domain-secure/"
ROOT_PASSWORD = "root-secret"
_CLIENT_PORTS = (2379, 2381, 2383)
_PEER_PORTS = (2380, 2382, 2384)
_PATIENCE = 5.0


@dataclass(frozen=True, slots=True)
class Access:
    """What a client needs, as seen inside."""

    endpoints: tuple[str, ...]
    ca_file: Path
    cert_file: Path

    def settings(self, node: str, **more: str) -> str:
        """Return the table [store] of a node, without its type."""
        lines = {
            "endpoints": json.dumps(self.endpoints),
            "node": json.dumps(node),
            "ca_file": json.dumps(str(self.ca_file)),
            "cert_file": json.dumps(str(self.cert_file)),
        } | {key: json.dumps(value) for key, value in more.items()}
        return "[store]\n" + "".join(f"{key} = {value}\n" for key, value in lines.items())


class Etcd:
    """A cluster in *namespaces*, its files below *folder*, which lies outside the private folders."""

    def __init__(
        self, namespaces: Namespaces, folder: Path, address: str, *, members: int = 3, quota: int = 0
    ) -> None:
        self.namespaces = namespaces
        self.folder = folder
        self._address = address
        self._members = members
        self._quota = quota
        self._running: dict[int, InnerProcess] = {}
        self._has_users = False
        folder.mkdir()
        self.authority = Authority.create("Laboratory Store Authority")
        (folder / "ca.pem").write_bytes(self.authority.certificate_pem)
        self.certificate("server", HOST)
        self.certificate("client")
        hosts = namespaces.outside("/etc/hosts")
        hosts.write_text(f"{hosts.read_text()}{address} {HOST}\n")

    @property
    def access(self) -> Access:
        """Return how a client reaches it."""
        endpoints = tuple(f"https://{HOST}:{port}" for port in _CLIENT_PORTS[: self._members])
        return Access(endpoints, self.folder / "ca.pem", self.folder / "client.pem")

    def certificate(self, name: str, *dns_names: str, not_after: datetime | None = None) -> Path:
        """Issue a certificate, with its key, and return where it is."""
        # Without a common name: etcd's gateway refuses clients that have one.  The gateway itself is a client
        # of etcd with the server's certificate, which therefore is good for both purposes.
        issued = self.authority.issue(dns_names=dns_names or (f"{name}.test",), not_after=not_after)
        return issued.write(self.folder, name)

    def start(self, *members: int) -> None:
        """Start these members, or all, and wait until the cluster answers."""
        self.begin(*members)
        wait_for(
            lambda: self.control("endpoint", "health", check=False) is not None, "etcd", context=self.log
        )

    def begin(self, *members: int) -> None:
        """Start these members, or all."""
        for member in members or range(self._members):
            self._start(member)

    def kill(self, *members: int) -> None:
        """Kill these members, or all, with no chance to tidy up."""
        for member in members or range(self._members):
            process = self._running.pop(member)
            process.signal(signal.SIGKILL)
            process.wait(DEADLINE)

    def pid(self, member: int) -> int:
        """Return the process id of a member that runs, as the host counts."""
        return self._running[member].pid

    def leader(self) -> int:
        """Return the member that leads, as soon as there is one."""

        def leaders() -> list[int]:
            return [
                member
                for member, document in self._statuses()
                if document["leader"] == document["header"]["member_id"]
            ]

        return wait_for(leaders, "etcd to have a leader", context=self.log)[0]

    def control(self, *arguments: str, check: bool = True, standard_input: str | None = None) -> str | None:
        """Run etcdctl as root; None where it fails and *check* is not set."""
        return self._control(self.access.endpoints, arguments, check=check, standard_input=standard_input)

    def add_users(self, users: Mapping[str, str]) -> None:
        """Make users with these passwords and turn authentication on: edges as docs/fleet.md has them.

        The user ``administrator`` may write everything below the prefix.
        """
        self.control("role", "add", "administrator")
        self.control("role", "grant-permission", "administrator", "readwrite", PREFIX, "--prefix")
        for name, password in {"root": ROOT_PASSWORD, **users}.items():
            self.control("user", "add", f"{name}:{password}")
            if name in {"root", "administrator"}:
                self.control("user", "grant-role", name, name)
                continue
            self.control("role", "add", f"edge-{name}")
            self.control("role", "grant-permission", f"edge-{name}", "read", PREFIX, "--prefix")
            for own in (f"nodes/{name}/", "book/", "revocation/"):
                self.control(
                    "role", "grant-permission", f"edge-{name}", "readwrite", f"{PREFIX}{own}", "--prefix"
                )
            self.control("user", "grant-role", name, f"edge-{name}")
        self.control("auth", "enable")
        self._has_users = True

    def restore(self, snapshot: Path) -> None:
        """Put a snapshot in place of what all members hold; they must be down."""
        for member in range(self._members):
            data = self._data(member)
            self.namespaces.run("rm", "-rf", data)
            self.namespaces.run(
                "etcdctl",
                "snapshot",
                "restore",
                snapshot,
                f"--name=m{member}",
                f"--initial-cluster={self._cluster}",
                f"--initial-advertise-peer-urls=https://{HOST}:{_PEER_PORTS[member]}",
                f"--data-dir={data}",
            )

    def save(self, snapshot: Path) -> None:
        """Take a snapshot."""
        self._control(self.access.endpoints[:1], ("snapshot", "save", str(snapshot)))

    def log(self) -> str:
        """Return what the members printed."""
        return "\n".join(path.read_text(errors="replace")[-2000:] for path in self.folder.glob("*.log"))

    @contextmanager
    def down(self) -> Iterator[None]:
        """Have no member run for a while."""
        self.kill()
        try:
            yield
        finally:
            self.start()

    @property
    def _cluster(self) -> str:
        return ",".join(f"m{one}=https://{HOST}:{_PEER_PORTS[one]}" for one in range(self._members))

    def _data(self, member: int) -> Path:
        return self.folder / f"m{member}"

    def _start(self, member: int) -> None:
        client = f"https://{self._address}:{_CLIENT_PORTS[member]}"
        peer = f"https://{self._address}:{_PEER_PORTS[member]}"
        server = self.folder / "server.pem"
        tls = [
            f"--{kind}{what}"
            for kind in ("", "peer-")
            for what in (f"cert-file={server}", f"key-file={server}")
        ]
        authority = [f"--{kind}trusted-ca-file={self.folder}/ca.pem" for kind in ("", "peer-")]
        self._running[member] = self.namespaces.start(
            "etcd",
            f"--name=m{member}",
            f"--data-dir={self._data(member)}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls=https://{HOST}:{_CLIENT_PORTS[member]}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls=https://{HOST}:{_PEER_PORTS[member]}",
            f"--initial-cluster={self._cluster}",
            "--client-cert-auth",
            "--peer-client-cert-auth",
            *tls,
            *authority,
            f"--quota-backend-bytes={self._quota}",
            "--bcrypt-cost=4",
            "--logger=zap",
            output=self.folder / f"m{member}.log",
        )

    def _statuses(self) -> Iterator[tuple[int, dict[str, dict[str, int]]]]:
        for member, endpoint in enumerate(self.access.endpoints):
            found = self._control((endpoint,), ("endpoint", "status", "--write-out=json"), check=False)
            if found:
                yield member, json.loads(found)[0]["Status"]

    def _control(
        self,
        endpoints: tuple[str, ...],
        arguments: tuple[str, ...],
        *,
        check: bool = True,
        standard_input: str | None = None,
    ) -> str | None:
        client = self.folder / "client.pem"
        user = [f"--user=root:{ROOT_PASSWORD}"] if self._has_users else []
        done = self.namespaces.run(
            "etcdctl",
            f"--endpoints={','.join(endpoints)}",
            f"--cacert={self.folder}/ca.pem",
            f"--cert={client}",
            f"--key={client}",
            # Who expects a failure asks again.
            f"--command-timeout={DEADLINE if check else _PATIENCE:g}s",
            *user,
            *arguments,
            check=check,
            standard_input=standard_input,
            variables={"ETCDCTL_API": "3"},
        )
        return done.stdout if done.returncode == 0 else None
