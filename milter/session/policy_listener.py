"""The policy delegation listener: passes on what it is told, and answers at once.

Runs in a thread of its own.  Must not decide anything about a message.
Postfix asks once for each message and waits, so that what this thread does is on the way of every message: it
is one read and one write.
"""

import socket
from collections.abc import Callable
from functools import partial

from domain_secure.policy.terms.event import Event, internal_error

from . import events
from .delegation import REQUEST_LIMIT, DelegatedFacts, MalformedRequestError, RequestReader, reply
from .selector_thread import SelectorThread

# Postfix keeps one connection a smtpd process; more than this is not Postfix (default_process_limit is 100).
CONNECTION_LIMIT = 4096
_ROOM = 8  #: for the daemon itself, which asks whether this listener answers


class PolicyListener:
    """Serves the delegation protocol on *listening*, a bound stream socket, until stopped.

    *answer* is given each request's facts, in the listener's thread, and returns the action at once.
    *ended* is called when the thread ends by itself.
    """

    def __init__(
        self,
        listening: socket.socket,
        answer: Callable[[DelegatedFacts], str],
        log: Callable[[Event], None],
        limit: int = CONNECTION_LIMIT,
        ended: Callable[[], None] = lambda: None,
    ) -> None:
        self._answer = answer
        self._log = log
        self._limit = limit
        self.connections: dict[socket.socket, RequestReader] = {}
        self._thread = SelectorThread(
            "policy-listener",
            listening,
            self._accepted,
            lambda: log(events.descriptors_exhausted("policy")),
            ended,
        )

    def start(self) -> None:
        """Start serving in a thread of its own."""
        self._thread.start()

    def move_to(self, listening: socket.socket) -> None:
        """Accept on *listening* from now on, and close the former socket; connections stay."""
        self._thread.move_to(listening)

    def adopt(self, connection: socket.socket) -> None:
        """Serve a connection of an earlier process."""
        self._thread.do(lambda: self._serve(connection))

    def leave(self, put: Callable[[socket.socket], None]) -> None:
        """Accept and read no more, and give *put* each connection on which every request was answered."""
        self._thread.do(lambda: self._leave(put))

    def stop(self) -> None:
        """End the service and every connection; waits until it is done."""
        self._thread.stop(self._hang_up_on_all)

    @property
    def is_alive(self) -> bool:
        """Tell whether the thread runs; whether it answers is another question."""
        return self._thread.is_alive

    @property
    def error(self) -> BaseException | None:
        """Return what ended the thread, if anything did."""
        return self._thread.error

    def _accepted(self, connection: socket.socket) -> None:
        if len(self.connections) < self._limit + _ROOM:
            self._serve(connection)
        else:
            connection.close()

    def _serve(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        reader = self.connections[connection] = RequestReader()
        self._thread.watch(connection, partial(self._read, connection, reader))

    def _read(self, connection: socket.socket, reader: RequestReader) -> None:
        try:
            octets = connection.recv(REQUEST_LIMIT)
        except BlockingIOError:
            return
        except OSError:
            octets = b""
        if not octets or not self._has_answered(connection, reader, octets):
            self._hang_up(connection)

    def _has_answered(self, connection: socket.socket, reader: RequestReader, octets: bytes) -> bool:
        try:
            for facts in reader.feed(octets):
                answer = reply(self._answer(facts))
                # A reply has a dozen octets: whoever leaves so many that it does not fit reads none.
                if connection.send(answer) != len(answer):
                    return False
        except OSError:
            return False
        except MalformedRequestError as error:
            self._log(events.malformed_delegation(str(error)))
            return False
        except Exception as error:  # noqa: BLE001 - one request must not end the service for all
            self._log(internal_error("delegation", error))
            return False
        return True

    def _hang_up(self, connection: socket.socket) -> None:
        del self.connections[connection]
        self._thread.leave(connection)
        connection.close()

    def _hang_up_on_all(self) -> None:
        for connection in tuple(self.connections):
            self._hang_up(connection)

    def _leave(self, put: Callable[[socket.socket], None]) -> None:
        self._thread.stop_accepting()
        for connection, reader in self.connections.items():
            if reader.is_between_requests:
                put(connection)
        self._hang_up_on_all()
