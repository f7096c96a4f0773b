"""The certificates of partners that are worth an alarm when they end.

Owns: which ones: of each listed partner that is proved by a chain, the one in its name that ends last.  A
stranger's certificate that a probe has found is none.
"""

from domain_secure.policy.book.certificate_book import CertificateBook
from domain_secure.policy.certificates.certificate import Certificate
from domain_secure.policy.configuration.configuration import Configuration
from domain_secure.policy.decision.methods import is_in_name_of
from domain_secure.policy.terms.domain import Entry

_MOST = 1000  #: of the certificates seen last; a partner shows a handful


def latest_certificates(book: CertificateBook, configuration: Configuration) -> dict[Entry, Certificate]:
    """Return the certificate that ends last, by entry of the receive list; raises Problem."""
    latest: dict[Entry, Certificate] = {}
    for known in book.all(_MOST):
        leaf = known.chain[0]
        for entry in {origin.entry for origin in known.origins if origin.entry in configuration.receive}:
            former = latest.get(entry)
            if (former is None or leaf.not_after > former.not_after) and is_in_name_of(
                leaf, (entry,), configuration
            ):
                latest[entry] = leaf
    return latest
