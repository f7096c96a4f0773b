"""Do the listeners answer?  Asked as Postfix asks, through the same sockets.

A thread that is alive may hang for ever; a listener that accepted, read and answered does not.
Sources: sendmail's ``mfdef.h`` and libmilter/docs for the negotiation, SMTPD_POLICY_README for the request.
"""

import socket
import struct
from collections.abc import Callable

from .sockets import Endpoint

_OPTION_NEGOTIATION = b"O"
_VERSION, _ALL_ACTIONS, _ALL_STEPS = 6, 0x1FF, 0x1FFFFF
_NEGOTIATION = (
    struct.pack("!I", 13) + _OPTION_NEGOTIATION + struct.pack("!III", _VERSION, _ALL_ACTIONS, _ALL_STEPS)
)
_QUIT = struct.pack("!I", 1) + b"Q"
# VRFY (RFC 5321, 3.5.1) is no message, so that nothing is remembered of it.
_POLICY_REQUEST = b"request=smtpd_access_policy\nprotocol_state=VRFY\nprotocol_name=ESMTP\n\n"


def milter_fault(endpoint: Endpoint, seconds: float) -> str | None:
    """Return why the milter at *endpoint* does not answer a negotiation within *seconds*, or None."""
    return _fault(endpoint, seconds, _negotiate)


def policy_fault(endpoint: Endpoint, seconds: float) -> str | None:
    """Return why the policy listener at *endpoint* does not answer a request within *seconds*, or None."""
    return _fault(endpoint, seconds, _ask)


def _fault(endpoint: Endpoint, seconds: float, talk: Callable[[socket.socket], bool]) -> str | None:
    try:
        with _connected(endpoint, seconds) as connection:
            return None if talk(connection) else "it gave another answer than ours"
    except PermissionError:
        # The owner and mode of the socket are for Postfix; that we may not ask says nothing of the answer.
        return None
    except TimeoutError:
        return f"no answer within {seconds:g} s"
    except OSError as error:
        return error.strerror or str(error)


def _connected(endpoint: Endpoint, seconds: float) -> socket.socket:
    if endpoint.path is None:
        return socket.create_connection((endpoint.host, endpoint.port), seconds)
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(seconds)
        connection.connect(str(endpoint.path))
    except OSError:
        connection.close()
        raise
    return connection


def _negotiate(connection: socket.socket) -> bool:
    connection.sendall(_NEGOTIATION)
    answer = connection.recv(5)
    connection.sendall(_QUIT)
    return answer[4:5] == _OPTION_NEGOTIATION


def _ask(connection: socket.socket) -> bool:
    connection.sendall(_POLICY_REQUEST)
    return connection.recv(64).startswith(b"action=")
