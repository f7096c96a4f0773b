"""Files that bring us a certificate of our own: PFX, PEM, DER and PKCS#7, with or without the private key.

Owns: the step from a file's octets to certificates and keys, whatever the file is called.
Must not know: which of the certificates is meant (``own_import``), where files come from.
Invariant: whatever is in the file, the answer is a Bundle, or an UnusableKeyError or
MalformedCertificateError with one clause for a person; a password is never part of it.
Sources: RFC 7292 (PFX), RFC 7468 (PEM), RFC 5652 (PKCS#7).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self

from asn1crypto import core, parser
from asn1crypto import pkcs12 as asn1
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12

from domain_secure.policy.certificates.certificate import (
    MAXIMUM_CERTIFICATES,
    MAXIMUM_FILE_OCTETS,
    Certificate,
    parse,
)
from domain_secure.policy.certificates.certificate_file import CERTIFICATE_LABELS, encoded_certificates
from domain_secure.policy.certificates.certificate_structure import (
    MalformedCertificateError,
    without_warnings,
)
from domain_secure.policy.certificates.pem import MalformedPemError, is_pem, pem_blocks, plain

from .private_key import LockedKeyError, PrivateKey, parse_der, parse_pem, usable

_KEY_LABELS = frozenset(f"{kind}PRIVATE KEY" for kind in ("", "ENCRYPTED ", "RSA ", "EC ", "DSA "))
_MAXIMUM_KEYS = 16
# OpenSSL and Windows use 2,000; guides on the web recommend up to a million.  Each costs time.
_MOST_ITERATIONS = 10_000_000


@dataclass(frozen=True, slots=True)
class Bundle:
    """What a file, or several, held."""

    certificates: tuple[Certificate, ...]  #: in the order of the file, each once
    keys: tuple[PrivateKey, ...] = field(repr=False)
    friendly_name: str | None = None  #: of the certificate with the key, where the format has one

    @classmethod
    def read(cls, content: bytes, password: bytes | None = None) -> Self:
        """Return what *content* holds; *password* opens a PFX or an encrypted key.

        Raises LockedKeyError where a password is missing or wrong, UnusableKeyError for a key that cannot be
        used, and MalformedCertificateError for everything else.
        """
        if len(content) > MAXIMUM_FILE_OCTETS:
            raise MalformedCertificateError(f"it is larger than {MAXIMUM_FILE_OCTETS // 1024} KiB")
        content = plain(content)
        if is_pem(content):
            return cls._of_pem(content, password)
        match _version(content):
            case 3:  # RFC 7292 section 4: PFX, version 3
                return cls._of_pfx(content, password)
            case 0 | 1 | -1:
                return cls((), (parse_der(content, password),))
        return cls(_certificates(encoded_certificates(content)), ())

    @classmethod
    def merged(cls, bundles: Iterable["Bundle"]) -> Self:
        """Return what several files hold together."""
        every = tuple(bundles)
        return cls(
            tuple(dict.fromkeys(one for bundle in every for one in bundle.certificates)),
            tuple(key for bundle in every for key in bundle.keys),
            next((bundle.friendly_name for bundle in every if bundle.friendly_name), None),
        )

    @classmethod
    def _of_pem(cls, content: bytes, password: bytes | None) -> Self:
        try:
            blocks = tuple(pem_blocks(content))
        except MalformedPemError as error:
            raise MalformedCertificateError(str(error)) from error
        keys = [block for block in blocks if block.label in _KEY_LABELS]
        if len(keys) > _MAXIMUM_KEYS:
            raise MalformedCertificateError(f"it holds more than {_MAXIMUM_KEYS} private keys")
        is_key_alone = bool(keys) and not any(block.label in CERTIFICATE_LABELS for block in blocks)
        certificates = () if is_key_alone else _certificates(encoded_certificates(content))
        return cls(certificates, tuple(parse_pem(block.text, password) for block in keys))

    @classmethod
    def _of_pfx(cls, content: bytes, password: bytes | None) -> Self:
        _refuse_endless(content)
        # Without a password, Windows writes either an empty one or none at all.
        opened = None
        for attempt in (password,) if password is not None else (None, b""):
            try:
                with without_warnings():
                    opened = pkcs12.load_pkcs12(content, attempt)
                break
            except (ValueError, TypeError, UnsupportedAlgorithm) as error:
                failure: Exception = error
        if opened is None:
            if not _is_whole(content):
                raise MalformedCertificateError("it is a damaged PFX") from failure
            if password is None:
                raise LockedKeyError("the PFX is protected by a password, and none was given") from failure
            raise LockedKeyError("the password does not open the PFX, or the PFX is damaged") from failure
        with_key = (opened.cert,) if opened.cert else ()
        every = (*with_key, *opened.additional_certs)
        certificates = _certificates(
            one.certificate.public_bytes(serialization.Encoding.DER) for one in every
        )
        names = [one.friendly_name for one in with_key if one.friendly_name]
        return cls(
            certificates,
            (usable(opened.key),) if opened.key is not None else (),
            _printable(names[0]) if names else None,
        )


def _printable(name: bytes) -> str | None:
    text = name.decode(errors="replace")
    return "".join(character for character in text if character.isprintable())[:100] or None


def _certificates(encoded: Iterable[bytes]) -> tuple[Certificate, ...]:
    found: dict[bytes, Certificate] = {}
    for number, der in enumerate(encoded, start=1):
        if number > MAXIMUM_CERTIFICATES:
            raise MalformedCertificateError(f"it holds more than {MAXIMUM_CERTIFICATES} certificates")
        try:
            found[der] = parse(der)
        except MalformedCertificateError as error:
            raise MalformedCertificateError(f"certificate {number} is broken: {error}") from error
    return tuple(found.values())


def _version(content: bytes) -> int | None:
    """Return the number that PFX and private keys begin with, -1 for an encrypted PKCS#8 key, else None."""
    if content[:2] == b"\x30\x80":
        # An indefinite length, as Java and old NSS write a PFX; certificates and keys never have one.
        return content[4] if content[2:4] == b"\x02\x01" and len(content) > 4 else None
    try:
        outer = core.Sequence.load(content, strict=True)
        fields = [outer[position] for position in range(len(outer))]
    except ValueError:
        # A PFX that was cut off is to be told as such.
        cut = re.match(rb"\x30(?:[\x00-\x7f]|\x81.|\x82..|\x83...|\x84....)\x02\x01\x03", content, re.DOTALL)
        return 3 if cut else None
    match fields:
        case [core.Integer(contents=first), *_] if len(first) == 1:
            return int.from_bytes(first, "big")
        case [core.Sequence(), core.OctetString()]:
            return -1
    return None


def _is_whole(content: bytes) -> bool:
    try:
        parser.parse(content, strict=True)
    except ValueError:
        return content[:2] == b"\x30\x80"
    return True


def _refuse_endless(content: bytes) -> None:
    """Refuse a PFX whose check sum takes minutes to compute (RFC 7292 section 4: MacData, iterations)."""
    try:
        iterations = asn1.Pfx.load(content)["mac_data"]["iterations"].native
    except (ValueError, TypeError):
        return
    if iterations > _MOST_ITERATIONS:
        raise MalformedCertificateError("opening it would take forever: its iteration count is absurd")
