"""Sessions taken out of libmilter between two messages, for the next process to go on with.

Owns: the moment at which nothing is on its way.  There are two.  A session in which a message ends: libmilter
answers into a socket of ours, from where the answer goes to Postfix, and behind it Postfix's connection is
free.  And one in which nothing happens: libmilter is given a socket on which nothing comes; where it turns
out to have read the beginning of a message just before, it gets Postfix's connection back.
Invariant: no octet that Postfix sent is read and not acted on.
"""

import os
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from domain_secure.milter.session.open_sessions import OpenSession, OpenSessions

from .milter_packets import ends_message, is_between_messages, read_packet

# For how long nothing must have happened.  libmilter writes an answer after the callback that we see the end
# of, and reads a packet before the callback that we see the beginning of.
_QUIET_SECONDS = 0.3
_PEEKED = 6


@dataclass(frozen=True, slots=True)
class _Held:
    session: OpenSession
    postfix: socket.socket
    ours: socket.socket  #: the other end of what libmilter has instead


class SessionTransfer:
    """Takes *sessions* away from libmilter; *put* gets the name and the connection of each."""

    def __init__(self, sessions: OpenSessions, put: Callable[[str, socket.socket], None]) -> None:
        self._sessions = sessions
        self._put = put

    def begin(self) -> None:
        """Take every session from now on at the end of its message."""
        self._sessions.at_end_of_message(self._divert)

    def take_quiet(self) -> None:
        """Take the sessions in which nothing happens; takes a moment."""
        held: list[_Held] = []

        def hold(session: OpenSession) -> None:
            quiet = self._sessions.monotonic() - session.since
            if not session.in_message and session.descriptor is not None and quiet >= _QUIET_SECONDS:
                held.append(_replaced(session, session.descriptor))

        self._sessions.visit(hold)
        if held:
            time.sleep(_QUIET_SECONDS)
        for one in held:
            self._settle(one)

    def _settle(self, held: _Held) -> None:
        taken = False

        def decide(session: OpenSession) -> None:
            nonlocal taken
            if session is not held.session or session.descriptor is None:
                return
            taken = not session.in_message and _is_free(held.postfix)
            if taken:
                session.descriptor = None
            else:
                os.dup2(held.postfix.fileno(), session.descriptor, inheritable=False)

        self._sessions.visit(decide)
        if not taken:
            # libmilter may wait for the rest of a packet on what it had meanwhile: it looks again now.
            held.ours.close()
            held.postfix.close()
            return
        self._hand_on(held)

    def _divert(self, session: OpenSession) -> None:
        if session.descriptor is None:
            return
        held = _replaced(session, session.descriptor)
        session.descriptor = None
        threading.Thread(target=self._pass_answer_on, args=(held,), name="last-answer", daemon=True).start()

    def _pass_answer_on(self, held: _Held) -> None:
        try:
            while True:
                packet = read_packet(held.ours)
                held.postfix.sendall(packet)
                if ends_message(packet):
                    break
        except OSError:
            # Postfix has gone; there is nobody to go on with.
            self._sessions.forget(held.session)
            held.postfix.close()
            held.ours.close()
            return
        self._hand_on(held)

    def _hand_on(self, held: _Held) -> None:
        self._put(held.session.name, held.postfix)
        held.postfix.close()
        # Whoever waits for the last session goes on now.
        self._sessions.forget(held.session)
        # For libmilter, its session ends here.
        held.ours.close()


def _replaced(session: OpenSession, descriptor: int) -> _Held:
    """Give libmilter a socket of ours in the place of Postfix's connection."""
    ours, libmilters = socket.socketpair()
    postfix = socket.socket(fileno=os.dup(descriptor))
    os.dup2(libmilters.fileno(), descriptor, inheritable=False)
    libmilters.close()
    return _Held(session, postfix, ours)


def _is_free(postfix: socket.socket) -> bool:
    try:
        waiting = postfix.recv(_PEEKED, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return True
    except OSError:
        return False
    # Nothing to read, and no error: Postfix has gone, of which libmilter should hear.
    return bool(waiting) and is_between_messages(waiting)
