"""One DKIM-Signature field: what it says, and whether it holds.

Owns: what we accept beyond the library's rules, and the words for why a signature does not count.
Must not know: where keys come from, whose signature is wanted.

dkimpy reads the field and checks the signature over the header fields; the hash of the body was taken while
it arrived (``body_hash``), because the library would hold the message in memory as a whole.

Invariant: whatever is odd is not valid.  Fields and keys have a limit in size, since a stranger wrote them.
Sources: RFC 6376 sections 3.5, 3.6.1 and 6.1; RFC 8301 (no SHA-1, no RSA key below 1024 bits).
"""

import base64
import binascii
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain_secure.policy.terms.domain import Domain, InvalidDomainError, parse_domain

from .body_hash import Canonicalization
from .message_signature import KeyAnswer, MessageSignature, SignatureStatus

FIELD_NAME = b"dkim-signature"
Field = tuple[bytes, bytes]  #: name and body as they arrived; line ends are CR LF

# Real ones stay below 2 kB; some of the library's patterns take quadratic time.
MOST_FIELD_OCTETS = 4096
_MOST_KEY_OCTETS = 4096
_LEAST_KEY_BITS, _MOST_KEY_BITS = 1024, 8192
_MOST_EXPONENT_BITS = 64

# RFC 5322 section 3.6 and RFC 2045 section 3: a message has one of each at most, and readers show whichever
# they like.  Author fields are judged by the claims that they make.
_SINGLE_FIELDS = (
    b"date", b"reply-to", b"to", b"cc", b"subject", b"message-id", b"in-reply-to", b"references",
    b"mime-version", b"content-type", b"content-transfer-encoding",
)  # fmt: skip
_AUTHOR_FIELDS = (b"from", b"sender", b"resent-from")
# selector = sub-domain *("." sub-domain)                                              RFC 6376 section 3.1
_SELECTOR = re.compile(rb"[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?(?:\.[A-Za-z0-9_-]+)*")
_WHITE_SPACE = re.compile(rb"\s+")


class UnacceptableError(ValueError):
    """The signature does not count; the argument is one clause for both administrators."""


@dataclass(frozen=True, slots=True)
class DkimSignature:
    """One signature as its field has it, nothing checked yet."""

    field: Field
    tags: Mapping[bytes, bytes]
    domain: Domain
    selector: str

    @classmethod
    def read(cls, field: Field) -> "DkimSignature | None":
        """Return the signature, or None where nobody can say whose it would be."""
        from dkim.util import InvalidTagValueList, parse_tag_value  # noqa: PLC0415 - few need it

        if len(field[1]) > MOST_FIELD_OCTETS:
            return None
        try:
            tags = parse_tag_value(field[1])
            domain = parse_domain(tags[b"d"].decode())
            selector = tags[b"s"]
        except (InvalidTagValueList, KeyError, IndexError, UnicodeDecodeError, InvalidDomainError):
            return None
        if len(selector) > 128 or not _SELECTOR.fullmatch(selector):
            return None
        return cls(field, tags, domain, selector.decode())

    @property
    def key_name(self) -> str:
        """Return the name in DNS under which the key is published."""
        return f"{self.selector}._domainkey.{self.domain}"

    @property
    def canonicalization(self) -> Canonicalization | None:
        """Return that of the body, or None where it is unknown."""
        _, _, body = self.tags.get(b"c", b"").partition(b"/")
        try:
            return Canonicalization(body.decode("ascii") or Canonicalization.SIMPLE)
        except ValueError:
            return None

    def uncovered(self, fields: Sequence[Field]) -> frozenset[str]:
        """Return the author fields of which a message has more than the signature covers."""
        covered, present = self._counted(fields)
        return frozenset(name.decode() for name in _AUTHOR_FIELDS if present[name] > covered[name])

    def _counted(self, fields: Sequence[Field]) -> tuple[Counter[bytes], Counter[bytes]]:
        """Return how often the signature covers each field, and how often it is there."""
        covered = Counter(name.strip().lower() for name in self.tags.get(b"h", b"").split(b":"))
        return covered, Counter(name.strip().lower() for name, _ in fields)

    def _check_surplus(self, fields: Sequence[Field]) -> None:
        covered, present = self._counted(fields)
        for name in _SINGLE_FIELDS:
            if present[name] > max(1, covered[name]):
                raise UnacceptableError(
                    f"there are {present[name]} {name.decode()} fields, of which it covers {covered[name]}"
                )

    def judge(
        self, fields: Sequence[Field], body_hash: bytes | None, key: KeyAnswer, now: datetime
    ) -> MessageSignature:
        """Return what the signature is worth on a message of these *fields* and this hash of the body."""
        try:
            self._check_tags(now)
            self._check_surplus(fields)
            self._check_body(body_hash)
            if key.failure:
                return self._judged(SignatureStatus.UNKNOWN, key.failure)
            self._check_header(fields, _usable_key(key, self.tags))
        except UnacceptableError as error:
            return self._judged(SignatureStatus.INVALID, str(error))
        covered = frozenset(name.decode("ascii", "replace") for name in self._counted(fields)[0])
        return MessageSignature(
            self.domain,
            self.selector,
            SignatureStatus.VALID,
            covered=covered,
            uncovered=self.uncovered(fields),
        )

    def _judged(self, status: SignatureStatus, detail: str) -> MessageSignature:
        return MessageSignature(self.domain, self.selector, status, detail)

    def _check_tags(self, now: datetime) -> None:
        from dkim import DKIMException, validate_signature_fields  # noqa: PLC0415 - few need it

        tags = self.tags
        if b"l" in tags:
            raise UnacceptableError("it covers a part of the body only (l=)")
        if tags.get(b"a") != b"rsa-sha256":
            raise UnacceptableError("its algorithm is not rsa-sha256")
        if self.canonicalization is None:
            raise UnacceptableError("its canonicalization (c=) is unknown")
        if b"from" not in {name.strip().lower() for name in tags.get(b"h", b"").split(b":")}:
            raise UnacceptableError("it does not cover the From field")
        try:
            validate_signature_fields(dict(tags))
            # The library gives ten hours of grace.
            if b"x" in tags and int(tags[b"x"]) < now.timestamp():
                raise UnacceptableError("it has expired (x=)")
        except (DKIMException, ValueError, IndexError) as error:
            if isinstance(error, UnacceptableError):
                raise
            raise UnacceptableError("its field is malformed") from error

    def _check_body(self, body_hash: bytes | None) -> None:
        try:
            said = base64.b64decode(_WHITE_SPACE.sub(b"", self.tags[b"bh"]), validate=True)
        except binascii.Error as error:
            raise UnacceptableError("its field is malformed") from error
        if body_hash is None or said != body_hash:
            raise UnacceptableError("the body is not the one that was signed")

    def _check_header(self, fields: Sequence[Field], key: bytes) -> None:
        from dkim import DKIM  # noqa: PLC0415 - few need it

        verifier = DKIM(minkey=_LEAST_KEY_BITS)
        verifier.headers = [[name, body + b"\r\n"] for name, body in fields]
        # Without its body hash, which was compared above, the library checks the header fields alone.
        tags = {name: value for name, value in self.tags.items() if name != b"bh"}
        covered = [name.strip().lower() for name in self.tags[b"h"].split(b":")]
        field = (self.field[0], self.field[1] + b"\r\n")
        try:
            holds = verifier.verify_sig(tags, covered, field, lambda *_, **__: key)
        except Exception as error:
            raise UnacceptableError("its field or its key is malformed") from error
        if not holds:
            raise UnacceptableError(
                "the header fields are not the ones that were signed, or its key is another"
            )


def _usable_key(answer: KeyAnswer, tags: Mapping[bytes, bytes]) -> bytes:
    """Return the record of the key; raises UnacceptableError where it must not be used."""
    if len(answer.records) != 1:
        raise UnacceptableError("there is no key for it in DNS, or more than one")
    (record,) = answer.records
    if len(record) > _MOST_KEY_OCTETS:
        raise UnacceptableError("its key is too long")
    said = _read_key(record)
    if b"p" not in said:
        raise UnacceptableError("its key is malformed")
    if not said[b"p"]:
        raise UnacceptableError("its key was withdrawn")
    if b"sha256" not in _listed(said.get(b"h", b"sha256")):
        raise UnacceptableError("its key is not for SHA-256")
    if not _listed(said.get(b"s", b"*")) & {b"*", b"email"}:
        raise UnacceptableError("its key is not for mail")
    flags = _listed(said.get(b"t", b""))
    if b"y" in flags:
        raise UnacceptableError("its key says that signing is being tested (t=y)")
    if b"s" in flags and b"i" in tags and tags[b"i"].rpartition(b"@")[2].lower() != tags[b"d"].lower():
        raise UnacceptableError("its key does not allow an identity in a subdomain (t=s)")
    _check_strength(record)
    return record


def _read_key(record: bytes) -> dict[bytes, bytes]:
    from dkim.util import InvalidTagValueList, parse_tag_value  # noqa: PLC0415 - few need it

    try:
        said: dict[bytes, bytes] = parse_tag_value(record)
    except (InvalidTagValueList, IndexError) as error:
        raise UnacceptableError("its key is malformed") from error
    return said


def _check_strength(record: bytes) -> None:
    from dkim import evaluate_pk  # noqa: PLC0415 - few need it

    try:
        key, bits, kind, _ = evaluate_pk("", record)
        exponent = _exponent_bits(key)
    except Exception as error:
        raise UnacceptableError("its key is malformed") from error
    if kind != b"rsa":
        raise UnacceptableError("its key is not for RSA")
    if not _LEAST_KEY_BITS <= bits <= _MOST_KEY_BITS or exponent > _MOST_EXPONENT_BITS:
        raise UnacceptableError(
            f"its key has {bits} bits; from {_LEAST_KEY_BITS} to {_MOST_KEY_BITS} are accepted"
        )


def _exponent_bits(key: Any) -> int:
    return int(key["publicExponent"]).bit_length()


def _listed(value: bytes) -> set[bytes]:
    return {one.strip() for one in value.split(b":")}
