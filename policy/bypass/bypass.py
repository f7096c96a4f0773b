"""A bypass: for whom, in which direction, how long, who wanted it and why.

Owns: what may be begun and for how long, when one is over, and how many there were.
Must not know: files, clocks, what a bypass does to a message.
Invariants: no bypass lasts longer than `LONGEST` from its first start, whatever is asked for later; none is
over later because somebody has set a clock back.
"""

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from domain_secure.policy.terms.direction import Direction
from domain_secure.policy.terms.domain import Entry
from domain_secure.policy.terms.problems import ExitStatus, Problem

LONGEST = timedelta(hours=24)  #: from the first start, extensions included
QUIET = timedelta(hours=24)  #: after one is over, before there may be another without more ado
LONGEST_REASON = 200  #: letters, of each reason that is given
COUNTED = timedelta(days=30)  #: for which those of a partner are counted wherever one is told of


@dataclass(frozen=True, slots=True)
class Reading:
    """What the clocks say at one moment: the one that people set, and the one that nobody sets.

    *boot* names the start of the machine, *seconds* counts since then, sleep included (CLOCK_BOOTTIME).
    """

    now: datetime  #: aware
    boot: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Account:
    """What was known of the time when somebody looked last.

    *spent* is how many seconds had passed for certain since the start of each bypass, by `Bypass.key`, by the
    clock that had shown most until then.  What a clock showed before a bypass began is none of its time: one
    that went wrong then, and was set right, must not end it.
    """

    boot: str
    seconds: float
    spent: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Bypass:
    """One bypass; times are aware, UTC."""

    entry: Entry  #: of the lists
    directions: tuple[Direction, ...]
    start: datetime
    end: datetime  #: when it is over at the latest
    by: str  #: who wanted it
    reason: str
    boot: str = ""  #: with the next: its start by the clock that nobody sets
    seconds: float = 0.0
    ended_by: str | None = None  #: who ended it before its time

    @property
    def key(self) -> str:
        """Return what tells it from every other one."""
        return f"{self.entry} {self.start.isoformat()}"

    @property
    def duration(self) -> timedelta:
        """Return how long it lasts at most."""
        return self.end - self.start

    @property
    def direction(self) -> str:
        """Return the word for its directions: ``receive``, ``send`` or ``both``."""
        return "both" if len(self.directions) > 1 else str(self.directions[0])

    def covers(self, entry: Entry, direction: Direction, now: datetime) -> bool:
        """Tell whether mail of this direction goes unproved at *now*, as far as the clock can tell."""
        return entry == self.entry and direction in self.directions and self.start <= now < self.end


def passed(bypass: Bypass, account: Account | None, reading: Reading) -> float:
    """Return how many seconds have passed since the start of a bypass, by whichever clock says more.

    A clock that was set back counts no less than it had shown before; where the machine has started again
    since, all of its time since counts, and what an *account* knows of the time before.
    """
    before = account.spent.get(bypass.key) if account else None
    by_clock = (reading.now - bypass.start).total_seconds()
    spent = reading.seconds - bypass.seconds if reading.boot == bypass.boot else reading.seconds
    if spent < 0:
        return math.inf  # that start of the machine has not come so far: nobody began it then
    if account and before is not None:
        since = reading.seconds - account.seconds if reading.boot == account.boot else reading.seconds
        spent = max(spent, before + max(since, 0.0))
    return max(by_clock, spent)


def is_over(bypass: Bypass, account: Account | None, reading: Reading) -> bool:
    """Tell whether a bypass is over, by any clock."""
    return passed(bypass, account, reading) >= bypass.duration.total_seconds()


def noted(bypasses: Iterable[Bypass], account: Account | None, reading: Reading) -> Account:
    """Return the account after another look at the clocks."""
    spent = {one.key: max(passed(one, account, reading), 0.0) for one in bypasses}
    return Account(reading.boot, reading.seconds, spent)


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody asks for."""

    entry: Entry
    directions: tuple[Direction, ...]  #: empty: as before, else both
    duration: timedelta
    by: str
    reason: str
    again: bool = False  #: although another one has just been


def begun(
    wish: Wish,
    present: Collection[Bypass],
    former: Collection[Bypass],
    account: Account | None,
    reading: Reading,
) -> tuple[Bypass, ...]:
    """Return the bypasses in force once a wish is met: a new one, or the one of the partner with a new end.

    *present* are those in force, *former* those that are over.  Raises Problem where it may not be.
    """
    command = f"partner bypass {wish.entry}"
    if not wish.reason.strip():
        raise Problem("a bypass needs a reason", command, 'say why with --reason "…"')
    if not wish.reason.strip().isprintable() or len(wish.reason) > LONGEST_REASON:
        raise Problem(
            "the reason is shown in single lines, also in the log",
            command,
            f"write one line of at most {LONGEST_REASON} letters",
        )
    if wish.duration > LONGEST:
        raise Problem(
            "a bypass lasts 24 h at most", command, "give --for 24h or less; for longer see `partner set`"
        )
    others = tuple(one for one in present if one.entry != wish.entry)
    running = next((one for one in present if one.entry == wish.entry), None)
    if running is not None:
        elapsed = timedelta(seconds=max(passed(running, account, reading), 0.0))
        return (*others, _with_new_end(wish, running, elapsed, command))
    last = max((one.end for one in former if one.entry == wish.entry), default=None)
    if last is not None and reading.now - last < QUIET and not wish.again:
        raise Problem(
            f"the last bypass of {wish.entry} was over at {last:%Y-%m-%d %H:%M} UTC, less than 24 h ago",
            command,
            "find what lasts, see docs/urgent.md; or give --again, which reports name",
            ExitStatus.DIFFERENCE,
        )
    directions = wish.directions or tuple(Direction)
    new = Bypass(
        wish.entry,
        directions,
        reading.now,
        reading.now + wish.duration,
        wish.by,
        wish.reason.strip(),
        reading.boot,
        reading.seconds,
    )
    return (*others, new)


def _with_new_end(wish: Wish, running: Bypass, elapsed: timedelta, command: str) -> Bypass:
    if elapsed + wish.duration > LONGEST:
        left = (LONGEST - elapsed) // timedelta(minutes=1)
        raise Problem(
            f"the bypass of {wish.entry} began at {running.start:%Y-%m-%d %H:%M} UTC, and lasts 24 h at most "
            "from then on",
            command,
            f"give --for {left}m or less" if left > 0 else "let it end, and mend what it is for",
            ExitStatus.DIFFERENCE,
        )
    end = running.start + elapsed + wish.duration
    reason = running.reason if wish.reason.strip() in running.reason else f"{running.reason}; {wish.reason}"
    by = running.by if wish.by in running.by.split(", ") else f"{running.by}, {wish.by}"
    directions = wish.directions or running.directions
    return replace(running, end=end, directions=directions, reason=reason, by=by)


def ended(bypass: Bypass, by: str, reading: Reading) -> Bypass:
    """Return a bypass that somebody ends now: from this moment on it covers nothing."""
    return replace(bypass, end=max(min(bypass.end, reading.now), bypass.start), ended_by=by)


def counted(entry: Entry, bypasses: Iterable[Bypass], now: datetime) -> int:
    """Return how many bypasses of a partner there were in the last 30 days, those in force included."""
    return sum(one.entry == entry and now - one.end < COUNTED for one in bypasses)


def within(
    bypasses: Iterable[Bypass], since: datetime, until: datetime, entry: Entry | None = None
) -> tuple[Bypass, ...]:
    """Return those in force at any time from *since* to before *until*, of one partner or of all."""
    return tuple(
        one
        for one in bypasses
        if one.start < until and one.end > since and entry in {None, one.entry} and one.end > one.start
    )
