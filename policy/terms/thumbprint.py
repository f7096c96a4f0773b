"""Thumbprints: how people name a certificate, in whatever spelling they copied it.

Owns: SHA-1, as Exchange and Windows show it, and SHA-256; any prefix that is unique.
Must not know: where certificates are kept.
SHA-1 names a certificate among our own here, and proves nothing to anybody.
"""

import hashlib
import re
from collections.abc import Iterable
from typing import Protocol, TypeVar

from .pin import PinKind
from .problems import Problem
from .spelled_digest import SpelledDigest, read_digest

_LABEL = re.compile(r"^(?:sha-?1|sha-?256)(?:\s*fingerprint)?\s*[:=]\s*", re.IGNORECASE)
# Windows' dialog puts an invisible mark of direction in front of what is copied from it.
_SEPARATORS = re.compile(r"[\s:.\-\u200e\u200f\u202a-\u202e\ufeff]+")
_HEX = re.compile(r"[0-9a-f]{1,64}")
_NAMED = 4  #: certificates named in an error


class Thumbprinted(Protocol):
    """Something that has thumbprints."""

    @property
    def sha1(self) -> str:
        """Return 40 lower-case hexadecimal digits."""

    @property
    def sha256(self) -> str:
        """Return 64 lower-case hexadecimal digits."""


T = TypeVar("T", bound=Thumbprinted)


def sha1_of(der: bytes) -> str:
    """Return the SHA-1 thumbprint of a certificate, lower-case."""
    return hashlib.sha1(der, usedforsecurity=False).hexdigest()


def digits_of(text: str) -> str | None:
    """Return the digits of a thumbprint in whatever spelling, lower-case; None where it is none."""
    digits = _SEPARATORS.sub("", _LABEL.sub("", text.strip())).lower()
    return digits if _HEX.fullmatch(digits) else None


def find(text: str, candidates: Iterable[T], listing: str = "domain-secure cert list") -> T:
    """Return the one of *candidates* that *text* names; raises Problem for none and for several.

    *listing* is the command that prints them.  Those that have ``spki_sha256`` may also be named by the whole
    digest of their public key.
    """
    where = repr(text)
    try:
        spelled = read_digest(text)
    except ValueError:
        spelled = SpelledDigest(None, digits_of(text) or "")
    digits = spelled.digest
    if not digits:
        raise Problem("this is not a thumbprint", where, f"copy one from `{listing}`")
    every = list(candidates)
    found = [one for one in every if one.sha1.startswith(digits) or one.sha256.startswith(digits)]
    if spelled.kind is PinKind.PUBLIC_KEY or (spelled.kind is None and not found):
        found = [one for one in every if getattr(one, "spki_sha256", None) == digits]
    if not found:
        raise Problem("no certificate there has this thumbprint", where, f"copy one from `{listing}`")
    if len(found) > 1:
        named = ", ".join(one.sha1.upper() for one in found[:_NAMED])
        raise Problem(f"{len(found)} certificates have it ({named})", where, "give more of its digits")
    return found[0]
