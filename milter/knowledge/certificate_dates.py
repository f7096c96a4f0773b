"""When certificates end: our own, and those by which listed partners are proved.

Owns: the roles and names that the metrics have.
"""

from collections.abc import Iterator
from datetime import datetime

from domain_secure.policy.book.certificate_book import CertificateBook
from domain_secure.policy.certificates.certificate import Certificate
from domain_secure.policy.certificates.expiry import CertificateDate, expiry_of
from domain_secure.policy.history.outcomes import Outcomes
from domain_secure.policy.history.partner_certificates import LATELY, first_to_end, partner_certificates
from domain_secure.policy.own.enabled_certificates import EnabledCertificates
from domain_secure.policy.own.own_certificates import OwnCertificates, expiries

from .live_configuration import Live

PARTNER = "partner"  #: the role of a partner's certificate; its name is the list entry


def certificate_dates(book: CertificateBook, live: Live, now: datetime) -> Iterator[CertificateDate]:
    """Yield each certificate of ours, and of each partner the one in use that ends first.

    Raises Problem where they cannot be read.
    """
    state, warning = live.configuration.state, live.configuration.trust.expiry_warning

    def date(role: str, name: str, first: Certificate) -> CertificateDate:
        expiry = expiry_of(first.not_before, first.not_after, now, warning)
        return CertificateDate(role, name, first.not_after, expiry)

    for role, name, first in expiries(OwnCertificates(state).inventory(), EnabledCertificates(state).roles()):
        yield date(role, name, first)
    past = Outcomes(state)
    seen = past.certificates(now - LATELY), past.clients()
    found = partner_certificates(book, seen, live.configuration, live.anchors, now)
    for entry, one in first_to_end(found).items():
        yield date(PARTNER, entry, one.ending)
