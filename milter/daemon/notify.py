"""Tell the service manager what state the daemon is in.  Source: sd_notify(3)."""

import os
import socket


def notify(state: str) -> None:
    """Send *state* (``READY=1``, ``STOPPING=1``, ``STATUS=…``) where a service manager listens.

    Does nothing without one; a manager that went away must not end the daemon either.
    """
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    # A leading @ stands for the NUL octet of Linux's abstract namespace.
    path = "\0" + address[1:] if address.startswith("@") else address
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
        try:
            channel.sendto(state.encode(), path)
        except OSError:
            return
