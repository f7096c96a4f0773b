"""Is mutual TLS what a partner's server really demands?  Concluded from sessions with different certificates.

Owns: what follows from what was accepted and what was refused.
Must not know: how the sessions were held.
Invariant: that nothing was refused is never taken for a proof: a server may decide at any later command, and
the end of the message is later than all that was said.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum, unique


@unique
class Shown(StrEnum):
    """Which client certificate a session showed."""

    NOTHING = "none"
    OURS = "ours"
    OTHER_NAME = "other-name"
    SELF_SIGNED = "self-signed"


@unique
class Mutual(StrEnum):
    """What the sessions with one server say together."""

    PROVED = "proved"  #: it takes ours, and refused every other
    NOT_REFUSED = "not-refused"  #: it takes ours, and some other as far as the sessions went
    NOT_ASKED = "not-asked"  #: it asks for none, so that it cannot know who sends
    OURS_REFUSED = "ours-refused"
    OURS_NOT_SHOWN = "ours-not-shown"  #: we have none that could be read
    UNKNOWN = "unknown"  #: no TLS session came about, or it cannot be told what the server asked for


@dataclass(frozen=True, slots=True)
class Session:
    """What one session came to."""

    asked: (
        bool | None
    )  #: whether the server asked for a certificate; None: no handshake, or it cannot be told
    refusal: str | None  #: what it said against us, in one clause; None: nothing
    last_step: str  #: the last command that was answered, ``QUIT`` where no more was said


def conclude(sessions: Mapping[Shown, Session]) -> Mutual:
    """Return what the sessions with one server say together."""
    ours = sessions.get(Shown.OURS)
    others = [session for shown, session in sessions.items() if shown is not Shown.OURS]
    if ours is not None and ours.refusal is None and all(session.refusal is not None for session in others):
        return Mutual.PROVED
    if all(session.asked is None for session in sessions.values()):
        return Mutual.UNKNOWN
    if not any(session.asked for session in sessions.values()):
        return Mutual.NOT_ASKED
    if ours is None:
        return Mutual.OURS_NOT_SHOWN
    return Mutual.NOT_REFUSED if ours.refusal is None else Mutual.OURS_REFUSED
