"""When certificates end: our own, and those by which listed partners are proved.

Owns: the roles and names that the metrics have, and how often they are looked at.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime

from domain_secure.policy.book.certificate_book import CertificateBook
from domain_secure.policy.certificates.certificate import Certificate
from domain_secure.policy.certificates.expiry import CertificateDate, expiry_of
from domain_secure.policy.history.outcomes import Outcomes
from domain_secure.policy.history.partner_certificates import LATELY, first_to_end, partner_certificates
from domain_secure.policy.own.enabled_certificates import EnabledCertificates
from domain_secure.policy.own.own_inventory import expiries, inventory_of
from domain_secure.policy.terms.event import Event
from domain_secure.policy.terms.problems import Problem

from . import events
from .live_configuration import Live

# Certificates change when somebody imports, enables or probes one; alarms on them look days ahead.
_SECONDS = 60.0
PARTNER = "partner"  #: the role of a partner's certificate; its name is the list entry


def certificate_dates(book: CertificateBook, live: Live, now: datetime) -> Iterator[CertificateDate]:
    """Yield each certificate of ours, and of each partner the one in use that ends first.

    Raises Problem where they cannot be read.
    """
    state, warning = live.configuration.state, live.configuration.trust.expiry_warning

    def date(role: str, name: str, first: Certificate) -> CertificateDate:
        expiry = expiry_of(first.not_before, first.not_after, now, warning)
        return CertificateDate(role, name, first.not_after, expiry)

    for role, name, first in expiries(inventory_of(state), EnabledCertificates(state).roles()):
        yield date(role, name, first)
    past = Outcomes(state)
    seen = past.certificates(now - LATELY), past.clients()
    found = partner_certificates(book, seen, live.configuration, live.anchors, now)
    for entry, one in first_to_end(found).items():
        yield date(PARTNER, entry, one.ending)


class DateUpkeep:
    """For the supervising thread; *show* is told of all dates, as often as they are looked at."""

    def __init__(
        self,
        book: CertificateBook,
        show: Callable[[Iterable[CertificateDate]], None],
        log: Callable[[Event], None],
    ) -> None:
        self._book = book
        self._show = show
        self._log = log
        self._due = 0.0

    def attend(self, live: Live) -> None:
        """Look, where it is time to."""
        if time.monotonic() < self._due:
            return
        self._due = time.monotonic() + _SECONDS
        try:
            self._show(certificate_dates(self._book, live, datetime.now(UTC)))
        except Problem as problem:
            self._log(events.certificate_dates_unknown(str(problem)))
