"""The authority that issued a certificate: where the certificate says it can be had, and whether this is it.

Also which of many certificates lead on from one.

Must not know: HTTP, and whether anybody trusts the authority; that is for ``path_validation``.
Source: RFC 5280 sections 4.2.2.1 (id-ad-caIssuers) and 6.1 (how certificates chain).
"""

from collections.abc import Iterable
from itertools import islice

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.x509.oid import AuthorityInformationAccessOID

from .certificate import MAXIMUM_CERTIFICATES, Certificate, Chain, is_authority, parse
from .certificate_file import encoded_certificates
from .certificate_signature import may_have_signed
from .certificate_structure import MalformedCertificateError, load, structure
from .distinguished_name import comparable

MAXIMUM_OCTETS = 256 * 1024  #: of what is found at one location
_FOLLOWED = 2
_LONGEST_LOCATION = 2000
_SIGNATURE_CHECKS = 128  #: for one certificate; a stranger may show many of one name


def issuer_locations(certificate: Certificate) -> tuple[str, ...]:
    """Return the http locations of the issuer's certificate; LDAP, and https, which needs a chain itself, are
    passed over.
    """
    try:
        found = load(certificate.der).extensions.get_extension_for_class(x509.AuthorityInformationAccess)
    except (x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return ()
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return ()
    named = (
        description.access_location.value
        for description in found.value
        if description.access_method == AuthorityInformationAccessOID.CA_ISSUERS
        and isinstance(description.access_location, x509.UniformResourceIdentifier)
    )
    fit = (url for url in named if url.lower().startswith("http://") and len(url) <= _LONGEST_LOCATION)
    return tuple(dict.fromkeys(fit))[:_FOLLOWED]


def is_issued_by(child: Certificate, parent: Certificate) -> bool:
    """Tell whether *parent* is an authority with the name and the key that *child* was signed by."""
    if not is_authority(parent) or comparable(structure(child.der).issuer) != comparable(
        structure(parent.der).subject
    ):
        return False
    try:
        load(child.der).verify_directly_issued_by(load(parent.der))
    except (InvalidSignature, ValueError, TypeError, UnsupportedAlgorithm):
        return False
    return True


def read_issuers(content: bytes, child: Certificate) -> tuple[Certificate, ...]:
    """Return those certificates in a DER, PEM or PKCS#7 file that issued *child*.

    Raises MalformedCertificateError, with one clause for the operator, where there is none.
    """
    found: list[Certificate] = []
    for der in islice(encoded_certificates(content), MAXIMUM_CERTIFICATES):
        try:
            certificate = parse(der)
        except MalformedCertificateError:
            continue
        if is_issued_by(child, certificate):
            found.append(certificate)
    if not found:
        raise MalformedCertificateError("what is there has not issued the certificate that names it")
    return tuple(dict.fromkeys(found))


def linked(leaf: Certificate, others: Iterable[Certificate]) -> Chain:
    """Return *leaf*, and those of *others* that lead on from it by name and signature, the nearest first.

    Of equally near ones the order of *others* counts.  What has nothing to do with it is left out.
    """
    by_subject: dict[str | bytes, list[Certificate]] = {}
    for one in dict.fromkeys(others):
        by_subject.setdefault(comparable(structure(one.der).subject), []).append(one)
    chain, checks = [leaf], _SIGNATURE_CHECKS
    for child in chain:
        for parent in by_subject.get(comparable(structure(child.der).issuer), ()):
            if parent in chain:
                continue
            if checks == 0:
                return tuple(chain)
            checks -= 1
            if may_have_signed(parent, child):
                chain.append(parent)
    return tuple(chain)
