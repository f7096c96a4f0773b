"""Revocation lists and OCSP answers of the laboratory's authorities, well-formed or odd on demand."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID

from .certificates import DAY, Authority, Extensions, Issued, Key, key_usage

KEY_COMPROMISE = x509.ReasonFlags.key_compromise
HOLD = x509.ReasonFlags.certificate_hold
LIFTED = x509.ReasonFlags.remove_from_crl


@dataclass(frozen=True)
class Pointers:
    """Where a certificate says that its revocation and its issuer can be learned; used as its extensions."""

    lists: tuple[str, ...] = ()
    deltas: tuple[str, ...] = ()
    responders: tuple[str, ...] = ()
    issuers: tuple[str, ...] = ()

    def __iter__(self):  # noqa: ANN204 - an Extensions
        """Yield the extensions with their criticality."""
        if self.lists:
            yield x509.CRLDistributionPoints([point(one) for one in self.lists]), False
        if self.deltas:
            yield x509.FreshestCRL([point(one) for one in self.deltas]), False
        named = [(AuthorityInformationAccessOID.OCSP, one) for one in self.responders]
        named += [(AuthorityInformationAccessOID.CA_ISSUERS, one) for one in self.issuers]
        if named:
            yield (
                x509.AuthorityInformationAccess(
                    x509.AccessDescription(method, x509.UniformResourceIdentifier(one))
                    for method, one in named
                ),
                False,
            )


def point(location: str, **options: object) -> x509.DistributionPoint:
    """Return a distribution point with one location."""
    return x509.DistributionPoint(
        full_name=[x509.UniformResourceIdentifier(location)],
        relative_name=None,
        reasons=options.get("reasons"),  # type: ignore[arg-type]
        crl_issuer=options.get("crl_issuer"),  # type: ignore[arg-type]
    )


def scope(location: str | None = None, **options: object) -> tuple[x509.ExtensionType, bool]:
    """Return an issuing distribution point; the options are those of the library's class."""
    plain = {
        "only_contains_user_certs": False,
        "only_contains_ca_certs": False,
        "only_some_reasons": None,
        "indirect_crl": False,
        "only_contains_attribute_certs": False,
    }
    names = [x509.UniformResourceIdentifier(location)] if location else None
    extension = x509.IssuingDistributionPoint(
        full_name=names,
        relative_name=None,
        **plain | options,  # type: ignore[arg-type]
    )
    return extension, True


def revocation_list(
    authority: Authority,
    *revoked: Issued | int,
    reasons: Mapping[int, x509.ReasonFlags] | None = None,
    number: int | None = 1,
    this_update: datetime | None = None,
    next_update: datetime | None = None,
    extensions: Extensions = (),
    key: Key | None = None,
) -> bytes:
    """Return an authority's list in DER: issued an hour ago, valid for a week.

    *revoked* are certificates or serial numbers, *reasons* says why by serial number.
    """
    now = datetime.now(UTC)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.certificate.subject)
        .last_update(this_update or now - DAY / 24)
        .next_update(next_update or now + 7 * DAY)
    )
    for one in revoked:
        serial_number = one if isinstance(one, int) else one.certificate.serial_number
        reason = (reasons or {}).get(serial_number, KEY_COMPROMISE)
        entry = (
            x509.RevokedCertificateBuilder()
            .serial_number(serial_number)
            .revocation_date((this_update or now) - DAY)
            .add_extension(x509.CRLReason(reason), critical=False)
        )
        builder = builder.add_revoked_certificate(entry.build())
    signing_key = key or authority.key
    every = [(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()), False)]
    if number is not None:
        every.append((x509.CRLNumber(number), False))
    for extension, critical in (*every, *extensions):
        builder = builder.add_extension(extension, critical=critical)
    signed = builder.sign(signing_key, hashes.SHA256())  # type: ignore[arg-type]
    return signed.public_bytes(serialization.Encoding.DER)


def delta_list(authority: Authority, *revoked: Issued | int, base: int, **options: object) -> bytes:
    """Return a delta list that builds upon the list numbered *base*; the options are revocation_list()'s."""
    indicator = (x509.DeltaCRLIndicator(base), True)
    extensions = (indicator, *options.pop("extensions", ()))  # type: ignore[misc]
    return revocation_list(authority, *revoked, extensions=extensions, **options)  # type: ignore[arg-type]


def pem_list(der: bytes) -> bytes:
    """Return a list in PEM."""
    return x509.load_der_x509_crl(der).public_bytes(serialization.Encoding.PEM)


def ocsp_responder(authority: Authority, *, may_sign: bool = True) -> Issued:
    """Return a responder's certificate; with *may_sign* false it lacks the purpose."""
    purposes = [ExtendedKeyUsageOID.OCSP_SIGNING] if may_sign else [ExtendedKeyUsageOID.SERVER_AUTH]
    return authority.issue(
        "OCSP responder",
        purposes=purposes,
        extensions=((key_usage(digital_signature=True), True), (x509.OCSPNoCheck(), False)),
    )


def ocsp_answer(
    issued: Issued,
    authority: Authority,
    status: str = "good",
    *,
    responder: Issued | None = None,
    this_update: datetime | None = None,
    next_update: datetime | None = None,
    certificates: Iterable[x509.Certificate] = (),
) -> bytes:
    """Return the answer about a certificate in DER: ``good``, ``revoked`` or ``unknown``, for a day."""
    now = datetime.now(UTC)
    signer = responder or authority
    builder = ocsp.OCSPResponseBuilder().add_response(
        cert=issued.certificate,
        issuer=authority.certificate,
        algorithm=hashes.SHA1(),  # noqa: S303 - identifies, as every responder does
        cert_status=ocsp.OCSPCertStatus[status.upper()],
        this_update=this_update or now - DAY / 24,
        next_update=next_update or now + DAY,
        revocation_time=now - DAY if status == "revoked" else None,
        revocation_reason=KEY_COMPROMISE if status == "revoked" else None,
    )
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, signer.certificate)
    attached = [*certificates, *([responder.certificate] if responder else [])]
    if attached:
        builder = builder.certificates(attached)
    signed = builder.sign(signer.key, hashes.SHA256())  # type: ignore[arg-type]
    return signed.public_bytes(serialization.Encoding.DER)
