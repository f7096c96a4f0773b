"""The doctor's questions about partners' certificates: do those that are known end soon.

Must not know: Postfix.  Asks nobody: it looks at the book and the history that the daemon keeps.
"""

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime

from domain_secure.policy.book.certificate_book import FILE_NAME, CertificateBook
from domain_secure.policy.certificates.certificate import Certificate
from domain_secure.policy.certificates.expiry import Expiry
from domain_secure.policy.certificates.path_validation import TrustAnchors
from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.history.outcomes import Outcomes
from domain_secure.policy.history.partner_certificates import (
    LATELY,
    PartnerCertificate,
    partner_certificates,
)
from domain_secure.policy.own.own_certificate import days_left, told_days
from domain_secure.policy.terms.domain import entry_base
from domain_secure.policy.terms.problems import Problem
from domain_secure.postfix.findings.findings import Finding


def check_partner_certificates(configuration: Configuration, now: datetime) -> Iterator[Finding]:
    """Yield the certificates in use that have ended or end soon, each; raises Problem."""
    past = Outcomes(configuration.state)
    try:
        seen = past.certificates(now - LATELY), past.clients()
    except Problem as problem:
        where = f"{problem.where}: {problem.what}"
        yield Finding.not_looked_at("which certificates of partners are in use", where, problem.fix)
        seen = (), ()
    with closing(CertificateBook(configuration.state / FILE_NAME)) as book:
        anchors = _anchors(configuration)
        found = tuple(partner_certificates(book, seen, configuration, anchors, now))
    for one in sorted(found, key=lambda one: one.entry):
        yield from _check(one, now, configuration)


def _check(one: PartnerCertificate, now: datetime, configuration: Configuration) -> Iterator[Finding]:
    expiry = one.expiry(now, configuration.trust.expiry_warning)
    if expiry is Expiry.LASTS:
        return
    entry, ending = one.entry, one.ending
    proof = f"{one.certificate.certificate_pin}: valid until {one.certificate.not_after:%Y-%m-%d %H:%M} UTC"
    if ending != one.certificate:
        proof += f"; {ending.subject}: valid until {ending.not_after:%Y-%m-%d %H:%M} UTC"
    if one.last_seen:
        proof += f"; last used {one.last_seen:%Y-%m-%d %H:%M} UTC"
    if one.is_replaced:
        what = f"a certificate of {entry} that it has replaced since {_ends(ending, expiry, now)}"
        yield Finding.note("partner-certificate-expires", what, proof, "nothing, unless it comes again")
        return
    whose = "the last known certificate of" if one.last_seen is None else "a certificate in use by"
    needs = "" if ending == one.certificate else f" needs the authority {ending.subject}, which"
    fix = (
        f"see with `domain-secure probe {entry_base(entry)}` whether it has been renewed, and ask the partner"
        if configuration.inbound.probe
        else f"ask the partner for its next one, and import it: domain-secure partner cert add {entry} FILE"
    )
    what = f"{whose} {entry}{needs} {_ends(ending, expiry, now)}"
    if expiry is Expiry.ENDED:
        what += ": mail that comes with it is refused"
        yield Finding.warning("partner-certificate-expired", what, proof, fix)
        return
    if expiry is Expiry.ENDS_VERY_SOON and one.last_seen is None:
        what += ", and no newer one has been seen"
    yield Finding.warning("partner-certificate-expires", what, proof, fix)


def _ends(ending: Certificate, expiry: Expiry, now: datetime) -> str:
    return "has expired" if expiry is Expiry.ENDED else f"ends in {told_days(days_left(ending, now))}"


def _anchors(configuration: Configuration) -> TrustAnchors:
    try:
        return TrustAnchors.load(configuration.trust.ca_file.read_bytes())
    except OSError:
        return TrustAnchors.of(())  # ``ca-file-missing`` tells.
