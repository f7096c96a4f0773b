"""The methods by which a session proves to be a partner: one function each (DESIGN section 2).

Owns: what each method asks of session and certificate, and the words for why it failed.
Must not know: claims, other methods, what a failure does to the message.
"""

from dataclasses import dataclass
from datetime import datetime

from .configuration import CommonName, Configuration, Method, Partner, Revocation, Trust
from .evidence import KnownCertificate, PathOutcome, PathValidation, RevocationStatus, Session
from .names import any_name_matches
from .verdict import Verdict


@dataclass(frozen=True, slots=True)
class Attempt:
    """What one method found; kept for ``explain`` and the verbose log."""

    method: Method
    verdict: Verdict
    detail: str


def attempt_by(
    method: Method,
    session: Session,
    known: KnownCertificate | None,
    partner: Partner,
    configuration: Configuration,
    now: datetime,
) -> Attempt | None:
    """Return what *method* says, or None where it has nothing to go by."""
    match method:
        case Method.PIN:
            return _by_pin(session, partner)
        case Method.PKIX:
            return _by_pkix(known, partner, configuration, now)
        case Method.POSTFIX:
            return _by_postfix(session, partner)
        case Method.DANE:
            return None


def _by_pin(session: Session, partner: Partner) -> Attempt | None:
    if not partner.pins:
        return None
    for pin in sorted(session.pins & partner.pins):
        return Attempt(Method.PIN, Verdict.PASS, f"pinned as {pin}")
    return Attempt(
        Method.PIN,
        Verdict.UNTRUSTED,
        f"certificate {session.certificate_pin} is not one of those agreed for this domain",
    )


def _by_pkix(
    known: KnownCertificate | None, partner: Partner, configuration: Configuration, now: datetime
) -> Attempt:
    if known is None:
        return Attempt(
            Method.PKIX,
            Verdict.UNKNOWN_CERTIFICATE,
            "this client certificate is not known to the receiving side yet; please retry, and if it stays "
            "so, send the certificate to the postmaster",
        )
    presented = _presented_names(known, configuration.trust)
    failure = (
        _judge_path(known.path, now)
        or _judge_names(presented, partner)
        or _judge_revocation(known.revocation, configuration.trust.revocation)
    )
    if failure is not None:
        return Attempt(Method.PKIX, *failure)
    return Attempt(
        Method.PKIX,
        Verdict.PASS,
        f"certificate for {_some(presented)}, valid until {known.path.not_after.date()}",
    )


def _judge_path(path: PathValidation, now: datetime) -> tuple[Verdict, str] | None:
    match path.outcome:
        case PathOutcome.UNTRUSTED:
            return Verdict.UNTRUSTED, f"certificate is not trusted: {path.detail}"
        case PathOutcome.EXPIRED:
            return Verdict.EXPIRED, f"certificate is out of date: {path.detail}"
        case PathOutcome.TRUSTED:
            if path.not_before <= now <= path.not_after:
                return None
            return Verdict.EXPIRED, f"certificate is out of date: valid until {path.not_after.date()}"


def _presented_names(known: KnownCertificate, trust: Trust) -> tuple[str, ...]:
    certificate = known.certificate
    if certificate.dns_names or trust.common_name is CommonName.NEVER or certificate.common_name is None:
        return certificate.dns_names
    return (certificate.common_name,)


def _judge_names(presented: tuple[str, ...], partner: Partner) -> tuple[Verdict, str] | None:
    if any_name_matches(presented, partner.names) is not None:
        return None
    wanted = " or ".join(partner.names)
    return (
        Verdict.NAME_MISMATCH,
        f"certificate is for {_some(presented)}; mail from this domain needs one for {wanted}",
    )


def _judge_revocation(status: RevocationStatus, wanted: Revocation) -> tuple[Verdict, str] | None:
    if wanted is Revocation.OFF:
        return None
    if status is RevocationStatus.REVOKED:
        return Verdict.REVOKED, "certificate has been revoked"
    if status is RevocationStatus.UNKNOWN and wanted is Revocation.REQUIRE:
        return (
            Verdict.REVOCATION_UNKNOWN,
            "whether this certificate has been revoked could not be learned yet; please retry",
        )
    return None


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


def _by_postfix(session: Session, partner: Partner) -> Attempt:
    if session.trusted_issuer is None:
        return Attempt(Method.POSTFIX, Verdict.UNTRUSTED, "certificate chain is not trusted")
    subject = (session.trusted_subject or "").lower()
    if any_name_matches((subject,), partner.names) is None:
        wanted = " or ".join(partner.names)
        return Attempt(
            Method.POSTFIX,
            Verdict.NAME_MISMATCH,
            f"certificate is for {_some((subject,) if subject else ())}; mail from this domain needs one "
            f"for {wanted}",
        )
    return Attempt(Method.POSTFIX, Verdict.PASS, f"Postfix trusts the chain, common name {subject}")
