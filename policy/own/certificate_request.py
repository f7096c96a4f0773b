"""Requests for certificates of our own: PKCS#10, for an authority to sign.

Owns: what a request of ours asks for, and reading a request that somebody gives to our own authority.
Must not know: where the key is kept.
Sources: RFC 2986; RFC 5280 sections 4.2.1.3, 4.2.1.6 and 4.2.1.12; RFC 7468 section 7.
"""

import re
from collections.abc import Iterable, Sequence

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from domain_secure.policy.terms.domain import Entry, InvalidDomainError, parse_entry

from .private_key import PrivateKey

MAXIMUM_OCTETS = 64 * 1024
# 2,000 names make a certificate of some 40 kB, which few peers take.
MAXIMUM_NAMES = 100

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey

_LABEL = re.compile(rb"-----BEGIN (?:NEW )?CERTIFICATE REQUEST-----")


class InvalidRequestError(ValueError):
    """The octets are not a request that can be signed; the argument says why, for a person."""


def make_request(key: PrivateKey, subject: x509.Name, names: Sequence[Entry]) -> bytes:
    """Return a request in PEM (base64 PKCS#10) for TLS server and client use."""
    builder = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(subject)
        .add_extension(x509.SubjectAlternativeName(list(map(x509.DNSName, names))), critical=False)
        .add_extension(host_key_usage(key.public_key()), critical=True)
        .add_extension(HOST_PURPOSES, critical=False)
    )
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


HOST_PURPOSES = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])


def host_key_usage(key: object) -> x509.KeyUsage:
    """Return the key usage of a host's certificate (RFC 5246 section 7.4.2)."""
    return x509.KeyUsage(
        digital_signature=True,
        key_encipherment=isinstance(key, rsa.RSAPublicKey),
        content_commitment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def request_names(domains: Iterable[str], subject: x509.Name) -> tuple[Entry, ...]:
    """Return the names to ask for: the subject's common name if it is a host's, then *domains*.

    Peers of today look at the alternative names alone (RFC 9525), so a common name is repeated among them.
    Raises InvalidDomainError.
    """
    names: list[Entry] = []
    for attribute in subject.get_attributes_for_oid(NameOID.COMMON_NAME):
        try:
            names.append(parse_entry(str(attribute.value)))
        except InvalidDomainError:
            continue
    names += map(parse_entry, domains)
    return tuple(dict.fromkeys(names))


def subject_for(names: Sequence[Entry]) -> x509.Name:
    """Return a subject for those who gave none: the first name, where it is short enough for one."""
    longest = 64  # RFC 5280 appendix A.1, ub-common-name
    common_name = next((name for name in names if len(name) <= longest), None)
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)] if common_name else [])


def parse_request(content: bytes) -> tuple[PublicKey, x509.Name, tuple[Entry, ...]]:
    """Return key, subject and host names of a request in PEM or DER; raises InvalidRequestError.

    Its signature is checked: whoever made it holds the key.
    """
    if len(content) > MAXIMUM_OCTETS:
        raise InvalidRequestError(f"it is larger than {MAXIMUM_OCTETS // 1024} KiB")
    try:
        if _LABEL.search(content):
            request = x509.load_pem_x509_csr(content)
        else:
            request = x509.load_der_x509_csr(content)
        key = request.public_key()
        signed = request.is_signature_valid
        subject = request.subject
        names = _names(request)
    except (
        ValueError,
        TypeError,
        UnsupportedAlgorithm,
        x509.DuplicateExtension,
        x509.InvalidVersion,
    ) as error:
        if isinstance(error, InvalidRequestError | InvalidDomainError):
            raise InvalidRequestError(str(error)) from error
        raise InvalidRequestError("it is not a certificate request in PEM or DER") from error
    if not signed:
        raise InvalidRequestError("its signature is not good")
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= 2048:
        return key, subject, names
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name.startswith("secp"):
        return key, subject, names
    raise InvalidRequestError("its key is too weak, or of a kind that many mail servers do not know")


def _names(request: x509.CertificateSigningRequest) -> tuple[Entry, ...]:
    try:
        extension = request.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        found: Iterable[str] = ()
    else:
        if any(not isinstance(name, x509.DNSName) for name in extension.value):
            raise InvalidRequestError("it asks for more than host names")
        found = extension.value.get_values_for_type(x509.DNSName)
    names = request_names(found, request.subject)
    if not 1 <= len(names) <= MAXIMUM_NAMES:
        raise InvalidRequestError(
            f"it asks for {len(names)} host names, and 1 to {MAXIMUM_NAMES} are possible"
        )
    return names
