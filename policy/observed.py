"""What observers are told: a decision, a delivery, or a session that failed.

Owns: what all three have in common.
"""

from .configuration import LogLevel
from .decision_document import history_item
from .decision_record import DecisionRecord
from .delivery import Delivery, SessionFailure
from .delivery_document import delivery_item, failure_item
from .domain import Entry
from .history_item import Direction, HistoryItem

Observed = DecisionRecord | Delivery | SessionFailure


def direction_of(observed: Observed) -> Direction:
    """Return which way the mail went."""
    return Direction.RECEIVE if isinstance(observed, DecisionRecord) else Direction.SEND


def entries_of(observed: Observed) -> tuple[Entry, ...]:
    """Return the list entries it is about."""
    return observed.entries if isinstance(observed, DecisionRecord) else (observed.entry,)


def item_of(observed: Observed, level: LogLevel) -> HistoryItem:
    """Return what the history keeps of it."""
    match observed:
        case DecisionRecord():
            return history_item(observed, level)
        case Delivery():
            return delivery_item(observed, level)
        case SessionFailure():
            return failure_item(observed, level)
