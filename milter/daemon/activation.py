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
    """What came from the service manager: listening stream sockets, each taken once at most.

    *passed_on* is what an earlier process of the daemon left for this one, by name: the descriptors are the
    caller's.
    """

    def __init__(
        self, sockets: list[socket.socket] | None = None, passed_on: list[tuple[str, int]] | None = None
    ) -> None:
        self._sockets = sockets or []
        self.passed_on = passed_on or []

    @classmethod
    def take(cls) -> "InheritedSockets":
        """Return what was passed to this process, and keep it from the programs that this process starts."""
        count = os.environ.pop("LISTEN_FDS", "")
        ours = os.environ.pop("LISTEN_PID", "") == str(os.getpid())
        names = os.environ.pop("LISTEN_FDNAMES", "").split(":")
        if not ours or not count.isdecimal():
            return cls()
        sockets, passed_on = [], []
        for number in range(_FIRST, _FIRST + int(count)):
            os.set_inheritable(number, False)
            if _listens(number):
                sockets.append(socket.socket(fileno=number))
            else:
                passed_on.append((names[number - _FIRST] if number - _FIRST < len(names) else "", number))
        return cls(sockets, passed_on)

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
        """End the connections that wait and those passed on, for a daemon that cannot start.

        Postfix then does at once what it does without a daemon, instead of waiting for an answer.
        """
        for name in {name for name, _ in self.passed_on}:
            drop(name)
        while self.passed_on:
            os.close(self.passed_on.pop()[1])
        for waiting in self._sockets:
            waiting.setblocking(False)
            with suppress(OSError):  # nobody waits any more
                while True:
                    waiting.accept()[0].close()


def keep(name: str, listening: socket.socket) -> bool:
    """Let the service manager hold *listening*, a socket of our own, and tell whether it does.

    *name* is replaced: a socket that was kept under it before is dropped.
    """
    if not keeps():
        return False
    drop(name)
    return notify(f"FDSTORE=1\nFDNAME={name}", listening.fileno())


def keeps() -> bool:
    """Tell whether the service manager keeps descriptors for the next process."""
    # systemd 254 and later say so themselves; for 252 our unit does.
    return bool(os.environ.get("NOTIFY_SOCKET")) and os.environ.get("FDSTORE", "").isdecimal()


def pass_on(name: str, descriptor: int) -> None:
    """Leave *descriptor* for the next process of the daemon; several may have the same *name*."""
    notify(f"FDSTORE=1\nFDNAME={name}", descriptor)


def drop(name: str) -> None:
    """Let the service manager close what it keeps under *name*."""
    notify(f"FDSTOREREMOVE=1\nFDNAME={name}")


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


def _listens(number: int) -> bool:
    if not stat.S_ISSOCK(os.fstat(number).st_mode):
        return False
    with socket.socket(fileno=os.dup(number)) as one:
        return _accepts(one)


def _accepts(listening: socket.socket) -> bool:
    return bool(listening.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))


def _name(listening: socket.socket) -> str:
    name = listening.getsockname()
    if listening.family == socket.AF_UNIX:
        return f"unix:{name}"
    return str(Endpoint(None, *name[:2])) if isinstance(name, tuple) else str(name)
