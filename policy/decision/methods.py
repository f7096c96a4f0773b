"""The methods by which a session proves to be a partner: one function each (DESIGN section 2).

Owns: what each method asks of session and certificate, and the words for why it failed.
Must not know: claims, other methods, what a failure does to the message.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain_secure.policy.certificates.certificate import Certificate
from domain_secure.policy.certificates.certification_path import PathOutcome, PathValidation
from domain_secure.policy.certificates.trust import CommonName, Revocation
from domain_secure.policy.configuration.configuration import Condition, Configuration, Method, Partner, Trust
from domain_secure.policy.dane.dane import (
    matches_authority,
    matches_digest,
    matches_end_entity,
    needs_content,
)
from domain_secure.policy.dane.tlsa import TlsaRecord, Usage
from domain_secure.policy.revocation.revocation import RevocationStatus
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.names import any_name_matches

from .evidence import KnownCertificate, Proof, Session
from .verdict import Verdict


@dataclass(frozen=True, slots=True)
class Attempt:
    """What one method or condition found; kept for ``explain`` and the verbose log."""

    method: Method | Condition
    verdict: Verdict
    detail: str


def attempt_by(
    method: Method, proof: Proof, partner: Partner, configuration: Configuration, now: datetime
) -> Attempt | None:
    """Return what *method* says, or None where it has nothing to go by."""
    match method:
        case Method.PIN:
            return _by_pin(proof.session, partner, now)
        case Method.PKIX:
            return _by_pkix(proof, partner, configuration, now)
        case Method.POSTFIX:
            return _by_postfix(proof, partner, configuration)
        case Method.DANE:
            return _by_dane(proof, partner, configuration, now)


# Clocks of two hosts differ, and an authority may date a certificate a little ahead.
_BEGINS_SOON = timedelta(minutes=10)


def _unknown_certificate(session: Session) -> tuple[Verdict, str]:
    told = (
        f"this client certificate ({session.certificate_pin}) is not known to the receiving side yet; "
        "please retry, and if it stays so, send the certificate to the postmaster"
    )
    return Verdict.UNKNOWN_CERTIFICATE, told


def _by_pin(session: Session, partner: Partner, now: datetime) -> Attempt | None:
    """Return what the pins say; no refusal for good rests on the time of one, and so on a clock."""
    if not partner.pins and not partner.timed_pins:
        return None
    for pin in sorted(session.pins & partner.pins):
        return Attempt(Method.PIN, Verdict.PASS, f"pinned as {pin}")
    for timed in sorted((one for one in partner.timed_pins if one.pin in session.pins), key=str):
        return Attempt(
            Method.PIN,
            Verdict.DATES_UNKNOWN,
            f"certificate {session.certificate_pin} is one agreed {timed.told_time}, and the receiving "
            f"side's clock says {now:%Y-%m-%d %H:%M:%S} UTC; please retry, or show the one for this time",
        )
    return Attempt(
        Method.PIN,
        Verdict.UNTRUSTED,
        f"certificate {session.certificate_pin} is not one of those agreed for this domain",
    )


def _by_pkix(proof: Proof, partner: Partner, configuration: Configuration, now: datetime) -> Attempt:
    known = proof.known_certificate
    if known is None:
        return Attempt(Method.PKIX, *_unknown_certificate(proof.session))
    presented = _presented_names(known.certificate, configuration.trust)
    if known.path.without_issuer is not None and _judge_names(known.certificate, presented, partner) is None:
        return Attempt(Method.PKIX, Verdict.UNKNOWN_CERTIFICATE, _without_issuer(known.path))
    failure = (
        _judge_path(known.path, now, proof.known_time)
        or _judge_names(known.certificate, presented, partner)
        or _judge_revocation(known, configuration.trust.revocation)
    )
    if failure is not None:
        return Attempt(Method.PKIX, *failure)
    until = known.path.not_after.date()
    revocation = _told_revocation(known, configuration.trust.revocation)
    # The name by which it passes; a certificate may have hundreds.
    matched = any_name_matches(presented, partner.client_names) or ""
    return Attempt(
        Method.PKIX, Verdict.PASS, f"certificate for {_some((matched,))}, valid until {until}{revocation}"
    )


def _judge_path(
    path: PathValidation, now: datetime, known_time: datetime | None
) -> tuple[Verdict, str] | None:
    if path.outcome is PathOutcome.DISTRUSTED:
        return Verdict.DISTRUSTED, f"the receiving side distrusts this certificate: {path.detail}"
    if path.outcome is PathOutcome.UNTRUSTED:
        return Verdict.UNTRUSTED, f"certificate is not trusted: {path.detail}"
    return _judge_dates(path, now, known_time)


def _judge_dates(
    path: PathValidation, now: datetime, known_time: datetime | None
) -> tuple[Verdict, str] | None:
    """Return why the dates are wrong, or cannot be judged by this clock; None where they are right.

    Whatever rests on a clock that is behind is temporary, in both directions: a certificate that has not
    begun by it, and one that has not ended by it although it must have.  So is one that has ended only by a
    clock that has leapt ahead of the time known.
    """
    is_behind = known_time is not None and now < known_time
    begins_soon = timedelta(0) < path.not_before - now <= _BEGINS_SOON
    if begins_soon or (is_behind and now < path.not_before):
        return Verdict.DATES_UNKNOWN, (
            f"certificate is valid from {path.not_before:%Y-%m-%d %H:%M:%S} UTC on, and the receiving side's "
            f"clock says {now:%Y-%m-%d %H:%M:%S} UTC; please retry"
        )
    if known_time is not None and is_behind and now <= path.not_after < known_time:
        return Verdict.DATES_UNKNOWN, (
            f"certificate is valid until {path.not_after:%Y-%m-%d %H:%M:%S} UTC, and the receiving side's "
            f"clock, which says {now:%Y-%m-%d %H:%M:%S} UTC, is behind; please retry"
        )
    if known_time is not None and known_time <= path.not_after < now:
        return Verdict.DATES_UNKNOWN, (
            f"certificate is valid until {path.not_after:%Y-%m-%d %H:%M:%S} UTC, and the receiving side's "
            f"clock has leapt ahead to {now:%Y-%m-%d %H:%M:%S} UTC; please retry"
        )
    if path.outcome is PathOutcome.EXPIRED:
        return Verdict.EXPIRED, f"certificate is out of date: {path.detail}"
    if path.not_before <= now <= path.not_after:
        return None
    return Verdict.EXPIRED, f"certificate is out of date: valid until {path.not_after.date()}"


def _without_issuer(path: PathValidation) -> str:
    """Return why a certificate in the partner's name may yet turn out to be trusted."""
    return (
        f"whether the certificate is trusted is not known yet: {path.detail}, and that authority's own "
        "certificate is not at hand; please retry, and let the sending server show its whole chain"
    )


def is_in_name_of(
    certificate: Certificate,
    entries: tuple[Entry, ...],
    configuration: Configuration,
    methods: Collection[Method] = (Method.PKIX,),
) -> bool:
    """Tell whether a certificate has the name of a partner that may be proved by one of *methods*."""
    presented = _presented_names(certificate, configuration.trust)
    return any(
        not set(methods).isdisjoint(partner.methods)
        and any_name_matches(presented, partner.client_names) is not None
        for partner in map(configuration.partner, entries)
    )


def _presented_names(certificate: Certificate, trust: Trust) -> tuple[str, ...]:
    if certificate.dns_names or trust.common_name is CommonName.NEVER or certificate.common_name is None:
        return certificate.dns_names
    return (certificate.common_name,)


def _judge_names(
    certificate: Certificate, presented: tuple[str, ...], partner: Partner
) -> tuple[Verdict, str] | None:
    if any_name_matches(presented, partner.client_names) is not None:
        return None
    wanted = " or ".join(partner.client_names)
    told = f"certificate is for {_some(presented)}"
    if not presented and certificate.common_name is not None:
        named = _some((certificate.common_name,))
        told = f"certificate has no alternative name of a host, and its common name {named} is not looked at"
    return Verdict.NAME_MISMATCH, f"{told}; mail from this domain needs one for {wanted}"


def _judge_revocation(known: KnownCertificate, wanted: Revocation) -> tuple[Verdict, str] | None:
    if wanted is Revocation.OFF:
        return None
    if known.revocation is RevocationStatus.REVOKED:
        return Verdict.REVOKED, f"certificate has been {known.revocation_detail or 'revoked'}"
    if known.revocation is RevocationStatus.UNKNOWN and wanted is Revocation.REQUIRE:
        why = f" ({known.revocation_detail})" if known.revocation_detail else ""
        return (
            Verdict.REVOCATION_UNKNOWN,
            f"whether this certificate has been revoked could not be learned yet{why}; please retry",
        )
    return None


def _told_revocation(known: KnownCertificate, wanted: Revocation) -> str:
    if wanted is Revocation.OFF or not known.revocation_detail:
        return ""
    if known.revocation is RevocationStatus.UNKNOWN:
        return f", whether revoked is unknown ({known.revocation_detail})"
    return f", {known.revocation_detail}"


_SHOWN_NAMES = 3


def _some(names: tuple[str, ...]) -> str:
    """Return a few of the names; what a stranger's certificate says must not fill the reply."""
    if not names:
        return "no host name"
    printable = [
        name[:100] if name.isascii() and name.isprintable() else "an unprintable name" for name in names
    ]
    more = f" and {len(names) - _SHOWN_NAMES} more" if len(names) > _SHOWN_NAMES else ""
    return ", ".join(printable[:_SHOWN_NAMES]) + more


def _by_dane(proof: Proof, partner: Partner, configuration: Configuration, now: datetime) -> Attempt | None:
    """Return what DNSSEC says of the certificate; a partner without TLSA records is none of its business.

    While a look-up fails nobody knows whether a record would match, which is temporary.
    """
    answer, known = proof.tlsa, proof.known_certificate
    if answer is None:
        return None
    for record in sorted(answer.records):
        if matches_digest(record, proof.session.pins) or (
            known is not None and _matches_content(record, known, partner, configuration, now)
        ):
            return Attempt(Method.DANE, Verdict.PASS, f"TLSA record {record} of the mail servers matches")
    if answer.failures:
        detail = f"TLSA records could not be looked up ({answer.failures[0]}); please retry"
        return Attempt(Method.DANE, Verdict.NO_EVIDENCE, detail)
    return _without_match(proof, answer.records, partner) if answer.records else None


def _without_match(proof: Proof, records: Iterable[TlsaRecord], partner: Partner) -> Attempt:
    known = proof.known_certificate
    if known is None and any(needs_content(record) for record in records):
        return Attempt(Method.DANE, *_unknown_certificate(proof.session))
    if known is not None and _lacks_authority(known, records, partner):
        return Attempt(Method.DANE, Verdict.UNKNOWN_CERTIFICATE, _without_issuer(known.path))
    return Attempt(
        Method.DANE,
        Verdict.UNTRUSTED,
        "certificate matches no TLSA record of this domain's mail servers",
    )


def _matches_content(
    record: TlsaRecord,
    known: KnownCertificate,
    partner: Partner,
    configuration: Configuration,
    now: datetime,
) -> bool:
    chain, trust = (known.certificate, *known.intermediates), configuration.trust
    return matches_end_entity(record, known.certificate) or matches_authority(
        record, chain, partner.client_names, trust.client_purpose, now, trust.distrusted
    )


def _lacks_authority(known: KnownCertificate, records: Iterable[TlsaRecord], partner: Partner) -> bool:
    """Tell whether a record may match an authority that is not at hand."""
    return (
        known.path.without_issuer is not None
        and any(record.usage is Usage.DANE_TA for record in records)
        and any_name_matches(known.certificate.dns_names, partner.client_names) is not None
    )


def _by_postfix(proof: Proof, partner: Partner, configuration: Configuration) -> Attempt:
    session = proof.session
    if session.trusted_issuer is None:
        return Attempt(Method.POSTFIX, Verdict.UNTRUSTED, "certificate chain is not trusted")
    if configuration.trust.distrusted and (fault := _may_pass_through_distrusted(proof)) is not None:
        return Attempt(Method.POSTFIX, *fault)
    subject = (session.trusted_subject or "").lower()
    if any_name_matches((subject,), partner.client_names) is None:
        wanted = " or ".join(partner.client_names)
        return Attempt(
            Method.POSTFIX,
            Verdict.NAME_MISMATCH,
            f"certificate is for {_some((subject,) if subject else ())}; mail from this domain needs one "
            f"for {wanted}",
        )
    return Attempt(Method.POSTFIX, Verdict.PASS, f"Postfix trusts the chain, common name {subject}")


def _may_pass_through_distrusted(proof: Proof) -> tuple[Verdict, str] | None:
    """Return why it is not known that nothing distrusted is in a chain that Postfix trusts, of which it
    tells us no more than two names.
    """
    known = proof.known_certificate
    if known is None:
        return _unknown_certificate(proof.session)
    if known.path.outcome is PathOutcome.DISTRUSTED:
        return Verdict.DISTRUSTED, f"the receiving side distrusts this certificate: {known.path.detail}"
    if known.path.without_issuer is not None:
        return Verdict.UNKNOWN_CERTIFICATE, _without_issuer(known.path)
    return None
