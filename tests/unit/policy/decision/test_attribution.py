"""Whose message it was that did not prove to be the partner's."""

from dataclasses import replace
from typing import Any

import pytest

from domain_secure.policy.certificates.certification_path import PathOutcome
from domain_secure.policy.configuration.configuration import Condition, Method, Mode
from domain_secure.policy.decision.attribution import Attribution, Familiarity, attributions
from domain_secure.policy.decision.decision import Decision, decide, undecidable
from domain_secure.policy.decision.evidence import Evidence, KnownCertificate, Session
from domain_secure.policy.terms.domain import Entry

from unit.policy.builders import (
    FINGERPRINT,
    NOW,
    WOODGROVE,
    claim,
    configuration,
    known,
    partner,
    session,
)

ADDRESS = "203.0.113.66"
BY_CERTIFICATE = Familiarity(certificates=frozenset({FINGERPRINT}))
BY_ADDRESS = Familiarity(addresses=frozenset({ADDRESS}))
NOTHING = Familiarity()
IN_THE_CLEAR = session(tls_version=None, cipher=None, certificate_pin=None, public_key_pin=None)
NO_CERTIFICATE = session(certificate_pin=None, public_key_pin=None)
HEADER = "from"
EXPIRED, UNTRUSTED = PathOutcome.EXPIRED, PathOutcome.UNTRUSTED


@pytest.mark.parametrize(
    ("one", "content", "source", "familiar", "whose"),
    [
        (IN_THE_CLEAR, None, "envelope", NOTHING, Attribution.STRANGER),
        (IN_THE_CLEAR, None, "envelope,from", NOTHING, Attribution.STRANGER),
        (IN_THE_CLEAR, None, "envelope", BY_ADDRESS, Attribution.PARTNER),
        (NO_CERTIFICATE, None, "envelope", NOTHING, Attribution.STRANGER),
        (NO_CERTIFICATE, None, HEADER, BY_ADDRESS, Attribution.PARTNER),
        (session(), known("evil.test"), "envelope", NOTHING, Attribution.STRANGER),
        (session(), known("evil.test"), "envelope", BY_CERTIFICATE, Attribution.PARTNER),
        (session(), known("evil.test"), "envelope", BY_ADDRESS, Attribution.PARTNER),
        (session(), known(WOODGROVE, outcome=EXPIRED), HEADER, NOTHING, Attribution.PARTNER),
        (session(), known(WOODGROVE, outcome=UNTRUSTED), HEADER, NOTHING, Attribution.STRANGER),
        (session(), known(WOODGROVE, outcome=UNTRUSTED), "envelope,from", NOTHING, Attribution.PARTNER),
        (session(), known("evil.test", outcome=EXPIRED), "envelope", NOTHING, Attribution.STRANGER),
        (session(), None, "envelope", NOTHING, Attribution.PARTNER),
        (session(), None, HEADER, NOTHING, Attribution.STRANGER),
        (None, None, HEADER, NOTHING, Attribution.PARTNER),
        (session(), known(common_name=WOODGROVE, outcome=EXPIRED), HEADER, NOTHING, Attribution.PARTNER),
        (session(), known(common_name="evil.test", outcome=EXPIRED), HEADER, NOTHING, Attribution.STRANGER),
        (session(), known(outcome=EXPIRED), HEADER, NOTHING, Attribution.STRANGER),
    ],
)
def test_whose(
    one: Session | None,
    content: KnownCertificate | None,
    source: str,
    familiar: Familiarity,
    whose: Attribution,
) -> None:
    """A known certificate, a known server, or an envelope and TLS that fit: the partner's; else a forgery."""
    assert asked(one, content, source, familiar) == {WOODGROVE: whose}


def asked(
    one: Session | None, content: KnownCertificate | None, source: str, familiar: Familiarity, **changes: Any
) -> dict[Entry, Attribution]:
    """Return whose a message was that claims to be Woodgrove's."""
    rules = configuration(partners={WOODGROVE: partner(**changes)})
    evidence = Evidence(one, content)
    decision = decide([claim(source=source)], evidence, rules, NOW)
    return attributions(_with(decision, evidence), ADDRESS, {WOODGROVE: familiar})


def _with(decision: Decision, evidence: Evidence) -> Decision:
    return replace(decision, evidence=evidence)


def test_observing_changes_nothing() -> None:
    """Whose it was does not hang on whether it was let in."""
    assert asked(IN_THE_CLEAR, None, "envelope", NOTHING, mode=Mode.OBSERVE) == {
        WOODGROVE: Attribution.STRANGER
    }
    assert asked(session(), None, "envelope", NOTHING, mode=Mode.OBSERVE) == {WOODGROVE: Attribution.PARTNER}


def test_what_was_proved_and_lacks_a_condition_is_the_partners() -> None:
    """The session proved to be the partner; its signature is missing."""
    found = asked(session(), known(WOODGROVE), HEADER, NOTHING, require=(Condition.DKIM,))
    assert found == {WOODGROVE: Attribution.PARTNER}


def test_what_got_in_is_nobodys_refusal() -> None:
    """A message that passes has nobody to be blamed."""
    assert asked(session(), known(WOODGROVE), "envelope", NOTHING) == {}


def test_a_partner_that_claims_another_one_is_not_getting_through() -> None:
    """Of two claims the proved one is its sender's, whose message is refused for the sake of the other."""
    other = Entry("fabrikam.test")
    evidence = Evidence(session(), known(WOODGROVE))
    claims = [claim(), claim(other, source="from")]
    decision = _with(decide(claims, evidence, configuration(WOODGROVE, other), NOW), evidence)
    found = attributions(decision, ADDRESS, {})
    assert found == {WOODGROVE: Attribution.PARTNER, other: Attribution.STRANGER}


def test_what_got_in_says_nothing_of_the_claims_beside_it() -> None:
    """Of a message that is observed, each domain that was not proved is somebody's."""
    fabrikam = Entry("fabrikam.test")
    rules = configuration(fabrikam, WOODGROVE, mode=Mode.OBSERVE)
    evidence = Evidence(session(), known(fabrikam))
    decision = _with(decide([claim(fabrikam), claim(source=HEADER)], evidence, rules, NOW), evidence)
    assert attributions(decision, ADDRESS, {}) == {WOODGROVE: Attribution.STRANGER}


@pytest.mark.parametrize("sources", [("envelope", HEADER), (HEADER, "envelope")])
def test_one_claim_that_is_the_partners_speaks_for_the_entry(sources: tuple[str, str]) -> None:
    """Whichever of an entry's domains it is that envelope and TLS fit."""
    entry = Entry("*.fabrikam.test")
    claims = [claim(f"{name}.fabrikam.test", entry, one) for name, one in zip("ab", sources, strict=True)]
    evidence = Evidence(session(), None)
    decision = _with(decide(claims, evidence, configuration(entry), NOW), evidence)
    assert attributions(decision, ADDRESS, {}) == {entry: Attribution.PARTNER}


def test_what_we_have_not_set_up_is_no_forgery() -> None:
    """A partner of whom we have no pin yet may be the sender of any session."""
    assert asked(session(), None, HEADER, NOTHING, methods=(Method.PIN,)) == {WOODGROVE: Attribution.PARTNER}


def test_what_we_could_not_judge_is_no_forgery() -> None:
    """A fault of ours holds up somebody's mail."""
    decision = undecidable([claim()], configuration())
    assert attributions(decision, ADDRESS, {}) == {WOODGROVE: Attribution.PARTNER}
