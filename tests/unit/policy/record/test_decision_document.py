"""A decision as a document: what it says, what it must not say, and that it can be taken again from it."""

import json
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from domain_secure.policy.certificates.certificate_document import certificate_document
from domain_secure.policy.configuration.configuration import LogLevel
from domain_secure.policy.dane.tlsa import TlsaAnswer, TlsaRecord
from domain_secure.policy.decision.decision import decide, exempted
from domain_secure.policy.decision.evidence import Evidence, Session
from domain_secure.policy.decision.verdict import Verdict
from domain_secure.policy.dkim.message_signature import MessageSignature, SignatureStatus
from domain_secure.policy.record.decision_document import (
    AUTHENTICATED,
    decision_document,
    history_item,
    recorded_evidence,
)
from domain_secure.policy.record.decision_record import DecisionRecord
from domain_secure.policy.revocation.revocation import RevocationStatus
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.pin import Pin
from domain_secure.policy.terms.tls import TlsVersion

from unit.policy.builders import FINGERPRINT, NOW, WOODGROVE, claim, configuration, known, session
from unit.policy.history_items import record

DIGESTS = st.binary(min_size=32, max_size=32).map(bytes.hex)
SESSIONS = st.builds(
    Session,
    st.none() | st.sampled_from(TlsVersion),
    st.none() | st.text(),
    st.none() | DIGESTS.map(Pin.certificate),
    st.none() | DIGESTS.map(Pin.public_key),
    st.none() | st.text(),
    st.none() | st.text(),
)
RECORDS = st.builds(
    lambda usage, data: TlsaRecord.of(usage, 1, 1, data),
    st.sampled_from((2, 3)),
    st.binary(min_size=32, max_size=32),
)
SIGNATURES = st.builds(
    MessageSignature,
    st.just(WOODGROVE),
    st.text(),
    st.sampled_from(SignatureStatus),
    st.text(),
    st.frozensets(st.sampled_from(("from", "sender", "resent-from"))),
)
ANSWERS = st.builds(TlsaAnswer, st.frozensets(RECORDS, max_size=3), st.lists(st.text()).map(tuple))


@settings(deadline=None)
@given(
    st.none() | SESSIONS,
    st.none() | st.just(known("mail.woodgrovebank.test")),
    st.none() | st.dictionaries(st.just(WOODGROVE), ANSWERS),
    st.none() | st.lists(SIGNATURES, max_size=3).map(tuple),
    st.sampled_from(LogLevel),
)
def test_what_a_decision_rests_on_comes_back(
    seen: Session | None, certificate: object, tlsa: object, signatures: object, level: LogLevel
) -> None:
    """Claims, session, fingerprints, revocation and DNS answers survive JSON, whatever they hold."""
    evidence = Evidence(seen, certificate, tlsa, signatures)  # type: ignore[arg-type]
    decision = replace(decide([claim()], evidence, configuration(), NOW), evidence=evidence)
    written = DecisionRecord(NOW, "Q1", "192.0.2.7", "1", decision, None, 0.1)
    found = recorded_evidence(json.loads(json.dumps(decision_document(written, level))))
    assert found.claims == (claim(),)
    assert found.session == seen
    assert found.tlsa == tlsa
    assert found.signatures == signatures
    assert found.chain == ((FINGERPRINT,) if certificate else ())
    assert found.revocation is None
    assert (found.time, found.verdict, found.effect) == (NOW, decision.verdict, decision.effect)
    assert not found.is_authenticated


def test_revocation_that_was_looked_into_is_told_from_one_that_was_not() -> None:
    """Nothing said means that nobody looked; a status or a reason means that somebody did."""
    looked = replace(known("a.test", revocation=RevocationStatus.UNKNOWN), revocation_detail="no answer came")
    for certificate, expected in (
        (known("a.test"), None),
        (looked, RevocationStatus.UNKNOWN),
        (known("a.test", revocation=RevocationStatus.GOOD), RevocationStatus.GOOD),
    ):
        decision = replace(record().decision, evidence=Evidence(session(), certificate))
        document = decision_document(replace(record(), decision=decision), LogLevel.NORMAL)
        assert recorded_evidence(document).revocation is expected


def test_verbose_has_the_whole_reasoning() -> None:
    """Methods tried and certificate details are in a verbose document only."""
    normal = decision_document(record(), LogLevel.NORMAL)
    verbose = decision_document(record(), LogLevel.VERBOSE)
    assert "attempts" not in normal["findings"][0]
    assert verbose["findings"][0]["attempts"] == [
        {
            "method": "pkix",
            "verdict": "pass",
            "detail": "certificate for mail.woodgrovebank.test, valid until 2027-01-23",
        }
    ]


def test_off_counts_only() -> None:
    """With the log off nothing is kept of a single message but that there was one."""
    assert history_item(record(), LogLevel.OFF).document is None
    assert history_item(record(), LogLevel.OFF).counts[0].outcome == "pass"


def test_two_hosts_of_one_partner_are_one_message() -> None:
    """A partner's share in a message is counted once, by the gravest finding."""
    claims = [claim(f"{host}.fabrikam.test", "*.fabrikam.test") for host in ("a", "b")]
    decision = decide(claims, Evidence(session(), None), configuration("*.fabrikam.test"), NOW)
    (count,) = history_item(replace(record(), decision=decision), LogLevel.NORMAL).counts
    assert (count.entry, count.outcome) == ("*.fabrikam.test", "unknown-certificate")


def test_clients_that_logged_in_are_remembered_as_such() -> None:
    """Whoever is exempt by a login is exempt under any configuration."""
    decision = exempted([claim()], configuration(), AUTHENTICATED)
    found = recorded_evidence(decision_document(replace(record(), decision=decision), LogLevel.NORMAL))
    assert found.is_authenticated
    assert found.verdict is Verdict.EXEMPT


def test_no_local_part_of_an_address_is_shown() -> None:
    """A certificate that names a person by address shows the domain alone."""
    person = replace(
        known("a.test").certificate,
        subject="CN=Jane,1.2.840.113549.1.9.1=jane.doe@a.test",
        issuer="E=ca+tag@b.test",
        dns_names=("x@c.test",),
    )
    shown = certificate_document(person)
    assert shown["subject"] == "CN=Jane,1.2.840.113549.1.9.1=…@a.test"
    assert shown["issuer"] == "E=…@b.test"
    assert shown["names"] == ["…@c.test"]


def test_entry_of_a_count_is_the_list_entry() -> None:
    """What is counted under is what the list says, never what a client sent."""
    assert [count.entry for count in history_item(record(), LogLevel.NORMAL).counts] == [Entry(WOODGROVE)]
