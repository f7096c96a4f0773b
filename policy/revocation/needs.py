"""What a path needs: the locations that its certificates, and the lists there, name.

Owns: the extensions that name CRL distribution points, delta lists and OCSP responders, and the bound on how
many of them are followed.
Must not know: HTTP, and whether the path is trusted; nobody may follow these locations before it is.
Sources: RFC 5280 sections 4.2.1.13, 4.2.1.15, 4.2.2.1 and 5.2.6; RFC 6960 section 4.1; RFC 5019 for a request
without nonce, which is what public responders answer; RFC 9608 (noRevAvail).
"""

from collections.abc import Iterable, Iterator

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID

from domain_secure.policy.certificates.certificate import Certificate, is_authority
from domain_secure.policy.certificates.certificate_structure import load, structure

from .location_report import LocationReport
from .revocation import Location, Need, RevocationList, Statement, ValidatedPath

DISTRIBUTION_POINTS = "2.5.29.31"
OCSP_REQUEST_TYPE = "application/ocsp-request"  #: RFC 6960 appendix A.1
_NO_INFORMATION = "2.5.29.56"
# Public authorities name one or two; LDAP and file locations do not count.
_FOLLOWED = 4
_LONGEST_LOCATION = 2000


def needs(path: ValidatedPath) -> Iterator[Need]:
    """Yield the locations that the certificates below the anchor name, nearest to the anchor first."""
    for index in range(len(path) - 2, -1, -1):
        lists, responders = _locations(path[index])
        for url in lists:
            yield Need(Location(url), index)
        if responders:
            request = _ocsp_request(path[index], path[index + 1])
            for url in responders:
                yield Need(Location(url, request), index)


def passed_over(path: ValidatedPath) -> Iterator[LocationReport]:
    """Yield the locations of lists that are never asked, of certificates that name none that is."""
    for certificate in path[:-1]:
        extensions = (one.value for one in _extensions(certificate))
        points = [point for one in extensions if isinstance(one, x509.CRLDistributionPoints) for point in one]
        if http_locations(points):
            continue
        for point in points:
            other = "somebody else than the authority signs the list there"
            failure = other if point.crl_issuer else "only http and https locations are asked"
            for url in _urls([point]):
                yield LocationReport(
                    url=url[:_LONGEST_LOCATION],
                    kind="CRL",
                    certificate=certificate.subject,
                    failure=failure,
                    fix="ask the authority for an http location, or name the list in [trust] crl_files",
                    is_missed=True,
                )


def further_needs(need: Need, statements: Iterable[Statement]) -> Iterator[Need]:
    """Yield the locations of the delta lists that complete lists point to (RFC 5280 section 5.2.6)."""
    for one in statements:
        if isinstance(one, RevocationList) and one.base_number is None:
            for url in one.delta_locations:
                yield Need(Location(url), need.index)


def has_no_revocation_information(certificate: Certificate) -> bool:
    """Tell whether a host's certificate says that it will never be revoked (RFC 9608 section 2)."""
    return _NO_INFORMATION in structure(certificate.der).extensions and not is_authority(certificate)


def http_locations(points: Iterable[x509.DistributionPoint]) -> tuple[str, ...]:
    """Return the http and https locations of distribution points whose lists the issuer signs itself."""
    return _followed(_urls(point for point in points if not point.crl_issuer))


def _urls(points: Iterable[x509.DistributionPoint]) -> Iterator[str]:
    for point in points:
        for name in point.full_name or ():
            if isinstance(name, x509.UniformResourceIdentifier):
                yield name.value


def _extensions(certificate: Certificate) -> Iterable[x509.Extension[x509.ExtensionType]]:
    """Return the extensions of a certificate, none where they cannot be read."""
    try:
        return load(certificate.der).extensions
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return ()
    except (x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return ()


def _locations(certificate: Certificate) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return where lists and responders are."""
    lists: tuple[str, ...] = ()
    deltas: tuple[str, ...] = ()
    responders: tuple[str, ...] = ()
    for extension in _extensions(certificate):
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
    return (*lists, *deltas), responders


def _followed(locations: Iterable[str]) -> tuple[str, ...]:
    fit = (
        location
        for location in locations
        if location.lower().startswith(("http://", "https://")) and len(location) <= _LONGEST_LOCATION
    )
    return tuple(dict.fromkeys(fit))[:_FOLLOWED]


def _ocsp_request(certificate: Certificate, issuer: Certificate) -> bytes:
    """Return the request for one certificate, in DER.

    SHA-1 identifies the issuer here and secures nothing; it is the one digest that every responder knows
    (RFC 5019 section 2.1.1).
    """
    builder = ocsp.OCSPRequestBuilder().add_certificate(load(certificate.der), load(issuer.der), SHA1())  # noqa: S303 - names the issuer, secures nothing
    return builder.build().public_bytes(Encoding.DER)
