"""The milter protocol as seen from outside a session."""

import socket

import pytest

from domain_secure.milter.daemon.milter_packets import (
    Negotiated,
    ends_message,
    is_between_messages,
    negotiated,
    read_packet,
)

REQUEST = b"\x00\x00\x00\x0dO\x00\x00\x00\x06\x00\x00\x01\xff\x00\x1f\xff\xff"
AGREED = b"O\x00\x00\x00\x06\x00\x00\x00\x11\x00\x0f\x00\x00"
ANSWER = b"\x00\x00\x00\x14" + AGREED + b"macros\0"


def test_what_was_agreed_is_a_name() -> None:
    """The name gives it back; another list of macros is another agreement."""
    agreed = negotiated(REQUEST, ANSWER)
    assert agreed is not None
    assert agreed == negotiated(REQUEST, ANSWER)
    assert agreed != negotiated(REQUEST, ANSWER[:-2] + b"x\0")
    assert len(agreed.name) < 256  # sd_notify(3), FDNAME
    assert Negotiated.of(agreed.name) == agreed
    assert agreed.steps == 0x0F0000


@pytest.mark.parametrize("name", ["session-", "session-00-00", "milter", "asking", ""])
def test_other_names_say_nothing(name: str) -> None:
    """Whatever else the manager kept is no session."""
    assert Negotiated.of(name) is None


@pytest.mark.parametrize(
    ("request_", "answer"),
    [(REQUEST, ANSWER[:10]), (REQUEST, b"\x00\x00\x00\x0dr" + AGREED[1:]), (b"GET / HTTP/1.1\r\n\r", ANSWER)],
)
def test_what_is_no_negotiation(request_: bytes, answer: bytes) -> None:
    """Neither side may say anything else."""
    assert negotiated(request_, answer) is None


@pytest.mark.parametrize(
    ("waiting", "free"),
    [
        (b"", True),
        (b"\x00\x00\x00\x20DM", True),
        (b"\x00\x00\x00\x01Q", True),
        (b"\x00\x00\x00\x01A", True),
        (b"\x00\x00\x00\x20DE", False),
        (b"\x00\x00\x00\x20M<", False),
        (b"\x00\x00\x00\x20L<", False),
        (b"{tls_v", False),
        (b"\x00\x00\x00\x20", False),
        (b"abcdDM", False),
    ],
)
def test_where_a_message_begins(waiting: bytes, free: bool) -> None:
    """Anything but the macros of MAIL, a reset or the end means that something was read already."""
    assert is_between_messages(waiting) is free


@pytest.mark.parametrize(
    ("command", "last"),
    [(b"c", True), (b"t", True), (b"r", True), (b"y", True), (b"i", False), (b"m", False), (b"p", False)],
)
def test_which_reply_is_the_last(command: bytes, last: bool) -> None:
    """Changes of the header and progress come before the answer itself."""
    assert ends_message(b"\x00\x00\x00\x01" + command) is last


def test_packets_are_read_whole() -> None:
    """However they arrive; an end in the middle is an error."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(ANSWER + REQUEST[:7])
        assert read_packet(ours) == ANSWER
        theirs.close()
        with pytest.raises(ConnectionAbortedError):
            read_packet(ours)
