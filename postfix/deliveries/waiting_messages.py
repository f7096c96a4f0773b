"""Which messages wait for a listed domain, as the log tells: deferred, and not yet delivered or given up.

Owns: what lets a message wait, and what ends that.
Must not know: where lines come from, or why a message waits.
Invariant: only what the log told is known: a message that waited before the first line does so from its next
attempt on.
Sources: qmgr(8), error(8), retry(8), postsuper(1); postconf(5) maximal_queue_lifetime, maximal_backoff_time.
"""

from collections.abc import Mapping
from typing import Any

from domain_secure.policy.terms.domain import Entry

_MESSAGES = 20_000
_RECIPIENTS = 1000  #: of one message and entry; a further one shows at its next attempt
_LONGEST = 7 * 86400.0  #: seconds without an attempt; mail is returned after five days
# Where lines were lost, the end of a message may be in them, and postsuper(1) does not name what
# it deletes as ALL.  What is still there is tried again after 4000 seconds.
_DOUBTFUL = 1.5 * 3600.0

_WAITS, _ENDS = frozenset({"deferred", "SOFTBOUNCE"}), frozenset({"sent", "bounced", "expired"})


class WaitingMessages:
    """The messages that wait, by queue id and list entry; *document* is what an earlier one gave."""

    def __init__(self, document: dict[str, Any] | None = None) -> None:
        self._messages: dict[str, tuple[float, dict[str, list[str]]]] = {
            queue_id: (last, recipients)
            for queue_id, (last, recipients) in (document or {}).get("messages", {}).items()
        }
        self._doubtful_at: float | None = (document or {}).get("doubtful_at")
        self._counts: dict[Entry, int] | None = None

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._messages)

    def __contains__(self, queue_id: object) -> bool:
        """Tell whether something is known of a message."""
        return queue_id in self._messages

    def concerns(self, queue_id: str, status: str) -> bool:
        """Tell whether a status line of the message lets it wait, or may end that it waits."""
        return status in _WAITS or queue_id in self._messages

    def take(self, queue_id: str, entry: Entry, recipient: str, status: str, time: float) -> None:
        """Take the status line of a recipient, of the *time* in seconds since 1970."""
        if status in _WAITS:
            self._wait(queue_id, entry, recipient, time)
        elif status in _ENDS and queue_id in self._messages:
            self._end(queue_id, entry, recipient)

    def forget(self, queue_id: str) -> None:
        """Take note that the message is in the queue no longer, or under this name no longer."""
        if self._messages.pop(queue_id, None):
            self._counts = None

    def doubt(self, time: float) -> None:
        """Note that messages may have ended before *time* without a line that says so."""
        self._doubtful_at = time

    def prune(self, now: float) -> None:
        """Forget messages that would have been tried again by *now*, were they still there."""
        until = now - _LONGEST
        if self._doubtful_at is not None and now > self._doubtful_at + _DOUBTFUL:
            until, self._doubtful_at = self._doubtful_at, None
        # Those whose last attempt was longest ago come first.
        while self._messages and next(iter(self._messages.values()))[0] < until:
            self.forget(next(iter(self._messages)))

    @property
    def counts(self) -> Mapping[Entry, int]:
        """Return how many messages wait, by list entry; the same object until that changes."""
        if self._counts is None:
            found: dict[Entry, int] = {}
            for _, entries in self._messages.values():
                for entry in entries:
                    found[Entry(entry)] = found.get(Entry(entry), 0) + 1
            self._counts = found
        return self._counts

    def document(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        messages = {queue_id: list(message) for queue_id, message in self._messages.items()}
        return {"messages": messages, "doubtful_at": self._doubtful_at}

    def _wait(self, queue_id: str, entry: Entry, recipient: str, time: float) -> None:
        _, entries = self._messages.pop(queue_id, (time, {}))
        while len(self._messages) >= _MESSAGES:
            self.forget(next(iter(self._messages)))
        if entry not in entries:
            self._counts = None
        recipients = entries.setdefault(entry, [])
        if recipient not in recipients and len(recipients) < _RECIPIENTS:
            recipients.append(recipient)
        self._messages[queue_id] = (time, entries)

    def _end(self, queue_id: str, entry: Entry, recipient: str) -> None:
        entries = self._messages[queue_id][1]
        recipients = entries.get(entry, [])
        if recipient in recipients:
            recipients.remove(recipient)
        if not recipients and entries.pop(entry, None) is not None:
            self._counts = None
        if not entries:
            self.forget(queue_id)
