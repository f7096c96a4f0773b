"""When certificates end: our own, and those that carry a listed partner's name.

Owns: the roles and names that the metric has.
"""

from collections.abc import Iterator
from datetime import datetime

from domain_secure.policy.book.certificate_book import CertificateBook
from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.history.partner_certificates import latest_certificates
from domain_secure.policy.own.enabled_certificates import EnabledCertificates
from domain_secure.policy.own.own_certificates import OwnCertificates, expiries

PARTNER = "partner"  #: the role of a partner's certificate; its name is the list entry


def certificate_dates(
    book: CertificateBook, configuration: Configuration
) -> Iterator[tuple[str, str, datetime]]:
    """Yield role, name and end of each certificate; of several of one partner the one that ends last.

    Raises Problem where they cannot be read.
    """
    yield from expiries(
        OwnCertificates(configuration.state).inventory(), EnabledCertificates(configuration.state).roles()
    )
    for entry, certificate in latest_certificates(book, configuration).items():
        yield PARTNER, entry, certificate.not_after
