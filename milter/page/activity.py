"""What happened lately, in numbers and in bars.

Owns: which numbers are told, in which words, and which of them may be added up.
Must not know: where counts are kept, HTML.
Invariant: messages and sessions are never added to each other; the numbers are those of the bars.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from domain_secure.policy.decision.attribution import Attribution
from domain_secure.policy.history.outcomes import CategoryCount
from domain_secure.policy.history.partner_report import RECEIVED, Category

from .sparkline import Sparkline, sparkline
from .states import State

BARS, BAR = 28, timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of thing that is counted."""

    bar: str | None  #: how it is drawn; None: it is told and not drawn
    is_good: bool
    sign: str
    state: State
    words: str
    one: str = ""  #: the words for one of them, where they differ


_PASSED = Kind("good", True, "●", State.GOOD, "passed")
_LET_IN = Kind("open", True, "▲", State.ATTENTION, "let in unproved")
_FORGERY_LET_IN = Kind("open", True, "◇", State.ATTENTION, "forgeries let in", "forgery let in")
_REFUSED = Kind("bad", False, "✕", State.FAILING, "refused")
_DEFERRED = Kind("bad", False, "✕", State.FAILING, "deferred")
_FORGERY = Kind("hollow", False, "⊘", State.QUIET, "forgeries refused", "forgery refused")
_UNTOLD = Kind("bad", False, "✕", State.ATTENTION, "refused, whose is not known")
_EXEMPT = Kind(None, True, "○", State.QUIET, "exempt")
_SENT = Kind("good", True, "●", State.GOOD, "delivered")
_UNVERIFIED = Kind("bad", False, "✕", State.FAILING, "left unverified")
_POSTPONED = Kind(None, False, "○", State.QUIET, "attempts deferred", "attempt deferred")
_BOUNCED = Kind("hollow", False, "▽", State.QUIET, "returned")
_FAILED = Kind("bad", False, "✕", State.FAILING, "failed sessions", "failed session")
_MESSAGES = (
    *(_PASSED, _LET_IN, _FORGERY_LET_IN, _REFUSED, _DEFERRED, _UNTOLD, _FORGERY, _EXEMPT),
    *(_SENT, _UNVERIFIED, _BOUNCED, _POSTPONED),
)
_BY_CATEGORY = {
    Category.PASSED: _PASSED,
    Category.EXEMPT: _EXEMPT,
    Category.SENT: _SENT,
    Category.UNVERIFIED: _UNVERIFIED,
    Category.POSTPONED: _POSTPONED,
    Category.BOUNCED: _BOUNCED,
    Category.FAILED: _FAILED,
}


@dataclass(frozen=True, slots=True)
class Number:
    """How often one kind of thing happened."""

    kind: Kind
    count: int

    @property
    def words(self) -> str:
        """Return the number with its words."""
        return f"{self.count:,} {(self.count == 1 and self.kind.one) or self.kind.words}"


@dataclass(frozen=True, slots=True)
class Strip:
    """Bars of things that may be added up, and their numbers."""

    numbers: tuple[Number, ...]
    line: Sparkline | None  #: None: nothing of it is drawn

    @property
    def told(self) -> str:
        """Return the numbers in words, for those who do not see the bars."""
        return ", ".join(number.words for number in self.numbers)


@dataclass(slots=True)
class _Sums:
    bars: dict[Kind, list[int]] = field(default_factory=dict)


def first_hour(now: datetime) -> datetime:
    """Return where the bars begin."""
    seconds = BAR.total_seconds()
    return datetime.fromtimestamp((now.timestamp() // seconds - BARS + 1) * seconds, UTC)


def activity(counts: Iterable[CategoryCount], first: datetime) -> dict[tuple[str, str], tuple[Strip, ...]]:
    """Return what happened, by list entry (empty: of all together) and direction."""
    sums: dict[tuple[str, str], _Sums] = {}
    for one in counts:
        direction = "receive" if one.category in RECEIVED else "send"
        found = sums.setdefault((one.entry or "", direction), _Sums())
        bars = found.bars.setdefault(_kind(one), [0] * BARS)
        bars[min(BARS - 1, max(0, int((one.hour - first) / BAR)))] += one.count
    return {key: _strips(found) for key, found in sums.items()}


def _strips(sums: _Sums) -> tuple[Strip, ...]:
    messages = {kind: sums.bars[kind] for kind in _MESSAGES if kind in sums.bars}
    sessions = {_FAILED: sums.bars[_FAILED]} if _FAILED in sums.bars else {}
    return tuple(_strip(one) for one in (messages, sessions) if one)


def _strip(bars: dict[Kind, list[int]]) -> Strip:
    drawn: tuple[dict[str, list[int]], dict[str, list[int]]] = {}, {}
    for kind, numbers in bars.items():
        if kind.bar is not None:
            side = drawn[0 if kind.is_good else 1]
            former = side.setdefault(kind.bar, [0] * BARS)
            side[kind.bar] = [one + other for one, other in zip(former, numbers, strict=True)]
    told = tuple(Number(kind, sum(numbers)) for kind, numbers in bars.items())
    return Strip(told, sparkline(*drawn) if any(drawn) else None)


def _kind(one: CategoryCount) -> Kind:
    if one.category is Category.OBSERVED:
        return _FORGERY_LET_IN if one.attribution is Attribution.STRANGER else _LET_IN
    if one.category in {Category.REFUSED, Category.DEFERRED}:
        if one.attribution is Attribution.STRANGER:
            return _FORGERY
        if one.attribution is None:
            return _UNTOLD
        return _REFUSED if one.category is Category.REFUSED else _DEFERRED
    return _BY_CATEGORY[one.category]
