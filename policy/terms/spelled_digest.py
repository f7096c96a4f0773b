"""SHA-256 digests as people copy them: from our output, Postfix's log, openssl, browsers and HTTP headers.

Owns: which spellings mean a digest, and what of a spelling says what was digested.
Must not know: which certificates there are.
Sources: openssl-x509(1) -fingerprint; RFC 7469 section 2.1 (pin-sha256, base64 of the public key's digest);
curl(1) --pinnedpubkey (sha256//); RFC 4648 sections 4 and 5.
"""

import base64
import binascii
import re
from dataclasses import dataclass

from .pin import Pin, PinKind

_OCTETS = 32
_FIELD = re.compile(r"^(?:certificate|public_key|ccert_(?:pubkey_)?fingerprint)\s*=\s*", re.IGNORECASE)
_KEY = re.compile(r"^(?:spki-sha-?256\s*[:=]|pin-sha256\s*=|sha256//)\s*", re.IGNORECASE)
_CERTIFICATE = re.compile(r"^sha-?256(?:\s*(?:fingerprint|thumbprint))?\s*[:=/]\s*", re.IGNORECASE)
# Windows' dialog puts an invisible mark of direction in front of what is copied from it.
_INVISIBLE = re.compile(r"[\u200e\u200f\u202a-\u202e\ufeff]")
_SEPARATORS = re.compile(r"[\s:.\-]+")
_HEX = re.compile(r"[0-9A-Fa-f]{64}")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{43}=?")


@dataclass(frozen=True, slots=True)
class SpelledDigest:
    """A digest that was read; *kind* is None where its spelling does not say what was digested."""

    kind: PinKind | None
    digest: str  #: 64 lower-case hexadecimal digits

    def as_pin(self, default: PinKind) -> Pin:
        """Return the pin; of *default* where the spelling does not say."""
        return Pin(self.kind or default, self.digest)


def read_digest(text: str) -> SpelledDigest:
    """Return the SHA-256 digest that *text* spells; raises ValueError where it spells none.

    Hexadecimal in any case, with colons, spaces or without, or base64; with what stands before it in our
    output and elsewhere, or bare.
    """
    rest = _FIELD.sub("", _INVISIBLE.sub("", text).strip().strip("\"'"))
    kind = None
    for pattern, named in ((_KEY, PinKind.PUBLIC_KEY), (_CERTIFICATE, PinKind.CERTIFICATE)):
        shorter = pattern.sub("", rest, count=1)
        if shorter != rest:
            rest, kind = shorter.strip().strip("\"'"), named
            break
    digits = _SEPARATORS.sub("", rest)
    if _HEX.fullmatch(digits):
        return SpelledDigest(kind, digits.lower())
    if _BASE64.fullmatch(rest):
        try:
            octets = base64.b64decode(rest.rstrip("=").translate(_STANDARD) + "=", validate=True)
        except binascii.Error:
            octets = b""
        if len(octets) == _OCTETS:
            return SpelledDigest(kind, octets.hex())
    raise ValueError(f"{text!r} is not a SHA-256 digest, neither hexadecimal nor base64")


_STANDARD = str.maketrans("-_", "+/")


def pin_of(text: str) -> Pin:
    """Return the pin that *text* spells; raises ValueError where it does not say what was digested."""
    spelled = read_digest(text)
    if spelled.kind is None:
        raise ValueError(
            f"{text!r} does not say whether it is of a certificate (sha256:) or a public key (spki-sha256:)"
        )
    return Pin(spelled.kind, spelled.digest)
