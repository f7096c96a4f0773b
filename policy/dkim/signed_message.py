"""A message as far as its DKIM signatures need it, gathered while it arrives.

Owns: which signatures are worth checking, and how much of a message is kept for that: its header fields until
the body begins, then those of a message whose signature may decide, with a hash for each canonicalisation.
Must not know: milter events, DNS.
Invariant: memory does not grow with the body, and neither fields nor signatures without end are looked at.
"""

import time
from collections.abc import Collection, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from datetime import datetime

from domain_secure.policy.claims.claim import Claim

from .body_hash import BodyHash, Canonicalization
from .dkim_signature import FIELD_NAME, MOST_FIELD_OCTETS, DkimSignature, Field
from .message_signature import KeyAnswer, KeySource, MessageSignature, SignatureStatus, is_aligned

# Postfix takes 100 kB a field; a message of more than this is none that people write.
_MOST_OCTETS = 512 * 1024
_MOST_FIELDS = 2000
_MOST_SIGNATURES = 8  #: of the domains in question; signers put one or two
_NAMED = 3  #: domains of others, in a reply

_NOT_WHOLE = (
    f"the message has more header fields than are looked at, {_MOST_FIELDS} or {_MOST_OCTETS // 1024} KiB"
)
_TOO_MANY = f"there are more than {_MOST_SIGNATURES}, and only so many are looked at"
_NOT_READABLE = f"a DKIM-Signature field cannot be read, or has more than {MOST_FIELD_OCTETS} octets"


class SignedMessage:
    """Header fields, then hashes of the body, of one message."""

    def __init__(self) -> None:
        self._fields: list[Field] = []
        self._octets = 0
        self._signatures: tuple[DkimSignature, ...] = ()
        self._not_read: tuple[MessageSignature, ...] = ()
        self._hashes: dict[Canonicalization, BodyHash] = {}
        self.is_header_complete = False  #: until then nobody can say that there is no signature

    def add_field(self, name: bytes, body: bytes) -> None:
        """Take in a header field; its line ends may be LF alone, as milters get them."""
        self._octets += len(name) + len(body)
        if self._octets <= _MOST_OCTETS and len(self._fields) <= _MOST_FIELDS:
            self._fields.append((name, body.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")))

    def begin_body(self, claims: Collection[Claim]) -> None:
        """Say that the header is complete, and whom a signature has to be of."""
        found = _Found()
        if self._is_whole:
            found.look_at(self._fields, claims)
        else:
            found.why_not = _NOT_WHOLE
        self._signatures = tuple(found.worth_checking)
        self._not_read = tuple(
            MessageSignature(domain, "", SignatureStatus.INVALID, found.why_not)
            for domain in sorted({claim.domain for claim in claims})
            if found.why_not
        )
        self.is_header_complete = True
        wanted = {one.canonicalization for one in self._signatures} - {None}
        self._hashes = {one: BodyHash(one) for one in wanted if one is not None}

    def add_body(self, chunk: bytes) -> None:
        """Take in the next part of the body."""
        for body_hash in self._hashes.values():
            body_hash.update(chunk)

    def signatures(self, keys: KeySource, deadline: float, now: datetime) -> tuple[MessageSignature, ...]:
        """Return what the signatures are worth; once, at the end of the message.

        What was not looked at comes last, one without a selector for each claimed domain.  Keys that have not
        come by the *deadline*, a time of ``time.monotonic``, are unknown.
        """
        digests = {one: body_hash.digest() for one, body_hash in self._hashes.items()}
        asked = [(one, keys.find(one.key_name)) for one in self._signatures]
        judged = tuple(
            one.judge(
                self._fields,
                digests.get(one.canonicalization) if one.canonicalization is not None else None,
                _result(key, deadline),
                now,
            )
            for one, key in asked
        )
        return (*judged, *self._not_read)

    @property
    def _is_whole(self) -> bool:
        return self._octets <= _MOST_OCTETS and len(self._fields) <= _MOST_FIELDS


class _Found:
    """The signatures of a message: those worth checking, and why others are not."""

    def __init__(self) -> None:
        self.worth_checking: list[DkimSignature] = []
        self.why_not = ""  #: one clause; empty where there are no others

    def look_at(self, fields: Sequence[Field], claims: Collection[Claim]) -> None:
        """Take in the header of a message with these *claims*."""
        others: list[str] = []
        for field in fields:
            if field[0].strip().lower() != FIELD_NAME:
                continue
            signature = DkimSignature.read(field)
            if signature is None:
                self.why_not = self.why_not or _NOT_READABLE
            elif not any(is_aligned(signature.domain, claim.domain, claim.entry) for claim in claims):
                others.append(signature.domain)
            elif len(self.worth_checking) < _MOST_SIGNATURES:
                self.worth_checking.append(signature)
            else:
                self.why_not = _TOO_MANY
        if others and not self.why_not:
            self.why_not = f"the message is signed for {', '.join(dict.fromkeys(others[:_NAMED]))}"


def _result(key: Future[KeyAnswer], deadline: float) -> KeyAnswer:
    try:
        return key.result(max(0.0, deadline - time.monotonic()))
    except FutureTimeoutError:
        return KeyAnswer(failure="its key has not come in time")
