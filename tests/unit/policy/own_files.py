"""Authorities, files and a store for the tests of our own certificates."""

from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from domain_secure.policy.own.key_bundle import Bundle
from domain_secure.policy.own.own_certificate import OwnCertificate, PendingRequest
from domain_secure.policy.own.own_certificates import OwnCertificates, Wish
from domain_secure.policy.own.private_key import KeyType
from domain_secure.policy.own.subject_name import parse_subject
from domain_secure.policy.terms.domain import Entry

from lab.certificates import Authority, Issued, pem

ROOT = Authority.create("Root")
SUB = ROOT.authority("Sub")
NAME = "mail.contoso.test"
HOST = SUB.issue(NAME, dns_names=[NAME])


def now() -> datetime:
    """Return the time; certificates of the laboratory are valid from yesterday on."""
    return datetime.now(UTC)


def take_in(state: Path, content: bytes, *, exportable: bool = False) -> OwnCertificate:
    """Import a file into the store below *state*."""
    bundle = Bundle.read(content, b"sesame")
    return OwnCertificates(state).take_in(bundle, now(), friendly_name=None, exportable=exportable).own


def wish(*, exportable: bool = False) -> Wish:
    """Return a wish for a certificate of the host."""
    return Wish(KeyType.EC_P256, parse_subject(f"CN={NAME}"), [Entry(NAME)], "Contoso mail", exportable)


def answer(request: bytes, authority: Authority = SUB) -> x509.Certificate:
    """Return the certificate that an authority issues for a request."""
    key = x509.load_pem_x509_csr(request).public_key()
    issued = authority.issue(NAME, dns_names=[NAME], key=_PublicOnly(key))  # type: ignore[arg-type]
    return issued.certificate


class _PublicOnly:
    """Stands where a key is wanted of which only the public half is used."""

    def __init__(self, key: object) -> None:
        self._key = key

    def public_key(self) -> object:
        """Return it."""
        return self._key


def requested(state: Path, *, exportable: bool = False) -> tuple[PendingRequest, bytes]:
    """Make a request; return it, and the answer of the authority with its chain."""
    request, content = OwnCertificates(state).request(wish(exportable=exportable), now())
    return request, pem(answer(content), *SUB.chain, SUB.certificate)


def der(issued: Issued) -> bytes:
    """Return a certificate in DER."""
    return issued.certificate.public_bytes(Encoding.DER)
