"""The doctor's questions about partners' certificates: do those that are known end soon.

Must not know: Postfix.  Asks nobody: it looks at the book that the daemon keeps.
"""

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta

from domain_secure.policy.book.certificate_book import FILE_NAME, CertificateBook
from domain_secure.policy.certificates.certificate import Certificate
from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.history.partner_certificates import latest_certificates
from domain_secure.policy.own.own_certificate import days_left
from domain_secure.policy.terms.domain import Entry, entry_base
from domain_secure.postfix.findings.findings import Finding

_SOON, _VERY_SOON = timedelta(days=21), timedelta(days=7)
# Many certificates live for weeks or days; one that is renewed in time is no finding.
_LAST_PART, _VERY_LAST_PART = 3, 6  #: a third, a sixth of its life


def check_partner_certificates(configuration: Configuration, now: datetime) -> Iterator[Finding]:
    """Yield the partners whose last known certificate has ended or ends soon; raises Problem."""
    with closing(CertificateBook(configuration.state / FILE_NAME)) as book:
        latest = latest_certificates(book, configuration)
    for entry, certificate in sorted(latest.items()):
        yield from _check(entry, certificate, now, probing=configuration.inbound.probe)


def _check(entry: Entry, certificate: Certificate, now: datetime, *, probing: bool) -> Iterator[Finding]:
    left, life = certificate.not_after - now, certificate.not_after - certificate.not_before
    proof = f"{certificate.certificate_pin}: valid until {certificate.not_after:%Y-%m-%d %H:%M} UTC"
    fix = (
        f"see with `domain-secure probe {entry_base(entry)}` whether it has been renewed, and ask the partner"
        if probing
        else f"ask the partner for its next one, and import it: domain-secure partner cert add {entry} FILE"
    )
    days = days_left(certificate, now)
    if left <= timedelta(0):
        what = f"the last known certificate of {entry} has expired: mail that comes with it is refused"
        yield Finding.warning("partner-certificate-expired", what, proof, fix)
    elif left <= min(_SOON, life / _LAST_PART):
        urgently = (
            ", and no newer one has been seen" if left <= min(_VERY_SOON, life / _VERY_LAST_PART) else ""
        )
        what = f"the last known certificate of {entry} ends in {days} days{urgently}"
        yield Finding.warning("partner-certificate-expires", what, proof, fix)
