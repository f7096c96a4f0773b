"""Name the rule that a path of certificates breaks, in one clause for both administrators.

Owns: the rules the library lacks (:func:`own_fault`), and words for those it has (:func:`explain_fault`).
Must not know: who is trusted, and when.
Sources: RFC 5280 sections 4.2 and 6.1, CA/Browser Forum Baseline Requirements section 6.1.5.
"""

from collections.abc import Iterator

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa

from .certificate import Certificate, is_authority
from .certificate_structure import KEY_USAGE, NAME_CONSTRAINTS, Structure, load, structure
from .der import BIT_STRING, Element, InvalidDerError

_MINIMUM_RSA_BITS = 2048
_SHOWN = 100

_SIGNATURES_NO_LONGER_TRUSTED = {
    "1.2.840.113549.1.1.2": "MD2",
    "1.2.840.113549.1.1.4": "MD5",
    "1.2.840.113549.1.1.5": "SHA-1",
    "1.3.14.3.2.29": "SHA-1",
    "1.2.840.10045.4.1": "SHA-1",
    "1.2.840.10040.4.3": "SHA-1",
}
# Those that path validation takes into account; any other one that is critical must be refused.
_UNDERSTOOD = {
    "2.5.29.14",  # subjectKeyIdentifier
    KEY_USAGE,
    "2.5.29.17",  # subjectAltName
    "2.5.29.19",  # basicConstraints
    NAME_CONSTRAINTS,
    "2.5.29.35",  # authorityKeyIdentifier
    "2.5.29.37",  # extKeyUsage
    "1.3.6.1.5.5.7.1.1",  # authorityInfoAccess
}
_DIGITAL_SIGNATURE, _KEY_CERT_SIGN = 0, 5  # RFC 5280 section 4.2.1.3, counted from the most significant bit


def shown(name: str) -> str:
    """Return a distinguished name that fits into a reply."""
    if len(name) > _SHOWN:
        return name[:_SHOWN] + "…"
    return name or "no name"


def own_fault(path: tuple[Certificate, ...]) -> str | None:
    """Return what is too weak or escapes the authority's limits, though the library would let it pass."""
    for certificate in path:
        fault = _key_fault(certificate)
        if fault is None and certificate is not path[-1]:
            fault = _signature_fault(certificate)
        if fault is not None:
            return f"{_whose(certificate, path)} {fault}"
    leaf = path[0]
    limited = any(NAME_CONSTRAINTS in structure(certificate.der).extensions for certificate in path[1:])
    if limited and not leaf.dns_names:
        # Name constraints bind alternative names only; a common name would slip past them.
        return "its authority may certify certain names only, and it states none where that can be checked"
    return None


def explain_fault(path: tuple[Certificate, ...]) -> str:
    """Return the most telling rule that a path broke which the library did not accept."""
    return next(_faults(path), "it, or its chain, breaks the rules for certificates (RFC 5280)")


def _faults(path: tuple[Certificate, ...]) -> Iterator[str]:
    for depth, certificate in enumerate(path):
        parts = structure(certificate.der)
        whose = _whose(certificate, path)
        if depth > 0 and (not is_authority(certificate) or not _may(parts, _KEY_CERT_SIGN)):
            yield f"{shown(certificate.subject)} issued it and is no authority that may do so"
        if depth == 0 and not _may(parts, _DIGITAL_SIGNATURE):
            yield "its key may not be used for signatures, which a TLS client makes"
        for kind, extension in parts.extensions.items():
            if extension.critical and kind not in _UNDERSTOOD:
                yield f"{whose} critical extension {kind[:_SHOWN]} is not understood"
        if parts.serial_number < 0:
            yield f"{whose} serial number is negative"
    if any(NAME_CONSTRAINTS in structure(certificate.der).extensions for certificate in path):
        yield "its names lie outside of what its authority may certify"
    if len(path) > 2:
        yield "its chain is longer than an authority in it allows, or breaks the rules (RFC 5280)"


def _whose(certificate: Certificate, path: tuple[Certificate, ...]) -> str:
    return "its" if certificate is path[0] else f"authority {shown(certificate.subject)}: its"


def _key_fault(certificate: Certificate) -> str | None:
    if not structure(certificate.der).can_sign:
        return "key is of a kind that is not accepted"
    try:
        key = load(certificate.der).public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return "key cannot be read"
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < _MINIMUM_RSA_BITS:
        return f"RSA key has {key.key_size} bits, and {_MINIMUM_RSA_BITS} are the least"
    return None


def _signature_fault(certificate: Certificate) -> str | None:
    algorithm = load(certificate.der).signature_algorithm_oid.dotted_string
    if name := _SIGNATURES_NO_LONGER_TRUSTED.get(algorithm):
        return f"signature uses {name}, which is no longer trusted"
    return None


def _may(parts: Structure, usage: int) -> bool:
    """Tell whether the key usage is not stated, or includes *usage*."""
    extension = parts.extensions.get(KEY_USAGE)
    if extension is None:
        return True
    try:
        bits = Element.parse(extension.value).expect(BIT_STRING).content[1:]
    except InvalidDerError:
        return False
    return usage // 8 < len(bits) and bool(bits[usage // 8] & 0x80 >> usage % 8)
