"""One revision of the fleet's policy: what it holds, what it follows on, who made it, and the signature.

Owns: the form in which revisions stand in the store and on disk, and what a signature covers.
Must not know: the store, files, clocks; whether a revision is to be applied is ``lineage``'s part.
Invariants: two revisions are the same exactly when their digests are; a signature covers everything but
itself, and through the digests every text and every revision before.
Source: RFC 8032 (Ed25519), FIPS 180-4 (SHA-256).
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from domain_secure.policy.terms.kept_json import parse_json, parse_utc

if TYPE_CHECKING:  # loading it takes longer than most commands run
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

MAXIMUM_OCTETS = 16 * 1024  #: of a revision in the store; what people write into it is cut before

_ALGORITHM = "ed25519"
_CONTEXT = (
    b"domain-secure fleet revision 1\n"  #: so that the signature of another protocol is never one of ours
)


@dataclass(frozen=True, slots=True)
class PublicKey:
    """An administrator's key, written ``ed25519:BASE64``."""

    raw: bytes

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the key; raises ValueError with one clause."""
        algorithm, _, encoded = text.partition(":")
        try:
            raw = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            raw = b""
        if algorithm != _ALGORITHM or len(raw) != 32:
            raise ValueError(f"{text!r} is not an Ed25519 public key")
        return cls(raw)

    @classmethod
    def of(cls, private: "Ed25519PrivateKey") -> Self:
        """Return the public half of a key."""
        return cls(private.public_key().public_bytes_raw())

    def verifies(self, signature: bytes, octets: bytes) -> bool:
        """Tell whether the key's owner signed *octets* as they are."""
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - see above
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415

        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, octets)
        except InvalidSignature:
            return False
        return True

    def __str__(self) -> str:
        """Return the configuration's spelling."""
        return f"{_ALGORITHM}:{base64.b64encode(self.raw).decode()}"


@dataclass(frozen=True, slots=True)
class Text:
    """One text of a revision: the shared document or a long list."""

    index: str  #: SHA-256 of the list of its chunks
    sha256: str  #: of the whole
    octets: int


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision without its signature."""

    number: int
    fleet: str  #: a word made at ``fleet init``: another fleet's revisions are never followed
    parent: str | None  #: digest of the revision before
    settles: bool  #: an administrator decided between two lines of revisions: every other gives way to this
    at: datetime
    who: str
    node: str
    what: str
    texts: Mapping[str, Text]

    @property
    def signed_octets(self) -> bytes:
        """Return what a signature covers, the same for equal revisions."""
        document = asdict(self) | {"at": self.at.isoformat()}
        return _CONTEXT + json.dumps(document, sort_keys=True, separators=(",", ":")).encode()

    @property
    def digest(self) -> str:
        """Return the name of this revision: SHA-256 of what a signature covers."""
        return hashlib.sha256(self.signed_octets).hexdigest()

    def __str__(self) -> str:
        """Return how messages call it."""
        return f"revision {self.number} of the fleet"


@dataclass(frozen=True, slots=True)
class Envelope:
    """A revision as it stands in the store and on disk: with its signature, if it has one."""

    revision: Revision
    key: PublicKey | None = None
    signature: bytes = b""

    @classmethod
    def parse(cls, octets: bytes) -> Self:
        """Return the revision written in *octets*; raises ValueError for anything else."""
        if len(octets) > MAXIMUM_OCTETS:
            raise ValueError(f"it has more than {MAXIMUM_OCTETS} octets")
        try:
            document = parse_json(octets)
            revision = _revision(document["revision"])
            signature = document.get("signature")
            if signature is None:
                return cls(revision)
            return cls(revision, PublicKey.parse(signature["key"]), base64.b64decode(signature["octets"]))
        except (KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
            raise ValueError(f"it is not a revision ({type(error).__name__}: {error})") from error

    def octets(self) -> bytes:
        """Return the form `parse` reads."""
        document: dict[str, Any] = {
            "revision": asdict(self.revision) | {"at": self.revision.at.isoformat()},
            "signature": self.key
            and {"key": str(self.key), "octets": base64.b64encode(self.signature).decode()},
        }
        return json.dumps(document, indent=1).encode() + b"\n"

    def signed(self, private: "Ed25519PrivateKey") -> Self:
        """Return the same revision with a signature."""
        return replace(self, key=PublicKey.of(private), signature=private.sign(self.revision.signed_octets))

    def is_signed_by(self, trusted: Collection[PublicKey]) -> bool:
        """Tell whether one of the *trusted* keys signed this revision as it is."""
        if self.key is None or self.key not in trusted:
            return False
        return self.key.verifies(self.signature, self.revision.signed_octets)


def _revision(document: dict[str, Any]) -> Revision:
    number = document["number"]
    if not _is_count(number):
        raise ValueError("its number is none")
    words = {key: document[key] for key in ("fleet", "who", "node", "what")}
    if not all(isinstance(word, str) for word in words.values()):
        raise ValueError("a word of it is no text")
    texts = {str(name): _text(text) for name, text in document["texts"].items()}
    parent = document["parent"]
    return Revision(
        number=number,
        parent=None if parent is None else _digest(parent),
        settles=document["settles"] is True,
        at=parse_utc(document["at"]),
        texts=texts,
        **words,
    )


def _text(document: dict[str, Any]) -> Text:
    if not _is_count(document["octets"]):
        raise ValueError("a size in it is none")
    return Text(_digest(document["index"]), _digest(document["sha256"]), document["octets"])


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53


def _digest(value: object) -> str:
    if not isinstance(value, str) or len(value) != 64 or not set(value) <= set("0123456789abcdef"):
        raise ValueError("a digest in it is none")
    return value
