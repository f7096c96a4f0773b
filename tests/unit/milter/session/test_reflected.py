"""Recipients as Postfix tells them: the reflector's letters, and what others' mail feels of it."""

from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

import pytest

from domain_secure.milter.knowledge.knowledge import CertificateKnowledge, StrangerSources
from domain_secure.milter.reflector.reflector import Reflector
from domain_secure.milter.session import milter_protocol as protocol
from domain_secure.milter.session.callbacks import ACTIONS, ACTIONS_ON_RECIPIENTS, Callbacks
from domain_secure.milter.session.delegation import DelegatedFacts
from domain_secure.milter.session.milter_protocol import CONTINUE, NO_ANSWER, SKIP, Offer
from domain_secure.policy.configuration.configuration import Configuration

from unit.milter.answers import Answers
from unit.milter.edge import CIPHER, Edge
from unit.milter.session.test_callbacks import MACROS, OFFERED

ADDRESS = "reflector@contoso.test"
SETTINGS = f'[reflector]\naddress = "{ADDRESS}"\n'
REFLECTOR, USER = f"<{ADDRESS}>".encode(), b"<user@contoso.test>"
CLIENT, PORT = "192.0.2.1", "40001"


OVER_TLS = MACROS | {"{tls_version}": "TLSv1.3", "{cipher}": CIPHER}
TAKEN, LET_IN, REFUSED = b"d", b"c", b"y"  #: last words at the end of a message


class Session:
    """A session of Woodgrove's, which proved to be it, with an edge that has a reflector or none."""

    def __init__(
        self,
        folder: Path,
        settings: str = SETTINGS,
        *,
        offered: int | None = None,
        former: int | None = None,
    ) -> None:
        self.edge = Edge(folder, settings)
        edge, knowledge = self.edge, CertificateKnowledge(self.edge.book)
        edge.inbound.reflector = Reflector(
            folder, knowledge, StrangerSources(), lambda _: None, edge.metrics, edge.logged.append
        )
        self.fingerprint = self.edge.know("woodgrovebank.test")
        self.callbacks = Callbacks(self.edge.inbound)
        actions = ACTIONS | ACTIONS_ON_RECIPIENTS if offered is None else offered
        agreed = self.callbacks.negotiate(Offer(6, actions, OFFERED), former)
        assert agreed is not None
        self.actions, self.left_out = agreed.actions, agreed.steps
        self.answers: list[Answers] = []  #: to each message at its end

    def message(self, *recipients: bytes, author: str = "admin@woodgrovebank.test", number: int = 1) -> bytes:
        """Pass a letter through, and return the last word at its end."""
        self.edge.requests.remember(
            DelegatedFacts(
                CLIENT, PORT, "Q1", "TLSv1.3", CIPHER, self.fingerprint, self.fingerprint, None, None
            )
        )
        callbacks = self.callbacks
        callbacks.mail(OVER_TLS, f"<{author}>".encode())
        for recipient in recipients:
            assert callbacks.recipient(recipient) == NO_ANSWER
        for name, body in (
            ("From", author),
            ("To", ADDRESS),
            ("Date", format_datetime(datetime.now(UTC))),
            ("Message-ID", f"<{number}@woodgrovebank.test>"),
        ):
            callbacks.header_field(name.encode(), f" {body}".encode())
        callbacks.end_of_header()
        self.body = callbacks.body(b"Hello.\r\n")
        self.answers.append(Answers.of(callbacks.end_of_message("Q1")))
        return self.answers[-1].last

    @property
    def removed(self) -> list[str]:
        """Return the recipients that were taken off."""
        return [recipient for answers in self.answers for recipient in answers.removed_recipients]

    @property
    def added(self) -> list[tuple[str, str]]:
        """Return the fields that were added."""
        return [one for answers in self.answers for one in answers.added]

    @property
    def outcomes(self) -> list[str]:
        """Return what became of letters, in order."""
        return [
            dict(event.pairs)["outcome"] for event in self.edge.logged if event.word == "reflector-letter"
        ]


def test_recipients_are_asked_for_only_where_there_is_a_reflector(tmp_path: Path) -> None:
    """Without one nothing is negotiated that was not before."""
    (tmp_path / "on").mkdir()
    (tmp_path / "off").mkdir()
    on, off = Session(tmp_path / "on"), Session(tmp_path / "off", "")
    assert off.left_out & protocol.NO_RCPT
    assert off.left_out & protocol.NO_BODY
    assert off.actions == ACTIONS
    assert not on.left_out & protocol.NO_RCPT
    assert on.left_out & protocol.UNANSWERED_RCPT
    assert on.actions == ACTIONS | ACTIONS_ON_RECIPIENTS


def test_a_postfix_that_removes_no_recipients_has_no_reflector(tmp_path: Path) -> None:
    """Letters are delivered like any other message then."""
    session = Session(tmp_path, offered=ACTIONS)
    assert session.left_out & protocol.NO_RCPT
    assert session.actions == ACTIONS


@pytest.mark.parametrize("then", ["", SETTINGS])
@pytest.mark.parametrize("now", ["", SETTINGS])
def test_a_session_of_an_earlier_process_goes_on_as_it_began(tmp_path: Path, then: str, now: str) -> None:
    """With recipients or without, whatever is configured by now."""
    (tmp_path / "then").mkdir()
    (tmp_path / "now").mkdir()
    began = Session(tmp_path / "then", then)
    goes_on = Session(tmp_path / "now", now, former=began.left_out)
    assert (goes_on.left_out, goes_on.actions) == (began.left_out, began.actions)


@pytest.mark.parametrize("spelling", [REFLECTOR, REFLECTOR.upper(), ADDRESS.encode()])
def test_a_letter_is_discarded_and_answered_once(tmp_path: Path, spelling: bytes) -> None:
    """In each spelling that is the same address; the second time it is taken, and that is all."""
    session = Session(tmp_path)
    assert session.message(spelling) == TAKEN
    assert session.body == CONTINUE
    assert session.message(spelling) == TAKEN
    assert session.outcomes == ["answered", "duplicate"]
    assert not session.added


def test_a_letter_that_is_not_answered_is_refused(tmp_path: Path) -> None:
    """With the reason, in its own session."""
    session = Session(tmp_path)
    assert session.message(REFLECTOR, author="admin@other.test") == REFUSED
    assert "nothing shows that it is from other.test" in session.answers[0].reply
    assert session.outcomes == ["unaligned"]


def test_what_is_not_answered_is_not_counted_as_received(tmp_path: Path) -> None:
    """A letter that passed and was refused by the reflector was not accepted: its record has the reply."""
    session = Session(tmp_path, f"{SETTINGS}per_author = 1\n")
    assert session.message(REFLECTOR, number=1) == TAKEN
    assert session.message(REFLECTOR, number=2) == REFUSED
    assert session.outcomes == ["answered", "author-limit"]
    counted = session.edge.metrics.exposition().decode()
    assert 'domain_secure_messages_received_total{domain="woodgrovebank.test"} 1\n' in counted
    assert [record.reply is None for record in session.edge.records] == [True, False]


def test_other_recipients_have_the_message(tmp_path: Path) -> None:
    """Marked as ever, answered or not."""
    session = Session(tmp_path)
    for number, author in enumerate(("admin@woodgrovebank.test", "admin@other.test")):
        assert session.message(REFLECTOR, USER, author=author, number=number) == LET_IN
    assert session.removed == [f"<{ADDRESS}>"] * 2
    assert len(session.added) == 2, "of the message that passed"
    assert session.outcomes == ["answered", "unaligned"]


def test_a_partners_rule_holds(tmp_path: Path) -> None:
    """A session that is not the partner's is refused by the rule, for all recipients."""
    session = Session(tmp_path)
    session.fingerprint = session.edge.know("evil.test")
    assert session.message(REFLECTOR, USER) == REFUSED
    assert "(name-mismatch)" in session.answers[0].reply
    assert not session.removed


def test_mail_to_others_costs_a_comparison(tmp_path: Path) -> None:
    """The body is broken off at its first part, and nothing is logged of a letter."""
    session = Session(tmp_path)
    assert session.message(USER, b"<areflector@contoso.test>", author="x@other.test") == LET_IN
    assert session.body == SKIP
    assert session.outcomes == []


def test_a_ledger_that_cannot_be_used_answers_nobody(tmp_path: Path) -> None:
    """It is for now, and the log names the file."""
    session = Session(tmp_path)
    (tmp_path / "reflector.sqlite").write_bytes(b"not a database, and long enough to be looked at" * 100)
    assert session.message(REFLECTOR) == REFUSED
    assert session.outcomes == ["fault"]
    assert any("reflector.sqlite" in str(event) for event in session.edge.logged)
    assert "reflector.sqlite" not in session.answers[0].reply


@pytest.mark.parametrize("fault", [False, True])
def test_where_postfix_takes_two_for_one_nobody_is_removed(tmp_path: Path, fault: bool) -> None:
    """Or where nobody knows whether it does: the other one's mail would go with the reflector's."""
    session = Session(tmp_path)
    assert session.edge.inbound.reflector is not None

    def asked(_: Configuration) -> bool:
        if fault:
            raise OSError("postconf does not start")
        return False

    session.edge.inbound.reflector.keeps_recipients_apart = asked
    assert session.message(REFLECTOR, USER) == LET_IN
    assert session.removed == []
    assert session.message(REFLECTOR, number=2) == TAKEN


def test_a_letter_that_found_no_room_is_answered_when_it_comes_again(tmp_path: Path) -> None:
    """Between the look at who waits and the place among them somebody else may have come."""
    session = Session(tmp_path)
    reflector = session.edge.inbound.reflector
    assert reflector is not None
    answering = reflector._answering
    with pytest.MonkeyPatch.context() as full:
        full.setattr(answering, "put", lambda _: False)
        assert session.message(REFLECTOR) == REFUSED
    assert session.message(REFLECTOR) == TAKEN
    assert session.outcomes == ["busy", "answered"]
