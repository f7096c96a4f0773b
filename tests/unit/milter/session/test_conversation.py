"""Octets of a milter session, however they are split, and what is none."""

import struct
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain_secure.milter.session.callbacks import Callbacks
from domain_secure.milter.session.conversation import Conversation
from domain_secure.milter.session.milter_protocol import (
    PACKET_LIMIT,
    MalformedPacketError,
    packet,
    reply,
)

from unit.milter.answers import Answers
from unit.milter.edge import Edge

# What libmilter 8.17 answers to Postfix 3.7, to the octet, so that sessions of earlier versions go on.
OFFER = b"\0\0\0\x0dO\0\0\0\x06\0\0\x01\xff\0\x1f\xff\xff"
AGREED = (
    b"\0\0\0\xabO\0\0\0\x06\0\0\0\x11\0\0C\xdb"
    b"\0\0\0\x02{tls_version} {cipher} {cert_subject} {cert_issuer} {client_addr} {client_port} {daemon_addr}"
    b" {daemon_port} {auth_type} {auth_authen} {mail_addr} j\0\0\0\0\x05i\0"
)
MAIL_MACROS = b"M{client_addr}\000192.0.2.1\0{client_port}\0004\0j\0mx1.contoso.test\0"
LISTED, OTHER = (
    packet(b"D", MAIL_MACROS)
    + packet(b"M", b"<x@%s>\0SIZE=4\0" % domain)
    + packet(b"D", b"L")
    + packet(b"L", b"From\0x@%s\0" % domain)
    + packet(b"D", b"L")
    + packet(b"L", b"X-Domain-Secure\0pass\0")
    + packet(b"D", b"Ei\0Q1\0")
    + packet(b"E")
    for domain in (b"woodgrovebank.test", b"other.test")
)


def conversation(folder: Path, text: str = "") -> Conversation:
    """Return one that has been negotiated."""
    made = Conversation(Callbacks(Edge(folder, text).inbound))
    assert made.negotiate(OFFER) is not None
    return made


def finished(session: Conversation) -> Answers:
    """Return what is answered to the message that has just ended."""
    assert session.at_end_of_message
    answers = Answers.of(session.finish_at_once() or session.finish())
    session.finished()
    return answers


def test_negotiation_is_libmilters_to_the_octet(tmp_path: Path) -> None:
    """A session that an earlier version began goes on after an upgrade."""
    assert Conversation(Callbacks(Edge(tmp_path).inbound)).negotiate(OFFER) == AGREED


def test_a_postfix_that_changes_no_header_is_turned_away(tmp_path: Path) -> None:
    """Without that no message can be marked."""
    offer = OFFER[:12] + b"\x2f" + OFFER[13:]
    assert Conversation(Callbacks(Edge(tmp_path).inbound)).negotiate(offer) is None


@pytest.mark.parametrize("offer", [OFFER[:-1], b"GET / HTTP/1.1\r\n\r", OFFER.replace(b"O", b"M")])
def test_what_is_no_negotiation(tmp_path: Path, offer: bytes) -> None:
    """Whoever begins otherwise is no Postfix."""
    with pytest.raises(MalformedPacketError):
        Conversation(Callbacks(Edge(tmp_path).inbound)).negotiate(offer)


@pytest.mark.parametrize("size", [1, 2, 7, 64, 10_000])
def test_messages_come_in_any_pieces(tmp_path: Path, size: int) -> None:
    """One session, two messages of a partner's and of somebody else."""
    session = conversation(tmp_path)
    seen = []
    stream = LISTED + OTHER
    for at in range(0, len(stream), size):
        assert session.feed(stream[at : at + size]) == b""
        while session.at_end_of_message:
            assert not session.is_between_messages
            seen.append(finished(session))
            assert session.feed(b"") == b""
    assert session.is_between_messages
    assert [answers.last for answers in seen] == [b"y", b"c"]
    assert "(no-tls) [ref Q1]" in seen[0].reply
    assert seen[1].removed == [("X-Domain-Secure", 1)]


def test_what_has_to_be_looked_up_is_not_decided_at_once(tmp_path: Path) -> None:
    """Whose the first forgery is, a file tells; anybody else's message, and the second, take no time."""
    session = conversation(tmp_path)
    for message, waits in ((LISTED, True), (OTHER, False), (LISTED, False)):
        session.feed(message)
        assert (session.finish_at_once() is None) is waits
        if waits:
            assert Answers.of(session.finish()).last == b"y"
        session.finished()


def test_macros_belong_to_their_event(tmp_path: Path) -> None:
    """Neither another message's nor another stage's are taken: the queue id is unknown then."""
    session = conversation(tmp_path)
    session.feed(LISTED)
    assert "[ref Q1]" in finished(session).reply
    mail = packet(b"M", b"<x@woodgrovebank.test>\0")
    session.feed(mail + packet(b"D", b"Mi\0Q2\0") + packet(b"E"))
    assert "[ref unknown]" in finished(session).reply


def test_a_macro_that_is_not_utf8_is_not_said(tmp_path: Path) -> None:
    """Postfix passes a certificate's common name on as it stands."""
    session = conversation(tmp_path)
    session.feed(packet(b"D", b"M{cert_subject}\0\xff\0{tls_version}\0TLSv1.3\0{cipher}\0X\0"))
    session.feed(packet(b"M", b"<x@woodgrovebank.test>\0") + packet(b"D", b"Ei\0Q1\0") + packet(b"E"))
    assert "(no-evidence)" in finished(session).reply, "a TLS session, of which nothing was said elsewhere"


def test_a_message_without_its_beginning_waits(tmp_path: Path) -> None:
    """Nobody knows what it claims."""
    session = conversation(tmp_path)
    session.feed(packet(b"M", b"<x@woodgrovebank.test>\0") + packet(b"A") + packet(b"E"))
    assert finished(session).last == b"t"


def test_where_another_process_may_go_on(tmp_path: Path) -> None:
    """Neither in a message, nor with a part of the next one read."""
    session = conversation(tmp_path)
    assert session.is_between_messages
    for octets, is_between in (
        (packet(b"D", MAIL_MACROS), False),
        (packet(b"M", b"<>\0"), False),
        (packet(b"A"), True),
        (LISTED[:5], False),
    ):
        session.feed(octets)
        assert session.is_between_messages is is_between, octets


def test_what_was_not_asked_for_is_answered(tmp_path: Path) -> None:
    """Who cannot leave a step out waits."""
    session = conversation(tmp_path)
    for command in b"CHTU":
        assert session.feed(packet(bytes([command]), b"x\0")) == packet(b"c")


def test_an_orderly_end(tmp_path: Path) -> None:
    """What comes behind it is not looked at."""
    session = conversation(tmp_path)
    session.feed(packet(b"Q") + b"\0\0\0\0")
    assert session.has_ended


@pytest.mark.parametrize(
    "octets",
    [
        struct.pack("!I", 0) + b"E",
        struct.pack("!I", PACKET_LIMIT + 1) + b"L",
        packet(b"Z"),
        packet(b"O", b"\0" * 12),
        packet(b"M", b"<x@woodgrovebank.test>"),
        packet(b"M"),
        packet(b"L", b"From\0"),
        packet(b"L", b"From"),
        packet(b"R"),
    ],
)
def test_what_is_no_packet(tmp_path: Path, octets: bytes) -> None:
    """It ends the session, and Postfix does what it does without a milter."""
    with pytest.raises(MalformedPacketError):
        conversation(tmp_path).feed(octets)


COMMANDS = st.sampled_from([b"%c" % command for command in b"ABCDEHLMNRTU"])


@given(st.lists(st.binary(max_size=40) | st.builds(packet, COMMANDS, st.binary(max_size=30))))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_octets(tmp_path: Path, pieces: list[bytes]) -> None:
    """They are taken, or refused as no packets; nothing else comes of them, and no mark."""
    session = conversation(tmp_path)
    try:
        for octets in pieces:
            session.feed(octets)
            while session.at_end_of_message:
                assert b"X-Domain-Secure" not in (session.finish_at_once() or session.finish())
                session.finished()
                session.feed(b"")
    except MalformedPacketError:
        pass


@pytest.mark.parametrize("text", ["a\r\nb", "a\0"])
def test_a_reply_has_one_line(text: str) -> None:
    """Whatever it is made of, it must not begin another one."""
    with pytest.raises(ValueError, match="no single line"):
        reply("550", "5.7.1", text)
