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
from .dkim_signature import FIELD_NAME, DkimSignature, Field
from .message_signature import KeyAnswer, KeySource, MessageSignature, is_aligned

# Postfix takes 100 kB a field; a message of more than this is none that people write.
_MOST_OCTETS = 512 * 1024
_MOST_FIELDS = 2000
_MOST_SIGNATURES = 8  #: of the domains in question; signers put one or two


class SignedMessage:
    """Header fields, then hashes of the body, of one message."""

    def __init__(self) -> None:
        self._fields: list[Field] = []
        self._octets = 0
        self._signatures: tuple[DkimSignature, ...] = ()
        self._hashes: dict[Canonicalization, BodyHash] = {}
        self.is_header_complete = False  #: until then nobody can say that there is no signature

    def add_field(self, name: bytes, body: bytes) -> None:
        """Take in a header field; its line ends may be LF alone, as milters get them."""
        self._octets += len(name) + len(body)
        if self._octets <= _MOST_OCTETS and len(self._fields) <= _MOST_FIELDS:
            self._fields.append((name, body.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")))

    def begin_body(self, claims: Collection[Claim]) -> None:
        """Say that the header is complete, and whom a signature has to be of."""
        self._signatures = tuple(_worth_checking(self._fields, claims)) if self._is_whole else ()
        self.is_header_complete = True
        wanted = {one.canonicalization for one in self._signatures} - {None}
        self._hashes = {one: BodyHash(one) for one in wanted if one is not None}

    def add_body(self, chunk: bytes) -> None:
        """Take in the next part of the body."""
        for body_hash in self._hashes.values():
            body_hash.update(chunk)

    def signatures(self, keys: KeySource, deadline: float, now: datetime) -> tuple[MessageSignature, ...]:
        """Return what the signatures are worth; once, at the end of the message.

        Keys that have not come by the *deadline*, a time of ``time.monotonic``, are unknown.
        """
        digests = {one: body_hash.digest() for one, body_hash in self._hashes.items()}
        asked = [(one, keys.find(one.key_name)) for one in self._signatures]
        return tuple(
            one.judge(
                self._fields,
                digests.get(one.canonicalization) if one.canonicalization is not None else None,
                _result(key, deadline),
                now,
            )
            for one, key in asked
        )

    @property
    def _is_whole(self) -> bool:
        return self._octets <= _MOST_OCTETS and len(self._fields) <= _MOST_FIELDS


def _worth_checking(fields: Sequence[Field], claims: Collection[Claim]) -> list[DkimSignature]:
    found: list[DkimSignature] = []
    for field in fields:
        if field[0].strip().lower() != FIELD_NAME or len(found) >= _MOST_SIGNATURES:
            continue
        signature = DkimSignature.read(field)
        if signature is not None and any(
            is_aligned(signature.domain, claim.domain, claim.entry) for claim in claims
        ):
            found.append(signature)
    return found


def _result(key: Future[KeyAnswer], deadline: float) -> KeyAnswer:
    try:
        return key.result(max(0.0, deadline - time.monotonic()))
    except FutureTimeoutError:
        return KeyAnswer(failure="its key has not come in time")
