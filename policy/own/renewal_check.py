"""The check before a renewed certificate of ours is put to use: what would be lost, and on whom.

Owns: the comparison with the certificate in use, and the words about each difference.
Must not know: Postfix, files; what partners demand is told to it.
Invariant: a difference is never passed over because nothing is known about the partners.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum, unique

from domain_secure.policy.certificates.certificate import Certificate, Chain
from domain_secure.policy.certificates.presented_names import names_host, names_of, some
from domain_secure.policy.certificates.purposes import Purpose, purposes_of
from domain_secure.policy.terms.domain import Entry, InvalidDomainError, parse_domain

_NAMED = 5  #: partners named in one sentence


@unique
class Change(StrEnum):
    """What about a certificate can be worse than before; the words of ``--accept``."""

    DATES = "dates"
    PURPOSE = "purpose"
    NAMES = "names"
    HOSTNAME = "hostname"
    ISSUER = "issuer"
    KEY = "key"
    CHAIN = "chain"
    LIFETIME = "lifetime"
    OVERRIDE = "override"
    SELF_SIGNED = "self-signed"
    SIGNATURE = "signature"
    PROOF = "proof"


_FIXES = {
    Change.DATES: "enable it once it is valid, or import its renewal",
    Change.PURPOSE: "have it issued for TLS servers and clients, as `domain-secure cert request` asks",
    Change.NAMES: "have it issued with the names of the former one (`cert request --renew`)",
    Change.HOSTNAME: "have it issued with that name (`cert request --domain`), or set the parameter",
    Change.ISSUER: "see first that partners trust its issuer",
    Change.KEY: "tell partners the new pin or TLSA record first (`cert show`)",
    Change.CHAIN: "import it again with its intermediate certificates, such as fullchain.pem",
    Change.LIFETIME: "have its renewal done by a machine (`cert import --watch`)",
    Change.OVERRIDE: "take the option out of master.cf",
    Change.SELF_SIGNED: "have one issued by an authority that partners trust (`cert request`, `cert ca`)",
    Change.SIGNATURE: "have it issued anew by an authority that signs with SHA-256",
    Change.PROOF: "see what Postfix's log says",
}


@dataclass(frozen=True, slots=True)
class Objection:
    """One reason not to put a certificate to use."""

    change: Change
    what: str
    partners: tuple[Entry, ...] = ()  #: who would refuse it, or may
    other_fix: str | None = None  #: what mends this one, where that is not what mends most of its kind

    @property
    def fix(self) -> str:
        """Return what mends it, in one clause."""
        return self.other_fix or _FIXES[self.change]

    def __str__(self) -> str:
        """Return the sentence, with the partners."""
        if not self.partners:
            return f"{self.change}: {self.what}"
        named = ", ".join(self.partners[:_NAMED])
        more = f" and {len(self.partners) - _NAMED} more" if len(self.partners) > _NAMED else ""
        return f"{self.change}: {self.what}; it concerns {named}{more}"


@dataclass(frozen=True, slots=True)
class Peer:
    """What is known about a partner that has to believe our certificate."""

    entry: Entry
    sees_server: bool  #: it connects to us
    sees_client: bool  #: we connect to it
    #: What each of its servers named as authorities when it last asked for our certificate, as RFC 4514 text;
    #: None: not known, an empty set: that server named none, so that any will do.
    accepted_authorities: tuple[frozenset[str], ...] | None = None

    def refuses(self, authorities: frozenset[str]) -> bool:
        """Tell whether one of its servers named others than these alone."""
        return any(named and not named & authorities for named in self.accepted_authorities or ())


def by_itself(certificate: Certificate, purposes: Collection[Purpose], now: datetime) -> Iterator[Objection]:
    """Yield what speaks against a certificate by itself, for use as *purposes*."""
    if not certificate.not_before <= now < certificate.not_after:
        yield Objection(
            Change.DATES,
            f"it is valid from {certificate.not_before:%Y-%m-%d} to {certificate.not_after:%Y-%m-%d} only",
        )
    for purpose in sorted(set(purposes) - purposes_of(certificate)):
        if purpose is Purpose.SERVER:
            yield Objection(Change.PURPOSE, "it is not made for TLS servers, and clients will refuse it")
        else:
            yield Objection(
                Change.PURPOSE,
                "it is not made for TLS clients: partners with Exchange, or Postfix up to 3.11, call it "
                "untrusted; have it issued with client authentication, or see `domain-secure cert ca init`",
            )


def host_name(certificate: Certificate, host: str, parameter: str) -> Iterator[Objection]:
    """Yield an objection unless the certificate names *host*, which Postfix calls itself by *parameter*."""
    try:
        wanted = parse_domain(host)
    except InvalidDomainError:
        yield Objection(Change.HOSTNAME, f"{parameter} = {host} is not a host name")
        return
    presented = names_of(certificate)
    if not any(names_host(name, wanted) for name in presented):
        yield Objection(
            Change.HOSTNAME,
            f"{parameter} = {wanted}, and the certificate is for {some(presented)}",
        )


def compare(former: Chain, renewed: Chain, peers: Sequence[Peer] = ()) -> tuple[Objection, ...]:
    """Return what would be worse with *renewed* than it is with *former*, the certificate in use."""
    if former[0] == renewed[0]:
        return tuple(_chain(former, renewed, peers))
    return (
        *_purposes(former[0], renewed[0], peers),
        *_names(former[0], renewed[0], peers),
        *_issuer(former, renewed, peers),
        *_key(former[0], renewed[0], peers),
        *_chain(former, renewed, peers),
        *_lifetime(former[0], renewed[0]),
    )


def _purposes(former: Certificate, renewed: Certificate, peers: Iterable[Peer]) -> Iterator[Objection]:
    lost = purposes_of(former) - purposes_of(renewed)
    if Purpose.CLIENT in lost:
        yield Objection(
            Change.PURPOSE,
            "it is no longer made for TLS clients, and partners that ask for that will refuse it",
            tuple(peer.entry for peer in peers if peer.sees_client),
        )
    if Purpose.SERVER in lost:
        yield Objection(
            Change.PURPOSE,
            "it is no longer made for TLS servers, and partners will not send to us",
            tuple(peer.entry for peer in peers if peer.sees_server),
        )


def _names(former: Certificate, renewed: Certificate, peers: Iterable[Peer]) -> Iterator[Objection]:
    kept = {name.lower() for name in names_of(renewed)}
    if lost := [name for name in names_of(former) if name.lower() not in kept]:
        yield Objection(Change.NAMES, f"it no longer names {some(lost)}", tuple(peer.entry for peer in peers))


def _issuer(former: Chain, renewed: Chain, peers: Iterable[Peer]) -> Iterator[Objection]:
    """Yield an objection when no authority of the former chain stands above the renewed certificate.

    Public authorities change their intermediate certificates all the time; that alone is no change.
    """
    before, after = (frozenset(one.issuer for one in chain) for chain in (former, renewed))
    # What the one in use does not have either is no loss.
    refusing = tuple(peer.entry for peer in peers if peer.refuses(after) and not peer.refuses(before))
    if not before & after or refusing:
        named = (
            ", and their servers asked for other authorities when they were last probed" if refusing else ""
        )
        yield Objection(
            Change.ISSUER,
            f"it is issued by {renewed[0].issuer}, and the one in use by {former[0].issuer}{named}",
            refusing or tuple(peer.entry for peer in peers if peer.accepted_authorities is None),
        )


def _key(former: Certificate, renewed: Certificate, peers: Iterable[Peer]) -> Iterator[Objection]:
    if former.public_key_pin != renewed.public_key_pin:
        yield Objection(
            Change.KEY,
            f"the key is another: who pinned {former.public_key_pin}, by hand or in a TLSA record, refuses "
            f"it until {renewed.public_key_pin} is pinned too",
            tuple(peer.entry for peer in peers),
        )


def _chain(former: Chain, renewed: Chain, peers: Iterable[Peer]) -> Iterator[Objection]:
    before, after = (sum(one.issuer != one.subject for one in chain[1:]) for chain in (former, renewed))
    if after < before:
        yield Objection(
            Change.CHAIN,
            f"{after} intermediate certificates come with it, and {before} with the one in use: partners may "
            "not find the way to an authority they trust",
            tuple(peer.entry for peer in peers),
        )


def _lifetime(former: Certificate, renewed: Certificate) -> Iterator[Objection]:
    before, after = (one.not_after - one.not_before for one in (former, renewed))
    if renewed.not_after < former.not_after:
        yield Objection(
            Change.LIFETIME,
            f"it ends on {renewed.not_after:%Y-%m-%d}, before the one in use ({former.not_after:%Y-%m-%d})",
        )
    elif after < before / 2:
        yield Objection(
            Change.LIFETIME,
            f"it lives {_days(after)} days, and the one in use {_days(before)}: see to its renewal in time",
        )


def _days(duration: timedelta) -> int:
    return round(duration / timedelta(days=1))
