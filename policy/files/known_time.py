"""A time that has certainly been, whatever the clock says now.

Owns: the latest time that files of ours and messages bear witness to.
Invariant: it never goes back while the daemon runs.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

_PROGRAM = Path(__file__)  #: as old as the build


class KnownTime:
    """The latest time known; safe from many threads, of which the latest wins."""

    def __init__(self, latest: datetime) -> None:
        self._latest = latest

    @classmethod
    def of_state(cls, state: Path) -> Self:
        """Return the time of the newest file among the program itself and the *state* folder's own.

        Postfix's tables are among them: made anew when the time of a pin is over, they tell that it is.
        """
        files = (*_files(state), *_files(state / "maps"))
        return cls(datetime.fromtimestamp(max(_written(_PROGRAM, *files)), UTC))

    @property
    def latest(self) -> datetime:
        """Return it, as of the last look at the clock."""
        return self._latest

    def after(self, now: datetime) -> datetime:
        """Return the latest time known, with the clock's *now* taken into account."""
        self._latest = max(self._latest, now)
        return self._latest


def _files(folder: Path) -> Iterable[Path]:
    try:
        return [path for path in folder.iterdir() if path.is_file()]
    except OSError:
        return []


def _written(*paths: Path) -> Iterable[float]:
    for path in paths:
        try:
            yield path.stat().st_mtime
        except OSError:
            continue
