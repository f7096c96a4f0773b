"""Path validation: does a certificate lead to a trusted authority, and from when until when.

Owns: the rules a path must keep, and the clause that tells both administrators which one it breaks.
Must not know: names the partner goes by (``names``), revocation, where certificates come from.
Invariant: only a path that the library has verified in full is TRUSTED; everything this module finds out by
itself can only make the answer worse.  No input raises, and the work is bounded.
Source: RFC 5280 section 6; CA/Browser Forum Baseline Requirements sections 6.1.5 and 7.1.3 for strength.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import (
    Criticality,
    ExtensionPolicy,
    Policy,
    PolicyBuilder,
    Store,
    VerificationError,
)

from .certificate import Certificate, parse
from .certificate_file import encoded_certificates
from .certificate_structure import MalformedCertificateError, load, structure
from .configuration import ClientPurpose
from .evidence import PathOutcome, PathValidation
from .path_faults import explain_fault, own_fault, shown

# As the library, and with it the browsers: real paths have at most four authorities between host and root.
_MAXIMUM_LENGTH = 10
# A stranger may send certificates that issue each other in circles; nobody needs more ways than this.
_MAXIMUM_PATHS = 16
_MAXIMUM_SIGNATURE_CHECKS = 64

CertificationPath = tuple[
    Certificate, ...
]  #: leaf first, trust anchor last; a trusted leaf is a path by itself

_PURPOSES = {
    ClientPurpose.REQUIRE: (ExtendedKeyUsageOID.CLIENT_AUTH,),
    ClientPurpose.ACCEPT_SERVER: (ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH),
}


@dataclass(frozen=True, slots=True)
class TrustAnchors:
    """The authorities that are trusted; immutable, so that a reload is one assignment.

    A certificate in the file that is no authority is trusted too, as itself and for nothing else: that is
    how a partner's self-signed certificate is trusted with its names and dates (OpenSSL treats it alike).
    """

    by_subject: dict[bytes, tuple[Certificate, ...]]  #: by the octets of the subject
    set_aside: tuple[str, ...]  #: why certificates of the file are not used, for ``check``

    @classmethod
    def load(cls, pem: bytes) -> Self:
        """Return the anchors of a file, PEM as a rule; what cannot be read is set aside and not fatal."""
        found: dict[bytes, tuple[Certificate, ...]] = {}
        set_aside: list[str] = []
        position = 0
        try:
            for position, der in enumerate(encoded_certificates(pem), start=1):
                try:
                    certificate = parse(der)
                except MalformedCertificateError as error:
                    set_aside.append(f"certificate {position}: {error}")
                    continue
                subject = structure(der).subject.whole
                if certificate not in (same := found.get(subject, ())):
                    found[subject] = (*same, certificate)
        except MalformedCertificateError as error:
            set_aside.append(f"after certificate {position}: {error}" if position else str(error))
        return cls(found, tuple(set_aside))

    def __len__(self) -> int:
        """Return the number of distinct certificates."""
        return sum(map(len, self.by_subject.values()))

    def __contains__(self, certificate: object) -> bool:
        """Tell whether this very certificate is trusted."""
        return isinstance(certificate, Certificate) and certificate in self.of_subject(
            structure(certificate.der).subject.whole
        )

    def of_subject(self, subject: bytes) -> tuple[Certificate, ...]:
        """Return the anchors whose subject is encoded so."""
        return self.by_subject.get(subject, ())


def validate(
    leaf: Certificate,
    intermediates: Sequence[Certificate],
    anchors: TrustAnchors,
    client_purpose: ClientPurpose,
    at: datetime,
) -> PathValidation:
    """Return what path validation finds for *leaf* as a TLS client at the time *at* (aware).

    Of several paths the best one counts.  *intermediates* may stand in any order and hold certificates that
    have nothing to do with it.  Names are not judged, apart from an authority's name constraints.
    """
    best: PathValidation | None = None
    search = _Search(intermediates, anchors)
    for path in search.paths(leaf):
        found = _judge(path, client_purpose, at)
        if found.outcome is PathOutcome.TRUSTED:
            return found
        if best is None or (best.outcome, found.outcome) == (PathOutcome.UNTRUSTED, PathOutcome.EXPIRED):
            best = found
    return best or PathValidation(
        PathOutcome.UNTRUSTED, search.dead_end(leaf), leaf.not_before, leaf.not_after
    )


class _Search:
    """Finds the paths from a leaf to an anchor, by names and signatures (RFC 4158)."""

    def __init__(self, intermediates: Sequence[Certificate], anchors: TrustAnchors) -> None:
        self._anchors = anchors
        self._intermediates: dict[bytes, list[Certificate]] = {}
        for certificate in intermediates:
            self._intermediates.setdefault(structure(certificate.der).subject.whole, []).append(certificate)
        self._signature_checks = _MAXIMUM_SIGNATURE_CHECKS
        self._furthest: CertificationPath = ()

    def paths(self, leaf: Certificate) -> Iterator[CertificationPath]:
        """Yield the paths, the shortest ways to an anchor first at every fork."""
        if leaf in self._anchors:
            yield (leaf,)
            return
        for number, path in enumerate(self._extended((leaf,)), start=1):
            yield path
            if number == _MAXIMUM_PATHS:
                return

    def dead_end(self, leaf: Certificate) -> str:
        """Return why there is no path: where the longest attempt ended."""
        last = self._furthest[-1] if self._furthest else leaf
        parts = structure(last.der)
        if parts.subject.whole != parts.issuer.whole:
            return f"chain does not lead to a trusted authority (issuer: {shown(last.issuer)})"
        if last is leaf:
            return "it is self-signed and not itself trusted"
        return f"chain ends in an authority that is not trusted ({shown(last.subject)})"

    def _extended(self, path: CertificationPath) -> Iterator[CertificationPath]:
        if len(path) > len(self._furthest):
            self._furthest = path
        issuer = structure(path[-1].der).issuer.whole
        for anchor in self._anchors.of_subject(issuer):
            if self._signed(path[-1], anchor):
                yield (*path, anchor)
        if len(path) + 1 >= _MAXIMUM_LENGTH:
            return
        taken = {(one.subject, one.public_key_pin) for one in path}
        for candidate in self._intermediates.get(issuer, ()):
            # The same name with the same key a second time leads round in circles (RFC 4158 section 5.2).
            if (candidate.subject, candidate.public_key_pin) not in taken and self._signed(
                path[-1], candidate
            ):
                yield from self._extended((*path, candidate))

    def _signed(self, child: Certificate, parent: Certificate) -> bool:
        """Tell whether the signature may be the parent's; what cannot be checked is left to the verifier."""
        if self._signature_checks == 0 or not structure(parent.der).can_sign:
            return False
        self._signature_checks -= 1
        try:
            load(child.der).verify_directly_issued_by(load(parent.der))
        except (InvalidSignature, TypeError):
            return False
        except (ValueError, UnsupportedAlgorithm):
            # An algorithm that is no longer supported; the path then says so instead of not existing.
            return True
        return True


def _judge(path: CertificationPath, client_purpose: ClientPurpose, at: datetime) -> PathValidation:
    """Return the outcome of one path whose names and signatures fit together."""
    leaf = path[0]
    not_before = max(certificate.not_before for certificate in path)
    not_after = min(certificate.not_after for certificate in path)
    outdated = not not_before <= at <= not_after
    never = not_after < not_before
    fault = own_fault(path)
    if fault is None and not never:
        # At a time when every date is right, so that whatever else is wrong shows.
        fault = _library_fault(path, client_purpose, min(max(at, not_before), not_after))
    if fault is not None:
        return PathValidation(PathOutcome.UNTRUSTED, fault, leaf.not_before, leaf.not_after)
    if outdated:
        dates = (leaf.not_before, leaf.not_after) if never else (not_before, not_after)
        return PathValidation(PathOutcome.EXPIRED, _date_fault(path, at), *dates)
    return PathValidation(
        PathOutcome.TRUSTED, f"chain leads to {shown(path[-1].subject)}", not_before, not_after
    )


def _library_fault(path: CertificationPath, client_purpose: ClientPurpose, at: datetime) -> str | None:
    """Return what the library finds wrong, or None; a path for one accepted purpose as a whole will do."""
    if any(_verifies(path, purpose, at) for purpose in _PURPOSES[client_purpose]):
        return None
    if not _verifies(path, None, at):
        return explain_fault(path)
    if client_purpose is ClientPurpose.REQUIRE and _verifies(path, ExtendedKeyUsageOID.SERVER_AUTH, at):
        return "may be used for TLS servers only, not for TLS clients"
    return "may not be used for TLS clients"


def _verifies(path: CertificationPath, purpose: x509.ObjectIdentifier | None, at: datetime) -> bool:
    try:
        leaf, *intermediates = (load(certificate.der) for certificate in (path[:-1] or path))
        verifier = (
            PolicyBuilder()
            .store(Store([load(path[-1].der)]))
            .time(at)
            .extension_policies(ca_policy=_authority_policy(purpose), ee_policy=_leaf_policy(purpose))
            .build_client_verifier()
        )
        verifier.verify(leaf, intermediates)
    except (VerificationError, UnsupportedAlgorithm, ValueError, TypeError, OverflowError):
        return False
    return True


def _leaf_policy(purpose: x509.ObjectIdentifier | None) -> ExtensionPolicy:
    """Return the rules for the leaf: no alternative name is needed, since names are judged elsewhere."""
    return (
        ExtensionPolicy.permit_all()
        .may_be_present(x509.ExtendedKeyUsage, Criticality.AGNOSTIC, _wants_purpose(purpose))
        .may_be_present(x509.KeyUsage, Criticality.AGNOSTIC, _wants_digital_signature)
    )


def _authority_policy(purpose: x509.ObjectIdentifier | None) -> ExtensionPolicy:
    """Return the rules for authorities, as RFC 5280 has them and private ones keep them.

    The library's own rules are those of public ones, who must state a key usage and mark it critical.
    """
    return (
        ExtensionPolicy.permit_all()
        .require_present(x509.BasicConstraints, Criticality.AGNOSTIC, _wants_authority)
        .may_be_present(x509.KeyUsage, Criticality.AGNOSTIC, _wants_certificate_signing)
        .may_be_present(x509.ExtendedKeyUsage, Criticality.AGNOSTIC, _wants_purpose(purpose))
    )


def _wants_purpose(
    purpose: x509.ObjectIdentifier | None,
) -> Callable[[Policy, x509.Certificate, x509.ExtendedKeyUsage | None], None]:
    def check(_policy: Policy, _certificate: x509.Certificate, usage: x509.ExtendedKeyUsage | None) -> None:
        """RFC 5280 section 4.2.1.12: without the extension, or with anyExtendedKeyUsage, for all."""
        if purpose is None or usage is None:
            return
        if purpose not in usage and ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE not in usage:
            raise ValueError("purpose")

    return check


def _wants_digital_signature(
    _policy: Policy, _certificate: x509.Certificate, usage: x509.KeyUsage | None
) -> None:
    """RFC 8446 section 4.4.2.2: a key usage that is stated must allow the signature a TLS client makes."""
    if usage is not None and not usage.digital_signature:
        raise ValueError("key usage")


def _wants_certificate_signing(
    _policy: Policy, _certificate: x509.Certificate, usage: x509.KeyUsage | None
) -> None:
    if usage is not None and not usage.key_cert_sign:
        raise ValueError("key usage")


def _wants_authority(_policy: Policy, _certificate: x509.Certificate, basic: x509.BasicConstraints) -> None:
    if not basic.ca:
        raise ValueError("basic constraints")


def _date_fault(path: CertificationPath, at: datetime) -> str:
    for certificate in path:
        whose = "" if certificate is path[0] else f"authority {shown(certificate.subject)} "
        if at > certificate.not_after:
            return f"{whose}valid until {certificate.not_after:%Y-%m-%d}"
        if at < certificate.not_before:
            return f"{whose}not valid before {certificate.not_before:%Y-%m-%d}"
    return "its dates and those of its authorities exclude each other"
