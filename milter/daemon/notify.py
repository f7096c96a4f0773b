"""Tell the service manager what state the daemon is in, and what it is to keep.  Source: sd_notify(3)."""

import os
import socket


def notify(state: str, *descriptors: int) -> bool:
    """Send *state* (``READY=1``, ``STOPPING=1``, ``STATUS=…``) where a service manager listens.

    *descriptors* go with it: ``FDSTORE=1`` asks the manager to keep them for the next start.
    Returns whether it was sent: there may be no manager, and one that went away must not end the daemon.
    """
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return False
    # A leading @ stands for the NUL octet of Linux's abstract namespace.
    path = "\0" + address[1:] if address.startswith("@") else address
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
        try:
            channel.connect(path)
            if descriptors:
                socket.send_fds(channel, [state.encode()], list(descriptors))
            else:
                channel.send(state.encode())
        except OSError:
            return False
    return True


def watchdog_seconds() -> float | None:
    """Return how often the manager wants to hear ``WATCHDOG=1``, in seconds; None where it does not.

    Source: sd_watchdog_enabled(3).
    """
    if os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    microseconds = os.environ.get("WATCHDOG_USEC", "")
    return int(microseconds) / 1_000_000 if microseconds.isdecimal() and int(microseconds) else None
