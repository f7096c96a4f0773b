"""The daemon's side: let an act be done by whoever may.

Owns: how long that may take.  As root, as in the foreground, it is a process of its own with the same checks.
"""

import os
import socket
from pathlib import Path

from domain_secure.commands.terminal.own_process import answer_of
from domain_secure.milter.changes.page_changes import Order
from domain_secure.policy.terms.problems import ExitStatus, Problem

from .request import LARGEST, Result, socket_path, written

SECONDS = 180.0  #: a change waits until it is in force


def carry_out(configuration: Path, order: Order) -> tuple[str, ...]:
    """Return what was said of an order that was carried out; raises Problem where it was not."""
    content = written(order)
    if os.geteuid() == 0:
        result = Result.read(answer_of(configuration, ("apply-change",), content, SECONDS))
    else:
        result = Result.read(_over_socket(socket_path(configuration), content))
    if result.problem is not None:
        raise result.problem
    return result.said


def _over_socket(path: Path, content: bytes) -> bytes:
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(SECONDS)
            connection.connect(str(path))
            return _answered(connection, content, path)
    except OSError as error:
        raise Problem(
            f"whoever makes changes cannot be asked ({error.strerror or error})",
            str(path),
            "as root: systemctl enable --now domain-secure-changes.socket",
        ) from error


def _answered(connection: socket.socket, content: bytes, path: Path) -> bytes:
    """Return what comes back; raises Problem where nothing does, for it may be done all the same."""
    try:
        connection.sendall(content)
        connection.shutdown(socket.SHUT_WR)
        with connection.makefile("rb") as stream:
            return stream.read(4 * LARGEST)
    except OSError as error:
        raise Problem(
            f"no answer comes from whoever makes changes ({error.strerror or error}), who may make it yet",
            str(path),
            "as root: journalctl -u domain-secure-changes",
            ExitStatus.NO_ANSWER,
        ) from error
