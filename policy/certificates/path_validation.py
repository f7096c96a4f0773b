"""Path validation: does a certificate lead to a trusted authority, and from when until when.

Owns: the rules a path must keep, and the clause that tells both administrators which one it breaks.
Must not know: names the partner goes by (``names``), revocation, where certificates come from, and who said
what is distrusted.
Invariant: only a path that the library has verified in full is TRUSTED; everything this module finds out by
itself can only make the answer worse.  No input raises, and the work is bounded.
Source: RFC 5280 section 6; CA/Browser Forum Baseline Requirements sections 6.1.5 and 7.1.3 for strength.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from domain_secure.policy.terms.pin import Pin

from .certificate import Certificate, parse
from .certificate_file import encoded_certificates
from .certificate_signature import may_have_signed
from .certificate_structure import MalformedCertificateError, structure
from .certification_path import PathOutcome, PathValidation
from .distinguished_name import comparable
from .issuers import issuer_locations
from .path_faults import own_fault, shown
from .path_library import has_unsupported_extension, library_fault
from .trust import ClientPurpose

# Real paths have at most four authorities between host and root.
_MAXIMUM_LENGTH = 10
# OpenSSL takes a hundred kilobytes of certificates from a peer; a chain has three to five.
_MAXIMUM_INTERMEDIATES = 100
# A stranger may send certificates that issue each other in circles; nobody needs more ways than this.
_MAXIMUM_PATHS = 16
_MAXIMUM_SIGNATURE_CHECKS = 64

#: leaf first, trust anchor last; a certificate that is trusted as itself is a path alone
CertificationPath = tuple[Certificate, ...]


@dataclass(frozen=True, slots=True)
class TrustAnchors:
    """The authorities that are trusted; immutable, so that a reload is one assignment.

    A certificate in the file that is no authority is trusted too, as itself and for nothing else: that is
    how a partner's self-signed certificate is trusted with its names and dates (OpenSSL treats it alike).
    """

    by_subject: dict[str | bytes, tuple[Certificate, ...]]  #: by the comparable form of the subject
    set_aside: tuple[str, ...]  #: why certificates of the file are not used, for ``check``

    @classmethod
    def load(cls, pem: bytes) -> Self:
        """Return the anchors of a file, PEM as a rule; what cannot be read is set aside and not fatal."""
        found: list[Certificate] = []
        set_aside: list[str] = []
        position = 0
        try:
            for position, der in enumerate(encoded_certificates(pem), start=1):
                try:
                    found.append(parse(der))
                except MalformedCertificateError as error:
                    set_aside.append(f"certificate {position}: {error}")
        except MalformedCertificateError as error:
            set_aside.append(f"after certificate {position}: {error}" if position else str(error))
        return cls.of(found, set_aside)

    @classmethod
    def of(cls, certificates: Iterable[Certificate], set_aside: Iterable[str] = ()) -> Self:
        """Return these certificates as anchors, each once."""
        found: dict[str | bytes, tuple[Certificate, ...]] = {}
        for certificate in dict.fromkeys(certificates):
            subject = comparable(structure(certificate.der).subject)
            found[subject] = (*found.get(subject, ()), certificate)
        return cls(found, tuple(set_aside))

    def __len__(self) -> int:
        """Return the number of distinct certificates."""
        return sum(map(len, self.by_subject.values()))

    def __contains__(self, certificate: object) -> bool:
        """Tell whether this very certificate is trusted."""
        return isinstance(certificate, Certificate) and certificate in self.named(
            structure(certificate.der).subject
        )

    def without(self, distrusted: frozenset[Pin]) -> Self:
        """Return the anchors that are not *distrusted*."""
        every = (one for group in self.by_subject.values() for one in group)
        return type(self).of((one for one in every if not one.pins & distrusted), self.set_aside)

    def named(self, subject: bytes) -> tuple[Certificate, ...]:
        """Return the anchors with this subject, given as a Name in DER."""
        return self.by_subject.get(comparable(subject), ())


def validate(
    leaf: Certificate,
    intermediates: Sequence[Certificate],
    anchors: TrustAnchors,
    client_purpose: ClientPurpose,
    at: datetime,
    distrusted: frozenset[Pin] = frozenset(),
) -> PathValidation:
    """Return what path validation finds for *leaf* as a TLS client at the time *at* (aware).

    Of several paths the best one counts.  *intermediates* may stand in any order and hold certificates that
    have nothing to do with it.  Names are not judged, apart from an authority's name constraints.  No path
    passes through a certificate that is *distrusted*, by its own digest or its key's, an anchor included.
    """
    if leaf.pins & distrusted:
        return _distrusted(leaf, "it is distrusted")
    best: PathValidation | None = None
    current_first = sorted(intermediates, key=lambda one: not one.not_before <= at <= one.not_after)
    search = _Search(current_first[:_MAXIMUM_INTERMEDIATES], anchors, distrusted)
    for path in search.paths(leaf):
        found = _judge(path, client_purpose, at)
        if found.outcome is PathOutcome.TRUSTED:
            return found
        if best is None or (best.outcome, found.outcome) == (PathOutcome.UNTRUSTED, PathOutcome.EXPIRED):
            best = found
    if search.passed_over is not None and (best is None or best.outcome is PathOutcome.UNTRUSTED):
        return _distrusted(leaf, f"its chain passes through {shown(search.passed_over.subject)}")
    return best or PathValidation(
        PathOutcome.UNTRUSTED,
        search.dead_end(leaf),
        leaf.not_before,
        leaf.not_after,
        without_issuer=search.without_issuer(),
        untrusted_authority=search.untrusted_authority(leaf),
    )


def _distrusted(leaf: Certificate, detail: str) -> PathValidation:
    return PathValidation(PathOutcome.DISTRUSTED, detail, leaf.not_before, leaf.not_after)


class _Search:
    """Finds the paths from a leaf to an anchor, by names and signatures (RFC 4158)."""

    def __init__(
        self, intermediates: Sequence[Certificate], anchors: TrustAnchors, distrusted: frozenset[Pin]
    ) -> None:
        self._anchors = anchors
        self._distrusted = distrusted
        self.passed_over: Certificate | None = None  #: an authority of the leaf that is distrusted
        self._intermediates: dict[str | bytes, list[Certificate]] = {}
        for certificate in intermediates:
            subject = comparable(structure(certificate.der).subject)
            self._intermediates.setdefault(subject, []).append(certificate)
        self._signature_checks = _MAXIMUM_SIGNATURE_CHECKS
        self._furthest: CertificationPath = ()  #: of the attempts; none is empty

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
        last = self._furthest[-1]
        parts = structure(last.der)
        if comparable(parts.subject) != comparable(parts.issuer):
            return f"chain does not lead to a trusted authority (issuer: {shown(last.issuer)})"
        if last is leaf:
            return "it is self-signed and not itself trusted"
        return f"chain ends in an authority that is not trusted ({shown(last.subject)})"

    def untrusted_authority(self, leaf: Certificate) -> Certificate | None:
        """Return the root at which the longest attempt ended, or None where it ended elsewhere."""
        last = self._furthest[-1]
        parts = structure(last.der)
        is_root = comparable(parts.subject) == comparable(parts.issuer)
        return last if is_root and last is not leaf else None

    def without_issuer(self) -> Certificate | None:
        """Return the certificate at which the longest attempt ended for want of its issuer, or None.

        An anchor of the issuer's name whose key it was not signed with is no want: whoever took that name
        must be trusted by somebody first, unless the certificate says where the issuer can be had.
        """
        last = self._furthest[-1]
        parts = structure(last.der)
        if comparable(parts.subject) == comparable(parts.issuer):
            return None
        at_hand = self._intermediates.get(comparable(parts.issuer), ())
        if not self._signature_checks or any(self._signed(last, candidate) for candidate in at_hand):
            return None
        return last if issuer_locations(last) or not self._anchors.named(parts.issuer) else None

    def _extended(self, path: CertificationPath) -> Iterator[CertificationPath]:
        if len(path) > len(self._furthest):
            self._furthest = path
        issuer = structure(path[-1].der).issuer
        for anchor in self._anchors.named(issuer):
            if self._signed(path[-1], anchor) and self._may_be_on_a_path(anchor):
                yield (*path, anchor)
        if len(path) + 1 >= _MAXIMUM_LENGTH:
            return
        taken = {(one.subject, one.public_key_pin) for one in path}
        for candidate in self._intermediates.get(comparable(issuer), ()):
            # The same name with the same key a second time leads round in circles (RFC 4158 section 5.2).
            if (
                (candidate.subject, candidate.public_key_pin) not in taken
                and self._signed(path[-1], candidate)
                and self._may_be_on_a_path(candidate)
            ):
                yield from self._extended((*path, candidate))

    def _may_be_on_a_path(self, authority: Certificate) -> bool:
        if authority.pins & self._distrusted:
            self.passed_over = authority
            return False
        return True

    def _signed(self, child: Certificate, parent: Certificate) -> bool:
        if self._signature_checks == 0:
            return False
        self._signature_checks -= 1
        return may_have_signed(parent, child)


def _judge(path: CertificationPath, client_purpose: ClientPurpose, at: datetime) -> PathValidation:
    """Return the outcome of one path whose names and signatures fit together."""
    leaf = path[0]
    not_before = max(certificate.not_before for certificate in path)
    not_after = min(certificate.not_after for certificate in path)
    outdated = not not_before <= at <= not_after
    never = not_after < not_before
    fault = own_fault(path, client_purpose)
    if fault is None and not never:
        # At a time when every date is right, so that whatever else is wrong shows.
        fault = _library_fault(path, min(max(at, not_before), not_after))
    if fault is not None:
        return PathValidation(PathOutcome.UNTRUSTED, fault, leaf.not_before, leaf.not_after)
    if outdated:
        dates = (leaf.not_before, leaf.not_after) if never else (not_before, not_after)
        return PathValidation(PathOutcome.EXPIRED, _date_fault(path, at), *dates)
    return PathValidation(
        PathOutcome.TRUSTED, f"chain leads to {shown(path[-1].subject)}", not_before, not_after, path
    )


def _library_fault(path: CertificationPath, at: datetime) -> str | None:
    if len(path) > 1:
        return library_fault(path, at)
    if has_unsupported_extension(path[0]):
        return "a critical extension of it is not understood"
    return None


def _date_fault(path: CertificationPath, at: datetime) -> str:
    """Return which certificate of a path that is not valid at *at* is the nearest reason for it."""
    certificate = next(one for one in path if not one.not_before <= at <= one.not_after)
    whose = "" if certificate is path[0] else f"authority {shown(certificate.subject)} "
    if at > certificate.not_after:
        return f"{whose}valid until {certificate.not_after:%Y-%m-%d}"
    return f"{whose}not valid before {certificate.not_before:%Y-%m-%d}"
