"""Joining the two doors: what fits together, and what is forgotten."""

import pytest

from domain_secure.milter.session.delegation import DelegatedFacts
from domain_secure.milter.session.joined import RecentRequests, agreed_session
from domain_secure.milter.session.macros import MilterFacts, read_mail_macros
from domain_secure.policy.decision.evidence import Session
from domain_secure.policy.terms.pin import Pin
from domain_secure.policy.terms.tls import TlsVersion

DIGEST = ":".join(["AB"] * 32)
DELEGATED = DelegatedFacts(
    "127.0.0.3", "40001", "Q1", "TLSv1.3", "TLS_AES_256_GCM_SHA384", DIGEST, DIGEST, "mail.test", "Lab CA"
)
MILTER = MilterFacts(
    "127.0.0.3", "40001", "TLSv1.3", "TLS_AES_256_GCM_SHA384", "mail.test", "Lab CA", False, "a@b.test", "mx1"
)
CLEAR = MILTER._replace(tls_version=None, cipher=None, cert_subject=None, cert_issuer=None)


def test_both_doors_agree() -> None:
    """The fingerprints come from delegation, the TLS state from both."""
    assert agreed_session(MILTER, DELEGATED) == Session(
        TlsVersion.TLS_1_3,
        "TLS_AES_256_GCM_SHA384",
        Pin.certificate("ab" * 32),
        Pin.public_key("ab" * 32),
        "mail.test",
        "Lab CA",
    )


@pytest.mark.parametrize(
    ("milter", "delegated"),
    [
        (MILTER, None),
        (CLEAR, DELEGATED),
        (MILTER, DELEGATED._replace(encryption_protocol=None, encryption_cipher=None)),
        (MILTER, DELEGATED._replace(encryption_protocol="TLSv1.2")),
        (MILTER, DELEGATED._replace(encryption_cipher="AES128-SHA")),
        (MILTER, DELEGATED._replace(ccert_fingerprint="AB:CD")),
        (MILTER, DELEGATED._replace(ccert_pubkey_fingerprint="not hexadecimal")),
        (MILTER._replace(tls_version="TLSv9"), DELEGATED._replace(encryption_protocol="TLSv9")),
    ],
)
def test_disagreement_is_no_evidence(milter: MilterFacts, delegated: DelegatedFacts | None) -> None:
    """Where the doors differ, or say what is not understood, there is no session to go by."""
    assert agreed_session(milter, delegated) is None


def test_trust_hint_counts_only_when_both_say_it() -> None:
    """Different common names drop the hint, not the evidence."""
    session = agreed_session(MILTER, DELEGATED._replace(ccert_subject="other.test"))
    assert session is not None
    assert (session.trusted_subject, session.trusted_issuer) == (None, None)


def test_session_in_the_clear() -> None:
    """In the clear nothing else is known, with or without a delegation request."""
    plain = DelegatedFacts("127.0.0.3", "40001", "Q1", None, None, None, None, None, None)
    assert (
        agreed_session(CLEAR, plain)
        == agreed_session(CLEAR, None)
        == Session(None, None, None, None, None, None)
    )


def test_a_request_is_taken_once_and_only_under_its_whole_key() -> None:
    """Another port or queue id is another message, and so is the same one on another instance of Postfix."""
    requests = RecentRequests(lambda: 0.0)
    requests.remember(DELEGATED)
    assert requests.take(MILTER._replace(client_port="40002").key("Q1")) is None
    assert requests.take(MILTER.key("Q2")) is None
    assert requests.take(MILTER._replace(server_address="192.0.2.11").key("Q1")) is None
    assert requests.take(MILTER._replace(server_port="26").key("Q1")) is None
    assert requests.take(MILTER.key("Q1")) == DELEGATED
    assert requests.take(MILTER.key("Q1")) is None


def test_a_request_without_queue_id_is_not_remembered() -> None:
    """Without a queue id nothing ties a request to its message."""
    requests = RecentRequests(lambda: 0.0)
    requests.remember(DELEGATED._replace(queue_id=""))
    assert len(requests) == 0


def test_number_and_age_are_bounded() -> None:
    """The oldest go first, and what is too old is no evidence."""
    clock = [0.0]
    requests = RecentRequests(lambda: clock[0], entry_limit=2, age_limit=10.0)
    for queue_id in ("Q1", "Q2", "Q3"):
        requests.remember(DELEGATED._replace(queue_id=queue_id))
    assert len(requests) == 2
    assert requests.take(MILTER.key("Q1")) is None
    clock[0] = 11.0
    assert requests.take(MILTER.key("Q3")) is None
    requests.remember(DELEGATED._replace(queue_id="Q4"))
    assert len(requests) == 1


def test_both_doors_spell_an_ipv6_client_alike() -> None:
    """Postfix writes ``IPv6:`` before the address in the macro, and not in the delegation request."""
    facts = read_mail_macros({"{client_addr}": "IPv6:2001:db8::1"}.get)
    assert facts.client_address == "2001:db8::1"


def test_macros_that_were_not_sent_are_none() -> None:
    """Postfix sends no macro it has no value for."""
    facts = read_mail_macros({"{client_addr}": "127.0.0.3", "{auth_authen}": "joe", "j": "mx1"}.get)
    assert facts == MilterFacts("127.0.0.3", "", None, None, None, None, True, "", "mx1")
