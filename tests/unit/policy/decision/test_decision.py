"""The decision: precedence, every verdict, and several claims in one message."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from domain_secure.policy.certificates.certification_path import PathOutcome, PathValidation
from domain_secure.policy.certificates.trust import CommonName, Revocation
from domain_secure.policy.configuration.configuration import Condition, Configuration, Method, Mode, OnFailure
from domain_secure.policy.dane.tlsa import TlsaAnswer, TlsaRecord
from domain_secure.policy.decision.decision import (
    NOT_LISTED,
    Decision,
    Inquiries,
    decide,
    decide_about_session,
    decide_with,
    exempted,
    undecidable,
)
from domain_secure.policy.decision.evidence import Evidence, KnownCertificate, Session
from domain_secure.policy.decision.exemption import is_relay_certificate
from domain_secure.policy.decision.verdict import Effect, Verdict
from domain_secure.policy.dkim.message_signature import MessageSignature, SignatureStatus
from domain_secure.policy.revocation.revocation import RevocationStatus
from domain_secure.policy.terms.domain import Domain, Entry
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
MATCHING = TlsaRecord.of(3, 1, 1, bytes.fromhex(PUBLIC_KEY.digest))
OTHER_RECORD = TlsaRecord.of(3, 1, 1, b"\0" * 32)
AUTHORITY_RECORD = TlsaRecord.of(2, 1, 1, b"\0" * 32)


def answer(*records: TlsaRecord | None, failures: tuple[str, ...] = ()) -> TlsaAnswer:
    """Return what DNS says."""
    return TlsaAnswer(frozenset(record for record in records if record), failures)


def no_tlsa(entries: tuple[Entry, ...]) -> dict[Entry, TlsaAnswer]:
    """Know of no records."""
    return {entry: TlsaAnswer() for entry in entries}


def asking(
    find: Callable[[tuple[Entry, ...]], KnownCertificate | None],
    find_tlsa: Callable[[tuple[Entry, ...]], Mapping[Entry, TlsaAnswer]] = no_tlsa,
    signatures: Callable[[], tuple[MessageSignature, ...] | None] = lambda: None,
) -> Inquiries:
    """Return what is asked for further evidence."""
    return Inquiries(find, find_tlsa, signatures)


def judged(
    seen: Session | None = session(),  # noqa: B008 - frozen
    content: KnownCertificate | None = None,
    rules: Configuration = configuration(),  # noqa: B008 - frozen
) -> Decision:
    """Return the decision about one message from woodgrovebank.test."""
    return decide([claim()], Evidence(seen, content), rules, NOW)


OWN = known("mail.woodgrovebank.test")


@pytest.mark.parametrize(
    ("seen", "content", "verdict"),
    [
        (None, OWN, Verdict.NO_EVIDENCE),
        (session(tls_version=None), OWN, Verdict.NO_TLS),
        (session(tls_version=TlsVersion.TLS_1_1), OWN, Verdict.WEAK_TLS),
        (session(cipher="ADH-AES256-SHA"), OWN, Verdict.WEAK_TLS),
        (session(cipher="ECDHE-RSA-NULL-SHA"), OWN, Verdict.WEAK_TLS),
        (session(cipher="EXP-RC4-MD5"), OWN, Verdict.WEAK_TLS),
        (session(cipher=None), OWN, Verdict.WEAK_TLS),
        (session(certificate_pin=None, public_key_pin=None), OWN, Verdict.NO_CERTIFICATE),
        (session(), None, Verdict.UNKNOWN_CERTIFICATE),
        (session(), known("mail.evil.test"), Verdict.NAME_MISMATCH),
        (session(), known(), Verdict.NAME_MISMATCH),
        (session(), known("woodgrovebank.test", outcome=PathOutcome.UNTRUSTED), Verdict.UNTRUSTED),
        (session(), known("woodgrovebank.test", outcome=PathOutcome.EXPIRED), Verdict.EXPIRED),
        (session(), known("woodgrovebank.test", revocation=RevocationStatus.REVOKED), Verdict.REVOKED),
        (session(), known("woodgrovebank.test"), Verdict.PASS),
        (session(), OWN, Verdict.PASS),
    ],
)
def test_each_verdict(seen: Session | None, content: KnownCertificate | None, verdict: Verdict) -> None:
    """Each state of session and certificate has its verdict, whatever else would be in order."""
    assert judged(seen, content).verdict is verdict


def test_trusted_path_is_judged_at_the_time_of_the_message() -> None:
    """A path that was validated earlier and has run out since is expired."""
    content = known("woodgrovebank.test")
    late = replace(content, path=replace(content.path, not_after=NOW - timedelta(seconds=1)))
    assert judged(content=late).verdict is Verdict.EXPIRED


@pytest.mark.parametrize(
    ("name", "verdict", "effect"),
    [
        ("woodgrovebank.test", Verdict.UNKNOWN_CERTIFICATE, Effect.DEFER),
        ("evil.test", Verdict.UNTRUSTED, Effect.REJECT),
    ],
)
def test_a_missing_issuer_is_a_reason_to_look_again(name: str, verdict: Verdict, effect: Effect) -> None:
    """A certificate in the partner's name may yet turn out to be trusted; in another's that does not help."""
    content = known(name, outcome=PathOutcome.UNTRUSTED)
    content = replace(content, path=replace(content.path, without_issuer=content.certificate))
    decision = judged(content=content)
    assert (decision.verdict, decision.effect) == (verdict, effect)
    if effect is Effect.DEFER:
        assert (
            "the detail, and that authority's own certificate is not at hand" in decision.findings[0].detail
        )


def test_no_listed_claim_is_no_business_of_ours() -> None:
    """Without a listed claim nothing is judged."""
    assert decide([], Evidence(None, None), configuration(), NOW) is NOT_LISTED


@pytest.mark.parametrize("pinned", [FINGERPRINT, PUBLIC_KEY])
def test_pin_passes_without_knowing_the_content(pinned: Pin) -> None:
    """A pin of the certificate or of its key decides alone."""
    rules = configuration(partners={WOODGROVE: partner(pins=frozenset({pinned, OTHER_PIN}))})
    decision = judged(rules=rules)
    assert (decision.verdict, decision.method) == (Verdict.PASS, Method.PIN)


def test_pin_is_no_way_around_the_channel() -> None:
    """A pinned certificate over TLS 1.1 is still weak."""
    rules = configuration(partners={WOODGROVE: partner(pins=frozenset({FINGERPRINT}))})
    assert judged(session(tls_version=TlsVersion.TLS_1_1), rules=rules).verdict is Verdict.WEAK_TLS


def test_only_pins_and_none_fits_is_untrusted() -> None:
    """Where pins are the only method, another certificate is refused for good."""
    rules = configuration(partners={WOODGROVE: partner(pins=frozenset({OTHER_PIN}), methods=(Method.PIN,))})
    assert judged(content=OWN, rules=rules).verdict is Verdict.UNTRUSTED


@pytest.mark.parametrize("place", [0, 31, 63])
@pytest.mark.parametrize("kind", [Pin.certificate, Pin.public_key])
def test_a_pin_is_compared_whole(kind: Callable[[str], Pin], place: int) -> None:
    """One digit that differs, wherever it stands, makes it another certificate's."""
    digest = (FINGERPRINT if kind == Pin.certificate else PUBLIC_KEY).digest
    other = kind(f"{digest[:place]}0{digest[place + 1 :]}")
    rules = configuration(partners={WOODGROVE: partner(pins=frozenset({other}), methods=(Method.PIN,))})
    assert judged(rules=rules).verdict is Verdict.UNTRUSTED


def test_a_failed_pin_does_not_hide_what_may_still_be_learnt() -> None:
    """No pin fits and the content is unknown: deferred, because pkix may pass later."""
    rules = configuration(partners={WOODGROVE: partner(pins=frozenset({OTHER_PIN}))})
    assert judged(rules=rules).verdict is Verdict.UNKNOWN_CERTIFICATE


@pytest.mark.parametrize("methods", [(Method.PIN,), (Method.DANE,), (Method.PIN, Method.DANE)])
def test_nothing_set_up_is_not_the_partners_fault(methods: tuple[Method, ...]) -> None:
    """A rule that nothing can satisfy yet lets nobody in, and turns nobody away for good."""
    rules = configuration(partners={WOODGROVE: partner(methods=methods)})
    decision = judged(content=OWN, rules=rules)
    assert (decision.verdict, decision.effect) == (Verdict.NOT_SET_UP, Effect.DEFER)


def _dated(begins: timedelta, ends: timedelta, outcome: PathOutcome) -> KnownCertificate:
    path = PathValidation(outcome, "the detail", NOW + begins, NOW + ends)
    return known("mail.woodgrovebank.test", path=path)


_DAYS = timedelta(days=1)


@pytest.mark.parametrize(
    ("begins", "ends", "known_time", "verdict"),
    [
        # A year back: nothing that has not begun is refused for good.
        (300 * _DAYS, 390 * _DAYS, 365 * _DAYS, Verdict.DATES_UNKNOWN),
        # And what has ended since is not let in.
        (-30 * _DAYS, 60 * _DAYS, 365 * _DAYS, Verdict.DATES_UNKNOWN),
        (-30 * _DAYS, 60 * _DAYS, 59 * _DAYS, Verdict.PASS),
        # What has ended by the clock that is behind has ended.
        (-90 * _DAYS, -1 * _DAYS, 365 * _DAYS, Verdict.EXPIRED),
        # One that has leapt ahead: what has ended by it alone waits, what has ended in truth does not.
        (-390 * _DAYS, -300 * _DAYS, -365 * _DAYS, Verdict.DATES_UNKNOWN),
        (-390 * _DAYS, -366 * _DAYS, -365 * _DAYS, Verdict.EXPIRED),
        # A clock that is right, or about which nothing is known.
        (300 * _DAYS, 390 * _DAYS, timedelta(0), Verdict.EXPIRED),
        (300 * _DAYS, 390 * _DAYS, None, Verdict.EXPIRED),
        (-90 * _DAYS, -1 * _DAYS, None, Verdict.EXPIRED),
        # Clocks of two hosts differ by minutes.
        (timedelta(minutes=3), 90 * _DAYS, None, Verdict.DATES_UNKNOWN),
        (timedelta(minutes=10), 90 * _DAYS, None, Verdict.DATES_UNKNOWN),
        (timedelta(minutes=11), 90 * _DAYS, None, Verdict.EXPIRED),
    ],
)
def test_what_rests_on_a_clock_that_is_behind_is_temporary(
    begins: timedelta, ends: timedelta, known_time: timedelta | None, verdict: Verdict
) -> None:
    """Dates that only the clock makes wrong, or right, are judged again later; the reply has the times."""
    is_now = begins <= timedelta(0) <= ends
    content = _dated(begins, ends, PathOutcome.TRUSTED if is_now else PathOutcome.EXPIRED)
    evidence = Evidence(session(), content, known_time=None if known_time is None else NOW + known_time)
    decision = decide([claim()], evidence, configuration(), NOW)
    assert decision.verdict is verdict
    if verdict is Verdict.DATES_UNKNOWN:
        assert decision.effect is Effect.DEFER
        assert "2026-11-24 12:00:00 UTC" in decision.findings[0].detail


_SECOND = timedelta(seconds=1)
_NONE = timedelta(0)


@pytest.mark.parametrize(
    ("begins", "ends", "known_time", "verdict"),
    [
        (_NONE, _DAYS, None, Verdict.PASS),
        (-_DAYS, _NONE, None, Verdict.PASS),
        (_SECOND, _DAYS, None, Verdict.DATES_UNKNOWN),
        (-_DAYS, -_SECOND, None, Verdict.EXPIRED),
        (_NONE, 2 * _DAYS, _DAYS, Verdict.PASS),
        (-_DAYS, _NONE, _DAYS, Verdict.DATES_UNKNOWN),
        (-_DAYS, _DAYS, _DAYS, Verdict.PASS),
        (-_DAYS, _DAYS - _SECOND, _DAYS, Verdict.DATES_UNKNOWN),
    ],
)
def test_both_ends_of_a_certificates_time_are_part_of_it(
    begins: timedelta, ends: timedelta, known_time: timedelta | None, verdict: Verdict
) -> None:
    """To the second, by a clock that is right and by one that is behind (RFC 5280 section 4.1.2.5)."""
    content = _dated(begins, ends, PathOutcome.TRUSTED)
    evidence = Evidence(session(), content, known_time=None if known_time is None else NOW + known_time)
    assert decide([claim()], evidence, configuration(), NOW).verdict is verdict


def test_a_decision_keeps_all_that_it_rests_on() -> None:
    """It can be taken again from it, and ends in the same."""
    signature = MessageSignature(Domain(WOODGROVE), "s1", SignatureStatus.VALID)
    later = NOW + timedelta(days=1)
    asked: list[str] = []

    def signatures() -> tuple[MessageSignature, ...]:
        asked.append("signatures")
        return (signature,)

    inquiries = replace(asking(lambda _: OWN, signatures=signatures), known_time=later)
    rules = configuration(partners={WOODGROVE: partner(require=(Condition.DKIM,))})
    decision = decide_with(inquiries, [claim()], session(), rules, NOW)
    assert decision.evidence is not None
    assert (decision.evidence.session, decision.evidence.known_certificate) == (session(), OWN)
    assert decision.evidence.signatures == (signature,)
    assert decision.evidence.known_time == later
    assert replace(decide([claim()], decision.evidence, rules, NOW), evidence=decision.evidence) == decision
    assert asked == ["signatures"], "once for a message"


def test_an_unknown_certificate_is_named() -> None:
    """The partner's administrator reads which certificate it was."""
    decision = decide([claim()], Evidence(session(), None), configuration(), NOW)
    assert f"({FINGERPRINT})" in decision.findings[0].detail


def test_a_common_name_that_is_not_looked_at_is_told() -> None:
    """Whoever has a common name alone reads that it is passed over, and what is needed instead."""
    decision = judged(content=known(common_name="mail.woodgrovebank.test"))
    assert decision.verdict is Verdict.NAME_MISMATCH
    assert decision.findings[0].detail == (
        "certificate has no alternative name of a host, and its common name mail.woodgrovebank.test is not "
        "looked at; mail from this domain needs one for woodgrovebank.test"
    )


@pytest.mark.parametrize(
    ("subject", "issuer", "verdict"),
    [
        ("mail.woodgrovebank.test", "Some CA", Verdict.PASS),
        ("mail.evil.test", "Some CA", Verdict.NAME_MISMATCH),
        (None, "Some CA", Verdict.NAME_MISMATCH),
        ("mail.woodgrovebank.test", None, Verdict.UNTRUSTED),
    ],
)
def test_postfix_method(subject: str | None, issuer: str | None, verdict: Verdict) -> None:
    """The opt-in method asks for Postfix's trust and the common name together."""
    rules = configuration(partners={WOODGROVE: partner(methods=(Method.POSTFIX,))})
    assert judged(session(trusted_subject=subject, trusted_issuer=issuer), rules=rules).verdict is verdict


def test_postfix_trust_alone_never_passes_by_default() -> None:
    """What Postfix trusts is a hint; without the opt-in it changes nothing."""
    seen = session(trusted_subject="woodgrovebank.test", trusted_issuer="Some CA")
    assert judged(seen).verdict is Verdict.UNKNOWN_CERTIFICATE


@pytest.mark.parametrize(
    ("setting", "content", "verdict"),
    [
        (CommonName.NEVER, known(common_name="woodgrovebank.test"), Verdict.NAME_MISMATCH),
        (CommonName.WITHOUT_SAN, known(common_name="woodgrovebank.test"), Verdict.PASS),
        (CommonName.WITHOUT_SAN, known("evil.test", common_name="woodgrovebank.test"), Verdict.NAME_MISMATCH),
    ],
)
def test_common_name(setting: CommonName, content: KnownCertificate, verdict: Verdict) -> None:
    """The common name counts only where it is allowed and there is no dNSName."""
    assert judged(content=content, rules=configuration(trust={"common_name": setting})).verdict is verdict


def test_revocation_required_but_unknown_defers() -> None:
    """``revocation = require`` without any answer is temporary."""
    rules = configuration(trust={"revocation": Revocation.REQUIRE})
    assert judged(content=OWN, rules=rules).verdict is Verdict.REVOCATION_UNKNOWN
    good = replace(OWN, revocation=RevocationStatus.GOOD)
    assert judged(content=good, rules=rules).verdict is Verdict.PASS


def test_every_claimed_domain_must_be_proved() -> None:
    """A session that is one listed partner does not speak for another."""
    rules = configuration("woodgrovebank.test", "fabrikam.test")
    decision = decide([claim(), claim("fabrikam.test", source="from")], Evidence(session(), OWN), rules, NOW)
    assert decision.verdict is Verdict.NAME_MISMATCH
    assert decision.effect is Effect.REJECT
    assert decision.deciding is not None
    assert decision.deciding.claim.domain == "fabrikam.test"


def test_one_finding_a_domain() -> None:
    """A domain claimed in the envelope and in the header is judged, logged and marked once."""
    decision = decide([claim(source="from"), claim()], Evidence(session(), OWN), configuration(), NOW)
    assert [finding.claim.source for finding in decision.findings] == ["envelope,from"]


def test_refusal_for_good_beats_deferral_of_another_domain() -> None:
    """A message that must fail is not kept waiting for what cannot save it."""
    entry = Entry("fabrikam.test")
    other = frozenset({Pin.certificate("00" * 32)})
    rules = configuration(
        "woodgrovebank.test",
        "fabrikam.test",
        partners={entry: partner(entry, methods=(Method.PIN,), pins=other)},
    )
    decision = decide([claim(), claim("fabrikam.test")], Evidence(session(), None), rules, NOW)
    assert (decision.verdict, decision.effect) == (Verdict.UNTRUSTED, Effect.REJECT)


def test_observe_refuses_nothing_and_passes_nothing() -> None:
    """Observe mode lets a failure in, and the message's verdict stays a failure."""
    decision = judged(content=known("evil.test"), rules=configuration(mode=Mode.OBSERVE))
    assert (decision.verdict, decision.effect) == (Verdict.NAME_MISMATCH, Effect.ACCEPT)


def test_observing_one_partner_does_not_free_another() -> None:
    """With one partner observed, a failure of an enforced one still refuses."""
    entry = Entry("fabrikam.test")
    rules = configuration(
        "woodgrovebank.test", "fabrikam.test", partners={entry: partner(entry, mode=Mode.OBSERVE)}
    )
    decision = decide(
        [claim(), claim("fabrikam.test")], Evidence(session(tls_version=None), None), rules, NOW
    )
    assert decision.effect is Effect.REJECT
    assert decision.deciding is not None
    assert decision.deciding.claim.domain == "woodgrovebank.test"


def test_pass_beside_an_observed_failure_is_not_a_pass() -> None:
    """Promise 1: a message that claims a domain it did not prove carries no pass verdict."""
    entry = Entry("fabrikam.test")
    rules = configuration(
        "woodgrovebank.test", "fabrikam.test", partners={entry: partner(entry, mode=Mode.OBSERVE)}
    )
    decision = decide([claim(), claim("fabrikam.test")], Evidence(session(), OWN), rules, NOW)
    assert (decision.verdict, decision.effect) == (Verdict.NAME_MISMATCH, Effect.ACCEPT)


@pytest.mark.parametrize("on_failure", list(OnFailure))
def test_on_failure(on_failure: OnFailure) -> None:
    """``on_failure`` decides what a certificate failure does."""
    expected = {OnFailure.REJECT: Effect.REJECT, OnFailure.DEFER: Effect.DEFER, OnFailure.TAG: Effect.ACCEPT}
    decision = judged(content=known("evil.test"), rules=configuration(on_failure=on_failure))
    assert decision.effect is expected[on_failure]


def test_wildcard_entry_uses_its_base_as_the_name() -> None:
    """``*.fabrikam.test`` is proved by a certificate for fabrikam.test or a host under it."""
    rules = configuration("*.fabrikam.test")
    one = claim("news.fabrikam.test", entry="*.fabrikam.test")
    decision = decide([one], Evidence(session(), known("mx.fabrikam.test")), rules, NOW)
    assert decision.verdict is Verdict.PASS


def test_stricter_minimum_is_per_partner() -> None:
    """A partner may ask for TLS 1.3."""
    rules = configuration(partners={WOODGROVE: partner(minimum_tls=TlsVersion.TLS_1_3)})
    assert judged(session(tls_version=TlsVersion.TLS_1_2), OWN, rules).verdict is Verdict.WEAK_TLS


def test_names_of_the_partner_replace_the_default() -> None:
    """A partner behind another name is known by that name alone."""
    rules = configuration(partners={WOODGROVE: partner(names=(Domain("gateway.test"),))})
    assert judged(content=known("mx1.gateway.test"), rules=rules).verdict is Verdict.PASS
    assert judged(content=OWN, rules=rules).verdict is Verdict.NAME_MISMATCH


def test_names_of_what_a_partner_shows_when_it_sends() -> None:
    """With ``receive_names`` a certificate that is right for sending to the partner proves nothing."""
    names = {"receive_names": (Domain("client.test"),), "send_names": (Domain("server.test"),)}
    rules = configuration(partners={WOODGROVE: partner(**names)})
    assert judged(content=known("mx1.client.test"), rules=rules).verdict is Verdict.PASS
    refused = judged(content=known("mx1.server.test"), rules=rules)
    assert refused.verdict is Verdict.NAME_MISMATCH
    assert "needs one for client.test" in refused.findings[0].detail
    assert judged(content=OWN, rules=rules).verdict is Verdict.NAME_MISMATCH


def test_certificate_is_asked_for_only_where_it_matters() -> None:
    """Nobody is asked for a certificate when a pin, or the lack of TLS, has already decided."""
    asked: list[tuple[Entry, ...]] = []

    def find(entries: tuple[Entry, ...]) -> KnownCertificate:
        asked.append(entries)
        return OWN

    pinned = configuration(partners={WOODGROVE: partner(pins=frozenset({FINGERPRINT}))})
    assert decide_with(asking(find), [claim()], session(), pinned, NOW).verdict is Verdict.PASS
    assert decide_with(asking(find), [claim()], None, configuration(), NOW).verdict is Verdict.NO_EVIDENCE
    assert not asked
    assert decide_with(asking(find), [claim()], session(), configuration(), NOW).verdict is Verdict.PASS
    assert asked == [(WOODGROVE,)]
    assert decide_with(asking(lambda _: None), [claim()], session(), configuration(), NOW).verdict is (
        Verdict.UNKNOWN_CERTIFICATE
    )


@pytest.mark.parametrize(
    ("said", "content", "expected"),
    [
        (answer(MATCHING), None, Verdict.PASS),
        (answer(MATCHING, OTHER_RECORD), known("evil.test"), Verdict.PASS),
        (answer(MATCHING, failures=("SERVFAIL",)), None, Verdict.PASS),
        (answer(OTHER_RECORD), known("evil.test"), Verdict.UNTRUSTED),
        (answer(OTHER_RECORD), None, Verdict.UNKNOWN_CERTIFICATE),  # pkix cannot know yet
        (answer(OTHER_RECORD, failures=("SERVFAIL",)), known("evil.test"), Verdict.NO_EVIDENCE),
        (answer(failures=("SERVFAIL",)), known("evil.test"), Verdict.NO_EVIDENCE),
        (answer(), known("evil.test"), Verdict.NAME_MISMATCH),
    ],
)
def test_dane(said: TlsaAnswer, content: KnownCertificate | None, expected: Verdict) -> None:
    """A match passes whatever else fails; no record is no opinion; a failed look-up is temporary."""
    evidence = Evidence(session(), content, {WOODGROVE: said})
    decision = decide([claim()], evidence, configuration(), NOW)
    assert decision.verdict is expected
    assert decision.method is (Method.DANE if expected is Verdict.PASS else None)


def test_tlsa_is_asked_for_only_where_it_matters() -> None:
    """Not where something else passes, the session proves nothing, or the partner does not use DANE."""
    asked: list[tuple[Entry, ...]] = []

    def find_tlsa(entries: tuple[Entry, ...]) -> dict[Entry, TlsaAnswer]:
        asked.append(entries)
        return {WOODGROVE: answer(MATCHING)}

    def verdict(content: KnownCertificate | None, shown: Session | None, *methods: Method) -> Verdict:
        rules = configuration(partners={WOODGROVE: partner(methods=methods)})
        return decide_with(asking(lambda _: content, find_tlsa), [claim()], shown, rules, NOW).verdict

    assert verdict(OWN, session(), Method.PKIX, Method.DANE) is Verdict.PASS
    assert verdict(None, session(certificate_pin=None), Method.DANE) is Verdict.NO_CERTIFICATE
    assert verdict(None, session(tls_version=None), Method.DANE) is Verdict.NO_TLS
    assert verdict(None, None, Method.DANE) is Verdict.NO_EVIDENCE
    assert verdict(None, session(), Method.PKIX) is Verdict.UNKNOWN_CERTIFICATE
    assert not asked
    assert verdict(None, session(), Method.PKIX, Method.DANE) is Verdict.PASS
    assert verdict(None, session(), Method.DANE) is Verdict.PASS
    assert asked == [(WOODGROVE,)] * 2


def test_certificate_is_asked_for_where_a_tlsa_record_needs_it() -> None:
    """DANE alone, and an authority's record: the chain must be known, and each source is asked once."""
    asked: list[str] = []

    def find(_: tuple[Entry, ...]) -> None:
        asked.append("certificate")

    def find_tlsa(_: tuple[Entry, ...]) -> dict[Entry, TlsaAnswer]:
        asked.append("tlsa")
        return {WOODGROVE: answer(AUTHORITY_RECORD)}

    rules = configuration(partners={WOODGROVE: partner(methods=(Method.DANE,))})
    decision = decide_with(asking(find, find_tlsa), [claim()], session(), rules, NOW)
    assert decision.verdict is Verdict.UNKNOWN_CERTIFICATE
    assert asked == ["tlsa", "certificate"]


@pytest.mark.parametrize(
    ("record", "name", "expected"),
    [
        (AUTHORITY_RECORD, "mail.woodgrovebank.test", Verdict.UNKNOWN_CERTIFICATE),
        (AUTHORITY_RECORD, "mail.evil.test", Verdict.UNTRUSTED),
        (OTHER_RECORD, "mail.woodgrovebank.test", Verdict.UNTRUSTED),
    ],
)
def test_dane_waits_for_a_missing_authority(record: TlsaRecord, name: str, expected: Verdict) -> None:
    """It may be the one that the record names; a record of the certificate itself needs none."""
    content = known(name, outcome=PathOutcome.UNTRUSTED)
    content = replace(content, path=replace(content.path, without_issuer=content.certificate))
    rules = configuration(partners={WOODGROVE: partner(methods=(Method.DANE,))})
    evidence = Evidence(session(), content, {WOODGROVE: answer(record)})
    assert decide([claim()], evidence, rules, NOW).verdict is expected


@pytest.mark.parametrize("pin", [FINGERPRINT, PUBLIC_KEY])
@pytest.mark.parametrize("method", Method)
def test_a_distrusted_certificate_proves_nothing(pin: Pin, method: Method) -> None:
    """By no method, whatever else speaks for it; nobody is asked about it."""
    asked: list[object] = []
    rules = configuration(
        partners={WOODGROVE: partner(methods=(method,), pins=frozenset({FINGERPRINT, PUBLIC_KEY}))},
        trust={"distrusted": frozenset({pin})},
    )
    seen = session(trusted_subject="woodgrovebank.test", trusted_issuer="Root")
    evidence = Evidence(seen, OWN, {WOODGROVE: answer(MATCHING)})
    decision = decide([claim()], evidence, rules, NOW)
    assert (decision.verdict, decision.method) == (Verdict.DISTRUSTED, None)
    assert str(pin) in decision.findings[0].detail
    inquiries = Inquiries(asked.append, asked.append, lambda: None)  # type: ignore[arg-type]
    assert decide_with(inquiries, [claim()], seen, rules, NOW).verdict is Verdict.DISTRUSTED
    assert not asked
    trusting = replace(rules, trust=replace(rules.trust, distrusted=frozenset({Pin.public_key("00" * 32)})))
    assert decide([claim()], evidence, trusting, NOW).verdict is Verdict.PASS


def test_a_chain_through_a_distrusted_authority() -> None:
    """It says so whatever the last method says; what rests on the certificate alone may pass."""
    content = known("mail.woodgrovebank.test", outcome=PathOutcome.DISTRUSTED)
    rules = configuration(trust={"distrusted": frozenset({Pin.public_key("00" * 32)})})
    for record, expected in ((OTHER_RECORD, Verdict.DISTRUSTED), (MATCHING, Verdict.PASS)):
        evidence = Evidence(session(), content, {WOODGROVE: answer(record)})
        assert decide([claim()], evidence, rules, NOW).verdict is expected
    by_postfix = replace(rules, partners={WOODGROVE: partner(methods=(Method.POSTFIX,))})
    seen = session(trusted_subject="woodgrovebank.test", trusted_issuer="Root")

    def verdict(found: KnownCertificate | None) -> Verdict:
        return decide([claim()], Evidence(seen, found), by_postfix, NOW).verdict

    assert verdict(content) is Verdict.DISTRUSTED
    assert verdict(None) is Verdict.UNKNOWN_CERTIFICATE
    half = known("mail.woodgrovebank.test", outcome=PathOutcome.UNTRUSTED)
    half = replace(half, path=replace(half.path, without_issuer=half.certificate))
    assert verdict(half) is Verdict.UNKNOWN_CERTIFICATE


def test_a_distrusted_certificate_is_no_relays() -> None:
    """Not by the digest that is listed, nor by another of the same certificate."""
    shown = (FINGERPRINT, PUBLIC_KEY)
    rules = configuration()
    rules = replace(rules, inbound=replace(rules.inbound, trusted_relay_certificates=(FINGERPRINT,)))
    assert is_relay_certificate(shown, rules)
    for pin in shown:
        denied = replace(rules, trust=replace(rules.trust, distrusted=frozenset({pin})))
        assert not is_relay_certificate(shown, denied)


SIGNED = MessageSignature(Domain("woodgrovebank.test"), "s1", SignatureStatus.VALID)
ALTERED = replace(SIGNED, status=SignatureStatus.INVALID, detail="the body is not the one that was signed")
UNCHECKED = replace(SIGNED, status=SignatureStatus.UNKNOWN, detail="no answer in time")
SIGNING = {WOODGROVE: partner(require=(Condition.DKIM,))}


@pytest.mark.parametrize(
    ("signatures", "expected"),
    [
        (None, Verdict.NO_EVIDENCE),
        ((), Verdict.NO_SIGNATURE),
        ((SIGNED,), Verdict.PASS),
        ((ALTERED, UNCHECKED, SIGNED), Verdict.PASS),
        ((ALTERED,), Verdict.NO_SIGNATURE),
        ((ALTERED, UNCHECKED), Verdict.NO_EVIDENCE),
        ((replace(SIGNED, domain=Domain("evil.test")),), Verdict.NO_SIGNATURE),
        ((replace(SIGNED, domain=Domain("mail.woodgrovebank.test")),), Verdict.NO_SIGNATURE),
        ((replace(SIGNED, domain=Domain("test")),), Verdict.NO_SIGNATURE),
        ((replace(SIGNED, uncovered=frozenset({"from"})),), Verdict.NO_SIGNATURE),
        ((replace(SIGNED, uncovered=frozenset({"sender"})),), Verdict.PASS),
    ],
)
def test_signature_as_a_second_condition(
    signatures: tuple[MessageSignature, ...] | None, expected: Verdict
) -> None:
    """A signature of the claimed domain that holds and covers the claiming field is needed; one is enough."""
    evidence = Evidence(session(), OWN, {}, signatures)
    decision = decide([claim(source="from")], evidence, configuration(partners=SIGNING), NOW)
    assert decision.verdict is expected
    assert decision.method is (Method.PKIX if expected is Verdict.PASS else None)


def test_domain_above_signs_as_far_as_the_entry_reaches() -> None:
    """The list says how much one organisation owns: the base signs for what lies under it, nobody above."""
    rules = configuration(
        "*.fabrikam.test",
        partners={Entry("*.fabrikam.test"): partner("*.fabrikam.test", require=(Condition.DKIM,))},
    )

    def verdict(signer: str) -> Verdict:
        claimed = claim("a.b.fabrikam.test", "*.fabrikam.test")
        evidence = Evidence(
            session(), known("mail.fabrikam.test"), {}, (replace(SIGNED, domain=Domain(signer)),)
        )
        return decide([claimed], evidence, rules, NOW).verdict

    for signer in ("a.b.fabrikam.test", "b.fabrikam.test", "fabrikam.test"):
        assert verdict(signer) is Verdict.PASS, signer
    for signer in ("x.a.b.fabrikam.test", "a.fabrikam.test", "test", "notfabrikam.test"):
        assert verdict(signer) is Verdict.NO_SIGNATURE, signer


def test_signature_does_not_stand_for_the_session() -> None:
    """Where no method passes the signature changes nothing, and nobody asks for it."""

    def verdict(content: KnownCertificate | None, rules: Configuration) -> Verdict:
        asked.clear()
        inquiries = asking(lambda _: content, signatures=lambda: asked.append(1) or (SIGNED,))
        return decide_with(inquiries, [claim()], session(), rules, NOW).verdict

    asked: list[int] = []
    assert verdict(known("evil.test"), configuration(partners=SIGNING)) is Verdict.NAME_MISMATCH
    assert not asked
    assert verdict(OWN, configuration()) is Verdict.PASS
    assert not asked
    assert verdict(OWN, configuration(partners=SIGNING)) is Verdict.PASS
    assert asked == [1]


@pytest.mark.parametrize("found", [None, ()])
def test_signatures_are_asked_for_once(found: tuple[MessageSignature, ...] | None) -> None:
    """Also where the answer changes nothing."""
    answers = iter((found,))
    inquiries = asking(lambda _: OWN, signatures=lambda: next(answers))
    decision = decide_with(inquiries, [claim()], session(), configuration(partners=SIGNING), NOW)
    assert decision.verdict is (Verdict.NO_EVIDENCE if found is None else Verdict.NO_SIGNATURE)


def test_session_alone() -> None:
    """Where there is no message yet, what each will need is told and not held against the session."""
    rules = configuration(partners=SIGNING)
    decision = decide_about_session([claim()], Evidence(session(), OWN), rules, NOW)
    assert (decision.verdict, decision.method, decision.effect) == (Verdict.PASS, Method.PKIX, Effect.ACCEPT)
    assert decision.findings[0].claim == claim()
    assert decision.findings[0].detail.endswith(
        "; each message needs a DKIM signature of its author's domain as well"
    )
    stranger = Evidence(session(), known("evil.test"))
    assert decide_about_session([claim()], stranger, rules, NOW).verdict is Verdict.NAME_MISMATCH
    plain = decide([claim()], Evidence(session(), OWN), configuration(), NOW)
    assert decide_about_session([claim()], Evidence(session(), OWN), configuration(), NOW) == plain
    assert decide_about_session([claim()], Evidence(session(), OWN, None, (SIGNED,)), rules, NOW) == decision


def test_our_own_fault_defers_listed_domains_only() -> None:
    """An internal error is temporary for listed domains and nothing for everybody else."""
    assert undecidable([claim()], configuration()).effect is Effect.DEFER
    assert undecidable([], configuration()) is NOT_LISTED


def test_exempt_sessions_are_neither_refused_nor_marked() -> None:
    """An exempt session with a listed claim is counted as exempt and left alone."""
    decision = exempted([claim()], configuration(), "the client logged in")
    assert (decision.verdict, decision.effect) == (Verdict.EXEMPT, Effect.NONE)
    assert exempted([], configuration(), "the client logged in") is NOT_LISTED


def test_hostile_names_do_not_fill_the_reply() -> None:
    """A stranger's certificate with a thousand long names is shown by a few short ones."""
    names = ("\x00evil", "é" * 300, *("x" * 5000 for _ in range(1000)))
    decision = judged(content=known(*names))
    assert decision.deciding is not None
    assert len(decision.deciding.detail) < 600
    assert decision.deciding.detail.isprintable()
    assert decision.deciding.detail.isascii()


LATER = TimedPin(FINGERPRINT, NOW + timedelta(days=1), None)
EARLIER = TimedPin(PUBLIC_KEY, None, NOW - timedelta(days=1))


@pytest.mark.parametrize("timed", [LATER, EARLIER])
def test_a_pin_out_of_its_time_is_refused_for_now_alone(timed: TimedPin) -> None:
    """That its time has not begun, or has ended, rests on a clock; the reply tells both times."""
    rules = configuration(partners={WOODGROVE: partner(timed_pins=(timed,), methods=(Method.PIN,))})
    decision = judged(content=OWN, rules=rules)
    assert (decision.verdict, decision.effect) == (Verdict.DATES_UNKNOWN, Effect.DEFER)
    assert [one.method for one in decision.findings[0].attempts] == [Method.PIN]
    assert timed.told_time in decision.findings[0].detail
    assert f"{NOW:%Y-%m-%d %H:%M}" in decision.findings[0].detail


def test_of_two_pins_out_of_their_time_always_the_same_one_is_told() -> None:
    """That of the certificate and that of its key, in whichever order they were agreed."""
    told = {
        judged(rules=configuration(partners={WOODGROVE: partner(timed_pins=timed)})).findings[0].detail
        for timed in ((LATER, EARLIER), (EARLIER, LATER))
    }
    assert len(told) == 1


def test_a_pin_that_counted_and_will_again() -> None:
    """Two times of one pin, one of which has no beginning and the other no end."""
    timed = (TimedPin(FINGERPRINT, NOW + timedelta(days=1)), TimedPin(FINGERPRINT, None, NOW))
    rules = configuration(partners={WOODGROVE: partner(timed_pins=timed, methods=(Method.PIN,))})
    assert judged(rules=rules).verdict is Verdict.DATES_UNKNOWN


def test_a_pin_out_of_its_time_hides_no_other_method() -> None:
    """The content of the certificate is asked for, and passes by its chain."""
    rules = configuration(partners={WOODGROVE: partner(timed_pins=(LATER,))})
    asked: list[object] = []

    def content(entries: object) -> KnownCertificate:
        asked.append(entries)
        return OWN

    decision = decide_with(Inquiries(content, lambda _: {}, lambda: None), [claim()], session(), rules, NOW)
    assert (decision.verdict, decision.method) == (Verdict.PASS, Method.PKIX)
    assert asked


def test_another_key_than_the_announced_one_is_refused() -> None:
    """As with any pin, also while none counts."""
    timed = TimedPin(OTHER_PIN, NOW + timedelta(days=1), None)
    rules = configuration(partners={WOODGROVE: partner(timed_pins=(timed,), methods=(Method.PIN,))})
    assert judged(content=OWN, rules=rules).verdict is Verdict.UNTRUSTED
