"""The doctor's questions to the running daemon: does it answer on its sockets, and may Postfix ask it?

Sources: sendmail's libmilter/docs and ``mfdef.h`` for the milter negotiation, SMTPD_POLICY_README for the
policy request.
"""

import os
import pwd
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.postfix.findings.findings import Finding
from domain_secure.postfix.findings.service_facts import PostfixFacts
from domain_secure.postfix.instance.endpoints import Address, milter_listener, policy_listener

SECONDS = 3.0
START = "start it with systemctl start domain-secure, and read its log"

_OPTION_NEGOTIATION = b"O"
_VERSION, _ALL_ACTIONS, _ALL_STEPS = 6, 0x1FF, 0x1FFFFF
_CHANGES_FIELDS = 0x10  #: SMFIF_CHGHDRS
_ANSWER = struct.Struct("!IcII")  #: length, command, version, actions
_QUIT = struct.pack("!I", 1) + b"Q"
_POLICY_REQUEST = b"request=smtpd_access_policy\nprotocol_state=VRFY\nprotocol_name=ESMTP\n\n"


def check_listeners(configuration: Configuration, facts: PostfixFacts) -> Iterator[Finding]:
    """Yield which of the daemon's sockets do not answer; raises PermissionError where we must not connect."""
    if not configuration.receive:
        return
    milter = milter_listener(configuration, facts.queue_directory)
    policy = policy_listener(configuration, facts.queue_directory)
    if why := _fault(milter, _negotiate):
        yield Finding.error("milter-silent", "the daemon's milter does not answer", f"{milter}: {why}", START)
    if why := _fault(policy, _ask):
        yield Finding.error(
            "policy-silent", "the daemon's policy service does not answer", f"{policy}: {why}", START
        )
    for address in (milter, policy):
        if address.path is not None and address.path.exists():
            yield from _check_permission(address.path, facts.main["mail_owner"])


def _fault(address: Address, talk: Callable[[socket.socket], bool]) -> str | None:
    """Return why a listener does not answer as ours does, None when it does; raises PermissionError."""
    try:
        with closing(_connect(address)) as connection:
            connection.settimeout(SECONDS)
            return None if talk(connection) else "it gave another answer than a listener of ours"
    except PermissionError as error:
        # connect(2) does not say what it was refused.
        raise PermissionError(error.errno, error.strerror, str(address)) from error
    except TimeoutError:
        return f"no answer within {SECONDS:g} s"
    except (OSError, ValueError) as error:
        return getattr(error, "strerror", None) or str(error)


def _connect(address: Address) -> socket.socket:
    if address.path is None:
        return socket.create_connection((address.host, int(address.port)), SECONDS)
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(SECONDS)
        connection.connect(str(address.path))
    except OSError:
        connection.close()
        raise
    return connection


def _negotiate(connection: socket.socket) -> bool:
    """Open a milter session as Postfix does and leave it again."""
    body = _OPTION_NEGOTIATION + struct.pack("!III", _VERSION, _ALL_ACTIONS, _ALL_STEPS)
    connection.sendall(struct.pack("!I", len(body)) + body)
    answer = connection.recv(5)
    connection.sendall(_QUIT)
    return answer[4:5] == _OPTION_NEGOTIATION


def changes_fields(address: Address) -> bool:
    """Tell whether the milter at *address* asks Postfix to let it change or delete header fields.

    Raises OSError where it does not answer, and ValueError where what answers is no milter.
    """
    body = _OPTION_NEGOTIATION + struct.pack("!III", _VERSION, _ALL_ACTIONS, _ALL_STEPS)
    with closing(_connect(address)) as connection:
        connection.settimeout(SECONDS)
        connection.sendall(struct.pack("!I", len(body)) + body)
        with connection.makefile("rb") as stream:
            answer = stream.read(_ANSWER.size)
        with suppress(OSError):  # what it wanted to say it has said
            connection.sendall(_QUIT)
    if len(answer) < _ANSWER.size or answer[4:5] != _OPTION_NEGOTIATION:
        raise ValueError("it gave another answer than a milter")
    return bool(_ANSWER.unpack(answer)[3] & _CHANGES_FIELDS)


def _ask(connection: socket.socket) -> bool:
    connection.sendall(_POLICY_REQUEST)
    return connection.recv(64).startswith(b"action=")


def _check_permission(path: Path, mail_owner: str) -> Iterator[Finding]:
    """Yield a finding when smtpd(8), running as *mail_owner* and its first group alone, may not connect."""
    try:
        user = pwd.getpwnam(mail_owner)
    except KeyError:
        return
    needed = [(parent, os.X_OK) for parent in reversed(path.parents)] + [(path, os.W_OK)]
    for place, bit in needed:
        state = place.stat()
        shift = 6 if state.st_uid == user.pw_uid else 3 if state.st_gid == user.pw_gid else 0
        if not (state.st_mode >> shift) & bit:
            yield Finding.error(
                "socket-not-permitted",
                f"Postfix's user {mail_owner} may not connect to the daemon",
                f"{place}: mode {state.st_mode & 0o7777:o}, user {state.st_uid}, group {state.st_gid}",
                "run domain-secure attach, and start the daemon by its service unit",
            )
            return
