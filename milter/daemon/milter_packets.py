"""What was agreed on in a milter session, as a name by which the next process goes on with it.

Source: sd_notify(3), FDNAME.
"""

import hashlib
import re
import struct
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

from domain_secure.milter.session.milter_protocol import NEGOTIATION

_DIGEST = 8
_REMEMBERED = 16  #: each Postfix begins all sessions alike
_NAME = re.compile(rf"session-([0-9a-f]{{{2 * NEGOTIATION}}})-([0-9a-f]{{{2 * (NEGOTIATION + _DIGEST)}}})")


@dataclass(frozen=True, slots=True)
class Negotiated:
    """What both sides said at the beginning of a session."""

    request: bytes
    answer: bytes  #: with a digest in the place of the lists of macros, so that it fits into a name

    @property
    def name(self) -> str:
        """Return it as a name for the service manager's store."""
        return f"session-{self.request.hex()}-{self.answer.hex()}"

    @property
    def steps(self) -> int:
        """Return what is left out in the session: steps, answers, and options (SMFIP in ``mfdef.h``)."""
        (steps,) = struct.unpack("!I", self.answer[NEGOTIATION - 4 : NEGOTIATION])
        return int(steps)

    @classmethod
    def of(cls, name: str) -> Self | None:
        """Return what *name* says, or None where it is not such a name."""
        found = _NAME.fullmatch(name)
        return cls(bytes.fromhex(found[1]), bytes.fromhex(found[2])) if found else None

    @classmethod
    @lru_cache(_REMEMBERED)
    def from_packets(cls, request: bytes, answer: bytes) -> Self:
        """Return what two packets agree on, of which the answer may have lists of macros at its end."""
        return cls(request, answer[:NEGOTIATION] + hashlib.sha256(answer[NEGOTIATION:]).digest()[:_DIGEST])
