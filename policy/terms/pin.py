"""Pins: SHA-256 digests of a certificate or of its public key.

Sources: RFC 7469 section 2.4 for the subject public key info digest; Postfix TLS_README for its colon form.
"""

import re
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Self

_HEX = re.compile(r"[0-9a-f]{64}")
_SEPARATORS = re.compile(r"[\s:-]+")


@unique
class PinKind(StrEnum):
    """What was digested."""

    CERTIFICATE = "sha256"
    PUBLIC_KEY = "spki-sha256"


@dataclass(frozen=True, slots=True, order=True)
class Pin:
    """One pinned digest."""

    kind: PinKind
    digest: str  #: 64 lower-case hexadecimal digits

    def __post_init__(self) -> None:
        if not _HEX.fullmatch(self.digest):
            raise ValueError(f"{self.digest!r} is not a SHA-256 digest of 64 hexadecimal digits")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the pin written ``sha256:HEX`` or ``spki-sha256:HEX``; colons between octets are allowed.

        Raises ValueError for anything else.
        """
        kind, colon, digest = text.partition(":")
        if not colon or kind.lower() not in set(PinKind):
            raise ValueError(f"{text!r} does not start with one of: {', '.join(f'{k}:' for k in PinKind)}")
        return cls(PinKind(kind.lower()), digest_of(digest))

    @classmethod
    def certificate(cls, digest: str) -> Self:
        """Return a pin of a whole certificate, from any spelling of its digest."""
        return cls(PinKind.CERTIFICATE, digest_of(digest))

    @classmethod
    def public_key(cls, digest: str) -> Self:
        """Return a pin of a public key, from any spelling of its digest."""
        return cls(PinKind.PUBLIC_KEY, digest_of(digest))

    def __str__(self) -> str:
        """Return the configuration's spelling."""
        return f"{self.kind}:{self.digest}"


def digest_of(text: str) -> str:
    """Return a hexadecimal digest without colons, dashes and blanks, in lower case; nothing is checked."""
    return _SEPARATORS.sub("", text).lower()
