"""The listening sockets: where they are, and who may connect.

Owns: the notation ``unix:/path`` and ``inet:port@host`` (libmilter's smfi_setconn), stale socket files,
permissions.  The folder belongs to ``attach`` or the service unit: its set-group-id bit gives the sockets
Postfix's group.
"""

import socket
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from domain_secure.policy.terms.problems import ExitStatus, Problem

SOCKET_MODE = 0o660  #: the owner and Postfix's group; connect(2) needs write permission
# Each process of smtpd waits here while nobody accepts; beyond it connect(2) fails.  The kernel may allow
# less (net.core.somaxconn, 4096 by itself).
BACKLOG = 4096


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a listener is: *path* for a unix socket, *host* and *port* otherwise."""

    path: Path | None
    host: str = ""
    port: int = 0

    @classmethod
    def parse(cls, text: str) -> "Endpoint":
        """Return the endpoint written *text*; raises ValueError for anything else."""
        kind, _, rest = text.partition(":")
        if kind in {"unix", "local"} and rest.startswith("/"):
            return cls(Path(rest))
        port, _, host = rest.partition("@")
        if kind in {"inet", "inet6"} and port.isdecimal() and host:
            return cls(None, host.strip("[]"), int(port))
        raise ValueError(f"{text!r} is neither unix:/path nor inet:port@host")

    def __str__(self) -> str:
        """Return libmilter's notation."""
        if self.path is not None:
            return f"unix:{self.path}"
        return f"inet{'6' if ':' in self.host else ''}:{self.port}@{self.host}"


def clear_stale_socket(endpoint: Endpoint) -> None:
    """Remove a socket file that nobody listens on.

    Raises Problem where another daemon answers, or where the folder is missing.
    """
    path = endpoint.path
    if path is None:
        return
    if not path.parent.is_dir():
        raise Problem(
            "the folder for the socket does not exist",
            str(path.parent),
            "run `domain-secure attach`, or create it for the user of the daemon and the group of Postfix",
        )
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except FileNotFoundError:
            return
        except ConnectionRefusedError:
            with suppress(FileNotFoundError):
                path.unlink()
            return
        except OSError as error:
            raise Problem(
                f"cannot tell whether the socket is in use ({error.strerror})",
                str(path),
                "run the daemon as the owner of this folder",
            ) from error
    raise Problem("another daemon answers on the socket", str(path), "stop it first", ExitStatus.NO_ANSWER)


def listen(endpoint: Endpoint) -> socket.socket:
    """Return a bound, listening stream socket; raises Problem."""
    clear_stale_socket(endpoint)
    try:
        if endpoint.path is None:
            family = socket.AF_INET6 if ":" in endpoint.host else socket.AF_INET
            return socket.create_server((endpoint.host, endpoint.port), family=family, backlog=BACKLOG)
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listening.bind(str(endpoint.path))
        endpoint.path.chmod(SOCKET_MODE)
        listening.listen(BACKLOG)
    except OSError as error:
        raise Problem(
            f"cannot listen ({error.strerror})",
            str(endpoint),
            "choose an address that is free and permitted for the user of the daemon",
        ) from error
    return listening
