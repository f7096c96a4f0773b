"""What was decided before is decided again only while nothing has changed that it rests on."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain_secure.policy.bypass.bypass import Bypass
from domain_secure.policy.certificates.certification_path import PathOutcome
from domain_secure.policy.certificates.trust import Revocation
from domain_secure.policy.claims.claim import Claim
from domain_secure.policy.configuration.configuration import Condition, Configuration, Method, Mode, Partner
from domain_secure.policy.dane.tlsa import TlsaAnswer, TlsaRecord
from domain_secure.policy.decision.decision import Inquiries, decide, decide_anew, decide_with
from domain_secure.policy.decision.evidence import Evidence, KnownCertificate, Session
from domain_secure.policy.decision.verdict import Verdict
from domain_secure.policy.dkim.message_signature import MessageSignature, SignatureStatus
from domain_secure.policy.revocation.revocation import RevocationStatus
from domain_secure.policy.terms.direction import Direction
from domain_secure.policy.terms.domain import Domain
from domain_secure.policy.terms.pin import Pin
from domain_secure.policy.terms.timed_pin import TimedPin
from domain_secure.policy.terms.tls import TlsVersion

from unit.policy.builders import (
    FINGERPRINT,
    NOW,
    PUBLIC_KEY,
    WOODGROVE,
    claim,
    configuration,
    known,
    partner,
    session,
)

OTHER_PIN = Pin.certificate("00" * 32)
OWN = known("mail.woodgrovebank.test")
SHOWN = session()
SECOND = timedelta(seconds=1)
BEGINS, ENDS = OWN.path.not_before, OWN.path.not_after
BYPASS = Bypass(WOODGROVE, (Direction.RECEIVE,), NOW, NOW + timedelta(hours=4), "anna", "tonight")


def rules(trust: dict[str, Any] | None = None, **changes: Any) -> Configuration:
    """Return a configuration whose partner's rule has these changes."""
    return configuration(partners={WOODGROVE: partner(**changes)}, trust=trust)


def judged_anew(path: PathOutcome) -> KnownCertificate:
    """Return the same certificate after another look at its path."""
    return replace(OWN, path=replace(OWN.path, outcome=path))


PLAIN = configuration()


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({"now": ENDS + SECOND}, Verdict.EXPIRED),
        ({"now": BEGINS - SECOND}, Verdict.DATES_UNKNOWN),
        ({"now": BEGINS - timedelta(days=1)}, Verdict.EXPIRED),
        ({"known_time": ENDS + SECOND}, Verdict.DATES_UNKNOWN),
        ({"known": replace(OWN, revocation=RevocationStatus.REVOKED)}, Verdict.REVOKED),
        ({"known": judged_anew(PathOutcome.UNTRUSTED)}, Verdict.UNTRUSTED),
        ({"known": judged_anew(PathOutcome.DISTRUSTED)}, Verdict.DISTRUSTED),
        ({"known": judged_anew(PathOutcome.EXPIRED)}, Verdict.EXPIRED),
        ({"known": known("evil.test")}, Verdict.NAME_MISMATCH),
        ({"known": replace(OWN, certificate=known("evil.test").certificate)}, Verdict.NAME_MISMATCH),
        ({"known": None}, Verdict.UNKNOWN_CERTIFICATE),
        ({"session": None}, Verdict.NO_EVIDENCE),
        ({"session": session(tls_version=TlsVersion.TLS_1_1)}, Verdict.WEAK_TLS),
        ({"session": session(tls_version=None)}, Verdict.NO_TLS),
        ({"session": session(cipher="ADH-AES256-SHA")}, Verdict.WEAK_TLS),
        ({"session": session(certificate_pin=None, public_key_pin=None)}, Verdict.NO_CERTIFICATE),
        ({"rules": configuration(trust={"distrusted": frozenset({PUBLIC_KEY})})}, Verdict.DISTRUSTED),
        ({"rules": configuration(trust={"revocation": Revocation.REQUIRE})}, Verdict.REVOCATION_UNKNOWN),
        ({"rules": rules(minimum_tls=TlsVersion.TLS_1_3, names=(Domain("x.test"),))}, Verdict.NAME_MISMATCH),
        ({"rules": rules(methods=(Method.PIN,), pins=frozenset({OTHER_PIN}))}, Verdict.UNTRUSTED),
        ({"rules": rules(methods=(Method.PIN,))}, Verdict.NOT_SET_UP),
        ({"rules": rules(require=(Condition.DKIM,))}, Verdict.NO_EVIDENCE),
        ({"claims": [claim(), claim("fabrikam.test")]}, Verdict.NAME_MISMATCH),
    ],
)
def test_what_changes_is_judged_at_the_very_next_message(changes: dict[str, Any], verdict: Verdict) -> None:
    """A message that passes, again and again, passes no longer once anything is otherwise."""
    arguments = {"claims": [claim()], "session": SHOWN, "known": OWN, "known_time": None, "rules": PLAIN}
    for _ in range(2):
        assert _decided(**arguments).verdict is Verdict.PASS
    assert _decided(**arguments | changes).verdict is verdict
    assert _decided(**arguments).verdict is Verdict.PASS


def _decided(
    claims: list[Claim],
    session: Session | None,
    known: KnownCertificate | None,
    known_time: datetime | None,
    rules: Configuration,
    now: datetime = NOW,
) -> Any:
    return decide(claims, Evidence(session, known, known_time=known_time), rules, now)


@pytest.mark.parametrize("at", [BEGINS, NOW, ENDS])
def test_it_holds_to_the_ends_of_the_path(at: datetime) -> None:
    """At the first and at the last moment of its certificates a decision is what it was between."""
    kept = decide([claim()], Evidence(SHOWN, OWN), configuration(), NOW)
    assert decide([claim()], Evidence(SHOWN, OWN, known_time=ENDS), configuration(), at) == kept


@pytest.mark.parametrize(
    ("rule", "content"),
    [
        (partner(methods=(Method.POSTFIX,)), None),
        (partner(), OWN),
        (partner(), None),
        (partner(pins=frozenset({FINGERPRINT})), None),
        (partner(pins=frozenset({OTHER_PIN})), OWN),
    ],
)
def test_the_usual_message_is_not_judged_again(rule: Partner, content: KnownCertificate | None) -> None:
    """What each session of a partner brings anew, its values being the same, is no other evidence."""
    config = configuration(partners={WOODGROVE: rule})
    shown = session(trusted_issuer="CA", trusted_subject="mail.woodgrovebank.test")
    first = decide([claim(), claim(source="from")], Evidence(shown, content), config, NOW)
    copies = Evidence(replace(shown), content and replace(content), known_time=NOW)
    assert decide([claim(source="from"), claim()], copies, config, NOW + SECOND) is first


UNHELPFUL = TlsaAnswer()


@pytest.mark.parametrize(
    ("rule", "evidence"),
    [
        (partner(timed_pins=(TimedPin(FINGERPRINT, NOW + SECOND, None),)), Evidence(SHOWN, OWN)),
        (partner(require=(Condition.DKIM,)), Evidence(SHOWN, OWN)),
        (partner(), Evidence(SHOWN, OWN, tlsa={WOODGROVE: UNHELPFUL})),
        (partner(), Evidence(SHOWN, judged_anew(PathOutcome.EXPIRED))),
        (partner(), Evidence(SHOWN, known("evil.test"))),
        (partner(), Evidence(None, None)),
    ],
)
def test_the_unusual_message_is(rule: Partner, evidence: Evidence) -> None:
    """Whatever a clock, DNS or the message itself has a part in is judged each time."""
    config = configuration(partners={WOODGROVE: rule})
    first = decide([claim()], evidence, config, NOW)
    again = decide([claim()], evidence, config, NOW)
    assert again == first
    assert again is not first
    assert not config.kept


@pytest.mark.parametrize(
    "otherwise",
    [
        {"revocation_detail": "it is being looked into"},
        {"intermediates": (OWN.certificate,)},
        {"path": replace(OWN.path)},
        {"certificate": replace(OWN.certificate)},
    ],
)
def test_a_certificate_that_was_looked_at_again_is_judged_again(otherwise: dict[str, Any]) -> None:
    """Whether by that anything else is said of it or not."""
    config, other = configuration(), replace(OWN, **otherwise)
    first = decide([claim()], Evidence(SHOWN, OWN), config, NOW)
    again = decide([claim()], Evidence(SHOWN, other), config, NOW)
    assert again is not first
    assert again == decide_anew([claim()], Evidence(SHOWN, other), config, NOW)


def test_what_dns_says_now_is_looked_at() -> None:
    """A method that had nothing to go by before comes before the one that passed."""
    config = rules(methods=(Method.DANE, Method.PKIX))
    assert decide([claim()], Evidence(SHOWN, OWN), config, NOW).method is Method.PKIX
    record = TlsaRecord.of(3, 1, 1, bytes.fromhex(PUBLIC_KEY.digest))
    matching = {WOODGROVE: TlsaAnswer(frozenset({record}))}
    assert decide([claim()], Evidence(SHOWN, OWN, tlsa=matching), config, NOW).method is Method.DANE
    assert decide([claim()], Evidence(SHOWN, OWN), config, NOW).method is Method.PKIX


def test_a_bypass_begins_and_ends_by_the_clock() -> None:
    """A message that it lets in, or not, is judged each time; with no bypass in sight it need not be."""
    config = configuration(bypasses=(BYPASS,))
    unknown = Evidence(SHOWN, None)
    assert not decide([claim()], unknown, config, NOW - SECOND).findings[0].is_bypassed
    assert decide([claim()], unknown, config, NOW).findings[0].is_bypassed
    assert not decide([claim()], unknown, config, BYPASS.end).findings[0].is_bypassed
    late = replace(unknown, known_time=BYPASS.end)
    assert not decide([claim()], late, config, NOW).findings[0].is_bypassed


def test_another_configuration_begins_with_nothing() -> None:
    """What was decided by one is not known to what is made of it, nor do the two differ by that."""
    config = configuration()
    decide([claim()], Evidence(SHOWN, OWN), config, NOW)
    changed = replace(config, mode=Mode.OBSERVE)
    assert config.kept
    assert not changed.kept
    assert replace(config) == config


def test_what_is_kept_is_bounded() -> None:
    """However many certificates strangers show, and with the right decision for each."""
    config = configuration(partners={WOODGROVE: partner(pins=frozenset({FINGERPRINT}))})
    for number in range(2100):
        shown = session(certificate_pin=Pin.certificate(f"{number:064x}"), public_key_pin=None)
        assert decide([claim()], Evidence(shown, None), config, NOW).verdict is not Verdict.PASS
        assert len(config.kept) <= 2048
    assert decide([claim()], Evidence(SHOWN, None), config, NOW).verdict is Verdict.PASS


DAY = timedelta(days=1)
TIMES = st.sampled_from(
    [
        NOW,
        NOW + SECOND,
        *(end + by for end in (BEGINS, ENDS, BYPASS.end) for by in (-DAY, -SECOND, 0 * DAY, DAY)),
    ]
)
SESSIONS = st.sampled_from(
    [
        None,
        SHOWN,
        SHOWN,
        session(),
        session(certificate_pin=OTHER_PIN),
        session(cipher="TLS_CHACHA20_POLY1305_SHA256"),
        session(tls_version=TlsVersion.TLS_1_2),
        session(tls_version=TlsVersion.TLS_1_1),
        session(certificate_pin=None, public_key_pin=None),
        session(trusted_issuer="CA", trusted_subject="mail.woodgrovebank.test"),
    ]
)
CONTENTS = st.sampled_from(
    [
        None,
        OWN,
        OWN,
        replace(OWN),
        replace(OWN, revocation_detail="it is being looked into"),
        replace(OWN, revocation=RevocationStatus.GOOD),
        replace(OWN, revocation=RevocationStatus.REVOKED),
        replace(OWN, path=replace(OWN.path, not_after=NOW)),
        replace(OWN, path=replace(OWN.path, without_issuer=OWN.certificate, outcome=PathOutcome.UNTRUSTED)),
        *map(judged_anew, PathOutcome),
        known("mail.woodgrovebank.test", "mail.fabrikam.test"),
        known("evil.test"),
    ]
)
SIGNATURES = st.sampled_from(
    [None, None, (), (MessageSignature(Domain(WOODGROVE), "s", SignatureStatus.VALID),)]
)
TLSA = st.sampled_from([None, None, {}, {WOODGROVE: UNHELPFUL}, {WOODGROVE: TlsaAnswer(failures=("no",))}])
CLAIMS = st.lists(
    st.sampled_from([claim(), claim(source="from"), claim("fabrikam.test"), claim("a.fabrikam.test")]),
    max_size=4,
)
PARTNERS = [
    partner(),
    partner(pins=frozenset({FINGERPRINT})),
    partner(pins=frozenset({OTHER_PIN})),
    partner(methods=(Method.PKIX, Method.PIN), pins=frozenset({PUBLIC_KEY})),
    partner(methods=(Method.DANE, Method.PIN)),
    partner(methods=(Method.POSTFIX, Method.PKIX)),
    partner(timed_pins=(TimedPin(FINGERPRINT, NOW, None), TimedPin(OTHER_PIN, None, NOW))),
    partner(require=(Condition.DKIM,)),
    partner(mode=Mode.OBSERVE),
    partner(minimum_tls=TlsVersion.TLS_1_3),
]


def _configurations() -> list[Configuration]:
    kinds: list[Callable[[Partner], Configuration]] = [
        lambda rule: configuration(WOODGROVE, "fabrikam.test", partners={WOODGROVE: rule}),
        lambda rule: configuration(partners={WOODGROVE: rule}, bypasses=(BYPASS,)),
        lambda rule: configuration(
            partners={WOODGROVE: rule},
            trust={"revocation": Revocation.REQUIRE, "distrusted": frozenset({OTHER_PIN})},
        ),
    ]
    return [kind(rule) for kind in kinds for rule in PARTNERS]


EVIDENCE = st.builds(Evidence, SESSIONS, CONTENTS, TLSA, SIGNATURES, st.none() | TIMES)


@given(st.data(), st.lists(st.tuples(CLAIMS, EVIDENCE, TIMES), min_size=2, max_size=30))
def test_it_is_what_the_whole_way_finds(
    data: st.DataObject, messages: list[tuple[list[Claim], Evidence, datetime]]
) -> None:
    """Invariant: whatever two configurations decided before, each word is as if judged anew."""
    both = data.draw(st.lists(st.sampled_from(_configurations()), min_size=2, max_size=2))
    for number, (claims, evidence, now) in enumerate(messages):
        config = both[number % 2]
        for _ in range(2):
            decision = decide(claims, evidence, config, now)
            assert repr(decision) == repr(decide_anew(claims, evidence, config, now))
        asked = Inquiries(
            lambda _, evidence=evidence: evidence.known_certificate,  # type: ignore[misc]
            lambda _, evidence=evidence: evidence.tlsa or {},  # type: ignore[misc]
            lambda evidence=evidence: evidence.signatures,  # type: ignore[misc]
            evidence.known_time,
        )
        found = decide_with(asked, claims, evidence.session, config, now)
        assert found.evidence is not None
        anew = decide_anew(claims, found.evidence, config, now)
        assert repr(found) == repr(replace(anew, evidence=found.evidence))
