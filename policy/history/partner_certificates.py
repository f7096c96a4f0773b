"""The certificates of partners that are worth an alarm when they end.

Owns: which ones: each one that is in use, or, of a partner of whom none is, the known one that ends last; and
which certificate of its chain ends first.  A stranger's certificate that a probe has found is none, nor is
one that is pinned: its dates are not asked.
Must not know: who is told.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain_secure.policy.book.certificate_book import CertificateBook
from domain_secure.policy.certificates.certificate import Certificate
from domain_secure.policy.certificates.certification_path import PathOutcome
from domain_secure.policy.certificates.expiry import Expiry, ends_first, expiry_of
from domain_secure.policy.certificates.path_validation import TrustAnchors, validate
from domain_secure.policy.configuration.configuration import Configuration, Method
from domain_secure.policy.decision.methods import is_in_name_of
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.pin import Pin

from .history import Sighting
from .outcomes import Client

LATELY = timedelta(days=14)  #: a certificate with which mail passed since then is in use
_MOST = 1000  #: of the certificates seen last; a partner shows a handful
_MOST_PATHS = 4  #: by which one certificate may be trusted, one after the other
_MOMENT = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class PartnerCertificate:
    """A partner's certificate, and until when it is of use."""

    entry: Entry
    certificate: Certificate
    ending: Certificate  #: what ends first: itself, or an authority that it needs
    last_seen: datetime | None  #: when it last came with a message; None: never yet
    is_replaced: bool = False  #: a newer one has come from every server that showed it

    def expiry(self, now: datetime, warning: timedelta) -> Expiry:
        """Return how near the end it is."""
        return expiry_of(self.ending.not_before, self.ending.not_after, now, warning)


def partner_certificates(
    book: CertificateBook,
    seen: tuple[Sequence[Sighting], Sequence[Client]],
    configuration: Configuration,
    anchors: TrustAnchors,
    now: datetime,
) -> Iterator[PartnerCertificate]:
    """Yield what is worth an alarm, by entry of the receive list; raises Problem.

    *seen* is what the history has of certificates with which mail has passed, and of partners' servers.
    """
    sightings, clients = seen
    used: dict[Entry, list[PartnerCertificate]] = {}
    replaced = _replaced(clients)
    for one in sightings:
        if one.passed == 0 or one.last_seen < now - LATELY or one.entry not in configuration.receive:
            continue
        chain = book.chain(one.fingerprint) or ((one.certificate,) if one.certificate else ())
        if not chain:
            continue
        ending = _ending(one.entry, chain, configuration, anchors, now)
        if ending is not None:
            used.setdefault(one.entry, []).append(
                PartnerCertificate(
                    one.entry, chain[0], ending, one.last_seen, (one.entry, one.fingerprint) in replaced
                )
            )
    for found in used.values():
        yield from sorted(found, key=lambda one: one.ending.not_after)
    seen_lately = {one.entry for one in sightings if one.passed and one.last_seen >= now - LATELY}
    for entry, known in _latest(book, configuration).items():
        if entry not in seen_lately:
            ending = _ending(entry, known, configuration, anchors, now) or known[0]
            yield PartnerCertificate(entry, known[0], ending, None)


def first_to_end(found: Iterable[PartnerCertificate]) -> dict[Entry, PartnerCertificate]:
    """Return for each partner the certificate in use that ends first; a replaced one where all are."""
    first: dict[Entry, PartnerCertificate] = {}
    for one in found:
        former = first.get(one.entry)
        if former is None or (one.is_replaced, one.ending.not_after) < (
            former.is_replaced,
            former.ending.not_after,
        ):
            first[one.entry] = one
    return first


def _replaced(clients: Iterable[Client]) -> frozenset[tuple[Entry, Pin]]:
    """Return the certificates after which each server that had shown them came with a newer one.

    Where a server shows two in turn, none is replaced: the newer one came up before the other's last use.
    """
    newest: dict[tuple[Entry, str], datetime] = {}
    shown: dict[tuple[Entry, Pin], list[Client]] = {}
    for one in clients:
        place = one.entry, one.address
        newest[place] = max(newest.get(place, one.first_seen), one.first_seen)
        shown.setdefault((one.entry, one.fingerprint), []).append(one)
    return frozenset(
        key
        for key, places in shown.items()
        if all(newest[one.entry, one.address] > one.last_seen for one in places)
    )


def _ending(
    entry: Entry,
    chain: Sequence[Certificate],
    configuration: Configuration,
    anchors: TrustAnchors,
    now: datetime,
) -> Certificate | None:
    """Return what ends first of a chain by which a partner is proved; None where no dates are asked."""
    partner, leaf = configuration.partner(entry), chain[0]
    is_pinned = Method.PIN in partner.methods and {leaf.certificate_pin, leaf.public_key_pin} & partner.pins
    if is_pinned:
        return None
    if is_in_name_of(leaf, (entry,), configuration):
        ending = _end_of_trust(chain, configuration, anchors, now)
        if ending is not None:
            return ending
    return leaf if Method.POSTFIX in partner.methods else None


def _end_of_trust(
    chain: Sequence[Certificate], configuration: Configuration, anchors: TrustAnchors, now: datetime
) -> Certificate | None:
    """Return the certificate with whose end a chain is trusted no more; None where it is not trusted at all.

    An authority that ends takes the chain with it only where no other path goes on.
    """
    leaf, purpose = chain[0], configuration.trust.client_purpose
    at, ending = now, None
    for _ in range(_MOST_PATHS):
        path = validate(leaf, chain[1:], anchors, purpose, at)
        if path.outcome is not PathOutcome.TRUSTED:
            break
        ending = ends_first(path.certificates)
        if ending == leaf:
            return leaf
        at = ending.not_after + _MOMENT
    if ending is None and path.outcome is PathOutcome.EXPIRED:
        return next((one for one in chain if one.not_after == path.not_after), leaf)
    return ending


def _latest(book: CertificateBook, configuration: Configuration) -> Mapping[Entry, Sequence[Certificate]]:
    """Return the known chain whose certificate ends last, in the name of each entry."""
    latest: dict[Entry, Sequence[Certificate]] = {}
    for known in book.all(_MOST):
        leaf = known.chain[0]
        for entry in {origin.entry for origin in known.origins if origin.entry in configuration.receive}:
            former = latest.get(entry)
            if (former is None or leaf.not_after > former[0].not_after) and is_in_name_of(
                leaf, (entry,), configuration
            ):
                latest[entry] = known.chain
    return latest
