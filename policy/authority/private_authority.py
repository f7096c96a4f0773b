"""A certificate authority for a pair of partners, when no public one issues what both sides need.

Owns: what its certificates and its revocation list say.  Keeping them is ``authority_folder``'s part.
Must not know: files.
Invariant: the root may vouch for host names below the given domains and for nothing else; whoever trusts it
gives no more than that away.
Sources: RFC 5280 sections 4.2 and 5; section 4.2.1.10 for name constraints.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_network

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from domain_secure.policy.own.certificate_request import HOST_PURPOSES, PublicKey, host_key_usage
from domain_secure.policy.own.private_key import PrivateKey
from domain_secure.policy.terms.domain import Domain, Entry, entry_base, lies_under

# Clocks of partners differ.
_BACKDATED = timedelta(hours=1)
LONGEST_COMMON_NAME = 64  #: RFC 5280 appendix A.1, ub-common-name


@dataclass(frozen=True, slots=True)
class Revoked:
    """One certificate that no longer counts."""

    serial_number: int
    at: datetime


def make_root(key: PrivateKey, title: str, domains: Sequence[Domain], now: datetime, days: int) -> bytes:
    """Return a self-signed root in DER, bound to names below *domains*."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, title[:LONGEST_COMMON_NAME])])
    constraints = x509.NameConstraints(
        permitted_subtrees=[x509.DNSName(domain) for domain in domains],
        # A form of name that is not mentioned would be allowed without limits.
        excluded_subtrees=[x509.IPAddress(ip_network("0.0.0.0/0")), x509.IPAddress(ip_network("::/0"))],
    )
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_authority_key_usage(), critical=True)
        .add_extension(constraints, critical=True)
        .add_extension(identifier, critical=False)
        .add_extension(_authority_identifier(identifier), critical=False)
    )
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def issue(  # noqa: PLR0913 - what a certificate consists of
    root: x509.Certificate,
    key: PrivateKey,
    public_key: PublicKey,
    names: Sequence[Entry],
    now: datetime,
    *,
    days: int,
    list_url: str | None = None,
) -> x509.Certificate:
    """Return a certificate for *names*, for TLS servers and clients, that ends no later than the root.

    The subject is the first name alone: what else a request says, nobody here has verified.
    """
    common_name = (
        [x509.NameAttribute(NameOID.COMMON_NAME, names[0])] if len(names[0]) <= LONGEST_COMMON_NAME else []
    )
    identifier = root.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name(common_name))
        .issuer_name(root.subject)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(max(now - _BACKDATED, root.not_valid_before_utc))
        .not_valid_after(min(now + timedelta(days=days), root.not_valid_after_utc))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(host_key_usage(public_key), critical=True)
        .add_extension(HOST_PURPOSES, critical=False)
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=not common_name
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(_authority_identifier(identifier), critical=False)
    )
    if list_url is not None:
        point = x509.DistributionPoint([x509.UniformResourceIdentifier(list_url)], None, None, None)
        builder = builder.add_extension(x509.CRLDistributionPoints([point]), critical=False)
    return builder.sign(key, hashes.SHA256())


def make_list(
    root: x509.Certificate,
    key: PrivateKey,
    revoked: Iterable[Revoked],
    number: int,
    now: datetime,
    *,
    days: int,
) -> bytes:
    """Return the revocation list in DER, valid for *days*; *number* grows with each (section 5.2.3)."""
    identifier = root.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(root.subject)
        .last_update(now - _BACKDATED)
        .next_update(now + timedelta(days=days))
        .add_extension(x509.CRLNumber(number), critical=False)
        .add_extension(_authority_identifier(identifier), critical=False)
    )
    for one in revoked:
        builder = builder.add_revoked_certificate(
            x509.RevokedCertificateBuilder().serial_number(one.serial_number).revocation_date(one.at).build()
        )
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def foreign_names(names: Iterable[Entry], domains: Iterable[Domain]) -> tuple[Entry, ...]:
    """Return those of *names* that the root may not vouch for."""
    permitted = tuple(domains)
    return tuple(
        name
        for name in names
        if not any((base := entry_base(name)) == domain or lies_under(base, domain) for domain in permitted)
    )


def _authority_identifier(identifier: x509.SubjectKeyIdentifier) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)


def _authority_key_usage() -> x509.KeyUsage:
    return x509.KeyUsage(
        key_cert_sign=True,
        crl_sign=True,
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
