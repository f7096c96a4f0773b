"""What every source of log lines gives: lines, and the position to go on from behind them.

Must not know: files, the journal, or what the lines mean.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

Position = Mapping[str, Any]  #: JSON values; only the source that gave it can read it


@dataclass(frozen=True, slots=True)
class Batch:
    """Some lines, in order, without their ends."""

    lines: list[bytes]
    position: Position  #: of the next line
    at_end: bool  #: nothing more was there to be read
    from_before: bool = (
        False  #: what was logged before the first start: to know what is under way, not to count
    )
    lost: str = ""  #: why lines before these may be missing; empty when none are
    odd: int = 0  #: records among them that could not be made into a line
    foreign: int = 0  #: records that were left out: in Postfix's name, by a user who is not Postfix's


class LogSource(Protocol):
    """A log that is being written."""

    def read(self) -> Batch:
        """Return what is there now, perhaps nothing, without waiting for more; raises Problem."""

    def close(self) -> None:
        """Give back what the source holds."""
