"""The policy delegation listener: passes on what it is told, and answers at once.

Runs an event loop of its own in a thread of its own.  Must not decide anything about a message.
"""

import asyncio
import os
import socket
import threading
from collections.abc import Callable

from domain_secure.policy.terms.event import Event

from . import events
from .delegation import DelegatedFacts, MalformedRequestError, RequestReader, reply

# Postfix keeps one connection a smtpd process; more than this is not Postfix (default_process_limit is 100).
CONNECTION_LIMIT = 4096
# asyncio calls listen(2) once more, with a number of its own unless told.
_BACKLOG = 4096


class _Connection(asyncio.Protocol):
    def __init__(self, listener: "PolicyListener") -> None:
        self._listener = listener
        self._reader = RequestReader()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - a stream server makes nothing else
        self._transport = transport
        self._listener.connections.add(self)
        if len(self._listener.connections) > CONNECTION_LIMIT:
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
    ) -> None:
        self.answer = answer
        self.log = log
        self.connections: set[_Connection] = set()
        self._listening = listening
        self._server: asyncio.Server | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="policy-listener", daemon=True)

    def start(self) -> None:
        """Start serving in a thread of its own."""
        self._thread.start()

    def move_to(self, listening: socket.socket) -> None:
        """Accept on *listening* from now on, and close the former socket; connections stay."""
        asyncio.run_coroutine_threadsafe(self._accept_on(listening), self._loop).result()

    async def _accept_on(self, listening: socket.socket) -> None:
        former = self._server
        self._server = await self._loop.create_server(
            lambda: _Connection(self), sock=listening, backlog=_BACKLOG
        )
        if former is not None:
            former.close()

    def adopt(self, connection: socket.socket) -> None:
        """Serve a connection of an earlier process."""
        asyncio.run_coroutine_threadsafe(
            self._loop.connect_accepted_socket(lambda: _Connection(self), connection), self._loop
        ).result()

    def leave(self, put: Callable[[socket.socket], None]) -> None:
        """Accept and read no more, and give *put* each connection on which every request was answered."""
        asyncio.run_coroutine_threadsafe(self._leave(put), self._loop).result()

    async def _leave(self, put: Callable[[socket.socket], None]) -> None:
        if self._server is not None:
            self._server.close()
        for connection in tuple(self.connections):
            left = connection.leave()
            if left is not None:
                with left:
                    put(left)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._accept_on(self._listening))
        self._loop.run_forever()
        assert self._server is not None  # noqa: S101 - made above
        self._server.close()
        for connection in tuple(self.connections):
            connection.abort()
        self._loop.run_until_complete(self._server.wait_closed())
        self._loop.close()

    def stop(self) -> None:
        """End the service and every connection; waits until it is done."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    @property
    def is_alive(self) -> bool:
        """Tell whether the thread runs; whether it answers is another question."""
        return self._thread.is_alive()
