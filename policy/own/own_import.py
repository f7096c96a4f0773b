"""Which certificate of a file is ours, with which key, in front of which chain.

Owns: the match of certificate and key, the order of the chain, and what is refused.
Must not know: files, where keys are kept.
Invariant: what comes out can be put to use: the key belongs to the certificate, the certificate is a
host's and valid now, and each further one has issued the one before it.
Sources: RFC 5246 section 7.4.2 and RFC 8446 section 4.4.2 (order of a chain); RFC 5280 section 6.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

from domain_secure.policy.certificates.certificate import Certificate, is_authority
from domain_secure.policy.certificates.certificate_structure import load, structure
from domain_secure.policy.certificates.weaknesses import key_weakness

from .key_bundle import Bundle
from .private_key import PrivateKey, belongs_to

_LONGEST_CHAIN = 10


class RefusedImportError(ValueError):
    """A file holds nothing to put to use: what is wrong, and what to do about it."""

    def __init__(self, what: str, fix: str) -> None:
        super().__init__(what)
        self.fix = fix


class KeyHolder(Protocol):
    """Something on this box that has a private key: a pending request, or a certificate we hold."""

    @property
    def exportable(self) -> bool:
        """Tell whether the key may leave the box."""

    def holds_key_of(self, certificate: Certificate) -> bool:
        """Tell whether its key belongs to *certificate*."""

    def key(self) -> PrivateKey:
        """Return the key; raises Problem."""


@dataclass(frozen=True, slots=True)
class Assembled:
    """A certificate that can be put to use."""

    chain: tuple[Certificate, ...]  #: ours, then each one's issuer as far as they are known
    key: PrivateKey = field(repr=False)
    holder: KeyHolder | None  #: who on this box had the key; None when the file brought it
    unrelated: tuple[Certificate, ...]  #: certificates of the file that have nothing to do with ours


def assemble(
    bundle: Bundle, holders: Sequence[KeyHolder], known: Iterable[Certificate], now: datetime
) -> Assembled:
    """Return what *bundle* brings; *known* authorities complete its chain.

    Keys of the file come before those of *holders*, which are asked in order.  Raises RefusedImportError.
    """
    if not bundle.certificates:
        what = "it holds a private key and no certificate" if bundle.keys else "it holds no certificate"
        raise RefusedImportError(what, "name the file with the issued certificate")
    for certificate in bundle.certificates:
        if (key := next((one for one in bundle.keys if belongs_to(one, certificate)), None)) is not None:
            return _checked(certificate, key, None, bundle, known, now)
    if bundle.keys:
        raise RefusedImportError(
            "the private key in it belongs to none of its certificates",
            "put the key that the certificate was requested with beside it",
        )
    for holder in holders:
        for certificate in bundle.certificates:
            if holder.holds_key_of(certificate):
                return _checked(certificate, holder.key(), holder, bundle, known, now)
    if all(map(is_authority, bundle.certificates)):
        _refuse_authority(bundle.certificates[0])
    raise RefusedImportError(
        "its key is not on this box: the file has no private key, and no pending request was made with it",
        "import the PFX, or name the key with --key-file, or have a new `domain-secure cert request` signed",
    )


def _checked(
    certificate: Certificate,
    key: PrivateKey,
    holder: KeyHolder | None,
    bundle: Bundle,
    known: Iterable[Certificate],
    now: datetime,
) -> Assembled:
    if is_authority(certificate):
        _refuse_authority(certificate)
    if (weakness := key_weakness(certificate)) is not None:
        raise RefusedImportError(
            f"its {weakness}",
            "have one issued for a key of `domain-secure cert request` (P-256, P-384 or RSA up to 4096 bits)",
        )
    if certificate.not_after <= now:
        raise RefusedImportError(
            f"the certificate expired on {certificate.not_after:%Y-%m-%d}",
            "renew it with `domain-secure cert request`, and import the new one",
        )
    chain = in_order(certificate, (*bundle.certificates, *known))
    unrelated = tuple(one for one in bundle.certificates if one not in chain)
    return Assembled(chain, key, holder, unrelated)


def _refuse_authority(certificate: Certificate) -> None:
    raise RefusedImportError(
        f"this is the certificate of an authority and not of a mail server ({certificate.subject})",
        "import the certificate that the authority issued for this host, with this one behind it",
    )


def in_order(leaf: Certificate, others: Iterable[Certificate]) -> tuple[Certificate, ...]:
    """Return *leaf*, its issuer, that one's issuer and so on, as far as *others* lead; signatures count.

    A self-signed certificate ends the chain and is part of it where it was given.
    """
    chain = [leaf]
    pool = list(dict.fromkeys(others))
    while len(chain) < _LONGEST_CHAIN and not _is_self_issued(chain[-1]):
        issuer = next((one for one in pool if one not in chain and issued(one, chain[-1])), None)
        if issuer is None:
            break
        chain.append(issuer)
    return tuple(chain)


def issued(issuer: Certificate, certificate: Certificate) -> bool:
    """Tell whether *issuer* is an authority and has signed *certificate*."""
    if structure(issuer.der).subject != structure(certificate.der).issuer:
        return False
    try:
        load(certificate.der).verify_directly_issued_by(load(issuer.der))
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm, x509.InvalidVersion):
        return False
    return is_authority(issuer)


def _is_self_issued(certificate: Certificate) -> bool:
    parts = structure(certificate.der)
    return parts.subject == parts.issuer
