"""Which domains could go on the send list, by how their mail has left so far.

Owns: the numbers of a domain, and what they allow to say.
Must not know: where deliveries were read.
Invariant: one delivery without TLS, or below TLS 1.2, and a domain is not proposed.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum, unique

from domain_secure.policy.terms.domain import Domain, InvalidDomainError, comparable_host, parse_entry
from domain_secure.policy.terms.tls import TlsVersion

from .delivery import Delivery, DeliveryEvent, SessionFailure, TlsTrust

_OLDEST = TlsVersion.TLS_1_2  #: the default of ``minimum_tls``


@unique
class Readiness(StrEnum):
    """What the deliveries of a domain show."""

    VERIFIED = "verified"  #: each was to a server whose certificate was verified by name or pin
    TRUSTED = "trusted"  #: each to one whose chain leads to an authority; its names were not compared
    ENCRYPTED = "encrypted"  #: each over TLS; whether the certificates are good was not asked
    NOT_READY = "not-ready"


@dataclass(slots=True)
class DomainNumbers:
    """How mail to one domain has left."""

    domain: Domain
    messages: int = 0
    verified: int = 0
    trusted: int = 0  #: by chain, without a look at names
    encrypted: int = 0  #: over TLS otherwise
    clear: int = 0  #: without TLS
    outdated: int = 0  #: of all these, below TLS 1.2
    asked: int = 0  #: of all these, those for which the server provably asked for our certificate
    not_asked: int = 0  #: and those for which it provably did not
    failures: int = 0  #: sessions that failed for a reason of security
    servers: set[str] = field(default_factory=set)
    last: datetime | None = None

    @property
    def readiness(self) -> Readiness:
        """Return the best that is true of every message."""
        if not self.messages or self.clear or self.outdated:
            return Readiness.NOT_READY
        if self.verified == self.messages:
            return Readiness.VERIFIED
        if self.verified + self.trusted == self.messages:
            return Readiness.TRUSTED
        return Readiness.ENCRYPTED


def numbers_of(events: Iterable[DeliveryEvent], since: datetime) -> dict[Domain, DomainNumbers]:
    """Return the numbers of each domain that mail was delivered to since then."""
    found: dict[Domain, DomainNumbers] = {}
    for event in events:
        if event.time < since:
            continue
        if isinstance(event, SessionFailure):
            if event.reason.is_security:
                _of(found, Domain(event.entry)).failures += 1
        elif event.is_sent and event.counted:
            _add(_of(found, event.domain), event)
    return {domain: numbers for domain, numbers in found.items() if numbers.messages}


def proposed(
    numbers: Iterable[DomainNumbers], minimum: int, is_listed: Callable[[Domain], bool]
) -> list[DomainNumbers]:
    """Return the domains that may be proposed, those with the most mail first.

    Less than *minimum* messages say too little; a public suffix cannot be listed.
    """
    fit = [
        one
        for one in numbers
        if one.messages >= minimum
        and one.readiness is not Readiness.NOT_READY
        and not is_listed(one.domain)
        and _can_be_listed(one.domain)
    ]
    order = list(Readiness)
    return sorted(fit, key=lambda one: (order.index(one.readiness), -one.messages, one.domain))


def _of(found: dict[Domain, DomainNumbers], domain: Domain) -> DomainNumbers:
    return found.setdefault(domain, DomainNumbers(domain))


def _add(numbers: DomainNumbers, delivery: Delivery) -> None:
    numbers.messages += 1
    numbers.last = delivery.time
    numbers.servers.add(comparable_host(delivery.relay.partition("[")[0]))
    tls = delivery.tls
    if delivery.verified:
        numbers.verified += 1
    elif tls is None:
        numbers.clear += 1
    elif tls.trust in {TlsTrust.TRUSTED, TlsTrust.VERIFIED}:
        numbers.trusted += 1
    else:
        numbers.encrypted += 1
    if tls is not None:
        numbers.outdated += _is_outdated(tls.protocol)
        numbers.asked += tls.client_certificate is True
        numbers.not_asked += tls.client_certificate is False


def _is_outdated(protocol: str) -> bool:
    try:
        return TlsVersion.parse(protocol) < _OLDEST
    except ValueError:
        return True


def _can_be_listed(domain: Domain) -> bool:
    try:
        parse_entry(domain)
    except InvalidDomainError:
        return False
    return True
