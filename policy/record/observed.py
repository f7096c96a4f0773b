"""What observers are told: a decision, a delivery, or a session that failed.

Owns: what all three have in common.
"""

from domain_secure.policy.configuration.configuration import LogLevel
from domain_secure.policy.sending.delivery import Delivery, SessionFailure
from domain_secure.policy.terms.direction import Direction
from domain_secure.policy.terms.domain import Entry

from .decision_document import history_item
from .decision_record import DecisionRecord
from .delivery_document import delivery_item, failure_item
from .history_item import HistoryItem

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
