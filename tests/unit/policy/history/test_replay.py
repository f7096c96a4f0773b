"""Recorded decisions taken again: the same evidence, another configuration."""

from dataclasses import replace
from datetime import datetime, timedelta
from ipaddress import ip_network
from typing import Any

import pytest

from domain_secure.policy.certificates.certificate import Chain, read_certificates
from domain_secure.policy.certificates.path_validation import TrustAnchors, validate
from domain_secure.policy.certificates.trust import Revocation
from domain_secure.policy.configuration.configuration import (
    Condition,
    Configuration,
    LogLevel,
    Method,
    Mode,
    OnFailure,
)
from domain_secure.policy.configuration.pins_in_force import with_pins_at
from domain_secure.policy.dane.tlsa import TlsaAnswer
from domain_secure.policy.decision.decision import Inquiries, decide_with, exempted
from domain_secure.policy.decision.evidence import KnownCertificate
from domain_secure.policy.decision.verdict import Effect, Verdict
from domain_secure.policy.history.replay import (
    NO_CONTENT,
    NO_REVOCATION,
    NO_SIGNATURES,
    NO_TLSA,
    Replay,
    Replayer,
)
from domain_secure.policy.record.decision_document import AUTHENTICATED, decision_document, recorded_evidence
from domain_secure.policy.record.decision_record import DecisionRecord
from domain_secure.policy.revocation.revocation import RevocationStatus
from domain_secure.policy.terms.domain import Domain
from domain_secure.policy.terms.pin import Pin
from domain_secure.policy.terms.timed_pin import TimedPin
from domain_secure.policy.terms.tls import TlsVersion

from lab.certificates import Authority
from unit.policy.builders import NOW, WOODGROVE, claim, configuration, partner, session

AUTHORITY, OTHER = Authority.create("Lab CA"), Authority.create("Other CA")
ISSUED = AUTHORITY.issue("mail.woodgrovebank.test", dns_names=("mail.woodgrovebank.test",))
CHAIN: Chain = read_certificates(ISSUED.certificate_pem)
LEAF = CHAIN[0]
TIME = LEAF.not_before + timedelta(days=1)
ANCHORS = TrustAnchors.load(AUTHORITY.certificate_pem)
SHOWN = session(certificate_pin=LEAF.certificate_pin, public_key_pin=LEAF.public_key_pin)


def decided(
    before: Configuration,
    *,
    known: bool = True,
    revocation: RevocationStatus = RevocationStatus.GOOD,
    **changes: Any,
) -> dict[str, Any]:
    """Return the document of a message that was judged by the configuration *before*."""

    def certificate(_: object) -> KnownCertificate | None:
        path = validate(LEAF, CHAIN[1:], ANCHORS, before.trust.client_purpose, TIME)
        return KnownCertificate(LEAF, path, revocation, CHAIN[1:]) if known else None

    inquiries = Inquiries(certificate, lambda entries: dict.fromkeys(entries, TlsaAnswer()), lambda: None)
    decision = decide_with(inquiries, [claim()], replace(SHOWN, **changes), before, TIME)
    return decision_document(
        DecisionRecord(TIME, "Q1", "192.0.2.7", "1", decision, None, 0.0), LogLevel.NORMAL
    )


def replayed(
    document: dict[str, Any],
    after: Configuration,
    *,
    anchors: TrustAnchors = ANCHORS,
    kept: bool = True,
) -> Replay:
    """Judge the message again by the configuration *after*."""

    def chain(pins: tuple[Pin, ...]) -> Chain:
        return CHAIN if kept and pins[0] == LEAF.certificate_pin else ()

    replayer = Replayer(after, anchors, chain)
    return replayer.replay(recorded_evidence(document))


PLAIN = configuration()
PINNED = configuration(
    partners={WOODGROVE: partner(pins=frozenset({LEAF.certificate_pin}), methods=(Method.PIN,))}
)
ELSEWHERE = configuration(partners={WOODGROVE: partner(names=(Domain("gateway.test"),))})


def test_the_same_configuration_changes_nothing() -> None:
    """Whatever was decided is decided again."""
    for before, document in (
        (PLAIN, decided(PLAIN)),
        (PLAIN, decided(PLAIN, known=False)),
        (ELSEWHERE, decided(ELSEWHERE)),
        (PINNED, decided(PINNED)),
        (PLAIN, decided(PLAIN, tls_version=None)),
    ):
        again = replayed(document, before)
        assert not again.is_otherwise
        assert not again.is_other_reason
        assert again.is_certain


@pytest.mark.parametrize(
    ("after", "verdict", "effect"),
    [
        (ELSEWHERE, Verdict.NAME_MISMATCH, Effect.REJECT),
        (replace(ELSEWHERE, on_failure=OnFailure.DEFER), Verdict.NAME_MISMATCH, Effect.DEFER),
        (
            configuration(partners={WOODGROVE: partner(methods=(Method.POSTFIX,))}),
            Verdict.UNTRUSTED,
            Effect.REJECT,
        ),
        (configuration("fabrikam.test"), Verdict.NONE, Effect.NONE),
        (
            replace(PLAIN, inbound=replace(PLAIN.inbound, exempt_clients=(ip_network("192.0.2.0/24"),))),
            Verdict.EXEMPT,
            Effect.NONE,
        ),
        (PINNED, Verdict.PASS, Effect.ACCEPT),
    ],
)
def test_what_passed_is_judged_by_the_new_rules(
    after: Configuration, verdict: Verdict, effect: Effect
) -> None:
    """Names, methods, lists and exemptions count as they would have."""
    found = replayed(decided(PLAIN), after)
    assert (found.decision.verdict, found.decision.effect) == (verdict, effect)
    assert found.is_otherwise == (effect is not Effect.ACCEPT)


def test_observed_mail_shows_what_enforcing_would_do() -> None:
    """The trial run's question: what would have been refused?"""
    observe = configuration(partners={WOODGROVE: partner(mode=Mode.OBSERVE)})
    document = decided(observe, tls_version=None)
    found = replayed(document, PLAIN)
    assert found.recorded.effect is Effect.ACCEPT
    assert (found.decision.verdict, found.decision.effect) == (Verdict.NO_TLS, Effect.REJECT)
    assert found.is_certain


def test_a_stricter_tls_version() -> None:
    """The channel is judged anew."""
    after = configuration(partners={WOODGROVE: partner(minimum_tls=TlsVersion.TLS_1_3)})
    document = decided(PLAIN, tls_version=TlsVersion.TLS_1_2)
    assert replayed(document, after).decision.verdict is Verdict.WEAK_TLS


def test_other_authorities() -> None:
    """The chain is validated anew, at the time of the message; its authority is not known then."""
    found = replayed(decided(PLAIN), PLAIN, anchors=TrustAnchors.load(OTHER.certificate_pem))
    assert found.decision.verdict is Verdict.UNKNOWN_CERTIFICATE


@pytest.mark.parametrize(
    ("begins", "ends", "verdict"),
    [
        (None, TIME + timedelta(seconds=1), Verdict.PASS),
        (TIME, None, Verdict.PASS),
        (None, TIME, Verdict.DATES_UNKNOWN),
        (TIME + timedelta(seconds=1), None, Verdict.DATES_UNKNOWN),
    ],
)
@pytest.mark.parametrize("years", [-1, 1])
def test_a_pin_with_a_time_is_judged_at_the_time_of_the_message(
    begins: datetime | None, ends: datetime | None, verdict: Verdict, years: int
) -> None:
    """Whatever counts by now, long before or long after, and whatever another message was judged by."""
    timed = TimedPin(LEAF.certificate_pin, begins, ends)
    rule = partner(timed_pins=(timed,), methods=(Method.PIN,))
    after = with_pins_at(configuration(partners={WOODGROVE: rule}), TIME + timedelta(days=365 * years))
    replayer = Replayer(after, ANCHORS, lambda _: CHAIN)
    message = recorded_evidence(decided(PINNED))
    replayer.replay(replace(message, time=TIME + timedelta(days=365)))
    assert replayer.replay(message).decision.verdict is verdict


def test_a_pin_that_goes_needs_the_content() -> None:
    """Behind a pin the content was not asked for: a book that has it helps, and its absence is a gap."""
    document = decided(PINNED)
    assert document["known_certificate"] is None
    found = replayed(document, PLAIN)
    assert found.decision.verdict is Verdict.PASS
    assert found.gaps == (NO_REVOCATION,)
    lost = replayed(document, PLAIN, kept=False)
    assert lost.decision.verdict is Verdict.UNKNOWN_CERTIFICATE
    assert NO_CONTENT in lost.gaps


def test_what_was_unknown_stays_unknown() -> None:
    """That a certificate is known today does not change what another configuration would have done then."""
    found = replayed(decided(PLAIN, known=False), PLAIN)
    assert found.decision.verdict is Verdict.UNKNOWN_CERTIFICATE
    assert found.is_certain


def test_revocation_is_taken_as_it_was() -> None:
    """A certificate that was known to be revoked is, where the new configuration asks."""
    off = configuration(trust={"revocation": Revocation.OFF})
    found = replayed(decided(off, revocation=RevocationStatus.REVOKED), PLAIN)
    assert found.decision.verdict is Verdict.REVOKED
    unseen = replayed(decided(off, revocation=RevocationStatus.UNKNOWN), PLAIN)
    assert (unseen.decision.verdict, unseen.gaps) == (Verdict.PASS, (NO_REVOCATION,))
    require = configuration(trust={"revocation": Revocation.REQUIRE})
    assert replayed(decided(off, revocation=RevocationStatus.UNKNOWN), require).gaps == (NO_REVOCATION,)


def test_records_that_were_not_looked_up_are_a_gap() -> None:
    """TLSA records might have let in what the new rules refuse."""
    found = replayed(decided(PLAIN), ELSEWHERE)
    assert found.gaps == (NO_TLSA,)
    without = configuration(
        partners={WOODGROVE: partner(names=(Domain("gateway.test"),), methods=(Method.PKIX,))}
    )
    assert replayed(decided(PLAIN), without).is_certain


def test_signatures_that_were_not_checked_are_a_gap() -> None:
    """A new condition cannot be judged for mail whose signatures nobody looked at."""
    signed = configuration(partners={WOODGROVE: partner(require=(Condition.DKIM,))})
    found = replayed(decided(PLAIN), signed)
    assert found.decision.verdict is Verdict.NO_EVIDENCE
    assert found.gaps == (NO_SIGNATURES,)


def test_clients_that_logged_in_stay_exempt() -> None:
    """A login counts under any configuration."""
    decision = exempted([claim()], PLAIN, AUTHENTICATED)
    record = DecisionRecord(NOW, "Q1", "192.0.2.7", "1", decision, None, 0.0)
    found = replayed(decision_document(record, LogLevel.NORMAL), ELSEWHERE)
    assert found.decision.verdict is Verdict.EXEMPT
    assert not found.is_otherwise
