"""When certificates end: our own, and those that carry a listed partner's name.

Owns: which certificates are worth an alarm.  A stranger's certificate that a probe has found is not.
"""

from collections.abc import Iterator
from datetime import datetime

from ..policy.certificate_book import CertificateBook
from ..policy.configuration import Configuration
from ..policy.domain import Entry
from ..policy.enabled_certificates import EnabledCertificates
from ..policy.methods import is_in_name_of
from ..policy.own_certificates import OwnCertificates, expiries

PARTNER = "partner"  #: the role of a partner's certificate; its name is the list entry
_MOST = 1000  #: of the certificates seen last; a partner shows a handful


def certificate_dates(
    book: CertificateBook, configuration: Configuration
) -> Iterator[tuple[str, str, datetime]]:
    """Yield role, name and end of each certificate; of several of one partner the one that ends last.

    Raises Problem where they cannot be read.
    """
    yield from expiries(
        OwnCertificates(configuration.state).inventory(), EnabledCertificates(configuration.state).roles()
    )
    ends: dict[Entry, datetime] = {}
    for known in book.all(_MOST):
        leaf = known.chain[0]
        for entry in {origin.entry for origin in known.origins if origin.entry in configuration.receive}:
            if is_in_name_of(leaf, (entry,), configuration):
                ends[entry] = max(leaf.not_after, ends.get(entry, leaf.not_after))
    for entry, end in ends.items():
        yield PARTNER, entry, end
