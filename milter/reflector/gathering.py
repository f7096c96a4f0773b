"""What is gathered of a message while it arrives, once one of its recipients is the reflector.

Owns: how much of it is kept: a few header fields, the hashes that signatures need, and numbers.
Must not know: what follows from it.
Invariant: memory does not grow with the message, and no method raises for what is in it.
"""

import re

from domain_secure.policy.dkim.signed_message import SignedMessage
from domain_secure.policy.reflector.alignment import signer_claim
from domain_secure.policy.reflector.letter import MOST_OCTETS, NOTED, Letter

_MOST_FIELDS = 500
_MOST_NAME = 100
# A reader may take these for the end of a line, of a field or of a text.
_HIDDEN = re.compile(rb"\r(?!\n)|\n(?![ \t])|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class Gathering:
    """One letter, as far as it has come."""

    def __init__(self) -> None:
        self.signed = SignedMessage()
        self.spellings: list[str] = []  #: of the reflector's address, each as it has to be taken away
        self._fields: dict[str, list[bytes]] = {}
        self._names: set[str] = set()
        self._number = 0
        self._octets = 0
        self._is_broken = False
        self._is_header_complete = False

    def note_recipient(self, spelling: bytes) -> None:
        """Note a recipient that is the reflector, in brackets or not, as the client wrote it."""
        self.spellings.append(spelling.decode("ascii"))

    def note_field(self, name: bytes, body: bytes) -> None:
        """Note a header field, with the white space behind its colon."""
        self._number += 1
        self._octets += len(name) + len(body) + 3
        if self._number > _MOST_FIELDS or self._octets > MOST_OCTETS or len(name) > _MOST_NAME:
            # As large as it need be: it is too large.
            self._octets = max(self._octets, MOST_OCTETS + 1)
            return
        self.signed.add_field(name, body)
        folded = name.strip().lower().decode("latin-1")
        self._names.add(folded)
        self._is_broken = self._is_broken or _HIDDEN.search(body.removesuffix(b"\n")) is not None
        if folded in NOTED:
            self._fields.setdefault(folded, []).append(body.removeprefix(b" "))

    def begin_body(self) -> None:
        """Note that the header is complete."""
        self._is_header_complete = True
        author = self.letter("", 1).author
        self.signed.begin_body([signer_claim(author.domain)] if author else [])

    def note_body(self, chunk: bytes) -> bool:
        """Note a part of the body, and tell whether the rest of it is wanted."""
        self._octets += len(chunk)
        if self._octets > MOST_OCTETS:
            return False
        self.signed.add_body(chunk)
        return True

    def letter(self, reverse_path: str, recipients: int) -> Letter:
        """Return the letter as far as it has come."""
        return Letter(
            reverse_path,
            {name: tuple(bodies) for name, bodies in self._fields.items()},
            frozenset(self._names),
            self._octets,
            recipients,
            is_whole=self._is_header_complete,
            is_broken=self._is_broken,
        )
