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
        self._waiting = 0  #: threads that want to hear of changes
        # One step each adds, takes out, and copies, so that no lock is needed for these.
        self._open: set[OpenSession] = set()

    def begin(self) -> OpenSession:
        """Return a session that has just been negotiated."""
        session = OpenSession(self)
        self._open.add(session)
        self._tell()
        return session

    def note(self, session: OpenSession, *, in_message: bool) -> None:
        """Take in what a session tells."""
        if session.in_message is not in_message:
            session.since, session.in_message = self.monotonic(), in_message
            self._tell()

    def forget(self, session: OpenSession) -> None:
        """Take a session out."""
        self._open.discard(session)
        self._tell()

    def _tell(self) -> None:
        """Wake whoever waits; whoever begins to wait after this was asked sees what changed before."""
        if self._waiting:
            with self._changed:
                self._changed.notify_all()

    def __len__(self) -> int:
        """Return how many are open."""
        return len(self._open)

    def wait_for_end(self, patience: Patience) -> LeftOpen:
        """Wait until no session is worth waiting for, and return which are left."""
        end = self.monotonic() + patience.limit
        with self._changed:
            self._waiting += 1
            while (seconds := self._worth_waiting(patience.idle, end)) > 0:
                self._changed.wait(seconds)
            self._waiting -= 1
        left = [session.in_message for session in tuple(self._open)]
        return LeftOpen(sum(left), len(left) - sum(left))

    def _worth_waiting(self, idle: float, end: float) -> float:
        """Return for how long, in seconds, until the answer may be another without an event."""
        now = self.monotonic()
        ends = [
            end if session.in_message else min(end, session.since + idle) for session in tuple(self._open)
        ]
        return max((moment - now for moment in ends), default=0.0)
