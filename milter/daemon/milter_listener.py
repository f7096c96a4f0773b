"""libmilter as a listener of ours: which socket it accepts on, and which descriptor belongs to which session.

libmilter opens its listening socket itself, accepts, and tells nobody which descriptor a session has.  So it
listens where only this process connects.  A connection of Postfix is accepted here; once it begins to
negotiate, one of our own is made to libmilter, which negotiates in its place, and then the descriptor that
libmilter holds is made to stand for Postfix's connection (dup2(2)).  From there on libmilter and Postfix talk
without anybody in between, and the session may be taken out of libmilter again (``session_transfer``).
Owns: the callbacks' registration, both threads, the sockets.
Sources: libmilter's listener.c and worker.c (8.17, 8.18), built with ``_FFR_WORKERS_POOL`` as Debian does: a
session's descriptor is used in poll(2), read(2), write(2) and close(2) alone, and is read from only where
poll(2) says that there is something.
"""

import os
import socket
import threading
from collections.abc import Callable
from contextlib import suppress

import milter as libmilter
from Milter import close_callback

from domain_secure.milter.session.callbacks import ACTIONS, ACTIONS_ON_RECIPIENTS, Callbacks
from domain_secure.milter.session.open_sessions import OpenSession
from domain_secure.milter.session.selector_thread import SelectorThread

from .descriptors import is_of_this_process
from .libmilter_socket import descriptor_of, listen_privately
from .milter_packets import HEADER, NEGOTIATION, Negotiated, negotiated, read_packet

# libmilter is in this process and waits for nobody before it answers.
_ANSWER_SECONDS = 10.0


class MilterListener:
    """Accepts milter sessions on *listening*, a bound stream socket, and makes an object for each.

    There can be one in a process: libmilter keeps everything in global variables.
    *ended* is called when it ends by itself.  Raises Problem.  While it *is_full*, which is given how many
    have not negotiated yet, whoever comes is hung up on, which Postfix answers with 451; *exhausted* is
    called where the kernel has no descriptor left.
    """

    def __init__(
        self,
        listening: socket.socket,
        session: Callable[[], Callbacks],
        ended: Callable[[], None],
        is_full: Callable[[int], bool] = lambda _: False,
        exhausted: Callable[[], None] = lambda: None,
    ) -> None:
        self._is_full = is_full
        self._session = session
        self._ended = ended
        self._register()
        self._private = listen_privately()
        self._begun: dict[socket.socket, bytes] = {}  #: who connected, and what came of the negotiation
        self._former: Negotiated | None = None  #: what was agreed on in the session that is about to go on
        self._latest: OpenSession | None = None
        self._accepting = SelectorThread("milter", listening, self._accepted, exhausted, ended)
        self._serving = threading.Thread(target=self._run_libmilter, name="libmilter", daemon=True)
        self._error: BaseException | None = None

    def start(self) -> None:
        """Start serving in threads of our own."""
        self._serving.start()
        self._accepting.start()

    def move_to(self, listening: socket.socket) -> None:
        """Accept on *listening* from now on, and close the former socket; sessions go on."""
        self._accepting.move_to(listening)

    def stop_accepting(self) -> tuple[socket.socket, ...]:
        """Leave new connections in their queue; return those accepted already that said nothing yet."""
        return self._accepting.do(self._stop_accepting)

    def adopt(self, connection: socket.socket, former: Negotiated | None) -> None:
        """Go on with a session of an earlier process, between two messages; None: it has not negotiated yet.

        Where libmilter would not agree on the same as then, Postfix is hung up on.
        """
        if former is None:
            self._accepting.do(lambda: self._await(connection))
        else:
            self._accepting.do(lambda: self._go_on(connection, former))

    @property
    def is_alive(self) -> bool:
        """Tell whether the threads run; whether they answer is another question."""
        return self._serving.is_alive() and self._accepting.is_alive

    @property
    def error(self) -> BaseException | None:
        """Return what ended a thread, if anything did."""
        return self._error or self._accepting.error

    def _register(self) -> None:
        libmilter.set_flags(ACTIONS | ACTIONS_ON_RECIPIENTS)
        libmilter.set_envfrom_callback(lambda context, *words: context.getpriv().envfrom_bytes(*words))
        libmilter.set_envrcpt_callback(lambda context, *words: context.getpriv().envrcpt_bytes(*words))
        libmilter.set_header_callback(
            lambda context, name, value: context.getpriv().header_bytes(name, value)
        )
        libmilter.set_eoh_callback(lambda context: context.getpriv().eoh())
        libmilter.set_body_callback(lambda context, chunk: context.getpriv().body(chunk))
        libmilter.set_eom_callback(lambda context: context.getpriv().eom())
        libmilter.set_abort_callback(lambda context: context.getpriv().abort())
        libmilter.set_close_callback(close_callback)
        libmilter.set_exception_policy(libmilter.TEMPFAIL)
        libmilter.register("domain-secure", negotiate=self._negotiate)

    def _negotiate(self, context: object, options: list[int]) -> int:
        callbacks = self._session()
        callbacks._setctx(context)  # noqa: SLF001 - pymilter's own way to bind a session to its object
        answer = callbacks.negotiate(options, None if self._former is None else self._former.steps)
        self._latest = callbacks.session
        return answer

    def _run_libmilter(self) -> None:
        # libmilter waits for signals in a thread of its own, and would take SIGHUP for an order to stop.
        # The kernel offers a signal to the main thread first, whose mask stays as Python left it.
        try:
            libmilter.main()
        except libmilter.error as error:
            self._error = error
        self._ended()

    def _stop_accepting(self) -> tuple[socket.socket, ...]:
        self._accepting.stop_accepting()
        fresh = tuple(connection for connection, said in self._begun.items() if not said)
        for connection in fresh:
            self._accepting.leave(connection)
            del self._begun[connection]
        return fresh

    def _accepted(self, connection: socket.socket) -> None:
        # Whether it answers is asked by this process itself, and no matter of room.
        if not is_of_this_process(connection) and self._is_full(len(self._begun)):
            connection.close()
        else:
            self._await(connection)

    def _await(self, connection: socket.socket) -> None:
        self._begun[connection] = b""
        self._accepting.watch(connection, lambda: self._read(connection))

    def _read(self, connection: socket.socket) -> None:
        """Take in what a connection says until it has said all that the negotiation takes."""
        try:
            said = connection.recv(HEADER + NEGOTIATION - len(self._begun[connection]), socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        except OSError:
            said = b""
        self._begun[connection] += said
        is_whole = len(self._begun[connection]) == HEADER + NEGOTIATION
        if said and not is_whole:
            return
        self._accepting.leave(connection)
        request = self._begun.pop(connection)
        with connection:
            if is_whole and said:
                self._insert(connection, request)

    def _insert(self, connection: socket.socket, request: bytes) -> None:
        with suppress(OSError):
            agreed, answer = self._enter(connection, request)
            if agreed is not None:
                connection.sendall(answer)

    def _go_on(self, connection: socket.socket, former: Negotiated) -> None:
        with connection, suppress(OSError):
            self._former = former
            try:
                agreed, _ = self._enter(connection, former.request)
            finally:
                self._former = None
            if agreed != former:
                connection.shutdown(socket.SHUT_RDWR)

    def _enter(self, connection: socket.socket, request: bytes) -> tuple[Negotiated | None, bytes]:
        """Make *connection* a session of libmilter; return what was agreed on, and libmilter's answer."""
        with socket.socket(socket.AF_UNIX) as inner:
            inner.settimeout(_ANSWER_SECONDS)
            inner.bind("")  # to a name of its own, by which libmilter's end is found
            inner.connect(self._private)
            inner.sendall(request)
            answer = read_packet(inner)
            agreed, session, self._latest = negotiated(request, answer), self._latest, None
            if agreed is None or session is None:
                return None, answer
            descriptor = descriptor_of(inner.getsockname(), inner.fileno())
            connection.setblocking(True)
            os.dup2(connection.fileno(), descriptor, inheritable=False)
            session.enter(descriptor, agreed.name)
            # libmilter still waits for the end of ours; its end lets it look at Postfix's.
            return agreed, answer
