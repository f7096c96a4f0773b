"""Which messages were counted already, so that none is counted twice for the same list entry.

Owns: telling two messages with one queue id apart, and forgetting.
Must not know: what is counted, or where lines come from.
Source: Postfix's mail_queue.h: a short queue id is free again as soon as its message is removed.
"""

from typing import Any

# Delivered to a listed domain and still queued for somebody else; others are forgotten when they are removed.
_MESSAGES = 20_000
# What two reckonings of one arrival differ by: the log has whole seconds, and two figures of "delay".
_ARRIVAL_SECONDS = 3.0


class CountedMessages:
    """The messages in the queue of which something was counted; *document* is what an earlier one gave."""

    def __init__(self, document: dict[str, Any] | None = None) -> None:
        # By queue id: arrival in seconds since 1970, entries counted as verified, and as unverified.
        self._messages: dict[str, tuple[float, list[str], list[str]]] = {
            queue_id: (arrival, sent, unverified)
            for queue_id, (arrival, sent, unverified) in (document or {}).items()
        }

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._messages)

    def __contains__(self, queue_id: object) -> bool:
        """Tell whether something is known of a message."""
        return queue_id in self._messages

    def count(self, queue_id: str, arrival: float, entry: str, *, verified: bool) -> bool:
        """Tell whether this is the first of its kind for the message and the entry, and keep that it was.

        A queue id that comes with another arrival is another message's.
        """
        message = self._messages.get(queue_id)
        if message is None or abs(message[0] - arrival) > _ARRIVAL_SECONDS:
            while len(self._messages) >= _MESSAGES:
                del self._messages[next(iter(self._messages))]
            message = self._messages[queue_id] = (arrival, [], [])
        told = message[1] if verified else message[2]
        if entry in told:
            return False
        told.append(entry)
        return True

    def forget(self, queue_id: str) -> None:
        """Take note that the message was removed from the queue."""
        self._messages.pop(queue_id, None)

    def document(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        return {queue_id: list(message) for queue_id, message in self._messages.items()}
