"""Name the rule of ours that a path of certificates breaks, in one clause for both administrators.

Owns: the rules that the library lacks: strict encoding, strength, purposes, and what a TLS client needs.
Must not know: who is trusted, and when.
Sources: RFC 5280 sections 4.1, 4.2 and 6.1; CA/Browser Forum Baseline Requirements sections 6.1.5 and 7.1.3.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self, TypeVar

from asn1crypto import keys
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from .certificate import Certificate, is_authority
from .certificate_structure import load, structure
from .trust import ClientPurpose

# A certificate with a thousand names takes some 40 kB, one with the largest post-quantum keys 30.
_MAXIMUM_OCTETS = 64 * 1024
# Each name is compared with each constraint, a million times in a second.
_MAXIMUM_COMPARISONS = 100_000
_MINIMUM_RSA_BITS = 2048
_EMPTY_NAME = b"\x30\x00"
_SHOWN = 100

_SIGNATURES_NO_LONGER_TRUSTED = {
    "1.2.840.113549.1.1.2": "MD2",
    "1.2.840.113549.1.1.4": "MD5",
    "1.2.840.113549.1.1.5": "SHA-1",
    "1.3.14.3.2.29": "SHA-1",
    "1.2.840.10045.4.1": "SHA-1",
    "1.2.840.10040.4.3": "SHA-1",
}
_SIGNING_KEYS = (
    rsa.RSAPublicKey,
    ec.EllipticCurvePublicKey,
    ed25519.Ed25519PublicKey,
    ed448.Ed448PublicKey,
)
_ExtensionType = TypeVar("_ExtensionType", bound=x509.ExtensionType)
_PURPOSES = {
    ClientPurpose.REQUIRE: (ExtendedKeyUsageOID.CLIENT_AUTH,),
    ClientPurpose.ACCEPT_SERVER: (ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH),
}


def shown(name: str) -> str:
    """Return a distinguished name that fits into a reply."""
    if len(name) > _SHOWN:
        return name[:_SHOWN] + "…"
    return name or "no name"


def own_fault(path: Sequence[Certificate], client_purpose: ClientPurpose) -> str | None:
    """Return which rule of ours *path* breaks, or None; *path* is leaf first, trust anchor last."""
    links: list[_Link] = []
    for certificate in path:
        whose = "its" if certificate is path[0] else f"authority {shown(certificate.subject)}: its"
        if len(certificate.der) > _MAXIMUM_OCTETS:
            return f"{whose} size is above {_MAXIMUM_OCTETS // 1024} KiB"
        link = _Link.read(certificate)
        if link is None:
            return f"{whose} contents are not encoded as RFC 5280 wants them"
        # Nobody relies on the signature of the anchor.
        fault = _key_fault(certificate, link.loaded) or (
            None if certificate is path[-1] else _signature_fault(link)
        )
        if fault is not None:
            return f"{whose} {fault}"
        links.append(link)
    leaf, *authorities = links
    for authority in authorities:
        if not _may_issue(authority, is_anchor=authority is links[-1]):
            return f"{shown(authority.certificate.subject)} issued it and is no authority that may do so"
    usage = leaf.extension(x509.KeyUsage)
    if usage is not None and not usage.digital_signature:
        # RFC 8446 section 4.4.2.2
        return "its key may not be used for signatures, which a TLS client makes"
    return _constraints_fault(leaf, authorities) or _purpose_fault(links, client_purpose)


def key_fault_of(certificate: Certificate) -> str | None:
    """Return why the key of a certificate is not accepted, or None; raises nothing."""
    return _key_fault(certificate, load(certificate.der))


def signature_fault_of(certificate: Certificate) -> str | None:
    """Return why the signature on a certificate is not accepted, or None; one that cannot be read is not."""
    link = _Link.read(certificate)
    return None if link is None else _signature_fault(link)


@dataclass(frozen=True, slots=True)
class _Link:
    """One certificate of a path that both libraries could read whole."""

    certificate: Certificate
    loaded: x509.Certificate
    extensions: x509.Extensions

    @classmethod
    def read(cls, certificate: Certificate) -> Self | None:
        """Return None for encodings that different readers could take for different things."""
        try:
            loaded = load(certificate.der)
            link = cls(certificate, loaded, loaded.extensions)
            parts = structure(certificate.der)
        except (ValueError, TypeError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
            return None
        inside, outside = parts.signature_algorithms
        return link if inside == outside and parts.issuer != _EMPTY_NAME else None

    def extension(self, kind: type[_ExtensionType]) -> _ExtensionType | None:
        """Return the extension of one type, or None."""
        try:
            return self.extensions.get_extension_for_class(kind).value
        except x509.ExtensionNotFound:
            return None


def _key_fault(certificate: Certificate, loaded: x509.Certificate) -> str | None:
    try:
        key = loaded.public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return "key cannot be read"
    if not isinstance(key, _SIGNING_KEYS):
        return "key is of a kind that is not accepted"
    if isinstance(key, ec.EllipticCurvePublicKey) and not _names_its_curve(certificate):
        return "key gives the parameters of its curve instead of the curve's name"
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < _MINIMUM_RSA_BITS:
        return f"RSA key has {key.key_size} bits, and {_MINIMUM_RSA_BITS} are the least"
    return None


def _names_its_curve(certificate: Certificate) -> bool:
    """Tell whether an elliptic curve key is of a named curve, the only form RFC 5480 section 2.1.1 allows."""
    information = keys.PublicKeyInfo.load(structure(certificate.der).public_key_info)
    return bool(information["algorithm"]["parameters"].name == "named")


def _signature_fault(link: _Link) -> str | None:
    algorithm = link.loaded.signature_algorithm_oid.dotted_string
    if name := _SIGNATURES_NO_LONGER_TRUSTED.get(algorithm):
        return f"signature uses {name}, which is no longer trusted"
    return None


def _may_issue(link: _Link, *, is_anchor: bool) -> bool:
    """Tell whether a certificate is an authority's; one of version 1 cannot say it, an anchor need not."""
    usage = link.extension(x509.KeyUsage)
    if usage is not None and not usage.key_cert_sign:
        return False
    return is_authority(link.certificate) or (is_anchor and link.loaded.version is x509.Version.v1)


def _constraints_fault(leaf: _Link, authorities: Sequence[_Link]) -> str | None:
    """Return how name constraints (RFC 5280 section 4.2.1.10) would miss the leaf without a word."""
    constraints = [*filter(None, (authority.extension(x509.NameConstraints) for authority in authorities))]
    permitted = [name for one in constraints for name in one.permitted_subtrees or ()]
    excluded = [name for one in constraints for name in one.excluded_subtrees or ()]
    names = leaf.extension(x509.SubjectAlternativeName) or ()
    if len(list(names)) * len(permitted + excluded) > _MAXIMUM_COMPARISONS:
        return "it has too many names to compare with what its authority may certify"
    of_hosts = [name.value for name in permitted + excluded if isinstance(name, x509.DNSName)]
    if of_hosts and not leaf.certificate.dns_names:
        # These bind alternative names only; a common name would slip past them.
        return "its authority may certify certain names only, and it states none where that can be checked"
    hosts_excluded = [name.value.lower() for name in excluded if isinstance(name, x509.DNSName)]
    for name in leaf.certificate.dns_names:
        if name.startswith("*.") and any(_is_covered(name, one) for one in hosts_excluded):
            # The library compares the wildcard's text alone.
            return f"it is for {shown(name)}, which covers hosts that its authority may not certify"
    if any(not name or name.startswith(".") for name in of_hosts):
        # Nothing for all hosts, a dot for those below: outside the grammar or beyond the library, which
        # would exclude nothing.
        return "its authority may not certify host names, or says in an unusual way which ones it may"
    return None


def _is_covered(wildcard: str, host: str) -> bool:
    """Tell whether a wildcard stands for *host*, or for a host above or below it that is excluded with it."""
    return host.endswith(wildcard[1:].lower()) or f".{wildcard[2:].lower()}".endswith(f".{host}")


def _purpose_fault(links: Sequence[_Link], client_purpose: ClientPurpose) -> str | None:
    """Return why the path is not good for a TLS client; one purpose must hold along the whole of it."""
    usages = [*filter(None, (link.extension(x509.ExtendedKeyUsage) for link in links))]

    def allowed(purpose: x509.ObjectIdentifier) -> bool:
        """RFC 5280 section 4.2.1.12: without the extension, or with anyExtendedKeyUsage, for all."""
        return all(
            purpose in usage or ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE in usage for usage in usages
        )

    if any(map(allowed, _PURPOSES[client_purpose])):
        return None
    if client_purpose is ClientPurpose.REQUIRE and allowed(ExtendedKeyUsageOID.SERVER_AUTH):
        return "may be used for TLS servers only, not for TLS clients"
    return "may not be used for TLS clients"
