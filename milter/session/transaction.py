"""What is gathered of one message, within its budget, before it is judged.

Owns: which fields are looked at, and when a message is refused without being judged.
Invariant: whatever a message holds, what is kept of it is bounded, and no method raises.
"""

import logging
from dataclasses import dataclass, field

from domain_secure.milter.knowledge.live_configuration import Live
from domain_secure.milter.reflector.gathering import Gathering
from domain_secure.policy.claims.budget import (
    LEAST_AUTHOR_OCTETS,
    MAXIMUM_AUTHOR_OCTETS,
    MAXIMUM_CLAIMS,
    MAXIMUM_MARK_OCTETS,
    Allowance,
    TooMuchError,
    Unreadable,
)
from domain_secure.policy.claims.claim import Claim
from domain_secure.policy.claims.claims import HEADER_NAMES, header_claims, hides_authors
from domain_secure.policy.configuration.configuration import Condition
from domain_secure.policy.decision.evidence import Session
from domain_secure.policy.decision.exemption import RELAY_CERTIFICATE, is_relay_certificate
from domain_secure.policy.decision.marks import is_forged_mark
from domain_secure.policy.dkim.signed_message import SignedMessage
from domain_secure.policy.terms.event import internal_error

from .macros import MilterFacts

_log = logging.getLogger("domain_secure")

AUTHOR_NAMES = frozenset(name.encode() for name in HEADER_NAMES)
MARK_NAMES = frozenset({b"x-domain-secure", b"authentication-results"})

# Postfix looks for each field from the top: half a million of them, which fit into a message of ordinary
# size, would keep it busy for hours.
MOST_FORGED_MARKS = 100

# Each claim is judged by itself, in some hundredths of a millisecond.
_FEW_CLAIMS = 4


@dataclass(slots=True)
class Transaction:
    """What is gathered of one message; judged by the configuration that was in force at its MAIL."""

    live: Live
    facts: MilterFacts
    exemption: str | None  #: why the client is never refused
    is_trusted_relay: bool
    authserv_id: str
    reverse_path: str = ""  #: as the client wrote it
    claims: set[Claim] = field(default_factory=set)
    forged: list[tuple[str, int]] = field(default_factory=list)
    fault: BaseException | None = None
    unreadable: Unreadable | None = None  #: why nobody but an exempt client may send this message
    signed: SignedMessage | None = (
        None  #: where a signature may decide, and the milter sees the whole message
    )
    sees_message: bool = False  #: whether every header field and the body will be noted
    recipients: int = 0  #: where these are told
    letter: Gathering | None = None  #: where the reflector is a recipient
    session: Session | None = None  #: what both doors agree on, once *has_ended*
    has_ended: bool = False
    _seen: dict[str, int] = field(default_factory=dict)
    _author_octets: int = 0
    _allowance: Allowance = field(default_factory=Allowance)
    _mark_octets: int = 0

    def note_recipient(self, spelling: bytes) -> None:
        """Note a recipient as the client wrote it, with its brackets: is it the reflector?"""
        self.recipients += 1
        if spelling.lower() in self.live.reflector and self.sees_message:
            if self.letter is None:
                self.letter = Gathering()
            self.letter.note_recipient(spelling)

    def note_author(self, name: str, value: bytes) -> None:
        """Note the listed domains that an author header claims, within the budget of a message."""
        self._author_octets += max(len(value), LEAST_AUTHOR_OCTETS)
        if (
            self._author_octets > MAXIMUM_AUTHOR_OCTETS
            or len(self.claims) > MAXIMUM_CLAIMS
            or self.unreadable is Unreadable.TOO_MUCH
        ):
            self.unreadable = Unreadable.TOO_MUCH
            return
        try:
            self.claims |= header_claims(name, value, self.live.configuration.receive, self._allowance)
            if hides_authors(name, value):
                self.unreadable = self.unreadable or Unreadable.UNREADABLE_AUTHOR
        except TooMuchError:
            self.unreadable = Unreadable.TOO_MUCH
        except Exception as error:  # noqa: BLE001 - the end of message defers
            self.fault = error
        if len(self.claims) > MAXIMUM_CLAIMS:
            self.unreadable = Unreadable.TOO_MUCH

    def note_hidden_fields(self, value: bytes) -> None:
        """Note the fields that a reader sees who takes a bare CR in any field for the end of a line."""
        for line in value.replace(b"\r\n", b"\n").split(b"\r")[1:]:
            name, colon, body = line.partition(b":")
            folded = name.strip().lower()
            if not colon:
                continue
            if folded in AUTHOR_NAMES:
                self.note_author(folded.decode("ascii"), body)
            elif folded in MARK_NAMES and self._is_forged(folded.decode("ascii"), body):
                # It can be taken away with the whole of another field only.
                self.unreadable = Unreadable.FORGED_MARKS

    def note_field(self, name: bytes, value: bytes) -> None:
        """Note any header field, with the white space behind its colon."""
        if self.signed is not None:
            self.signed.add_field(name, value)
        if self.letter is not None:
            self.letter.note_field(name, value)

    def begin_body(self) -> None:
        """Note that the header is complete; from here on a message that needs no signature is not kept."""
        if self.letter is not None:
            self.letter.begin_body()
        if self.signed is None:
            return
        partner = self.live.configuration.partner
        claims = [claim for claim in self.claims if Condition.DKIM in partner(claim.entry).require]
        if claims:
            self.signed.begin_body(claims)
        else:
            self.signed = None

    def note_body(self, chunk: bytes) -> bool:
        """Note a part of the body, and tell whether the rest of it is wanted."""
        is_wanted = self.letter is not None and self.letter.note_body(chunk)
        if self.signed is not None:
            self.signed.add_body(chunk)
        return is_wanted or self.signed is not None

    def note_mark(self, name: str, value: bytes) -> None:
        """Note a header that looks like one of our marks, within the budget of a message."""
        folded = name.strip().lower()
        self._seen[folded] = self._seen.get(folded, 0) + 1
        self._mark_octets += len(value)
        if self._mark_octets > MAXIMUM_MARK_OCTETS or len(self.forged) > MOST_FORGED_MARKS:
            self.unreadable = Unreadable.FORGED_MARKS
        elif self._is_forged(name, value):
            self.forged.append((name, self._seen[folded]))

    def _is_forged(self, name: str, value: bytes) -> bool:
        try:
            return is_forged_mark(name, value)
        except Exception as error:  # noqa: BLE001 - what cannot be read is not let through as a mark
            _log.error(internal_error("mark", error))
            return True

    @property
    def is_simple(self) -> bool:
        """Tell whether judging it takes no time that is worth telling, whatever has to be waited for."""
        return (
            len(self.claims) <= _FEW_CLAIMS
            and self.letter is None
            and self.signed is None
            and self.fault is None
        )

    def meet(self, session: Session | None) -> None:
        """Take in, at the end, who the client proved to be: a relay is exempt, and its marks are kept."""
        self.session, self.has_ended = session, True
        configuration = self.live.configuration
        if session and is_relay_certificate((session.certificate_pin, session.public_key_pin), configuration):
            self.exemption = self.exemption or RELAY_CERTIFICATE
            self.is_trusted_relay = True

    @property
    def refusal(self) -> Unreadable | None:
        """Return why the message is refused before anything is judged, or None.

        The marks of a trusted relay are its own, and who is exempt is never refused for what he claims.
        """
        if self.is_trusted_relay:
            return None
        if len(self.forged) > MOST_FORGED_MARKS or self.unreadable is Unreadable.FORGED_MARKS:
            return Unreadable.FORGED_MARKS
        return None if self.exemption is not None else self.unreadable
