"""Why a letter to the reflector is answered or not: one stable word each.

Owns: the words of replies, log lines and metrics, and whether one is for now or for good.
"""

from enum import StrEnum, unique


@unique
class Reason(StrEnum):
    """What decided about a letter, in the order of the questions."""

    NOT_WHOLE = "not-whole"
    TOO_LARGE = "too-large"
    TOO_MANY_RECIPIENTS = "too-many-recipients"
    OWN_RELAY = "own-relay"
    NULL_SENDER = "null-sender"
    AUTOMATIC = "automatic"
    LIST = "list"
    RESENT = "resent"
    UNCLEAR_AUTHOR = "unclear-author"
    UNCLEAR_LETTER = "unclear-letter"
    NOT_ADDRESSED = "not-addressed"
    OLD = "old"
    UNALIGNED = "unaligned"
    UNKNOWN = "unknown"  #: DNS did not say whether it is aligned
    DUPLICATE = "duplicate"
    AUTHOR_LIMIT = "author-limit"
    DOMAIN_LIMIT = "domain-limit"
    CLIENT_LIMIT = "client-limit"
    DAY_LIMIT = "day-limit"
    BUSY = "busy"
    FAULT = "fault"
    ANSWERED = "answered"

    @property
    def is_temporary(self) -> bool:
        """Tell whether the same letter may be answered later."""
        return self in {Reason.UNKNOWN, Reason.DAY_LIMIT, Reason.BUSY, Reason.FAULT}
