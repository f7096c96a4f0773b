"""When certificates end: our own, and those that carry a listed partner's name.

Owns: the roles and names that the metric has.
"""

from collections.abc import Iterator
from datetime import datetime

from ..policy.certificate_book import CertificateBook
from ..policy.configuration import Configuration
from ..policy.enabled_certificates import EnabledCertificates
from ..policy.own_certificates import OwnCertificates, expiries
from ..policy.partner_certificates import latest_certificates

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
