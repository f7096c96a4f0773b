"""The milter protocol over sockets: who connects, what comes, and where it is decided.

One thread waits for all sessions and does what can be done at once, which is nearly everything.  Where the
end of a message has to wait for a certificate's server, DNS or a file, or is work, it has a thread to itself.
Owns: the sockets, the threads, and how a session leaves for another process.
Invariant: no octet that Postfix sent is read and not acted on.
"""

import socket
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from domain_secure.milter.session.callbacks import Callbacks
from domain_secure.milter.session.conversation import Conversation
from domain_secure.milter.session.events import descriptors_exhausted
from domain_secure.milter.session.milter_protocol import NEGOTIATION, MalformedPacketError
from domain_secure.milter.session.selector_thread import SelectorThread
from domain_secure.milter.session.workers import Workers
from domain_secure.policy.terms.event import Event, internal_error

from . import events
from .descriptors import is_of_this_process
from .milter_packets import Negotiated

_CHUNK = 65536
# Postfix reads an answer at once; who takes longer for it has gone.
_SEND_SECONDS = 30.0


class _Session:
    """One connection of Postfix's."""

    __slots__ = ("agreed", "begun", "connection", "conversation")

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.begun = b""  #: what came of the negotiation
        self.conversation: Conversation | None = None  #: once it was negotiated
        self.agreed: Negotiated | None = None  #: for whoever goes on with it


class MilterListener:
    """Accepts milter sessions on *listening*, a bound stream socket, and makes `Callbacks` for each.

    *ended* is called when it ends by itself.  While it *is_full*, which is given how many have not negotiated
    yet, whoever comes is hung up on, which Postfix answers with 451.
    """

    def __init__(
        self,
        listening: socket.socket,
        callbacks: Callable[[], Callbacks],
        log: Callable[[Event], None],
        ended: Callable[[], None],
        is_full: Callable[[int], bool] = lambda _: False,
    ) -> None:
        self._callbacks = callbacks
        self._log = log
        self._is_full = is_full
        self._fresh: set[_Session] = set()  #: who has not negotiated yet
        self._sessions: set[_Session] = set()
        self._deciding: set[_Session] = set()  #: those that a thread of their own has
        self._put: Callable[[str, socket.socket], None] | None = None  #: who takes sessions from now on
        self._workers = Workers("decision", lambda error: log(internal_error("decision", error)))
        self._thread = SelectorThread(
            "milter", listening, self._accepted, lambda: log(descriptors_exhausted("milter")), ended
        )

    def start(self) -> None:
        """Start serving in threads of our own."""
        self._thread.start()

    def stop(self) -> None:
        """Hang up on everybody; waits until it is done."""
        self._thread.stop(self._hang_up_on_all)
        # Whoever still decides finds out when the answer is to be sent.
        for session in self._deciding:
            session.connection.close()

    def move_to(self, listening: socket.socket) -> None:
        """Accept on *listening* from now on, and close the former socket; sessions go on."""
        self._thread.move_to(listening)

    def stop_accepting(self) -> tuple[socket.socket, ...]:
        """Leave new connections in their queue; return those accepted already that said nothing yet."""
        return self._thread.do(self._stop_accepting)

    def adopt(self, connection: socket.socket, former: Negotiated | None) -> None:
        """Go on with a session of an earlier process, between two messages; None: it has not negotiated yet.

        Where we would not agree on the same as then, Postfix is hung up on.
        """
        if former is None:
            self._thread.do(lambda: self._await(connection))
        else:
            self._thread.do(lambda: self._go_on(connection, former))

    def leave(self, put: Callable[[str, socket.socket], None]) -> None:
        """Give *put* each session with its name: those between two messages now, others after theirs."""
        self._thread.do(lambda: self._leave(put))

    @property
    def is_alive(self) -> bool:
        """Tell whether the thread runs; whether it answers is another question."""
        return self._thread.is_alive

    @property
    def error(self) -> BaseException | None:
        """Return what ended the thread, if anything did."""
        return self._thread.error

    def _stop_accepting(self) -> tuple[socket.socket, ...]:
        self._thread.stop_accepting()
        silent = [session for session in self._fresh if not session.begun]
        for session in silent:
            self._thread.leave(session.connection)
            self._fresh.discard(session)
        return tuple(session.connection for session in silent)

    def _accepted(self, connection: socket.socket) -> None:
        # Whether it answers is asked by this process itself, and no matter of room.
        if self._is_full(len(self._fresh)) and not is_of_this_process(connection):
            connection.close()
        else:
            self._await(connection)

    def _await(self, connection: socket.socket) -> None:
        if connection.family is not socket.AF_UNIX:
            # A machine that vanished says nothing, ever.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        connection.setblocking(False)
        session = _Session(connection)
        self._fresh.add(session)
        self._thread.watch(connection, partial(self._read, session))
        # Postfix begins at once.
        self._read(session)

    def _go_on(self, connection: socket.socket, former: Negotiated) -> None:
        connection.setblocking(False)
        session = _Session(connection)
        self._thread.watch(connection, partial(self._read, session))
        agreed = None
        with suppress(MalformedPacketError):
            agreed = self._begin(session, former.request, former.steps)
        if agreed is None or session.agreed != former:
            self._hang_up(session)

    def _read(self, session: _Session) -> None:
        try:
            octets = session.connection.recv(_CHUNK)
        except BlockingIOError:
            return
        except OSError:
            octets = b""
        if octets:
            self._take(session, octets)
        else:
            self._hang_up(session)

    def _take(self, session: _Session, octets: bytes) -> None:
        try:
            if session.conversation is None:
                self._negotiate(session, octets)
            else:
                self._converse(session, session.conversation, octets)
        except MalformedPacketError as error:
            self._log(events.malformed_packet(str(error)))
            self._hang_up(session)
        except Exception as error:  # noqa: BLE001 - one session must not end the service for all
            self._log(internal_error("milter", error))
            self._hang_up(session)

    def _negotiate(self, session: _Session, octets: bytes) -> None:
        session.begun += octets
        if len(session.begun) < NEGOTIATION:
            return
        request, rest = session.begun[:NEGOTIATION], session.begun[NEGOTIATION:]
        answer = self._begin(session, request)
        if answer is None or not self._has_sent(session, answer):
            self._hang_up(session)
        elif rest and session.conversation is not None:
            self._converse(session, session.conversation, rest)

    def _begin(self, session: _Session, request: bytes, former: int | None = None) -> bytes | None:
        conversation = Conversation(self._callbacks())
        answer = conversation.negotiate(request, former)
        if answer is not None:
            session.conversation = conversation
            session.agreed = Negotiated.from_packets(request, answer)
            self._fresh.discard(session)
            self._sessions.add(session)
        return answer

    def _converse(self, session: _Session, conversation: Conversation, octets: bytes) -> None:
        answers = conversation.feed(octets)
        while conversation.at_end_of_message:
            decided = conversation.finish_at_once()
            if decided is None:
                self._decide_apart(session, conversation, answers)
                return
            if not self._has_sent(session, answers + decided):
                self._hang_up(session)
                return
            conversation.finished()
            answers = conversation.feed(b"")
        if conversation.has_ended or (answers and not self._has_sent(session, answers)):
            self._hang_up(session)
        elif self._put is not None:
            self._leave_if_free(session, self._put)

    def _decide_apart(self, session: _Session, conversation: Conversation, answers: bytes) -> None:
        def decide() -> None:
            try:
                answer = answers + conversation.finish()
                with suppress(OSError):  # it has gone, and is heard of by the reading
                    session.connection.settimeout(_SEND_SECONDS)
                    session.connection.sendall(answer)
            finally:
                with suppress(OSError):  # the listener has ended meanwhile
                    self._thread.post(partial(self._decided, session, conversation))

        self._workers.do(decide)
        # Postfix says nothing until it has the answer; that it has gone is heard afterwards.
        self._thread.leave(session.connection)
        self._deciding.add(session)

    def _decided(self, session: _Session, conversation: Conversation) -> None:
        session.connection.setblocking(False)
        self._deciding.discard(session)
        self._thread.watch(session.connection, partial(self._read, session))
        conversation.finished()
        self._take(session, b"")

    def _has_sent(self, session: _Session, answer: bytes) -> bool:
        """Send an answer, which fits into what the kernel holds for a connection that is read from."""
        try:
            return session.connection.send(answer) == len(answer)
        except OSError:
            return False

    def _hang_up(self, session: _Session) -> None:
        self._thread.leave(session.connection)
        self._forget(session)

    def _forget(self, session: _Session) -> None:
        session.connection.close()
        self._fresh.discard(session)
        self._sessions.discard(session)
        if session.conversation is not None:
            session.conversation.close()

    def _hang_up_on_all(self) -> None:
        for session in (*self._fresh, *(self._sessions - self._deciding)):
            self._hang_up(session)
        for session in tuple(self._deciding):
            # Its thread has the connection.
            with suppress(OSError):
                session.connection.shutdown(socket.SHUT_RDWR)

    def _leave(self, put: Callable[[str, socket.socket], None]) -> None:
        self._put = put
        for session in tuple(self._sessions - self._deciding):
            self._leave_if_free(session, put)

    def _leave_if_free(self, session: _Session, put: Callable[[str, socket.socket], None]) -> None:
        if session.agreed and session.conversation and session.conversation.is_between_messages:
            put(session.agreed.name, session.connection)
            self._hang_up(session)
