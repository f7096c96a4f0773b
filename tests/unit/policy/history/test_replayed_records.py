"""Records of the history, judged again."""

from datetime import timedelta

import pytest

from domain_secure.policy.certificates.certificate import read_certificates
from domain_secure.policy.certificates.path_validation import TrustAnchors
from domain_secure.policy.configuration.configuration import LogLevel
from domain_secure.policy.dane.tlsa import TlsaAnswer
from domain_secure.policy.decision.decision import Inquiries, decide_with
from domain_secure.policy.history.history import Record
from domain_secure.policy.history.replay import Replayer
from domain_secure.policy.history.replayed_records import replays
from domain_secure.policy.record.decision_document import KIND, decision_document
from domain_secure.policy.record.decision_record import DecisionRecord
from domain_secure.policy.terms.direction import Direction

from lab.certificates import Authority
from unit.policy.builders import claim, configuration, session

AUTHORITY = Authority.create("Lab CA")
CHAIN = read_certificates(AUTHORITY.issue("x", dns_names=("mail.woodgrovebank.test",)).certificate_pem)
TIME = CHAIN[0].not_before + timedelta(days=1)
PLAIN = configuration()
REPLAYER = Replayer(PLAIN, TrustAnchors.load(AUTHORITY.certificate_pem), lambda _: CHAIN)


def unknown_then() -> Record:
    """Return the record of a message whose certificate nobody knew."""
    shown = session(certificate_pin=CHAIN[0].certificate_pin, public_key_pin=CHAIN[0].public_key_pin)
    inquiries = Inquiries(lambda _: None, lambda entries: dict.fromkeys(entries, TlsaAnswer()), lambda: None)
    decision = decide_with(inquiries, [claim()], shown, PLAIN, TIME)
    made = DecisionRecord(TIME, "Q1", "192.0.2.7", "1", decision, None, 0.0)
    document = decision_document(made, LogLevel.NORMAL)
    return Record(1, TIME, Direction.RECEIVE, KIND, "Q1", decision.verdict.word, document)


@pytest.mark.parametrize(("known_since", "verdict"), [(False, "unknown-certificate"), (True, "pass")])
def test_a_certificate_that_is_known_by_now(*, known_since: bool, verdict: str) -> None:
    """It counts where the question is what would become of the same message today, and nowhere else."""
    ((_, replay),) = replays([unknown_then()], REPLAYER, known_since=known_since)
    assert replay is not None
    assert replay.decision.verdict.word == verdict
    assert replay.is_certain


def test_what_cannot_be_read_is_told() -> None:
    """A record of another version stays in the sequence, without a decision."""
    record = Record(1, TIME, Direction.RECEIVE, KIND, "Q1", "pass", {})
    assert list(replays([record], REPLAYER)) == [(record, None)]
