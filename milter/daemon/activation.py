"""Listening sockets that the service manager holds open while the daemon is away.

Owns: what was handed over at the start, which of it is used, and what the manager is given to keep.
A connection that comes while nobody accepts waits in the kernel's queue, so that a restart is a delay of
some seconds and no refusal.  It does not matter which of the manager's two ways a socket came by: a socket
unit, or the descriptor store, where the daemon itself left it at an earlier start.
Sources: sd_listen_fds(3), sd_notify(3) FDSTORE, systemd.service(5) FileDescriptorStoreMax=.
"""

import os
import socket
import stat
from contextlib import suppress

from .notify import notify
from .sockets import Endpoint

_FIRST = 3  #: SD_LISTEN_FDS_START


class InheritedSockets:
    """What came from the service manager: listening stream sockets, each taken once at most."""

    def __init__(self, sockets: list[socket.socket] | None = None) -> None:
        self._sockets = sockets or []

    @classmethod
    def take(cls) -> "InheritedSockets":
        """Return what was passed to this process, and keep it from the programs that this process starts."""
        count = os.environ.pop("LISTEN_FDS", "")
        ours = os.environ.pop("LISTEN_PID", "") == str(os.getpid())
        os.environ.pop("LISTEN_FDNAMES", None)
        if not ours or not count.isdecimal():
            return cls()
        sockets = []
        for number in range(_FIRST, _FIRST + int(count)):
            os.set_inheritable(number, False)
            if stat.S_ISSOCK(os.fstat(number).st_mode):
                sockets.append(socket.socket(fileno=number))
        return cls(sockets)

    def listening_at(self, endpoint: Endpoint) -> socket.socket | None:
        """Return the socket on which *endpoint* is reached, or None; the caller owns it from now on.

        One whose file is gone is reached by nobody, and is closed.
        """
        found = None
        for candidate in tuple(self._sockets):
            if not _is_at(candidate, endpoint):
                continue
            self._sockets.remove(candidate)
            if found is None and (endpoint.path is None or endpoint.path.is_socket()):
                found = candidate
            else:
                candidate.close()
        return found

    def unused(self) -> tuple[str, ...]:
        """Return where the sockets listen that nobody took, and close them."""
        names = tuple(_name(left) for left in self._sockets)
        for left in self._sockets:
            left.close()
        self._sockets = []
        return names

    def turn_away(self) -> None:
        """End the connections that wait, for a daemon that cannot start.

        Postfix then does at once what it does without a daemon, instead of waiting for an answer.
        """
        for waiting in self._sockets:
            waiting.setblocking(False)
            with suppress(OSError):  # nobody waits any more
                while True:
                    waiting.accept()[0].close()


def keep(name: str, listening: socket.socket) -> bool:
    """Let the service manager hold *listening*, a socket of our own, and tell whether it does.

    *name* is replaced: a socket that was kept under it before is dropped.
    """
    # systemd 254 and later say so themselves; for 252 our unit does.
    if not os.environ.get("FDSTORE", "").isdecimal():
        return False
    notify(f"FDSTOREREMOVE=1\nFDNAME={name}")
    return notify(f"FDSTORE=1\nFDNAME={name}", listening.fileno())


def _is_at(listening: socket.socket, endpoint: Endpoint) -> bool:
    if listening.type != socket.SOCK_STREAM or not _accepts(listening):
        return False
    name = listening.getsockname()
    if listening.family == socket.AF_UNIX:
        same = os.path.realpath
        return endpoint.path is not None and same(str(name)) == same(endpoint.path)
    if endpoint.path is not None or name[1] != endpoint.port:
        return False
    with suppress(OSError):
        known = socket.getaddrinfo(endpoint.host, endpoint.port, type=socket.SOCK_STREAM)
        return any(address[0] == name[0] for *_, address in known)
    return False


def _accepts(listening: socket.socket) -> bool:
    return bool(listening.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))


def _name(listening: socket.socket) -> str:
    name = listening.getsockname()
    if listening.family == socket.AF_UNIX:
        return f"unix:{name}"
    return str(Endpoint(None, *name[:2])) if isinstance(name, tuple) else str(name)
