"""The octets of one milter session: what Postfix sends becomes calls, and what these return becomes octets.

Owns: where a packet ends, and which macros belong to which event.  Must not know: sockets, threads.
Invariant: an event sees the macros that came with it alone; what is no packet of the protocol raises.
"""

from collections.abc import Callable, Mapping, Sequence
from struct import Struct
from typing import ClassVar

from . import milter_protocol as protocol
from .callbacks import Callbacks
from .macros import END_OF_MESSAGE_MACROS, MAIL_MACROS
from .milter_protocol import (
    CONTINUE,
    HEADER,
    MACRO,
    NO_ANSWER,
    PACKET_LIMIT,
    MalformedPacketError,
    texts_of,
)

_LENGTH = Struct("!I").unpack_from
_SHORTEST = HEADER + 1
_MACROS = ((protocol.MACROS_AT_MAIL, MAIL_MACROS), (protocol.MACROS_AT_END, END_OF_MESSAGE_MACROS))
_WITH_MACROS = frozenset({protocol.MAIL, protocol.END_OF_MESSAGE})
_NO_MACROS: Mapping[str, str] = {}


class Conversation:
    """One session from its negotiation on, with its *callbacks*.

    `negotiate` comes first, then `feed` with whatever comes; where that leaves it *at_end_of_message*,
    `finish_at_once`, or else `finish`, which may take its time, and `finished` go before anything else.
    """

    def __init__(self, callbacks: Callbacks) -> None:
        self._callbacks = callbacks
        self._rest = b""
        self._macros: bytes | None = None
        self.has_ended = False
        self.at_end_of_message = False

    def negotiate(self, packet: bytes, former: int | None = None) -> bytes | None:
        """Return the answer to a negotiation; None where Postfix offers less than it takes.

        Raises MalformedPacketError.  *former* is `Callbacks.negotiate`'s.
        """
        agreed = self._callbacks.negotiate(protocol.read_offer(packet), former)
        return None if agreed is None else protocol.agreement(agreed, _MACROS)

    @property
    def is_between_messages(self) -> bool:
        """Tell whether another process could go on with the next octet."""
        return (
            not self._rest
            and self._macros is None
            and not self.at_end_of_message
            and self._callbacks.is_between_messages
        )

    def feed(self, octets: bytes) -> bytes:
        """Take in what came, and return what is to be sent; raises MalformedPacketError."""
        buffer = self._rest + octets if self._rest else octets
        answers, at, last = b"", 0, len(buffer) - _SHORTEST
        events = self._events
        while at <= last and not (self.at_end_of_message or self.has_ended):
            (length,) = _LENGTH(buffer, at)
            if not 0 < length <= PACKET_LIMIT:
                raise MalformedPacketError(f"packet of {length} octets")
            after = at + HEADER + length
            if after > last + _SHORTEST:
                break
            command = buffer[at + HEADER]
            # Macros come with each event, header fields and those we do without included.
            if command == MACRO:
                if length > 1 and buffer[at + _SHORTEST] in _WITH_MACROS:
                    self._macros = buffer[at + _SHORTEST : after]
            elif (event := events.get(command)) is not None:
                answers += event(self, buffer[at + _SHORTEST : after])
            else:
                raise MalformedPacketError(f"no command: {command}")
            at = after
        self._rest = buffer[at:]
        return answers

    def finish_at_once(self) -> bytes | None:
        """Decide about the message, and return what is to be sent; None: that takes `finish`, and time."""
        return self._callbacks.end_of_message_at_once(self._queue_id)

    def finish(self) -> bytes:
        """Decide about the message, and return what is to be sent; may wait for whatever decides it."""
        return self._callbacks.end_of_message(self._queue_id)

    def finished(self) -> None:
        """Note that the answer was sent; what came meanwhile is for the next `feed`."""
        self._macros = None
        self.at_end_of_message = False
        self._callbacks.message_ended()

    @property
    def _queue_id(self) -> str:
        return self._macros_of(protocol.END_OF_MESSAGE).get("i", "")

    def close(self) -> None:
        """Forget the session."""
        self._callbacks.close()

    def _mail(self, data: bytes) -> bytes:
        macros, self._macros = self._macros_of(protocol.MAIL), None
        return self._callbacks.mail(macros, texts_of(data)[0])

    def _header_field(self, data: bytes) -> bytes:
        name, _, value = data.partition(b"\0")
        if value[-1:] != b"\0":
            raise MalformedPacketError("a header field without its end")
        return self._callbacks.header_field(name, value[:-1])

    def _recipient(self, data: bytes) -> bytes:
        return self._callbacks.recipient(texts_of(data)[0])

    def _end_of_header(self, _: bytes) -> bytes:
        return self._callbacks.end_of_header()

    def _body(self, data: bytes) -> bytes:
        return self._callbacks.body(data)

    def _end_of_message(self, data: bytes) -> bytes:
        if data:
            self._callbacks.body(data)
        self.at_end_of_message = True
        return NO_ANSWER

    def _unasked(self, _: bytes) -> bytes:
        # Who cannot leave it out waits for an answer.
        return CONTINUE

    def _abort(self, _: bytes) -> bytes:
        self._macros = None
        self._callbacks.abort()
        return NO_ANSWER

    def _quit(self, _: bytes) -> bytes:
        self.has_ended = True
        return NO_ANSWER

    def _macros_of(self, event: int) -> Mapping[str, str]:
        """Return the macros that came with this *event*; one that is not UTF-8 is not said.

        Postfix passes a certificate's common name on as it stands.
        """
        if self._macros is None or self._macros[0] != event:
            return _NO_MACROS
        octets = self._macros[1:]
        try:
            texts = octets.decode().split("\0")
        except UnicodeDecodeError:
            return _decodable(octets.split(b"\0"))
        return dict(zip(texts[::2], texts[1::2], strict=False))

    _events: ClassVar[dict[int, Callable[["Conversation", bytes], bytes]]] = {
        protocol.MAIL: _mail,
        protocol.RCPT: _recipient,
        protocol.HEADER_FIELD: _header_field,
        protocol.END_OF_HEADER: _end_of_header,
        protocol.BODY: _body,
        protocol.END_OF_MESSAGE: _end_of_message,
        protocol.ABORT: _abort,
        protocol.QUIT: _quit,
        protocol.QUIT_AND_GO_ON: _quit,
        **dict.fromkeys((protocol.CONNECT, protocol.HELO, protocol.DATA, protocol.UNKNOWN), _unasked),
    }


def _decodable(texts: Sequence[bytes]) -> dict[str, str]:
    said = {}
    for name, value in zip(texts[::2], texts[1::2], strict=False):
        try:
            said[name.decode()] = value.decode()
        except UnicodeDecodeError:
            continue
    return said
