"""Which way a message goes.

Owns: the two words that lists, log and history share.
"""

from enum import StrEnum, unique


@unique
class Direction(StrEnum):
    """Which way a message went."""

    RECEIVE = "receive"
    SEND = "send"
