"""How many sessions fit into the file descriptors that this process may have.

Owns: the limit, and what is kept free for everything else.
Source: getrlimit(2).
"""

import os
import resource
import socket
import struct
from contextlib import suppress

#: Both doors, pages, probes, fetches, databases, and three for each session that is just beginning.
SPARE = 256
_MOST = 4096  #: sessions; more processes of smtpd than that are no mail server of this kind
_LEAST = 16


def use_all_allowed() -> None:
    """Raise the soft limit to the hard one; where that is forbidden, the soft one stays."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def is_of_this_process(connection: socket.socket) -> bool:
    """Tell whether this process made a connection over a unix socket (unix(7), SO_PEERCRED)."""
    if connection.family is not socket.AF_UNIX:
        return False
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    peer: int = struct.unpack("3i", credentials)[0]
    return peer == os.getpid()


def most_sessions() -> int:
    """Return how many sessions may be open: each takes one descriptor at either door."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return _MOST
    return max(_LEAST, min(_MOST, (soft - SPARE) // 2))
