"""The milter sessions that are open, and how long the daemon's end may wait for them.

Owns: what counts as the middle of a message, and when an open session is worth waiting for.
Invariant: a session is in here from its negotiation until it has ended or somebody else goes on with it.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, in seconds: for sessions, and for one in which nothing happens between messages."""

    limit: float
    idle: float


@dataclass(frozen=True, slots=True)
class LeftOpen:
    """What was not waited for: sessions in the middle of a message, and sessions between two."""

    in_message: int
    between: int


class OpenSession:
    """One session, as the callbacks tell of it."""

    def __init__(self, sessions: "OpenSessions") -> None:
        self._sessions = sessions
        self.in_message = False
        self.since = sessions.monotonic()  #: when *in_message* last changed

    def message_began(self) -> None:
        """Note a MAIL event."""
        self._sessions.note(self, in_message=True)

    def message_ended(self) -> None:
        """Note that a message was decided about, or given up by the client."""
        self._sessions.note(self, in_message=False)

    def ended(self) -> None:
        """Note the end of the session; a second time does no harm."""
        self._sessions.forget(self)


class OpenSessions:
    """Counts sessions; *monotonic* returns seconds on a clock that never goes back."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.monotonic = monotonic
        self._changed = threading.Condition()
        self._open: set[OpenSession] = set()

    def begin(self) -> OpenSession:
        """Return a session that has just been negotiated."""
        session = OpenSession(self)
        with self._changed:
            self._open.add(session)
            self._changed.notify_all()
        return session

    def note(self, session: OpenSession, *, in_message: bool) -> None:
        """Take in what a session tells."""
        with self._changed:
            session.in_message, session.since = in_message, self.monotonic()
            self._changed.notify_all()

    def forget(self, session: OpenSession) -> None:
        """Take a session out."""
        with self._changed:
            self._open.discard(session)
            self._changed.notify_all()

    def __len__(self) -> int:
        """Return how many are open."""
        return len(self._open)

    def wait_for_change(self, seconds: float) -> None:
        """Wait until a session tells something, for *seconds* at most."""
        with self._changed:
            self._changed.wait(seconds)

    def wait_for_end(self, patience: Patience) -> LeftOpen:
        """Wait until no session is worth waiting for, and return which are left."""
        end = self.monotonic() + patience.limit
        with self._changed:
            while (seconds := self._worth_waiting(patience.idle, end)) > 0:
                self._changed.wait(seconds)
            in_message = sum(session.in_message for session in self._open)
            return LeftOpen(in_message, len(self._open) - in_message)

    def _worth_waiting(self, idle: float, end: float) -> float:
        """Return for how long, in seconds, until the answer may be another without an event."""
        now = self.monotonic()
        ends = [end if session.in_message else min(end, session.since + idle) for session in self._open]
        return max((moment - now for moment in ends), default=0.0)
