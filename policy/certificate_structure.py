"""The parts of a certificate as octets, and the library's view of it.

Owns: taking a certificate apart without judging it.
Invariant: nothing a stranger puts into a certificate makes this warn.
Source: RFC 5280 section 4.1.
"""

import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from cryptography import x509

from .der import BOOLEAN, INTEGER, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE, Element, InvalidDerError, dotted

BASIC_CONSTRAINTS = "2.5.29.19"
KEY_USAGE = "2.5.29.15"
NAME_CONSTRAINTS = "2.5.29.30"
SUBJECT_ALTERNATIVE_NAME = "2.5.29.17"
# RFC 8017, RFC 4055, RFC 5480, RFC 8410.
_SIGNATURE_KEYS = frozenset(
    {
        "1.2.840.113549.1.1.1",  # rsaEncryption
        "1.2.840.113549.1.1.10",  # id-RSASSA-PSS
        "1.2.840.10045.2.1",  # id-ecPublicKey
        "1.3.101.112",  # Ed25519
        "1.3.101.113",  # Ed448
    }
)
_VERSION_TAG, _EXTENSIONS_TAG = 0xA0, 0xA3


class MalformedCertificateError(ValueError):
    """The octets are not a certificate; the argument says why, in one clause for a person."""


@dataclass(frozen=True, slots=True)
class Extension:
    """One extension: its value is DER of the type its identifier names."""

    critical: bool
    value: bytes


@dataclass(frozen=True, slots=True)
class Structure:
    """Octets of a certificate's parts, for comparison: a library's re-encoding would not be them."""

    serial_number: int
    issuer: Element
    subject: Element
    public_key_info: Element
    key_algorithm: str  #: dotted object identifier
    extensions: Mapping[str, Extension]  #: by dotted object identifier

    @property
    def can_sign(self) -> bool:
        """Tell whether the key is of a kind that makes signatures we accept, of whatever size."""
        return self.key_algorithm in _SIGNATURE_KEYS


def structure(der: bytes) -> Structure:
    """Return the parts of a certificate (RFC 5280 section 4.1); raises InvalidDerError."""
    try:
        to_be_signed, _algorithm, _signature = Element.parse(der).expect(SEQUENCE).children()
        fields = list(to_be_signed.expect(SEQUENCE).children())
        if fields and fields[0].tag == _VERSION_TAG:
            del fields[0]
        serial, _algorithm, issuer, _validity, subject, key, *optional = fields
        key_algorithm, _key = key.expect(SEQUENCE).children()
        kind, *_parameters = key_algorithm.expect(SEQUENCE).children()
    except InvalidDerError:
        raise
    except ValueError as error:
        raise InvalidDerError("a part is missing") from error
    extensions = [element for element in optional if element.tag == _EXTENSIONS_TAG]
    return Structure(
        int.from_bytes(serial.expect(INTEGER).content, "big", signed=True),
        issuer.expect(SEQUENCE),
        subject.expect(SEQUENCE),
        key,
        dotted(kind.expect(OBJECT_IDENTIFIER).content),
        _extensions(extensions[0]) if extensions else {},
    )


def _extensions(wrapper: Element) -> dict[str, Extension]:
    found: dict[str, Extension] = {}
    for extension in Element.parse(wrapper.content).expect(SEQUENCE).children():
        match list(extension.expect(SEQUENCE).children()):
            case [identifier, value]:
                critical = False
            case [identifier, flag, value]:
                critical = flag.expect(BOOLEAN).content != b"\0"
            case _:
                raise InvalidDerError("an extension is incomplete")
        kind = dotted(identifier.expect(OBJECT_IDENTIFIER).content)
        if kind in found:
            raise InvalidDerError(f"extension {kind} stands there twice")  # RFC 5280 section 4.2
        found[kind] = Extension(critical, value.expect(OCTET_STRING).content)
    return found


_warnings_lock = threading.Lock()


@contextmanager
def without_warnings() -> Iterator[None]:
    """Keep the library from warning of a stranger's certificate; for rare paths only.

    The filters belong to the whole process, so one thread at a time replaces and restores them.
    """
    with _warnings_lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def load(der: bytes) -> x509.Certificate:
    """Return the library's view of a certificate; raises what the library raises, ValueError mostly.

    It warns of serial numbers that are not positive; those of a few old authorities are zero.
    """
    if structure(der).serial_number > 0:
        return x509.load_der_x509_certificate(der)
    with without_warnings():
        return x509.load_der_x509_certificate(der)
