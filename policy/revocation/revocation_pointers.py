"""Where a certificate says that its revocation can be learned, as far as we would go there.

Owns: the extensions that name CRL distribution points, delta lists and OCSP responders, and the bound on how
many of them are followed.
Must not know: HTTP, and whether the certificate is trusted; nobody may follow these pointers before it is.
Sources: RFC 5280 sections 4.2.1.13, 4.2.1.15 and 4.2.2.1; RFC 9608 (noRevAvail).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509.oid import AuthorityInformationAccessOID

from domain_secure.policy.certificates.certificate import Certificate, is_authority
from domain_secure.policy.certificates.certificate_structure import load, structure

DISTRIBUTION_POINTS = "2.5.29.31"
_NO_INFORMATION = "2.5.29.56"
# Public authorities name one or two; LDAP and file locations do not count.
_FOLLOWED = 4
_LONGEST_LOCATION = 2000


@dataclass(frozen=True, slots=True)
class RevocationPointers:
    """What one certificate names; each in the order of the certificate."""

    lists: tuple[str, ...] = ()
    deltas: tuple[str, ...] = ()
    responders: tuple[str, ...] = ()


def revocation_pointers(certificate: Certificate) -> RevocationPointers:
    """Return the http and https locations of a certificate; extensions that cannot be read name none."""
    try:
        extensions = load(certificate.der).extensions
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return RevocationPointers()
    except (x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return RevocationPointers()
    lists: tuple[str, ...] = ()
    deltas: tuple[str, ...] = ()
    responders: tuple[str, ...] = ()
    for extension in extensions:
        match extension.value:
            case x509.CRLDistributionPoints() as points:
                lists = http_locations(points)
            case x509.FreshestCRL() as points:
                deltas = http_locations(points)
            case x509.AuthorityInformationAccess() as descriptions:
                responders = _followed(
                    description.access_location.value
                    for description in descriptions
                    if description.access_method == AuthorityInformationAccessOID.OCSP
                    and isinstance(description.access_location, x509.UniformResourceIdentifier)
                )
    return RevocationPointers(lists, deltas, responders)


def has_no_revocation_information(certificate: Certificate) -> bool:
    """Tell whether a host's certificate says that it will never be revoked (RFC 9608 section 2)."""
    return _NO_INFORMATION in structure(certificate.der).extensions and not is_authority(certificate)


def http_locations(points: Iterable[x509.DistributionPoint]) -> tuple[str, ...]:
    """Return the http and https locations of distribution points whose lists the issuer signs itself."""
    return _followed(
        name.value
        for point in points
        if not point.crl_issuer
        for name in point.full_name or ()
        if isinstance(name, x509.UniformResourceIdentifier)
    )


def _followed(locations: Iterable[str]) -> tuple[str, ...]:
    fit = (
        location
        for location in locations
        if location.lower().startswith(("http://", "https://")) and len(location) <= _LONGEST_LOCATION
    )
    return tuple(dict.fromkeys(fit))[:_FOLLOWED]
