"""Which certificate a session shows, by what a person writes: a digest in any spelling, or a thumbprint."""

from domain_secure.policy.book.certificate_book import CertificateBook
from domain_secure.policy.book.named_certificate import NamedCertificate
from domain_secure.policy.terms.pin import Pin, PinKind
from domain_secure.policy.terms.problems import Problem
from domain_secure.policy.terms.spelled_digest import SpelledDigest, read_digest
from domain_secure.policy.terms.thumbprint import find

_LISTING = "domain-secure partner cert list DOMAIN"
_WHERE = "--fingerprint, --public-key"


def shown_certificate(
    fingerprint: str | None, public_key: str | None, book: CertificateBook
) -> tuple[Pin | None, Pin | None]:
    """Return the digests of the certificate and of its public key; raises Problem.

    What is known of the certificate fills in the key, as Postfix tells both.  A key alone, or a thumbprint
    such as SHA-1, names a certificate that is known.
    """
    key = _digest(public_key).as_pin(PinKind.PUBLIC_KEY) if public_key else None
    if key is not None and key.kind is not PinKind.PUBLIC_KEY:
        raise Problem(f"{public_key!r} is of a certificate", "--public-key", "give it as --fingerprint")
    if not fingerprint:
        return None, key
    certificate = _certificate(fingerprint, book)
    if key is None and (chain := book.chain(certificate)) is not None:
        key = chain[0].public_key_pin
    return certificate, key


def _certificate(text: str, book: CertificateBook) -> Pin:
    try:
        pin = read_digest(text).as_pin(PinKind.CERTIFICATE)
    except ValueError:
        # SHA-1, or how a digest begins: only among those that are known can it be told what is meant.
        known = [NamedCertificate(one.chain[0]) for one in book.all()]
        return find(text, known, _LISTING).certificate.certificate_pin
    if pin.kind is PinKind.CERTIFICATE:
        return pin
    with_key = [one.chain[0] for one in book.all() if one.chain[0].public_key_pin == pin]
    if len(with_key) == 1:
        return with_key[0].certificate_pin
    what = f"{len(with_key)} known certificates have" if with_key else "no known certificate has"
    raise Problem(
        f"{what} this public key", repr(text), "give the certificate's digest, and this one as --public-key"
    )


def _digest(text: str) -> SpelledDigest:
    try:
        return read_digest(text)
    except ValueError as error:
        raise Problem(str(error), _WHERE, "correct the value") from error
