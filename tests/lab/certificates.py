"""Authorities and certificates made on the spot, well-formed or odd on demand.

Elliptic curve keys unless asked otherwise: they cost no time.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from .files import put

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
Extensions = Iterable[tuple[x509.ExtensionType, bool]]  #: with their criticality

CLIENT = ExtendedKeyUsageOID.CLIENT_AUTH
SERVER = ExtendedKeyUsageOID.SERVER_AUTH
ANY = ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE
BOTH = (SERVER, CLIENT)
DAY = timedelta(days=1)


def new_key(kind: str = "p256") -> Key:
    """Return a private key: ``p256``, ``p384``, ``ed25519``, or ``rsa1024`` with any number of bits."""
    if kind.startswith("rsa"):
        return rsa.generate_private_key(65537, int(kind.removeprefix("rsa") or "2048"))
    if kind == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    return ec.generate_private_key({"p256": ec.SECP256R1(), "p384": ec.SECP384R1()}[kind])


def name(common_name: str | None) -> x509.Name:
    """Return a distinguished name of one common name, or an empty one."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)] if common_name else [])


def pem(*certificates: x509.Certificate) -> bytes:
    """Return certificates one after the other."""
    return b"".join(certificate.public_bytes(serialization.Encoding.PEM) for certificate in certificates)


@dataclass(frozen=True)
class Issued:
    """A certificate with its key, and the authorities a server would send along."""

    certificate: x509.Certificate
    key: Key
    chain: tuple[x509.Certificate, ...] = ()

    @property
    def der(self) -> bytes:
        """Return the certificate itself."""
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def fingerprint(self) -> str:
        """Return the certificate's SHA-256 as lower-case hexadecimal digits."""
        return self.certificate.fingerprint(hashes.SHA256()).hex()

    @property
    def certificate_pem(self) -> bytes:
        """Return the certificate alone."""
        return pem(self.certificate)

    @property
    def key_pem(self) -> bytes:
        """Return the private key, unencrypted."""
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    def pem(self, *, key: bool = False) -> bytes:
        """Return the certificate and its chain, after the key where that is wanted."""
        return (self.key_pem if key else b"") + pem(self.certificate, *self.chain)

    def write(self, folder: Path, stem: str) -> Path:
        """Write key, certificate and chain into one file, as ``smtpd_tls_chain_files`` wants it."""
        path = folder / f"{stem}.pem"
        put(path, self.pem(key=True), mode=0o600)
        return path


@dataclass(frozen=True)
class Authority(Issued):
    """An authority that may issue certificates: a root, or below another one."""

    @classmethod
    def create(cls, common_name: str, **options: object) -> Self:
        """Return a self-signed root; the options are those of :func:`make`."""
        root = make(common_name, extensions=_authority_extensions(None), **options)  # type: ignore[arg-type]
        return cls(root.certificate, root.key)

    def authority(
        self,
        common_name: str,
        *,
        path_length: int | None = None,
        extensions: Extensions = (),
        **options: object,
    ) -> Self:
        """Return an authority below this one; the options are those of :func:`make`."""
        every = (*_authority_extensions(path_length), *extensions)
        made = make(common_name, issuer=self, extensions=every, **options)  # type: ignore[arg-type]
        return type(self)(made.certificate, made.key, made.chain)

    def issue(
        self,
        common_name: str | None = None,
        *,
        dns_names: Iterable[str] = (),
        purposes: Iterable[x509.ObjectIdentifier] = BOTH,
        extensions: Extensions = (),
        **options: object,
    ) -> Issued:
        """Return a certificate for a host; the options are those of :func:`make`."""
        every = (*_host_extensions(common_name, dns_names, purposes), *extensions)
        return make(common_name, issuer=self, extensions=every, **options)  # type: ignore[arg-type]


def self_signed(
    common_name: str | None = None,
    *,
    dns_names: Iterable[str] = (),
    purposes: Iterable[x509.ObjectIdentifier] = BOTH,
    extensions: Extensions = (),
    **options: object,
) -> Issued:
    """Return a host's certificate that nobody but itself vouches for."""
    every = (*_host_extensions(common_name, dns_names, purposes), *extensions)
    return make(common_name, extensions=every, **options)  # type: ignore[arg-type]


def make(
    common_name: str | None,
    *,
    issuer: Authority | None = None,
    extensions: Extensions = (),
    key: Key | str = "p256",
    signature_hash: hashes.HashAlgorithm | None = None,
    not_before: datetime | None = None,
    not_after: datetime | None = None,
    subject: x509.Name | None = None,
) -> Issued:
    """Return a certificate with these extensions and key identifiers, self-signed where no issuer is given.

    A later extension replaces an earlier one of its kind.
    """
    now = datetime.now(UTC)
    own_key = new_key(key) if isinstance(key, str) else key
    signing_key = issuer.key if issuer else own_key
    subject = subject or name(common_name)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(own_key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(not_before or now - DAY)
        .not_valid_after(not_after or now + 90 * DAY)
    )
    identifiers = (
        (x509.SubjectKeyIdentifier.from_public_key(own_key.public_key()), False),
        (x509.AuthorityKeyIdentifier.from_issuer_public_key(signing_key.public_key()), False),
    )
    each = {extension.oid: (extension, critical) for extension, critical in (*identifiers, *extensions)}
    for extension, critical in each.values():
        builder = builder.add_extension(extension, critical=critical)
    if isinstance(signing_key, ed25519.Ed25519PrivateKey):
        certificate = builder.sign(signing_key, None)
    else:
        certificate = builder.sign(signing_key, signature_hash or hashes.SHA256())  # type: ignore[arg-type]
    above = (issuer.certificate, *issuer.chain) if issuer else ()
    return Issued(certificate, own_key, tuple(one for one in above if one.subject != one.issuer))


def _authority_extensions(path_length: int | None) -> Extensions:
    return (
        (x509.BasicConstraints(ca=True, path_length=path_length), True),
        (key_usage(key_cert_sign=True, crl_sign=True), True),
    )


def _host_extensions(
    common_name: str | None, dns_names: Iterable[str], purposes: Iterable[x509.ObjectIdentifier]
) -> Extensions:
    yield x509.BasicConstraints(ca=False, path_length=None), True
    yield key_usage(digital_signature=True), True
    names = [x509.DNSName(dns_name) for dns_name in dns_names]
    if names:
        yield x509.SubjectAlternativeName(names), common_name is None
    if listed := list(purposes):
        yield x509.ExtendedKeyUsage(listed), False


def key_usage(**usages: bool) -> x509.KeyUsage:
    """Return a key usage extension with only these usages."""
    every = (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    )
    return x509.KeyUsage(**dict.fromkeys(every, False) | usages)
