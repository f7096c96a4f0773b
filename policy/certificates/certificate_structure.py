"""A certificate taken apart, as its octets and as each of the two libraries sees it.

Owns: taking apart without judging.  cryptography is the strict reader; asn1crypto gives the octets of a part,
which comparing and hashing need, since what another library encodes anew would not be them.
Invariant: nothing a stranger puts into a certificate makes this warn.
Source: RFC 5280 section 4.1.
"""

import threading
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar

from asn1crypto import core
from cryptography import x509

BASIC_CONSTRAINTS = "2.5.29.19"
SUBJECT_ALTERNATIVE_NAME = "2.5.29.17"
#: what asn1crypto raises while it reads contents that are not what they ought to be
UNREADABLE = (ValueError, TypeError, KeyError, AttributeError, NotImplementedError, RecursionError)


class MalformedCertificateError(ValueError):
    """The octets are not a certificate; the argument says why, in one clause for a person."""


@dataclass(frozen=True, slots=True)
class Extension:
    """One extension: its value is DER of the type its identifier names."""

    value: bytes


@dataclass(frozen=True, slots=True)
class Structure:
    """A certificate's parts; names and key are the octets that were found."""

    serial_number: int
    signature_algorithms: tuple[bytes, bytes]  #: what is signed, and what stands beside the signature
    issuer: bytes
    subject: bytes
    public_key_info: bytes
    extensions: Mapping[str, Extension]  #: by dotted object identifier


# asn1crypto's own type for certificates also wants what is in the parts to be in order.
class _Extension(core.Sequence):
    _fields: ClassVar = [
        ("identifier", core.ObjectIdentifier),
        ("critical", core.Boolean, {"default": False}),
        ("value", core.OctetString),
    ]


class _Extensions(core.SequenceOf):
    _child_spec = _Extension


class _ToBeSigned(core.Sequence):
    _fields: ClassVar = [
        ("version", core.Integer, {"explicit": 0, "default": 0}),
        ("serial_number", core.Integer),
        ("signature", core.Any),
        ("issuer", core.Any),
        ("validity", core.Any),
        ("subject", core.Any),
        ("public_key_info", core.Any),
        ("issuer_unique_identifier", core.BitString, {"implicit": 1, "optional": True}),
        ("subject_unique_identifier", core.BitString, {"implicit": 2, "optional": True}),
        ("extensions", _Extensions, {"explicit": 3, "optional": True}),
    ]


class _Certificate(core.Sequence):
    _fields: ClassVar = [
        ("to_be_signed", _ToBeSigned),
        ("signature_algorithm", core.Any),
        ("signature", core.BitString),
    ]


def structure(der: bytes) -> Structure:
    """Return the parts of a certificate (RFC 5280 section 4.1), as good as they are; raises ValueError."""
    certificate = _Certificate.load(der, strict=True)
    fields = certificate["to_be_signed"]
    return Structure(
        fields["serial_number"].native,
        (fields["signature"].dump(), certificate["signature_algorithm"].dump()),
        fields["issuer"].dump(),
        fields["subject"].dump(),
        fields["public_key_info"].dump(),
        _extensions(fields["extensions"]),
    )


def _extensions(fields: Iterable[_Extension]) -> dict[str, Extension]:
    found: dict[str, Extension] = {}
    for extension in fields:
        kind = extension["identifier"].dotted
        if kind in found:
            raise MalformedCertificateError(f"extension {kind} stands there twice")  # RFC 5280 section 4.2
        found[kind] = Extension(extension["value"].native)
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
    """Return cryptography's view of a certificate; raises what the library raises, ValueError mostly.

    It warns of serial numbers that are not positive; those of a few old authorities are zero.
    """
    if _Certificate.load(der, strict=True)["to_be_signed"]["serial_number"].native > 0:
        return x509.load_der_x509_certificate(der)
    with without_warnings():
        return x509.load_der_x509_certificate(der)
