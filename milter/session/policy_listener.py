"""The policy delegation listener: passes on what it is told, and answers at once.

Runs an event loop of its own in a thread of its own.  Must not decide anything about a message.
"""

import asyncio
import errno
import os
import socket
import threading
from collections.abc import Callable
from contextlib import suppress

from domain_secure.policy.terms.event import Event

from . import events
from .delegation import DelegatedFacts, MalformedRequestError, RequestReader, reply

# Postfix keeps one connection a smtpd process; more than this is not Postfix (default_process_limit is 100).
CONNECTION_LIMIT = 4096
_ROOM = 8  #: for the daemon itself, which asks whether this listener answers
# asyncio's own server asks accept(2) as often as its backlog is long where there is no descriptor, and writes
# a traceback each time; so accepting is done here.
_PAUSE_SECONDS = 0.5
_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class _Connection(asyncio.Protocol):
    def __init__(self, listener: "PolicyListener") -> None:
        self._listener = listener
        self._reader = RequestReader()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - a stream server makes nothing else
        self._transport = transport
        self._listener.connections.add(self)
        if len(self._listener.connections) > self._listener.limit + _ROOM:
            transport.abort()

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None  # noqa: S101 - the event loop's order of calls
        try:
            for facts in self._reader.feed(data):
                self._transport.write(reply(self._listener.answer(facts)))
        except MalformedRequestError as error:
            self._listener.log(events.malformed_delegation(str(error)))
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._listener.connections.discard(self)

    def abort(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.abort()

    def leave(self) -> socket.socket | None:
        """Stop reading; return the connection where every request was answered, None in the middle of one."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return None
        transport.pause_reading()
        if not self._reader.is_between_requests or transport.get_write_buffer_size():
            return None
        own: socket.socket = transport.get_extra_info("socket")
        return socket.socket(fileno=os.dup(own.fileno()))


class PolicyListener:
    """Serves the delegation protocol on *listening*, a bound stream socket, until stopped.

    *answer* is given each request's facts, in the listener's thread, and returns the action at once.
    """

    def __init__(
        self,
        listening: socket.socket,
        answer: Callable[[DelegatedFacts], str],
        log: Callable[[Event], None],
        limit: int = CONNECTION_LIMIT,
    ) -> None:
        self.answer = answer
        self.log = log
        self.limit = limit
        self.connections: set[_Connection] = set()
        self._listening = listening
        self._is_accepting = False
        self._tasks: set[asyncio.Task[object]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="policy-listener", daemon=True)

    def start(self) -> None:
        """Start serving in a thread of its own."""
        self._thread.start()

    def move_to(self, listening: socket.socket) -> None:
        """Accept on *listening* from now on, and close the former socket; connections stay."""
        asyncio.run_coroutine_threadsafe(self._accept_on(listening), self._loop).result()

    async def _accept_on(self, listening: socket.socket) -> None:
        former = self._listening
        self._stop_accepting()
        listening.setblocking(False)
        self._listening, self._is_accepting = listening, True
        self._loop.add_reader(listening, self._accept)
        if former is not listening:
            former.close()

    def _stop_accepting(self) -> None:
        self._is_accepting = False
        with suppress(ValueError):  # it was closed
            self._loop.remove_reader(self._listening)

    def _accept(self) -> None:
        try:
            connection, _ = self._listening.accept()
        except (BlockingIOError, ConnectionAbortedError, InterruptedError):
            return
        except OSError as error:
            if error.errno not in _EXHAUSTED:
                raise
            self._loop.remove_reader(self._listening)
            self._loop.call_later(_PAUSE_SECONDS, self._accept_again, self._listening)
            self.log(events.descriptors_exhausted("policy"))
            return
        connection.setblocking(False)
        task = self._loop.create_task(
            self._loop.connect_accepted_socket(lambda: _Connection(self), connection)
        )
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _accept_again(self, listening: socket.socket) -> None:
        if self._is_accepting and listening is self._listening:
            self._loop.add_reader(listening, self._accept)

    def adopt(self, connection: socket.socket) -> None:
        """Serve a connection of an earlier process."""
        asyncio.run_coroutine_threadsafe(
            self._loop.connect_accepted_socket(lambda: _Connection(self), connection), self._loop
        ).result()

    def leave(self, put: Callable[[socket.socket], None]) -> None:
        """Accept and read no more, and give *put* each connection on which every request was answered."""
        asyncio.run_coroutine_threadsafe(self._leave(put), self._loop).result()

    async def _leave(self, put: Callable[[socket.socket], None]) -> None:
        self._stop_accepting()
        for connection in tuple(self.connections):
            left = connection.leave()
            if left is not None:
                with left:
                    put(left)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._accept_on(self._listening))
        self._loop.run_forever()
        self._stop_accepting()
        self._listening.close()
        for connection in tuple(self.connections):
            connection.abort()
        # What was aborted is told so, and closed, in the loop's next round.
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    def stop(self) -> None:
        """End the service and every connection; waits until it is done."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    @property
    def is_alive(self) -> bool:
        """Tell whether the thread runs; whether it answers is another question."""
        return self._thread.is_alive()
