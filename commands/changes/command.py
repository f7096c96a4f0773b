"""``domain-secure apply-change``: do what the page was asked for, as root.

Owns: where orders come from: a socket that root's unit holds, one after the other, or standard input.
"""

import argparse
import logging
import os
import select
import socket
import struct
import sys
import time
from contextlib import suppress
from pathlib import Path

from domain_secure.commands.terminal.common import configuration_path
from domain_secure.policy.files.state_folder import daemon_user
from domain_secure.policy.terms.event import Event
from domain_secure.policy.terms.problems import ExitStatus, Problem

from .applying import result_of
from .request import LARGEST, Result

_FIRST = 3  #: SD_LISTEN_FDS_START
_IDLE_SECONDS = 10.0  #: until the process ends that the socket unit will start again
_REQUEST_SECONDS = 5.0  #: for the whole of a request
_LEAST_SECONDS = 0.001
_PAUSE_SECONDS = 0.2  #: after a refusal


def add_arguments(parser: argparse.ArgumentParser, command: str) -> None:
    """Declare the arguments of ``apply-change``."""
    del command
    parser.description = (
        "The unit domain-secure-changes.service runs it for the daemon, which is not root. It does nothing "
        "unless [metrics] allow_changes is true in a configuration that only root can have written, and the "
        "order shows the token of token_file."
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> ExitStatus:
    """Carry out the orders that come."""
    path = configuration_path(arguments)
    if (listener := _inherited()) is None:
        result = result_of(path, sys.stdin.buffer.read(LARGEST + 1), _log, lambda: True)
        os.write(1, result.written())
        return ExitStatus.DONE
    with listener:
        _serve(listener, path)
    return ExitStatus.DONE


def _serve(listener: socket.socket, path: Path) -> None:
    """Answer one after the other until nobody has come for a while."""
    listener.settimeout(_IDLE_SECONDS)
    with suppress(TimeoutError):
        while True:
            connection, _ = listener.accept()
            with connection, suppress(OSError):
                result = _answer(path, connection)
                if result.problem is not None:
                    # journald drops what a unit says too fast: refusals must not hide the line about an act.
                    # Before the answer: whoever hangs up without it is not to be faster.
                    time.sleep(_PAUSE_SECONDS)
                connection.settimeout(_REQUEST_SECONDS)
                connection.sendall(result.written())


def _answer(path: Path, connection: socket.socket) -> Result:
    user = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[1]
    owner = daemon_user()
    if user not in {0, owner.pw_uid if owner else 0}:
        return Result((), Problem("only the daemon may ask", f"user {user}", "use the command line"))
    return result_of(path, _received(connection), _log, lambda: _waits(connection))


def _received(connection: socket.socket) -> bytes:
    """Return the whole request; raises TimeoutError however slowly its octets come."""
    due = time.monotonic() + _REQUEST_SECONDS
    content = b""
    while len(content) <= LARGEST:
        connection.settimeout(max(due - time.monotonic(), _LEAST_SECONDS))
        if not (more := connection.recv(LARGEST + 1)):
            break
        content += more
        if time.monotonic() > due:
            raise TimeoutError
    return content


def _waits(connection: socket.socket) -> bool:
    """Tell whether the other end is still open: who only has no more to say has not hung up (poll(2))."""
    asked = select.poll()
    asked.register(connection, 0)
    return not any(event & select.POLLHUP for _, event in asked.poll(0))


def _inherited() -> socket.socket | None:
    """Return the socket of the unit (sd_listen_fds(3)), None where there is none."""
    count, process = os.environ.pop("LISTEN_FDS", ""), os.environ.pop("LISTEN_PID", "")
    if count != "1" or process != str(os.getpid()):
        return None
    os.set_inheritable(_FIRST, False)
    return socket.socket(fileno=_FIRST)


def _log(event: Event) -> None:
    """Write a line to the journal; systemd reads its level in front (sd-daemon(3))."""
    level = 4 if event.level >= logging.WARNING else 6
    prefix = f"<{level}>" if os.environ.get("JOURNAL_STREAM") else ""
    print(f"{prefix}{event}", file=sys.stderr, flush=True)
