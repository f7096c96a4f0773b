"""What is negotiated with Postfix, and which part of a message is asked for."""

from pathlib import Path

import pytest

from domain_secure.milter.session import milter_protocol as protocol
from domain_secure.milter.session.callbacks import ACTIONS, Callbacks
from domain_secure.milter.session.delegation import DelegatedFacts
from domain_secure.milter.session.macros import MilterFacts
from domain_secure.milter.session.milter_protocol import CONTINUE, NO_ANSWER, SKIP, TEMPORARY_FAILURE, Offer

from unit.milter.answers import Answers
from unit.milter.edge import CIPHER, Edge

# Of all steps and options that Postfix 3.7 offers.
OFFERED = 0x1FFFFF
REQUIRING = '[partner."woodgrovebank.test"]\nrequire = ["dkim"]\n'
MACROS = {"{client_addr}": "192.0.2.1", "{client_port}": "40001", "j": "mx1.contoso.test"}


def session(folder: Path, settings: str = "", former: int | None = None) -> tuple[Callbacks, int]:
    """Return a negotiated session, and the steps that Postfix is to leave out."""
    callbacks = Callbacks(Edge(folder, settings).inbound)
    agreed = callbacks.negotiate(Offer(6, ACTIONS, OFFERED), former)
    assert agreed is not None
    return callbacks, agreed.steps


def test_messages_are_not_asked_for_where_nobody_must_sign(tmp_path: Path) -> None:
    """Without such a partner Postfix keeps header end and body to itself, and unlisted mail stays cheap."""
    _, left_out = session(tmp_path)
    assert left_out & protocol.NO_BODY
    assert left_out & protocol.NO_END_OF_HEADER
    assert not left_out & protocol.LEADING_SPACE


def test_messages_are_asked_for_where_a_partner_must_sign(tmp_path: Path) -> None:
    """Header end and body come, fields with their white space, and the body may be broken off."""
    _, left_out = session(tmp_path, REQUIRING)
    assert not left_out & (protocol.NO_BODY | protocol.NO_END_OF_HEADER)
    assert left_out & protocol.LEADING_SPACE
    assert left_out & protocol.SKIP_ALLOWED
    assert not left_out & protocol.UNANSWERED_BODY


ANSWERING = '[inbound]\nwhen_down = "defer-listed"\n'


@pytest.mark.parametrize("now", ["", REQUIRING, ANSWERING, REQUIRING + ANSWERING])
@pytest.mark.parametrize("then", ["", REQUIRING, ANSWERING, REQUIRING + ANSWERING])
def test_a_session_of_an_earlier_process_goes_on_as_it_began(tmp_path: Path, then: str, now: str) -> None:
    """Whatever the configuration asks for by now, Postfix waits for the answers that were agreed on."""
    _, agreed = session(tmp_path, then)
    callbacks, left_out = session(tmp_path, now, former=agreed)
    assert left_out == agreed
    assert callbacks.mail(MACROS, b"<x@other.test>") == (
        NO_ANSWER if agreed & protocol.UNANSWERED_MAIL else CONTINUE
    )


def test_steps_that_we_never_ask_for_are_not_taken(tmp_path: Path) -> None:
    """An earlier version may have wanted another session."""
    _, usual = session(tmp_path)
    assert session(tmp_path, former=OFFERED)[1] == usual


@pytest.mark.parametrize(
    ("author", "wanted"), [(b" x@other.test", SKIP), (b" x@woodgrovebank.test", CONTINUE)]
)
def test_body_is_taken_only_of_messages_that_need_it(tmp_path: Path, author: bytes, wanted: bytes) -> None:
    """Anybody else's is broken off at its first part."""
    callbacks, _ = session(tmp_path, REQUIRING)
    callbacks.mail(MACROS, b"<>")
    callbacks.header_field(b"From", author)
    callbacks.end_of_header()
    assert callbacks.body(b"Hello.\r\n") == wanted


def test_body_of_a_message_that_was_abandoned(tmp_path: Path) -> None:
    """What comes without a message is not wanted, and not kept."""
    callbacks, _ = session(tmp_path, REQUIRING)
    callbacks.mail(MACROS, b"<x@woodgrovebank.test>")
    callbacks.abort()
    callbacks.end_of_header()
    assert callbacks.body(b"Hello.\r\n") == SKIP
    assert callbacks.end_of_message("Q1") == TEMPORARY_FAILURE


@pytest.mark.parametrize(("settings", "space"), [("", ""), (REQUIRING, " ")])
def test_added_headers_have_one_space(tmp_path: Path, settings: str, space: str) -> None:
    """Whoever is given the space behind the colon has to give it, too."""
    observing = f'mode = "observe"\n{settings}'
    callbacks, _ = session(tmp_path, observing)
    callbacks.mail(MACROS, b"<x@woodgrovebank.test>")
    callbacks.header_field(b"From", b" x@woodgrovebank.test")
    callbacks.end_of_header()
    answers = Answers.of(callbacks.end_of_message("Q1"))
    assert answers.last == b"c"
    assert answers.added
    assert all(value.startswith((f"{space}fail", f"{space}mx1")) for _, value in answers.added)


def test_header_that_was_not_seen_to_its_end(tmp_path: Path) -> None:
    """Without the end of the header nobody can say that there is no signature: the message waits."""
    edge = Edge(tmp_path, REQUIRING)
    facts = MilterFacts("127.0.0.3", "40001", "TLSv1.3", CIPHER, None, None, False, "", "mx1.contoso.test")
    fingerprint = edge.know("woodgrovebank.test")
    words = []
    for begun in (False, True):
        edge.requests.remember(
            DelegatedFacts(
                "127.0.0.3", "40001", "Q1", "TLSv1.3", CIPHER, fingerprint, fingerprint, None, None
            )
        )
        transaction = edge.inbound.begin(facts, "<x@woodgrovebank.test>", sees_message=True)
        if begun:
            transaction.begin_body()
        words.append(str(edge.inbound.end(transaction, "Q1").reply))
    assert "(no-evidence)" in words[0]
    assert "(no-signature)" in words[1]
