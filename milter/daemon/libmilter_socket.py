"""The socket on which libmilter listens for this process alone, and libmilter's descriptors.

Sources: libmilter's listener.c for smfi_setconn(3) and smfi_opensocket(3); unix(7), "Autobind feature";
open(2), O_PATH; proc(5), /proc/[pid]/fd.
"""

import os
import socket
import tempfile
from itertools import chain
from pathlib import Path

import milter as libmilter

from domain_secure.policy.terms.problems import Problem

_NEAR = 64  #: a descriptor that was opened a moment later has a number not far from the earlier one


def listen_privately() -> str:
    """Let libmilter listen where only this process can connect, and return the path; raises Problem.

    The socket's file is gone at once, so that nobody finds or removes it; a descriptor of it leads there.
    """
    with tempfile.TemporaryDirectory(prefix="domain-secure-") as folder:
        path = f"{folder}/milter"
        libmilter.setconn(f"unix:{path}")
        try:
            libmilter.opensocket(False)
        except libmilter.error as error:
            raise Problem(
                "libmilter cannot open a socket",
                folder,
                "let the daemon's user write to the temporary folder",
            ) from error
        return f"/proc/self/fd/{os.open(path, os.O_PATH | os.O_CLOEXEC)}"


def descriptor_of(peer: bytes, near: int) -> int:
    """Return the descriptor in this process whose peer is the unix socket named *peer*; raises OSError."""
    for number in chain(range(near + 1, near + _NEAR), range(near)):
        if _peer(number) == peer:
            return number
    for entry in Path("/proc/self/fd").iterdir():
        if _peer(int(entry.name)) == peer:
            return int(entry.name)
    raise ConnectionAbortedError("libmilter closed the connection")


def _peer(number: int) -> bytes | str | None:
    try:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, fileno=number)
    except OSError:
        return None
    try:
        name: bytes | str = connection.getpeername()
    except OSError:
        return None
    finally:
        connection.detach()
    return name
